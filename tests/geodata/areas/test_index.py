"""Point → area: the answers of shapely for every float, on layers drawn to break an index."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geodata.areas import AreaIndex
from tests.geodata.areas.jurisdiction_layers import (
    LAYERS,
    add_vertices,
    find_by_shapely,
    make_codes,
    make_coverage,
    make_nasty_points,
    place,
)

REAL = Path(__file__).parents[2].parent / "shared" / "data"
seeds = st.integers(0, 2**32 - 1)


def check_layer(shapes, rng):
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    x, y = make_nasty_points(index, shapes, rng)
    expected = find_by_shapely(shapes, x, y)
    found = index.locate_positions(x, y)
    wrong = np.flatnonzero(found != expected)
    shown = [(x[i], y[i], found[i], expected[i]) for i in wrong[:3]]
    assert len(wrong) == 0, f"{len(wrong)} of {len(x)} differ: {shown}"


@settings(max_examples=120, deadline=None)
@given(seeds, st.sampled_from(LAYERS), st.booleans())
def test_every_layer_is_as_shapely_says(seed, make_layer, denser):
    rng = np.random.default_rng(seed)
    shapes = make_layer(rng)
    if denser and len(shapes):
        shapes = add_vertices(shapes, rng)
    shapes = place(shapes, rng)
    if len(shapes):
        check_layer(shapes, rng)


@settings(max_examples=30, deadline=None)
@given(seeds)
@example(
    435
)  # a point 5e-20 beside an edge whose orientation depends on the direction it is walked
def test_layers_near_zero_are_as_shapely_says(seed):
    """Coordinates of any exponent, where differences of floats are no floats."""
    rng = np.random.default_rng(seed)
    shapes = make_coverage(rng)
    moved = shapely.transform(shapes, lambda xy: (xy - 4) * 10.0 ** -rng.integers(0, 12))
    moved = moved[shapely.is_valid(moved) & (shapely.area(moved) > 0)]
    if len(moved):
        check_layer(moved, rng)


@pytest.mark.parametrize("areas", [1, 2, 300])
def test_areas_far_smaller_than_a_cell_and_far_larger(areas):
    rng = np.random.default_rng(areas)
    small = shapely.box(*(rng.random((2, areas)) * 1e-6), *(1e-6 + rng.random((2, areas)) * 1e-6))
    shapes = np.array([*small, shapely.box(-60, -60, 60, 60)], dtype=object)
    check_layer(shapes, rng)


def test_boundaries_that_run_along_a_row_are_as_shapely_says():
    """Runs over thousands of columns with many edges each, whose cells share trimmed lists."""
    rng = np.random.default_rng(8)
    along = np.linspace(0, 9, 30_001)
    line = np.column_stack([along, 4 + rng.uniform(0, 2e-4, len(along))])
    slow = np.column_stack([along[::100], 6 + along[::100] * 1e-3])
    north, south, west = [(9, 9), (0, 9)], [(9, 0), (0, 0)], [(0, 4), (9, 4)]
    shapes = [
        shapely.Polygon([*line, *slow[::-1]]),
        shapely.Polygon([*slow, *north]),
        shapely.Polygon([*line[::-1], *reversed(south)]),
        shapely.Polygon([*west, *north]),
    ]
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    x = rng.uniform(-0.1, 9.1, 40_000)
    y = np.concatenate([4 + rng.uniform(-1e-4, 3e-4, 20_000), 6 + rng.uniform(-0.01, 0.02, 20_000)])
    x, y = np.append(x, line[::9, 0]), np.append(y, line[::9, 1])
    expected = find_by_shapely(np.array(shapes), x, y)
    assert (index.locate_positions(x, y) == expected).all()
    assert len(np.unique(expected)) == 4


def test_the_lowest_code_wins_whatever_the_order_of_the_layer():
    shapes = [shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2), shapely.box(1, 1, 2, 2)]
    index = AreaIndex.build(shapes, ["c", "b", "a"])
    assert list(index.codes) == ["a", "b", "c"]
    assert list(index.locate([0.5, 1.5, 1.5, 2.5], [0.5, 0.5, 1.5, 0.5])) == ["c", "b", "a", "b"]


def test_codes_come_back_as_categories_and_missing_outside():
    index = AreaIndex.build([shapely.box(0, 0, 1, 1)], ["110101001"])
    found = index.locate([0.5, 5.0, np.nan], [0.5, 5.0, 0.0])
    assert isinstance(found, pd.Categorical)
    assert list(found.categories) == ["110101001"]
    assert list(found.isna()) == [False, True, True]


def test_a_ring_that_touches_itself_is_read_as_it_is_drawn():
    ring = [(0, 0), (4, 0), (4, 4), (2, 4), (3, 3), (2, 2), (1, 3), (2, 4), (0, 4), (0, 0)]
    shape = shapely.Polygon(ring)
    assert not shape.is_valid
    check_layer(np.array([shape], dtype=object), np.random.default_rng(1))
    index = AreaIndex.build([shape], ["a"])
    assert list(index.locate_positions([2.0, 0.5], [3.0, 0.5])) == [-1, 0]


@given(seeds)
@settings(max_examples=10, deadline=None)
@example(0)
def test_one_thread_and_many_chunks_and_lists_give_the_same(seed):
    rng = np.random.default_rng(seed)
    shapes = make_coverage(rng)
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    x, y = rng.uniform(-1, 9, (2, 150_000))
    whole = index.locate_positions(x, y)
    np.testing.assert_array_equal(index.locate_positions(x, y, threads=1), whole)
    out = np.empty(len(x), dtype=np.int32)
    for start in range(0, len(x), 7_777):
        part = slice(start, start + 7_777)
        index.locate_positions(x[part], y[part], out=out[part])
    np.testing.assert_array_equal(out, whole)
    assert list(index.locate_positions(x[:9].tolist(), y[:9].tolist())) == list(whole[:9])
    frame = pd.DataFrame({"lon": x, "lat": y})
    np.testing.assert_array_equal(index.locate_positions(frame["lon"], frame["lat"]), whole)


def test_no_points_give_no_answers():
    index = AreaIndex.build([shapely.box(0, 0, 1, 1)], ["a"])
    assert len(index.locate([], [])) == 0
    assert len(index.near([], []).boundary_m) == 0


def test_wrong_shapes_are_refused():
    index = AreaIndex.build([shapely.box(0, 0, 1, 1)], ["a"])
    with pytest.raises(ValueError, match="one dimension"):
        index.locate_positions([0.5, 0.5], [0.5])
    with pytest.raises(ValueError, match="expected contiguous int32"):
        index.locate_positions([0.5], [0.5], out=np.empty(1, dtype=np.int64))


def test_the_order_of_features_and_threads_change_nothing():
    rng = np.random.default_rng(5)
    shapes = make_coverage(rng)
    codes = make_codes(len(shapes))
    order = rng.permutation(len(shapes))
    one = AreaIndex.build(shapes, codes, threads=1)
    other = AreaIndex.build(shapes[order], [codes[i] for i in order], threads=3)
    assert one.content_hash == other.content_hash
    for name in ("top", "cells", "sites", "run_edges"):
        np.testing.assert_array_equal(getattr(one.compiled, name), getattr(other.compiled, name))
    assert AreaIndex.build(shapes, [*codes[:-1], "9"]).content_hash != one.content_hash


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real data folder beside the checkout")
@pytest.mark.parametrize(
    ("name", "key"),
    [("beijing/dongcheng_streets_gcj02.geojson", "name"), ("boston/wards.geojson", "WARD")],
)
def test_ten_million_points_on_real_layers_have_no_difference(name, key):
    frame = gpd.read_file(REAL / name).sort_values(key)
    shapes = frame.geometry.to_numpy()
    index = AreaIndex.build(shapes, frame[key].astype(str).tolist())
    rng = np.random.default_rng(7)
    xy = shapely.get_coordinates(shapes)
    west, south, east, north = frame.total_bounds
    x, y = rng.uniform([west, south], [east, north], (9_000_000, 2)).T
    at = rng.integers(0, len(xy) - 1, 500_000)
    near = xy[at] + rng.random((500_000, 1)) * (xy[at + 1] - xy[at])
    noise = np.nextafter(xy[at], xy[rng.integers(0, len(xy), 500_000)])
    x, y = np.r_[x, near[:, 0], noise[:, 0]], np.r_[y, near[:, 1], noise[:, 1]]
    order = np.argsort(frame[key].astype(str).to_numpy())
    expected = find_by_shapely(shapes[order], x, y)
    assert (index.locate_positions(x, y) != expected).sum() == 0


@pytest.mark.parametrize("x", [-5e-324, 5e-324, -1e-310, 1e-200])
def test_points_nearer_to_an_edge_than_floats_can_tell_are_as_shapely_says(x):
    """Products of such differences vanish; GEOS then takes the point for one on the edge."""
    shapes = np.array([shapely.box(0, -1, 1, 1), shapely.box(-1, -1, 0, 1)], dtype=object)
    corner = np.array([shapely.Polygon([(-1, -1), (0, -1), (0, 0), (1, 0), (1, 1), (-1, 1)])])
    y = np.array([-5e-8, -0.5, 0.0, 5e-324, -1e-310])
    for layer in (shapes, corner):
        index = AreaIndex.build(layer, make_codes(len(layer)))
        found = index.locate_positions(np.full(5, x), y)
        np.testing.assert_array_equal(found, find_by_shapely(layer, np.full(5, x), y))
