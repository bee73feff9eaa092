"""Datums: known pairs, round trips to a millimetre, identity outside the box, shared vertices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geodata.datum import Datum, convert, convert_geometry, parse_datum
from geodata.errors import GeodataError

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "beijing"
METRES = 111_320.0
OFFSET = [Datum.GCJ02, Datum.BD09]

# Well inside the box: within a kilometre of its edge a shifted point can leave it.
inner_lon = st.floats(72.1, 137.7)
inner_lat = st.floats(0.9, 55.7)


@pytest.mark.parametrize(
    ("text", "datum"),
    [
        ("wgs84", Datum.WGS84),
        ("EPSG:4326", Datum.WGS84),
        ("epsg:4490", Datum.CGCS2000),
        ("cgcs 2000", Datum.CGCS2000),
        ("gcj02", Datum.GCJ02),
        ("GCJ_02", Datum.GCJ02),
        ("bd-09", Datum.BD09),
        ("BD09LL", Datum.BD09),
        *((str(datum), datum) for datum in Datum),
    ],
)
def test_parse_takes_usual_spellings(text, datum):
    assert parse_datum(text) is datum


def test_parse_names_what_was_found_and_wanted():
    with pytest.raises(GeodataError, match=r"'NAD27'.*WGS84, CGCS2000, GCJ-02, BD-09"):
        parse_datum("NAD27")


@pytest.mark.real
def test_known_pairs_agree_within_a_decimetre():
    path = DATA / "wgs84_gcj02_pairs.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    pairs = pd.read_csv(path)
    lon, lat = convert(pairs["lon_wgs84"], pairs["lat_wgs84"], source="WGS84", target="GCJ-02")
    east = (lon - pairs["lng_gcj02"]) * METRES * np.cos(np.radians(lat))
    north = (lat - pairs["lat_gcj02"]) * METRES
    assert np.hypot(east, north).max() < 0.1
    back = convert(pairs["lng_gcj02"], pairs["lat_gcj02"], source="GCJ-02", target="WGS84")
    assert np.abs(back[0] - pairs["lon_wgs84"]).max() * METRES < 0.1


def test_published_point_of_tiananmen():
    # Widely published values of the three systems for one point in Beijing (116.404, 39.915).
    assert np.allclose(
        convert(116.404, 39.915, source="BD-09", target="GCJ-02"),
        (116.39762729119315, 39.90865673957631),
        atol=1e-6,  # the published inverse is an approximation of 0.1 m
    )
    assert np.allclose(
        convert(116.404, 39.915, source="GCJ-02", target="BD-09"),
        (116.41036949371029, 39.92133699351021),
        atol=1e-9,
    )
    assert np.allclose(
        convert(116.404, 39.915, source="WGS84", target="GCJ-02"),
        (116.41024449916938, 39.91640428150164),
        atol=1e-9,
    )


@pytest.mark.parametrize("target", OFFSET)
@pytest.mark.parametrize("source", [Datum.WGS84, Datum.CGCS2000, *OFFSET])
@given(lon=inner_lon, lat=inner_lat)
def test_round_trip_is_exact_to_a_millimetre(source, target, lon, lat):
    there = convert(lon, lat, source=source, target=target)
    back = convert(*there, source=target, target=source)
    assert np.hypot(back[0] - lon, back[1] - lat) * METRES < 0.001


@given(lon=inner_lon, lat=inner_lat)
def test_steps_compose(lon, lat):
    direct = convert(lon, lat, source="WGS84", target="BD-09")
    stepwise = convert(
        *convert(lon, lat, source="WGS84", target="GCJ-02"), source="GCJ-02", target="BD-09"
    )
    assert np.allclose(direct, stepwise, rtol=0, atol=1e-12)


def test_offset_has_the_known_size_in_cities():
    lon, lat = (
        np.array([116.4, 121.47, 113.26, 104.07, 87.6]),
        np.array([39.9, 31.23, 23.13, 30.67, 43.8]),
    )
    moved = convert(lon, lat, source="WGS84", target="GCJ-02")
    metres = np.hypot((moved[0] - lon) * np.cos(np.radians(lat)), moved[1] - lat) * METRES
    assert (metres > 250).all()
    assert (metres < 750).all()


@pytest.mark.parametrize("target", OFFSET)
def test_outside_the_box_nothing_moves(target):
    lon, lat = np.array([-71.06, 2.35, 151.2, 116.0]), np.array([42.36, 48.86, -33.87, 60.0])
    for pair in ({"source": "WGS84", "target": target}, {"source": target, "target": "WGS84"}):
        moved = convert(lon, lat, **pair)
        assert np.array_equal(moved[0], lon)
        assert np.array_equal(moved[1], lat)


def test_cgcs2000_equals_wgs84():
    assert convert(116.4, 39.9, source="CGCS2000", target="WGS84") == (116.4, 39.9)


def test_missing_and_impossible_values_pass():
    lon = np.array([np.nan, np.inf, 1e308, 116.4])
    lat = np.array([39.9, 39.9, -1e308, np.nan])
    moved = convert(lon, lat, source="GCJ-02", target="WGS84")
    assert np.array_equal(moved[0], lon, equal_nan=True)
    assert np.array_equal(moved[1], lat, equal_nan=True)


def test_input_is_not_changed_and_shape_is_kept():
    lon, lat = np.full((2, 3), 116.4), np.full((2, 3), 39.9)
    moved = convert(lon, lat, source="GCJ-02", target="WGS84")
    assert moved[0].shape == (2, 3)
    assert (lon == 116.4).all()
    with pytest.raises(GeodataError, match=r"\(2, 3\).*\(3,\)"):
        convert(lon, lat[0], source="GCJ-02", target="WGS84")


def test_shared_edges_stay_identical():
    rng = np.random.default_rng(5)
    xs = 116 + np.sort(rng.random(50)) / 100
    shared = np.column_stack([xs, 39.9 + rng.random(50) / 1000])
    upper = shapely.Polygon([*shared, (116.02, 40.0), (115.99, 40.0)])
    lower = shapely.Polygon([*shared[::-1], (115.99, 39.8), (116.02, 39.8)])
    before = np.array([upper, lower, None], dtype=object)
    after = convert_geometry(before, source="GCJ-02", target="WGS84")
    assert after[2] is None
    assert not upper.equals(after[0])
    points = [set(map(tuple, shapely.get_coordinates(g))) for g in after[:2]]
    assert len(points[0] & points[1]) == 50
    assert shapely.coverage_is_valid(after[:2]) == shapely.coverage_is_valid(before[:2])


def test_result_does_not_depend_on_the_place_in_the_array():
    lon, lat = np.full(1001, 116.4074), np.full(1001, 39.9042)
    moved = convert(lon, lat, source="BD-09", target="WGS84")
    assert np.unique(moved[0]).size == 1
    assert moved[0][0] == convert(116.4074, 39.9042, source="BD-09", target="WGS84")[0]
