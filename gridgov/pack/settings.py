"""Typed settings of a city pack: what ``city.toml`` says, after checking and with defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from geodata.datum import Datum
from gridgov.rules.constants import Constants, make_constants
from gridgov.rules.dispatch.deadlines import DEFAULT_GRADES, GradeLimit
from gridgov.rules.order_labels import Language

SourceKind = Literal["address", "place", "road", "number", "community", "street", "district"]
"""What a row of a gazetteer source is, as the geocoder knows it."""

SOURCE_COLUMNS = (
    "name",
    "address",
    "lon",
    "lat",
    "aliases",
    "street",
    "community",
    "district",
    "number",
    "road",
    "residents",
)
"""What ``[[gazetteer]] columns`` may map; a vector file brings its geometry itself."""

SETTINGS_FILE = "city.toml"


@dataclass(frozen=True, kw_only=True)
class LayerSettings:
    """One vector layer: its file, the columns used, and its datum.

    Parameters
    ----------
    role
        What it is in the pack: ``streets``, ``districts``, ``communities``, ``extent``, ``cells``,
        ``exceptions``, ``base``.
    path
        The file, absolute.
    datum
        Datum of its coordinates; converted once, at reading.
    code, name, district, street, unit, kind, priority, population
        Columns of the file, empty where it has none.
    name_format
        How a name is made from the code (``"Ward {code}"``) where the file has none.
    code_table
        Table with columns ``name, code`` for a file that has names but no codes.
    encoding
        Of text in the file.
    version, valid_from
        Version of the boundaries and its first day.
    """

    role: str
    path: Path
    datum: Datum
    code: str = ""
    name: str = ""
    district: str = ""
    street: str = ""
    unit: str = ""
    kind: str = ""
    priority: str = ""
    population: str = ""
    name_format: str = ""
    code_table: Path | None = None
    encoding: str = "auto"
    crs: str = ""
    version: str = ""
    valid_from: date | None = None


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """One table; ``columns`` maps names of the contract to other names in the file."""

    role: str
    path: Path
    encoding: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GazetteerSettings:
    """One source of named places: a table with lon and lat, or a vector file."""

    path: Path
    datum: Datum
    kind: SourceKind
    columns: Mapping[str, str]
    encoding: str = "auto"
    crs: str = ""


@dataclass(frozen=True, kw_only=True)
class AppealsSettings:
    """How the city's own export is read.

    Parameters
    ----------
    columns
        Column of the contract → column of the export. Beside the contract's own, ``item_group`` (the level
        above ``item_code``) and ``person`` (who; only a salted hash of it is kept).
    patterns
        Column of the contract → regular expression; its first group is the value, no match is missing.
    values
        Column of the contract → value of the export → value of the contract.
    datum, encoding, sheet
        Of the export.
    time_formats
        Forms of ``received_at``, ``contacted_at`` and ``closed_at``, tried in order; none: ISO forms.
    since
        Day on which the hotline began: an earlier time is a fault.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    datum: Datum = Datum.WGS84
    encoding: str = "auto"
    sheet: str = ""
    time_formats: tuple[str, ...] = ()
    since: date = date(1983, 1, 1)
    """China's first mayor's hotline opened in 1983 (Shenyang); a pack says its own day."""


@dataclass(frozen=True, kw_only=True)
class DocumentSettings:
    """The form of the documents that the city signs.

    Parameters
    ----------
    template
        DOCX that an office edits; None: the program's own.
    fonts
        Folder with font files beside those of the system.
    issuer
        Whose documents they are, ``{street}`` and ``{city}`` filled in; empty: the street.
    """

    template: Path | None = None
    fonts: Path | None = None
    issuer: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything ``city.toml`` says."""

    file: Path
    name: str
    timezone: ZoneInfo
    name_en: str = ""
    address_name: str = ""
    """How addresses call the city (``北京市``); addresses that name another city are refused."""
    synthetic: bool = False
    metric_crs: str = ""
    languages: tuple[str, ...] = ("zh-CN", "en")
    layers: Mapping[str, LayerSettings] = field(default_factory=dict)
    tables: Mapping[str, TableSettings] = field(default_factory=dict)
    gazetteer: tuple[GazetteerSettings, ...] = ()
    appeals: AppealsSettings = field(default_factory=AppealsSettings)
    grades: Mapping[str, GradeLimit] = field(default_factory=lambda: dict(DEFAULT_GRADES))
    constants: Constants = field(default_factory=make_constants)
    documents: DocumentSettings = field(default_factory=DocumentSettings)

    @property
    def language(self) -> Language:
        """Return the language of what is written once for everybody: the first of the city's."""
        return "zh" if self.languages[0].startswith("zh") else "en"
