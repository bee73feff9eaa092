"""Addresses of a toy town, whose truth is known, and of a real city by folds."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import convert, convert_geometry
from geodata.frames import PLACE_COLUMNS
from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Geocoder, make_corrections, make_gazetteer
from tests.geodata import toy_town

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "beijing"


@pytest.fixture(scope="module")
def geocoder():
    gazetteer = make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT, city="北京市")
    return Geocoder(gazetteer, extent=toy_town.EXTENT)


def ask(geocoder, text):
    return geocoder.locate(pd.Series([text], dtype=object)).iloc[0]


def measure(row, point):
    x, y = toy_town.PLANE.to_plane(row["lon"], row["lat"])
    return float(np.hypot(x - point[0], y - point[1]))


@pytest.mark.parametrize("road", list(toy_town.ROADS))
@pytest.mark.parametrize("number", [5, 38, 111])
def test_numbers_known_or_between(geocoder, road, number):
    row = ask(geocoder, f"城关区{road}{number}号")
    assert row["place_level"] == "number"
    assert measure(row, toy_town.find_number(road, number)) < 35
    assert row["uncertainty_m"] < 120
    assert row["matched"].endswith(f"{road} {number}号")


SAME_PLACE = [
    "城关区西门街道平安里胡同50号",
    "北京市城关区西门街道平安里胡同50号院3号楼2单元501室",
    "平安里胡同５０号",
    "平安里胡同五十号",
    "平安裡胡同50號",
    "城关 平安里胡同50号",
    "您好，我反映一下，西门街道平安里胡同50号旁边有人乱停车，请处理",
    "平安里胡同甲50号",
    "平安里胡同48-52号",
]


@pytest.mark.parametrize("text", SAME_PLACE)
def test_many_ways_to_say_one_place(geocoder, text):
    row = ask(geocoder, text)
    assert row["place_level"] == "number"
    assert measure(row, toy_town.find_number("平安里胡同", 50)) < 60


def test_homophones_and_typos_find_the_name(geocoder):
    for text in ("平安理胡同50号", "平按里胡同50号"):
        row = ask(geocoder, text)
        assert measure(row, toy_town.find_number("平安里胡同", 50)) < 60, text
        assert row["place_level"] == "number"
        assert row["uncertainty_m"] < 120


def test_what_sounds_like_a_longer_name_is_not_the_known_name_in_it():
    row = ask(make_more(("平安", 2500, 900)), "平安理胡同50号")
    assert measure(row, toy_town.find_number("平安里胡同", 50)) < 60


def test_short_form_of_a_gate_road(geocoder):
    row = ask(geocoder, "安外大街100号")
    assert measure(row, toy_town.find_number("安定门外大街", 100)) < 40


@pytest.mark.parametrize(
    "text", ["中轴大街与丰收路交叉口", "丰收路和中轴大街路口", "中轴大街丰收路交叉口"]
)
def test_intersections(geocoder, text):
    row = ask(geocoder, text)
    assert row["place_level"] == "intersection"
    assert measure(row, (700, -500)) < 30


def test_places_and_beside_them(geocoder):
    x, y = toy_town.PLACES["人民医院"]
    at, east, near = (ask(geocoder, f"人民医院{word}") for word in ("", "东侧", "附近"))
    assert measure(at, (x, y)) < 1
    assert toy_town.PLANE.to_plane(east["lon"], east["lat"])[0] > x + 20
    assert near["uncertainty_m"] > at["uncertainty_m"]
    assert near["place_level"] == "place"


def test_ends_of_a_road(geocoder):
    assert measure(ask(geocoder, "长安胡同西口"), (100, 500)) < 40
    assert measure(ask(geocoder, "长安胡同东口"), (1500, 500)) < 40


def test_named_areas_when_nothing_else_is_said(geocoder):
    street, district = ask(geocoder, "城关区东门街道"), ask(geocoder, "城关区")
    assert (street["place_level"], district["place_level"]) == ("street", "district")
    assert measure(street, (1000, 0)) < 100
    assert 1500 < street["uncertainty_m"] < district["uncertainty_m"]


def test_the_named_street_is_evidence_not_law(geocoder):
    wrong = ask(
        geocoder, "西门街道长安胡同33号"
    )  # the road lies a kilometre inside the other street
    assert measure(wrong, toy_town.find_number("长安胡同", 33)) < 35


def test_a_district_that_nobody_told_us_of_changes_nothing(geocoder):
    for text in ("朝阳区长安胡同33号", "北京市门头沟区长安胡同33号"):
        row = ask(geocoder, text)
        assert row["place_level"] == "number"
        assert measure(row, toy_town.find_number("长安胡同", 33)) < 35


def test_one_more_character_is_another_name(geocoder):
    short = ask(geocoder, "花园8号楼")  # 花园小区, as people call it
    assert (short["place_level"], short["uncertainty_m"] < 200) == ("place", True)
    for text in ("花园苑8号楼", "北花园8号楼"):
        other = ask(geocoder, text)
        assert other["uncertainty_m"] > 2 * short["uncertainty_m"], text


def make_more(*places, kind="place"):
    frame = pd.DataFrame(places, columns=["name", "x", "y"])
    lon, lat = toy_town.to_degrees(frame["x"], frame["y"])
    more = GazetteerSource(frame=frame.assign(lon=lon, lat=lat), kind=kind, name="more")
    sources = [*toy_town.make_sources(), more]
    return Geocoder(make_gazetteer(sources, extent=toy_town.EXTENT, city="北京市"))


def test_the_word_between_two_roads_stays_a_word():
    row = ask(make_more(("和丰收", 0, 0)), "中轴大街和丰收路交叉口")
    assert row["place_level"] == "intersection"
    assert measure(row, (700, -500)) < 30


def test_an_area_is_looked_for_in_the_larger_one_named():
    villages = make_more(("半店村委会", 500, 500), ("半店村委会", -7_000, 500), kind="community")
    assert measure(ask(villages, "城关区半店村"), (500, 500)) < 30
    assert ask(villages, "半店村")["uncertainty_m"] > 5_000


def test_an_area_is_called_by_its_own_ending_first():
    both = make_more(("西营社区居委会", 500, 500), ("西营村委会", -900, -900), kind="community")
    assert measure(ask(both, "城关区西营村"), (-900, -900)) < 30
    assert measure(ask(both, "城关区西营社区"), (500, 500)) < 30
    one = make_more(("西营社区居委会", 500, 500), kind="community")
    assert measure(ask(one, "城关区西营村"), (500, 500)) < 30


def test_a_compound_with_a_building_is_not_the_lane_of_its_name():
    x, y = -1_500, -1_500
    row = ask(make_more(("长安胡同", x, y)), "西门街道长安胡同6栋")
    assert measure(row, (x, y)) < 30
    assert (
        measure(
            ask(make_more(("长安胡同", x, y)), "长安胡同33号"), toy_town.find_number("长安胡同", 33)
        )
        < 35
    )


BAD = {
    "": "no text",
    " ": "no text",
    "😀🚀": "no text",
    "\x00\x07\x1b": "no text",
    "路": "single character",
    "12345678901": "only digits",
    "１２３": "only digits",
    "东" * 10_000: "longer than",
    "a" * 10_000: "longer than",
    "'; DROP TABLE orders; --": "no road",
    "<script>alert('x')</script>": "no road",
    "上海市浦东新区长安胡同33号": "another city",
    "河北省保定市长安胡同33号": "another city",
    "天津和平区长安胡同33号": "another city",
    "不知道在哪儿": "no road",
    "\ud800": "single character",
}


@pytest.mark.parametrize(("text", "says"), BAD.items(), ids=range(len(BAD)))
def test_bad_input_is_unlocated_with_a_reason(geocoder, text, says):
    row = ask(geocoder, text)
    assert says in row["place_problem"]
    assert row[["lon", "lat", "uncertainty_m"]].isna().all()
    assert row[["place_level", "matched"]].isna().all()


def test_index_and_missing_values_survive(geocoder):
    asked = pd.Series(
        ["花园小区", None, np.nan, 5, ["x"], "花园小区"], index=list("fbacde"), dtype=object
    )
    found = geocoder.locate(asked)
    assert list(found.columns) == list(PLACE_COLUMNS)
    assert found.index.equals(asked.index)
    assert found["lon"].notna().tolist() == [True, False, False, False, False, True]
    assert found["place_problem"].notna().tolist() == [False, True, True, True, True, False]


def test_equal_addresses_get_equal_answers_in_any_company(geocoder):
    rng = np.random.default_rng(0)
    texts = [*SAME_PLACE, *BAD, *toy_town.PLACES, "无名路5号", "长安胡同33号"]
    alone = pd.concat([geocoder.locate(pd.Series([text], dtype=object)) for text in texts])
    order = rng.permutation(len(texts))
    together = geocoder.locate(pd.Series(texts, dtype=object).iloc[order])
    pd.testing.assert_frame_equal(
        together.sort_index(), alone.set_axis(range(len(texts))), check_dtype=False
    )


def test_one_address_without_a_frame_is_answered_as_in_one(geocoder):
    fixed = make_corrections()
    values = (
        1,
        "花园小区",
        116.5,
        39.95,
        "pin",
        "u7",
        pd.Timestamp("2024-03-01", tz="UTC"),
        None,
        None,
    )
    row = pd.DataFrame([dict(zip(fixed.columns, values, strict=True))]).astype(fixed.dtypes)
    corrected = Geocoder(geocoder.gazetteer, extent=toy_town.EXTENT, corrections=row)
    half = Geocoder(geocoder.gazetteer, extent=toy_town.make_box(-2000, -2000, 0, 2000))
    texts = [
        *SAME_PLACE,
        *BAD,
        *toy_town.PLACES,
        "无名路5号",
        "长安胡同33号",
        "花园小区",
        "x" * 1500,
    ]
    for one in (geocoder, corrected, half):
        found = one.locate(pd.Series(texts, dtype=object))
        plain = found.astype(object).where(found.notna(), None).to_dict("records")
        assert [one.locate_one(text) for text in texts] == plain
    assert corrected.locate_one("花园小区")["lon"] == pytest.approx(116.5)


def test_nothing_outside_the_extent(geocoder):
    half = Geocoder(geocoder.gazetteer, extent=toy_town.make_box(-2000, -2000, 0, 2000))
    row = ask(half, "长安胡同35号")
    assert "outside the city" in row["place_problem"]
    assert np.isnan(row["lon"])


def test_two_roads_of_one_name_are_ambiguous_until_the_street_is_said():
    twin = pd.DataFrame({"name": ["幸福里"] * 2, "lon": [116.39, 116.41], "lat": [39.9, 39.9]})
    sources = [*toy_town.make_sources(), GazetteerSource(frame=twin, kind="place", name="twins")]
    geocoder = Geocoder(make_gazetteer(sources, extent=toy_town.EXTENT))
    either = ask(geocoder, "幸福里3号楼")
    assert either["score"] < 0.6
    x, _ = toy_town.PLANE.to_plane(np.array([116.39, 116.41]), np.array([39.9, 39.9]))
    # The circle holds the other one too, with what is not known of it.
    assert either["uncertainty_m"] > x[1] - x[0] + 40
    candidates = geocoder.find_candidates(pd.Series(["幸福里3号楼"], index=["a"]))
    assert candidates.index.tolist() == ["a", "a"]
    assert sorted(candidates["lon"].round(2)) == [116.39, 116.41]
    sure = ask(geocoder, "东门街道幸福里3号楼")
    assert (round(sure["lon"], 2), sure["uncertainty_m"] < 200) == (116.41, True)


def test_explain_tells_parts_candidates_and_why(geocoder):
    told = geocoder.explain("西门街道平安里胡同 50号旁")
    assert [part["text"] for part in told["parts"]] == ["西门街道", "平安里胡同", "50号", "旁"]
    assert all("西门街道平安里胡同 50号旁"[slice(*p["span"])] == p["text"] for p in told["parts"])
    assert told["candidates"][0]["matched"] == "平安里胡同 50号"
    assert [one["rank"] for one in told["candidates"]] == list(range(len(told["candidates"])))
    assert "平安里胡同 50号" in told["why"]
    assert "another city" in geocoder.explain("上海市长安胡同3号")["why"]


def test_circles_hold_nine_in_ten_of_what_was_kept_out():
    geocoder = Geocoder(make_gazetteer(toy_town.make_sources(every=8), extent=toy_town.EXTENT))
    rows = [(road, number) for road in toy_town.ROADS for number in range(2, 170, 3)]
    found = geocoder.locate(pd.Series([f"{road}{number}号" for road, number in rows]))
    truth = np.array([toy_town.find_number(*row) for row in rows])
    x, y = toy_town.PLANE.to_plane(found["lon"], found["lat"])
    error = np.hypot(x - truth[:, 0], y - truth[:, 1])
    assert (error <= found["uncertainty_m"]).mean() > 0.87
    assert found["uncertainty_m"].median() < 60


def read_real():
    addresses = pd.read_csv(DATA / "addresses.csv")
    lon, lat = convert(
        addresses["lon_gcj02"], addresses["lat_gcj02"], source="GCJ-02", target="WGS84"
    )
    return addresses.assign(lon=lon, lat=lat)


def read_layer(name):
    layer = gpd.read_file(DATA / name)
    geometry = convert_geometry(layer.geometry.values, source="GCJ-02", target="WGS84")
    return pd.DataFrame({"name": layer["name"], "geometry": geometry})


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data folder is not beside the checkout")
def test_real_addresses_by_folds():
    addresses, streets = read_real(), read_layer("dongcheng_streets_gcj02.geojson")
    districts, roads = read_layer("districts_gcj02.geojson"), read_layer("roads_gcj02.geojson")
    number, keys = pd.factorize(addresses["address"])
    fold = (np.random.default_rng(1).permutation(len(keys)) % 5)[number]
    kept, asked = addresses[fold != 0], addresses[fold == 0].drop_duplicates("address")
    columns = ["name", "address", "lon", "lat"]
    sources = [
        GazetteerSource(frame=districts, kind="district", name="districts"),
        GazetteerSource(frame=streets, kind="street", name="streets"),
        GazetteerSource(frame=roads[roads["name"].fillna("") != ""], kind="road", name="roads"),
        GazetteerSource(frame=kept[columns], kind="address", name="addresses"),
    ]
    extent = shapely.union_all(districts["geometry"].to_numpy())
    found = Geocoder(make_gazetteer(sources, extent=extent), extent=extent).locate(asked["address"])
    x = (found["lon"] - asked["lon"]) * 85_400
    error = np.hypot(x, (found["lat"] - asked["lat"]) * 111_000)
    dongcheng = asked["street_by_polygon"].notna()
    shares = [(error[dongcheng] < limit).mean() for limit in (100, 250, 500)]
    # One fold of about 130 addresses: five points below what benchmarks/geocoder.py measures on all.
    assert shares[0] > 0.35
    assert shares[1] > 0.65
    assert shares[2] > 0.80
    assert 0.80 < (error <= found["uncertainty_m"]).mean() < 0.97
