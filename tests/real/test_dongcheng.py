"""Dongcheng: streets with names only, everything in GCJ-02, the city around it known as districts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import Datum, convert
from gridgov.frames import APPEAL_COLUMNS
from gridgov.jobs.pipeline import PipelineResult, run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import read_appeals

PACK = Path(__file__).parent / "dongcheng"
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "beijing"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no folder {DATA} beside the checkout"),
]
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(PACK)


@pytest.fixture(scope="module")
def addresses() -> pd.DataFrame:
    return pd.read_csv(DATA / "addresses.csv")


def make_appeals(count: int, **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"appeal_no": [f"A{n}" for n in range(count)], **columns})
    frame = frame.reindex(columns=list(APPEAL_COLUMNS))
    for name in ("received_at", "contacted_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name]).dt.tz_localize(ZONE)
    frame["received_at"] = pd.Timestamp("2024-05-06 10:00", tz=ZONE)
    texts = ["appeal_no", "channel", "kind", "text", "address", "item_code", "unit_recorded"]
    frame[texts] = frame[texts].astype("str")
    return frame.astype({"lon": float, "lat": float})


@pytest.fixture(scope="module")
def located(city, addresses) -> PipelineResult:
    appeals = make_appeals(len(addresses), address=addresses["address"])
    return run_pipeline(city, appeals, as_of=pd.Timestamp("2024-06-01", tz=ZONE))


def test_the_pack_has_no_errors_and_official_codes(city):
    assert sorted(city.streets["street_code"]) == [f"1101010{n:02}" for n in range(1, 18)]
    assert (city.streets["district_code"] == "110101").all()
    assert city.names["110101015"] == "体育馆路街道"
    assert "体育馆街道" in city.streets["aliases"].tolist()


def test_points_fall_into_the_street_that_the_data_say(city, addresses):
    lon, lat = convert(
        addresses["lon_gcj02"], addresses["lat_gcj02"], source=Datum.GCJ02, target=Datum.WGS84
    )
    found = city.territory.judge(lon, lat)["street_code"].map(city.names)
    said = addresses["street_by_polygon"].replace("体育馆街道", "体育馆路街道")
    pd.testing.assert_series_equal(
        found.fillna("").reset_index(drop=True),
        said.fillna(""),
        check_names=False,
        check_dtype=False,
    )


def test_addresses_of_the_gazetteer_are_found_where_they_are(located, city, addresses):
    orders = located.orders
    assert located.counts["located"] >= 0.99 * len(addresses)
    truth = convert(
        addresses["lon_gcj02"], addresses["lat_gcj02"], source=Datum.GCJ02, target=Datum.WGS84
    )
    off_m = np.hypot((orders["lon"] - truth[0]) * 85_300, (orders["lat"] - truth[1]) * 111_000)
    assert np.nanmedian(off_m) < 20
    named = (addresses["street_in_address"] == addresses["street_by_polygon"]).to_numpy()
    assert named.sum() > 300
    said = addresses["street_by_polygon"].replace("体育馆街道", "体育馆路街道")
    found = orders["street_code"].map(city.names)
    assert (found.to_numpy(dtype=object)[named] == said.to_numpy(dtype=object)[named]).mean() > 0.97


def test_an_address_in_xicheng_has_its_point_and_no_street(located, addresses):
    orders = located.orders
    west = addresses["address"].str.contains("西城区").to_numpy()
    point = orders["lon"].notna().to_numpy()
    assert (west & point).sum() > 500
    outside = orders[west & point]
    truly = addresses["street_by_polygon"].isna().to_numpy()[west & point]
    assert outside["street_code"].isna()[truly].mean() > 0.97
    assert (outside["district_code"] == "110102").mean() > 0.97
    assert outside.loc[outside["street_code"].isna(), "review"].all()
    assert located.counts["street_unknown"] >= outside["street_code"].isna().sum()


def test_nothing_lies_outside_the_extent(located, city):
    orders = located.orders[located.orders["lon"].notna()]
    shapely.prepare(city.extent)
    assert shapely.intersects_xy(
        city.extent, orders["lon"].to_numpy(), orders["lat"].to_numpy()
    ).all()


def test_points_in_the_declared_datum_are_converted_once(city, addresses, tmp_path):
    frame = pd.DataFrame(
        {
            "appeal_no": [f"A{n}" for n in range(len(addresses))],
            "received_at": "2024-05-06 10:00:00",
            "address": addresses["address"],
            "lon": addresses["lon_gcj02"],
            "lat": addresses["lat_gcj02"],
        }
    )
    frame.to_csv(tmp_path / "export.csv", index=False)
    read = read_appeals(city, tmp_path / "export.csv")
    assert read.rejected == 0
    truth = convert(frame["lon"], frame["lat"], source=Datum.GCJ02, target=Datum.WGS84)
    np.testing.assert_allclose(read.appeals["lon"], truth[0], atol=1e-9)
    np.testing.assert_allclose(read.appeals["lat"], truth[1], atol=1e-9)
