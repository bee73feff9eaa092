"""The scan itself: the most unusual windows of place and time, and how unusual they are by chance."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from math import exp, floor, pi, sqrt
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.scan import kernels
from planner.scan.circles import Circles, make_circles
from planner.scan.input import ScanError, ScanInput, ScanModel

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Counts = NDArray[np.int32]

BATCH = 16
"""Replicates that share one walk over the circles: their sums stay near the processor."""
EULER = 0.5772156649015329

CLUSTER_COLUMNS = (
    "locations",
    "start",
    "end",
    "observed",
    "expected",
    "relative_risk",
    "llr",
    "p_value",
    "gumbel_p",
)
"""Clusters, most unusual first: ``locations`` list of names, the centre first · ``start end`` dates, both inside ·
``observed expected`` cases · ``relative_risk`` rate inside / outside, missing where nothing is outside · ``llr``
log-likelihood ratio · ``p_value`` by rank among the replicates · ``gumbel_p`` by a Gumbel distribution fitted to
their maxima; both missing without replicates."""


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """Which windows are looked at.

    Parameters
    ----------
    is_spatial
        Whether the whole time is one window.
    is_prospective
        Whether only windows count that last until the end.
    max_share
        Greatest share of all expected cases in a circle, over the whole time, 0-1.
    max_duration
        Longest window in spans of time; None: half of them.
    replicates
        Number of data sets drawn without a cluster.
    seed
        Of the replicates; they do not depend on `threads`.
    threads
        Threads that draw and scan replicates.
    """

    is_spatial: bool = False
    is_prospective: bool = False
    max_share: float = 0.5
    max_duration: int | None = None
    replicates: int = 999
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        ScanError
            With the value and what is possible.
        """
        if not 0 < self.max_share <= 1:
            raise ScanError(
                f"The largest circle holds a share of {self.max_share}; it must be in (0, 1]."
            )
        if self.max_duration is not None and self.max_duration < 1:
            raise ScanError(
                f"The longest window is {self.max_duration} spans; it must be 1 or more."
            )
        if self.replicates < 0 or self.threads < 1:
            raise ScanError("Replicates must be 0 or more and threads 1 or more.")


def scan(data: ScanInput, options: ScanOptions | None = None) -> pd.DataFrame:
    """Find clusters of cases in place and time.

    Parameters
    ----------
    data
        Counts and expectation.
    options
        Which windows are looked at.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CLUSTER_COLUMNS`, one row a cluster, the highest ratio first. A later one shares no place with
        an earlier one at the same or the adjoining time; one that every replicate surpasses is left out. Empty where
        there are no cases.

    Raises
    ------
    ScanError
        If the longest window is longer than the time, or a place has cases where none can be.

    Notes
    -----
    Kulldorff (1997) for the statistic; Kulldorff (2001), Prospective time periodic geographical disease surveillance
    using a scan statistic, JRSS A 164: 61-72; Abrams, Kleinman, Kulldorff (2010), Gumbel based p-value
    approximations for spatial scan statistics, International Journal of Health Geographics 9: 61.
    """
    wanted = options or ScanOptions()
    if data.total == 0:
        return pd.DataFrame(columns=list(CLUSTER_COLUMNS))
    if ((data.expected <= 0) & (data.counts > 0)).any():
        place, span = np.argwhere((data.expected <= 0) & (data.counts > 0))[0]
        raise ScanError(
            f"{data.locations[place]} has {data.counts[place, span]} cases from {data.edges[span]} on "
            "and nobody who could be one. Check the population of that place and time."
        )
    counts, expected = data.counts, data.expected
    if wanted.is_spatial:
        counts, expected = counts.sum(axis=1, keepdims=True), expected.sum(axis=1, keepdims=True)
    longest = _find_longest(counts.shape[1], wanted)
    circles = make_circles(data.xyz, expected.sum(axis=1), max_share=wanted.max_share)
    ends_only = wanted.is_spatial or wanted.is_prospective
    found = _find_clusters(counts, expected, circles, longest, ends_only=ends_only, data=data)
    maxima = _draw_maxima(
        counts, expected, circles, longest, ends_only=ends_only, data=data, options=wanted
    )
    return _describe(found, data, maxima, is_spatial=wanted.is_spatial)


def _find_longest(n_spans: int, options: ScanOptions) -> int:
    """Return the longest window in spans."""
    if options.is_spatial:
        return 1
    if options.max_duration is None:
        return max(floor(n_spans / 2), 1)
    if options.max_duration > n_spans:
        raise ScanError(
            f"The longest window is {options.max_duration} spans, and the time has {n_spans}."
        )
    return options.max_duration


@dataclass(frozen=True, kw_only=True)
class _Window:
    """One window with its ratio."""

    members: frozenset[int]
    order: tuple[int, ...]
    start: int
    stop: int
    ratio: float


