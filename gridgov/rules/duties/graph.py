"""The duty graph: scenes, duties, units, what waits for what, who stands above whom, on a day.

Duties are nodes of a directed graph, an edge leads from a duty to one that waits for it. A duty names its
units by code or by ``@street`` and ``@district``, which a place turns into units. Tables are versioned
(DOMAIN.md section 6: five batches); a graph holds what is in force on its day and can be asked for another.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import networkx as nx
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, split_list
from gridgov.rules.duties.cycles import Links
from gridgov.rules.in_force import get_in_force

UNIT_COLUMNS = ("unit_code", "name", "kind", "parent_code", "district_code", "level", "area_code")
"""``area_code``, optional: the street or district a unit answers for, where it is not the unit's code."""
ITEM_COLUMNS = ("item_code", "level", "name", "grade", "lead", "helpers", "scene_code")
DUTY_COLUMNS = (
    "duty_code",
    "scene_code",
    "scene_name",
    "name",
    "unit",
    "role",
    "days",
    "authority",
    "batch",
)
ROLES = frozenset({"lead", "helper"})
DEPENDENCY_COLUMNS = ("before_duty", "after_duty", "reason")

PLACE_UNITS: Mapping[str, str] = {LEAD_STREET: "属地街道（乡镇）", LEAD_DISTRICT: "属地区政府"}
"""Units that only a place makes known, with the name people give them."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A street, district, department, enterprise, platform, desk or joint body."""

    unit_code: str
    name: str
    kind: str
    parent_code: str
    district_code: str
    level: str
    area_code: str


@dataclass(frozen=True, kw_only=True)
class DutyItem:
    """What the duty graph needs of an item of the catalogue."""

    item_code: str
    level: str
    name: str
    grade: str
    lead: str
    helpers: tuple[str, ...]
    scene_code: str


@dataclass(frozen=True, kw_only=True)
class Duty:
    """One duty with everything its rows say.

    Parameters
    ----------
    duty_code, name, authority
        As in the list.
    scenes
        Scene codes of its rows; more than one is a fault.
    leads, helpers
        Units in force or :data:`PLACE_UNITS`, in the order of the list.
    lost
        Units named that do not exist or are out of force.
    days
        Working time in days, NaN where the list has no number of 0 or more.
    batches
        Batches of its rows, sorted; more than one is a fault.
    strange_roles
        Roles of its rows that are none of :data:`ROLES`; such a unit counts as a lead.
    rows
        Positions of its rows in the table of duties.
    """

    duty_code: str
    name: str
    authority: str
    scenes: tuple[str, ...]
    leads: tuple[str, ...]
    helpers: tuple[str, ...]
    lost: tuple[str, ...]
    days: float
    batches: tuple[str, ...]
    strange_roles: tuple[str, ...]
    rows: tuple[int, ...]

    @property
    def holders(self) -> tuple[str, ...]:
        """Return leads and helpers, each once."""
        return tuple(dict.fromkeys((*self.leads, *self.helpers)))

    @property
    def known_days(self) -> float:
        """Return the days, 0 where they are not known."""
        return 0.0 if math.isnan(self.days) else self.days


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A problem in a setting, to which duties attach."""

    scene_code: str
    name: str
    duties: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DutyTables:
    """The four tables of a pack in one shape: text without missing values, dates, index 0 … n-1."""

    units: pd.DataFrame
    catalogue: pd.DataFrame
    duties: pd.DataFrame
    dependencies: pd.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class DutyGraph:
    """Everything the duty list says on a day.

    Parameters
    ----------
    tables
        What the graph was made from, all versions.
    on_date
        The day.
    first_day, last_day
        Days between which nothing in the tables changes, both included.
    units, duties, scenes, items
        What is in force, by code, in the order of the tables.
    retired
        Codes of units that exist on other days only.
    graph
        Duty → duty that waits for it, with ``reason``; only duties that exist.
    dangling
        Positions of dependencies that name a duty that does not exist.
    known
        Graphs of the other versions made so far, shared by all of them: a list has a handful of versions,
        and the same day always gives the same graph.
    """

    tables: DutyTables
    on_date: date
    first_day: date
    last_day: date
    units: Mapping[str, Unit]
    retired: frozenset[str]
    duties: Mapping[str, Duty]
    scenes: Mapping[str, Scene]
    items: Mapping[str, DutyItem]
    graph: Links
    dangling: tuple[int, ...]
    known: "list[DutyGraph]" = field(default_factory=list, repr=False)

    def at(self, on_date: date) -> "DutyGraph":
        """Return the graph of another day; the same one where nothing changed in between."""
        for graph in (self, *self.known):
            if graph.first_day <= on_date <= graph.last_day:
                return graph
        made = replace(_make_graph(self.tables, on_date), known=self.known)
        self.known.extend([made] if self in self.known else [self, made])
        return made

    @cached_property
    def areas(self) -> Mapping[tuple[str, str], str]:
        """Return (kind, street or district code) → unit that answers for the area."""
        kinds = {"street", "district"}
        own = {(u.kind, u.area_code or c): c for c, u in self.units.items() if u.kind in kinds}
        named = {
            (u.kind, u.district_code): c for c, u in self.units.items() if u.kind == "district"
        }
        return {**named, **own}

    def resolve(self, unit: str, street: Unit) -> str:
        """Return the unit that `unit` means in a street: empty where the street has no district's unit."""
        if unit == LEAD_STREET:
            return street.unit_code
        if unit == LEAD_DISTRICT:
            return self.areas.get(("district", street.district_code), "")
        return unit

    def name_of(self, unit: str) -> str:
        """Return the name of a unit as people read it, the code itself where it is unknown."""
        if unit in self.units:
            return self.units[unit].name
        return PLACE_UNITS.get(unit, unit)

    def find_superiors(self, unit: str) -> list[str]:
        """Return a unit and those above it, lowest first; a circle of parents ends the list."""
        line: list[str] = []
        while unit in self.units and unit not in line:
            line.append(unit)
            unit = self.units[unit].parent_code
        return line


