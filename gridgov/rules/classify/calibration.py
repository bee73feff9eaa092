"""Confidence that means what it says: of suggestions made with 0.8, eight in ten are right."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, logsumexp, softmax
from sklearn.linear_model import LogisticRegression

ECE_BINS = 15

TINY_SHARE = 1e-9
"""Keeps logarithms finite."""

SURETY_C = 100.0
"""Nearly no shrinkage: three parameters are fitted to hundreds of texts."""


@dataclass(frozen=True)
class Calibration:
    """How margins become probabilities, and how sure the best of them is.

    Probabilities are softmax(sharpness × margins): temperature scaling, Guo et al. (2017), "On Calibration of Modern
    Neural Networks", section 4.2. One parameter cannot mend both ends, so the confidence of the best class is the
    logistic of its log-odds and the logarithm of the second best (Platt 1999, with a second feature).

    Parameters
    ----------
    sharpness
        1 / temperature.
    surety
        Intercept, weight of the best's log-odds, weight of the second's logarithm.
    """

    sharpness: float = 1.0
    surety: tuple[float, float, float] = (0.0, 1.0, 0.0)

    def make_probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return class probabilities of margins, shape (texts, classes), rows adding up to 1."""
        return np.asarray(softmax(margins * self.sharpness, axis=1))

    def find_confidence(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how likely the class with the largest margin is right; 1 where there is no other."""
        if margins.shape[1] < 2:
            return np.ones(len(margins))
        features = _make_surety_features(self.make_probabilities(margins))
        return np.asarray(expit(self.surety[0] + features @ np.array(self.surety[1:])))


def fit_calibration(margins: NDArray[np.float64], right: NDArray[np.intp]) -> Calibration:
    """Return the calibration of `margins` under which the right classes are most likely.

    Parameters
    ----------
    margins
        Shape (texts, classes), of texts that the classifier was not fitted on.
    right
        Position of the right class of each text.
    """
    if margins.shape[1] < 2 or not len(margins):
        return Calibration()
    rows = np.arange(len(right))
    # One text more that no margin explains (Platt 1999, section 2.2): where all are right nothing is endlessly sure.
    doubt = 1 / (len(right) + 2)

    def loss(log_sharpness: float) -> float:
        scaled = margins * np.exp(log_sharpness)
        said = (1 - doubt) * scaled[rows, right] + doubt * scaled.mean(axis=1)
        return float(np.mean(logsumexp(scaled, axis=1) - said))

    found = minimize_scalar(loss, bounds=(-3.0, 6.0), method="bounded")
    calibration = Calibration(sharpness=float(np.exp(found.x)))
    surety = fit_surety(calibration.make_probabilities(margins), margins.argmax(axis=1) == right)
    return replace(calibration, surety=surety)


def fit_surety(
    probabilities: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Return the surety under which the outcomes of the best classes are most likely."""
    if is_right.all() or not is_right.any():
        return Calibration().surety
    features = _make_surety_features(probabilities)
    fitted = LogisticRegression(C=SURETY_C).fit(features, is_right)
    best, second = map(float, fitted.coef_[0])
    return (float(fitted.intercept_[0]), best, second)


def _make_surety_features(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    best_two = np.partition(probabilities, -2, axis=1)[:, -2:]
    best = np.clip(best_two[:, 1], TINY_SHARE, 1 - TINY_SHARE)
    return np.column_stack([logit(best), np.log(best_two[:, 0] + TINY_SHARE)])


def find_ece(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over :data:`ECE_BINS` bins of equal width.

    Source: Naeini, Cooper & Hauskrecht (2015), equation 3.
    """
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    counts = np.bincount(bins, minlength=ECE_BINS)
    gaps = np.bincount(bins, weights=confidence - is_right, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / max(counts.sum(), 1))
