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

TOLERANCE = 0.01
"""Where the solver stops; a hundredth of it changes no answer on citizens' messages and takes twice as long."""

RARE_LIFT = 0.15
"""How much a rare class is lifted: margins move by this times ln(1 / share). Machines that see each class against all
others give rare ones too seldom; 0.1 to 0.25 differ by less than 0.006 macro-F1 on citizens' messages, 0 is 0.01
less."""

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


def fit_nbsvm(
    vectors: sparse.csr_array, labels: NDArray[np.str_], *, rare_lift: float = 0.0, seed: int = 0
) -> NbSvm:
    """Fit one class against the rest, each class weighing the same however rare.

    Parameters
    ----------
    vectors
        Shape (texts, features), non-negative.
    labels
        Shape (texts,).
    rare_lift
        See :data:`RARE_LIFT`; 0 leaves margins as they are.
    seed
        Order in which the solver visits texts.
    """
    classes, counts = np.unique(labels, return_counts=True)
    weights = np.zeros((vectors.shape[1], len(classes)), dtype=np.float32)
    intercepts = np.zeros(len(classes), dtype=np.float32)
    if len(classes) > 1:
        for position, label in enumerate(classes):
            weights[:, position], intercepts[position] = _fit_one(vectors, labels == label, seed)
    lift = -rare_lift * np.log(counts * len(classes) / len(labels))
    return NbSvm(classes=classes, weights=weights, intercepts=intercepts + lift.astype(np.float32))


def _fit_one(
    vectors: sparse.csr_array, is_label: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    ratio = np.abs(_log_ratio(vectors, is_label)) ** DAMPING
    scaled = (vectors.data * ratio[vectors.indices], vectors.indices, vectors.indptr)
    machine = LinearSVC(
        C=COST, class_weight="balanced", max_iter=5000, tol=TOLERANCE, random_state=seed
    )
    machine.fit(sparse.csr_array(scaled, shape=vectors.shape), is_label)
    return machine.coef_[0] * ratio, float(machine.intercept_[0])


def _log_ratio(vectors: sparse.csr_array, is_label: NDArray[np.bool_]) -> NDArray[np.float64]:
    inside = SMOOTHING + vectors.T @ is_label.astype(np.float64)
    outside = SMOOTHING + vectors.T @ (~is_label).astype(np.float64)
    ratio: NDArray[np.float64] = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return ratio
