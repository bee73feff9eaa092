"""The unit grid: codes, look-up = geometry, stability, drawn cells, bad input."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.crs import to_metric
from geodata.errors import GeodataError, InvalidDataError
from geodata.grid import Grid, GridFolderError, load_grid, make_grid, save_grid
from geodata.grid.cells import FEW
from geodata.grid.codes import FRESH_SEQUENCE, split_cell_codes
from geodata.grid.make import FRAME_COLUMNS, cell_code
from geodata.grid.projection import make_fast_projection
from tests.geodata.wavy_areas import METRIC_CRS, make_areas, to_degrees, to_points

DONGCHENG = Path(__file__).parents[2].parent / "shared/data/beijing/dongcheng_streets_gcj02.geojson"
ROUNDING_M = 2e-9  # a border vertex of a clipped cell lies on its line but for the last bit


def grid_of(areas, **options):
    return make_grid(areas, key="code", metric_crs=METRIC_CRS, **options)


def check_against_geometry(grid, lon, lat):
    """Compare point → cell with the cells' polygons, one after the other."""
    at = grid.locate_positions(lon, lat)
    shapes = grid.geometries().geometry.to_numpy()
    points = shapely.points(lon, lat)
    assert (grid.shapes.index.locate_positions(lon, lat) >= 0).tolist() == (at >= 0).tolist()
    inside = at >= 0
    apart = shapely.distance(shapes[at[inside]], points[inside]) * 111_320
    assert apart.max() <= ROUNDING_M
    point, cell = shapely.STRtree(shapes).query(points, predicate="within")
    return at, point, cell


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cell_m", [100.0, 437.0])
def test_a_point_lies_in_the_polygon_of_its_cell(seed, cell_m):
    areas = make_areas(5, seed=seed)
    grid = grid_of(areas, cell_m=cell_m)
    rng = np.random.default_rng(seed)
    lon, lat = to_points(*rng.uniform(-1600, 1600, (2, 4000)))
    shapes = grid.geometries().geometry.to_numpy()
    inside = shapely.STRtree(shapes).query(shapely.points(lon, lat), predicate="within")
    expected = np.full(len(lon), -1)
    expected[inside[0]] = inside[1]
    assert (grid.locate_positions(lon, lat) == expected).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cell_m", [100.0, 800.0])
def test_points_on_and_beside_cell_borders(seed, cell_m):
    grid = grid_of(make_areas(4, seed=seed), cell_m=cell_m)
    rng = np.random.default_rng(seed)
    corners = shapely.get_coordinates(grid.geometries().geometry.to_numpy())
    k = rng.integers(0, len(corners) - 1, 5000)
    along = rng.random((5000, 1))
    on = np.r_[corners, corners[k] * (1 - along) + corners[k + 1] * along]
    off = rng.normal(size=on.shape) * 10.0 ** rng.uniform(-12, -7, (len(on), 1))
    for points in (on, on + off):
        check_against_geometry(grid, points[:, 0], points[:, 1])


def test_cells_cover_their_area_and_share_edges():
    areas = make_areas(6, seed=3)
    grid = grid_of(areas)
    cells = grid.geometries()
    assert set(cells.geom_type) <= {"Polygon", "MultiPolygon"}
    assert cells.is_valid.all()
    for code, shape in zip(areas["code"], areas.geometry, strict=True):
        own = cells.loc[cells["area_code"] == code].geometry.to_numpy()
        gap = shapely.symmetric_difference(shapely.union_all(own), shape)
        assert shapely.area(gap) * 111_320**2 < 1e-4
        assert shapely.coverage_is_valid(own)


def test_area_and_centroid_are_those_of_the_polygon():
    grid = grid_of(make_areas(6, seed=5))
    metric = grid.geometries().to_crs(METRIC_CRS)
    np.testing.assert_allclose(grid.area_m2, metric.area, atol=0.05)  # long edges bend by mm
    centers = grid.centers()
    centroid = metric.centroid
    np.testing.assert_allclose(centers["x"], centroid.x, atol=0.01)
    np.testing.assert_allclose(centers["y"], centroid.y, atol=0.01)
    x, y = to_metric(centers["lon"], centers["lat"], METRIC_CRS)
    np.testing.assert_allclose([x, y], [centers["x"], centers["y"]], atol=1e-6)


