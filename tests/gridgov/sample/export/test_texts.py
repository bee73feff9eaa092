import re

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier

from gridgov.sample.export.join import choose, draw_words, join, take, write_number
from gridgov.sample.land.names import make_stem, replace_homophones


def test_no_slot_is_left_open(sample):
    rows = sample.usable
    for column in ("诉求内容", "地址"):
        assert not rows[column].str.contains("[{}\0]", regex=True).any()
    assert (rows["诉求内容"].str.len() > 6).all()


def test_texts_vary(sample):
    texts = sample.usable["诉求内容"]
    assert texts.nunique() > 0.98 * len(texts)
    bare = texts.str.replace(r"[0-9]+", "", regex=True)
    assert bare.nunique() > 0.9 * len(texts)


def test_texts_name_the_place_of_the_address(sample):
    rows, truth = sample.usable, sample.truth
    clear = ((rows["地址"] != "") & (truth["address_kind"] != "vague").to_numpy()).to_numpy()
    named = [
        any(text.find(address[k:]) >= 0 for k in range(max(1, len(address) - 3)))
        for text, address in zip(rows["诉求内容"][clear], rows["地址"][clear], strict=True)
    ]
    assert np.mean(named) > 0.95


def test_a_classifier_learns_items_from_texts_but_not_perfectly(sample):
    level1 = sample.truth["item_code"].str[:2].to_numpy()
    texts = sample.usable["诉求内容"].to_numpy()
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=3).fit_transform(texts)
    half = len(texts) // 2
    model = SGDClassifier(random_state=0).fit(vectors[:half], level1[:half])
    score = (model.predict(vectors[half:]) == level1[half:]).mean()
    assert 0.8 < score < 0.999


def test_addresses_are_of_every_kind_and_ladders_vary(sample):
    kinds = sample.truth["address_kind"].value_counts(normalize=True)
    assert set(kinds.index) == {
        "compound", "part", "village", "place", "number", "crossing", "community", "vague",
    }  # fmt: skip
    address = sample.usable["地址"]
    given = address[address != ""]
    assert 0.15 < given.str.startswith("北京").mean() < 0.5
    assert 0.05 < (~given.str.contains("区|街道|镇|乡|北京", regex=True)).mean() < 0.4
    assert given.str.contains("[甲乙丙][0-9]+号", regex=True).any()
    assert given.str.contains("交叉口|路口|交口", regex=True).mean() > 0.02
    assert given.str.contains("[0-9]+号楼[0-9]单元", regex=True).mean() > 0.05
    only_address = sample.usable["经度"].isna()
    assert only_address.mean() == pytest.approx(1 / 3, abs=0.02)
    assert (address[only_address] != "").all()


def test_addresses_with_a_street_name_their_own(sample):
    names = pd.read_csv(sample.folder / "units.csv", dtype=str).set_index("unit_code")["name"]
    own = sample.truth["street_code"].map(names).to_numpy()
    address = sample.usable["地址"].to_numpy()
    full = [bool(re.match(r"北京市.{2,3}区.{2,8}(街道|地区|镇)", text)) for text in address]
    right = [name in text for name, text in zip(own[full], address[full], strict=True)]
    assert np.mean(right) > 0.97  # a compound's edge may lie across the boundary


def test_personal_numbers_are_invented(sample):
    found = sample.usable["诉求内容"].str.extractall(r"(1\d{10})")[0]
    assert len(found) > 20
    assert found.str.startswith("1990000").all()


def test_stems_and_homophones():
    assert make_stem("多福巷社区居委会") == "多福巷"
    assert make_stem("东华门街道") == "东华门"
    names = np.array(["和平里小区", "大楼"], dtype=object)
    heard = replace_homophones(names, np.random.default_rng(1))
    assert heard[0] != names[0]
    assert len(heard[0]) == len(names[0])
    assert heard[1] == "大楼"


def test_columns_join_row_by_row():
    words = take(["a", "b"], np.array([1, 0, 1]))
    assert join(words, "-", write_number(np.array([7, 8, 9]))).to_pylist() == ["b-7", "a-8", "b-9"]
    assert choose([words, take(["z"], np.zeros(3, int))], np.array([0, 1, 0])).to_pylist() == [
        "b",
        "z",
        "b",
    ]
    drawn = draw_words({"x": 1.0, "y": 0.0}, 50, np.random.default_rng(0))
    assert set(drawn.to_pylist()) == {"x"}
