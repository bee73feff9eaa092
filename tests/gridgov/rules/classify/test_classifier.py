"""Suggestions learn what tells items apart, know how sure they are, and are the same every time."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from gridgov.rules.classify.calibration import Calibration, find_ece, fit_calibration
from gridgov.rules.classify.classifier import SUGGESTION_COLUMNS
from gridgov.rules.classify.fit import cross_fit, fit_item_classifier
from gridgov.rules.classify.nbsvm import TOLERANCE, fit_nbsvm
from gridgov.rules.classify.text_features import (
    LONGEST_TEXT,
    PARTS,
    fit_text_features,
    make_words,
    normalise,
)

TOPICS = {
    "0101": ("供暖", ["暖气不热", "室温不达标", "供热管道漏水", "没有暖气"]),
    "0102": ("供水", ["自来水停水", "水压太低", "水管爆裂", "水质发黄"]),
    "0201": ("噪声", ["夜间施工噪音", "广场舞扰民", "装修声音大", "酒吧音乐吵"]),
    "0202": ("垃圾", ["垃圾堆放", "垃圾桶满溢", "建筑垃圾未清运", "厨余垃圾发臭"]),
}
PLACES = ["和平里", "建国路", "望京西园", "学院南路", "方庄", "回龙观东大街", "三里屯", "亮马桥"]
FRAMES = [
    "{p}小区{x}，请尽快处理",
    "市民反映{p}{x}",
    "{p}这边{x}已经三天了",
    "来电反映：{p}附近{x}，希望解决",
]


def make_texts(count, *, seed):
    rng = np.random.default_rng(seed)
    codes = rng.choice(list(TOPICS), size=count)
    texts = []
    for code in codes:
        phrase = rng.choice(TOPICS[code][1])
        texts.append(rng.choice(FRAMES).format(p=rng.choice(PLACES), x=phrase))
    return texts, codes.tolist()


@pytest.fixture(scope="module")
def classifier():
    texts, codes = make_texts(400, seed=1)
    return fit_item_classifier(texts, codes, [code[:2] for code in codes])


def test_new_texts_get_the_right_item_and_class(classifier):
    texts, codes = make_texts(200, seed=2)
    answer = classifier.suggest(pd.Series(texts, index=range(1000, 1200)))
    assert tuple(answer.columns) == SUGGESTION_COLUMNS
    assert answer.index.tolist() == list(range(1000, 1200))
    assert (answer["item_code"] == codes).mean() > 0.95
    assert (answer["level1_code"] == [code[:2] for code in codes]).mean() > 0.95
    assert answer["item_confidence"].between(0, 1).all()
    assert (answer["item_confidence"] <= answer["level1_confidence"] + 1e-9).mean() > 0.95


def test_missing_and_empty_texts_get_no_suggestion(classifier):
    answer = classifier.suggest(pd.Series([None, "", "  ", "暖气不热"], dtype="str"))
    assert answer["item_code"].isna().tolist() == [True, True, True, False]
    assert answer["item_confidence"].isna().tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["x", "😀😀", "<script>alert(1)</script>", "水" * 1_000_000, "\x00\x01"]
)
def test_odd_texts_do_not_stop_the_line(classifier, text):
    answer = classifier.suggest(pd.Series([text, "自来水停水了"], dtype="str"))
    assert answer["item_code"].iloc[1] == "0102"


def test_a_text_of_nothing_known_is_unsure(classifier):
    answer = classifier.suggest(
        pd.Series(["qqq zzz www", "和平里小区垃圾桶满溢，请尽快处理"], dtype="str")
    )
    assert answer["item_confidence"].iloc[0] < 0.75 < answer["item_confidence"].iloc[1]


def test_the_words_that_decided_are_named(classifier):
    words = [word for word, _ in classifier.explain("和平里小区垃圾桶满溢，请尽快处理")]
    assert any("垃圾" in word for word in words)
    assert not any("和平" in word for word in words[:1])


def test_same_input_same_classifier(classifier):
    texts, codes = make_texts(400, seed=1)
    again = fit_item_classifier(texts, codes, [code[:2] for code in codes])
    np.testing.assert_array_equal(again.level1.weights, classifier.level1.weights)
    assert again.item_calibration == classifier.item_calibration


def test_judging_by_folds_uses_no_text_that_was_seen():
    texts, codes = make_texts(120, seed=7)
    # Each text tells itself apart by a sign of its own; by heart all would be right, by learning none can be.
    rng = np.random.default_rng(0)
    labels = rng.choice(["01", "02"], size=120)
    own = [f"{chr(0x4E00 + 7 * at)}{chr(0x4E03 + 7 * at)}" * 3 for at in range(120)]
    made = cross_fit(own + texts, [*labels, *codes], [*labels, *codes], folds=4)
    assert made.suggested.index.tolist() == list(range(240))
    told = made.suggested["item_code"].to_numpy()
    assert (told[120:] == codes).mean() > 0.95
    assert (told[:120] == labels).mean() < 0.7


def test_judged_and_plain_fitting_give_one_classifier(classifier):
    texts, codes = make_texts(400, seed=1)
    made = cross_fit(texts, codes, [code[:2] for code in codes])
    np.testing.assert_array_equal(made.classifier.level1.weights, classifier.level1.weights)
    assert made.classifier.level1_calibration == classifier.level1_calibration


def test_texts_without_anything_in_common_are_refused():
    own = [chr(0x4E00 + at) for at in range(20)]
    with pytest.raises(ValueError, match="in common"):
        fit_item_classifier(own, ["1", "2"] * 10, ["1", "2"] * 10)


def test_features_weigh_as_a_known_library_does():
    texts, _ = make_texts(60, seed=8)
    features, vectors = fit_text_features(texts)
    peers = [
        TfidfVectorizer(analyzer=cut, sublinear_tf=True, min_df=2).fit(
            [normalise(t) for t in texts]
        )
        for cut in PARTS.values()
    ]
    new = make_texts(20, seed=9)[0]
    for some, ours in ((texts, vectors), (new, features.transform(new))):
        theirs = sparse.hstack([peer.transform([normalise(t) for t in some]) for peer in peers])
        np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-12)


def test_lift_moves_rare_classes_and_leaves_equal_ones():
    texts, codes = make_texts(200, seed=5)
    labels = np.array(codes)
    _, vectors = fit_text_features(texts)
    plain, lifted = (fit_nbsvm(vectors, labels, rare_lift=lift) for lift in (0.0, 0.5))
    counts = np.unique(labels, return_counts=True)[1]
    moved = lifted.intercepts - plain.intercepts
    np.testing.assert_allclose(moved, -0.5 * np.log(counts * 4 / 200), atol=1e-6)


def test_too_few_texts_are_refused():
    with pytest.raises(ValueError, match="too few"):
        fit_item_classifier(["a", "b"], ["1", "2"], ["1", "2"])


def test_flat_labels_work_as_both_levels():
    texts, codes = make_texts(200, seed=3)
    flat = fit_item_classifier(texts, codes, codes)
    answer = flat.suggest(pd.Series(texts[:50], dtype="str"))
    assert (answer["item_code"] == answer["level1_code"]).all()
    np.testing.assert_allclose(answer["item_confidence"], answer["level1_confidence"])


def test_damping_zero_weights_equal_a_plain_machine(monkeypatch):
    texts, codes = make_texts(120, seed=4)
    _, vectors = fit_text_features(texts)
    monkeypatch.setattr("gridgov.rules.classify.nbsvm.DAMPING", 0.0)
    ours = fit_nbsvm(vectors, np.array(codes))
    machine = LinearSVC(class_weight="balanced", max_iter=5000, random_state=0, tol=TOLERANCE)
    machine.fit(vectors, np.array(codes) == "0102")
    np.testing.assert_allclose(ours.weights[:, 1], machine.coef_[0], atol=1e-6)


def test_calibration_finds_the_sharpness_that_made_the_data():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(20_000, 4))
    true = Calibration(sharpness=2.5)
    chances = true.make_probabilities(margins)
    right = (rng.random(len(margins))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    fitted = fit_calibration(margins, right)
    assert fitted.sharpness == pytest.approx(2.5, rel=0.05)
    confidence = fitted.find_confidence(margins)
    assert find_ece(confidence, margins.argmax(axis=1) == right) < 0.015


def test_nothing_is_endlessly_sure_where_all_are_right():
    margins = np.tile([1.0, -1.0], (98, 1))
    fitted = fit_calibration(margins, np.zeros(98, dtype=int))
    # The doubt of one text in a hundred, half of it for the other class.
    expected = np.log((1 - 0.01 / 2) / (0.01 / 2)) / 2
    assert fitted.sharpness == pytest.approx(expected, rel=1e-3)


def test_calibration_error_by_hand():
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    is_right = np.array([True, True, True, False, False, False])
    assert find_ece(confidence, is_right) == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)


def test_one_class_needs_no_choice():
    calibration = fit_calibration(np.zeros((5, 1)), np.zeros(5, dtype=int))
    np.testing.assert_array_equal(calibration.find_confidence(np.zeros((3, 1))), np.ones(3))


def test_texts_are_brought_to_one_form_without_personal_numbers():
    assert normalise("Ａ１２３ 电话 13812345678\n") == "a123电话#"
    assert len(normalise("水" * 10_000)) == LONGEST_TEXT
    assert make_words("暖气管道不热") == ["暖气", "管道", "不热"]
    assert make_words("自来水公司的水") == ["自来", "自来水", "公司"]
