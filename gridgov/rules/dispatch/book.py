"""What dispatch looks up: units, catalogue, names and constants of one city, made ready once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, Catalogue, Item
from gridgov.rules.constants import Constants
from gridgov.rules.dispatch.deadlines import DEFAULT_GRADES, GradeLimit
from gridgov.rules.dispatch.reasons import Texts, load_texts
from gridgov.rules.dispatch.routes import Route
from gridgov.rules.in_force import (
    EPOCH,
    Versions,
    find_change_days,
    get_in_force,
    make_versions,
)
from gridgov.rules.order_labels import Language

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
        Scene → units with a helping duty in it on every day.
    scene_duties
        Helping duties that are in force only for a time: ``scene_code unit valid_from valid_to``.
    language
        What the reasons are said in.
    """

    units: pd.DataFrame
    catalogue: Catalogue
    constants: Constants
    streets: pd.DataFrame
    grades: Mapping[str, GradeLimit] = field(default_factory=lambda: dict(DEFAULT_GRADES))
    exception_units: Mapping[str, str] = field(default_factory=dict)
    scene_helpers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scene_duties: pd.DataFrame = field(default_factory=pd.DataFrame)
    language: Language = "zh"

    @property
    def texts(self) -> Texts:
        """Return the sentences of reasons by key."""
        return load_texts(self.language)

    @cached_property
    def unit_names(self) -> dict[str, str]:
        """Return the name of each unit by code, the latest where it had several."""
        return dict(zip(self.units["unit_code"], self.units["name"], strict=True))

    @cached_property
    def unit_kinds(self) -> dict[str, str]:
        """Return the kind of each unit by code."""
        return dict(zip(self.units["unit_code"], self.units["kind"], strict=True))

    @cached_property
    def street_names(self) -> dict[str, str]:
        """Return the name of each street by code."""
        return _plain(self.streets["name"])

    @cached_property
    def street_districts(self) -> dict[str, str]:
        """Return the district of each street by code."""
        return _plain(self.streets["district_code"])

    @cached_property
    def kind_facts(self) -> dict[str, str]:
        """Return kind of an appeal → the fact it makes true; a kind may be named for both, then it is urgent."""
        asked = dict.fromkeys(self.constants.texts("dispatch.consultation_kinds"), "consultation")
        urgent = dict.fromkeys(self.constants.texts("dispatch.emergency_kinds"), "emergency")
        return asked | urgent

    @cached_property
    def firm_channels(self) -> frozenset[str]:
        """Return the channels that firms use."""
        return frozenset(self.constants.texts("dispatch.firm_channels"))

    @cached_property
    def confidence_min(self) -> float:
        """Return how sure a street must be for no person to look."""
        return self.constants.number("dispatch.confidence_min")

    @cached_property
    def item_confidence_min(self) -> float:
        """Return how sure an item must be for no person to look."""
        return self.constants.number("dispatch.item_confidence_min")

    def find_first(self, kind: str) -> str:
        """Return the first unit of a kind, empty if the city has none."""
        return self._first_units.get(kind, "")

    @cached_property
    def _first_units(self) -> dict[str, str]:
        first = self.units.drop_duplicates("kind")
        return dict(zip(first["kind"], first["unit_code"], strict=True))

    @cached_property
    def _unit_versions(self) -> Versions:
        return make_versions(self.units, "unit_code")

    def find_unit(self, unit_code: str, on: date) -> int | None:
        """Return the row of :attr:`units` of a unit on a day, None where it is not in force."""
        return self._unit_versions.find(unit_code, on.toordinal() - EPOCH)

    def is_in_force(self, unit_code: str, on: date) -> bool:
        """Tell whether a unit is in force on a day."""
        return self.find_unit(unit_code, on) is not None

    @cached_property
    def _change_days(self) -> npt.NDArray[np.int64]:
        return find_change_days(self.units, self.catalogue.items, self.scene_duties)

    def find_periods(self, days: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the period of each day since 1970-01-01 (n,): within one all tables stay as they are."""
        found: npt.NDArray[np.int64] = np.searchsorted(self._change_days, days, side="right")
        return found

    def _first_day(self, period: int) -> int:
        days = self._change_days
        return int(days[period - 1]) if period else int(days[0]) - 1 if len(days) else 0

    def is_in_force_in(self, unit_code: str, period: int) -> bool:
        """Tell whether a unit is in force in a period."""
        return self._unit_versions.find(unit_code, self._first_day(period)) is not None

    def find_item(self, item_code: str, period: int) -> Item | None:
        """Return an item as in force in a period, None where it is not."""
        try:
            return self.catalogue.get(item_code, date.fromordinal(EPOCH + self._first_day(period)))
        except KeyError:
            return None

    def find_helpers(self, scene: str, period: int) -> frozenset[str]:
        """Return the units with a helping duty in a scene in a period."""
        if period not in self._helpers:
            helpers = {name: set(units) for name, units in self.scene_helpers.items()}
            if not self.scene_duties.empty:
                day = date.fromordinal(EPOCH + self._first_day(period))
                rows = get_in_force(self.scene_duties, day)
                for name, unit in zip(rows["scene_code"], rows["unit"], strict=True):
                    helpers.setdefault(str(name), set()).add(str(unit))
            self._helpers[period] = {name: frozenset(units) for name, units in helpers.items()}
        return self._helpers[period].get(scene, frozenset())

    @cached_property
    def _helpers(self) -> dict[int, dict[str, frozenset[str]]]:
        return {}

    @cached_property
    def choices(self) -> dict[Any, Any]:
        """Hold what :mod:`gridgov.rules.dispatch.decision` found for situations seen before."""
        return {}


def _plain(column: pd.Series) -> dict[str, str]:
    known = column.dropna()
    return dict(zip(known.index.tolist(), known.tolist(), strict=True))


def find_unclear_route(book: DispatchBook, item: Item, *, period: int) -> str:
    """Return which of the four ways an item without a lead takes; '' where that is not asked.

    The catalogue's own ``route`` stands first, then tags that call for supervision, then how many help:
    none is for the first receiver, some for a whistle call, many for the district. Who helps follows from the duty
    list of the `period` (:meth:`DispatchBook.find_periods`).
    """
    if item.route not in {"", "direct"}:
        return item.route
    if item.lead:
        return ""
    constants = book.constants
    if set(item.tags) & set(constants.texts("dispatch.supervise_tags")):
        return Route.SUPERVISE
    helpers = {*item.helpers, *book.find_helpers(item.scene_code, period)}
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