def test_codes_have_fifteen_digits_and_run_west_to_east_and_north_to_south():
    grid = grid_of(make_areas(6, seed=1))
    frame = grid.frame
    assert list(frame.columns) == list(FRAME_COLUMNS)
    assert frame["cell_code"].str.fullmatch(r"\d{15}").all()
    assert frame["cell_code"].is_unique
    assert (frame["cell_code"].str[:9] == frame["area_code"]).all()
    for _, cells in frame.groupby("area_code"):
        sequence = cells["cell_code"].str[-3:].astype(int).to_numpy()
        assert (sequence == np.arange(1, len(cells) + 1)).all()
        place = cells[["row", "col"]].to_numpy()
        assert (np.lexsort((place[:, 1], place[:, 0])) == np.arange(len(cells))).all()
        firsts = cells.groupby("row")["lat"].median()
        assert firsts.is_monotonic_decreasing  # rows run southward
        rows = cells.groupby("row")["lon"]
        assert rows.apply(lambda lon: lon.is_monotonic_increasing).all()


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ("110101001001", "110101001001007"),
        ("110101001", "110101001000007"),
        ("W7", "W7-007"),
        ("1101", "1101-007"),
    ],
)
def test_cell_codes_of_any_area(area, expected):
    assert cell_code(area, 7) == expected
    parts = split_cell_codes(pd.Index([expected])).iloc[0]
    assert (parts["area_code"], parts["sequence"]) == (area, 7)