def _find_clusters(
    counts: Ints,
    expected: Floats,
    circles: Circles,
    longest: int,
    *,
    ends_only: bool,
    data: ScanInput,
) -> list[_Window]:
    """Return the windows that stand on their own, the highest ratio first."""
    sums = _sum_over_time(counts.astype(np.float64))
    usual = _sum_over_time(expected)
    n_places, n_spans = counts.shape
    people = 0.0 if data.population is None else float(data.population.sum())
    scale = _find_scale(expected, circles, longest, float(data.total), people)

    def search(first: Ints, last: Ints) -> list[_Window]:
        ratios = np.zeros(n_places)
        found = np.zeros((n_places, 3), dtype=np.int64)
        kernels.find_best_windows(
            circles.offsets,
            circles.members,
            sums,
            usual,
            first,
            last,
            longest,
            ends_only,
            people,
            scale,
            ratios,
            found,
        )
        return [
            _make_window(circles, centre, found[centre], ratios[centre])
            for centre in np.flatnonzero(ratios > 0).tolist()
        ]

    nothing = np.zeros(n_places, dtype=np.int64)
    everything = np.full(n_places, n_spans, dtype=np.int64)
    windows = search(nothing, everything)
    if not ends_only:
        # Per centre once more before and once more after its best window.
        before, after = nothing.copy(), everything.copy()
        for window in windows:
            before[window.order[0]], after[window.order[0]] = window.start, window.stop
        windows = windows + search(nothing, before) + search(after, everything)
    kept: list[_Window] = []
    for window in sorted(windows, key=lambda w: (-w.ratio, len(w.order), w.start, w.order)):
        if not any(_touch(window, other) for other in kept):
            kept.append(window)
    return kept


def _make_window(circles: Circles, centre: int, found: Ints, ratio: float) -> _Window:
    """Return a window from the positions that the search wrote."""
    first = circles.offsets[centre]
    order = tuple(int(place) for place in circles.members[first : first + found[0]])
    return _Window(
        members=frozenset(order),
        order=order,
        start=int(found[1]),
        stop=int(found[2]),
        ratio=float(ratio),
    )


def _touch(one: _Window, other: _Window) -> bool:
    """Tell whether two windows share a place at the same or the adjoining time."""
    return one.start <= other.stop and other.start <= one.stop and bool(one.members & other.members)


