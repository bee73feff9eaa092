"""Do the tables of a pack fit together? Every fault of every row, none raised one by one."""

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from geodata.problems import Problem
from gridgov.pack.read_tables import Faults, check_numbers, make_hint
from gridgov.pack.settings import Settings
from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, split_list
from gridgov.rules.dispatch.routes import ITEM_ROUTES, UNIT_KINDS
from gridgov.rules.in_force import find_overlaps

UNIT_LEVELS = ("city", "district", "street")
DUTY_ROLES = ("lead", "helper")
HOLIDAY_KINDS = ("holiday", "workday")
MEASURE_KINDS = ("hardware", "service", "rule", "enforcement", "consultation", "publicity")
MEASURE_STATUSES = ("documented", "practice", "assumed", "measured")
_PLACES = frozenset({LEAD_STREET, LEAD_DISTRICT, ""})


@dataclass(frozen=True)
class PackTables:
    """Tables read, by role; absent where the pack has none or it cannot be read."""

    settings: Settings
    frames: Mapping[str, pd.DataFrame]

    def faults(self, role: str) -> Faults:
        """Return an empty list of faults for the file of a table."""
        return Faults(self.settings.tables[role].path)


def check_tables(tables: PackTables) -> list[Problem]:
    """Return everything wrong inside and between the tables of a pack."""
    checks = {
        "units": _check_units,
        "catalogue": _check_catalogue,
        "duties": _check_duties,
        "dependencies": _check_dependencies,
        "holidays": _check_holidays,
        "categories": _check_categories,
        "population": _check_population,
        "kinds": _check_appeal_kinds,
        "measures": _check_measures,
        "capacities": _check_capacities,
    }
    problems: list[Problem] = []
    for role, check in checks.items():
        frame = tables.frames.get(role)
        if frame is not None:
            faults = tables.faults(role)
            check(frame, faults, tables)
            problems.extend(faults.problems)
    return problems


def _check_kinds(values: pd.Series, faults: Faults, known: tuple[str, ...], *, empty: bool) -> None:
    wrong = ~values.isin(known) & ~((values == "") if empty else values.isna())
    wrong &= values != ""
    faults.rows(values, wrong, "is not known", expected=f"one of {', '.join(known)}")


def _check_versions(frame: pd.DataFrame, faults: Faults, code: str) -> None:
    """Note codes that occur twice at the same time, and versions that end before they begin."""
    again = pd.Series(False, index=frame.index)  # noqa: FBT003 - a value, not a switch
    again.iloc[find_overlaps(frame, code)] = True
    faults.rows(
        frame[code],
        again & (frame[code] != ""),
        "occurs twice for the same days",
        expected="each code once, or versions with valid_from and valid_to",
    )
    ends = frame["valid_to"] < frame["valid_from"]
    faults.rows(frame["valid_to"], ends, "is before valid_from", expected="a later day")


