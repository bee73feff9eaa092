"""Deadlines of one order, without frames: what intake and handling ask many times a second.

The answers are those of :mod:`gridgov.rules.dispatch.deadlines` (tested); where a wall time is skipped or repeated by a
change of the clocks, that module itself is asked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.dispatch.deadlines import ClockKind, GradeLimit, Limit, due_at

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time has no zone
_MICRO = timedelta(microseconds=1)


def find_deadlines(
    received_at: datetime,
    grade: str,
    grades: Mapping[str, GradeLimit],
    *,
    calendar: WorkCalendar,
    zone: ZoneInfo,
) -> tuple[datetime | None, datetime | None]:
    """Return when the person must be contacted and the order answered, aware; None for an unknown grade.

    Parameters
    ----------
    received_at
        When both clocks start, aware.
    grade, grades
        The order's grade and the limits by grade.
    calendar, zone
        Working time and zone of the city.
    """
    limit = grades.get(grade)
    if limit is None:
        return None, None
    start = received_at.astimezone(zone)
    contact = add_limit(start, limit.contact, clock=limit.clock, calendar=calendar)
    return contact, add_limit(start, limit.final, clock=limit.clock, calendar=calendar)


def add_limit(
    start: datetime, limit: Limit, *, clock: ClockKind, calendar: WorkCalendar
) -> datetime:
    """Return when a limit ends that starts at an aware time in the city's zone."""
    zone = start.tzinfo
    wall = start.replace(tzinfo=None, fold=0)
    if clock == "working":
        micros = np.array([(wall - _EPOCH) // _MICRO], dtype=np.int64)
        end = int(calendar.add(micros, limit.micros(calendar.day_us))[0])
        wall = _EPOCH + timedelta(microseconds=end)
    elif limit.unit == "d":
        wall = wall + timedelta(microseconds=limit.micros())
    else:
        later = start.astimezone(UTC) + timedelta(microseconds=limit.micros())
        return later.astimezone(zone)
    found = wall.replace(tzinfo=zone)
    if found.utcoffset() == found.replace(fold=1).utcoffset():
        return found
    times = pd.Series([pd.Timestamp(start)])
    moved: datetime = due_at(times, limit, clock=clock, calendar=calendar).iloc[0].to_pydatetime()
    return moved


def move_deadline(
    due: datetime,
    paused_at: datetime,
    resumed_at: datetime,
    *,
    limit: GradeLimit,
    calendar: WorkCalendar,
    zone: ZoneInfo,
) -> datetime:
    """Return the deadline after a pause that has ended: as it was if the pause began after it.

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
    if limit.clock == "calendar":
        # In UTC: between two times of one zone Python counts hours of the wall clock, not hours that passed.
        passed = resumed_at.astimezone(UTC) - paused_at.astimezone(UTC)
        return (due.astimezone(UTC) + passed).astimezone(zone)
    start, stop, end = (_to_wall(at, zone) for at in (paused_at, resumed_at, due))
    left = np.maximum(calendar.between(start, end), 1)
    wall = _EPOCH + timedelta(microseconds=int(calendar.add(stop, left)[0]))
    naive = pd.Series([pd.Timestamp(wall)])
    moved: datetime = (
        naive.dt.tz_localize(str(zone), ambiguous=np.array([False]), nonexistent="shift_forward")
        .iloc[0]
        .to_pydatetime()
    )
    return moved


def _to_wall(at: datetime, zone: ZoneInfo) -> npt.NDArray[np.int64]:
    wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
    return np.array([(wall - _EPOCH) // _MICRO], dtype=np.int64)
