"""What a place will bring if nothing changes: its own persons on the street's curve of the count model.

The curve (season, trend, holidays) is that of the item in the street; how much of it lies at the place is learned from
the place's own months. Windows before and after are counted alike: distinct persons in windows as long as the watch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.plans.dates import add_months
from planner.plans.targets import Outlook, Watch

DOUBT = 0.5
"""Standard errors of a dispersion that are added to it; found by ``benchmarks/plans.py worlds``."""

FEWEST_MONTHS = 3
"""Of fewer months no dispersion is read off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Expected persons of a street and item over time.

    Parameters
    ----------
    first_day
        Day of the first value.
    total
        Sum of the expectation before each day, float64 (days + 1,), rising.
    """

    first_day: date
    total: npt.NDArray[np.float64]

    def between(self, start: date, end: date) -> float:
        """Return the expectation of the days from start to end, both inside.

        Days after the last value are taken as the same days of the year before; days before the first as the first.
        """
        last = self.first_day + timedelta(days=len(self.total) - 2)
        if end > last:
            back = timedelta(days=364)  # whole weeks, so that weekdays agree
            if start > last:
                return self.between(start - back, end - back)
            return self.between(start, last) + self.between(
                last + timedelta(days=1) - back, end - back
            )
        at = [(day - self.first_day).days for day in (start, end + timedelta(days=1))]
        low, high = (float(self.total[max(position, 0)]) for position in at)
        early = max(-at[0], 0) - max(-at[1], 0)
        return max(high - low + early * float(self.total[1] - self.total[0]), 1e-9)


def make_curve(first_day: date, by_day: npt.ArrayLike) -> Curve:
    """Return the curve of expectations by day."""
    return Curve(first_day=first_day, total=np.concatenate([[0.0], np.cumsum(np.asarray(by_day))]))


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceHistory:
    """The appeals of a task's place.

    Parameters
    ----------
    day
        Day of each appeal, as days since 1970, sorted, int64 (n,).
    person
        Who, a number per person; appeals without a person each have their own (n,).
    """

    day: npt.NDArray[np.int64]
    person: npt.NDArray[np.int64]

    def count(self, start: date, end: date, months: Sequence[int] = ()) -> int:
        """Return the distinct persons from start to end, both inside, in some months of the year or in all."""
        low, high = np.searchsorted(self.day, [_number(start), _number(end) + 1])
        person = self.person[low:high]
        if months:
            days = self.day[low:high].astype("datetime64[D]").astype("datetime64[M]")
            person = person[np.isin(days.astype(np.int64) % 12 + 1, list(months))]
        return len(np.unique(person))


def make_history(orders: pd.DataFrame) -> PlaceHistory:
    """Return the history of some orders: ``received_at`` (the city's zone) and ``person_key``."""
    local = pd.DatetimeIndex(orders["received_at"]).tz_localize(None)
    day = local.to_numpy().astype("datetime64[D]").astype(np.int64)
    person, _ = pd.factorize(orders["person_key"].astype("object"))
    person = np.where(person < 0, len(orders) + np.arange(len(orders)), person).astype(np.int64)
    by_day = np.argsort(day, kind="stable")
    return PlaceHistory(day=day[by_day], person=person[by_day])


@dataclass(frozen=True, kw_only=True)
class Course:
    """The course of a place in time, as far as its outlook depends on it.

    Parameters
    ----------
    since
        First day of its level of today.
    is_rising
        Only the last months tell of its level.
    months
        Months of its season, empty for all the year.
    stays
        Probability that the level lasts.
    """

    since: date
    is_rising: bool = False
    months: tuple[int, ...] = ()
    stays: float = 1.0


@dataclass(frozen=True, kw_only=True)
class HistoryMonths:
    """How far back a place is looked at.

    Parameters
    ----------
    recent, usual
        Months that tell the level of a place that rises, and of any other.
    prior
        Months that the item's dispersion is worth beside the place's own.
    """

    recent: int
    usual: int
    prior: int


def make_outlook(
    history: PlaceHistory,
    curve: Curve,
    course: Course,
    *,
    back: HistoryMonths,
    today: date,
    due_on: date,
    lengths: Sequence[int],
    effect: float,
    usual_per_month: float,
    alpha: float,
) -> Outlook:
    """Return what is known of a place for its target.

    Parameters
    ----------
    history, curve, course
        The place, its street, its pattern.
    back
        How far back it is looked at.
    today
        Last day of the data.
    due_on
        The watch begins the day after; for a season, with the next season after it.
    lengths
        Months of the watches to try, shortest first.
    effect, usual_per_month
        As in :class:`~planner.plans.targets.Outlook`.
    alpha
        Overdispersion of the street's counts (variance = mean + alpha mean²).
    """
    if course.months:
        # a season comes once a year: no length of watch brings another one before the next plan
        watches = (_make_season(history, course, back, today, due_on),) * len(lengths)
    else:
        watches = tuple(
            _make_watch(history, curve, course, back, today, due_on, m) for m in lengths
        )
    return Outlook(
        watches=watches,
        effect=effect,
        usual_per_month=usual_per_month,
        dispersion=_find_spread(history, curve, course, back, today, alpha),
        stays=course.stays,
    )


def _find_start(course: Course, back: HistoryMonths, today: date) -> date:
    """Return the first day of the history that tells of the level of today."""
    months = back.recent if course.is_rising else back.usual
    return max(course.since, add_months(today, -months) + timedelta(days=1))


def _make_watch(
    history: PlaceHistory,
    curve: Curve,
    course: Course,
    back: HistoryMonths,
    today: date,
    due_on: date,
    months: int,
) -> Watch:
    first = _find_start(course, back, today)
    seen, exposure, end = 0, 0.0, today
    start = add_months(today, -months) + timedelta(days=1)
    baseline = history.count(start, today)
    while True:
        begin = max(start, first)
        seen += history.count(begin, end)
        exposure += curve.between(begin, end)
        end = start - timedelta(days=1)
        start = add_months(start, -months)
        if start < first:
            break
    watch_start = due_on + timedelta(days=1)
    watch_end = add_months(watch_start, months) - timedelta(days=1)
    return Watch(
        months=months,
        start=watch_start,
        end=watch_end,
        baseline=baseline,
        seen=seen,
        seen_exposure=exposure,
        exposure=curve.between(watch_start, watch_end),
    )


def _make_season(
    history: PlaceHistory, course: Course, back: HistoryMonths, today: date, due_on: date
) -> Watch:
    """Return the watch of the next season; what was seen are the seasons before, each year counting the same."""
    inside = set(course.months)
    first = next((m for m in sorted(inside) if (m - 2) % 12 + 1 not in inside), min(inside))
    length = len(inside)
    year = due_on.year + (date(due_on.year, first, 1) <= due_on)
    start = date(year, first, 1)
    end = add_months(start, length) - timedelta(days=1)
    seen, share, baseline = 0, 0.0, 0
    oldest = max(course.since, add_months(today, -back.usual - length))
    begin = add_months(start, -12)
    newest = True
    while begin + timedelta(days=27) >= oldest:
        stop = min(add_months(begin, length) - timedelta(days=1), today)
        days = (stop - max(begin, oldest)).days + 1
        # part of a season, cut by the history's ends, counts as a part
        part = days / ((add_months(begin, length) - begin).days)
        if days > 0 and part >= 0.5:
            counted = history.count(max(begin, oldest), stop)
            seen, share = seen + counted, share + part
            if newest:
                baseline, newest = round(counted / part), False
        begin = add_months(begin, -12)
    return Watch(
        months=length,
        start=start,
        end=end,
        baseline=baseline,
        seen=seen,
        seen_exposure=max(share, 1e-9),
        exposure=1.0,
    )


def _find_spread(
    history: PlaceHistory,
    curve: Curve,
    course: Course,
    back: HistoryMonths,
    today: date,
    alpha: float,
) -> float:
    """Return variance over mean of the place's months on its curve, drawn towards what the item's counts have.

    The street's overdispersion is taken at the level of one month of the place. It was learned from months of the whole
    street; times the place's whole watch it would count the hotspot itself as chance, for which it was found.
    """
    first = _find_start(course, back, today)
    counts, curves, end = [], [], today
    while (start := add_months(end, -1) + timedelta(days=1)) >= first:
        if not course.months or start.month in course.months:
            counts.append(history.count(start, end))
            curves.append(1.0 if course.months else curve.between(start, end))
        end = start - timedelta(days=1)
    if not sum(counts):
        return 1.0
    prior = 1.0 + alpha * float(np.mean(counts))
    if len(counts) < FEWEST_MONTHS:
        return prior
    mean = np.array(curves) * sum(counts) / sum(curves)
    index = float(np.sum((np.array(counts) - mean) ** 2 / mean) / (len(counts) - 1))
    n = len(counts)
    spread = max(1.0, (n * index + back.prior * prior) / (n + back.prior))
    # a variance from few months is itself in doubt: its relative standard error is sqrt(2 / n) for counts that are
    # not too small, and half of it on top keeps chance below the limit also where the months told too little
    return spread * (1.0 + DOUBT * float(np.sqrt(2.0 / (n + back.prior))))


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
