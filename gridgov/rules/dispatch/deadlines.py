"""Deadlines: two clocks of an order (first contact, final answer), pauses, and the state of a clock.

Pure: no clock of the machine is read, ``as_of`` is an argument. Limits given in hours or minutes are elapsed
time; limits in days keep the wall clock, so that a limit over a change to summer time ends at the same hour.
In working time both count hours that people work, a day being one workday.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from gridgov.rules.calendar import DAY_US, MINUTE_US, WorkCalendar
from gridgov.rules.constants import Status
from gridgov.rules.zone import Micros, find_shifts

ClockKind = Literal["calendar", "working"]

_LIMIT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(min|h|d)\s*$")
_UNIT_US = {"min": MINUTE_US, "h": 60 * MINUTE_US, "d": DAY_US}

DEADLINE_COLUMNS = ("contact_by", "due_at")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


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


@dataclass(frozen=True, kw_only=True)
class OrderDeadlines:
    """Both clocks of one order, aware; None where its grade has no limits."""

    contact_by: datetime | None
    due_at: datetime | None


def make_deadlines(
    received_at: pd.Series,
    grade: pd.Series,
    grades: Mapping[str, GradeLimit],
    *,
    calendar: WorkCalendar,
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

    Returns
    -------
    Frame on the index of `received_at`, both columns aware in its zone.
    """
    zone = ZoneInfo(str(received_at.dt.tz))
    start = received_at.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    start = start.astype("datetime64[us]")
    known = ~np.isnat(start)
    ends = {name: np.full(len(start), "NaT", dtype="datetime64[us]") for name in DEADLINE_COLUMNS}
    for name, limit in grades.items():
        rows = np.flatnonzero(known & (grade == name).to_numpy(dtype=bool, na_value=False))
        at = start[rows].astype(np.int64)
        for column, one in zip(DEADLINE_COLUMNS, (limit.contact, limit.final), strict=True):
            ends[column][rows] = add_limit(
                at, one, clock=limit.clock, calendar=calendar, zone=zone
            ).astype("datetime64[us]")
    columns = {
        name: pd.DatetimeIndex(at, tz="UTC").tz_convert(zone.key) for name, at in ends.items()
    }
    return pd.DataFrame(columns).set_axis(received_at.index)


def find_deadlines(
    received_at: datetime,
    grade: str,
    grades: Mapping[str, GradeLimit],
    *,
    calendar: WorkCalendar,
    zone: ZoneInfo,
) -> OrderDeadlines:
    """Return the deadlines of one order that was received at an aware time; see :func:`make_deadlines`."""
    limit = grades.get(grade)
    if limit is None:
        return OrderDeadlines(contact_by=None, due_at=None)
    start = _to_micros(received_at)
    contact, due = (
        add_limit(start, one, clock=limit.clock, calendar=calendar, zone=zone)
        for one in (limit.contact, limit.final)
    )
    return OrderDeadlines(contact_by=_to_time(contact, zone), due_at=_to_time(due, zone))


def add_limit(
    start_us: Micros, limit: Limit, *, clock: ClockKind, calendar: WorkCalendar, zone: ZoneInfo
) -> Micros:
    """Return when a limit ends (n,) that starts at UTC microseconds (n,); see the module for hours and days."""
    if clock == "calendar" and limit.unit != "d":
        return start_us + limit.micros()
    shifts = find_shifts(zone)
    wall = shifts.to_wall(start_us)
    if clock == "working":
        return shifts.to_utc(calendar.add(wall, limit.micros(calendar.day_us)))
    return shifts.to_utc(wall + limit.micros())


def move_deadline(
    due: datetime,
    paused_at: datetime,
    resumed_at: datetime,
    *,
    limit: GradeLimit,
    calendar: WorkCalendar,
    zone: ZoneInfo,
) -> datetime:
    """Return the final deadline after a pause that has ended: as it was if the pause began after it.

    A pause stops the final clock only, because contact is owed whatever is waited for.

    Parameters
    ----------
    due
        Deadline before the pause, aware; earlier pauses are in it.
    paused_at, resumed_at
        The pause, aware.
    limit
        Of the order's grade: whether its clock runs in working time.
    calendar, zone
        Of the city.
    """
    if resumed_at <= paused_at or paused_at >= due:
        return due
    end, start, stop = (_to_micros(at) for at in (due, paused_at, resumed_at))
    if limit.clock == "calendar":
        return _to_time(end + stop - start, zone)
    shifts = find_shifts(zone)
    left = calendar.between(shifts.to_wall(start), shifts.to_wall(end))
    # What was left when the pause began is worked off after it: at least a microsecond, so that the
    # time found is the end of the work and not its beginning.
    return _to_time(shifts.to_utc(calendar.add(shifts.to_wall(stop), np.maximum(left, 1))), zone)


def _to_micros(at: datetime) -> Micros:
    return np.array([(at - _EPOCH) // _MICRO], dtype=np.int64)


def _to_time(micros: Micros, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=int(micros[0]))).astimezone(zone)


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
