"""Deadlines: two clocks of an order (first contact, final answer), pauses, and the state of a clock.

Pure: no clock of the machine is read, ``as_of`` is an argument. Limits given in hours or minutes are elapsed
time; limits in days keep the wall clock, so that a limit over a change to summer time ends at the same hour.
In working time both count hours that people work, a day being one workday.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import pandas as pd

from gridgov.rules.calendar import DAY_US, MINUTE_US, Micros, WorkCalendar
from gridgov.rules.constants import Status

ClockKind = Literal["calendar", "working"]

_LIMIT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(min|h|d)\s*$")
_UNIT_US = {"min": MINUTE_US, "h": 60 * MINUTE_US, "d": DAY_US}

PAUSE_COLUMNS = ("order_no", "paused_at", "resumed_at", "reason")
"""Pauses: one row per order and pause · ``resumed_at`` missing while it lasts."""


class ClockState(StrEnum):
    """What a clock says at a time."""

    RUNNING = "running"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"


@dataclass(frozen=True)
class Limit:
    """A limit of time: `amount` of ``min``, ``h`` or ``d``."""

    amount: float
    unit: Literal["min", "h", "d"]

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"

    def micros(self, day_us: int = DAY_US) -> int:
        """Return the limit in microseconds, a day being `day_us` long."""
        return round(self.amount * (day_us if self.unit == "d" else _UNIT_US[self.unit]))


def make_limit(text: str) -> Limit:
    """Return a limit written as ``30 min``, ``2 h`` or ``7 d``.

    Raises
    ------
    ValueError
        If the text is not written so, or the limit is not above 0.

    Examples
    --------
    >>> make_limit("7d")
    Limit(amount=7.0, unit='d')
    """
    match = _LIMIT.match(text)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"found {text!r}, expected a limit such as '30 min', '2 h' or '7 d'")
    unit: dict[str, Literal["min", "h", "d"]] = {"min": "min", "h": "h", "d": "d"}
    return Limit(float(match[1]), unit[match[2]])


@dataclass(frozen=True, kw_only=True)
class GradeLimit:
    """Limits of one grade: when the person must be contacted, when the order must be answered."""

    grade: str
    contact: Limit
    final: Limit
    clock: ClockKind = "calendar"
    status: Status = "assumed"


def _default(grade: str, contact: str, final: str) -> GradeLimit:
    return GradeLimit(grade=grade, contact=make_limit(contact), final=make_limit(final))


DEFAULT_GRADES: Mapping[str, GradeLimit] = {
    limit.grade: limit
    for limit in (
        _default("2h", "30 min", "2 h"),
        _default("24h", "2 h", "24 h"),
        _default("7d", "24 h", "7 d"),
        _default("15d", "24 h", "15 d"),
    )
}
"""The four grades are documented (DOMAIN 1); time to first contact, and that all run on the calendar, is
assumed."""


def make_deadlines(
    received_at: pd.Series,
    grade: pd.Series,
    grades: Mapping[str, GradeLimit],
    *,
    calendar: WorkCalendar,
    pauses: pd.DataFrame | None = None,
    as_of: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Return ``contact_by`` and ``due_at`` of orders.

    Parameters
    ----------
    received_at
        Aware times (n,), in the city's zone; both clocks start here.
    grade
        Grade of each order, on the same index; unknown or missing gives no deadline.
    grades
        Limits by grade.
    calendar
        Working time of the city.
    pauses
        Frame of :data:`PAUSE_COLUMNS` whose ``order_no`` are labels of the index; a pause stops the final
        clock only, because contact is owed whatever is waited for.
    as_of
        Needed where a pause has no end: it is taken to last until then.

    Returns
    -------
    Frame on the index of `received_at`, both columns aware in its zone.
    """
    zone = received_at.dt.tz
    columns = {"contact_by": _empty(received_at), "due_at": _empty(received_at)}
    spans = None if pauses is None else _merge_pauses(pauses, as_of)
    for name, limit in grades.items():
        rows = np.flatnonzero((grade == name).to_numpy(dtype=bool, na_value=False))
        if not rows.size:
            continue
        start = received_at.iloc[rows]
        columns["contact_by"].iloc[rows] = _add(start, limit.contact, limit.clock, calendar)
        due = _add(start, limit.final, limit.clock, calendar)
        if spans is not None:
            due = _add_pauses(start, due, spans, limit.clock, calendar)
        columns["due_at"].iloc[rows] = due
    frame = pd.DataFrame(columns, index=received_at.index)
    return frame.astype(f"datetime64[us, {zone}]")


def due_at(
    start_at: pd.Series, limit: Limit, *, clock: ClockKind, calendar: WorkCalendar
) -> pd.Series:
    """Return when `limit` ends for aware times, in their zone; a missing time gives none."""
    return _add(start_at, limit, clock, calendar)


