"""House numbers along a road: a Gaussian process over the number, compiled.

Position as a function of the house number n is ``c + b n + w(n) + s(n) + e``: an intercept and metres per
number that differ from road to road around the city's own habit, a Brownian part (plots differ in
width), another of each side of the road (odd and even numbers drift apart) and noise of the points.
Known numbers are observations; between two of them the mean is
close to straight interpolation, beyond them it runs on with the road's own slope, and the variance
says how far to trust it. (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, ch. 2.)
"""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

from typing import NamedTuple

import numpy as np

from geodata.kernels import inner_kernel, kernel

MOST_KNOWN = 8
"""Known numbers nearest to the wanted one that are used; more change nothing and cost time."""


class NumberModel(NamedTuple):
    """Habits of a city: metres unless said.

    ``offset`` of number 0 with ``offset_var`` · ``slope`` per number with ``slope_var`` · ``walk``
    variance per number, ``side`` that of each side (odd, even) by itself · ``noise`` variance of a point.
    """

    offset: float
    offset_var: float
    slope: float
    slope_var: float
    walk: float
    noise: float
    side: float


@inner_kernel
def _covariance(a: float, b: float, model: NumberModel) -> float:
    walk = model.walk + (model.side if np.int64(a) % 2 == np.int64(b) % 2 else 0.0)
    return model.offset_var + model.slope_var * a * b + walk * min(a, b)


@kernel
def find_nearest_numbers(numbers: np.ndarray, wanted: int, most: int) -> tuple[int, int]:
    """Return the slice of the (sorted) numbers that are the `most` nearest to `wanted`."""
    low = np.searchsorted(numbers, wanted)
    high = low
    while high - low < most and (low > 0 or high < len(numbers)):
        if low == 0:
            high += 1
        elif high == len(numbers) or wanted - numbers[low - 1] <= numbers[high] - wanted:
            low -= 1
        else:
            high += 1
    return low, high


@kernel
def predict_position(
    numbers: np.ndarray, values: np.ndarray, wanted: float, model: NumberModel
) -> tuple[float, float]:
    """Return mean and variance of the position of number `wanted`.

    `numbers` (at most :data:`MOST_KNOWN`) and `values` are the known numbers and their positions in
    metres; with none, the city's habit alone answers.
    """
    k = len(numbers)
    prior = model.offset + model.slope * wanted
    own = _covariance(wanted, wanted, model)
    if k == 0:
        return prior, own
    lower = np.zeros((MOST_KNOWN, MOST_KNOWN))
    seen = np.zeros(MOST_KNOWN)
    cross = np.zeros(MOST_KNOWN)
    mean, variance = prior, own
    # Cholesky by hand: the matrices are tiny and LAPACK calls cost more than the sums.
    for i in range(k):
        for j in range(i + 1):
            total = _covariance(numbers[i], numbers[j], model) + (model.noise if i == j else 0.0)
            for m in range(j):
                total -= lower[i, m] * lower[j, m]
            lower[i, j] = np.sqrt(max(total, 1e-9)) if i == j else total / lower[j, j]
        residual = values[i] - (model.offset + model.slope * numbers[i])
        covariance = _covariance(numbers[i], wanted, model)
        for m in range(i):
            residual -= lower[i, m] * seen[m]
            covariance -= lower[i, m] * cross[m]
        seen[i] = residual / lower[i, i]
        cross[i] = covariance / lower[i, i]
        mean += cross[i] * seen[i]
        variance -= cross[i] * cross[i]
    return mean, max(variance, 0.0)


@kernel
def score_model(
    start: np.ndarray, numbers: np.ndarray, values: np.ndarray, model: NumberModel
) -> float:
    """Return the mean log density of every known number predicted from the others of its road.

    Each is judged by a Student t with 4 degrees of freedom: some recorded points are simply wrong and
    must not choose the model.
    """
    total, count = 0.0, 0
    rest_no = np.zeros(MOST_KNOWN)
    rest_at = np.zeros(MOST_KNOWN)
    for way in range(len(start) - 1):
        if start[way + 1] - start[way] < 2:
            continue
        for i in range(start[way], start[way + 1]):
            here = numbers[start[way] : start[way + 1]]
            low, high = find_nearest_numbers(here, numbers[i], MOST_KNOWN + 1)
            k = 0
            for j in range(start[way] + low, start[way] + high):
                if j != i and k < MOST_KNOWN:
                    rest_no[k], rest_at[k] = numbers[j], values[j]
                    k += 1
            mean, variance = predict_position(rest_no[:k], rest_at[:k], numbers[i], model)
            spread = variance + model.noise
            z2 = (values[i] - mean) ** 2 / spread
            total += -0.5 * np.log(spread) - 2.5 * np.log1p(z2 / 4.0)
            count += 1
    return total / max(count, 1)


DEFAULT_MODEL = NumberModel(30.0, 100.0**2, 7.0, 6.0**2, 60.0, 25.0**2, 20.0)
"""Habits where a gazetteer has too few known numbers to learn its own (median of Dongcheng's lanes)."""

_STEPS = (0.25, 0.5, 2.0, 4.0)
FEWEST_TO_LEARN = 30


def learn_model(
    start: np.ndarray, numbers: np.ndarray, values: np.ndarray, *, begin: NumberModel
) -> NumberModel:
    """Fit the habits to known numbers by leave-one-out density, one parameter after another."""
    pairs = np.diff(start)
    if int(pairs[pairs >= 2].sum()) < FEWEST_TO_LEARN:
        return begin
    start, numbers, values = _thin(start, numbers, values)
    best, score = begin, score_model(start, numbers, values, begin)
    for _ in range(3):
        before = score
        for name in ("slope_var", "walk", "noise", "offset_var", "side", "slope", "offset"):
            for factor in (
                _STEPS if name.endswith(("var", "walk", "noise", "side")) else (0.7, 0.85, 1.2, 1.4)
            ):
                trial = best._replace(**{name: float(getattr(best, name) * factor)})
                found = score_model(start, numbers, values, trial)
                if found > score + 1e-6:
                    best, score = trial, found
        if score - before < 1e-4:
            break
    return best


def _thin(
    start: np.ndarray, numbers: np.ndarray, values: np.ndarray, most: int = 4_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first ways that together hold at most `most` known numbers."""
    ways = max(1, int(np.searchsorted(start, most, side="right")) - 1)
    stop = int(start[ways])
    return start[: ways + 1], numbers[:stop], values[:stop]