def _sum_over_time(values: Floats) -> Floats:
    """Return sums up to each border, shape (L, T + 1)."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _draw_maxima(
    counts: Ints,
    expected: Floats,
    circles: Circles,
    longest: int,
    *,
    ends_only: bool,
    data: ScanInput,
    options: ScanOptions,
) -> Floats:
    """Return the greatest ratio of each replicate."""
    width = longest if ends_only else counts.shape[1]
    drawer = _Drawer(data, counts, expected, width)
    recent = expected[:, -width:]
    usual = _sum_over_time(recent[:, ::-1] if ends_only else recent)
    people = 0.0 if data.population is None else float(data.population.sum())
    scale = _find_scale(expected, circles, longest, float(data.total), people)
    seeds = np.random.SeedSequence(options.seed).generate_state(
        max(options.replicates, 1), np.uint64
    )
    seeds = seeds[: options.replicates]

    def run(first: int) -> Floats:
        part = seeds[first : first + BATCH]
        sums = np.zeros((len(part), len(counts), width + 1), dtype=np.float32)
        for seed, total in zip(part, sums, strict=True):
            kernels.sum_over_time(drawer.draw(seed), width, ends_only, total)
        maxima = np.zeros(len(part))
        kernels.find_maxima(
            circles.offsets,
            circles.members,
            sums,
            usual,
            longest,
            ends_only,
            float(data.total),
            people,
            scale,
            maxima,
        )
        return maxima

    with ThreadPoolExecutor(options.threads) as pool:
        parts = list(pool.map(run, range(0, options.replicates, BATCH)))
    return np.concatenate(parts) if parts else np.zeros(0)


def _find_scale(
    expected: Floats, circles: Circles, longest: int, n_cases: float, n_people: float
) -> float:
    """Return the factor with which ``d² <= ratio · scale · e`` proves that a window has at most that ratio."""
    sums = _sum_over_time(expected)
    window = float((sums[:, longest:] - sums[:, :-longest]).sum(axis=0).max())
    widest = min(circles.largest, window, n_cases * (1 - 1e-9))
    upper = 0.5 + widest / (n_cases - widest)
    if n_people > n_cases:
        controls = (n_people - n_cases) / n_cases
        upper += 1 / controls + 0.5 * widest / (controls * (n_cases - widest))
    elif n_people:
        upper = np.inf
    return 1 / (upper * kernels.SLACK)


class _Drawer:
    """Draws data sets without a cluster: what is kept of one are the counts of the last spans, place by place."""

    def __init__(self, data: ScanInput, counts: Ints, expected: Floats, width: int) -> None:
        n_places, n_spans = counts.shape
        self.model = data.model
        self.width = width
        self.n_cells = n_places * width
        self.draws = data.total
        if self.model is ScanModel.POISSON:
            usual = expected[:, n_spans - width :].ravel()
            rest = max(float(expected.sum() - usual.sum()), 0.0)
            self.chance, self.other = make_alias(np.append(usual, rest))
        elif self.model is ScanModel.PERMUTATION:
            recent: Ints = counts[:, n_spans - width :].sum(axis=0)
            self.pool = np.repeat(np.arange(n_places, dtype=np.int32), counts.sum(axis=1))
            self.column = np.repeat(np.arange(width, dtype=np.int32), recent)
            self.draws = len(self.column)
        else:
            people = cast("Ints", data.population)
            if people.shape[1] != n_spans:
                people = people.sum(axis=1, keepdims=True)
            cells = np.full(people.shape, -1, dtype=np.int32)
            cells[:, n_spans - width :] = np.arange(self.n_cells, dtype=np.int32).reshape(
                n_places, width
            )
            self.pool = np.repeat(cells.ravel(), people.ravel())
            self.column = np.zeros(self.draws, dtype=np.int32)

    def draw(self, seed: np.uint64) -> Singles:
        """Return one data set, length places × spans."""
        counted = np.zeros(self.n_cells, dtype=np.float32)
        if self.model is ScanModel.POISSON:
            kernels.draw_cells(seed, self.draws, self.chance, self.other, counted)
        else:
            by_place = self.model is ScanModel.PERMUTATION
            kernels.draw_without_return(
                seed,
                self.pool.copy(),
                self.draws,
                self.column,
                self.width if by_place else 1,
                counted,
            )
        return counted


def make_alias(weights: Floats) -> tuple[NDArray[np.uint32], Counts]:
    """Return Walker's table of aliases (1977; Vose 1991): chance to stay in units of 2⁻³², and where to go else."""
    n = len(weights)
    share = weights / weights.sum() * n
    chance = np.full(n, 0xFFFFFFFF, dtype=np.uint32)
    other = np.arange(n, dtype=np.int32)
    small = list(np.flatnonzero(share < 1))
    large = list(np.flatnonzero(share >= 1))
    while small and large:
        low, high = small.pop(), large[-1]
        chance[low] = np.uint32(share[low] * 0xFFFFFFFF)
        other[low] = high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return chance, other


def _describe(
    windows: list[_Window], data: ScanInput, maxima: Floats, *, is_spatial: bool
) -> pd.DataFrame:
    """Return clusters as rows."""
    rows = []
    for window in windows:
        if len(maxima) and rank_ratio(window.ratio, maxima) > len(maxima):
            continue  # Every data set without a cluster holds something more unusual.
        places = list(window.order)
        spans = slice(None) if is_spatial else slice(window.start, window.stop)
        observed = int(data.counts[places, spans].sum())
        expected = float(data.expected[places, spans].sum())
        outside, usual = data.total - observed, data.total - expected
        start, stop = (
            (data.edges[0], data.edges[-1])
            if is_spatial
            else (data.edges[window.start], data.edges[window.stop])
        )
        rows.append(
            {
                "locations": [data.locations[place] for place in places],
                "start": start,
                "end": stop - timedelta(days=1),
                "observed": observed,
                "expected": expected,
                "relative_risk": (observed / expected) / (outside / usual) if outside else None,
                "llr": window.ratio,
                "p_value": find_rank_p(window.ratio, maxima),
                "gumbel_p": find_gumbel_p(window.ratio, maxima),
            }
        )
    return pd.DataFrame(rows, columns=list(CLUSTER_COLUMNS))


def find_rank_p(ratio: float, maxima: Floats) -> float | None:
    """Return the share of replicates, this data set among them, that are at least as unusual; ties count."""
    if not len(maxima):
        return None
    return rank_ratio(ratio, maxima) / (len(maxima) + 1)


def rank_ratio(ratio: float, maxima: Floats) -> int:
    """Return the place of `ratio` among the replicates, 1 for the most unusual; ties count against it."""
    # Sums in another order differ in the last digits; such a tie is a tie.
    return 1 + int((maxima >= ratio * (1 - 1e-12)).sum())


def find_gumbel_p(ratio: float, maxima: Floats) -> float | None:
    """Return the chance of a greater ratio by a Gumbel distribution with the replicates' mean and variance."""
    if len(maxima) < 2 or not maxima.std():
        return None
    scale = sqrt(6.0 * float(maxima.var(ddof=1))) / pi
    reduced = (ratio - (float(maxima.mean()) - EULER * scale)) / scale
    return float(-np.expm1(-exp(-reduced)))
