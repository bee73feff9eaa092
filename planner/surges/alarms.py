"""From which chance on a surge is an alarm, so that false ones come as rarely as is stated.

Every hour looks at every series in several windows; most counts are small and jump. What a threshold on the chance of
a count then means in alarms per area and quarter no formula says, so it is simulated: a quarter as the model lets
expect it (its parameters, its overdispersion and its hours uncertain as they are) is watched as the real one is, and
the threshold is taken that gives the stated number. Large and small areas get thresholds of their own, else the large
would have most of the alarms.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from planner.counts.model import CountModel
from planner.errors import PlannerError
from planner.surges.series import LONGEST, WINDOWS, WatchedSeries, find_tail, make_watched

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

QUARTER_DAYS = 91
QUIET_DAYS = 7
"""An alarm of a series that had one so many days ago or less is the same surge."""
FALSE_ALARMS = {"street": 0.7, "district": 1.5, "city": 13.0}
"""False alarms per area and quarter that are accepted, all items together [A]: a street's at most one, a city's one a
week."""
FEWEST = {"street": 3, "district": 5, "city": 5}
"""Fewer counts in a window are no surge [A]."""
GROUP_AREAS = 20
MOST_GROUPS = 5
SIMULATED_ALARMS = 300
MOST_SIMULATIONS = 400
LARGEST_P = 5e-3
GRID = np.logspace(-9, np.log10(LARGEST_P), 60)


@dataclass(frozen=True, kw_only=True, eq=False)
class AlarmLevel:
    """Thresholds of one level.

    Parameters
    ----------
    level
        ``street``, ``district`` or ``city``.
    group
        Group of size of each area, (areas,).
    threshold
        Largest chance that is an alarm, (groups,).
    rates
        False alarms per area and quarter at the chances of :data:`GRID`, (groups, 60).
    stated
        False alarms per area and quarter that were asked for.
    """

    level: str
    group: Ints
    threshold: Floats
    rates: Floats
    stated: float

    def find_rate(self, p: Floats, area: Ints) -> Floats:
        """Return how many false alarms per area and quarter a threshold of `p` would give, (n,)."""
        out = np.empty(len(p))
        for group in range(len(self.threshold)):
            rows = self.group[area] == group
            out[rows] = np.interp(
                np.log(np.maximum(p[rows], GRID[0])), np.log(GRID), self.rates[group]
            )
        return out


def calibrate_alarms(
    model: CountModel, *, seed: int, stated: dict[str, float] | None = None
) -> dict[str, AlarmLevel]:
    """Return the thresholds by level for the quarter after the history.

    Parameters
    ----------
    model
        Fitted to counts up to the day before.
    seed
        Of the simulation.
    stated
        False alarms per area and quarter by level; None: :data:`FALSE_ALARMS`.

    Raises
    ------
    PlannerError
        A rate is not above 0.
    """
    wanted = FALSE_ALARMS | (stated or {})
    for level, rate in wanted.items():
        if not rate > 0:
            raise PlannerError(f"{rate} false alarms per {level} and quarter: expected above 0")
    start = model.last_day + timedelta(days=1)
    watched = make_watched(model, start, start + timedelta(days=QUARTER_DAYS + LONGEST - 2))
    first = model.days
    works = model.works[first : first + QUARTER_DAYS + LONGEST - 1].astype(np.int64)
    return {
        level: _calibrate(
            series, model.hours, works, stated=wanted[level], rng=np.random.default_rng([seed, at])
        )
        for at, (level, series) in enumerate(watched.items())
    }


def _calibrate(
    series: WatchedSeries, hours: Floats, works: Ints, *, stated: float, rng: np.random.Generator
) -> AlarmLevel:
    group = _find_groups(series)
    n_groups = int(group.max()) + 1
    per_group = np.bincount(group)
    needed = int(np.ceil(SIMULATED_ALARMS / (per_group.min() * stated)))
    times = min(max(needed, 2), MOST_SIMULATIONS)
    batch = max(1, min(times, 4_000_000 // max(series.mean.size, 1)))
    rounds = -(-times // batch)
    alarms = np.zeros((n_groups, len(GRID)))
    many = replace(
        series,
        area=np.tile(series.area, batch),
        item=np.tile(series.item, batch),
        mean=np.tile(series.mean, (batch, 1)),
        log_variance=np.tile(series.log_variance, batch),
        alpha=np.tile(series.alpha, (1, batch)),
    )
    for _ in range(rounds):
        which, at, p = _watch(many, hours, works, rng)
        of = group[many.area[which]]
        for column, level in enumerate(GRID):
            rows = p <= level
            started = find_starts(which[rows], at[rows])
            alarms[:, column] += np.bincount(of[rows][started], minlength=n_groups)
    rates = alarms / (per_group[:, None] * batch * rounds)
    threshold = np.empty(n_groups)
    for at_group in range(n_groups):
        allowed = np.flatnonzero(rates[at_group] <= stated)
        last = int(allowed[-1]) if len(allowed) else 0
        low, high = rates[at_group, last], rates[at_group, min(last + 1, len(GRID) - 1)]
        part = 0.0 if high <= low else (stated - low) / (high - low)
        step = np.log(GRID[min(last + 1, len(GRID) - 1)] / GRID[last])
        threshold[at_group] = GRID[last] * np.exp(np.clip(part, 0.0, 1.0) * step)
    return AlarmLevel(
        level=series.level, group=group, threshold=threshold, rates=rates, stated=stated
    )


def _find_groups(series: WatchedSeries) -> Ints:
    """Return groups of areas of like size, (areas,)."""
    size = np.bincount(series.area, weights=series.mean.sum(axis=1))
    n_groups = max(1, min(MOST_GROUPS, len(size) // GROUP_AREAS))
    rank = np.argsort(np.argsort(size, kind="stable"), kind="stable")
    return np.asarray(rank * n_groups // len(size), dtype=np.int64)


def _watch(
    series: WatchedSeries, hours: Floats, works: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """Draw the days and watch them by the hour; return series, hour since the start, and chance where it is small."""
    days = series.mean.shape[1]
    # Doubt about the mean is drawn once, what lasts every four weeks, what days have alone each day.
    lasting = np.maximum((LONGEST * series.alpha[-1] - series.alpha[0]) / (LONGEST - 1), 0.0)
    passing = np.maximum(series.alpha[0] - lasting, 0.0)
    mean = series.mean * _draw_gamma(np.expm1(series.log_variance), rng, 1)
    months = -(-days // 28)
    mean *= np.repeat(_draw_gamma(lasting, rng, months), 28, axis=1)[:, :days]
    counts = rng.poisson(mean * _draw_gamma(passing, rng, days))
    rows, at = np.nonzero(counts)
    event = np.repeat(np.arange(len(rows)), counts[rows, at])
    hour = _draw_hours(hours[series.item[rows], works[at]], event, rng)
    key, seen = np.unique(event * 24 + hour, return_counts=True)
    cell, hour = key // 24, key % 24
    running = np.cumsum(seen)
    first = np.r_[True, np.diff(cell) > 0]
    before = np.maximum.accumulate(np.where(first, running - seen, 0))
    so_far = (running - before).astype(np.float64)
    which, day = rows[cell], at[cell]
    passed = hours[series.item[which], works[day], hour]
    keep = day >= LONGEST - 1
    which, day, hour, so_far, passed = (part[keep] for part in (which, day, hour, so_far, passed))
    p = find_smallest_tail(series, which, day, counts=counts, so_far=so_far, passed=passed)[0]
    small = p <= LARGEST_P
    return which[small], (day * 24 + hour)[small], p[small]


def _draw_gamma(variance: Floats, rng: np.random.Generator, times: int) -> Floats:
    """Return factors of mean 1 and the variances given, (n, times)."""
    variance = np.maximum(variance, 1e-9)[:, None]
    drawn: Floats = rng.standard_gamma(1.0 / variance, (len(variance), times)) * variance
    return drawn


def _draw_hours(passed: Floats, event: Ints, rng: np.random.Generator) -> Ints:
    """Return the hour of each event, as the profile of its cell (cells, 24) says."""
    drawn = rng.random(len(event))
    hour = np.zeros(len(event), dtype=np.int64)
    for column in range(23):
        hour += drawn > passed[event, column]
    return hour


def find_smallest_tail(
    series: WatchedSeries, which: Ints, day: Ints, *, counts: Ints, so_far: Floats, passed: Floats
) -> tuple[Floats, Ints]:
    """Return the smallest chance over the windows that end now, and which window it is, each (n,).

    Parameters
    ----------
    series
        With what days let expect.
    which, day
        Series and day of each question, (n,).
    counts
        Whole days, (series, days).
    so_far
        Counts of the day up to now, (n,).
    passed
        Share of the day that has usually come in by now, (n,).
    """
    best = np.full(len(which), 1.0)
    window_of = np.zeros(len(which), dtype=np.int64)
    total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    usual = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(series.mean, axis=1)], axis=1)
    for at, window in enumerate(WINDOWS):
        start = np.maximum(day - window + 1, 0)
        n = so_far + total[which, day] - total[which, start]
        mean = passed * series.mean[which, day] + usual[which, day] - usual[which, start]
        p = find_tail(
            n, mean, log_variance=series.log_variance[which], alpha=series.alpha[at, which]
        )
        p[n < FEWEST[series.level]] = 1.0
        window_of[p < best] = at
        best = np.minimum(best, p)
    return best, window_of


def find_starts(which: Ints, at: Ints) -> Ints:
    """Return the positions of alarms that begin a surge: no other of the series within the days before."""
    order = np.asarray(np.lexsort((at, which)), dtype=np.int64)
    which, at = which[order], at[order]
    new = np.r_[True, (np.diff(which) != 0) | (np.diff(at) > QUIET_DAYS * 24)][: len(which)]
    starts: Ints = order[new]
    return starts
