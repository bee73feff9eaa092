"""How many persons one issue brings: most issues one, a few several.

Three neighbours who call about the same burst pipe are one issue, not three hits of a hotspot. So persons are not
independent of each other, issues are: the number of issues is negative binomial (:mod:`planner.hotspots.background`),
each brings one person or more, and the number of persons is their sum, a compound distribution with a longer tail.
How many an issue brings is counted in the city's own orders.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from planner.hotspots.cube import Cube

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_ISSUES = 50.0
"""Issues of an item that weigh as much as the whole city's experience. Assumed."""

LARGEST_EXACT = 80
"""Persons up to which the compound distribution is summed exactly; beyond it two moments are matched."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clumps:
    """How large the issues of each item are.

    Parameters
    ----------
    several
        Share of issues with more than one person, shape (items,).
    further
        Chance that another person follows after the second (geometric), shape (items,).
    tails
        P(further persons >= e) of b issues, shape (items, b, e), both from 0.
    """

    several: Array
    further: Array
    tails: Array

    @property
    def mean(self) -> Array:
        """Return persons per issue."""
        return np.asarray(1.0 + self.several / (1.0 - self.further))

    @property
    def square(self) -> Array:
        """Return the mean square of persons per issue."""
        beyond = self.further / (1.0 - self.further)
        second = beyond * (1.0 + self.further) / (1.0 - self.further)
        return np.asarray(1.0 - self.several + self.several * (4.0 + 4.0 * beyond + second))

    def find_tail(self, persons: Array, mean: Array, shape: Array, *, item: int) -> Array:
        """Return P(persons >= those counted).

        Parameters
        ----------
        persons
            Counted, shape (k,), at least 1.
        mean, shape
            Mean number of persons, and shape of the negative binomial of the issues, shape (k,).
        item
            Position of the item.
        """
        tail = np.empty_like(mean)
        large = persons > LARGEST_EXACT
        ratio = float(self.square[item] / self.mean[item])
        tail[large] = find_tail(persons[large] / ratio, mean[large] / ratio, shape[large])
        small = ~large
        issues = mean[small] / self.mean[item]
        tail[small] = self._sum_tail(persons[small].astype(np.int64), issues, shape[small], item)
        return tail

    def _sum_tail(self, persons: Ints, issues: Array, shape: Array, item: int) -> Array:
        """Return the tail by summing over the number of issues."""
        share = issues / (issues + shape)
        chance = np.exp(shape * np.log1p(-share))
        tail = find_tail(persons.astype(np.float64), issues, shape)
        for count in range(1, int(persons.max(initial=1))):
            chance = chance * share * (shape + count - 1) / count
            further = np.maximum(persons - count, 0)
            tail += np.where(further > 0, chance * self.tails[item, count, further], 0.0)
        return np.minimum(tail, 1.0)


def make_clumps(cube: Cube, quiet: Ints, density: Array) -> Clumps:
    """Return how many persons the issues of each item bring.

    Parameters
    ----------
    cube
        The counts.
    quiet
        Entries with every person once, without those of hotspots already found.
    density
        Persons per area around each cell. Only the less dense half of the entries is used: where people live close
        together different issues meet by chance.
    """
    around = density[cube.cell[quiet]]
    sparse = quiet[around <= np.median(around)] if len(quiet) else quiet
    _, first, sizes = np.unique(cube.issue[sparse], return_index=True, return_counts=True)
    item, width = cube.item[sparse][first], len(cube.items)
    issues = np.bincount(item, minlength=width).astype(float)
    many = np.bincount(item[sizes > 1], minlength=width).astype(float)
    beyond = np.bincount(item[sizes > 1], weights=sizes[sizes > 1] - 2.0, minlength=width)
    several = (many.sum() + 1.0) / (issues.sum() + 20.0)
    further = (beyond.sum() + 1.0) / (beyond.sum() + many.sum() + 4.0)
    several_of = np.clip((many + PRIOR_ISSUES * several) / (issues + PRIOR_ISSUES), 1e-4, 0.5)
    further_of = np.clip(
        (beyond + PRIOR_ISSUES * further) / (beyond + many + PRIOR_ISSUES), 0.05, 0.8
    )
    tails = np.array([_make_tails(*pair) for pair in zip(several_of, further_of, strict=True)])
    return Clumps(several=several_of, further=further_of, tails=tails)


def find_tail(count: Array, mean: Array, shape: Array) -> Array:
    """Return P(X >= count) for the negative binomial with this mean and shape; 1 where count is 0.

    The regularised incomplete beta function at ``mean / (mean + shape)`` (Johnson, Kemp & Kotz 2005, 5.31).
    """
    tail = special.betainc(np.maximum(count, 1e-9), shape, mean / (mean + shape))
    return np.where(count > 0, tail, 1.0)


def _make_tails(several: float, further: float) -> Array:
    """Return P(further persons >= e) of b issues, by convolving the distribution of one issue."""
    size = LARGEST_EXACT + 1
    extra = np.arange(size)
    one = np.where(
        extra > 0,
        several * (1.0 - further) * further ** np.maximum(extra - 1.0, 0.0),
        1.0 - several,
    )
    chance, tails = np.zeros((size, size)), np.zeros((size, size))
    chance[0, 0] = 1.0
    for issues in range(1, size):
        chance[issues] = np.convolve(chance[issues - 1], one)[:size]
    # summed from the small end, so that tails far below the rounding of 1 keep their digits
    tails[:] = np.cumsum(chance[:, ::-1], axis=1)[:, ::-1]
    tails[:, 0] = 1.0
    return np.minimum(tails, 1.0)
