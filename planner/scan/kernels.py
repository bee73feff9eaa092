"""Compiled loops of the scan: the log-likelihood ratio, the best window of every centre, replicates and their maxima.

Pruning. With N cases, c of them in a window that expects e < c, and d = c - e, the Poisson ratio obeys

    c ln(c/e) + (N-c) ln((N-c)/(N-e)) <= d²/(2e) + d²/(N-e)

since x ln x - x + 1 <= (x-1)²/2 for x >= 1 and <= (x-1)² for 0 <= x <= 1; the Bernoulli ratio has the same two terms
for the controls. So ``d² <= best · scale · e`` with one ``scale`` for all windows proves that a window cannot beat the
best one, and that test runs over whole rows of windows at once, in single precision with room for rounding.
"""

# mypy: disable-error-code="no-any-return,return-value,assignment"
# numba's types are not mypy's: scalars of arrays come back as Any.

from math import log

import numpy as np
from numpy.typing import NDArray

from geodata.kernels import kernel, make_kernel

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Counts = NDArray[np.int32]

SLACK = 1.02
"""Room for the rounding of single precision in the test that prunes; larger is safe, only slower."""


@kernel
def find_ratio(c: float, e: float, n_cases: float, n_people: float) -> float:
    """Return the log-likelihood ratio of one window; 0 where it holds fewer than two cases or no more than expected.

    `n_people` is cases and controls of the Bernoulli model, 0 for the other two.
    """
    if c < 2.0 or c <= e or e <= 0.0:
        return 0.0
    ratio = c * log(c / e)
    rest = n_cases - c
    if rest > 0.0:
        ratio += rest * log(rest / (n_cases - e))
    if n_people > 0.0:
        # Controls inside and outside; e = n · cases / people gives the people of the window back.
        n = e * n_people / n_cases
        inside, outside = n - c, n_people - n - rest
        even = (n_people - n_cases) / n_people
        if inside > 1e-9:
            ratio += inside * log(inside / (n * even))
        if outside > 1e-9:
            ratio += outside * log(outside / ((n_people - n) * even))
    return ratio


@kernel
def find_best_windows(
    offsets: Ints,
    members: Ints,
    counts: Floats,
    expected: Floats,
    first: Ints,
    last: Ints,
    longest: int,
    ends_only: bool,
    n_people: float,
    scale: float,
    ratios: Floats,
    found: Ints,
) -> None:
    """Find the best window of each centre among those that lie within its own limits of time.

    `counts` and `expected` are sums over time up to each border, shape (L, T + 1). Centre ``i`` may use the spans
    ``first[i]`` to ``last[i]``, the latter outside. Writes ``ratios[i]`` and ``found[i] = size, start, stop``.
    `scale`: see the module.
    """
    borders = counts.shape[1]
    n_cases = 0.0
    for place in range(counts.shape[0]):
        n_cases += counts[place, borders - 1]
    c = np.zeros(borders)
    e = np.zeros(borders)
    for centre in range(len(offsets) - 1):
        c[:] = 0.0
        e[:] = 0.0
        ratios[centre] = 0.0
        for position in range(offsets[centre], offsets[centre + 1]):
            place = members[position]
            for t in range(borders):
                c[t] += counts[place, t]
                e[t] += expected[place, t]
            size = position - offsets[centre] + 1
            begin = max(first[centre], last[centre] - longest) if ends_only else first[centre]
            for start in range(begin, last[centre]):
                lowest = last[centre] if ends_only else start + 1
                highest = last[centre] if ends_only else min(start + longest, last[centre])
                for stop in range(lowest, highest + 1):
                    inside = c[stop] - c[start]
                    usual = e[stop] - e[start]
                    over = inside - usual
                    if over <= 0.0 or over * over <= ratios[centre] * scale * usual:
                        continue
                    ratio = find_ratio(inside, usual, n_cases, n_people)
                    if ratio > ratios[centre]:
                        ratios[centre] = ratio
                        found[centre, 0] = size
                        found[centre, 1] = start
                        found[centre, 2] = stop


@kernel
def _next_random(state: np.uint64) -> np.uint64:
    """Return the number of a counter: SplitMix64 (Steele, Lea, Flood 2014), one multiplication chain a number."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def _below(number: np.uint64, limit: int) -> int:
    """Return a position below `limit` (< 2³²) from the upper half of a random number."""
    return np.int64(((number >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@kernel
def draw_cells(
    seed: np.uint64, draws: int, chance: NDArray[np.uint32], other: Counts, counted: Singles
) -> None:
    """Draw cases into cells by Walker's table of aliases; cells past the end of `counted` are not kept."""
    step = np.uint64(0x9E3779B97F4A7C15)
    state = seed
    n_cells, kept = len(chance), len(counted)
    for _ in range(draws):
        state += step
        number = _next_random(state)
        cell = _below(number, n_cells)
        if np.uint32(number & np.uint64(0xFFFFFFFF)) > chance[cell]:
            cell = np.int64(other[cell])
        if cell < kept:
            counted[cell] += np.float32(1.0)


