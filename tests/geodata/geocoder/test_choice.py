"""What the areas that an address names do to what else it names, in a city of two districts."""

import pandas as pd
import pytest
import shapely

from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Geocoder, make_gazetteer
from geodata.geocoder.alike import LEAST_ALIKE, LEAST_ALIKE_UNPROVED
from geodata.geocoder.calibrate import find_least_alike, get_default_calibration
from geodata.geocoder.evidence import Evidence

DISTRICTS = {
    "丰台区": shapely.box(116.0, 39.7, 116.2, 39.9),
    "海淀区": shapely.box(116.2, 39.7, 116.4, 39.9),
}
STREETS = {
    "丰台街道": shapely.box(116.15, 39.80, 116.18, 39.83),
    "五里店街道": shapely.box(116.10, 39.80, 116.13, 39.83),
    "海淀街道": shapely.box(116.30, 39.80, 116.33, 39.83),
}
PLACES = {
    "仁荷名苑": (116.32, 39.81),
    "荷莲小区": (116.12, 39.85),
    "竹园小区": (116.19, 39.72),
    "梅园小区": (116.202, 39.75),
    "松园小区": (116.212, 39.75),
}


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    places = pd.DataFrame(
        [(name, *point) for name, point in PLACES.items()], columns=["name", "lon", "lat"]
    )
    places["aliases"] = places["name"].map({"荷莲小区": "荷莲"}).fillna("")
    community = pd.DataFrame({"name": ["嘉园社区"], "lon": [116.11], "lat": [39.81]})
    sources = [
        GazetteerSource(
            frame=pd.DataFrame({"name": list(areas), "geometry": list(areas.values())}),
            kind=kind,
            name=kind,
        )
        for kind, areas in (("district", DISTRICTS), ("street", STREETS))
    ]
    sources.append(GazetteerSource(frame=places, kind="place", name="places"))
    sources.append(GazetteerSource(frame=community, kind="community", name="communities"))
    return Geocoder(make_gazetteer(sources, city="北京市"))


def ask(geocoder: Geocoder, text: str) -> pd.Series:
    return geocoder.locate(pd.Series([text])).iloc[0]


def test_a_namesake_far_outside_the_named_district_is_not_the_place(geocoder: Geocoder) -> None:
    row = ask(geocoder, "丰台区仁荷名苑14号楼")
    assert row["place_level"] == "district"
    assert DISTRICTS["丰台区"].contains(shapely.Point(row["lon"], row["lat"]))
    assert ask(geocoder, "海淀区仁荷名苑14号楼")["place_level"] == "place"


def test_a_namesake_far_outside_the_named_street_is_not_the_place(geocoder: Geocoder) -> None:
    assert ask(geocoder, "五里店街道竹园小区")["place_level"] == "street"


def test_who_errs_names_the_district_next_door(geocoder: Geocoder) -> None:
    row = ask(geocoder, "丰台区梅园小区3号楼")  # 170 m beyond the border
    assert (row["place_level"], row["lon"]) == ("place", pytest.approx(116.202, abs=1e-4))


def test_a_place_that_contradicts_the_named_district_is_doubted(geocoder: Geocoder) -> None:
    row, sure = (ask(geocoder, f"{district}松园小区3号楼") for district in ("丰台区", "海淀区"))
    assert (row["lon"], row["lat"]) == (sure["lon"], sure["lat"])
    assert row["place_level"] == sure["place_level"] == "place"
    assert row["score"] <= 0.5
    assert sure["score"] > 0.9
    named = DISTRICTS["丰台区"].centroid
    assert row["uncertainty_m"] > 85_000 * abs(named.x - row["lon"])  # m a degree at 39.8° north
    assert sure["uncertainty_m"] < 300
    near = ask(geocoder, "丰台区梅园小区3号楼")
    assert near["score"] > 0.9
    assert near["uncertainty_m"] < 300


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("北京丰台五里店南嘉小区", "丰台区 五里店街道"),
        ("丰台区丰台南嘉小区", "丰台区 丰台街道"),
        ("北京丰台南嘉小区", "丰台区"),
    ],
)
def test_a_bare_name_of_district_and_street_is_the_district_first(
    geocoder: Geocoder, text: str, matched: str
) -> None:
    assert ask(geocoder, text)["matched"] == matched


def test_an_alias_that_runs_on_is_another_name(geocoder: Geocoder) -> None:
    assert ask(geocoder, "荷莲5号楼")["uncertainty_m"] < 200
    assert ask(geocoder, "荷莲嘉园5号楼")["uncertainty_m"] > 200


def test_a_name_little_alike_says_nothing_where_nothing_shows_how_far_such_names_lie(
    geocoder: Geocoder,
) -> None:
    # 荷叶庭院 shares the sound of one character with 荷莲小区: this pack has no addresses to learn from.
    assert ask(geocoder, "丰台区荷叶庭院3号楼")["place_level"] == "district"
    assert ask(geocoder, "丰台区荷连小区3号楼")["place_level"] == "place"


def test_what_addresses_show_of_names_alike_is_believed() -> None:
    stretched = get_default_calibration() * 1.3
    assert find_least_alike(stretched) == LEAST_ALIKE_UNPROVED
    fitted = stretched.copy()
    fitted[Evidence.SIMILAR, :2] = 900.0, 4.0
    assert find_least_alike(fitted) == LEAST_ALIKE
