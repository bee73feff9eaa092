"""Exceptions above the streets: priority, ties, borders, faults."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.errors import InvalidDataError
from geodata.territory.exceptions import EXCEPTION_COLUMNS, make_exceptions


def make_layer(**columns):
    squares = [shapely.box(k, 0, k + 2, 2) for k in range(3)]  # each overlaps the next
    base = {"exception_code": ["b", "a", "c"], "unit_code": ["U1", "U2", "U3"]}
    return gpd.GeoDataFrame(base | columns, geometry=squares, crs="EPSG:4326")


def locate(layer, lon):
    found = make_exceptions(layer)
    at = found.locate_positions(np.array(lon, float), np.ones(len(lon)))
    codes = found.frame["exception_code"].to_numpy()
    return [codes[k] if k >= 0 else None for k in at]


def test_without_priority_the_lowest_code_wins():
    assert locate(make_layer(), [0.5, 1.5, 2.5, 3.5, 5.0]) == ["b", "a", "a", "c", None]


def test_the_higher_priority_wins_over_the_code():
    layer = make_layer(priority=[1, 0, 7])
    assert locate(layer, [0.5, 1.5, 2.5, 3.5]) == ["b", "b", "c", "c"]


def test_the_border_belongs_to_the_exception():
    assert locate(make_layer(), [0.0, 4.0, np.nextafter(4.0, 5.0)]) == ["b", "c", None]


def test_many_priorities_against_brute_force():
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 10, (40, 2))
    shapes = shapely.box(*corner.T, *(corner + rng.uniform(0.5, 4, (40, 2))).T)
    layer = gpd.GeoDataFrame(
        {
            "exception_code": rng.permutation([f"e{k:02d}" for k in range(40)]),
            "unit_code": "U",
            "priority": rng.integers(-2, 3, 40),
        },
        geometry=shapes,
        crs=4326,
    )
    points = rng.uniform(0, 12, (500, 2))
    found = make_exceptions(layer)
    at = found.locate_positions(*points.T.copy())
    for point, k in zip(points, at, strict=True):
        inside = layer[shapely.intersects(shapes, shapely.Point(point))]
        inside = inside.sort_values(["priority", "exception_code"], ascending=[False, True])
        expected = inside["exception_code"].iloc[0] if len(inside) else None
        assert (found.frame["exception_code"].iloc[k] if k >= 0 else None) == expected


def test_gaps_of_optional_columns_are_filled():
    layer = make_layer(priority=["", "2", None], kind=["central", "", None], name=["甲", "", "丙"])
    frame = make_exceptions(layer).frame
    assert list(frame.columns) == [*EXCEPTION_COLUMNS, "geometry"]
    assert frame["exception_code"].tolist() == ["a", "b", "c"]
    assert frame["priority"].tolist() == [2, 0, 0]
    assert frame["kind"].tolist() == ["enclave", "central", "enclave"]
    assert frame["name"].tolist() == ["a", "甲", "丙"]
    assert make_exceptions(layer).units == {"a": "U2", "b": "U1", "c": "U3"}


@pytest.mark.parametrize(
    ("layer", "messages"),
    [
        (make_layer().drop(columns=["unit_code", "exception_code"]), ["unit_code", "exception_c"]),
        (make_layer(exception_code=["a", "a", ""]), ["stands twice", "is empty"]),
        (make_layer(unit_code=["U", "", None]), ["feature 2 unit_code", "feature 3 unit_code"]),
        (make_layer(priority=["high", 1.5, 2]), ["'high'", "'1.5'"]),
    ],
)
def test_every_fault_is_named(layer, messages):
    with pytest.raises(InvalidDataError) as caught:
        make_exceptions(layer)
    for message in messages:
        assert message in str(caught.value)
