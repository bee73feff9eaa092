"""The running city: what services and pages need of its pack, read once and again after each ``gridgov load``."""

import shlex
import threading
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from geodata.geocoder import Geocoder
from geodata.territory import Territory
from gridgov.errors import GridgovError
from gridgov.jobs.model_file import read_model
from gridgov.pack.city import City, find_settings_file, load_city
from gridgov.pack.duties import make_city_graph
from gridgov.pack.read_settings import read_settings
from gridgov.pack.settings import Settings
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.catalogue import find_catalogue, find_path_top
from gridgov.rules.classify import ItemClassifier
from gridgov.rules.constants import Constants, make_constants
from gridgov.rules.dispatch import DispatchBook, GradeLimit
from gridgov.rules.duties import DutyGraph
from gridgov.services.settings import ServiceSettings
from gridgov.storage.models.city import CityPack
from gridgov.storage.models.orders import Order, Outcome

FACTS_KEPT_S = 30.0
"""How long the city's name is kept before the database is asked for a newer load."""

_NEWEST = (
    sa.select(CityPack)
    .where(CityPack.in_force_from.is_(None))
    .order_by(CityPack.id.desc())
    .limit(1)
)
"""The pack in use: one whose boundaries come into force later waits (``services.load.pack``)."""

BOOKS_KEPT = 4096
"""Books of a city without a catalogue: one for each category of its export that was asked for."""


class PackChangedError(GridgovError):
    """The pack in its folder is not the one that was loaded into the database.

    Attributes
    ----------
    path, loaded, found
        Folder of the pack, hash that was loaded, hash of the files now.
    open_orders
        Boundary version → open orders that were judged by it.
    """

    def __init__(self, path: Path, *, loaded: str, found: str, open_orders: dict[str, int]) -> None:
        self.path, self.loaded, self.found, self.open_orders = path, loaded, found, open_orders
        judged = ", ".join(f"{n} by {version}" for version, n in open_orders.items()) or "none"
        super().__init__(
            f"The city pack {path} has changed since it was loaded (loaded {loaded[:12]}, now {found[:12]}). "
            f"Open orders judged by boundary version: {judged}. They keep theirs. "
            f"Check the pack, then run: gridgov load {shlex.quote(str(path))}"
        )


class NoCityError(GridgovError):
    """No city has been loaded into the database."""

    def __init__(self) -> None:
        super().__init__("There is no city in the database yet. Run: gridgov load CITY")


class UnknownUnitError(GridgovError):
    """A unit that is not in force on the day."""

    def __init__(self, unit_code: str, on: date) -> None:
        self.unit_code, self.on = unit_code, on
        super().__init__(
            f"unit {unit_code!r} is not in force on {on}; expected a unit of the city's table of units"
        )


@dataclass(frozen=True, kw_only=True)
class UnitFacts:
    """Kind of a unit, and the district whose unit it is, empty if the city's or not known."""

    kind: str
    district_code: str