def make_duty_graph(
    units: pd.DataFrame,
    catalogue: pd.DataFrame,
    duties: pd.DataFrame,
    *,
    dependencies: pd.DataFrame,
    on_date: date,
) -> DutyGraph:
    """Return the duty graph of a day.

    Parameters
    ----------
    units, catalogue, duties, dependencies
        Tables of a pack as in ``docs/architecture.md``; missing columns count as empty.
    on_date
        Rows in force on this day are used (``valid_from`` and ``valid_to`` are both included).
    """
    tables = DutyTables(
        units=_tidy(units, UNIT_COLUMNS),
        catalogue=_tidy(catalogue, ITEM_COLUMNS),
        duties=_tidy(duties, DUTY_COLUMNS),
        dependencies=_tidy(dependencies, DEPENDENCY_COLUMNS),
    )
    return _make_graph(tables, on_date)


def _tidy(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return text columns without missing values and two columns of dates, index 0 … n-1."""
    names = list(columns)
    frame = table.reindex(columns=[*names, "valid_from", "valid_to"]).reset_index(drop=True)
    for name in names:
        frame[name] = frame[name].astype("str").fillna("").str.strip()
    for name in ("valid_from", "valid_to"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601", errors="coerce").astype(
            "datetime64[us]"
        )
    return frame


def _make_graph(tables: DutyTables, on_date: date) -> DutyGraph:
    first_day, last_day = _find_span(tables, on_date)
    units = _make_units(get_in_force(tables.units, on_date))
    duties = _make_duties(get_in_force(tables.duties, on_date), units)
    graph, dangling = _make_edges(get_in_force(tables.dependencies, on_date), duties)
    return DutyGraph(
        tables=tables,
        on_date=on_date,
        first_day=first_day,
        last_day=last_day,
        units=units,
        retired=frozenset(tables.units["unit_code"]) - units.keys(),
        duties=duties,
        scenes=_make_scenes(get_in_force(tables.duties, on_date)),
        items=_make_items(get_in_force(tables.catalogue, on_date)),
        graph=graph,
        dangling=dangling,
    )


def _find_span(tables: DutyTables, on_date: date) -> tuple[date, date]:
    """Return the first and last day around `on_date` on which the same rows are in force."""
    frames = (tables.units, tables.catalogue, tables.duties, tables.dependencies)
    starts = {d.date() for f in frames for d in f["valid_from"].dropna().unique()}
    ends = {d.date() for f in frames for d in f["valid_to"].dropna().unique()}
    changes = starts | {d + timedelta(days=1) for d in ends if d < date.max}
    first = max((d for d in changes if d <= on_date), default=date.min)
    after = min((d for d in changes if d > on_date), default=None)
    return first, date.max if after is None else after - timedelta(days=1)


def _make_units(table: pd.DataFrame) -> dict[str, Unit]:
    rows = table[list(UNIT_COLUMNS)].itertuples(index=False, name=None)
    return {row[0]: Unit(**dict(zip(UNIT_COLUMNS, row, strict=True))) for row in rows}


def _make_items(table: pd.DataFrame) -> dict[str, DutyItem]:
    rows = table[list(ITEM_COLUMNS)].itertuples(index=False, name=None)
    made = (dict(zip(ITEM_COLUMNS, row, strict=True)) for row in rows)
    return {
        row["item_code"]: DutyItem(**{**row, "helpers": split_list(row["helpers"])}) for row in made
    }


def _make_scenes(table: pd.DataFrame) -> dict[str, Scene]:
    names: dict[str, str] = {}
    duties: dict[str, dict[str, None]] = {}
    columns = [table[name] for name in ("scene_code", "scene_name", "duty_code")]
    for scene, name, duty in zip(*columns, strict=True):
        names[scene] = names.get(scene) or name
        duties.setdefault(scene, {})[duty] = None
    return {
        code: Scene(scene_code=code, name=names[code] or code, duties=tuple(found))
        for code, found in duties.items()
    }


def _make_duties(table: pd.DataFrame, units: Mapping[str, Unit]) -> dict[str, Duty]:
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    values = table[list(DUTY_COLUMNS)].itertuples(index=True, name=None)
    for position, *row in values:
        made = dict(zip(DUTY_COLUMNS, row, strict=True))
        rows.setdefault(made["duty_code"], []).append((position, made))
    return {code: _make_duty(code, found, units) for code, found in rows.items()}


def _make_duty(
    code: str, rows: list[tuple[int, dict[str, str]]], units: Mapping[str, Unit]
) -> Duty:
    named = [(row["unit"], row["role"]) for _, row in rows if row["unit"]]
    usable = [(u, role) for u, role in named if u in units or u in PLACE_UNITS]
    return Duty(
        duty_code=code,
        name=next((row["name"] for _, row in rows if row["name"]), code),
        authority=next((row["authority"] for _, row in rows if row["authority"]), ""),
        scenes=tuple(dict.fromkeys(row["scene_code"] for _, row in rows)),
        leads=tuple(dict.fromkeys(u for u, role in usable if role != "helper")),
        helpers=tuple(dict.fromkeys(u for u, role in usable if role == "helper")),
        lost=tuple(dict.fromkeys(u for u, _ in named if u not in units and u not in PLACE_UNITS)),
        days=_read_days(row["days"] for _, row in rows),
        batches=tuple(sorted({row["batch"] for _, row in rows if row["batch"]})),
        strange_roles=tuple(sorted({row["role"] for _, row in rows} - ROLES)),
        rows=tuple(position for position, _ in rows),
    )


def _read_days(texts: Iterable[str]) -> float:
    """Return the longest of the rows' days, NaN where one is not a number from 0 on."""
    days = [_read_number(text) for text in texts]
    return max(days) if all(day >= 0 for day in days) else math.nan


def _read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _make_edges(table: pd.DataFrame, duties: Mapping[str, Duty]) -> tuple[Links, tuple[int, ...]]:
    graph: Links = nx.DiGraph()
    graph.add_nodes_from(duties)
    dangling = []
    values = table[list(DEPENDENCY_COLUMNS)].itertuples(index=True, name=None)
    for position, before, after, reason in values:
        if before in duties and after in duties:
            graph.add_edge(before, after, reason=reason, row=position)
        else:
            dangling.append(position)
    return graph, tuple(dangling)
