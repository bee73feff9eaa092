"""Which item of the catalogue a text is about: suggested, with a confidence that can be trusted.

Two steps, as the catalogue has levels: first the level-1 class, then the item among those of each likely class.
P(item) = P(class) × P(item | class), so the class may be sure while the item is not. A person chooses where the
confidence is below the threshold of the city pack.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from gridgov.rules.classify.calibration import Calibration
from gridgov.rules.classify.nbsvm import NbSvm
from gridgov.rules.classify.text_features import TextFeatures

SUGGESTION_COLUMNS = ("level1_code", "level1_confidence", "item_code", "item_confidence")

LEAST_CLASS_SHARE = 0.02
"""Classes less likely than this are not searched for items: together they cannot win."""

BATCH_TEXTS = 20_000


@dataclass(frozen=True)
class ClassGroup:
    """The items of one level-1 class: a classifier on the columns that occur in its texts."""

    columns: NDArray[np.intp]
    machine: NbSvm


@dataclass(frozen=True)
class ItemClassifier:
    """A fitted classifier of texts.

    Parameters
    ----------
    features
        How texts become vectors.
    level1
        Classifier of level-1 classes, with the calibration of its probabilities.
    groups
        Level-1 code → classifier of its items, all with one calibration.
    """

    features: TextFeatures
    level1: NbSvm
    level1_calibration: Calibration
    groups: dict[str, ClassGroup]
    item_calibration: Calibration

    def suggest(self, texts: pd.Series) -> pd.DataFrame:
        """Return a suggestion for each text.

        Returns
        -------
        Frame of :data:`SUGGESTION_COLUMNS` on the index of `texts`; all missing where a text is missing or empty.
        ``level1_code`` is the likeliest class, ``item_code`` the likeliest item of any class.
        """
        usable = texts[texts.notna() & (texts.str.strip() != "")]
        answers = [self._suggest_batch(batch.tolist()) for batch in _batches(usable)]
        columns = list(SUGGESTION_COLUMNS)
        frame = pd.concat(answers) if answers else pd.DataFrame(columns=columns)
        frame.index = usable.index
        typed = frame.astype(
            dict.fromkeys(columns[::2], "str") | dict.fromkeys(columns[1::2], float)
        )
        return typed.reindex(texts.index)

    def explain(self, text: str, *, most: int = 6) -> list[tuple[str, float]]:
        """Return the words that spoke most for the suggestion, with their weight, strongest first."""
        vectors = self.features.transform([text])
        answer = self.suggest_vectors(vectors).iloc[0]
        weights = self.level1.weights[:, _position(self.level1, answer["level1_code"])].astype(
            float
        )
        group = self.groups[answer["level1_code"]]
        if answer["item_code"] in group.machine.classes:
            weights[group.columns] += group.machine.weights[
                :, _position(group.machine, answer["item_code"])
            ]
        vector = vectors.tocoo()
        votes = pd.Series(vector.data * weights[vector.col], index=vector.col).nlargest(most * 20)
        words = [(self.features.get_entry(int(column)), weight) for column, weight in votes.items()]
        return [
            (entry, weight) for (part, entry), weight in words if part == "words" and weight > 0
        ][:most]

    def rank_items(self, text: str, *, most: int = 5) -> list[tuple[str, float]]:
        """Return the likeliest items of all classes with their probability, likeliest first, for a person to choose."""
        vectors = self.features.transform([text])
        level1 = self.level1_calibration.make_probabilities(self.level1.decide(vectors))[0]
        shares: dict[str, float] = {}
        for position in np.flatnonzero(level1 >= min(LEAST_CLASS_SHARE, level1.max())):
            group = self.groups[str(self.level1.classes[position])]
            margins = group.machine.decide(vectors[:, group.columns])
            inside = self.item_calibration.make_probabilities(margins)[0]
            codes = group.machine.classes.tolist()
            shares |= dict(zip(codes, (inside * level1[position]).tolist(), strict=True))
        return sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:most]

    def _suggest_batch(self, texts: list[str]) -> pd.DataFrame:
        return self.suggest_vectors(self.features.transform(texts))

    def suggest_vectors(self, vectors: sparse.csr_array) -> pd.DataFrame:
        """Return a suggestion for each row of vectors of :attr:`features`, as :meth:`suggest` does."""
        margins = self.level1.decide(vectors)
        level1 = self.level1_calibration.make_probabilities(margins)
        confidence = self.level1_calibration.find_confidence(margins)
        likeliest = margins.argmax(axis=1)
        best = _BestItem(vectors.shape[0])
        for position, code in enumerate(self.level1.classes):
            is_first = likeliest == position
            rows = np.flatnonzero(is_first | (level1[:, position] >= LEAST_CLASS_SHARE))
            if len(rows):
                class_share = np.where(is_first, confidence, level1[:, position])[rows]
                self._keep_better(best, str(code), rows, vectors[rows], class_share)
        answer = (self.level1.classes[likeliest], confidence, best.code, best.confidence)
        return pd.DataFrame(dict(zip(SUGGESTION_COLUMNS, answer, strict=True)))

    def _keep_better(
        self,
        best: "_BestItem",
        level1_code: str,
        rows: NDArray[np.intp],
        vectors: sparse.csr_array,
        class_share: NDArray[np.float64],
    ) -> None:
        group = self.groups[level1_code]
        margins = group.machine.decide(vectors[:, group.columns])
        share = self.item_calibration.make_probabilities(margins).max(axis=1) * class_share
        better = share > best.share[rows]
        best.share[rows[better]] = share[better]
        best.code[rows[better]] = group.machine.classes[margins.argmax(axis=1)[better]]
        surety = self.item_calibration.find_confidence(margins) * class_share
        best.confidence[rows[better]] = surety[better]


class _BestItem:
    """The best item of each text so far."""

    def __init__(self, size: int) -> None:
        self.code = np.full(size, "", dtype=object)
        self.share = np.zeros(size)
        self.confidence = np.zeros(size)


def _position(machine: NbSvm, code: str) -> int:
    return int(np.searchsorted(machine.classes, code))


def _batches(texts: pd.Series) -> Iterator[pd.Series]:
    for start in range(0, len(texts), BATCH_TEXTS):
        yield texts.iloc[start : start + BATCH_TEXTS]