@dataclass(frozen=True, eq=False, kw_only=True)
class CityRuntime:
    """A city with what services ask of it; heavy parts are compiled on first use.

    Parameters
    ----------
    city
        The pack.
    salt
        Under which persons are hashed.
    classifier
        Gives items to appeals that come without one; None: a person chooses.
    """

    city: City
    salt: bytes = field(repr=False)
    classifier: ItemClassifier | None = None

    @property
    def constants(self) -> Constants:
        """Return the city's constants."""
        return self.city.settings.constants

    @property
    def zone(self) -> ZoneInfo:
        """Return the city's time zone."""
        return self.city.settings.timezone

    @property
    def calendar(self) -> WorkCalendar:
        """Return the city's working time."""
        return self.city.calendar

    @property
    def grades(self) -> dict[str, GradeLimit]:
        """Return the limits by grade."""
        return dict(self.city.settings.grades)

    @property
    def territory(self) -> Territory:
        """Return what judges places."""
        return self.city.territory

    @property
    def geocoder(self) -> Geocoder:
        """Return what places addresses; pins that people moved stand above it (``services.pins``)."""
        return self.city.geocoder

    @property
    def boundary_version(self) -> str:
        """Return the version of the boundaries by which orders are judged now."""
        return self.city.boundary_version

    @cached_property
    def desk_code(self) -> str:
        """Return the unit of the hotline's desk."""
        return self.book.find_first("desk")

    @cached_property
    def book(self) -> DispatchBook:
        """Return what dispatch looks up; without a catalogue it knows no items (see :meth:`get_book`)."""
        return self.city.make_book(
            find_catalogue(self.city.catalogue, (), constants=self.constants)
        )

    @cached_property
    def _books(self) -> dict[str, DispatchBook]:
        return {}

    def get_book(self, item_code: str | None) -> DispatchBook:
        """Return the book that knows an item: where the city has no catalogue, its categories are the items."""
        if self.city.catalogue is not None or not item_code:
            return self.book
        found = self._books.get(item_code)
        if found is None:
            if len(self._books) >= BOOKS_KEPT:
                self._books.clear()
            own = find_catalogue(None, [item_code], constants=self.constants)
            found = self._books[item_code] = self.city.make_book(own)
        return found

    @cached_property
    def _tops(self) -> dict[str, str]:
        if self.city.catalogue is None:
            return {}
        codes = self.city.catalogue.items["item_code"].drop_duplicates()
        tops = self.city.catalogue.find_top(codes)
        return {code: top for code, top in zip(codes, tops, strict=True) if isinstance(top, str)}

    def find_level1(self, item_code: str | None) -> str | None:
        """Return the code of an item's level-1 ancestor, None where the item is unknown."""
        if not item_code:
            return None
        if self.city.catalogue is None:
            return find_path_top(item_code)
        return self._tops.get(item_code)

    def find_superiors(self, unit_code: str, on: date) -> tuple[str, ...]:
        """Return the units above a unit on a day, the nearest first; a circle in the table ends the way."""
        above: list[str] = []
        at = unit_code
        while at := self._find_parent(at, on):
            if at in above or at == unit_code:
                break
            above.append(at)
        return tuple(above)

    def _find_parent(self, unit_code: str, on: date) -> str:
        row = self.book.find_unit(unit_code, on)
        return "" if row is None else self.city.units["parent_code"].iloc[row] or ""

    def get_unit(self, unit_code: str, on: date) -> "UnitFacts":
        """Return what rules ask of a unit on a day: the last that was known where it is not in force, else nothing."""
        row = self.book.find_unit(unit_code, on)
        if row is None:
            return UnitFacts(kind=self.book.unit_kinds.get(unit_code, ""), district_code="")
        units = self.city.units
        return UnitFacts(
            kind=str(units["kind"].iloc[row] or ""),
            district_code=str(units["district_code"].iloc[row] or ""),
        )

    def check_unit(self, unit_code: str, on: date) -> str:
        """Return a unit's code.

        Raises
        ------
        UnknownUnitError
            It is not in force on that day.
        """
        if not self.book.is_in_force(unit_code, on):
            raise UnknownUnitError(unit_code, on)
        return unit_code

    def get_day(self, at: datetime) -> date:
        """Return the day of an aware time in the city."""
        return at.astimezone(self.zone).date()

    @cached_property
    def _graphs(self) -> dict[date, DutyGraph]:
        return {}

    def get_duties(self, on: date) -> DutyGraph:
        """Return the duty graph of a day; the last few days asked for are kept."""
        graph = self._graphs.get(on)
        if graph is None:
            if len(self._graphs) >= 8:
                self._graphs.clear()
            graph = self._graphs[on] = make_city_graph(self.city, on)
        return graph


@dataclass(frozen=True, kw_only=True)
class CityFacts:
    """What pages say of the city, known without reading its layers.

    Parameters
    ----------
    pack_id
        Number of the load.
    settings
        What ``city.toml`` says; None where the pack is not at hand.
    """

    name: str
    zone: ZoneInfo
    path: Path
    pack_id: int
    settings: Settings | None

    @property
    def name_en(self) -> str:
        """Return the city's English name, empty where it is not known."""
        return "" if self.settings is None else self.settings.name_en

    @property
    def synthetic(self) -> bool:
        """Tell whether the city is made up; where the pack is not at hand, its name still says what it says."""
        return self.settings is not None and self.settings.synthetic

    @property
    def constants(self) -> Constants:
        """Return the city's constants; the defaults where its pack is not at hand."""
        return make_constants() if self.settings is None else self.settings.constants


