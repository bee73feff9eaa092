"""Point → cell by the raster of sure squares: the same answer as by the area first, for every point."""

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.grid import GridFolderError, load_grid, make_grid, save_grid
from geodata.grid import raster_build as grid_raster_build
from geodata.grid.raster import LEAF, UNSURE
from geodata.grid.raster_build import MOST_SQUARES
from tests.geodata.wavy_areas import METRIC_CRS, make_areas, to_degrees, to_points


def grid_of(areas, **options):
    return make_grid(areas, key="code", metric_crs=METRIC_CRS, **options)


def locate_by_area(grid, lon, lat):
    return grid.locate_in(grid.shapes.index.locate_positions(lon, lat), lon, lat)


def make_points(grid, rng, half_m):
    """Return points everywhere, on corners and edges of cells, and a few floats beside them."""
    lon, lat = to_points(*rng.uniform(-half_m, half_m, (2, 40_000)))
    some = grid.codes[rng.integers(0, len(grid), 300)].unique()
    corners = shapely.get_coordinates(grid.geometries(some).geometry.to_numpy())
    ends = corners[rng.integers(0, len(corners) - 1, 4_000)[:, None] + [0, 1]]
    on = np.r_[corners, ends.mean(axis=1)]
    beside = on + rng.normal(size=on.shape) * 10.0 ** rng.uniform(-14, -7, (len(on), 1))
    far = [[0.0, 0.0], [180.0, 90.0], [np.nan, 39.9], [116.4, np.inf], [1e308, -1e308]]
    return np.r_[np.c_[lon, lat], on, beside, far].T


@pytest.mark.parametrize(("width_m", "count"), [(3_000.0, 6), (40_000.0, 30)])
def test_both_ways_agree_for_every_point(width_m, count, tmp_path):
    grid = grid_of(make_areas(count, width_m=width_m, seed=count))
    raster = grid.shapes.raster
    sure = raster.values[raster.values != UNSURE]
    assert len(sure) > 0.3 * raster.shape[0] * raster.shape[1]
    assert (raster.leaves >= -1).sum() > 0.3 * len(raster.leaves) > 0
    assert (1 + (raster.values < UNSURE).sum()) * LEAF**2 == len(raster.leaves)
    assert len(np.unique(grid.side_m)) > 1 or width_m < 10_000  # coarser cells take part
    lon, lat = make_points(grid, np.random.default_rng(1), width_m * 0.55)
    nowhere = np.random.default_rng(2).choice([np.nan, np.inf, -np.inf, 1e308], (2, 9_000))
    lon, lat = np.c_[[lon, lat], nowhere]
    expected = locate_by_area(grid, lon, lat)
    assert (expected >= 0).mean() > 0.5
    assert (grid.locate_positions(lon, lat) == expected).all()
    save_grid(grid, tmp_path)
    assert (load_grid(tmp_path).locate_positions(lon, lat) == expected).all()


def test_where_areas_overlap_the_lowest_code_has_the_point():
    areas = make_areas(5, seed=2)
    over = to_degrees([shapely.Point(200, 100).buffer(700)], ["110101009"])
    under = to_degrees([shapely.Point(-400, -300).buffer(600)], ["110100000"])
    grid = grid_of(pd.concat([areas, over, under], ignore_index=True))
    lon, lat = make_points(grid, np.random.default_rng(2), 1_700.0)
    expected = locate_by_area(grid, lon, lat)
    assert (grid.locate_positions(lon, lat) == expected).all()
    codes = grid.area_codes[grid.cells.area[expected[expected >= 0]]]
    assert {"110100000", "110101001"} <= set(codes)


def test_a_region_too_wide_for_a_raster_is_located_by_its_areas():
    corners = [shapely.Point(x, y).buffer(900) for x in (-9e4, 9e4) for y in (-9e4, 9e4)]
    areas = to_degrees(corners, [f"11010100{k}" for k in range(4)])
    grid = grid_of(areas, cell_m=50.0)
    assert MOST_SQUARES < 180_000**2 / 50**2
    assert grid.shapes.raster.shape == (0, 0)
    lon, lat = to_points(*np.random.default_rng(3).uniform(88_000, 92_000, (2, 5_000)))
    assert (grid.locate_positions(lon, lat) == locate_by_area(grid, lon, lat)).all()


def test_with_too_many_squares_near_borders_these_are_located_by_their_areas(monkeypatch):
    monkeypatch.setattr(grid_raster_build, "MOST_LEAVES", 10)
    grid = grid_of(make_areas(6, seed=4))
    assert (grid.shapes.raster.leaves == UNSURE).all()
    lon, lat = make_points(grid, np.random.default_rng(4), 1_700.0)
    assert (grid.locate_positions(lon, lat) == locate_by_area(grid, lon, lat)).all()


def test_a_raster_that_names_leaves_it_has_not_is_refused(tmp_path):
    save_grid(grid_of(make_areas(6, seed=5)), tmp_path)
    leaves = np.load(tmp_path / "raster_leaves.npy")
    np.save(tmp_path / "raster_leaves.npy", leaves[: -(LEAF**2)])
    with pytest.raises(GridFolderError, match="fewer leaves"):
        load_grid(tmp_path)
