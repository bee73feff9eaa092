"""Pins that people move: they answer at once, join the next index, and can be withdrawn."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from geodata.errors import GeodataError
from geodata.geocoder import (
    CORRECTED_RADIUS_M,
    CORRECTION_COLUMNS,
    Geocoder,
    make_corrections,
    make_gazetteer,
)
from geodata.geocoder.corrections import (
    add_correction,
    get_valid,
    make_correction_source,
    read_corrections,
    withdraw_correction,
    write_corrections,
)
from tests.geodata import toy_town

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POINT = (116.41, 39.905)


@pytest.fixture(scope="module")
def gazetteer():
    return make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT)


def correct(address="长安胡同33号", point=POINT, corrections=None):
    begin = make_corrections() if corrections is None else corrections
    return add_correction(begin, address, point, made_by="u7", made_at=NOON)


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
    corrections = withdraw_correction(correct(), 1, withdrawn_by="u8", withdrawn_at=NOON)
    assert len(corrections) == 1
    pd.testing.assert_series_equal(ask(gazetteer, corrections, "长安胡同33号"), before)


def test_the_last_correction_of_an_address_holds():
    twice = correct(point=(116.42, 39.91), corrections=correct())
    assert twice["correction_no"].tolist() == [1, 2]
    assert get_valid(twice)["lon"].tolist() == [116.42]
    back = withdraw_correction(twice, 2, withdrawn_by="u8", withdrawn_at=NOON)
    assert get_valid(back)["lon"].tolist() == [116.41]


def test_corrections_join_the_next_gazetteer():
    corrections = correct("长安胡同34号甲")
    sources = [*toy_town.make_sources(), make_correction_source(correct("幸福村"))]
    row = Geocoder(make_gazetteer(sources)).locate(pd.Series(["幸福村内"])).iloc[0]
    assert (row["lon"], row["lat"]) == pytest.approx(POINT, abs=1e-5)
    assert make_correction_source(corrections).frame["address"].tolist() == ["长安胡同34号甲"]


def test_file_round_trip(tmp_path):
    corrections = withdraw_correction(
        correct("花园小区", corrections=correct()), 1, withdrawn_by="u8", withdrawn_at=NOON
    )
    write_corrections(corrections, tmp_path / "c.csv")
    pd.testing.assert_frame_equal(read_corrections(tmp_path / "c.csv"), corrections)
    write_corrections(make_corrections(), tmp_path / "none.csv")
    assert list(read_corrections(tmp_path / "none.csv").columns) == list(CORRECTION_COLUMNS)


def test_what_is_no_correction_is_refused(tmp_path):
    with pytest.raises(GeodataError, match="letters or digits"):
        correct(" ")
    with pytest.raises(GeodataError, match="degrees"):
        correct(point=(400.0, 39.9))
    with pytest.raises(GeodataError, match="zone"):
        add_correction(
            make_corrections(), "长安胡同1号", POINT, made_by="u", made_at=NOON.replace(tzinfo=None)
        )
    with pytest.raises(GeodataError, match="no correction 5"):
        withdraw_correction(correct(), 5, withdrawn_by="u8", withdrawn_at=NOON)
    gone = withdraw_correction(correct(), 1, withdrawn_by="u8", withdrawn_at=NOON)
    with pytest.raises(GeodataError, match="withdrawn before"):
        withdraw_correction(gone, 1, withdrawn_by="u8", withdrawn_at=NOON)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(GeodataError, match="no column"):
        read_corrections(tmp_path / "x.csv")
