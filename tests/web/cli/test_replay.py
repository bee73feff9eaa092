"""``gridgov replay`` as a user calls it: the same answer for the same day, and what another day would change."""

import json

import pandas as pd
import pytest
import shapely

from tests.gridgov.packs import TOML, make_squares, write_layer, write_pack

HEADER = "item_code,level,parent_code,name,guidance,kind,grade,lead,helpers,scene_code,route,tags"
CATALOGUE = f"""{HEADER},valid_from,valid_to
1,1,,市容,,,,,,,,,,
11,2,1,环境,,,,,,,,,,
111,3,11,占道经营,,,24h,@street,D01,,,,,
112,3,11,水管爆裂,,,2h,E01,@street,S1,,,,2024-06-30
112,3,11,水管爆裂,,,24h,D01,@street,S1,,,2024-07-01,
113,3,11,无主线缆,,,7d,,,S1,,,,
"""
DUTIES = """duty_code,scene_code,scene_name,name,unit,role,days,valid_from,valid_to
D1,S1,爆管,关阀,E01,lead,0.5,,
D2,S1,爆管,围挡,D01,helper,1,2024-07-01,
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replay")


@pytest.fixture
def orders(folder, gridgov, monkeypatch):
    """Return the orders of four appeals: three in force by different days, one near a border."""
    monkeypatch.setenv("GRIDGOV_CACHE", str(folder / "cache"))
    out = folder / "out" / "orders.parquet"
    if not out.exists():
        city = write_pack(folder / "city", TOML, catalogue=CATALOGUE, duties=DUTIES)
        rows = [
            ("A1", "2024-05-06 10:00", "112", 116.405, 39.905),
            ("A2", "2024-08-05 10:00", "112", 116.405, 39.905),
            ("A3", "2024-05-06 10:00", "113", 116.405, 39.905),
            ("A4", "2024-08-05 10:00", "111", 116.4195, 39.905),
        ]
        table = pd.DataFrame(rows, columns=["编号", "受理时间", "事项", "经度", "纬度"])
        table.assign(内容="反映问题", 地址="").to_csv(folder / "appeals.csv", index=False)
        code, _, err = gridgov("run", city, folder / "appeals.csv", "--out", out.parent)
        assert code == 0, err
    return out


def test_the_same_day_gives_the_same_answer(folder, orders, gridgov):
    code, out, err = gridgov("replay", folder / "city", orders, "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert (facts["orders"], facts["same"], facts["differing"]) == (4, 4, [])
    first = pd.read_parquet(orders).set_index("appeal_no")
    assert first.loc["A1", "unit_code"] == "E01"
    assert first.loc["A2", "unit_code"] == "D01"
    assert first.loc["A3", "route"] == "first_receiver"


def test_another_day_takes_catalogue_and_duties_of_that_day(folder, orders, gridgov):
    out_file = folder / "replayed.csv"
    words = ("replay", folder / "city", orders, "--on", "2024-08-01", "--out", out_file)
    code, out, err = gridgov(*words, "--json")
    assert (code, err) == (0, "")
    found = {row["order_no"]: row for row in json.loads(out)["differing"]}
    assert set(found) == {"A1-1", "A3-1"}
    assert found["A1-1"]["differs"] == "unit_code;route;grade;contact_by;due_at"
    assert (found["A1-1"]["unit_code_then"], found["A1-1"]["unit_code"]) == ("E01", "D01")
    assert (found["A3-1"]["route_then"], found["A3-1"]["route"]) == ("first_receiver", "whistle")
    assert len(pd.read_csv(out_file)) == 4
    code, out, _ = gridgov(*words)
    assert "2 of 4 orders get the same answer." in out
    assert "A3-1: route first_receiver → whistle" in out


def test_boundaries_of_the_day_judge_the_street(folder, orders, gridgov, tmp_path):
    store = tmp_path / "store"
    for version, shift, day in (("2020", 0.0, "2020-01-01"), ("2024", -0.002, "2024-07-01")):
        layer = tmp_path / f"{version}"
        layer.mkdir()
        squares = make_squares()
        for feature in squares["features"]:
            west, south, east, north = shapely.geometry.shape(feature["geometry"]).bounds
            west, east = (x + shift if abs(x - 116.42) < 1e-9 else x for x in (west, east))
            feature["geometry"] = shapely.box(west, south, east, north).__geo_interface__
        write_layer(layer, squares)
        words = ("--key", "code", "--version", version, "--metric-crs", "EPSG:4548")
        code, _, err = gridgov("versions", "load", store, layer / "streets.geojson", *words)
        assert code == 0, err
        code, _, err = gridgov("versions", "activate", store, version, "--from", day)
        assert code == 0, err
    code, out, err = gridgov("replay", folder / "city", orders, "--store", store, "--json")
    assert (code, err) == (0, "")
    found = {row["order_no"]: row for row in json.loads(out)["differing"]}
    assert set(found) == {"A4-1"}
    assert (found["A4-1"]["street_code_then"], found["A4-1"]["street_code"]) == (
        "110101001",
        "110102001",
    )
    assert found["A4-1"]["unit_code"] == "110102001"
    assert found["A4-1"]["boundary_version"] == "2024"
    words = ("--store", store, "--on", "2024-06-30", "--json")
    code, out, _ = gridgov("replay", folder / "city", orders, *words)
    assert "A4-1" not in {row["order_no"] for row in json.loads(out)["differing"]}
    code, out, _ = gridgov(
        "replay", folder / "city", orders, "--store", store, "--on", "2019-06-30"
    )
    assert "4 orders are of days without boundaries in the store; they keep their streets." in out


def test_boundaries_with_other_columns_are_refused(folder, orders, gridgov, tmp_path):
    squares = make_squares()
    for feature in squares["features"]:
        feature["properties"] = {"id": feature["properties"]["code"]}
    write_layer(tmp_path, squares)
    store = tmp_path / "store"
    words = ("--key", "id", "--version", "v1", "--metric-crs", "EPSG:4548")
    gridgov("versions", "load", store, tmp_path / "streets.geojson", *words)
    gridgov("versions", "activate", store, "v1", "--from", "2020-01-01")
    code, _, err = gridgov("replay", folder / "city", orders, "--store", store)
    assert code == 2
    assert "expected 'code', the code of [layers.streets]" in err


def test_a_file_without_orders_is_refused(folder, orders, gridgov):
    assert orders.exists()
    code, _, err = gridgov("replay", folder / "city", folder / "appeals.csv")
    assert code == 2
    assert "order_no · this column is missing" in err
