"""Hotspot + duty graph → task: who cures it, in which order, until when, and how one will know."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from gridgov.errors import UnknownEntryError
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.constants import Constants
from gridgov.rules.duties.graph import DutyGraph
from gridgov.rules.whistles.convene import PlannedDuty, WhistlePlan, whistle_for
from planner.frames import HotspotKind
from planner.plans.plan_text import load_words, say
from planner.plans.record import Party, Policy, Stage, StageDuty, Target, Task

WEEKS = 8
"""Weeks after the cure in which the place is watched, and the shortest time a cure is given. Assumed."""

PRESEASON_DAYS = 14
"""A seasonal hotspot is cured so many days before its first month (冬病夏治). Assumed."""

RECENT_MONTHS = 3
"""The level to start from is that of so many last months. Assumed."""

MOST_EVIDENCE = 12
"""Order numbers printed per hotspot; the number of all is beside them."""


@dataclass(frozen=True, kw_only=True)
class TaskRules:
    """What the tasks of a city need beside the hotspot."""

    graph: DutyGraph
    constants: Constants
    calendar: WorkCalendar
    names: Mapping[str, str]
    today: date


def find_whistle(rules: TaskRules, item_code: str, street_code: str) -> WhistlePlan | None:
    """Return whom the street must call; None where the duty list does not know item or street."""
    try:
        return whistle_for(
            rules.graph, item_code, street_code, on_date=rules.today, constants=rules.constants
        )
    except UnknownEntryError:
        return None


def make_task(
    spot: Mapping[str, Any], evidence: pd.DataFrame, rules: TaskRules, *, number: int
) -> Task:
    """Return the task that cures a hotspot.

    Parameters
    ----------
    spot
        A row of the frame of hotspots.
    evidence
        Its orders: ``order_no received_at grade``.
    rules
        Duty list, calendar, constants.
    number
        From 1, within the plan.
    """
    whistle = find_whistle(rules, str(spot["item_code"]), str(spot["street_code"]))
    due_on, basis = _find_due(spot, whistle, rules, evidence)
    newest = evidence.sort_values(["received_at", "order_no"], ascending=False)
    return Task(
        task_no=f"T{number:02d}",
        hotspot_id=str(spot["hotspot_id"]),
        title=_make_title(spot),
        place=str(spot["place"]),
        item_code=str(spot["item_code"]),
        item_name=str(spot["item_name"]),
        lon=float(spot["lon"]),
        lat=float(spot["lat"]),
        radius_m=float(spot["radius_m"]),
        evidence=tuple(newest["order_no"].astype("str").head(MOST_EVIDENCE)),
        n_evidence=len(newest),
        lead=_make_party(whistle.lead, rules) if whistle else None,
        helpers=tuple(_make_party(unit, rules) for unit in whistle.helpers) if whistle else (),
        stages=_make_stages(whistle, rules) if whistle else (),
        duty_codes=tuple(duty.duty_code for duty in whistle.duties) if whistle else (),
        start_on=rules.today.isoformat(),
        due_on=due_on.isoformat(),
        due_basis=basis,
        target=make_target(spot, rules.constants.number("planning.target_share")),
        faults=tuple(fault.text for fault in whistle.faults) if whistle else (),
    )


def make_target(spot: Mapping[str, Any], fall_share: float) -> Target:
    """Return what must be reached: the fall that the city asks for, not below the level of the surroundings.

    Parameters
    ----------
    spot
        A hotspot with ``level`` (orders a month to start from) and ``usual`` (a month at the surroundings' level).
    fall_share
        Share by which the orders must fall at least.
    """
    baseline, usual = float(spot["level"]), float(spot["usual"])
    target = max(math.floor(baseline * (1.0 - fall_share)), math.ceil(usual), 1)
    seasonal = spot["kind"] == HotspotKind.SEASONAL
    low = "target" if usual >= 1 else "target_zero"
    key = "target_season" if seasonal else "target_hold" if baseline <= target else low
    text = say(
        "tasks",
        key,
        weeks=WEEKS,
        item=spot["item_name"],
        baseline=f"{baseline:.1f}",
        target=target,
        usual=f"{usual:.1f}",
        peak=max(spot["series"], default=0),
        months=say_months(str(spot["months"])),
    )
    measure = say("tasks", "measure", cells=spot["n_cells"], weeks=WEEKS)
    return Target(
        baseline_per_month=round(baseline, 2),
        target_per_month=float(target),
        usual_per_month=round(usual, 2),
        weeks=WEEKS,
        text=text,
        measure=measure,
    )


def say_months(months: str) -> str:
    """Return "11;12;1" as people read it."""
    joiner = load_words()["joiners"]["list"]
    return str(joiner).join(
        say("months", "month", month=month) for month in months.split(";") if month
    )


def _make_title(spot: Mapping[str, Any]) -> str:
    """Return what is to be done where."""
    watch = (HotspotKind.FALLING, HotspotKind.ENDED)
    key = (
        "season"
        if spot["kind"] == HotspotKind.SEASONAL
        else "watch"
        if spot["kind"] in watch
        else "title"
    )
    first = str(spot["months"]).split(";")[0]
    months = say_months(first) if first else ""
    return say("tasks", key, place=spot["place"], item=spot["item_name"], months=months)


def _make_party(unit: str, rules: TaskRules) -> Party:
    """Return a unit with its name."""
    return Party(unit_code=unit, name=rules.graph.name_of(unit))


def _make_stages(whistle: WhistlePlan, rules: TaskRules) -> tuple[Stage, ...]:
    """Return who acts first, with what each waits for."""
    duties = {duty.duty_code: duty for duty in whistle.duties}
    return tuple(
        Stage(number=number, duties=tuple(_make_duty(duties[code], rules) for code in codes))
        for number, codes in enumerate(whistle.stages, start=1)
    )


def _make_duty(duty: PlannedDuty, rules: TaskRules) -> StageDuty:
    """Return a duty with the names of its units."""
    units = duty.leads or duty.helpers
    return StageDuty(
        duty_code=duty.duty_code,
        name=duty.name,
        unit_codes=units,
        units=tuple(rules.graph.name_of(unit) for unit in units),
        days=duty.days,
        critical=duty.critical,
        waits_for=duty.waits_for,
        authority=duty.authority,
    )


def _find_due(
    spot: Mapping[str, Any], whistle: WhistlePlan | None, rules: TaskRules, evidence: pd.DataFrame
) -> tuple[date, str]:
    """Return the day until which it can and must be cured, and where it comes from."""
    working = whistle.total_days if whistle else 0.0
    if working > 0:
        due = add_working_days(rules.calendar, rules.today, math.ceil(working))
        basis = say("tasks", "due_duties", days=f"{working:g}")
    else:
        due = rules.today + timedelta(weeks=WEEKS)
        grades = evidence["grade"].dropna()
        grade = str(grades.mode().min()) if len(grades) else ""
        basis = say("tasks", "due_grade", grade=grade, weeks=WEEKS)
    if spot["kind"] != HotspotKind.SEASONAL or not spot["months"]:
        return due, basis
    first = int(str(spot["months"]).split(";")[0])
    before = find_next_month(rules.today, first) - timedelta(days=PRESEASON_DAYS)
    season = say("tasks", "due_season", months=say_months(str(first)), lead_days=PRESEASON_DAYS)
    if before <= rules.today:
        before = date(before.year + 1, before.month, min(before.day, 28))
    return before, season + (load_words()["tasks"]["due_late"] if due > before else "")


def add_working_days(calendar: WorkCalendar, start: date, days: int) -> date:
    """Return the day on which so many working days after `start` are over."""
    if days <= 0:
        return start
    # two years of days per working year asked for: holidays never take more than half
    ahead = np.arange(1, 2 * days + 60) + (start - date(1970, 1, 1)).days
    nth = int(np.searchsorted(np.cumsum(calendar.is_workday(ahead)), days))
    return start + timedelta(days=nth + 1)


def find_next_month(today: date, month: int) -> date:
    """Return the first day of the next such month after `today`."""
    year = today.year + (month <= today.month)
    return date(year, month, 1)


def make_responsibilities(tasks: tuple[Task, ...]) -> tuple[dict[str, Any], ...]:
    """Return the list of responsibilities: one row per unit, its part, its duties, its tasks; leads first."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for task in tasks:
        parties = [("lead", task.lead)] if task.lead else []
        parties += [("helper", party) for party in task.helpers]
        for role, party in parties:
            row = rows.setdefault(
                (party.unit_code, role),
                {
                    "unit_code": party.unit_code,
                    "name": party.name,
                    "role": role,
                    "duties": {},
                    "tasks": [],
                },
            )
            row["tasks"].append(task.task_no)
            row["duties"].update(_find_own(task, party.unit_code))
    ordered = sorted(
        rows.values(), key=lambda row: (row["role"] != "lead", -len(row["tasks"]), row["unit_code"])
    )
    return tuple(
        {
            **row,
            "duties": [{"duty_code": code, "name": name} for code, name in row["duties"].items()],
        }
        for row in ordered
    )


def _find_own(task: Task, unit_code: str) -> dict[str, str]:
    """Return the duties of a task that a unit holds."""
    return {
        duty.duty_code: duty.name
        for stage in task.stages
        for duty in stage.duties
        if unit_code in duty.unit_codes
    }


def make_policies(tasks: tuple[Task, ...], rules: TaskRules) -> tuple[Policy, ...]:
    """Return the list of policies: where duty is unclear, nobody holds it, or the list contradicts itself."""
    rows: dict[str, dict[str, Any]] = {}
    for task in tasks:
        for text in (*_find_gaps(task, rules), *task.faults):
            row = rows.setdefault(
                text,
                {
                    "text": text,
                    "item_code": task.item_code,
                    "item_name": task.item_name,
                    "tasks": [],
                },
            )
            row["tasks"].append(task.task_no)
    return tuple(Policy(**{**row, "tasks": tuple(row["tasks"])}) for row in rows.values())


def _find_gaps(task: Task, rules: TaskRules) -> list[str]:
    """Return what the catalogue leaves open for the item of a task."""
    item = rules.graph.items.get(task.item_code)
    if item is None:
        return []
    gaps = []
    if not item.lead:
        gaps.append(say("policies", "no_lead", item=task.item_name))
    if not item.scene_code and rules.graph.scenes:
        gaps.append(say("policies", "no_scene", item=task.item_name))
    elif item.scene_code and not task.stages:
        gaps.append(say("policies", "no_duties", scene=item.scene_code))
    return gaps
