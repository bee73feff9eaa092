"""Working calendar: which time counts when a limit runs in working time.

Time is wall time of the city as int64 microseconds since 1970-01-01 00:00, without a zone. Working time is
a piecewise linear function of it, so adding a limit is one look-up forward and one back, for a million
orders at once.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

import numpy as np
import numpy.typing as npt

from gridgov.rules.zone import Micros

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
_THURSDAY = 3  # 1970-01-01 was a Thursday (Monday = 0)


@dataclass(frozen=True)
class WorkHours:
    """One span of a workday that counts, from `start` to `end`."""

    start: time
    end: time


def make_work_hours(spans: Collection[str]) -> tuple[WorkHours, ...]:
    """Return spans written as ``"09:00-18:00"`` in order.

    Raises
    ------
    ValueError
        If a span is not written so, ends before it starts, or overlaps the one before.

    Examples
    --------
    >>> make_work_hours(["09:00-12:00"])
    (WorkHours(start=datetime.time(9, 0), end=datetime.time(12, 0)),)
    """
    hours: list[WorkHours] = []
    for span in sorted(spans):
        start, _, end = span.partition("-")
        one = WorkHours(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))
        if one.end <= one.start or (hours and one.start < hours[-1].end):
            raise ValueError(f"working hours {span!r} end before they start, or overlap others")
        hours.append(one)
    if not hours:
        raise ValueError("a workday needs at least one span such as '09:00-18:00'")
    return tuple(hours)


DEFAULT_HOURS = make_work_hours(["09:00-18:00"])


@dataclass(frozen=True, kw_only=True)
class WorkCalendar:
    """Workdays of a city: Monday to Friday, less holidays, plus make-up workdays.

    Parameters
    ----------
    holidays
        Days off, whatever day of the week.
    workdays
        Saturdays and Sundays on which people work to make up for a holiday.
    hours
        Spans of a workday that count.
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    hours: tuple[WorkHours, ...] = DEFAULT_HOURS
    _off: Micros = field(init=False, repr=False, compare=False)
    _on: Micros = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_off", _day_numbers(self.holidays))
        object.__setattr__(self, "_on", _day_numbers(self.workdays))

    @property
    def day_us(self) -> int:
        """Working time of one workday in microseconds."""
        return sum(_micros(span.end) - _micros(span.start) for span in self.hours)

    def years(self) -> frozenset[int]:
        """Return the years for which the calendar names at least one holiday or workday."""
        return frozenset(day.year for day in self.holidays | self.workdays)

    def is_workday(self, days: Micros) -> npt.NDArray[np.bool_]:
        """Tell for day numbers (days since 1970-01-01) whether people work on them."""
        weekday = (days + _THURSDAY) % 7
        works: npt.NDArray[np.bool_] = (weekday < 5) & ~np.isin(days, self._off)
        return works | np.isin(days, self._on)

    def add(self, start: Micros, limit_us: npt.ArrayLike) -> Micros:
        """Return the wall time at which `limit_us` of working time has passed since `start`.

        A limit that ends with a workday is due at the end of that day, not at the start of the next.

        Parameters
        ----------
        start
            Wall times in microseconds, any shape (n,).
        limit_us
            Working time in microseconds, one or (n,), above 0.
        """
        if start.size == 0:
            return start.copy()
        limit = np.broadcast_to(np.asarray(limit_us, dtype=np.int64), start.shape)
        table = self._make_table(int(start.min()), int(start.max()), int(limit.max()))
        return self._find_time(table, self._work_before(table, start) + limit)

    def between(self, start: Micros, end: Micros) -> Micros:
        """Return the working time in microseconds between wall times, 0 where `end` is not later."""
        if start.size == 0:
            return start.copy()
        first, last = int(min(start.min(), end.min())), int(max(start.max(), end.max()))
        table = self._make_table(first, last, 0)
        worked = self._work_before(table, end) - self._work_before(table, start)
        passed: Micros = np.maximum(worked, 0)
        return passed

    def _make_table(self, first_us: int, last_us: int, limit_us: int) -> "_DayTable":
        first = first_us // DAY_US
        needed, length = limit_us, last_us // DAY_US - first + 2
        span = max(32, int(limit_us / self.day_us * 2) + 32)
        while True:
            days = np.arange(first, first + length + span, dtype=np.int64)
            works = self.is_workday(days)
            done = np.concatenate([[0], np.cumsum(works * np.int64(self.day_us))])
            # Enough workdays after the last start to hold the longest limit, whatever the holidays.
            if done[-1] - done[length - 1] >= needed:
                return _DayTable(int(first), works, done)
            span *= 2

    def _work_before(self, table: "_DayTable", at: Micros) -> Micros:
        day = at // DAY_US - table.first
        within = at % DAY_US
        worked = np.zeros(at.shape, dtype=np.int64)
        for span in self.hours:
            begin, end = _micros(span.start), _micros(span.end)
            worked += np.clip(within - begin, 0, end - begin)
        total: Micros = table.done[day] + worked * table.works[day]
        return total

    def _find_time(self, table: "_DayTable", work: Micros) -> Micros:
        day = np.searchsorted(table.done, work, side="left") - 1
        left = work - table.done[day]
        within = np.zeros(work.shape, dtype=np.int64)
        for span in self.hours:
            begin, length = _micros(span.start), _micros(span.end) - _micros(span.start)
            within = np.where(left > 0, begin + np.minimum(left, length), within)
            left = left - length
        found: Micros = (day + table.first) * DAY_US + within
        return found


@dataclass(frozen=True)
class _DayTable:
    """Days from `first` on: whether people work, and the working time before each."""

    first: int
    works: npt.NDArray[np.bool_]
    done: Micros


def _micros(clock: time) -> int:
    return (clock.hour * 3600 + clock.minute * 60 + clock.second) * 1_000_000


def _day_numbers(days: Collection[date]) -> Micros:
    epoch = date(1970, 1, 1).toordinal()
    return np.array(sorted(day.toordinal() - epoch for day in days), dtype=np.int64)


def make_calendar(
    holidays: Any = (), workdays: Any = (), *, hours: tuple[WorkHours, ...] = DEFAULT_HOURS
) -> WorkCalendar:
    """Return a calendar from any collections of dates."""
    return WorkCalendar(holidays=frozenset(holidays), workdays=frozenset(workdays), hours=hours)
