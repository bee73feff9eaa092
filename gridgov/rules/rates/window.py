"""Windows of the assessment: days that run noon to noon, months that start on the 19th (DOMAIN.md section 5 [P]).

Windows are half open, [start, end), and lie without gap or overlap on the time line: every time is in one day and one
month. The rules come from the pack; the wall clock of the city decides, so a day may have 23 or 25 hours.
"""

import re
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants


class Edge(StrEnum):
    """Which date a day has."""

    START = "start"
    END = "end"


class Month(StrEnum):
    """In which calendar month an assessed month begins."""

    SAME = "same"
    PREVIOUS = "previous"


_Word = TypeVar("_Word", bound=StrEnum)
Days = npt.NDArray[np.datetime64]
_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
_TIME = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")


@dataclass(frozen=True, kw_only=True)
class WindowRules:
    """When days and months begin.

    Parameters
    ----------
    day_starts_at
        Wall time at which a day begins.
    day_named_by
        A day has the date of its ``start`` or of its ``end``.
    month_starts_on_day
        Day of the month, 1–28, with which an assessed month begins.
    month_starts_in
        Whether that day lies in the ``same`` calendar month or in the ``previous`` one.
    """

    day_starts_at: time
    day_named_by: Edge
    month_starts_on_day: int
    month_starts_in: Month


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window: its name, its start, and its end, which is no part of it."""

    name: str
    start_at: pd.Timestamp
    end_at: pd.Timestamp


def make_window_rules(constants: Constants) -> WindowRules:
    """Return the rules of a city.

    Raises
    ------
    ValueError
        If a constant holds a word or a time that is not known.
    """
    starts, edge, month = (
        constants.text(f"rates.{name}")
        for name in ("day_starts_at", "day_named_by", "month_starts_in")
    )
    found = _TIME.match(starts)
    if found is None:
        raise ValueError(f"rates.day_starts_at: found {starts!r}, expected a time such as '12:00'")
    return WindowRules(
        day_starts_at=time(int(found[1]), int(found[2])),
        day_named_by=_choose("day_named_by", edge, Edge),
        month_starts_on_day=int(constants.number("rates.month_starts_on_day")),
        month_starts_in=_choose("month_starts_in", month, Month),
    )


def _choose(name: str, value: str, known: type[_Word]) -> _Word:
    words = [word.value for word in known]
    if value not in words:
        raise ValueError(f"rates.{name}: found {value!r}, expected {' or '.join(words)}")
    return known(value)


def make_month(name: str, rules: WindowRules, zone: ZoneInfo) -> Window:
    """Return the window of an assessed month.

    Parameters
    ----------
    name
        Such as ``2025-01``, which by the default rules runs from noon of 2024-12-19 to noon of 2025-01-19.
    rules
        When months begin.
    zone
        Of the city.

    Raises
    ------
    GridgovError
        If `name` is no month.
    """
    month = _count_months(name)
    start, end = _make_starts(_find_first_days(np.array([month, month + 1]), rules), rules, zone)
    return Window(name=name, start_at=start, end_at=end)


def find_first_day(name: str, rules: WindowRules) -> date:
    """Return the date on which an assessed month begins.

    Raises
    ------
    GridgovError
        If `name` is no month.
    """
    first: date = _find_first_days(np.array([_count_months(name)]), rules)[0].astype(object)
    return first


def _count_months(name: str) -> int:
    """Return the number of months from the year 0 to the month `name`."""
    found = _MONTH.match(name)
    if found is None or not 1000 <= int(found[1]) <= 9998:
        raise GridgovError(f"found month {name!r}, expected a month such as '2025-03'")
    return int(found[1]) * 12 + int(found[2]) - 1


def make_day(on: date, rules: WindowRules, zone: ZoneInfo) -> Window:
    """Return the window of a day, from noon to noon by the default rules."""
    first = np.datetime64(on, "D").astype(np.int64)
    start, end = _make_starts(_shift(np.array([first, first + 1]), rules), rules, zone)
    return Window(name=on.isoformat(), start_at=start, end_at=end)


def find_months(times: pd.Series, rules: WindowRules) -> pd.Series:
    """Return the name of the month of each aware time, missing where there is no time.

    Parameters
    ----------
    times
        Aware times (n,), in the city's zone.
    rules
        When months begin.
    """
    wall = times.dt.tz_localize(None)
    if wall.notna().sum() == 0:
        return pd.Series(None, index=times.index, dtype="str")
    low, high = (12 * at.year + at.month - 1 for at in (wall.min(), wall.max()))
    months = np.arange(low - 2, high + 4)
    starts = _make_starts(_find_first_days(months, rules), rules, times.dt.tz)
    names = np.array([f"{m // 12:04d}-{m % 12 + 1:02d}" for m in months], dtype=object)
    return _find_names(times, starts, names)


def find_days(times: pd.Series, rules: WindowRules) -> pd.Series:
    """Return the date (``2025-03-19``) of the day of each aware time, missing where there is no time."""
    wall = times.dt.tz_localize(None)
    if wall.notna().sum() == 0:
        return pd.Series(None, index=times.index, dtype="str")
    low, high = (
        at.date().toordinal() - date(1970, 1, 1).toordinal() for at in (wall.min(), wall.max())
    )
    days = np.arange(low - 2, high + 4)
    starts = _make_starts(_shift(days, rules), rules, times.dt.tz)
    names = days.astype("datetime64[D]").astype(str).astype(object)
    return _find_names(times, starts, names)


def _find_names(
    times: pd.Series, starts: pd.DatetimeIndex, names: npt.NDArray[np.object_]
) -> pd.Series:
    moments = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    edges = starts.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    at = np.searchsorted(edges, moments, side="right") - 1
    codes = np.where(np.isnat(moments), -1, at)
    found = pd.Categorical.from_codes(codes, categories=pd.Index(names))
    return pd.Series(found, index=times.index).astype("str")


def _find_first_days(months: npt.NDArray[np.int64], rules: WindowRules) -> Days:
    """Return the date on which each month begins; months are counted from the year 0."""
    calendar = months - (rules.month_starts_in is Month.PREVIOUS) - 12 * 1970
    first: Days = calendar.astype("datetime64[M]").astype("datetime64[D]")
    return first + np.timedelta64(rules.month_starts_on_day - 1, "D")


def _make_starts(days: Days, rules: WindowRules, zone: ZoneInfo) -> pd.DatetimeIndex:
    minutes = rules.day_starts_at.hour * 60 + rules.day_starts_at.minute
    wall = pd.DatetimeIndex(days.astype("datetime64[us]") + np.timedelta64(minutes, "m"))
    # A wall time that a change to summer time skips begins after it; one that comes twice, the first time.
    first = np.ones(len(wall), dtype=bool)
    return wall.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")


def _shift(days: npt.NDArray[np.int64], rules: WindowRules) -> Days:
    """Return the date on which each day begins."""
    begins: Days = (days - (rules.day_named_by is Edge.END)).astype("datetime64[D]")
    return begins
