"""Names as people write them, in a made-up city: parts of other names, numerals, other provinces, crossings."""

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.gazetteer import GazetteerSource
from geodata.gazetteer.other_names import spell_numerals, vary_numerals, vary_way
from geodata.geocoder import Geocoder, make_gazetteer

LON, LAT = 114.05, 22.55
M_LON, M_LAT = 1 / 102_900, 1 / 110_750
DISTRICTS = {"金沙区": (-3000, -3000, 3000, 3000), "宝林区": (3000, -3000, 9000, 3000)}
STREETS = {
    "金沙街道": (-3000, 0, 0, 3000),
    "莲湖街道": (0, 0, 3000, 3000),
    "平桥街道": (-3000, -3000, 3000, 0),
    "宝林街道": (3000, -3000, 9000, 3000),
}
ROADS = {
    "云岭大街": [(0, 1000), (2800, 1000)],
    "东兴九条": [(200, 2000), (900, 2000)],
    "纬2路": [(-2800, 500), (-800, 500)],
    "宣化门西河岸街": [(300, 300), (1500, 300)],
    "宣化门南小街": [(2000, 100), (2000, 1400)],
    "石井胡同": [(5000, 500), (5600, 500)],
    "黄花桥街": [(-2500, -1500), (-1500, -1500)],
    "平桥大街": [(-500, -2500), (-500, -300)],
}
PLACES = {"北望桥": (1300, 1010), "青松公园": (2700, 1100), "红叶公寓": (-2000, 2000)}


def point(x: float, y: float) -> tuple[float, float]:
    return LON + x * M_LON, LAT + y * M_LAT


def box(area: tuple[float, float, float, float]) -> shapely.Geometry:
    return shapely.box(*point(*area[:2]), *point(*area[2:]))


def make_sources(*, districts: bool = True) -> list[GazetteerSource]:
    frames = {
        "street": [(name, box(area)) for name, area in STREETS.items()],
        "road": [(n, shapely.LineString([point(*p) for p in line])) for n, line in ROADS.items()],
        "place": [(name, shapely.Point(point(*at))) for name, at in PLACES.items()],
    }
    if districts:
        frames["district"] = [(name, box(area)) for name, area in DISTRICTS.items()]
    return [
        GazetteerSource(
            frame=pd.DataFrame(rows, columns=["name", "geometry"]), kind=kind, name=kind
        )
        for kind, rows in frames.items()
    ]


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    return Geocoder(make_gazetteer(make_sources(), city="深圳市"))


@pytest.fixture(scope="module")
def bare() -> Geocoder:
    """A city whose districts nobody told us of."""
    return Geocoder(make_gazetteer(make_sources(districts=False), city="深圳市"))


def ask(geocoder: Geocoder, text: str) -> pd.Series:
    return geocoder.locate(pd.Series([text], dtype="str")).iloc[0]


def measure(row: pd.Series, x: float, y: float) -> float:
    lon, lat = point(x, y)
    return float(np.hypot((row["lon"] - lon) / M_LON, (row["lat"] - lat) / M_LAT))


def test_numerals_are_one_number_however_written(geocoder: Geocoder) -> None:
    for one, other in (
        ("莲湖街道东兴九条22号", "莲湖街道东兴9条22号"),
        ("金沙街道纬2路18号", "金沙街道纬二路18号"),
        ("东兴九条", "东兴9条"),
    ):
        a, b = ask(geocoder, one), ask(geocoder, other)
        assert (a["lon"], a["lat"], a["uncertainty_m"]) == (b["lon"], b["lat"], b["uncertainty_m"])
        assert a["place_level"] in ("number", "road")
        assert measure(a, a["lon"], 0) > 0  # placed


def test_ordinals_of_names() -> None:
    assert "东兴9条" in vary_numerals("东兴九条")
    assert {"东四10条", "东40条"} <= set(vary_numerals("东四十条"))
    assert vary_numerals("纬2路") == ["纬二路"]
    assert vary_numerals("二十里铺路") == ["20里铺路", "二10里铺路"]
    assert vary_numerals("三元桥") == []
    assert spell_numerals("东四12条") == "东四十二条"


def test_roads_by_other_endings_and_without_their_gate(geocoder: Geocoder) -> None:
    for text, where in (
        ("平桥街道黄花桥胡同", (-2000, -1500)),
        ("莲湖街道西河岸街", (900, 300)),
        ("莲湖街道宣化门内南小街", (2000, 750)),
    ):
        row = ask(geocoder, text)
        assert measure(row, *where) < 60, text
        assert row["score"] < 1, f"{text} is not the name of anything that is known"
    assert "东滨河路" in vary_way("安定门东滨河路")
    assert "外大街" not in vary_way("东直门外大街")


