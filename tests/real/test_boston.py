"""The main job on Boston's own 311 cases: a pack of one layer, an export as the city publishes it."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from gridgov.jobs.pipeline import PipelineResult, run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import AppealsRead, read_appeals

PACK = Path(__file__).parent / "boston"
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "boston"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no folder {DATA} beside the checkout"),
]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(PACK)


@pytest.fixture(scope="module")
def read(city) -> AppealsRead:
    return read_appeals(city, DATA / "cases_2014_2019.csv")


@pytest.fixture(scope="module")
def result(city, read) -> PipelineResult:
    return run_pipeline(city, read.appeals, as_of=pd.Timestamp("2020-01-01", tz="America/New_York"))


@pytest.fixture(scope="module")
def wards() -> pd.Series:
    """Return the ward of each case by another library, missing where it has no point in any."""
    areas = gpd.read_file(DATA / "wards.geojson").set_geometry("geometry")[["WARD", "geometry"]]
    cases = pd.read_csv(DATA / "cases_2014_2019.csv", dtype={"case_enquiry_id": "str"})
    points = gpd.points_from_xy(cases["longitude"], cases["latitude"], crs=4326)
    frame = gpd.GeoDataFrame({"no": cases["case_enquiry_id"]}, geometry=points)
    areas = areas.set_geometry(areas.geometry.make_valid())
    joined = frame.sjoin(areas, predicate="intersects")
    return joined.groupby("no")["WARD"].min()


def test_every_row_is_counted(read, result):
    assert read.read == 43_543
    assert read.read == result.counts["located"] + result.counts["unlocated"] + read.rejected
    assert read.rejected == 0
    assert len(result.orders) == 43_543


def test_every_row_with_a_point_inside_the_city_is_located(result, wards):
    located = result.orders.loc[result.orders["lon"].notna(), "appeal_no"]
    assert set(wards.index) <= set(located)


def test_the_ward_is_the_polygons(result, wards):
    pointed = result.orders[result.orders["place_level"] == "point"].set_index("appeal_no")
    found = pointed["street_code"].loc[wards.index].astype(int)
    # Neighbours overlap by less than half a metre; there this test takes the lowest number, we the lowest code.
    assert (found == wards).mean() > 0.9999


def test_the_ward_found_is_the_ward_recorded(result):
    named = result.orders[result.orders["unit_recorded"].notna()]
    assert len(named) == 43_447
    assert (named["street_code"] == named["unit_recorded"]).mean() >= 0.992
    assert result.counts["recorded_agree"] / result.counts["recorded"] >= 0.992


def test_each_order_says_who_until_when_and_why(result):
    orders = result.orders[result.orders["street_code"].notna()]
    assert (orders["unit_code"] == orders["street_code"]).all()
    assert (orders["due_at"] > orders["contact_by"]).all()
    assert (orders["contact_by"] > orders["received_at"]).all()
    assert orders["reasons"].str.contains("假定值").all()
    assert set(result.catalogue.items.loc[result.catalogue.items["level"] == 1, "name"]) == {
        "Animal Issues",
        "Housing",
        "Street Cleaning",
    }
    assert 0 < result.counts["review"] < 0.05 * len(result.orders)
