"""Metres: distances agree with the ellipsoid, both ways round trip, wrong systems are refused."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from geodata.crs import STORAGE_CRS, check_metric_crs, from_metric, project, to_metric
from geodata.errors import GeodataError

BEIJING = "EPSG:4548"


def test_distances_are_those_on_the_ellipsoid():
    lon, lat = np.array([116.40, 116.41]), np.array([39.90, 39.91])
    x, y = to_metric(lon, lat, BEIJING)
    _, _, true_m = Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])
    assert np.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(true_m, rel=1e-4)
    assert x[1] > x[0]  # east is x, whatever the order of the authority
    assert y[1] > y[0]


def test_round_trip_and_missing_values():
    lon, lat = np.array([116.4, np.nan, 117.9]), np.array([39.9, 39.9, 41.0])
    back = from_metric(*to_metric(lon, lat, BEIJING), BEIJING)
    assert np.allclose(back[0], lon, rtol=0, atol=1e-10, equal_nan=True)
    assert np.isnan(to_metric([900.0], [0.0], BEIJING)[0]).all()


def test_frame_is_projected_and_without_crs_taken_as_degrees():
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(116.4, 39.9)])
    moved = project(frame, BEIJING)
    x, y = to_metric(116.4, 39.9, BEIJING)
    assert moved.geometry.iloc[0].coords[0] == (float(x), float(y))
    assert project(moved, STORAGE_CRS).geometry.iloc[0].x == pytest.approx(116.4)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:0", "not known"),
        ("no such system", "not known"),
        ("EPSG:4326", "not projected"),
        ("EPSG:2249", "US survey foot"),
    ],
)
def test_wrong_metric_systems_are_refused(crs, message):
    with pytest.raises(GeodataError, match=message):
        check_metric_crs(crs)


def test_right_metric_system_is_returned():
    assert check_metric_crs(BEIJING) == BEIJING
