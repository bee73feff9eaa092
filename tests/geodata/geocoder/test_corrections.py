"""Pins that people move: they answer at once, and can be withdrawn."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from geodata.geocoder import (
    CORRECTED_RADIUS_M,
    Geocoder,
    make_corrections,
    make_gazetteer,
)
from geodata.geocoder.corrections import get_valid
from tests.geodata import toy_town

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POINT = (116.41, 39.905)


@pytest.fixture(scope="module")
def gazetteer():
    return make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT)


def correct(address="长安胡同33号", point=POINT, corrections=None):
    begin = make_corrections() if corrections is None else corrections
    number = len(begin) + 1
    values = (number, address, *point, "pin", "u7", NOON, None, None)
    row = pd.DataFrame([dict(zip(begin.columns, values, strict=True))]).astype(begin.dtypes)
    return row if begin.empty else pd.concat([begin, row], ignore_index=True)


def withdraw(corrections, number):
    changed, own = corrections.copy(), corrections["correction_no"] == number
    changed.loc[own, "withdrawn_by"] = "u8"
    changed.loc[own, "withdrawn_at"] = NOON
    return changed


def ask(gazetteer, corrections, text):
    return Geocoder(gazetteer, corrections=corrections).locate(pd.Series([text])).iloc[0]


def test_a_moved_pin_answers_the_next_one(gazetteer):
    row = ask(gazetteer, correct(), "长安胡同 ３３号")
    assert (row["lon"], row["lat"]) == pytest.approx(POINT)
    assert row["uncertainty_m"] == CORRECTED_RADIUS_M
    other = ask(gazetteer, correct(), "长安胡同35号")
    assert (other["lon"], other["lat"]) != pytest.approx(POINT)


def test_a_corrected_address_that_was_unknown_is_placed(gazetteer):
    row = ask(gazetteer, correct("老王家小卖部"), "老王家小卖部")
    assert (row["lon"], row["lat"]) == pytest.approx(POINT)
    assert pd.isna(row["place_problem"])


def test_a_withdrawn_correction_answers_no_more(gazetteer):
    before = ask(gazetteer, None, "长安胡同33号")
    corrections = withdraw(correct(), 1)
    assert len(corrections) == 1
    pd.testing.assert_series_equal(ask(gazetteer, corrections, "长安胡同33号"), before)


def test_the_last_correction_of_an_address_holds():
    twice = correct(point=(116.42, 39.91), corrections=correct())
    assert twice["correction_no"].tolist() == [1, 2]
    assert get_valid(twice)["lon"].tolist() == [116.42]
    back = withdraw(twice, 2)
    assert get_valid(back)["lon"].tolist() == [116.41]
