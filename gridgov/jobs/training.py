"""Training the classifier of texts on a city's own appeals, and the report that says how good it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, precision_recall_fscore_support

from gridgov.errors import GridgovError
from gridgov.rules.classify import ItemClassifier
from gridgov.rules.classify.calibration import find_ece
from gridgov.rules.classify.fit import CALIBRATION_FOLDS, CrossFit, cross_fit, fit_item_classifier

LABELLED_COLUMNS = ("text", "item_code", "level1_code")
"""Texts with known items, str, none missing; a flat list of labels has the label as both codes."""

MOST_TEXTS_AN_ITEM = 150
"""More of the same item teach little and cost time; a seeded sample is taken."""

LEAST_TEXTS = 10 * CALIBRATION_FOLDS

SUREST_SHARE = 0.8


class TooFewTextsError(GridgovError):
    """There is too little to learn from.

    Attributes
    ----------
    found
        Texts with an item.
    """

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(
            f"Only {found} appeals have both a text and an item of the catalogue; "
            f"at least {LEAST_TEXTS} with two different items are needed to learn from."
        )


class NothingInCommonError(GridgovError):
    """The texts share nothing that could be learnt."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingReport:
    """How good suggestions are on texts that were kept out.

    Parameters
    ----------
    figures
        ``texts items classes macro_f1 item_share level1_share surest_share ece level1_ece``; shares 0–1;
        ``surest_share`` is the share right among the :data:`SUREST_SHARE` of texts it is surest of.
    classes
        One row a level-1 class: ``level1_code precision recall f1 texts``.
    items
        One row an item: ``item_code precision recall f1 texts``.
    confusion
        Rows: right level-1 class; columns: suggested; counts.
    """

    figures: dict[str, float]
    classes: pd.DataFrame
    items: pd.DataFrame
    confusion: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Why texts are not learnt from.

    Parameters
    ----------
    read
        Texts given.
    unlabelled
        Those without a text or without an item.
    repeated
        Those that stand in the file already.
    beyond
        Those beyond the most of one item.
    most
        The most of one item; None is all.
    """

    read: int
    unlabelled: int
    repeated: int
    beyond: int
    most: int | None

    @property
    def learnt(self) -> int:
        """Texts that are learnt from."""
        return self.read - self.unlabelled - self.repeated - self.beyond


def select_labelled(
    labelled: pd.DataFrame, *, seed: int = 0, most: int | None = MOST_TEXTS_AN_ITEM
) -> pd.DataFrame:
    """Return at most `most` texts of each item (None: all), chosen by `seed`, each text once.

    Raises
    ------
    TooFewTextsError
        If there is too little to learn from.
    """
    usable = labelled[list(LABELLED_COLUMNS)].dropna().drop_duplicates("text")
    shuffled = usable.sample(frac=1, random_state=np.random.default_rng(seed))
    rank = shuffled.groupby("item_code").cumcount()
    chosen = shuffled if most is None else shuffled[rank < most]
    chosen = chosen.sort_index().reset_index(drop=True)
    if len(chosen) < LEAST_TEXTS or chosen["item_code"].nunique() < 2:
        raise TooFewTextsError(len(chosen))
    return chosen


def count_selection(labelled: pd.DataFrame, chosen: pd.DataFrame, *, most: int | None) -> Selection:
    """Return how many texts :func:`select_labelled` left out of `labelled`, and why."""
    known = labelled[list(LABELLED_COLUMNS)].dropna()
    distinct = int(known["text"].nunique())
    return Selection(
        read=len(labelled),
        unlabelled=len(labelled) - len(known),
        repeated=len(known) - distinct,
        beyond=distinct - len(chosen),
        most=most,
    )


def train(labelled: pd.DataFrame, *, seed: int = 0) -> ItemClassifier:
    """Return a classifier fitted on a frame of :data:`LABELLED_COLUMNS`."""
    columns = (labelled[name].tolist() for name in LABELLED_COLUMNS)
    return fit_item_classifier(*columns, seed=seed)


def train_and_judge(
    labelled: pd.DataFrame, *, folds: int = CALIBRATION_FOLDS, seed: int = 0
) -> tuple[ItemClassifier, TrainingReport]:
    """Return a classifier fitted on a frame of :data:`LABELLED_COLUMNS`, and how good it is by cross-validation.

    Each text is judged by a classifier that never saw it, with a confidence fitted on other texts still.

    Raises
    ------
    NothingInCommonError
        If no word and no character occurs in two texts.
    """
    columns = (labelled[name].tolist() for name in LABELLED_COLUMNS)
    try:
        made: CrossFit = cross_fit(*columns, folds=folds, seed=seed)
    except ValueError as error:
        raise NothingInCommonError(str(error)) from error
    return made.classifier, make_report(labelled, made.suggested)


def make_report(labelled: pd.DataFrame, suggested: pd.DataFrame) -> TrainingReport:
    """Return the report of suggestions (``SUGGESTION_COLUMNS``) for texts with known items."""
    item, level1 = labelled["item_code"].to_numpy(str), labelled["level1_code"].to_numpy(str)
    said_item = suggested["item_code"].to_numpy(str)
    said_level1 = suggested["level1_code"].to_numpy(str)
    confidence = suggested["item_confidence"].to_numpy(float)
    is_right = item == said_item
    surest = np.argsort(-confidence, kind="stable")[: int(SUREST_SHARE * len(item))]
    figures = {
        "texts": len(item),
        "items": len(np.unique(item)),
        "classes": len(np.unique(level1)),
        "macro_f1": float(f1_score(level1, said_level1, average="macro", zero_division=0)),
        "item_share": float(is_right.mean()),
        "level1_share": float((level1 == said_level1).mean()),
        "surest_share": float(is_right[surest].mean()),
        "ece": find_ece(confidence, is_right),
        "level1_ece": find_ece(
            suggested["level1_confidence"].to_numpy(float), level1 == said_level1
        ),
    }
    codes = np.unique(level1)
    counts = pd.crosstab(level1, said_level1).reindex(index=codes, columns=codes, fill_value=0)
    return TrainingReport(
        figures={name: round(float(value), 4) for name, value in figures.items()},
        classes=_score(level1, said_level1, "level1_code"),
        items=_score(item, said_item, "item_code"),
        confusion=counts.rename_axis(index="right", columns=None),
    )


def _score(right: Any, said: Any, column: str) -> pd.DataFrame:
    codes = np.unique(right)
    scores = precision_recall_fscore_support(right, said, labels=codes, zero_division=0)
    names = ("precision", "recall", "f1", "texts")
    return pd.DataFrame({column: codes} | dict(zip(names, scores, strict=True)))