@dataclass(kw_only=True)
class RunningCity:
    """The city that a database was loaded with last, shared by all threads of a process.

    Parameters
    ----------
    settings
        From the environment.
    sessions
        For reading.
    """

    settings: ServiceSettings
    sessions: sessionmaker[Session]
    _facts: CityFacts | None = field(init=False, default=None)
    _facts_until: float = field(init=False, default=0.0)
    _runtime: CityRuntime | None = field(init=False, default=None)
    _runtime_of: int = field(init=False, default=0)
    _facts_lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _runtime_lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def get_facts(self) -> CityFacts:
        """Return what is said of the city; the database is asked for a newer load every :data:`FACTS_KEPT_S`.

        Raises
        ------
        NoCityError
            None has been loaded.
        """
        with self._facts_lock:
            if self._facts is None or time.monotonic() > self._facts_until:
                self._facts = self._load_facts(self._facts)
                self._facts_until = time.monotonic() + FACTS_KEPT_S
            return self._facts

    def _load_facts(self, known: CityFacts | None) -> CityFacts:
        with self.sessions() as session:
            pack = session.scalar(_NEWEST)
        if pack is None:
            raise NoCityError
        if known is not None and known.pack_id == pack.id:
            return known
        path = Path(self.settings.city or pack.path)
        return CityFacts(
            name=pack.name,
            zone=ZoneInfo(pack.timezone),
            path=path,
            pack_id=pack.id,
            settings=read_settings(find_settings_file(path))[0] if path.exists() else None,
        )

    def get_runtime(self) -> CityRuntime:
        """Return the city with all that services ask; the first call after a load reads the pack, which takes seconds.

        Raises
        ------
        GridgovError
            As :func:`load_runtime`.
        """
        with self._runtime_lock, self.sessions() as session:
            newest = session.scalar(_NEWEST.with_only_columns(CityPack.id)) or 0
            if self._runtime is None or newest != self._runtime_of:
                self._runtime = load_runtime(self.settings, session)
                self._runtime_of = newest
            return self._runtime


def make_runtime(city: City, *, salt: str, classifier: ItemClassifier | None = None) -> CityRuntime:
    """Return the runtime of a city that is loaded."""
    return CityRuntime(city=city, salt=salt.encode(), classifier=classifier)


def load_runtime(settings: ServiceSettings, session: Session) -> CityRuntime:
    """Return the runtime of the city that this database was loaded with.

    Raises
    ------
    NoCityError
        No city was loaded.
    GridgovError
        Its folder is gone.
    PackChangedError
        The pack's files are not those that were loaded.
    CityError
        The pack has errors.
    """
    pack = session.scalar(_NEWEST)
    if pack is None:
        raise NoCityError
    path = Path(settings.city or pack.path)
    if not path.exists():
        raise GridgovError(
            f"The city pack {path} is not there; set GRIDGOV_CITY to its folder, or run: gridgov load CITY"
        )
    city = load_city(path)
    if city.content_hash != pack.content_hash:
        raise PackChangedError(
            path,
            loaded=pack.content_hash,
            found=city.content_hash,
            open_orders=count_open(session),
        )
    classifier = read_model(Path(settings.model)) if settings.model else None
    return make_runtime(city, salt=settings.salt, classifier=classifier)


def count_open(session: Session) -> dict[str, int]:
    """Return boundary version → open orders that were judged by it, in the order of the versions."""
    query = (
        sa.select(Order.boundary_version, sa.func.count())
        .where(Order.outcome == Outcome.OPEN)
        .group_by(Order.boundary_version)
        .order_by(Order.boundary_version)
    )
    return {row[0]: row[1] for row in session.execute(query)}
