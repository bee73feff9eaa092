"""Penalised negative binomial regression: one long series, or thousands of short ones at once.

Counts y with mean mu = exposure * exp(x'theta) and variance mu + alpha mu²; theta has a normal prior. The mode is
found by Fisher scoring, the covariance is the inverse of the information there (Laplace). Past outbreaks are weighted
down by their Anscombe residuals: A. Noufaily et al., 2013, An improved algorithm for outbreak detection in multiple
surveillance systems, Statistics in Medicine 32(7), 1206-1222.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

OUTBREAK_RESIDUAL = 2.58
"""Counts whose residual is larger are weighted down (Noufaily et al., 2013)."""
OUTBREAK_COUNT = 5
"""Fewer are never an outbreak (M. Farrington et al., 1996): residuals of sparse counts are large by nature."""
LONGEST_STEP = 1.5
TINY = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Coefficients with their covariance: (k,) and (k, k), or for n series (n, k) and (n, k, k)."""

    coefficients: Floats
    covariance: Floats


def fit_series(
    counts: Floats,
    columns: Floats,
    *,
    log_exposure: Floats,
    prior_mean: Floats,
    prior_variance: Floats,
    alpha: float,
    weights: Floats,
    start: Floats,
    rounds: int = 8,
) -> Fit:
    """Fit one series.

    Parameters
    ----------
    counts, log_exposure, weights
        By day (m,); a weight of 0 leaves a day out.
    columns
        (m, k).
    prior_mean, prior_variance, start
        (k,).
    alpha
        Overdispersion.
    rounds
        Steps at most.
    """
    theta = start.copy()
    precision = 1.0 / prior_variance
    for _ in range(rounds):
        mean = np.exp(np.clip(columns @ theta + log_exposure, -30.0, 30.0))
        over = weights / (1.0 + alpha * mean)
        gradient = columns.T @ (over * (counts - mean)) - precision * (theta - prior_mean)
        information = (columns * (over * mean)[:, None]).T @ columns
        information[np.diag_indices(len(theta))] += precision
        step = np.linalg.solve(information, gradient)
        theta += step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), TINY))
        if np.abs(step).max() < 1e-4:
            break
    return Fit(coefficients=theta, covariance=np.asarray(np.linalg.inv(information)))


def fit_many(
    counts: Floats,
    expected: Floats,
    columns: Floats,
    *,
    prior_mean: Floats,
    prior_variance: Floats,
    alpha: Floats,
    weights: Floats,
    start: Floats,
    rounds: int,
) -> Fit:
    """Fit many short series that share their columns.

    Parameters
    ----------
    counts, expected, weights
        (n, m); ``expected`` is the exposure.
    columns
        (m, k).
    prior_mean, prior_variance, start
        (n, k).
    alpha
        (n,).
    rounds
        Steps, at least 1.
    """
    n, k = start.shape
    theta = start.copy()
    precision = 1.0 / prior_variance
    squares = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), k * k)
    at = np.arange(k)
    information = np.empty((n, k, k))
    for _ in range(rounds):
        mean = expected * np.exp(np.clip(theta @ columns.T, -15.0, 15.0))
        over = weights / (1.0 + alpha[:, None] * mean)
        gradient = (over * (counts - mean)) @ columns - precision * (theta - prior_mean)
        information = ((over * mean) @ squares).reshape(n, k, k)
        information[:, at, at] += precision
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        theta += step * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, TINY))
    return Fit(coefficients=theta, covariance=np.asarray(np.linalg.inv(information)))


def weigh_outbreaks(counts: Floats, mean: Floats, alpha: Floats | float) -> Floats:
    """Return weights that take away what outbreaks of the past add to the level, same shape as `counts`."""
    mean = np.maximum(mean, TINY)
    spread = np.sqrt(1.0 + alpha * mean)
    residual = 1.5 * (counts ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * spread)
    large = (residual > OUTBREAK_RESIDUAL) & (counts >= OUTBREAK_COUNT)
    weights: Floats = np.where(large, (OUTBREAK_RESIDUAL / np.maximum(residual, TINY)) ** 2, 1.0)
    return weights


def find_overdispersion(
    counts: Floats, mean: Floats, *, prior: Floats | float, prior_weight: float, axis: int | None
) -> Floats:
    """Return alpha by the method of moments, drawn towards `prior` where the counts say little.

    Var(y) = mu + alpha mu², so alpha = sum((y - mu)² - mu) / sum(mu²), not below 0.
    """
    excess = ((counts - mean) ** 2 - mean).sum(axis=axis)
    squares = (mean**2).sum(axis=axis)
    alpha: Floats = np.maximum((excess + prior_weight * prior) / (squares + prior_weight), 0.0)
    return alpha
