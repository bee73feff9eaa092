"""What dispatch looks up: units, catalogue, names and constants of one city, made ready once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, Catalogue, split_list
from gridgov.rules.constants import Constants
from gridgov.rules.dispatch.deadlines import DEFAULT_GRADES, GradeLimit
from gridgov.rules.dispatch.routes import Route
from gridgov.rules.in_force import Versions, get_in_force, make_versions, to_days

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

_NEVER = -1_000_000
"""Stands for a day that a duty does not name."""


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
    """

    units: pd.DataFrame
    catalogue: Catalogue
    constants: Constants
    streets: pd.DataFrame
    grades: Mapping[str, GradeLimit] = field(default_factory=lambda: dict(DEFAULT_GRADES))
    exception_units: Mapping[str, str] = field(default_factory=dict)
    scene_helpers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scene_duties: pd.DataFrame = field(default_factory=pd.DataFrame)

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
    def _duty_days(self) -> npt.NDArray[np.int64]:
        """Return the days since 1970-01-01 on which another set of helping duties begins, ascending."""
        table = self.scene_duties
        if table.empty:
            return np.zeros(0, dtype=np.int64)
        starts, ends = to_days(table, "valid_from", _NEVER), to_days(table, "valid_to", _NEVER)
        days = np.unique(np.concatenate([starts[starts != _NEVER], ends[ends != _NEVER] + 1]))
        found: npt.NDArray[np.int64] = days
        return found

    @cached_property
    def helpers_by_period(self) -> list[dict[str, frozenset[str]]]:
        """Return scene → units with a helping duty, for each period between changes of the duty list."""
        days = self._duty_days
        first = int(days[0]) - 1 if len(days) else 0
        return [self._find_helpers(day) for day in (first, *map(int, days))]

    def _find_helpers(self, day: int) -> dict[str, frozenset[str]]:
        helpers = {scene: set(units) for scene, units in self.scene_helpers.items()}
        if not self.scene_duties.empty:
            rows = get_in_force(self.scene_duties, date(1970, 1, 1) + timedelta(days=day))
            for scene, unit in zip(rows["scene_code"], rows["unit"], strict=True):
                helpers.setdefault(str(scene), set()).add(str(unit))
        return {scene: frozenset(units) for scene, units in helpers.items()}

    def find_periods(self, days: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return which of :attr:`helpers_by_period` holds on each day since 1970-01-01 (n,)."""
        found: npt.NDArray[np.int64] = np.searchsorted(self._duty_days, days, side="right")
        return found

    @cached_property
    def items(self) -> "ItemTable":
        """Return what dispatch needs of each row of the catalogue."""
        return _make_item_table(self)


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemTable:
    """Columns by catalogue row, with one row more at the end for 'no item' (reached by -1).

    ``route`` has a line for each of ``DispatchBook.helpers_by_period``: shape (periods, rows + 1).
    """

    lead: npt.NDArray[np.object_]
    lead_unit: npt.NDArray[np.int64]
    route: npt.NDArray[np.object_]
    kind: npt.NDArray[np.object_]
    grade: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]


def find_unclear_route(book: DispatchBook, item: Mapping[str, str], *, period: int) -> str:
    """Return which of the four ways an item without a lead takes; '' where that is not asked.

    The catalogue's own ``route`` stands first, then tags that call for supervision, then how many help:
    none is for the first receiver, some for a whistle call, many for the district. Who helps follows from the duty
    list of the `period` (:meth:`DispatchBook.find_periods`).
    """
    if item["route"] not in {"", "direct"}:
        return str(item["route"])
    if item["lead"]:
        return ""
    constants = book.constants
    if set(split_list(item["tags"])) & set(constants.texts("dispatch.supervise_tags")):
        return Route.SUPERVISE
    inside = book.helpers_by_period[period].get(item["scene_code"], ())
    helpers = {*split_list(item["helpers"]), *inside}
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
        route=np.stack(
            [
                column([find_unclear_route(book, row, period=period) for row in rows], "")
                for period in range(len(book.helpers_by_period))
            ]
        ),
        kind=column([row["kind"] for row in rows], ""),
        grade=column([row["grade"] or default_grade for row in rows], default_grade),
        name=column([f"“{row['name']}”" for row in rows], "该事项"),
    )
