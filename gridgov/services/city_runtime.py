"""A city at work: what the services need of its pack, read once and kept while the process runs."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.geocoder import Geocoder
from geodata.territory import Territory
from gridgov.errors import GridgovError
from gridgov.jobs.model_file import read_model
from gridgov.pack.city import City, load_city
from gridgov.pack.duties import make_city_graph
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.catalogue import PATH_SEPARATOR, Catalogue, make_path_catalogue
from gridgov.rules.classify.classifier import ItemClassifier
from gridgov.rules.constants import Constants
from gridgov.rules.dispatch.book import DispatchBook
from gridgov.rules.dispatch.deadlines import GradeLimit
from gridgov.rules.duties.graph import DutyGraph
from gridgov.services.settings import ServiceSettings
from gridgov.storage.models.city import CityPack
from gridgov.storage.models.orders import Order, Outcome

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
            f"Check the pack, then run: gridgov load {path}"
        )


class UnknownUnitError(GridgovError):
    """A unit that is not in force on the day."""

    def __init__(self, unit_code: str, on: date) -> None:
        self.unit_code, self.on = unit_code, on
        super().__init__(
            f"unit {unit_code!r} is not in force on {on}; expected a unit of the city's table of units"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Desk:
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
        return self.city.make_book(self.city.catalogue or self._make_catalogue(None))

    def _make_catalogue(self, item_code: str | None) -> Catalogue:
        grade = self.constants.text("dispatch.default_grade")
        return make_path_catalogue([item_code] if item_code else [], grade=grade)

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
            found = self._books[item_code] = self.city.make_book(self._make_catalogue(item_code))
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
            return item_code.split(PATH_SEPARATOR)[0]
        return self._tops.get(item_code)

    @cached_property
    def _parents(self) -> dict[str, list[tuple[str, date, date]]]:
        found: dict[str, list[tuple[str, date, date]]] = {}
        columns = ("unit_code", "parent_code", "valid_from", "valid_to")
        rows = zip(*(self.city.units[name] for name in columns), strict=True)
        for code, parent, start, end in rows:
            first = date.min if pd.isna(start) else start.date()
            last = date.max if pd.isna(end) else end.date()
            found.setdefault(code, []).append((parent or "", first, last))
        return found

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
        for parent, start, end in self._parents.get(unit_code, ()):
            if start <= on <= end:
                return parent
        return ""

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


def make_desk(city: City, *, salt: str, classifier: ItemClassifier | None = None) -> Desk:
    """Return the desk of a city that is loaded."""
    return Desk(city=city, salt=salt.encode(), classifier=classifier)


def load_desk(settings: ServiceSettings, session: Session) -> Desk:
    """Return the desk of the city that this database was loaded with.

    Raises
    ------
    GridgovError
        No city was loaded, or its folder is gone.
    PackChangedError
        The pack's files are not those that were loaded.
    CityError
        The pack has errors.
    """
    pack = session.scalars(sa.select(CityPack).order_by(CityPack.id.desc()).limit(1)).first()
    if pack is None:
        raise GridgovError("No city is loaded into this database. Run: gridgov load CITY")
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
    return make_desk(city, salt=settings.salt, classifier=classifier)


def count_open(session: Session) -> dict[str, int]:
    """Return boundary version → open orders that were judged by it, in the order of the versions."""
    query = (
        sa.select(Order.boundary_version, sa.func.count())
        .where(Order.outcome == Outcome.OPEN)
        .group_by(Order.boundary_version)
        .order_by(Order.boundary_version)
    )
    return {row[0]: row[1] for row in session.execute(query)}
