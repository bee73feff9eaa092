"""Neighbour graphs against libpysal and by hand."""

import numpy as np
import pytest
import shapely
from libpysal.graph import Graph

from geodata.errors import GeodataError
from geodata.grid.make import Grid, make_grid
from geodata.grid.neighbours import neighbours, within_distance
from tests.geodata.wavy_areas import METRIC_CRS, make_areas, to_degrees

TOUCH_DEG = 1e-7  # 1 cm


def grid_of(areas, **options):
    return make_grid(areas, key="code", metric_crs=METRIC_CRS, **options)


def get_pairs(matrix):
    row, column = matrix.nonzero()
    return {(int(a), int(b)) for a, b in zip(row, column, strict=True) if a < b}


def find_by_libpysal(cells, kind):
    graph = Graph.build_contiguity(cells, rook=kind == "rook", strict=True)
    return get_pairs(graph.sparse.tocsr())


@pytest.mark.parametrize("kind", ["rook", "queen"])
@pytest.mark.parametrize("seed", range(3))
def test_all_that_libpysal_sees_and_else_only_what_touches(kind, seed):
    grid = grid_of(make_areas(5, seed=seed))
    cells = grid.geometries()
    ours = get_pairs(neighbours(grid, kind=kind))
    theirs = find_by_libpysal(cells, kind)
    assert theirs <= ours
    # libpysal wants equal vertices; borders of two areas that a lattice cuts differ in the last bit.
    shapes = cells.geometry.to_numpy()
    one, other = np.array(sorted(ours - theirs) or np.empty((0, 2)), dtype=int).T
    common = shapely.intersection(shapely.buffer(shapes[one], TOUCH_DEG), shapes[other])
    assert (shapely.length(common) > (3 * TOUCH_DEG if kind == "rook" else 0)).all()
    assert len(one) < 0.02 * len(ours)


@pytest.mark.parametrize("kind", ["rook", "queen"])
def test_areas_with_squares_of_different_size(kind):
    shapes = [shapely.box(0, 0, 510, 510), shapely.box(510, 0, 4_510, 4_000)]
    grid = grid_of(to_degrees(shapes, ["1", "2"]))
    assert set(grid.side_m) == {100.0, 200.0}
    cells = grid.geometries().geometry.to_numpy()
    touching = shapely.STRtree(cells).query(cells, predicate="dwithin", distance=TOUCH_DEG)
    common = shapely.intersection(
        shapely.buffer(cells[touching[0]], TOUCH_DEG), shapely.buffer(cells[touching[1]], TOUCH_DEG)
    )
    real = shapely.length(common) > (20 * TOUCH_DEG if kind == "rook" else 0)
    expected = {(int(a), int(b)) for a, b in touching[:, real].T if a < b}
    assert get_pairs(neighbours(grid, kind=kind)) == expected


def test_a_cell_counts_its_neighbours_as_on_a_chessboard():
    grid = grid_of(to_degrees([shapely.box(-13, -27, 487, 273)], ["1"]))
    order = np.lexsort((grid.cells.column, grid.cells.row))
    rook = neighbours(grid, kind="rook").sum(axis=1)[order].reshape(3, 5)
    queen = neighbours(grid, kind="queen").sum(axis=1)[order].reshape(3, 5)
    assert rook.tolist() == [[2, 3, 3, 3, 2], [3, 4, 4, 4, 3], [2, 3, 3, 3, 2]]
    assert queen.tolist() == [[3, 5, 5, 5, 3], [5, 8, 8, 8, 5], [3, 5, 5, 5, 3]]


@pytest.mark.parametrize("kind", ["rook", "queen"])
def test_a_subset_is_a_part_of_the_whole_in_its_own_order(kind):
    grid = grid_of(make_areas(4, seed=3))
    at = np.random.default_rng(0).permutation(len(grid))[: len(grid) // 3]
    part = neighbours(grid, grid.codes[at], kind=kind)
    whole = neighbours(grid, kind=kind)
    assert (part != whole[at][:, at]).nnz == 0
    assert (whole != whole.T).nnz == 0
    assert whole.diagonal().sum() == 0
    assert set(whole.data) == {1.0}


def test_a_gap_that_is_no_land_parts_neighbours():
    apart = [shapely.box(0, 0, 300, 300), shapely.box(301, 0, 600, 300)]
    grid = grid_of(to_degrees(apart, ["1", "2"]))
    matrix = neighbours(grid, kind="queen")
    side = grid.cells.area == 0
    assert matrix[side][:, ~side].nnz == 0


def test_drawn_cells_are_as_in_libpysal():
    cells = make_areas(12, seed=1)
    grid = Grid.from_cells(cells, key="code", metric_crs=METRIC_CRS)
    for kind in ("rook", "queen"):
        assert get_pairs(neighbours(grid, kind=kind)) == find_by_libpysal(cells, kind)


def test_within_distance_is_brute_force():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1000, (2, 300))
    expected = np.hypot(x[:, None] - x, y[:, None] - y) <= 120
    np.fill_diagonal(expected, val=False)
    assert (within_distance(x, y, 120.0).toarray() == expected).all()
    assert within_distance([], [], 10.0).shape == (0, 0)


def test_bad_input_is_named():
    grid = grid_of(make_areas(2))
    with pytest.raises(GeodataError, match="'rook' or 'queen'"):
        neighbours(grid, kind="bishop")
    with pytest.raises(GeodataError, match="not in this grid"):
        neighbours(grid, ["X"])
    with pytest.raises(GeodataError, match="named twice"):
        neighbours(grid, [grid.codes[0]] * 2)
    with pytest.raises(GeodataError, match="NaN"):
        within_distance([0.0, np.nan], [0.0, 1.0], 5.0)
    with pytest.raises(GeodataError, match="positive"):
        within_distance([0.0], [0.0], -1.0)
