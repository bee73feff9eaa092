"""What a scan statistic looks at: places, spans of time, counts and what would be expected without a cluster.

Three models (Kulldorff 1997; Kulldorff et al. 2005): *Poisson*, cases against a population; *permutation*, cases
against their own totals by place and by time; *Bernoulli*, cases against controls.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import PlannerError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ScanError(PlannerError):
    """Cases, places or a population cannot be scanned; the message says which, and what was expected."""


class ScanModel(StrEnum):
    """How many cases are expected where and when."""

    POISSON = "poisson"
    PERMUTATION = "permutation"
    BERNOULLI = "bernoulli"


class TimeUnit(StrEnum):
    """The length of one span of time."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class ScanInput:
    """Counts by place and span of time, with their expectation.

    Parameters
    ----------
    model
        Decides the likelihood and how replicates are drawn.
    locations
        Names of the places, length L.
    xyz
        Their coordinates in any one unit, shape (L, 3); only the order of distances counts.
    edges
        The first day of each span and the day after the last, length T + 1, ascending.
    counts
        Cases, shape (L, T).
    expected
        Cases expected without a cluster, shape (L, T); their sum is that of `counts`.
    population
        Cases and controls, shape (L, T); only for the Bernoulli model.
    """

    model: ScanModel
    locations: tuple[str, ...]
    xyz: Floats
    edges: tuple[date, ...]
    counts: Ints
    expected: Floats
    population: Ints | None = None

    @property
    def total(self) -> int:
        """Return the number of cases."""
        return int(self.counts.sum())


def make_edges(start: date, end: date, unit: TimeUnit) -> tuple[date, ...]:
    """Return the borders of the spans from `start` to `end`, both inside, counted back from `end`.

    The first span is shorter where the time is no whole number of units.

    Raises
    ------
    ScanError
        If `end` lies before `start`.
    """
    if end < start:
        raise ScanError(f"The time ends on {end}, before it starts on {start}.")
    stop = end + timedelta(days=1)
    edges = [stop]
    step = 0
    while edges[-1] > start:
        step += 1
        edges.append(max(_go_back(stop, step, unit), start))
    return tuple(reversed(edges))


def _go_back(stop: date, steps: int, unit: TimeUnit) -> date:
    """Return the day that lies some units before `stop`."""
    if unit is TimeUnit.DAY:
        return stop - timedelta(days=steps)
    offset = pd.DateOffset(**{f"{unit.value}s": steps})
    day: date = (pd.Timestamp(stop) - offset).date()
    return day


def count_cases(cases: pd.DataFrame, locations: tuple[str, ...], edges: tuple[date, ...]) -> Ints:
    """Count cases by place and span.

    Parameters
    ----------
    cases
        ``location`` text · ``on`` date · ``count`` whole number ≥ 0.
    locations
        Names of the places, length L.
    edges
        Borders of the spans, length T + 1.

    Returns
    -------
    numpy.ndarray
        Shape (L, T).

    Raises
    ------
    ScanError
        If a place is unknown or a day lies outside the time.
    """
    counts = np.zeros((len(locations), len(edges) - 1), dtype=np.int64)
    row = _find_rows(cases["location"], locations)
    column = _find_columns(cases["on"], edges)
    np.add.at(counts, (row, column), cases["count"].to_numpy(dtype=np.int64))
    return counts


def _find_rows(names: pd.Series, locations: tuple[str, ...]) -> Ints:
    """Return the position of each place."""
    row = pd.Index(locations).get_indexer(names)
    if (row < 0).any():
        unknown = sorted(set(names[row < 0].astype(str)))
        raise ScanError(
            f"{len(unknown)} places have cases or people but no coordinates: {', '.join(unknown[:5])}. "
            "Add them to the file of places, or take their rows out."
        )
    return np.asarray(row, dtype=np.int64)


def _find_columns(days: pd.Series, edges: tuple[date, ...]) -> Ints:
    """Return the span of each day."""
    borders = np.array(edges, dtype="datetime64[D]")
    at = pd.to_datetime(days).to_numpy().astype("datetime64[D]")
    column = np.searchsorted(borders, at, side="right") - 1
    outside = (column < 0) | (column >= len(edges) - 1)
    if outside.any():
        raise ScanError(
            f"{int(outside.sum())} cases lie outside {edges[0]} to {edges[-1] - timedelta(days=1)}, "
            f"the first on {at[outside][0]}. Choose --start and --end so that they hold all cases."
        )
    return np.asarray(column, dtype=np.int64)


