"""Weights of tests in false-discovery control: a test gets so much of the allowed false ones as it can turn to use.

Most of the millions of tests can show nothing: where 0.2 persons are expected, no threefold is visible. Others cannot
miss. The number of true ones found is greatest, among all weights that keep the same number of false ones, where a
test's odds at its threshold are the same for all: ``w = Φ̄(θ/2 + (c - ln π)/θ)``, `θ` being the standardised size of
the excess looked for and `π` how likely there is one (Roeder & Wasserman 2009, "Genome-wide significance levels and
weighted hypothesis testing", Statistical Science 24, with π the same for all). Excesses are taken as the likelier the
more people are there. Both follow from what is expected, never from what was counted, which is what keeps the promise
(Genovese, Roeder & Wasserman 2006, "False discovery control with p-value weighting", Biometrika 93). A part is shared
by what is expected alone, for excesses of other sizes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

FACTOR, PERSONS = 3.0, 12.0
"""The excess looked for: so many times what is expected, at least so many persons. Assumed."""

LIKELY_LIMITS = (0.01, 30.0)
"""Expected persons between which an excess is the likelier the more are expected. Assumed."""

EVEN_SHARE = 0.1
"""Share of the allowed false ones that tests get by what is expected alone. Assumed."""

MOST_COUNTED = 100_000
"""Tests of one window and radius that are counted to find the constant; beyond it every k-th row."""

SIZES = np.linspace(0.0, 40.0, 801)
LIKELIES = np.log(np.geomspace(*LIKELY_LIMITS, 61))
"""Classes in which tests are counted to find the constant."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weights of one kind of tests; over all of them they sum to 1.

    Parameters
    ----------
    constant
        The `c` of the formula.
    likely
        Sum of what makes excesses likely, over all tests.
    """

    constant: float
    likely: float

    def find_false(self, p: Array, mean: Array, variation: Array) -> Array:
        """Return how many false ones are to be expected where these tests are at their thresholds.

        Parameters
        ----------
        p
            P-values, shape (k,).
        mean, variation
            As in :meth:`find_weights`.
        """
        return np.asarray(p / self.find_weights(mean, variation))

    def find_weights(self, mean: Array, variation: Array) -> Array:
        """Return the share of the allowed false ones that each test gets.

        Parameters
        ----------
        mean, variation
            Expected persons and the squared coefficient of variation of their rate, shape (k,).
        """
        likely = np.clip(mean, *LIKELY_LIMITS)
        chosen = _weigh(find_size(mean, variation), np.log(likely), self.constant)
        return np.asarray((1.0 - EVEN_SHARE) * chosen + EVEN_SHARE * likely / self.likely)


def _weigh(size: Array, likely: Array, constant: float) -> Array:
    """Return the weights; 0 where nothing can be seen."""
    seen = np.maximum(size, 0.05)
    return np.asarray(special.ndtr(-(seen / 2.0 + (constant - likely) / seen)))


def find_size(mean: Array, variation: Array) -> Array:
    """Return the standardised size of the excess looked for.

    The logarithm of the ratio over its deviation: that of a Poisson count by its deviance, and that of the rate.

    Parameters
    ----------
    mean, variation
        Expected persons and the squared coefficient of variation of their rate; any one shape.
    """
    usual = np.maximum(mean, 1e-6)
    sought = np.maximum(FACTOR * usual, PERSONS)
    ratio = np.log(sought / usual)
    deviance = 2.0 * np.maximum(sought * ratio - (sought - usual), 1e-12)
    return np.asarray(ratio / np.sqrt(ratio**2 / deviance + np.log1p(variation)))


def make_weights(tests: Iterable[tuple[Array, Array]]) -> Weights:
    """Return the weights of tests, given as pairs of expected persons and their variation, of any one shape."""
    counts = np.zeros((len(SIZES), len(LIKELIES)))
    total = 0.0
    for mean, variation in tests:
        # a constant over millions of tests is told by every k-th row as well
        every = max(np.size(mean) // MOST_COUNTED, 1)
        own, spread = mean[::every], np.broadcast_to(variation, np.shape(mean))[::every]
        part = np.size(mean) / max(np.size(own), 1)
        likely = np.clip(np.ravel(own), *LIKELY_LIMITS)
        size = np.ravel(find_size(own, spread))
        row = np.clip(np.rint(size / SIZES[1]), 0, len(SIZES) - 1).astype(np.int64)
        step = LIKELIES[1] - LIKELIES[0]
        column = np.rint((np.log(likely) - LIKELIES[0]) / step).astype(np.int64)
        counted = np.bincount(row * len(LIKELIES) + column, minlength=counts.size)
        counts += part * counted.reshape(counts.shape)
        total += part * float(likely.sum())
    low, high = -1000.0, 1000.0
    for _ in range(60):
        constant = (low + high) / 2.0
        whole = float((counts * _weigh(SIZES[:, None], LIKELIES[None, :], constant)).sum())
        low, high = (constant, high) if whole > 1.0 else (low, constant)
    return Weights(constant=high, likely=max(total, LIKELY_LIMITS[0]))
