"""Fitting the classifier of texts: machines by fold, and confidence fitted on texts that they never saw.

Each fold's machines judge the texts kept out of it. Their margins calibrate the classifier that is fitted on all texts;
to say how good it is, a fold's own suggestions are calibrated on the other folds alone. So one round of folds both
calibrates and judges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import KFold

from gridgov.rules.classify.calibration import Calibration, fit_calibration, fit_surety
from gridgov.rules.classify.classifier import (
    BATCH_TEXTS,
    SUGGESTION_COLUMNS,
    ClassGroup,
    ItemClassifier,
)
from gridgov.rules.classify.nbsvm import RARE_LIFT, NbSvm, fit_nbsvm
from gridgov.rules.classify.text_features import CountedTexts, count_texts, fit_text_features

CALIBRATION_FOLDS = 5

UNSEEN_MARGIN = -1.0
"""Margin of a label that a fold's machine never saw: that of a text far on the other side."""

Margins = tuple[NDArray[np.float64], NDArray[np.intp]]
"""Margins (texts, labels) and the position of each text's right label."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossFit:
    """A classifier, and what its like say of texts that they never saw.

    Parameters
    ----------
    classifier
        Fitted on all texts.
    suggested
        Frame of ``classify.SUGGESTION_COLUMNS``, one row per text in their order.
    """

    classifier: ItemClassifier
    suggested: pd.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class _Texts:
    """Texts with their labels."""

    texts: NDArray[np.object_]
    counted: CountedTexts
    items: NDArray[np.str_]
    classes: NDArray[np.str_]
    seed: int

    def fit(self, rows: NDArray[np.intp]) -> ItemClassifier:
        """Return a classifier of the texts at `rows` that is not calibrated yet."""
        features, vectors = fit_text_features(self.counted.take(rows))
        if not features.n_features:
            raise ValueError("the texts have no word and no character in common to learn from")
        items, classes = self.items[rows], self.classes[rows]
        groups = {}
        for code in np.unique(classes):
            own = np.flatnonzero(classes == code)
            columns = np.unique(vectors[own].indices)
            machine = fit_nbsvm(
                sparse.csr_array(vectors[own][:, columns]), items[own], seed=self.seed
            )
            groups[str(code)] = ClassGroup(columns=columns, machine=machine)
        return ItemClassifier(
            features=features,
            level1=fit_nbsvm(vectors, classes, rare_lift=RARE_LIFT, seed=self.seed),
            level1_calibration=Calibration(),
            groups=groups,
            item_calibration=Calibration(),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fold:
    """A classifier and the texts that were kept out of it."""

    rows: NDArray[np.intp]
    classifier: ItemClassifier
    vectors: sparse.csr_array
    level1: Margins
    items: dict[str, Margins]


def fit_item_classifier(
    texts: Sequence[str], item_codes: Sequence[str], level1_codes: Sequence[str], *, seed: int = 0
) -> ItemClassifier:
    """Fit a classifier on texts with known items.

    Parameters
    ----------
    texts, item_codes, level1_codes
        Of equal length; a flat list of labels is given as both codes.
    seed
        Decides folds and the order of the solver; same input, same classifier.

    Raises
    ------
    ValueError
        If there are fewer than two texts a fold, or nothing in common between them.
    """
    known = _make_texts(texts, item_codes, level1_codes, seed=seed)
    return _fit_all(known, list(_make_folds(known, CALIBRATION_FOLDS)))


def cross_fit(
    texts: Sequence[str],
    item_codes: Sequence[str],
    level1_codes: Sequence[str],
    *,
    folds: int = CALIBRATION_FOLDS,
    seed: int = 0,
) -> CrossFit:
    """Fit a classifier as :func:`fit_item_classifier` does and judge it on texts kept out.

    Raises
    ------
    ValueError
        As :func:`fit_item_classifier`.
    """
    known = _make_texts(texts, item_codes, level1_codes, seed=seed, folds=folds)
    made = list(_make_folds(known, folds))
    suggested = []
    for fold in made:
        others = [other for other in made if other is not fold]
        judge = _calibrate(fold.classifier, others)
        for start in range(0, len(fold.rows), BATCH_TEXTS):
            some = slice(start, start + BATCH_TEXTS)
            suggested.append(judge.suggest_vectors(fold.vectors[some]).set_axis(fold.rows[some]))
    frame = pd.concat(suggested).sort_index()[list(SUGGESTION_COLUMNS)]
    return CrossFit(classifier=_fit_all(known, made), suggested=frame)


def _make_texts(
    texts: Sequence[str],
    item_codes: Sequence[str],
    level1_codes: Sequence[str],
    *,
    seed: int,
    folds: int = CALIBRATION_FOLDS,
) -> _Texts:
    if len(texts) < 2 * folds:
        raise ValueError(f"{len(texts)} texts are too few to learn from; at least {2 * folds}.")
    return _Texts(
        texts=np.array(texts, dtype=object),
        counted=count_texts(texts),
        items=np.asarray(item_codes, dtype=str),
        classes=np.asarray(level1_codes, dtype=str),
        seed=seed,
    )


def _make_folds(known: _Texts, folds: int) -> Iterator[_Fold]:
    split = KFold(folds, shuffle=True, random_state=known.seed).split(known.items)
    for seen, unseen in split:
        classifier = known.fit(seen)
        vectors = classifier.features.transform(known.texts[unseen].tolist())
        yield _Fold(
            rows=unseen,
            classifier=classifier,
            vectors=vectors,
            level1=_find_margins(
                classifier.level1, vectors, known.classes[unseen], np.unique(known.classes)
            ),
            items=dict(_find_item_margins(known, classifier, vectors, unseen)),
        )


def _find_margins(
    machine: NbSvm, vectors: sparse.csr_array, right: NDArray[np.str_], labels: NDArray[np.str_]
) -> Margins:
    """Return margins of all `labels`, also of those that the machine never saw."""
    margins = np.full((vectors.shape[0], len(labels)), UNSEEN_MARGIN)
    margins[:, np.searchsorted(labels, machine.classes)] = machine.decide(vectors)
    return margins, np.searchsorted(labels, right)


def _find_item_margins(
    known: _Texts,
    classifier: ItemClassifier,
    vectors: sparse.csr_array,
    unseen: NDArray[np.intp],
) -> Iterator[tuple[str, Margins]]:
    """Yield the margins of the items of each right class that has several and that the classifier saw."""
    items, classes = known.items[unseen], known.classes[unseen]
    for code, group in classifier.groups.items():
        labels = np.unique(known.items[known.classes == code])
        own = np.flatnonzero(classes == code)
        if len(labels) > 1 and len(own):
            inside = sparse.csr_array(vectors[own][:, group.columns])
            yield code, _find_margins(group.machine, inside, items[own], labels)


def _fit_all(known: _Texts, folds: list[_Fold]) -> ItemClassifier:
    return _calibrate(known.fit(np.arange(len(known.items))), folds)


def _calibrate(classifier: ItemClassifier, folds: list[_Fold]) -> ItemClassifier:
    """Return the classifier with its confidence fitted on the margins of these folds."""
    level1 = _join([fold.level1 for fold in folds])
    codes = sorted({code for fold in folds for code in fold.items})
    items = [_join([fold.items[code] for fold in folds if code in fold.items]) for code in codes]
    return replace(
        classifier,
        level1_calibration=fit_calibration(*level1),
        item_calibration=_fit_item_calibration(items),
    )


def _join(parts: list[Margins]) -> Margins:
    return np.concatenate([m for m, _ in parts]), np.concatenate([right for _, right in parts])


def _fit_item_calibration(groups: list[Margins]) -> Calibration:
    """Return one calibration for the items of all classes, each text counting the same."""
    if not groups:
        return Calibration()
    sizes = [len(right) for _, right in groups]
    sharpness = [np.log(fit_calibration(*pair).sharpness) for pair in groups]
    pooled = Calibration(sharpness=float(np.exp(np.average(sharpness, weights=sizes))))
    best_two = [np.sort(pooled.make_probabilities(m), axis=1)[:, -2:] for m, _ in groups]
    is_right = np.concatenate([m.argmax(axis=1) == right for m, right in groups])
    return replace(pooled, surety=fit_surety(np.concatenate(best_two), is_right))