def _check_units(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    del tables
    _check_versions(frame, faults, "unit_code")
    _check_kinds(frame["kind"], faults, UNIT_KINDS, empty=False)
    _check_kinds(frame["level"], faults, UNIT_LEVELS, empty=True)
    codes = set(frame["unit_code"])
    unknown = ~frame["parent_code"].isin(codes) & (frame["parent_code"] != "")
    faults.rows(
        frame["parent_code"], unknown, "is no unit of this table", expected="a unit_code or empty"
    )
    tree = nx.DiGraph(zip(frame["unit_code"], frame["parent_code"], strict=True))
    for circle in nx.simple_cycles(tree):
        faults.add(
            "units are each other's parents",
            "a tree",
            field="parent_code",
            value=" → ".join(circle),
        )
    spaces = frame["unit_code"].str.contains(r"[\s;；@]", regex=True)
    faults.rows(frame["unit_code"], spaces, "holds a blank, ';' or '@'", expected="a plain code")


def _check_unit_names(values: pd.Series, faults: Faults, tables: PackTables, *, many: bool) -> None:
    """Note values that are neither a unit, nor ``@street``, ``@district`` or empty."""
    units = tables.frames.get("units")
    if units is None:
        if "units" not in tables.settings.tables:
            named = ~values.isin(_PLACES)
            faults.rows(
                values, named, "names a unit, but the pack has no units", expected="[tables.units]"
            )
        return
    known = set(units["unit_code"])
    unknown = {
        text: [
            part for part in (split_list(text) if many else (text,)) if part not in known | _PLACES
        ]
        for text in values.unique()
    }
    bad = values.map(lambda text: bool(unknown[text]))
    hint = make_hint(known, "a unit_code, @street, @district or empty; ")
    faults.rows(values, bad, "is no unit", expected=lambda text: hint(unknown[text][0]))


def _check_catalogue(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    _check_versions(frame, faults, "item_code")
    _check_kinds(frame["level"], faults, ("1", "2", "3"), empty=False)
    level = pd.to_numeric(frame["level"], errors="coerce")
    levels = dict(zip(frame["item_code"], level, strict=True))
    parent = frame["parent_code"].map(levels)
    orphan = (frame["parent_code"] != "") & parent.isna()
    faults.rows(frame["parent_code"], orphan, "is no item of this table", expected="an item_code")
    faults.rows(
        frame["parent_code"],
        (level > 1) & (frame["parent_code"] == ""),
        "is empty",
        expected="the item above",
    )
    skewed = parent.notna() & (parent != level - 1)
    faults.rows(
        frame["parent_code"], skewed, "is not of the level above", expected="an item one level up"
    )
    grades = tuple(tables.settings.grades)
    _check_kinds(frame["grade"], faults, grades, empty=True)
    _check_kinds(frame["route"], faults, tuple(sorted(filter(None, ITEM_ROUTES))), empty=True)
    _check_unit_names(frame["lead"], faults, tables, many=False)
    _check_unit_names(frame["helpers"], faults, tables, many=True)


def _check_duties(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    _check_kinds(frame["role"], faults, DUTY_ROLES, empty=False)
    days = pd.to_numeric(frame["days"], errors="coerce")
    wrong = (frame["days"] != "") & ~(days >= 0)
    faults.rows(
        frame["days"], wrong, "is not a number of days", expected="a number from 0 on, or empty"
    )
    _check_days_agree(frame, faults)
    units = tables.frames.get("units")
    if units is not None:
        # A warning, and for lists not in force today the only one: the duty graph tells of the others by duty.
        unknown = ~frame["unit"].isin({*units["unit_code"], LEAD_STREET, LEAD_DISTRICT})
        faults.rows(
            frame["unit"],
            unknown,
            "is no unit",
            expected="a unit_code, @street or @district",
            severity="warning",
        )


def _check_days_agree(frame: pd.DataFrame, faults: Faults) -> None:
    """Note a duty of a unit that stands twice at the same time with other days: one of the two is wrong."""
    keys = frame[["scene_code", "duty_code", "unit", "role"]].agg("\0".join, axis=1)
    days = frame["days"].groupby(keys)
    twice = pd.Series(data=False, index=frame.index)
    twice.iloc[find_overlaps(frame.assign(key=keys), "key")] = True
    said = days.transform(lambda one: " and ".join(dict.fromkeys(day or "no" for day in one)))
    rows = twice & (days.transform("nunique") > 1)
    for text in dict.fromkeys(said[rows]):
        problem = f"stands twice for this unit and role, with {text} days"
        faults.rows(
            frame["duty_code"], rows & (said == text), problem, expected="each duty of a unit once"
        )


def _check_dependencies(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    duties = tables.frames.get("duties")
    if duties is None:
        if "duties" not in tables.settings.tables:
            faults.add("names duties, but the pack has no duties", "[tables.duties]")
        return
    known = set(duties["duty_code"])
    for name in ("before_duty", "after_duty"):
        unknown = ~frame[name].isin(known) & (frame[name] != "")
        faults.rows(frame[name], unknown, "is no duty of the pack", expected="a duty_code")
    itself = (frame["before_duty"] == frame["after_duty"]) & (frame["before_duty"] != "")
    faults.rows(frame["after_duty"], itself, "waits for itself", expected="another duty")


def _check_holidays(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    del tables
    _check_kinds(frame["kind"], faults, HOLIDAY_KINDS, empty=False)
    again = frame["date"].duplicated() & frame["date"].notna()
    faults.rows(
        frame["date"].dt.strftime("%Y-%m-%d"), again, "occurs twice", expected="each day once"
    )


def _check_categories(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    again = frame["value"].duplicated() & (frame["value"] != "")
    faults.rows(frame["value"], again, "occurs twice", expected="each value once")
    catalogue = tables.frames.get("catalogue")
    if catalogue is not None:
        known = set(catalogue["item_code"])
        unknown = ~frame["item_code"].isin(known) & (frame["item_code"] != "")
        faults.rows(
            frame["item_code"], unknown, "is no item of the catalogue", expected="an item_code"
        )
    elif "catalogue" not in tables.settings.tables:
        faults.add("names items, but the pack has no catalogue", "[tables.catalogue]")


def _check_appeal_kinds(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    del tables
    _check_kinds(frame["counts_as_problem"], faults, ("true", "false"), empty=False)
    again = frame["kind"].duplicated() & (frame["kind"] != "")
    faults.rows(frame["kind"], again, "occurs twice", expected="each kind once")


def _check_measures(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    _check_kinds(frame["kind"], faults, MEASURE_KINDS, empty=False)
    _check_kinds(frame["status"], faults, MEASURE_STATUSES, empty=False)
    again = frame["measure_code"].duplicated() & (frame["measure_code"] != "")
    faults.rows(frame["measure_code"], again, "occurs twice", expected="each measure once")
    for name in ("days", "cost_low", "cost_high", "effect", "effect_low", "effect_high"):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        wrong = (frame[name] != "") & ~np.isfinite(numbers)
        if name in {"days", "cost_low", "cost_high"}:
            wrong |= numbers < 0
        faults.rows(frame[name], wrong, "is not such a number", expected="a number or nothing")
    for low, high in (("cost_low", "cost_high"), ("effect_low", "effect_high")):
        turned = pd.to_numeric(frame[low], errors="coerce") > pd.to_numeric(
            frame[high], errors="coerce"
        )
        faults.rows(frame[low], turned, f"is above {high}", expected=f"at most {high}")
    both = (frame["scene_code"] != "") & (frame["item_code"] != "")
    faults.rows(
        frame["item_code"],
        both,
        "stands beside a scene_code",
        expected="a scene_code or an item_code: whichever the measure is for",
    )
    catalogue = tables.frames.get("catalogue")
    if catalogue is not None:
        strange = ~frame["item_code"].isin(set(catalogue["item_code"])) & (frame["item_code"] != "")
        faults.rows(
            frame["item_code"],
            strange,
            "is no item of the catalogue",
            expected="an item_code of any level, or nothing",
        )
    duties = tables.frames.get("duties")
    if duties is not None:
        unknown = ~frame["scene_code"].isin(set(duties["scene_code"])) & (frame["scene_code"] != "")
        faults.rows(
            frame["scene_code"], unknown, "is no scene of the duties", expected="a scene_code"
        )


def _check_capacities(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    """Note months that are none, capacities below 0, a unit and month that stand twice, and units that are none."""
    is_month = frame["month"].str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])").fillna(value=False)
    faults.rows(frame["month"], ~is_month, "is not a month", expected="a month like 2026-01")
    numbers = pd.to_numeric(frame["capacity"], errors="coerce")
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    faults.rows(frame["capacity"], wrong, "is no number of tasks", expected="a number from 0 on")
    again = frame.duplicated(["unit_code", "month"])
    faults.rows(frame["month"], again, "occurs twice for its unit", expected="each month once")
    units = tables.frames.get("units")
    if units is not None:
        unknown = ~frame["unit_code"].isin(set(units["unit_code"]))
        faults.rows(frame["unit_code"], unknown, "is no unit", expected="a unit_code")


def _check_population(frame: pd.DataFrame, faults: Faults, tables: PackTables) -> None:
    _check_versions(frame, faults, "street_code")
    check_numbers(frame["population"], faults)
    units = tables.frames.get("units")
    if units is not None:
        streets = set(units.loc[units["kind"] == "street", "unit_code"])
        unknown = ~frame["street_code"].isin(streets) & (frame["street_code"] != "")
        faults.rows(
            frame["street_code"],
            unknown,
            "is no street of the units",
            expected="the code of a street",
            severity="warning",
        )