def make_permutation_expectation(counts: Ints) -> Floats:
    """Return what is expected if place and time are independent: total of the place × total of the time / all.

    Kulldorff, Heffernan, Hartman, Assunção, Mostashari (2005), A space-time permutation scan statistic for disease
    outbreak detection, PLoS Medicine 2(3): e59.
    """
    total = counts.sum()
    if not total:
        return np.zeros(counts.shape)
    product = np.outer(counts.sum(axis=1), counts.sum(axis=0))
    return np.asarray(product / total, dtype=np.float64)


def make_bernoulli_expectation(cases: Ints, population: Ints) -> Floats:
    """Return the cases expected if cases and controls are mixed alike everywhere, shape as `cases`."""
    people = population.sum()
    if not people:
        return np.zeros(cases.shape)
    return np.asarray(population * (cases.sum() / people), dtype=np.float64)


def make_poisson_expectation(
    cases: pd.DataFrame,
    population: pd.DataFrame,
    locations: tuple[str, ...],
    edges: tuple[date, ...],
) -> Floats:
    """Return what is expected if the rate is the same everywhere, by indirect standardisation.

    Parameters
    ----------
    cases
        ``location on count`` and ``group``, the covariates as one text.
    population
        ``location`` · ``on`` day of the count · ``people`` ≥ 0 · ``group``. Between two days of one place and group
        people change linearly; before the first and after the last they stay.
    locations, edges
        Names of the places, length L; borders of the spans, length T + 1.

    Returns
    -------
    numpy.ndarray
        Shape (L, T); the sum is the number of cases.

    Raises
    ------
    ScanError
        If a group has cases but no people, or a place has.
    """
    groups = sorted(set(population["group"]) | set(cases["group"]))
    expected = np.zeros((len(locations), len(edges) - 1))
    by_group = dict(tuple(population.groupby("group", sort=True)))
    observed = cases.groupby("group")["count"].sum()
    for group in groups:
        n = int(observed.get(group, 0))
        people = (
            _integrate_people(by_group[group], locations, edges)
            if group in by_group
            else np.zeros(expected.shape)
        )
        total = people.sum()
        if n and total <= 0:
            raise ScanError(
                f"Group {group!r} has {n} cases and no people in the file of the population."
            )
        if total > 0:
            expected += people * (n / total)
    return expected


def _integrate_people(
    population: pd.DataFrame, locations: tuple[str, ...], edges: tuple[date, ...]
) -> Floats:
    """Return person-days of one group by place and span, shape (L, T)."""
    borders = np.array(edges, dtype="datetime64[D]").astype(np.int64)
    people = np.zeros((len(locations), len(edges) - 1))
    row = _find_rows(population["location"], locations)
    day = pd.to_datetime(population["on"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    size = population["people"].to_numpy(dtype=np.float64)
    order = np.lexsort((day, row))
    row, day, size = row[order], day[order], size[order]
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    for first, stop in zip(starts, np.append(starts[1:], len(row)), strict=True):
        known, at = np.unique(day[first:stop], return_inverse=True)
        values = np.bincount(at, weights=size[first:stop]).astype(np.float64)
        people[row[first]] = _integrate_line(known.astype(np.float64), values, borders)
    return people


def _integrate_line(known: Floats, values: Floats, borders: Ints) -> Floats:
    """Return the integral of a broken line, constant outside its points, between consecutive borders."""
    lo, hi = float(min(borders[0], known[0])) - 1.0, float(max(borders[-1], known[-1])) + 1.0
    x = np.concatenate([[lo], known, [hi]])
    y = np.concatenate([values[:1], values, values[-1:]])
    area = np.concatenate([[0.0], np.cumsum(np.diff(x) * (y[1:] + y[:-1]) / 2)])
    at = borders.astype(np.float64)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = x[piece + 1] - x[piece]
    share = (at - x[piece]) / width
    height = y[piece] + (y[piece + 1] - y[piece]) * share
    whole = area[piece] + (at - x[piece]) * (y[piece] + height) / 2
    return np.diff(whole)
