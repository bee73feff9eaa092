"""What a street's mix of items would be if it were like streets of its kind: a log-bilinear Poisson model.

Streets of one kind resemble each other in all items at once: old towns ask about pipes and parking, villages about
roads and heating. So the mean of item `i` in street `s` is ``persons of s · share of i · exp(a_s + Σ_k F_sk V_ik)``
with a few kinds `k` that are learnt from the counts themselves (Goodman 1979, "Simple models for the analysis of
association in cross-classifications having ordered categories", JASA 74; Collins, Dasgupta & Schapire 2001, "A
generalization of principal components analysis to the exponential family", NIPS 14), both factors drawn towards 0.

An excess must not explain itself: what is far above the mean counts only up to :data:`CAP_DEVIATIONS` above it, settled
anew in each round.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_KINDS = 5
"""Kinds of streets told apart at most; fewer where the counts do not show so many. Assumed."""

STREETS_PER_KIND = 8
"""So many streets, and so many items, each kind needs. Assumed."""

EDGE = 0.85
"""Part of the largest singular value of noise from which on a kind is told: a weak kind too many costs little."""

ROUNDS, STEPS, LONGEST_STEP, WIDEST = 8, 2, 0.7, 3.0
"""Rounds; Newton steps in each, their longest, and the largest coefficient."""

ITEM_PENALTY, STREET_PENALTY, OFFSET_PENALTY = 8.0, 1.0, 1e-3
"""Precisions of the normal priors of ``V``, ``F`` (of variance 1) and of the offsets. Assumed."""

CAP_DEVIATIONS, CAP_VARIATION = 2.0, 0.02
"""Where counts are capped; streets of a kind differ by a seventh without a cause. Assumed."""

FEWEST = 20.0
"""Persons of an item in the city below which its mix is the same everywhere."""


def fit_mix(counted: Array, every: Array) -> Array:
    """Return the expected persons of each street and item.

    Parameters
    ----------
    counted
        Persons per street and item, shape (streets, items).
    every
        Persons of any item per street, shape (streets, 1).
    """
    every = np.maximum(every, 1e-9)
    share = (counted.sum(axis=0) + 0.5) / max(float(every.sum()), 1.0)
    mean = every * share
    used = counted.sum(axis=0) >= FEWEST
    kinds = _count_kinds(counted[:, used], mean[:, used])
    if kinds and used.any():
        mean[:, used] = _fit_factors(counted[:, used], every, kinds)
    return np.asarray(mean)


def cap(counted: Array, mean: Array) -> Array:
    """Return counts, those far above their mean cut."""
    most = mean + CAP_DEVIATIONS * np.sqrt(mean + CAP_VARIATION * mean**2) + 1.0
    return np.asarray(np.minimum(counted, most))


def _standardise(counted: Array, mean: Array) -> Array:
    """Return Pearson residuals, cut at four deviations."""
    residuals = (counted - mean) / np.sqrt(mean + CAP_VARIATION * mean**2 + 0.5)
    return np.asarray(np.clip(residuals, -4.0, 4.0))


def _count_kinds(counted: Array, mean: Array) -> int:
    """Return how many kinds the counts show: singular values above those of noise (Marchenko & Pastur 1967)."""
    most = min(MOST_KINDS, *(side // STREETS_PER_KIND for side in counted.shape))
    if most < 1:
        return 0
    values, _ = _find_directions(_standardise(counted, mean))
    edge = np.sqrt(counted.shape[0]) + np.sqrt(counted.shape[1])
    return int(min(most, (values > EDGE * edge).sum()))


def _find_directions(residuals: Array) -> tuple[Array, Array]:
    """Return singular values, largest first, and the left singular vectors, shape (streets, values)."""
    squares, right = np.linalg.eigh(residuals.T @ residuals)
    values = np.sqrt(np.maximum(squares[::-1], 0.0))
    return values, residuals @ right[:, ::-1] / np.maximum(values, 1e-9)


def _fit_factors(counted: Array, every: Array, kinds: int) -> Array:
    """Return the expected persons, by turns of Newton steps for the items and for the streets."""
    streets, items = counted.shape
    base = every * (counted.sum(axis=0) / every.sum())
    _, left = _find_directions(_standardise(counted, base))
    of_street = np.hstack([np.zeros((streets, 1)), left[:, :kinds] * np.sqrt(streets)])
    of_item = np.zeros((items, kinds + 1))
    usual, mean = counted, base
    item_penalty, street_penalty = (
        np.append(OFFSET_PENALTY, np.full(kinds, value)) for value in (ITEM_PENALTY, STREET_PENALTY)
    )
    for _ in range(ROUNDS):
        # column 0 of each is its offset, which the other side takes as given
        design = np.hstack([np.ones((streets, 1)), of_street[:, 1:]])
        offset = base * np.exp(of_street[:, :1])
        of_item = _take_steps(usual, offset, design, item_penalty, start=of_item)
        design = np.hstack([np.ones((items, 1)), of_item[:, 1:]])
        offset = base * np.exp(of_item[:, 0])
        of_street = _take_steps(usual.T, offset.T, design, street_penalty, start=of_street)
        kind = of_street[:, 1:] - of_street[:, 1:].mean(axis=0)
        size = kind.std(axis=0) + 1e-9
        of_street[:, 1:], of_item[:, 1:] = kind / size, of_item[:, 1:] * size
        lean = np.clip(of_street[:, 1:] @ of_item[:, 1:].T, -WIDEST, WIDEST)
        mean = base * np.exp(of_street[:, :1] + of_item[:, 0] + lean)
        usual = cap(counted, mean)
    design = np.hstack([np.ones((items, 1)), of_item[:, 1:]])
    return np.asarray(mean * np.exp(-_find_own_part(usual, mean, design, street_penalty)))


def _find_own_part(usual: Array, mean: Array, design: Array, penalty: Array) -> Array:
    """Return by how much each item itself raises the logarithm of what its street lets expect of it.

    One step of the street's coefficients without the item (the jackknife of a generalised linear model, Pregibon 1981,
    "Logistic regression diagnostics", Annals of Statistics 9).
    """
    weight = 1.0 / (1.0 + CAP_VARIATION * mean)
    curve = np.einsum("si,ik,il->skl", mean * weight, design, design, optimize=True)
    inverse = np.linalg.inv(curve + np.diag(penalty))
    spread = np.einsum("ik,skl,il->si", design, inverse, design, optimize=True)
    leverage = np.minimum(mean * weight * spread, 0.9)
    step = spread * weight * (usual - mean) / (1.0 - leverage)
    return np.asarray(np.clip(step, -LONGEST_STEP, LONGEST_STEP))


def _take_steps(
    counted: Array, offset: Array, design: Array, penalty: Array, *, start: Array
) -> Array:
    """Return the coefficients of each column of counts after some Newton steps, shape (columns, coefficients)."""
    coefficients, precision = start, np.diag(penalty)
    for _ in range(STEPS):
        mean = offset * np.exp(np.clip(design @ coefficients.T, -WIDEST, WIDEST))
        weight = 1.0 / (1.0 + CAP_VARIATION * mean)
        slope = ((counted - mean) * weight).T @ design - coefficients @ precision
        curve = np.einsum("ij,ik,il->jkl", mean * weight, design, design, optimize=True) + precision
        step = np.linalg.solve(curve, slope[..., None])[..., 0]
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        coefficients = np.clip(coefficients + step, -WIDEST, WIDEST)
    return np.asarray(coefficients)
