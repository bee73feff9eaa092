"""The training report counts what it says, and too little data is refused."""

import numpy as np
import pandas as pd
import pytest

from gridgov.jobs.training import (
    MOST_TEXTS_AN_ITEM,
    TooFewTextsError,
    count_selection,
    make_report,
    select_labelled,
    train_and_judge,
)
from tests.gridgov.rules.classify.test_classifier import make_texts


def make_labelled(count, *, seed=0):
    texts, codes = make_texts(count, seed=seed)
    texts = [f"{text}{i}" for i, text in enumerate(texts)]
    return pd.DataFrame({"text": texts, "item_code": codes, "level1_code": [c[:2] for c in codes]})


def test_evaluation_finds_what_can_be_learnt():
    _, report = train_and_judge(make_labelled(240), folds=3)
    figures = report.figures
    assert figures["item_share"] > 0.9
    assert figures["level1_share"] >= figures["item_share"]
    assert figures["surest_share"] >= figures["item_share"]


def test_report_by_hand():
    labelled = pd.DataFrame(
        {
            "text": list("abcd"),
            "item_code": ["11", "12", "21", "21"],
            "level1_code": ["1", "1", "2", "2"],
        }
    )
    suggested = pd.DataFrame(
        {
            "level1_code": ["1", "2", "2", "2"],
            "level1_confidence": [0.9, 0.6, 0.9, 0.9],
            "item_code": ["11", "21", "21", "22"],
            "item_confidence": [0.8, 0.4, 0.9, 0.5],
        }
    )
    report = make_report(labelled, suggested)
    assert report.figures["item_share"] == 0.5
    assert report.figures["level1_share"] == 0.75
    assert report.figures["surest_share"] == pytest.approx(2 / 3, abs=1e-4)
    np.testing.assert_array_equal(report.confusion.to_numpy(), [[1, 1], [0, 2]])
    assert report.classes.set_index("level1_code").loc["2", "precision"] == pytest.approx(2 / 3)


def test_selection_caps_items_and_drops_what_cannot_teach():
    labelled = make_labelled(1200)
    labelled.loc[:99, "item_code"] = None
    labelled = pd.concat([labelled, labelled.iloc[500:600]])
    chosen = select_labelled(labelled, seed=3)
    assert chosen["item_code"].value_counts().max() == MOST_TEXTS_AN_ITEM
    assert chosen["text"].is_unique
    assert chosen.equals(select_labelled(labelled, seed=3))


def test_too_little_is_refused():
    with pytest.raises(TooFewTextsError, match="at least"):
        select_labelled(make_labelled(10))
    one_item = make_labelled(400).assign(item_code="0101")
    with pytest.raises(TooFewTextsError):
        select_labelled(one_item)


def test_every_text_is_learnt_from_or_its_reason_counted():
    labelled = make_labelled(400)
    labelled = pd.concat([labelled, labelled.iloc[:7]], ignore_index=True)
    labelled.loc[[3, 9], "item_code"] = None
    for most in (20, None):
        chosen = select_labelled(labelled, most=most)
        counted = count_selection(labelled, chosen, most=most)
        assert counted.learnt == len(chosen)
        assert (counted.read, counted.unlabelled) == (407, 2)
        assert (counted.beyond == 0) == (most is None)
    assert counted.repeated == 6  # the seventh stands for one without an item
