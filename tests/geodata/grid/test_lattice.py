"""Shares, centroids and lengths of borders against shapely, square by square."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.grid.lattice import (
    NO_CELL,
    SLIVER_SHARE,
    Pieces,
    get_hosts,
    group_pieces,
    make_lattice_cells,
    measure_pieces,
)

SIZE = 14


def make_blob(seed):
    """Return a valid polygon with holes and perhaps several parts, inside 1 … 13."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 60)))
    radius = rng.uniform(0.5, 5.5) * (1 - 0.5 * rng.random(len(angle)))
    outer = shapely.Polygon(7 + np.c_[np.cos(angle), np.sin(angle)] * radius[:, None])
    hole = shapely.Point(rng.uniform(4, 10, 2)).buffer(rng.uniform(0, 2), quad_segs=3)
    shape = shapely.make_valid(outer).difference(hole)
    if rng.random() < 0.5:  # vertices on lattice lines and corners
        shape = shapely.set_precision(shape, 0.5)
    return shapely.orient_polygons(shape)


def to_rings(shape):
    """Return u, v, starts of a shape whose y grows north."""
    parts = shapely.get_parts(shape)
    rings = shapely.get_rings(parts[shapely.get_dimensions(parts) == 2])
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.searchsorted(ring, np.arange(len(rings) + 1))
    return np.ascontiguousarray(xy[:, 0]), SIZE - xy[:, 1], starts


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pieces_are_those_of_an_overlay(seed):
    shape = make_blob(seed)
    if shape.is_empty or shape.area == 0:
        return
    pieces = Pieces(*measure_pieces(*to_rings(shape), SIZE, SIZE))
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    squares = shapely.box(column, SIZE - row - 1, column + 1, SIZE - row)
    overlay = shapely.intersection(squares, shape)
    area = shapely.area(overlay)
    np.testing.assert_allclose(pieces.share, area, atol=1e-12)
    full = area > 1e-3
    centre = shapely.centroid(overlay[full])
    u = pieces.moment_u[full] / area[full] + column[full]
    v = pieces.moment_v[full] / area[full] + row[full]
    np.testing.assert_allclose(u, shapely.get_x(centre), atol=1e-9)
    np.testing.assert_allclose(SIZE - v, shapely.get_y(centre), atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_sides_are_those_of_an_overlay_where_no_edge_runs_along_them(seed):
    rng = np.random.default_rng(seed)
    shape = shapely.transform(make_blob(seed), lambda xy: xy + rng.uniform(0.01, 0.02, 2))
    pieces = Pieces(*measure_pieces(*to_rings(shape), SIZE, SIZE))
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    corner = np.stack([column, SIZE - row], axis=-1)
    for side, step in ((pieces.west, [0, -1]), (pieces.north, [1, 0])):
        lines = shapely.linestrings(np.stack([corner, corner + step], axis=-2))
        inside = shapely.length(shapely.intersection(lines, shape))
        np.testing.assert_allclose(side, inside, atol=1e-9)


def test_a_lattice_square_as_an_area_is_one_cell():
    square = shapely.orient_polygons(shapely.box(3, 4, 4, 5))
    cells = make_lattice_cells(*to_rings(square), shape=(SIZE, SIZE))
    assert cells.share.tolist() == [1.0]
    assert (cells.u.tolist(), cells.v.tolist()) == ([3.5], [SIZE - 4.5])


@pytest.mark.parametrize("seed", range(30))
def test_cells_cover_the_area_and_are_no_slivers_unless_alone(seed):
    shape = make_blob(seed)
    cells = make_lattice_cells(*to_rings(shape), shape=(SIZE, SIZE))
    assert cells.share.sum() == pytest.approx(shape.area, abs=1e-9)
    small = cells.share < SLIVER_SHARE - 1e-6
    assert small.sum() <= len(shapely.get_parts(shape))  # one per part that is a sliver itself
    place = cells.row * SIZE + cells.column
    assert (np.diff(place) > 0).all()  # N→S, in a row W→E
    assert set(np.unique(get_hosts(cells.table))) - {NO_CELL} == set(range(len(place)))


def test_slivers_join_the_neighbour_with_the_longest_border():
    share = np.array([[1.0, 0.2, 1.0]])
    west = np.array([[0.0, 0.3, 0.9]])
    north = np.zeros((1, 3))
    assert group_pieces(share, west, north, SLIVER_SHARE).tolist() == [[0, 2, 2]]


def test_a_strip_of_slivers_grows_together():
    share, west, north = np.full((1, 9), 0.1), np.full((1, 9), 0.1), np.zeros((1, 9))
    root = group_pieces(share, west, north, SLIVER_SHARE)[0]
    sizes = np.unique(root, return_counts=True)[1]
    assert sizes.sum() == 9
    assert (sizes * 0.1 >= SLIVER_SHARE).all()


def test_a_sliver_without_neighbours_stays():
    share, none = np.array([[0.1, 0.0, 1.0]]), np.zeros((1, 3))
    assert group_pieces(share, none, none, SLIVER_SHARE).tolist() == [[0, NO_CELL, 2]]