def test_few_codes_are_found_as_many_are():
    grid = grid_of(make_areas(3))
    codes = [
        *grid.codes[::7],
        "",
        "x",
        "110101001001",
        "110101001001000",
        "110101001001999",
        "-001",
    ]
    codes += ["1101-001", "一一0101001001001", "110101001001001\n", "a-b-001", None]
    many = grid.find_positions(pd.Index(codes * (FEW // len(codes) + 2), dtype="str"))
    assert (many[: len(codes)] >= 0).sum() == len(grid.codes[::7])
    few = np.concatenate([grid.find_positions(pd.Index([code], dtype="str")) for code in codes])
    assert (few == many[: len(codes)]).all()


@pytest.mark.parametrize("sequence", [0, -1, 1000])
def test_a_cell_number_beyond_three_digits_is_refused(sequence):
    with pytest.raises(GeodataError, match="expected 1 … 999"):
        cell_code("110101001001", sequence)


def test_large_areas_take_larger_squares():
    sides = np.array([2_900.0, 3_300.0, 9_000.0, 40_000.0])
    shapes = [shapely.box(0, 50_000 * k, s, 50_000 * k + s) for k, s in enumerate(sides)]
    grid = grid_of(to_degrees(shapes, ["1", "2", "3", "4"]))
    counts = grid.frame.groupby("area_code").agg(n=("cell_code", "size"), side=("side_m", "first"))
    assert (counts["n"] <= FRESH_SEQUENCE).all()
    assert (counts["n"] > 200).all()
    assert counts["side"].tolist() == sorted(counts["side"])
    assert counts["side"].iloc[0] == 100


def test_an_area_scattered_far_and_wide_keeps_its_table_small():
    shape = shapely.MultiPolygon([shapely.box(0, 0, 500, 500), shapely.box(9e4, 9e4, 9.1e4, 9.1e4)])
    grid = grid_of(to_degrees([shape], ["A"]), cell_m=10.0)
    assert len(grid.shapes.tables.cells) <= 4_000_000
    assert grid.area_m2.sum() == pytest.approx(shape.area, rel=1e-6)


def test_a_cell_depends_on_nothing_but_its_own_area():
    areas = make_areas(6, seed=2)
    whole, alone = grid_of(areas), grid_of(areas.iloc[[2]])
    own = whole.frame[whole.frame["area_code"] == areas["code"].iloc[2]]
    pd.testing.assert_frame_equal(own.reset_index(drop=True), alone.frame)


def move_border(areas, one, other, reach_m=150.0):
    """Give a band of area `one` to its neighbour `other`."""
    metric = areas.to_crs(METRIC_CRS).geometry.to_numpy()
    band = metric[one].intersection(metric[other].buffer(reach_m))
    shapes = metric.copy()
    shapes[one], shapes[other] = metric[one].difference(band), metric[other].union(band)
    return gpd.GeoDataFrame({"code": areas["code"]}, geometry=shapes, crs=METRIC_CRS).to_crs(4326)


def find_neighbours(areas):
    touching = shapely.STRtree(areas.geometry.to_numpy()).query(
        areas.geometry.to_numpy(), predicate="intersects"
    )
    return next((a, b) for a, b in touching.T if a < b)


def test_a_twelve_digit_code_that_ends_in_zeros_is_found_too():
    areas = make_areas(3).assign(code=["110101001001", "110101002000", "110101003"])
    first = grid_of(areas)
    assert (first.find_positions(first.codes) == np.arange(len(first))).all()
    again = grid_of(areas, previous=first)
    assert list(again.codes) == list(first.codes)
    assert again.retired.empty


def test_unchanged_cells_keep_code_and_first_day_and_retired_codes_never_return():
    areas = make_areas(5, seed=4)
    one, other = find_neighbours(areas)
    first = grid_of(areas, valid_from=date(2023, 1, 1))
    moved = move_border(areas, one, other)
    second = grid_of(moved, previous=first, valid_from=date(2024, 7, 1))
    third = grid_of(areas, previous=second, valid_from=date(2025, 7, 1))

    touched = set(areas["code"].iloc[[one, other]])
    kept = first.frame[~first.frame["area_code"].isin(touched)]
    pd.testing.assert_frame_equal(
        second.frame[~second.frame["area_code"].isin(touched)].reset_index(drop=True),
        kept.reset_index(drop=True),
        check_exact=False,
        atol=1e-6,
    )
    same = first.codes.intersection(second.codes)
    assert len(kept) < len(same) < len(first)
    before, after = (g.geometries(same).to_crs(METRIC_CRS).geometry for g in (first, second))
    assert shapely.area(shapely.symmetric_difference(before.values, after.values)).max() < 100
    retired = set(second.retired["cell_code"])
    assert retired == set(first.codes) - set(second.codes)
    assert retired
    assert (second.retired["valid_to"] == pd.Timestamp("2024-07-01")).all()
    fresh = second.frame[~second.codes.isin(first.codes)]
    assert (fresh["valid_from"] == pd.Timestamp("2024-07-01")).all()
    assert not retired & set(third.codes)
    assert set(third.retired["cell_code"]) >= retired
    assert third.codes.is_unique


def test_an_area_that_vanished_keeps_its_codes_used():
    areas = make_areas(4, seed=6)
    first = grid_of(areas)
    second = grid_of(areas.iloc[1:], previous=first)
    third = grid_of(areas, previous=second)
    gone = first.codes[first.frame["area_code"] == areas["code"].iloc[0]]
    assert set(second.retired["cell_code"]) == set(gone)
    assert not set(gone) & set(third.codes)


def test_an_area_out_of_numbers_is_an_error_that_says_so():
    def place(step):
        left = 37.0 * step
        return to_degrees([shapely.box(left, 0, left + 2_900, 2_900)], ["110101001001"])

    grid, seen = grid_of(place(0)), 0
    with pytest.raises(InvalidDataError, match="never used again"):
        for step in range(1, 400):
            grid = grid_of(place(step), previous=grid)
            seen = step
            assert grid.codes.is_unique
            assert not set(grid.codes) & set(grid.retired["cell_code"])
    assert seen > 2
    assert len(grid.retired) + len(grid) <= 999


def test_locate_gives_codes_and_nothing_outside():
    grid = grid_of(make_areas(3, seed=8))
    lon, lat = to_points([0.0, 1e6, np.nan], [0.0, 0.0, np.nan])
    lon[2] = np.nan
    found = grid.locate(lon, lat)
    assert found[0] in set(grid.codes)
    assert pd.isna(found[1:]).all()
    positions = grid.find_positions([found[0], "none", "110101001000999"])
    assert positions.tolist() == [grid.codes.get_loc(found[0]), -1, -1]


def test_drawn_cells_are_taken_as_they_are():
    cells = make_areas(8, seed=9).assign(code=[f"1101010010010{k:02d}" for k in range(8)])
    grid = Grid.from_cells(cells, key="code", metric_crs=METRIC_CRS)
    assert list(grid.codes) == sorted(cells["code"])
    assert set(grid.frame["area_code"]) == {"110101001001"}
    points = cells.geometry.representative_point()
    assert list(grid.locate(points.x, points.y)) == list(cells["code"])
    np.testing.assert_allclose(grid.area_m2, cells.to_crs(METRIC_CRS).area, rtol=1e-9)
    inside = grid.locate_in(np.zeros(8, dtype=np.int32), points.x, points.y)
    assert (inside >= 0).all()
    assert (grid.locate_in(np.full(8, 5, dtype=np.int32), points.x, points.y) == -1).all()


@pytest.mark.parametrize("drawn", [False, True])
def test_a_grid_comes_back_from_disk_as_it_was(tmp_path, drawn):
    areas = make_areas(4, seed=10)
    grid = Grid.from_cells(areas, key="code", metric_crs=METRIC_CRS) if drawn else grid_of(areas)
    save_grid(grid, tmp_path)
    back = load_grid(tmp_path)
    pd.testing.assert_frame_equal(back.frame, grid.frame)
    lon, lat = to_points(*np.random.default_rng(0).uniform(-1600, 1600, (2, 500)))
    assert (back.locate_positions(lon, lat) == grid.locate_positions(lon, lat)).all()
    assert back.geometries().geometry.geom_equals(grid.geometries().geometry).all()


def test_a_damaged_grid_folder_is_named(tmp_path):
    save_grid(grid_of(make_areas(2)), tmp_path)
    (tmp_path / "cell_area.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(GridFolderError, match="make the grid again"):
        load_grid(tmp_path)


AREAS = make_areas(3, seed=11)


@pytest.mark.parametrize(
    ("areas", "options", "message"),
    [
        (AREAS.drop(columns="code"), {}, "has no such column"),
        (AREAS.set_crs(None, allow_override=True), {}, "not in lon, lat"),
        (AREAS.to_crs(METRIC_CRS), {}, "not in lon, lat"),
        (AREAS.assign(code="1"), {}, "used before"),
        (AREAS.assign(geometry=shapely.Point(116, 40)), {}, "has Point"),
        (AREAS.assign(geometry=shapely.Polygon()), {}, "empty"),
        (AREAS, {"metric_crs": "EPSG:4326"}, "not projected"),
        (AREAS, {"cell_m": 0.0}, "side of a cell"),
        (AREAS, {"cell_m": float("nan")}, "side of a cell"),
        (
            AREAS.assign(code=["110101001", "110101001000", "3"]),
            {},
            "cells would have the same codes",
        ),
        (
            to_degrees([shapely.box(0, 0, 1e-4, 1e-4)], ["thin"]),
            {},
            "has no extent",
        ),
    ],
)
def test_bad_input_is_named(areas, options, message):
    with pytest.raises(GeodataError, match=message):
        make_grid(areas, **{"key": "code", "metric_crs": METRIC_CRS} | options)


def test_an_unknown_code_is_named():
    grid = grid_of(AREAS)
    with pytest.raises(GeodataError, match="not in force"):
        grid.geometries(["110101001000001", "X"])


@pytest.mark.parametrize(
    ("bounds", "crs"),
    [
        ((115.4, 39.4, 117.5, 41.1), "EPSG:4548"),
        ((-71.2, 42.2, -70.9, 42.4), "EPSG:26986"),
        ((174.0, -42.0, 176.0, -40.0), "EPSG:2193"),
    ],
)
def test_the_fast_projection_stays_within_its_stated_error(bounds, crs):
    projection = make_fast_projection(bounds, crs)
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(bounds[:2], bounds[2:], (20_000, 2)).T
    off = np.subtract(projection.project(lon, lat), to_metric(lon, lat, crs))
    assert np.hypot(*off).max() <= projection.error_m < 1e-3


def test_a_ring_that_touches_itself_is_one_area():
    ring = [(0, 0), (600, 0), (300, 300), (600, 600), (0, 600), (0, 450), (300, 300), (0, 150)]
    for corners in (ring, ring[::-1]):
        area = to_degrees([shapely.Polygon(corners)], ["A"])
        grid = grid_of(area)
        assert grid.area_m2.sum() == pytest.approx(shapely.Polygon(corners).area, rel=1e-6)
        assert grid.geometries().is_valid.all()


@pytest.mark.real
@pytest.mark.skipif(not DONGCHENG.exists(), reason="needs Dongcheng's streets beside the checkout")
def test_real_streets_point_by_point():
    areas = gpd.read_file(DONGCHENG)
    areas["code"] = [f"110101{k:03d}" for k in range(1, len(areas) + 1)]
    grid = grid_of(areas)
    assert grid.area_m2.sum() == pytest.approx(areas.to_crs(METRIC_CRS).area.sum(), rel=1e-6)
    west, south, east, north = areas.total_bounds
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(west, east, 100_000), rng.uniform(south, north, 100_000)
    at, point, cell = check_against_geometry(grid, lon, lat)
    assert (at[point] == cell).mean() > 0.9999  # the layer overlaps itself by some m²
    assert (cell[at[point] != cell] > at[point][at[point] != cell]).all()
