"""Appeals to orders: nothing is lost, each order says where, who, until when and why."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.datum import Datum, convert
from geodata.frames import PLACE_COLUMNS
from gridgov.frames import APPEAL_COLUMNS, LOCATED_COLUMNS, ORDER_COLUMNS
from gridgov.jobs.pipeline import PipelineResult, run_pipeline
from gridgov.jobs.placing import find_places, judge_places
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import read_appeals
from gridgov.rules.constants import make_constants
from gridgov.rules.dispatch import dispatch, make_deadlines
from tests.gridgov.packs import MINIMAL, write_pack

AS_OF = pd.Timestamp("2024-06-30 12:00", tz="Asia/Shanghai")


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> City:
    folder = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_CACHE", str(folder / "store"))
        loaded = load_city(write_pack(folder / "pack"))
        loaded.geocoder.locate(pd.Series(["和平小区"], dtype="str"))
        return loaded


def make_appeals(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame([{"appeal_no": f"A{n}"} | row for n, row in enumerate(rows)])
    frame = frame.reindex(columns=list(APPEAL_COLUMNS))
    for name in ("received_at", "contacted_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name]).dt.tz_localize("Asia/Shanghai")
    frame["received_at"] = frame["received_at"].fillna(
        pd.Timestamp("2024-05-06 10:00", tz="Asia/Shanghai")
    )
    frame[["lon", "lat"]] = frame[["lon", "lat"]].astype(float)
    texts = [
        "appeal_no",
        "channel",
        "kind",
        "text",
        "address",
        "item_code",
        "person_key",
        "unit_recorded",
        "satisfied",
    ]
    frame[texts] = frame[texts].astype("str")
    return frame.astype({"contacted": "boolean", "solved": "boolean"})


def run(city: City, *rows: dict, **how) -> PipelineResult:
    found = run_pipeline(city, make_appeals(*rows), as_of=AS_OF, **how)
    assert tuple(found.orders.columns) == ORDER_COLUMNS
    assert found.counts["orders"] == len(rows) == len(found.orders)
    assert found.counts["located"] + found.counts["unlocated"] == len(rows)
    assert len(found.unlocated) == found.counts["unlocated"]
    assert found.orders["reasons"].str.len().gt(5).all()
    assert found.orders["unit_code"].notna().all()
    assert found.unlocated["review"].all()
    return found


INSIDE = {"lon": 116.405, "lat": 39.905}


def test_a_point_an_address_and_neither(city):
    found = run(
        city,
        {"item_code": "111", **INSIDE},
        {"item_code": "111", "address": "长安大厦"},
        {"item_code": "111", "address": "南京市鼓楼区"},
        {"item_code": "111"},
    )
    orders = found.orders
    assert orders["street_code"].iloc[:2].tolist() == ["110101001", "110102001"]
    assert orders["unit_code"].tolist() == ["110101001", "110102001", "Q01", "Q01"]
    assert orders["route"].tolist() == ["street", "street", "dispatcher", "dispatcher"]
    assert orders["place_level"].iloc[0] == "point"
    assert orders["uncertainty_m"].iloc[1] > orders["uncertainty_m"].iloc[0] > 0
    assert orders["place_problem"].iloc[2:].notna().all()
    assert found.counts["unlocated"] == 2
    assert "按地址“" in orders["reasons"][1]


def test_cells_deadlines_and_versions(city):
    orders = run(city, {"item_code": "112", **INSIDE}, {"item_code": "111", **INSIDE}).orders
    assert orders["cell_code"].str.fullmatch(r"110101001000\d{3}").all()
    assert str(orders["contact_by"][0]) == "2024-05-06 10:30:00+08:00"
    assert str(orders["due_at"][1]) == "2024-05-07 10:00:00+08:00"
    assert orders["unit_code"].tolist() == ["E01", "110101001"]
    assert orders["boundary_version"].unique().tolist() == [city.boundary_version]
    assert orders["order_no"].is_unique


def test_a_point_near_a_boundary_names_both_streets(city):
    near, deep = {"lon": 116.41, "lat": 39.91999}, {"lon": 116.405, "lat": 39.905}
    orders = run(city, {"item_code": "111", **near}, {"item_code": "111", **deep}).orders
    assert orders["review"].tolist() == [True, False]
    assert "可能属于东华门街道或景山街道" in orders["reasons"][0]
    assert orders["boundary_m"][0] == pytest.approx(1.1, abs=0.2)


def test_a_point_on_a_shared_edge_belongs_to_the_lowest_code(city):
    assert run(city, {"lon": 116.41, "lat": 39.92}).orders["street_code"].tolist() == ["110101001"]


def test_a_compound_above_the_streets_goes_to_its_own_unit(city):
    orders = run(city, {"item_code": "111", "lon": 116.412, "lat": 39.912}).orders
    assert orders[["street_code", "exception_code", "unit_code", "route"]].iloc[0].tolist() == [
        "110101001",
        "X1",
        "J01",
        "joint",
    ]


def test_an_item_that_is_missing_can_be_classified(city):
    def classify(appeals: pd.DataFrame) -> pd.DataFrame:
        assert appeals["item_code"].isna().all()
        return pd.DataFrame(
            {"item_code": np.where(appeals["text"] == "漏水", "112", None), "item_confidence": 0.8},
            index=appeals.index,
        )

    rows = ({"text": "漏水", **INSIDE}, {"item_code": "111", **INSIDE}, {"text": "?", **INSIDE})
    without = run(city, *rows).orders
    assert without["item_code"].isna().tolist() == [True, False, True]
    assert without["review"].tolist() == [True, False, True]
    assert without["route"].tolist() == ["first_receiver", "street", "first_receiver"]
    orders = run(city, *rows, classify=classify).orders
    assert orders["unit_code"].tolist()[:2] == ["E01", "110101001"]
    assert orders["item_confidence"].tolist()[:2] == [0.8, 1.0]
    assert orders["review"].tolist() == [False, False, True]


def test_counts_and_progress(city):
    told: list[tuple[str, float]] = []
    rows = [
        {
            "item_code": "111",
            "closed_at": "2024-05-06 12:00:00",
            "unit_recorded": "110101001",
            **INSIDE,
        }
    ]
    rows += [
        {"item_code": "111", "unit_recorded": "110102001", **INSIDE},
        {"unit_recorded": "D01", **INSIDE},
    ]
    found = run(city, *rows, progress=lambda stage, share: told.append((stage, share)))
    assert (found.counts["recorded"], found.counts["recorded_agree"]) == (2, 1)
    assert found.counts["states"] == {"met": 1, "overdue": 2}
    assert found.counts["review"] == 1
    assert [share for _, share in told] == [0.0, 1.0] * (len(told) // 2)
    assert set(found.seconds) == {stage for stage, _ in told}


def test_no_appeals_give_no_orders(city):
    appeals = make_appeals({}).iloc[:0]
    found = run_pipeline(city, appeals, as_of=AS_OF)
    assert found.orders.empty
    assert tuple(found.orders.columns) == ORDER_COLUMNS


def test_the_same_input_gives_the_same_orders(city):
    rows = ({"item_code": "111", **INSIDE}, {"address": "长安大厦"}, {})
    pd.testing.assert_frame_equal(run(city, *rows).orders, run(city, *rows).orders)


def test_streets_alone_answer_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))
    small = load_city(write_pack(tmp_path / "pack", MINIMAL))
    frame = pd.DataFrame(
        {
            "appeal_no": ["1", "2"],
            "received_at": "2024-05-06 10:00:00",
            "lon": ["116.405", "116.425"],
            "lat": "39.905",
            "item_code": ["Noise", None],
        }
    )
    frame.to_csv(tmp_path / "e.csv", index=False)
    read = read_appeals(small, tmp_path / "e.csv")
    found = run_pipeline(small, read.appeals, as_of=pd.Timestamp("2024-06-01", tz="UTC"))
    assert found.orders["unit_code"].tolist() == ["110101001", "110102001"]
    assert found.orders["review"].tolist() == [False, True]
    assert found.catalogue.names == {"Noise": "Noise"}


def test_a_wrong_datum_shows_in_the_streets_recorded(city):
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(116.402, 116.438, 2000), rng.uniform(39.902, 39.938, 2000)
    truth = city.territory.judge(lon, lat)["street_code"]
    # The export is in GCJ-02, the pack says WGS84, and the streets are small.
    x, y = convert(lon, lat, source=Datum.WGS84, target=Datum.GCJ02)
    keep = (x > 116.4) & (x < 116.44) & (y > 39.9) & (y < 39.94)
    rows = [
        {"lon": a, "lat": b, "unit_recorded": c, "item_code": "111"}
        for a, b, c in zip(x[keep], y[keep], truth[keep], strict=True)
    ]
    problems = run_pipeline(city, make_appeals(*rows), as_of=AS_OF).problems
    assert "read as GCJ-02" in problems["expected"].iloc[0]


def test_a_working_clock_without_holidays_says_so(city):
    grades = city.settings.grades
    working = {name: dataclasses.replace(one, clock="working") for name, one in grades.items()}
    other = dataclasses.replace(city, settings=dataclasses.replace(city.settings, grades=working))
    rows = (
        {"item_code": "111", "received_at": "2025-05-06 10:00", **INSIDE},
        {"item_code": "111", **INSIDE},
    )
    problems = run_pipeline(other, make_appeals(*rows), as_of=AS_OF).problems
    assert problems["value"].tolist() == ["2025"]


def make_places(*levels: tuple[str | None, float]) -> pd.DataFrame:
    places = pd.DataFrame(levels, columns=["place_level", "uncertainty_m"])
    places["lon"], places["lat"] = 116.405, 39.905
    return places.reindex(columns=list(PLACE_COLUMNS))


def test_a_place_says_no_more_than_is_known(city):
    levels = [
        ("point", 15.0),
        ("place", 200.0),
        ("road", 800.0),
        ("community", 400.0),
        ("street", 1500.0),
        ("district", 9000.0),
    ]
    found = judge_places(make_places(*levels), city.territory.judge, make_constants())
    assert found["street_code"].notna().tolist() == [True, True, True, True, True, False]
    assert found["cell_code"].notna().tolist() == [True, True, False, False, False, False]
    assert found["district_code"].notna().all()
    assert found["confidence"].iloc[4] >= 0.95, "the address names the street"
    assert found["confidence"].isna().iloc[5]
    doubtful = make_places(*levels).assign(score=0.8)
    unsure = judge_places(doubtful, city.territory.judge, make_constants())
    assert unsure["confidence"].iloc[4] < 0.9, "the name may be short for something else"


def test_each_address_is_placed_once(city):
    asked: list[list[str]] = []

    def locate(addresses: pd.Series) -> pd.DataFrame:
        asked.append(addresses.tolist())
        return city.geocoder.locate(addresses)

    appeals = make_appeals(
        *[{"address": a} for a in ("长安大厦", "和平小区", "长安大厦")], {**INSIDE, "address": "?"}
    )
    places = find_places(appeals, locate, make_constants())
    assert asked == [["长安大厦", "和平小区"]]
    assert places["lon"].round(3).tolist() == [116.425, 116.405, 116.425, 116.405]


def test_orders_can_be_judged_again_from_what_is_stored(city, tmp_path: Path):
    orders = run(
        city, {"item_code": "111", **INSIDE}, {"address": "长安大厦", "item_code": "112"}
    ).orders
    orders.to_parquet(tmp_path / "orders.parquet")
    stored = pd.read_parquet(tmp_path / "orders.parquet")
    assert city.catalogue is not None
    again = dispatch(stored[[*LOCATED_COLUMNS, "item_confidence"]], city.make_book(city.catalogue))
    pd.testing.assert_frame_equal(again, stored[list(again.columns)])
    due = make_deadlines(
        stored["received_at"], stored["grade"], city.settings.grades, calendar=city.calendar
    )
    pd.testing.assert_frame_equal(due, stored[list(due.columns)])
