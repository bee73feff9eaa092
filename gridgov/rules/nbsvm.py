"""Linear classifier for short texts: support vectors on features scaled by naive Bayes log-count ratios.

Source: Wang & Manning (2012), "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification"; here one
class against the rest, and the ratio is damped by an exponent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC

COST = 1.0
"""Cost of a margin violation; 0.3 to 3 differ by less than 0.003 macro-F1 on citizens' messages."""

SMOOTHING = 0.5
"""Added to every feature's sum before the ratio."""

DAMPING = 0.5
"""Exponent of the ratio: 0 is a plain support vector machine, 1 the full ratio."""


@dataclass(frozen=True)
class NbSvm:
    """A fitted classifier.

    Parameters
    ----------
    classes
        Labels, ascending.
    weights
        float32, shape (features, classes).
    intercepts
        float32, shape (classes,).
    """

    classes: NDArray[np.str_]
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def decide(self, vectors: sparse.csr_array) -> NDArray[np.float64]:
        """Return signed margins, shape (texts, classes)."""
        return np.asarray(vectors @ self.weights + self.intercepts, dtype=np.float64)


def fit_nbsvm(vectors: sparse.csr_array, labels: NDArray[np.str_], *, seed: int = 0) -> NbSvm:
    """Fit one class against the rest, each class weighing the same however rare.

    Parameters
    ----------
    vectors
        Shape (texts, features), non-negative.
    labels
        Shape (texts,).
    seed
        Order in which the solver visits texts.
    """
    classes = np.unique(labels)
    weights = np.zeros((vectors.shape[1], len(classes)), dtype=np.float32)
    intercepts = np.zeros(len(classes), dtype=np.float32)
    if len(classes) > 1:
        for position, label in enumerate(classes):
            weights[:, position], intercepts[position] = _fit_one(vectors, labels == label, seed)
    return NbSvm(classes=classes, weights=weights, intercepts=intercepts)


def _fit_one(
    vectors: sparse.csr_array, is_label: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    ratio = np.abs(_log_ratio(vectors, is_label)) ** DAMPING
    machine = LinearSVC(C=COST, class_weight="balanced", max_iter=5000, random_state=seed)
    machine.fit(vectors.multiply(ratio[None, :]).tocsr(), is_label)
    return machine.coef_[0] * ratio, float(machine.intercept_[0])


def _log_ratio(vectors: sparse.csr_array, is_label: NDArray[np.bool_]) -> NDArray[np.float64]:
    inside = SMOOTHING + np.asarray(vectors[is_label].sum(axis=0)).ravel()
    outside = SMOOTHING + np.asarray(vectors[~is_label].sum(axis=0)).ravel()
    ratio: NDArray[np.float64] = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return ratio
