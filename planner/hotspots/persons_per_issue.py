"""How many persons one issue brings: most issues one, a few several.

Three neighbours who call about the same burst pipe are one issue, not three hits of a hotspot. So persons are not
independent of each other, issues are: their number is Poisson with a rate that is known only roughly
(:mod:`planner.hotspots.background`), each brings one person or more, and the number of persons is their sum, a
compound distribution with a longer tail. How many an issue brings is counted in the city's own orders.

The rate is taken as lognormal, not as Gamma distributed: compounds differ as towns do, with a long upper tail, and a
Gamma of the same variance calls the largest of them impossible.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.hotspots.cube import Cube
from planner.hotspots.kernels import NODES, WEIGHTS, find_mixed_tails

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_ISSUES = 50.0
"""Issues of an item that weigh as much as the whole city's experience. Assumed."""

LARGEST_EXACT = 80
"""Persons up to which the compound distribution is summed exactly; beyond it two moments are matched."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonsPerIssue:
    """How large the issues of each item are; the last row: of any item.

    Parameters
    ----------
    several
        Share of issues with more than one person, shape (items + 1,).
    further
        Chance that another person follows after the second (geometric), shape (items + 1,).
    tails
        P(further persons >= e) of b issues, shape (items + 1, b, e), both from 0.
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

    def find_tail(
        self,
        persons: Array,
        mean: Array,
        variation: Array,
        *,
        item: Ints,
        limit: Array | None = None,
    ) -> Array:
        """Return P(persons >= those counted).

        Parameters
        ----------
        persons
            Counted, shape (k,), at least 1.
        mean
            Mean number of persons, shape (k,).
        variation
            Squared coefficient of variation of the rate of issues, shape (k,).
        item
            Position of the item, shape (k,); -1: any.
        limit
            Probability from which on the answer is 1, shape (k,); None: always exact.
        """
        row = np.where(item < 0, len(self.several) - 1, item).astype(np.int64)
        large = persons > LARGEST_EXACT
        ratio = np.where(large, (self.square / self.mean)[row], 1.0)
        # scaled down to issues of one size, the count rounded to the careful side
        counted = np.maximum(np.floor(persons / ratio + 1e-9), 1.0).astype(np.int64)
        issues = mean / np.where(large, ratio, self.mean[row])
        return np.asarray(
            find_mixed_tails(
                counted,
                issues,
                np.asarray(variation, dtype=np.float64),
                np.where(large, -1, row),
                self.tails,
                NODES,
                WEIGHTS,
                np.full(len(persons), np.inf) if limit is None else limit,
            )
        )


def make_persons_per_issue(cube: Cube, quiet: Ints, density: Array) -> PersonsPerIssue:
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
    several_of = np.append((many + PRIOR_ISSUES * several) / (issues + PRIOR_ISSUES), several)
    further_of = np.append(
        (beyond + PRIOR_ISSUES * further) / (beyond + many + PRIOR_ISSUES), further
    )
    several_of, further_of = np.clip(several_of, 1e-4, 0.5), np.clip(further_of, 0.05, 0.8)
    tails = np.array([_make_tails(*pair) for pair in zip(several_of, further_of, strict=True)])
    return PersonsPerIssue(several=several_of, further=further_of, tails=tails)


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
