"""The place service says of one place what it says of many, and what intake would do with it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gridgov.jobs.place_service import ANSWER_COLUMNS, UNIT_COLUMNS, Matter, PlaceService
from gridgov.pack.city import load_city
from tests.gridgov.packs import STREETS, write_pack

ON = date(2024, 3, 4)
POINTS = [(116.405, 39.905), (116.41999, 39.905), (116.425, 39.925), (121.5, 31.2), (116.42, 39.92)]
ADDRESSES = ["东华门街道", "西长安街街道", "不知道在哪儿", "", "x" * 1500]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return PlaceService(city=load_city(write_pack(tmp_path_factory.mktemp("places"))))


@pytest.mark.parametrize("matter", [Matter(), Matter(item_code="111")])
def test_one_is_answered_as_among_many(places, matter):
    asked = pd.DataFrame(
        {
            "address": pd.Series([None] * len(POINTS) + ADDRESSES, dtype="str"),
            "lon": [lon for lon, _ in POINTS] + [np.nan] * len(ADDRESSES),
            "lat": [lat for _, lat in POINTS] + [np.nan] * len(ADDRESSES),
        }
    )
    asked.loc[asked["address"] == "", "address"] = None
    many = places.answer_rows(asked, on=ON, matter=matter)
    assert list(many) == [*ANSWER_COLUMNS, *(UNIT_COLUMNS if matter else ())]
    rows = many.astype(object).where(many.notna(), None).to_dict("records")
    alone = [places.answer_point(lon, lat, on=ON, matter=matter) for lon, lat in POINTS]
    alone += [places.answer_address(text, on=ON, matter=matter) for text in ADDRESSES]
    for one, row in zip(alone, rows, strict=True):
        neighbours = one.pop("neighbours")
        assert one == row
        assert one["street_code"] not in neighbours


def test_a_service_that_is_prepared_answers_the_same(tmp_path):
    places = PlaceService(city=load_city(write_pack(tmp_path)))
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(116.39, 116.44, 2_000), rng.uniform(39.89, 39.94, 2_000)
    asked = pd.DataFrame(
        {"address": pd.Series([None] * len(lon), dtype="str"), "lon": lon, "lat": lat}
    )
    before = places.answer_rows(asked, on=ON)
    places.prepare()
    pd.testing.assert_frame_equal(places.answer_rows(asked, on=ON), before, check_exact=True)
    assert before["street_name"].nunique() > 1
    assert (before["street_code"].map(places.city.names) == before["street_name"])[
        before["street_code"].notna()
    ].all()


def test_neighbours_touch_and_names_are_told(places):
    told = places.answer_point(116.405, 39.905, on=ON)
    assert told["street_name"] == STREETS[told["street_code"]][0]
    # Four squares meet in one corner: each touches the three others.
    assert told["neighbours"] == sorted(set(STREETS) - {told["street_code"]})
    assert places.find_neighbours("none") == ()


def test_a_place_that_a_person_gave_an_address_stands_above_the_gazetteer(places):
    moved = {
        "lon": 116.425,
        "lat": 39.925,
        "place_level": "number",
        "uncertainty_m": 25.0,
        "matched": "东华门街道",
        "score": 1.0,
        "place_problem": None,
    }

    def find(text):
        return moved if text == "东华门街道" else None

    one = places.answer_address("东华门街道", on=ON, find_correction=find)
    asked = pd.DataFrame({"address": ["西长安街街道", "东华门街道"], "lon": np.nan, "lat": np.nan})
    many = places.answer_rows(asked, on=ON, find_correction=find)
    assert one["street_code"] == many["street_code"].iloc[1] == "110102003"
    assert many["street_code"].iloc[0] == "110102001"
