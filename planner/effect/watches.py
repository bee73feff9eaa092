"""From appeals to watches: a place's baseline, its detection window left out, carried forward to after the task.

The count model knows streets and items, a place is smaller: its own baseline is carried forward by the model's ratio
of the watch to the baseline (season, weekday, holidays, trend), so that only the place's level is its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from planner.effect.estimate import EffectError, Watch

Expect = Callable[[str, str, date, date], float]
"""Street, item, first and last day → appeals that the count model expects."""

FARTHEST_BASELINE_DAYS = 730
"""Two years: older appeals say little about what a place is like today."""


@dataclass(frozen=True, kw_only=True)
class PlaceTask:
    """Where and when a task was at work.

    Parameters
    ----------
    task_id
        Its name.
    street_code, item_code
        Series of the count model that it belongs to.
    cells
        Codes of its cells; empty for a whole street.
    found_from, found_to
        First and last day of the window in which the hotspot was found.
    done_on
        The day from which the measure works.
    watch_days
        Length of the watch.
    """

    task_id: str
    street_code: str
    item_code: str
    cells: frozenset[str]
    found_from: date
    found_to: date
    done_on: date
    watch_days: int

    @property
    def watch_to(self) -> date:
        """Return the last day of the watch."""
        return self.done_on + timedelta(days=self.watch_days - 1)


def make_watch(orders: pd.DataFrame, task: PlaceTask, expect: Expect, *, first_on: date) -> Watch:
    """Return what came in after a task and what was to be expected.

    Parameters
    ----------
    orders
        ``street_code item_code cell_code on person_key`` of problems, a row an appeal, ``on`` a date.
    task
        Place and days.
    expect
        The count model.
    first_on
        First day of the orders.

    Raises
    ------
    EffectError
        If nothing is known of the place before the task, outside its detection window.

    Notes
    -----
    Where the detection window covers the whole time before the task, it is the baseline all the same: such places
    fall back by themselves, and the comparison with places left alone, watched by the same rule, takes that out.
    """
    here = orders[
        (orders["street_code"] == task.street_code) & (orders["item_code"] == task.item_code)
    ]
    if task.cells:
        here = here[here["cell_code"].isin(task.cells)]
    spans = _find_baseline(task, first_on)
    if not spans:
        raise EffectError(
            f"Task {task.task_id}: no day before {task.done_on} is known; there is no baseline."
        )
    before = sum(count_persons(here, start, stop) for start, stop in spans)
    usual = sum(expect(task.street_code, task.item_code, start, stop) for start, stop in spans)
    later = expect(task.street_code, task.item_code, task.done_on, task.watch_to)
    if usual <= 0 or later <= 0:
        raise EffectError(
            f"Task {task.task_id}: the count model expects nothing of item {task.item_code} in {task.street_code}."
        )
    # Jeffreys' half keeps a silent baseline from being certain.
    level = before + 0.5
    # Two standard deviations below what was counted: a few appeals more by chance are no rise.
    counted = count_persons(here, task.found_from, task.found_to)
    here_found = max(counted - 2 * float(np.sqrt(counted)), 0.0)
    while_found = expect(task.street_code, task.item_code, task.found_from, task.found_to)
    is_apart = len(spans) > 1 or spans[0][1] < task.found_from
    return Watch(
        observed=count_persons(here, task.done_on, task.watch_to),
        expected=level * later / usual,
        doubt=float(np.sqrt(1 / level)),
        rise=(here_found / while_found) / (level / usual) if is_apart and while_found > 0 else 1.0,
    )


def _find_baseline(task: PlaceTask, first_on: date) -> list[tuple[date, date]]:
    """Return the spans before the task that its detection did not look at, else the detection window itself."""
    begin = max(first_on, task.done_on - timedelta(days=FARTHEST_BASELINE_DAYS))
    spans = [
        (begin, min(task.found_from, task.done_on) - timedelta(days=1)),
        (max(task.found_to + timedelta(days=1), begin), task.done_on - timedelta(days=1)),
    ]
    known = [(start, stop) for start, stop in spans if start <= stop]
    if sum((stop - start).days + 1 for start, stop in known) >= task.watch_days:
        return known
    stop = task.done_on - timedelta(days=1)
    return [(begin, stop)] if begin <= stop else []


def count_persons(orders: pd.DataFrame, start: date, stop: date) -> int:
    """Return persons from `start` to `stop`, both inside; an appeal without a person counts as one of its own."""
    inside = orders[(orders["on"] >= start) & (orders["on"] <= stop)]
    known = inside["person_key"].dropna()
    return int(known.nunique() + len(inside) - len(known))


def shift_task(task: PlaceTask, days: int) -> PlaceTask:
    """Return the task as if it had been done some days earlier: a placebo in time, where nothing happened."""
    back = timedelta(days=days)
    return replace(
        task,
        task_id=f"{task.task_id}-{days}d",
        found_from=task.found_from - back,
        found_to=task.found_to - back,
        done_on=task.done_on - back,
    )


def surround_task(task: PlaceTask, ring: Iterable[str]) -> PlaceTask:
    """Return the same watch on the cells around: appeals that a measure only pushed next door are seen there."""
    return replace(task, task_id=f"{task.task_id}-ring", cells=frozenset(ring) - task.cells)