def find_states(
    start_at: pd.Series,
    due: pd.Series,
    done_at: pd.Series,
    *,
    as_of: pd.Timestamp,
    due_soon_share: float,
    paused: pd.Series | None = None,
) -> pd.Series:
    """Return the :class:`ClockState` of each clock at `as_of`, missing where there is no deadline.

    What was done by the deadline is met, later is missed; a time after `as_of` is not yet done.
    """
    done = done_at.notna() & (done_at <= as_of)
    left = (due - as_of) / (due - start_at)
    stopped = due.isna() & due.notna() if paused is None else paused
    table = (
        (due.isna(), None),
        (done & (done_at <= due), ClockState.MET.value),
        (done, ClockState.MISSED.value),
        (stopped, ClockState.PAUSED.value),
        (due < as_of, ClockState.OVERDUE.value),
        (left <= due_soon_share, ClockState.DUE_SOON.value),
    )
    chosen = np.select(
        [when.to_numpy(dtype=bool) for when, _ in table],
        np.array([state for _, state in table], dtype=object).tolist(),
        default=ClockState.RUNNING.value,
    )
    return pd.Series(chosen, index=due.index, dtype="str")


def _empty(like: pd.Series) -> pd.Series:
    return pd.Series(pd.NaT, index=like.index, dtype=f"datetime64[us, {like.dt.tz}]")


def _add(start: pd.Series, limit: Limit, clock: ClockKind, calendar: WorkCalendar) -> pd.Series:
    """Return times after `limit`; see the module for what an hour and a day mean."""
    if clock == "working":
        known = start.dropna()
        ends = calendar.add(_to_wall(known), limit.micros(calendar.day_us))
        return _from_wall(ends, known).reindex(start.index)
    if limit.unit == "d":
        known = start.dropna()
        return _from_wall(_to_wall(known) + limit.micros(), known).reindex(start.index)
    return start.astype(f"datetime64[us, {start.dt.tz}]") + pd.Timedelta(
        microseconds=limit.micros()
    )


def _to_wall(times: pd.Series) -> Micros:
    wall: Micros = times.dt.tz_localize(None).astype("datetime64[us]").to_numpy().astype(np.int64)
    return wall


def _from_wall(wall: Micros, like: pd.Series) -> pd.Series:
    """Return wall times as aware ones: skipped hours move on, a repeated hour is its second one.

    Either choice gives the unit the whole limit, never less.
    """
    naive = pd.Series(wall.astype("datetime64[us]"), index=like.index)
    is_summer = np.zeros(len(naive), dtype=bool)
    return naive.dt.tz_localize(like.dt.tz, ambiguous=is_summer, nonexistent="shift_forward")


def _merge_pauses(pauses: pd.DataFrame, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Return pauses without overlaps, with ends, and their rank within the order."""
    frame = pauses.loc[:, ["order_no", "paused_at", "resumed_at"]].copy()
    if as_of is not None:
        frame["resumed_at"] = frame["resumed_at"].fillna(as_of)
    if frame["resumed_at"].isna().any():
        raise ValueError("a pause has no end: give as_of, the time until which it lasts")
    frame = frame[frame["resumed_at"] > frame["paused_at"]].sort_values(["order_no", "paused_at"])
    reached = frame.groupby("order_no")["resumed_at"].cummax().groupby(frame["order_no"]).shift()
    frame["span"] = (reached.isna() | (frame["paused_at"] > reached)).cumsum()
    merged = frame.groupby(["order_no", "span"], as_index=False).agg(
        paused_at=("paused_at", "min"), resumed_at=("resumed_at", "max")
    )
    merged["rank"] = merged.groupby("order_no").cumcount()
    return merged


def _add_pauses(
    start: pd.Series, due: pd.Series, pauses: pd.DataFrame, clock: ClockKind, calendar: WorkCalendar
) -> pd.Series:
    """Return deadlines moved on by each pause that begins before them, first to last."""
    moved = due.copy()
    for _, batch in pauses.groupby("rank"):
        spans = batch.set_index("order_no")
        spans = spans.loc[spans.index.isin(moved.index)]
        begin = spans["paused_at"].clip(lower=start.loc[spans.index])
        applies = (begin < moved.loc[spans.index]) & (spans["resumed_at"] > begin)
        begin, end = begin[applies], spans.loc[applies, "resumed_at"]
        if begin.empty:
            continue
        moved.loc[begin.index] = _move(moved.loc[begin.index], begin, end, clock, calendar)
    return moved


def _move(
    due: pd.Series, begin: pd.Series, end: pd.Series, clock: ClockKind, calendar: WorkCalendar
) -> pd.Series:
    if clock == "calendar":
        return due + (end - begin)
    zone = due.dt.tz
    start, stop = _to_wall(begin.dt.tz_convert(zone)), _to_wall(end.dt.tz_convert(zone))
    left = calendar.between(start, _to_wall(due))
    # What was left when the pause began is worked off after it: at least a microsecond, so that the
    # time found is the end of the work and not its beginning.
    return _from_wall(calendar.add(stop, np.maximum(left, 1)), due)


def check_grades(grades: Iterable[str], known: Mapping[str, GradeLimit]) -> set[str]:
    """Return the grades that have no limits."""
    return {grade for grade in grades if grade and grade not in known}
