"""Compiled loops of the statistics: tails of counts whose rate is uncertain, and what surroundings let expect.

Beside each stands in the tests what it must equal: an integral by quadrature, a sum written out.
"""

# mypy: disable-error-code="no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import math

import numpy as np
from numpy.typing import NDArray

from geodata.kernels import kernel

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 0.25
NODES = np.array(sorted(np.arange(-7.5, 8.5 + STEP / 2, STEP), key=lambda node: abs(node - 1.0)))
WEIGHTS = STEP * np.exp(-0.5 * NODES**2) / math.sqrt(2 * math.pi)
"""Trapezoid for an integral over the standard normal; the rule converges faster than any power here. Nodes that tell
most about an upper tail stand first."""

MOST_NEAR = 64
"""Communities that one neighbourhood is split into at most; the cells of further ones count to the first."""


@kernel
def find_poisson_tail(count: int, mean: float) -> float:
    """Return P(N >= count), summed from the side where nothing cancels."""
    if count <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    log_mean = math.log(mean)
    if count > mean:
        term = math.exp(count * log_mean - mean - math.lgamma(count + 1.0))
        total, at = 0.0, count
        while term > 1e-17 * total:
            total += term
            at += 1
            term *= mean / at
        return min(total, 1.0)
    at = count - 1
    term = math.exp(at * log_mean - mean - math.lgamma(at + 1.0))
    total = 0.0
    while at >= 0 and term > 1e-17 * total:
        total += term
        term *= at / mean
        at -= 1
    return max(1.0 - total, 0.0)


@kernel
def find_mixed_tails(
    persons: Ints,
    issues: Array,
    variation: Array,
    item: Ints,
    further: Array,
    nodes: Array,
    weights: Array,
    limit: Array,
) -> Array:
    """Return P(persons >= those counted): lognormal rates, Poisson issues, several persons an issue.

    Parameters
    ----------
    persons
        Counted, at least 1, shape (k,).
    issues
        Mean number of issues, shape (k,).
    variation
        Squared coefficient of variation of the rate, shape (k,).
    item
        Row of `further`, shape (k,); -1: each issue one person.
    further
        P(further persons >= e) of b issues, shape (items, b, e).
    nodes, weights
        Of the integral over the standard normal.
    limit
        Probability from which on the answer is 1: no more than that is asked, shape (k,).
    """
    tails = np.empty(len(persons))
    for k in range(len(persons)):
        square = math.log1p(variation[k])
        deviation = math.sqrt(square)
        counted = persons[k]
        clumped = item[k] >= 0 and counted <= further.shape[1]
        total = 0.0
        for node in range(len(nodes)):
            if deviation < 1e-6:
                rate, weight = issues[k], 1.0
            else:
                rate = issues[k] * math.exp(deviation * nodes[node] - 0.5 * square)
                weight = weights[node]
            tail = find_poisson_tail(counted, rate)
            if clumped and tail < 1.0:
                chance = math.exp(-rate)
                for many in range(1, counted):
                    chance *= rate / many
                    tail += chance * further[item[k], many, counted - many]
            total += weight * min(tail, 1.0)
            if deviation < 1e-6 or total > limit[k]:
                break
        tails[k] = 1.0 if total > limit[k] else min(total, 1.0)
    return tails


@kernel
def find_expected(
    ends: Ints,
    members: Ints,
    exposure: Array,
    quiet: Array,
    quiet_exposure: Array,
    community: Ints,
    street: Ints,
    above: Array,
    alike: Array,
) -> tuple[Array, Array]:
    """Return what groups of cells would count at the rates around them, themselves left out.

    The rate of a community is drawn towards that of its street without the group, that of the street towards its
    district's: ``(n + a) / (x + a / rate above)``, the mean of a Gamma-Poisson with shape a.

    Parameters
    ----------
    ends, members
        Cells of group g: ``members[ends[g]:ends[g + 1]]``.
    exposure
        Of each cell, shape (cells,).
    quiet, quiet_exposure
        Counted in each cell and its exposure where it counts into the rates, shape (cells,).
    community
        Of each cell.
    street
        Of each community.
    above
        Rate of the district of each street.
    alike
        The a of communities and of streets.

    Returns
    -------
    tuple
        Expected counts, and the squared coefficient of variation of what is not known about them, shape (groups,).
    """
    communities, streets = len(street), len(above)
    of_community, x_community = np.zeros(communities), np.zeros(communities)
    of_street, x_street = np.zeros(streets), np.zeros(streets)
    for cell in range(len(community)):
        own = community[cell]
        of_community[own] += quiet[cell]
        x_community[own] += quiet_exposure[cell]
        of_street[street[own]] += quiet[cell]
        x_street[street[own]] += quiet_exposure[cell]
    groups = len(ends) - 1
    expected, variation = np.zeros(groups), np.zeros(groups)
    near = np.empty(MOST_NEAR, np.int64)
    inside, x_inside, x_whole = np.empty(MOST_NEAR), np.empty(MOST_NEAR), np.empty(MOST_NEAR)
    for group in range(groups):
        size = 0
        for at in range(ends[group], ends[group + 1]):
            cell = members[at]
            slot = 0
            while slot < size and near[slot] != community[cell]:
                slot += 1
            if slot == MOST_NEAR:
                slot = 0
            elif slot == size:
                near[slot], inside[slot], x_inside[slot], x_whole[slot] = community[cell], 0, 0, 0
                size += 1
            inside[slot] += quiet[cell]
            x_inside[slot] += quiet_exposure[cell]
            x_whole[slot] += exposure[cell]
        total, doubt = 0.0, 0.0
        for slot in range(size):
            own = near[slot]
            at_street = street[own]
            left, x_left = of_street[at_street], x_street[at_street]
            for other in range(size):
                if street[near[other]] == at_street:
                    left -= inside[other]
                    x_left -= x_inside[other]
            left, x_left = max(left, 0.0), max(x_left, 0.0)
            wide = (left + alike[1]) / (x_left + alike[1] / above[at_street])
            known = max(of_community[own] - inside[slot], 0.0)
            x_known = max(x_community[own] - x_inside[slot], 0.0)
            rate = (known + alike[0]) / (x_known + alike[0] / wide)
            total += x_whole[slot] * rate
            doubt += (x_whole[slot] * rate) ** 2 / (alike[0] + known)
        expected[group] = total
        variation[group] = doubt / total**2 if total > 0.0 else 0.0
    return expected, variation
