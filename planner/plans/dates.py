"""Dates of a task: which stage when, from the duties' own chain and the measures' durations, in working days."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.whistles.convene import PlannedDuty
from planner.plans.plan_text import say
from planner.plans.record import Stage, StageDuty, TaskMeasure

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class StageDays:
    """Working days of what no list dates, and who is told of."""

    verify: int
    consultation: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Stages of a task before they are dated.

    Parameters
    ----------
    stages
        In order; ``days`` working days each.
    offsets
        Working days after the start of the task at which each begins and ends.
    total_days
        Working days from start to end.
    basis
        Where the length comes from, readable.
    """

    stages: tuple[Stage, ...]
    offsets: tuple[tuple[float, float], ...]
    total_days: float
    basis: str


def make_chain(
    duties: Sequence[tuple[PlannedDuty, StageDuty]],
    measures: Sequence[TaskMeasure],
    days: StageDays,
    *,
    consultation: str,
    firms: str,
) -> Chain:
    """Return the stages of a task.

    First the place is looked at and all meet; then residents are consulted where the scene asks for it; then the duties
    in their own order (critical path), then the measures side by side; firms join from the start of the measures.

    Parameters
    ----------
    duties
        Duties with their earliest times, and as the plan shows them; empty where the list has none.
    measures
        Of the task; one without a duration leaves the length to an assumption, which is told.
    days
        What no list says.
    consultation, firms
        What is told of the two; empty for none.
    """
    parts: list[tuple[Stage, float, float]] = []
    at = 0.0

    def add(kind: str, length: float, basis: str, shown: tuple[StageDuty, ...] = ()) -> None:
        nonlocal at
        stage = Stage(
            number=len(parts) + 1,
            kind=kind,
            name=say("stages", kind),
            days=length,
            basis=basis,
            duties=shown,
        )
        parts.append((stage, at, at + length))
        at += length

    add("verify", days.verify, say("stages", "assumed"))
    if consultation:
        add("consult", days.consultation, consultation)
    first = at
    for number in sorted({planned.stage for planned, _ in duties}):
        group = [(planned, shown) for planned, shown in duties if planned.stage == number]
        start = first + min(planned.starts_day for planned, _ in group)
        end = first + max(planned.ends_day for planned, _ in group)
        stage = Stage(
            number=len(parts) + 1,
            kind="duties",
            name=say("stages", "duties", number=number),
            days=round(end - start, 2),
            basis=say("stages", "list"),
            duties=tuple(shown for _, shown in group),
        )
        parts.append((stage, start, end))
        at = max(at, end)
    told = [one.days for one in measures if one.days is not None]
    unknown = [one.name for one in measures if one.days is None]
    if told:
        add("measure", max(told), say("stages", "library"))
    elif measures or not duties or at <= first:
        add("measure", days.unknown, say("stages", "assumed"))
    if firms:
        stage, start, end = parts[-1]
        parts.append(
            (
                Stage(
                    number=len(parts) + 1,
                    kind="firms",
                    name=say("stages", "firms"),
                    days=stage.days,
                    basis=firms,
                ),
                start,
                end,
            )
        )
    basis = say("tasks", "due_chain", days=f"{at:g}")
    if unknown:
        names = say_list(unknown)
        basis += say("tasks", "due_no_duration", measures=names, days=days.unknown)
    elif not told and not duties:
        basis += say("tasks", "due_unknown", days=days.unknown)
    return Chain(
        stages=tuple(stage for stage, _, _ in parts),
        offsets=tuple((start, end) for _, start, end in parts),
        total_days=at,
        basis=basis,
    )


def say_list(names: Sequence[str]) -> str:
    """Return names joined as people read them."""
    return say("joiners", "list").join(names)


def date_stages(chain: Chain, start_on: date, calendar: WorkCalendar) -> tuple[Stage, ...]:
    """Return the stages with their days, the first on `start_on` or the first working day after it."""
    made = []
    for stage, (start, end) in zip(chain.stages, chain.offsets, strict=True):
        first = add_working_days(calendar, start_on, math.floor(start))
        last = add_working_days(calendar, start_on, max(math.ceil(end) - 1, math.floor(start)))
        made.append(replace(stage, start_on=first.isoformat(), end_on=last.isoformat()))
    return tuple(made)


def add_working_days(calendar: WorkCalendar, start: date, days: int) -> date:
    """Return the working day `days` working days after the first one from `start` on."""
    ahead = np.arange(0, 2 * days + 60) + (start - EPOCH).days
    works = ahead[calendar.is_workday(ahead)]
    return EPOCH + timedelta(days=int(works[days]))


def take_working_days(calendar: WorkCalendar, end: date, days: int) -> date:
    """Return the working day from which `days` working days are over at the end of `end`: the latest start."""
    back = (end - EPOCH).days - np.arange(0, 2 * days + 60)
    works = back[calendar.is_workday(back)]
    return EPOCH + timedelta(days=int(works[max(days, 1) - 1]))


def find_season_start(today: date, months: Sequence[int]) -> date:
    """Return the first day of the season's next occurrence.

    Parameters
    ----------
    today
        A season that runs today is over for this year: the next one counts.
    months
        Months of the season, 1-12; the one whose month before is not among them begins it.
    """
    inside = set(months)
    first = next((m for m in sorted(inside) if (m - 2) % 12 + 1 not in inside), min(inside))
    year = today.year + (date(today.year, first, 1) <= today)
    return date(year, first, 1)


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later (earlier where negative), the month's last where it has no such day."""
    at = day.year * 12 + day.month - 1 + months
    year, month = divmod(at, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
