"""Distances against the geodesic and brute force over every edge; neighbours by what shapely finds."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geodata.areas import AreaIndex
from tests.geodata.areas.jurisdiction_layers import (
    add_vertices,
    make_codes,
    make_coverage,
    make_lattice_shapes,
)

GEOD = Geod(ellps="WGS84")
seeds = st.integers(0, 2**32 - 1)
DEGREE_M = 111_320.0


def make_city(rng, make_layer, latitude):
    """Return areas of a few hundred metres at some latitude."""
    shapes = make_layer(rng)
    size = np.array([1 / np.cos(np.radians(latitude)), 1.0]) * 300 / DEGREE_M
    return shapely.transform(shapes, lambda xy: xy * size + [10.0, latitude])


def find_nearest_foot(shape, x, y):
    """Return distance by the geodesic to, and coordinates of, the nearest point of a boundary."""
    scale = GEOD.inv(x - 5e-5, y, x + 5e-5, y)[2] / GEOD.inv(x, y - 5e-5, x, y + 5e-5)[2]
    plane = shapely.transform(shapely.boundary(shape), lambda xy: (xy - [x, y]) * [scale, 1])
    foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(0, 0), plane))[1]
    foot = foot / [scale, 1] + [x, y]
    return GEOD.inv(x, y, *foot)[2], foot


@pytest.mark.parametrize("latitude", [-70.0, 0.0, 39.9, 80.0])
def test_distance_is_the_geodesic_within_a_millimetre(latitude):
    rng = np.random.default_rng(3)
    shapes = make_city(rng, make_coverage, latitude)
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = rng.uniform([west, south], [east, north], (400, 2)).T
    near, own = index.near(x, y), index.locate_positions(x, y)
    for i in np.flatnonzero(own >= 0):
        expected, _ = find_nearest_foot(shapes[own[i]], x[i], y[i])
        if expected > 199.9:
            assert near.boundary_m[i] > 199.8
        else:
            assert near.boundary_m[i] == pytest.approx(expected, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([make_coverage, make_lattice_shapes]), st.sampled_from([0.0, 60.0]))
def test_distance_is_to_where_the_answer_changes(seed, make_layer, latitude):
    """Own boundary, or that of an area with a lower code; the nearest area from outside."""
    rng = np.random.default_rng(seed)
    shapes = make_city(rng, make_layer, latitude)
    if not len(shapes):
        return
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    margin = np.array([east - west, north - south]) / 5
    low, high = np.array([west, south]) - margin, margin + np.array([east, north])
    x, y = rng.uniform(low, high, (60, 2)).T
    near, own = index.near(x, y, cap_m=500.0), index.locate_positions(x, y)
    for i in range(len(x)):
        last = own[i] if own[i] >= 0 else len(shapes) - 1
        expected = min(find_nearest_foot(shape, x[i], y[i])[0] for shape in shapes[: last + 1])
        if expected > 500.1:
            assert near.boundary_m[i] == np.inf
            assert near.neighbour[i] == -1
        elif expected < 499.9:
            assert near.boundary_m[i] == pytest.approx(expected, abs=0.01)


def test_neighbour_is_the_area_behind_the_nearest_boundary():
    rng = np.random.default_rng(11)
    shapes = make_city(rng, make_coverage, 39.9)
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = rng.uniform([west, south], [east, north], (2_000, 2)).T
    near, own = index.near(x, y), index.locate_positions(x, y)
    near_enough = np.flatnonzero((own >= 0) & (near.boundary_m > 0.01) & (near.boundary_m < 200))
    assert len(near_enough) > 300
    outside = 0
    for i in near_enough:
        _, foot = find_nearest_foot(shapes[own[i]], x[i], y[i])
        there = shapely.Point(foot).buffer(2 / DEGREE_M)
        touching = set(np.flatnonzero(shapely.intersects(shapes, there))) - {own[i]}
        outside += near.neighbour[i] < 0
        if near.neighbour[i] >= 0:
            assert near.neighbour[i] in touching
        else:
            assert not shapely.covers(shapely.union_all(shapes), there)
    assert outside < len(near_enough) / 2


def test_two_squares():
    index = AreaIndex.build(
        [shapely.box(116, 39, 116.01, 39.01), shapely.box(116.01, 39, 116.02, 39.01)], ["a", "b"]
    )
    metre = 1 / GEOD.inv(116, 39.005, 117, 39.005)[2]
    x = 116.01 + metre * np.array([-100.0, -0.5, 0.0, 0.5, 250.0])
    near = index.near(x, np.full(5, 39.005))
    np.testing.assert_allclose(near.boundary_m, [100, 0.5, 0, 0.5, np.inf], atol=1e-3)
    assert list(near.neighbour) == [1, 1, 1, 0, -1]


def test_outside_all_areas_the_nearest_one_is_the_neighbour():
    index = AreaIndex.build(
        [shapely.box(116, 39, 116.01, 39.01), shapely.box(116.011, 39, 116.02, 39.01)], ["a", "b"]
    )
    near = index.near([116.0101, 116.0109, 115.0], [39.005, 39.005, 39.005])
    assert list(near.neighbour) == [0, 1, -1]
    assert np.isinf(near.boundary_m[2])


def test_a_gap_narrower_than_twenty_metres_does_not_hide_the_neighbour():
    gap = 10 / DEGREE_M
    index = AreaIndex.build(
        [shapely.box(116, 39, 116.01, 39.01), shapely.box(116.01 + gap, 39, 116.02, 39.01)],
        ["a", "b"],
    )
    near = index.near([116.0099], [39.005])
    assert list(near.neighbour) == [1]


def test_where_areas_overlap_the_lower_code_begins_before_the_own_boundary():
    index = AreaIndex.build(
        [shapely.box(116.005, 39, 116.02, 39.01), shapely.box(116, 39, 116.01, 39.01)], ["a", "b"]
    )
    near = index.near([116.0049], [39.005])
    assert near.boundary_m[0] == pytest.approx(
        GEOD.inv(116.0049, 39.005, 116.005, 39.005)[2], abs=1e-3
    )
    assert list(near.neighbour) == [0]


def test_no_number_has_no_distance():
    index = AreaIndex.build([shapely.box(116, 39, 116.01, 39.01)], ["a"])
    near = index.near([np.nan, np.inf, 116.0, 1e300], [39.0, 39.0, np.nan, -1e300])
    assert np.isnan(near.boundary_m[:3]).all()
    assert near.boundary_m[3] == np.inf
    assert (near.neighbour == -1).all()


@pytest.mark.parametrize("cap_m", [0.0, -1.0, np.nan, np.inf])
def test_a_cap_must_be_a_positive_number(cap_m):
    index = AreaIndex.build([shapely.box(116, 39, 116.01, 39.01)], ["a"])
    with pytest.raises(ValueError, match="positive number of metres"):
        index.near([116.0], [39.0], cap_m=cap_m)


@settings(max_examples=15, deadline=None)
@given(seeds, st.sampled_from([make_coverage, make_lattice_shapes]), st.sampled_from([0.0, 60.0]))
def test_the_tree_for_many_points_changes_nothing(seed, make_layer, latitude):
    """Areas that overlap too, points outside, on vertices and at the edge of the cap."""
    rng = np.random.default_rng(seed)
    shapes = make_city(rng, make_layer, latitude)
    if not len(shapes):
        return
    shapes = add_vertices(shapes, rng)
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    margin = np.array([east - west, north - south]) / 5
    low, high = np.array([west, south]) - margin, margin + np.array([east, north])
    corners = shapely.get_coordinates(shapes)
    x, y = np.concatenate([rng.uniform(low, high, (3_000, 2)), corners, [[np.nan, 0.0]]]).T
    searched = {cap: index.near(x, y, cap_m=cap) for cap in (30.0, 200.0)}
    index.prepare_near()
    for cap, expected in searched.items():
        found = index.near(x, y, cap_m=cap)
        np.testing.assert_array_equal(found.boundary_m, expected.boundary_m)
        np.testing.assert_array_equal(found.neighbour, expected.neighbour)
    assert (
        index.near(x, y, cap_m=500.0).boundary_m[:-1] > 200.0
    ).any()  # beyond what the tree knows


def test_equal_areas_and_poles_are_measured_without_a_tree_that_never_ends():
    star = shapely.Point(10, 50).buffer(0.01, quad_segs=60)
    index = AreaIndex.build([star] * 12, make_codes(12))
    x, y = np.random.default_rng(4).uniform([9.98, 49.98], [10.02, 50.02], (500, 2)).T
    expected = index.near(x, y)
    index.prepare_near()
    np.testing.assert_array_equal(index.near(x, y).boundary_m, expected.boundary_m)
    polar = AreaIndex.build([shapely.box(-180, -90, 180, -60)], ["a"])
    polar.prepare_near()
    assert polar.near([0.0], [-60.001]).boundary_m[0] == pytest.approx(111.5, abs=0.5)


def test_threads_change_nothing():
    rng = np.random.default_rng(2)
    shapes = make_city(rng, make_coverage, 39.9)
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = rng.uniform([west, south], [east, north], (60_000, 2)).T
    one, two = index.near(x, y, threads=1), index.near(x, y, threads=3)
    np.testing.assert_array_equal(one.boundary_m, two.boundary_m)
    np.testing.assert_array_equal(one.neighbour, two.neighbour)
    index.prepare_near()
    for threads in (1, 3):
        tree = index.near(x, y, threads=threads)
        np.testing.assert_array_equal(one.boundary_m, tree.boundary_m)
        np.testing.assert_array_equal(one.neighbour, tree.neighbour)
