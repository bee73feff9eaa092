import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from planner.documents.maps import find_class, find_opacity, make_classes, simplify_streets


def test_classes_hold_about_as_many_each():
    values = pd.Series(np.arange(1, 101))

    limits = make_classes(values, count=4)

    assert limits == (26.0, 51.0, 76.0, 100.0)
    assert np.bincount([find_class(value, limits) for value in values]).min() >= 24


def test_classes_of_nothing():
    assert make_classes(pd.Series([0, 0]), count=3) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("q", "opacity"), [(0.0, 0.78), (1e-6, 0.78), (1e-4, 0.5), (0.04, 0.26)])
def test_certainty_is_opacity(q, opacity):
    assert find_opacity(q) == opacity


def test_simplified_streets_still_touch_without_gaps():
    wave = 116.4 + 0.0002 * np.sin(np.linspace(0, 20, 200))
    north = np.linspace(39.9, 39.95, 200)
    edge = np.stack([wave, north], axis=1)
    left = np.concatenate([[[116.3, 39.9]], edge, [[116.3, 39.95]]])
    right = np.concatenate([edge, [[116.5, 39.95], [116.5, 39.9]]])
    from_rings = gpd.GeoSeries.from_wkt(
        [
            f"POLYGON (({', '.join(f'{x} {y}' for x, y in [*ring, ring[0]])}))"
            for ring in (left, right)
        ]
    )
    streets = gpd.GeoDataFrame({"street_code": ["1", "2"]}, geometry=from_rings, crs="EPSG:4326")

    simple = simplify_streets(streets)

    assert simple.geometry.count_coordinates().sum() < 60
    assert simple.union_all().area == pytest.approx(streets.union_all().area, rel=1e-4)
    assert simple.geometry.iloc[0].intersection(simple.geometry.iloc[1]).area < 1e-12


def test_a_street_that_would_vanish_stays():
    streets = gpd.GeoDataFrame(
        {"street_code": ["1"]}, geometry=[box(116.4, 39.9, 116.40001, 39.90001)], crs="EPSG:4326"
    )

    assert not simplify_streets(streets).geometry.is_empty.any()
