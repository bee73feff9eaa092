"""The true datum of points and of areas is found against a trusted outline."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.datum import Datum, convert, convert_geometry, guess_datum, guess_layer_datum
from geodata.datum.guess import CANDIDATES

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "beijing"
CITY = shapely.box(116.35, 39.85, 116.45, 39.95)


def _spread_points(count=4000):
    rng = np.random.default_rng(1)
    return rng.uniform(116.35, 116.45, count), rng.uniform(39.85, 39.95, count)


@pytest.mark.parametrize("true", CANDIDATES)
@pytest.mark.parametrize("declared", CANDIDATES)
def test_points_tell_their_datum(true, declared):
    lon, lat = convert(*_spread_points(), source="WGS84", target=true)
    guess = guess_datum(lon, lat, CITY)
    assert guess.best is true
    assert guess.shares[true] == pytest.approx(1.0, abs=0.01)
    assert guess.fits(declared) == (declared is true)
    if declared is not true:
        assert f"read as {declared}" in guess.explain(declared)
        assert f"read as {true}, 100.0%" in guess.explain(declared)


def test_cgcs2000_is_judged_as_wgs84():
    guess = guess_datum(*_spread_points(), CITY)
    assert guess.fits("CGCS2000")


def test_points_far_inside_tell_nothing_and_blame_nobody():
    lon, lat = np.full(100, 116.4), np.full(100, 39.9)
    guess = guess_datum(lon, lat, CITY)
    assert all(guess.fits(datum) for datum in Datum)


def test_a_handful_of_points_at_the_edge_is_no_proof():
    # Three of 2,003 points lie just outside as WGS84 and inside as GCJ-02.
    lon, lat = np.full(2003, 116.4), np.full(2003, 39.9)
    lon[:3] = 116.4505
    guess = guess_datum(lon, lat, CITY)
    assert guess.shares[Datum.GCJ02] > guess.shares[Datum.WGS84]
    assert guess.fits("WGS84")


def test_swapped_axes_are_named():
    lon, lat = _spread_points()
    assert "longitude exchanged 100.0%" in guess_datum(lat, lon, CITY).explain("WGS84")


def test_points_elsewhere_fit_nothing():
    guess = guess_datum([2.35] * 50, [48.86] * 50, CITY)
    assert "no known datum fits better" in guess.explain("WGS84")


def test_no_points_no_complaint():
    assert guess_datum([np.nan], [39.9], CITY).fits("WGS84")


def test_areas_tell_their_datum_against_districts():
    districts = [shapely.box(116.3, 39.8, 116.4, 39.9), shapely.box(116.4, 39.8, 116.5, 39.9)]
    cells = [shapely.box(116.3 + i * 0.02, 39.8, 116.32 + i * 0.02, 39.9) for i in range(5)]
    for true in CANDIDATES:
        areas = convert_geometry(cells, source="WGS84", target=true)
        guess = guess_layer_datum(areas, districts)
        assert guess.best is true
        assert guess.shares[true] > 0.999
        assert [guess.fits(d) for d in CANDIDATES] == [d is true for d in CANDIDATES]


@pytest.mark.real
def test_real_streets_against_real_districts():
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    streets = gpd.read_file(DATA / "dongcheng_streets_gcj02.geojson").geometry.to_numpy()
    districts = gpd.read_file(DATA / "districts_gcj02.geojson").geometry.to_numpy()
    trusted = convert_geometry(districts, source="GCJ-02", target="WGS84")
    guess = guess_layer_datum(streets, trusted)
    assert guess.best is Datum.GCJ02
    assert "read as GCJ-02, 98.5% would" in guess.explain("WGS84")
