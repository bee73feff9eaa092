"""What dispatch looks up: units, catalogue, names and constants of one city, made ready once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, Catalogue, split_list
from gridgov.rules.constants import Constants
from gridgov.rules.deadlines import DEFAULT_GRADES, GradeLimit
from gridgov.rules.dispatch_table import Route
from gridgov.rules.versions import Versions, make_versions

UNIT_COLUMNS = (
    "unit_code",
    "name",
    "kind",
    "parent_code",
    "district_code",
    "level",
    "valid_from",
    "valid_to",
)
"""One row per unit and version; texts empty, not missing; a street's and a district's unit has its code."""

DESK_NAME = "热线坐席"


@dataclass(frozen=True, eq=False, kw_only=True)
class DispatchBook:
    """Everything about a city that decides who gets an order.

    Parameters
    ----------
    units
        Frame of :data:`UNIT_COLUMNS`, index 0 … n-1; holds at least one unit of kind ``desk``.
    catalogue
        Items in all their versions.
    constants
        Thresholds and words of the section ``dispatch``.
    streets
        Frame indexed by street code with ``name`` and ``district_code``.
    grades
        Limits by grade, for the sentence about time.
    exception_units
        Exception code → unit that handles the area.
    scene_helpers
        Scene → units with a helping duty in it.
    """

    units: pd.DataFrame
    catalogue: Catalogue
    constants: Constants
    streets: pd.DataFrame
    grades: Mapping[str, GradeLimit] = field(default_factory=lambda: dict(DEFAULT_GRADES))
    exception_units: Mapping[str, str] = field(default_factory=dict)
    scene_helpers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def unit_versions(self) -> Versions:
        """Return the look-up of (unit, day) → row of :attr:`units`."""
        return make_versions(self.units, "unit_code")

    @cached_property
    def unit_names(self) -> pd.Series:
        """Return the name of each unit, indexed by code in the order of ``unit_versions.codes``."""
        names = self.units.drop_duplicates("unit_code", keep="last").set_index("unit_code")["name"]
        return names.reindex(self.unit_versions.codes)

    @cached_property
    def unit_kinds(self) -> dict[str, str]:
        """Return the kind of each unit by code."""
        return dict(zip(self.units["unit_code"], self.units["kind"], strict=True))

    def find_first(self, kind: str) -> str:
        """Return the first unit of a kind, empty if the city has none."""
        return self._first_units.get(kind, "")

    @cached_property
    def _first_units(self) -> dict[str, str]:
        first = self.units.drop_duplicates("kind")
        return dict(zip(first["kind"], first["unit_code"], strict=True))

    def is_in_force(self, unit_code: str, on: date) -> bool:
        """Tell whether a unit is in force on a day."""
        spans = self._unit_spans.get(unit_code, ())
        return any(start <= on <= end for start, end in spans)

    @cached_property
    def _unit_spans(self) -> dict[str, list[tuple[date, date]]]:
        spans: dict[str, list[tuple[date, date]]] = {}
        columns = ("unit_code", "valid_from", "valid_to")
        for code, start, end in zip(*(self.units[name] for name in columns), strict=True):
            first = date.min if pd.isna(start) else pd.Timestamp(start).date()
            last = date.max if pd.isna(end) else pd.Timestamp(end).date()
            spans.setdefault(code, []).append((first, last))
        return spans

    @cached_property
    def items(self) -> "ItemTable":
        """Return what dispatch needs of each row of the catalogue."""
        return _make_item_table(self)


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemTable:
    """Columns by catalogue row, with one row more at the end for 'no item' (reached by -1)."""

    lead: npt.NDArray[np.object_]
    lead_unit: npt.NDArray[np.int64]
    route: npt.NDArray[np.object_]
    kind: npt.NDArray[np.object_]
    grade: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]


def find_unclear_route(book: DispatchBook, item: Mapping[str, str]) -> str:
    """Return which of the four ways an item without a lead takes; '' where that is not asked.

    The catalogue's own ``route`` stands first, then tags that call for supervision, then how many help:
    none is for the first receiver, some for a whistle call, many for the district.
    """
    if item["route"] not in {"", "direct"}:
        return str(item["route"])
    if item["lead"]:
        return ""
    constants = book.constants
    if set(split_list(item["tags"])) & set(constants.texts("dispatch.supervise_tags")):
        return Route.SUPERVISE
    helpers = {*split_list(item["helpers"]), *book.scene_helpers.get(item["scene_code"], ())}
    if len(helpers) >= constants.number("dispatch.raise_helpers_min"):
        return Route.RAISE
    if len(helpers) >= constants.number("dispatch.whistle_helpers_min"):
        return Route.WHISTLE
    return Route.FIRST_RECEIVER


def find_lead_kind(book: DispatchBook, lead: str) -> str:
    """Return what leads an item: ``none``, ``@street``, ``@district``, or the kind of the unit."""
    if not lead:
        return "none"
    if lead in {LEAD_STREET, LEAD_DISTRICT}:
        return lead
    return book.unit_kinds.get(lead, "none")


def _make_item_table(book: DispatchBook) -> ItemTable:
    rows = book.catalogue.items.to_dict("records")
    default_grade = book.constants.text("dispatch.default_grade")

    def column(values: list[str], missing: str) -> npt.NDArray[np.object_]:
        return np.array([*values, missing], dtype=object)

    leads = [row["lead"] for row in rows]
    units = book.unit_versions.codes.get_indexer(pd.Index([*leads, ""], dtype=object))
    return ItemTable(
        lead=column([find_lead_kind(book, lead) for lead in leads], ""),
        lead_unit=units.astype(np.int64),
        route=column([find_unclear_route(book, row) for row in rows], ""),
        kind=column([row["kind"] for row in rows], ""),
        grade=column([row["grade"] or default_grade for row in rows], default_grade),
        name=column([f"“{row['name']}”" for row in rows], "该事项"),
    )
