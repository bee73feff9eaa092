"""Borrowed tuples: the same fields, nothing counted, nothing freed; the geocoder answers as without them."""

import sys
from typing import NamedTuple

import numba
import numpy as np
import pandas as pd
import pytest
from numba import njit
from numba.core import cgutils

from geodata.address import encode_texts
from geodata.address.parse import make_cover, make_tokens, parse_row
from geodata.gazetteer.grams import make_alike
from geodata.geocoder import make_gazetteer
from geodata.geocoder.choice import answer_parts, answer_rows
from geodata.geocoder.evidence import make_answers, make_candidates, make_ladder
from geodata.geocoder.index import make_index
from geodata.kernels import borrow
from geodata.kernels.borrowing import choose_borrow, hand_on
from tests.geodata import toy_town


class Model(NamedTuple):
    slope: float
    offset: float


class Inner(NamedTuple):
    values: np.ndarray
    model: Model


class Outer(NamedTuple):
    inner: Inner
    totals: np.ndarray
    factor: int


@njit
def add_up(outer, row):
    inner = outer.inner
    outer.totals[row] += (
        inner.values[row, 0] * inner.model.slope * outer.factor + inner.model.offset
    )
    return inner.values[row].sum()


@njit
def add_all(outer):
    lent = borrow(outer)
    total = 0.0
    for row in range(len(lent.totals)):
        total += add_up(lent, row)
    return total


def make_outer():
    values = np.arange(12.0).reshape(6, 2)
    return Outer(Inner(values, Model(2.0, 0.5)), np.zeros(6), 3)


def test_fields_of_any_depth_are_read_and_written():
    plain, lent = make_outer(), make_outer()
    total = sum(add_up(plain, row) for row in range(6))
    assert add_all(lent) == total == 66
    np.testing.assert_array_equal(lent.totals, plain.totals)
    np.testing.assert_array_equal(lent.totals, np.arange(0, 12, 2) * 6 + 0.5)


def test_references_are_left_as_they_were():
    outer = make_outer()
    arrays = (outer.inner.values, outer.totals)
    add_all(outer)
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(100):
        add_all(outer)
    assert [sys.getrefcount(array) for array in arrays] == before


def test_this_numba_lends():
    assert choose_borrow(numba.__version__) is borrow is not hand_on


@pytest.mark.parametrize("version", ["0.69.0", "0.70.1", "1.0.0", "unknown"])
def test_a_numba_that_nobody_tried_hands_on(version):
    assert choose_borrow(version) is hand_on


def test_a_numba_with_other_parts_hands_on(monkeypatch):
    monkeypatch.delattr(cgutils, "gep_inbounds")
    assert choose_borrow(numba.__version__) is hand_on


def test_what_is_handed_on_gives_the_same_answers():
    @njit
    def add_all_by_value(outer):
        given = hand_on(outer)
        total = 0.0
        for row in range(len(given.totals)):
            total += add_up(given, row)
        return total

    outer = make_outer()
    assert add_all_by_value(outer) == 66
    np.testing.assert_array_equal(outer.totals, np.arange(0, 12, 2) * 6 + 0.5)


def test_the_geocoder_answers_as_with_plain_tuples():
    index = make_index(make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT))
    asked = [f"{road}{number}号" for road in toy_town.ROADS for number in (3, 50, 170)]
    asked += [
        "中轴大街与丰收路交叉口",
        "人民医院东侧",
        "平安理胡同50号",
        "东门街道",
        "无此路",
        "花园小区附近",
    ]
    texts = encode_texts(pd.Series(asked, dtype="str"))
    lent, plain = make_answers(len(asked)), make_answers(len(asked))
    answer_rows(index, texts.codes, texts.start, (0, len(asked)), make_tokens(1), lent)
    room = make_ladder(), make_candidates(), make_alike(len(index.grams.norm))
    cover, tokens = make_cover(), make_tokens(1)
    for row in range(len(asked)):
        text = texts.codes[texts.start[row] : texts.start[row + 1]]
        parse_row(index.lexicon, text, cover, tokens, 0)
        plain.reason[row] = answer_parts(index, text, tokens, (0, row), room, plain)
    for name, values in lent._asdict().items():
        np.testing.assert_array_equal(values, getattr(plain, name), err_msg=name)
    assert (lent.reason == 0).sum() == len(asked) - 1