@kernel
def draw_without_return(
    seed: np.uint64, pool: Counts, draws: int, column: Counts, width: int, counted: Singles
) -> None:
    """Draw members of `pool` without returning them (a partial shuffle that changes `pool`) and count them.

    Draw ``i`` counts in the cell ``pool member × width + column[i]``; negative ones are not kept.
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    state = seed
    n = len(pool)
    for i in range(draws):
        state += step
        j = i + _below(_next_random(state), n - i)
        pool[i], pool[j] = pool[j], pool[i]
        if pool[i] >= 0:
            counted[pool[i] * width + column[i]] += np.float32(1.0)


@make_kernel(fastmath={"nnan", "ninf", "nsz", "contract"})
def _any_can_win(late: Singles, early: Singles, usual: Singles, bar: np.float32) -> bool:
    """Tell whether any window may beat the best: counts up to its end and its start, and what it expects.

    The comparisons are gathered by "or": the compiler turns that, unlike a maximum, into code for sixteen windows at
    a time.
    """
    hits = np.int32(0)
    for t in range(len(usual)):
        over = late[t] - early[t] - usual[t]
        hits |= np.int32(over * abs(over) > bar * usual[t])
    return hits != 0


@make_kernel(fastmath={"contract"})
def _add(total: Singles, part: Singles) -> None:
    """Add in place."""
    for t in range(len(total)):
        total[t] += part[t]


@kernel
def find_maxima(
    offsets: Ints,
    members: Ints,
    sums: Singles,
    expected: Floats,
    longest: int,
    ends_only: bool,
    n_cases: float,
    n_people: float,
    scale: float,
    maxima: Floats,
) -> None:
    """Find the greatest ratio over all windows of each replicate.

    `sums` are counts over time, shape (R, L, T + 1): up to each border or, where only windows that end last count,
    back from the end. `expected` is the same of the expectation, shape (L, T + 1). `scale`: see the module.
    """
    n_replicates, _, borders = sums.shape
    c = np.zeros((n_replicates, borders), dtype=np.float32)
    usual = np.zeros(borders)
    window = np.zeros(borders, dtype=np.float32)
    nothing = np.zeros(borders, dtype=np.float32)
    for centre in range(len(offsets) - 1):
        c[:] = np.float32(0.0)
        usual[:] = 0.0
        for position in range(offsets[centre], offsets[centre + 1]):
            place = members[position]
            for t in range(borders):
                usual[t] += expected[place, t]
            for r in range(n_replicates):
                _add(c[r], sums[r, place])
            if ends_only:
                for t in range(borders):
                    window[t] = np.float32(usual[t])
                for r in range(n_replicates):
                    bar = np.float32(maxima[r] * scale)
                    if _any_can_win(c[r], nothing, window, bar):
                        for t in range(1, borders):
                            maxima[r] = max(
                                maxima[r],
                                find_ratio(np.float64(c[r, t]), usual[t], n_cases, n_people),
                            )
                continue
            for lag in range(1, longest + 1):
                n = borders - lag
                for t in range(n):
                    window[t] = np.float32(usual[t + lag] - usual[t])
                for r in range(n_replicates):
                    bar = np.float32(maxima[r] * scale)
                    if _any_can_win(c[r, lag:], c[r, :n], window[:n], bar):
                        for t in range(n):
                            inside = np.float64(c[r, t + lag] - c[r, t])
                            over = inside - usual[t + lag] + usual[t]
                            if over > 0.0 and over * over > bar * (usual[t + lag] - usual[t]):
                                maxima[r] = max(
                                    maxima[r],
                                    find_ratio(
                                        inside, usual[t + lag] - usual[t], n_cases, n_people
                                    ),
                                )


@kernel
def sum_over_time(counted: Singles, width: int, backwards: bool, sums: Singles) -> None:
    """Turn the counts of one replicate, place by place, into sums, shape (L, width + 1)."""
    for place in range(sums.shape[0]):
        total = np.float32(0.0)
        sums[place, 0] = total
        for t in range(width):
            at = width - 1 - t if backwards else t
            total += counted[place * width + at]
            sums[place, t + 1] = total
