"""Vector tiles: what is written is what another reader reads."""

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geodata.vector_tiles import EXTENT, Tile, TileLayer, snap_shapes, write_tile

WORLD = Tile(z=0, x=0, y=0)


def read(body):
    return mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})


def test_the_bounds_of_tiles_meet():
    assert WORLD.find_bounds() == pytest.approx((-180, -85.0511287798, 180, 85.0511287798))
    left, right = Tile(z=3, x=2, y=4).find_bounds(), Tile(z=3, x=3, y=4).find_bounds()
    assert left[2] == right[0]
    assert Tile(z=3, x=2, y=5).find_bounds()[3] == left[1]
    assert Tile(z=2, x=3, y=3).exists
    assert not Tile(z=2, x=4, y=0).exists
    assert not Tile(z=2, x=0, y=-1).exists


VALUES = {
    "text": "东华门 <b>",
    "n": 3,
    "minus": -7,
    "big": 2**40,
    "share": 0.25,
    "yes": True,
    "no": None,
}


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(10, 10),
        shapely.MultiPoint([(0, 0), (90, 45)]),
        shapely.LineString([(-90, 0), (0, 0), (90, 45)]),
        shapely.MultiLineString([[(0, 0), (10, 10)], [(20, 20), (30, 20)]]),
        shapely.box(-90, -45, 90, 45).difference(shapely.box(-10, -10, 10, 10)),
        shapely.union_all([shapely.box(-90, -45, -20, 45), shapely.box(20, -45, 90, 45)]),
    ],
    ids=lambda one: one.geom_type,
)
def test_a_shape_with_its_properties_comes_back(shape):
    snapped = snap_shapes([shape], WORLD)
    told = read(write_tile([TileLayer(name="层", shapes=snapped, properties=[VALUES])]))
    (feature,) = told["层"]["features"]
    assert feature["properties"] == {k: v for k, v in VALUES.items() if v is not None}
    back = shapely.geometry.shape(feature["geometry"])
    assert back.is_valid
    assert back.normalize().equals(snapped[0].normalize())
    assert told["层"]["extent"] == EXTENT


def test_what_is_outside_is_left_out_and_nothing_is_an_empty_tile():
    tile = Tile(z=4, x=0, y=0)
    snapped = snap_shapes([shapely.Point(10, 10), shapely.box(0, 0, 1, 1)], tile)
    assert snapped == [None, None]
    assert write_tile([TileLayer(name="a", shapes=snapped, properties=[{}, {}])]) == b""
    assert write_tile([]) == b""


def test_a_line_that_leaves_and_comes_back_is_one_feature_a_part():
    line = shapely.LineString([(-170, 80), (-170, 84), (0, 84), (0, 70), (-170, 70)])
    snapped = snap_shapes([line], Tile(z=3, x=0, y=0))
    told = read(write_tile([TileLayer(name="a", shapes=snapped, properties=[{"k": 1}])]))
    assert {one["properties"]["k"] for one in told["a"]["features"]} == {1}


@given(st.integers(0, 2**32 - 1))
def test_polygons_of_any_form_come_back_with_their_area(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 30)))
    radius = rng.uniform(1, 60, len(angle))
    shape = shapely.make_valid(
        shapely.Polygon(np.column_stack((radius * np.cos(angle), radius * np.sin(angle))))
    )
    snapped = snap_shapes([shape], WORLD)
    area = 0.0 if snapped[0] is None else shapely.area(snapped[0])
    body = write_tile([TileLayer(name="a", shapes=snapped, properties=[{}])])
    features = read(body)["a"]["features"] if body else []
    found = sum(shapely.geometry.shape(one["geometry"]).area for one in features)
    assert found == pytest.approx(area)