def test_another_road_in_the_name_is_not_that_road(geocoder: Geocoder) -> None:
    row = ask(geocoder, "金沙区小石井胡同12号")
    assert row["place_level"] != "number"
    assert measure(row, 5300, 500) > 1000 or row["score"] < 1


@pytest.mark.parametrize(
    "text",
    [
        "广东省深圳市莲湖街道云岭大街20号",
        "广东省金沙区云岭大街20号",
        "广东深圳金沙区云岭大街20号",
        "四川酒楼，金沙区云岭大街20号",
        "山东宾馆旁，深圳市金沙区云岭大街20号",
        "北京市某公司在深圳市金沙区云岭大街20号施工",
        "深圳市区金沙区云岭大街20号",
    ],
)
def test_here_though_another_place_is_named(geocoder: Geocoder, text: str) -> None:
    row = ask(geocoder, text)
    assert row["place_level"] == "number", row["place_problem"]
    assert measure(row, 1400, 1000) < 1500


@pytest.mark.parametrize(
    "text",
    [
        "河北省廊坊市深圳路11号",
        "广东省东莞市云岭大街20号",
        "长春市金沙区云岭大街20号",
        "四川省成都市云岭大街20号",
    ],
)
def test_elsewhere_though_a_name_of_ours_follows(geocoder: Geocoder, text: str) -> None:
    assert ask(geocoder, text)["place_problem"] == "the address names another city or province"


@pytest.mark.parametrize("text", ["云岭大街跟平桥大街路口", "纬2路与平桥大街交叉口"])
def test_roads_that_do_not_cross_make_no_crossing(geocoder: Geocoder, text: str) -> None:
    assert ask(geocoder, text)["place_level"] != "intersection"


def test_a_road_and_a_place_on_it_are_one_crossing(geocoder: Geocoder) -> None:
    row = ask(geocoder, "云岭大街跟北望桥路口")
    assert row["place_level"] == "intersection"
    assert measure(row, 1300, 1000) < 60
    crossing = ask(geocoder, "云岭大街和宣化门南小街路口")
    assert crossing["place_level"] == "intersection"
    assert measure(crossing, 2000, 1000) < 60
    assert crossing["uncertainty_m"] < 200


def test_a_district_is_never_the_street_of_its_name(bare: Geocoder) -> None:
    for text in (
        "深圳市金沙区莲湖街道",
        "广东省深圳市金沙区莲湖街道",
        "金沙区莲湖街道云岭大街",
    ):
        row = ask(bare, text)
        assert 0 < (row["lon"] - LON) / M_LON < 3000, text
        assert "莲湖街道" in row["matched"]
    alone = ask(bare, "深圳市金沙区")
    assert pd.isna(alone["lon"])
    assert ask(bare, "金沙街道")["score"] == 1


def test_an_area_said_for_short_is_never_certain(bare: Geocoder) -> None:
    row = ask(bare, "金沙")
    assert pd.isna(row["lon"]) or row["score"] < 0.85


def test_a_named_road_by_the_street_says_more_than_the_middle_of_the_street(
    geocoder: Geocoder,
) -> None:
    row = ask(geocoder, "金沙街道平桥大街")  # which begins 300 m south of it
    assert row["place_level"] == "road"


def test_points_that_many_roads_share_are_no_places() -> None:
    sources = make_sources()
    default = point(2500, -2500)
    asked = pd.DataFrame(
        [
            (f"平桥街道{road}胡同{n}号", *default)
            for road in ("甜水", "槐荫", "马道")
            for n in (3, 5)
        ]
        + [("平桥街道清泉胡同3号", *point(-1000, -1000))],
        columns=["address", "lon", "lat"],
    )
    own = GazetteerSource(frame=asked, kind="address", name="addresses")
    geocoder = Geocoder(make_gazetteer([*sources, own], city="深圳市"))
    assert ask(geocoder, "平桥街道槐荫胡同5号")["place_level"] == "street"
    assert measure(ask(geocoder, "平桥街道清泉胡同3号"), -1000, -1000) < 5


def test_districts_are_learnt_of_addresses_that_name_them() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"{name}幸福路{k}号", *point(*rng.uniform(area[:2], area[2:])))
        for name, area in DISTRICTS.items()
        for k in range(40)
    ]
    own = GazetteerSource(
        frame=pd.DataFrame(rows, columns=["address", "lon", "lat"]), kind="address", name="own"
    )
    geocoder = Geocoder(make_gazetteer([*make_sources(districts=False), own], city="深圳市"))
    row = ask(geocoder, "宝林区")
    assert row["place_level"] == "district"
    assert measure(row, 6000, 0) < 1500
