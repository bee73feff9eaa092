"""The Python API: frames in, frames out, the same answers as the jobs give."""

import numpy as np
import pandas as pd
import pytest

from geodata.datum import convert
from geodata.errors import GeodataError, InvalidDataError
from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS
from gridgov.errors import UnknownEntryError
from gridgov.frames import ORDER_COLUMNS
from planner.api import City
from planner.errors import PlannerError
from planner.surges import SURGE_COLUMNS
from tests.planner.conftest import END

POINT = (116.38, 39.895)
"""In the middle of 110101001."""


@pytest.fixture(scope="session")
def city(small_city):
    return City(pack=small_city)


def test_points_are_judged_and_keep_their_index(city):
    points = pd.DataFrame({"lon": [POINT[0], None], "lat": [POINT[1], None]}, index=["a", "b"])
    found = city.locate(points)
    assert found.index.tolist() == ["a", "b"]
    assert {*PLACE_COLUMNS, *JURISDICTION_COLUMNS} <= set(found)
    assert found.loc["a", "street_name"] == "东华门街道"
    assert pd.isna(found.loc["b", "street_code"])
    assert found.loc["b", "place_problem"] == "neither coordinates nor an address"
    assert found["lon_given"].iloc[0] == POINT[0]


def test_a_datum_is_turned(city):
    moved = convert(np.array([POINT[0]]), np.array([POINT[1]]), source="WGS84", target="BD-09")
    frame = pd.DataFrame({"lon": moved[0], "lat": moved[1]})
    found = city.locate(frame, datum="BD-09")
    assert abs(found["lon"].iloc[0] - POINT[0]) < 1e-5
    assert abs(found["lat"].iloc[0] - POINT[1]) < 1e-5


def test_addresses_are_placed(city):
    found = city.locate(["东城区景山街道", "没有这个地方"])
    assert found["street_code"].tolist()[0] == "110101002"
    assert pd.isna(found["lon"].iloc[1])
    assert found["place_problem"].notna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (pd.DataFrame({"x": [1]}), "no column to place by"),
        (pd.DataFrame({"lon": ["east"], "lat": [39.9]}), "no degrees"),
        (pd.DataFrame({"lon": [116.4], "lat": [399]}), "no degrees"),
    ],
)
def test_what_cannot_be_placed_is_refused(city, places, told):
    with pytest.raises(InvalidDataError, match=told):
        city.locate(places)


def test_an_unknown_datum_is_refused(city):
    with pytest.raises(GeodataError, match="datum"):
        city.locate(pd.DataFrame({"lon": [116.4], "lat": [39.9]}), datum="Moon")


def test_a_frame_of_appeals_becomes_orders(city):
    appeals = pd.DataFrame(
        {
            "appeal_no": ["1", "2"],
            "received_at": pd.to_datetime(["2025-03-01 09:00", "2025-03-01 10:00"]).tz_localize(
                "Asia/Shanghai"
            ),
            "lon": [POINT[0], np.nan],
            "lat": [POINT[1], np.nan],
            "item_code": ["020101", "010101"],
        }
    )
    result = city.run(appeals, as_of="2025-03-02")
    assert list(result.orders) == list(ORDER_COLUMNS)
    assert result.orders["unit_code"].tolist()[0] == "D2"
    assert result.counts["located"] + result.counts["unlocated"] == len(appeals)
    assert list(appeals) == ["appeal_no", "received_at", "lon", "lat", "item_code"]


def test_everything_wrong_with_a_frame_is_said_at_once(city):
    appeals = pd.DataFrame(
        {
            "appeal_no": ["1", "1"],
            "received_at": pd.to_datetime(["2025-03-01", "2025-03-02"]),
            "lon": [999.0, 1.0],
            "satisfied": ["very", None],
            "solved": ["maybe", None],
        }
    )
    with pytest.raises(InvalidDataError) as error:
        city.run(appeals)
    fields = {one.field for one in error.value.problems}
    assert fields == {"appeal_no", "received_at", "lon", "satisfied", "solved"}
    assert "tz_localize" in str(error.value)
    with pytest.raises(InvalidDataError, match="this column is missing"):
        city.run(appeals[["lon"]])


def test_hotspots_are_those_of_the_plans(city, small_orders, small_plans):
    found = city.hotspots(small_orders, as_of=END)
    pd.testing.assert_frame_equal(
        pd.DataFrame(found.drop(columns="geometry")),
        pd.DataFrame(small_plans.hotspots.drop(columns="geometry")),
    )
    assert found.crs == "EPSG:4326"


def test_a_street_is_planned_by_a_part_of_its_name(city, small_orders):
    found = city.plan(small_orders, street="东华门", as_of=END)
    assert list(found.plans) == ["110101001"]
    assert set(found.tasks["street_code"]) <= {"110101001"}
    assert len(found.classes) == 4
    with pytest.raises(UnknownEntryError):
        city.plan(small_orders, street="没有", as_of=END)


def test_a_surge_is_found_and_named(city, small_orders):
    now = END - pd.Timedelta(days=1) + pd.Timedelta(hours=18)
    burst = pd.concat([small_orders.iloc[:1]] * 40, ignore_index=True).assign(
        received_at=now - pd.Timedelta(hours=2),
        order_no=[f"B{k}-1" for k in range(40)],
        person_key=[f"B{k}" for k in range(40)],
        street_code="110102001",
        item_code="030101",
    )
    found = city.surges(pd.concat([small_orders, burst], ignore_index=True), now=now)
    assert list(found) == [*SURGE_COLUMNS, "area_name", "item_name"]
    first = found[found["level"] == "street"].iloc[0]
    assert (first["area_code"], first["area_name"]) == ("110102001", "西长安街街道")
    assert first["item_name"] == "停车"
    assert first["n"] >= 40
    quiet = city.surges(small_orders, now=now)
    assert "110102001" not in set(quiet.loc[quiet["item_code"] == "0301", "area_code"])


@pytest.mark.parametrize("ask", ["hotspots", "surges", "plan"])
def test_frames_that_are_no_orders_are_refused(city, small_orders, ask):
    with pytest.raises(InvalidDataError, match="this column is missing"):
        getattr(city, ask)(small_orders.drop(columns=["street_code"]))
    with pytest.raises(InvalidDataError, match="there are no orders"):
        getattr(city, ask)(small_orders.iloc[:0])
    naive = small_orders.assign(received_at=small_orders["received_at"].dt.tz_localize(None))
    with pytest.raises(InvalidDataError, match="with a zone"):
        getattr(city, ask)(naive)


def test_no_time_is_no_time(city, small_orders):
    with pytest.raises(PlannerError, match="is no time"):
        city.hotspots(small_orders, as_of="yesterday evening")


def test_longer_work_is_told(small_city, small_orders):
    told = []
    quiet = City(pack=small_city, progress=lambda stage, share: told.append((stage, share)))
    quiet.hotspots(small_orders, as_of=END)
    assert told == [("hotspots", 0.0), ("hotspots", 1.0)]
