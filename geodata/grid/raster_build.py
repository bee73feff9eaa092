"""The making of the raster by which points find their cells (``grid.raster``): which squares are sure.

A square is *sure* if all cells of the area index that it touches belong to one area, or to none. Of the
squares that a border comes near, each quarter of a side is asked the same again. The corners of squares in
degrees are interpolated between lattice nodes that PROJ gives, and every square is widened by more than
that can be off.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.areas import AreaIndex, find_only_area
from geodata.crs import from_metric
from geodata.grid.index import LatticeTables
from geodata.grid.raster import LEAF, UNSURE, CellRaster
from geodata.kernels import DEFAULT_THREADS, inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]

STEP = (
    16  # lattice squares between nodes whose degrees PROJ gives; between them they are interpolated
)
MOST_SQUARES = 1 << 23  # 32 MB; a larger region is located by its areas
MOST_LEAVES = 1 << 20  # 64 MB; with more squares near borders, these are located by their areas
PAD_FACTOR = (
    2.0  # on the largest error of the interpolation that was seen in the middle between nodes
)


def make_raster(index: AreaIndex, tables: LatticeTables, cell_m: float) -> CellRaster:
    """Return the sure squares of a grid; none where the region has more than :data:`MOST_SQUARES`."""
    factor = np.rint(tables.side_m / cell_m).astype(np.int64)
    first_row, first_column = int((tables.top * factor).min()), int((tables.left * factor).min())
    rows = int(((tables.top + tables.rows) * factor).max() - first_row)
    columns = int(((tables.left + tables.columns) * factor).max() - first_column)
    if rows * columns > MOST_SQUARES:
        rows = columns = 0
    nodes = _project_nodes(tables, cell_m, (first_row, first_column), (rows, columns))
    if not np.isfinite(nodes).all():
        rows = columns = 0
    place = (first_row, first_column, columns)
    table = (tables.top, tables.left, tables.rows, tables.columns, tables.starts, factor)
    grid = (nodes, _measure_pad(nodes, tables.projection.error_m / cell_m))
    facts: tuple[Any, ...] = (place, grid, index.compiled, (*table, tables.cells))
    values = np.full(rows * columns + 1, UNSURE, dtype=np.int32)
    _share(rows, lambda band: _fill_rows(band, facts, values))
    leaves = _make_leaves(values, facts)
    west, south, east, north = index.compiled.grid[:4]
    near = float(tables.tolerance_m.max(initial=0.0) / cell_m)
    frame = (west, south, east, north, 1 / cell_m, near, float(first_row), float(first_column))
    return CellRaster(frame=frame, shape=(rows, columns), values=values, leaves=leaves)


def _make_leaves(values: npt.NDArray[np.int32], facts: tuple[Any, ...]) -> npt.NDArray[np.int32]:
    """Return the parts of squares that are not sure as a whole, and number these squares in `values`."""
    unsure = np.flatnonzero(values[:-1] == UNSURE)
    if len(unsure) > MOST_LEAVES:
        unsure = unsure[:0]
    leaves = np.full((1 + len(unsure), LEAF * LEAF), UNSURE, dtype=np.int32)
    _share(len(unsure), lambda band: _fill_leaves(band, unsure, facts, leaves[1:]))
    known = np.flatnonzero((leaves[1:] != UNSURE).any(axis=1))
    values[unsure[known]] = UNSURE - 1 - np.arange(len(known), dtype=np.int32)
    return leaves[np.r_[0, 1 + known]].ravel()


def _share(count: int, work: Callable[[tuple[int, int]], None]) -> None:
    """Run `work` on bands of ``range(count)``, side by side."""
    bands = list(pairwise(np.linspace(0, count, 8 * DEFAULT_THREADS + 1).astype(int).tolist()))
    with ThreadPoolExecutor(DEFAULT_THREADS) as pool:
        list(pool.map(work, bands))


def _project_nodes(
    tables: LatticeTables, cell_m: float, first: tuple[int, int], shape: tuple[int, int]
) -> FloatArray:
    """Return lon, lat of every :data:`STEP`-th lattice node, shape (rows, columns, 2)."""
    row = (first[0] + np.arange(0, shape[0] + STEP + 1, STEP)) * cell_m
    column = (first[1] + np.arange(0, shape[1] + STEP + 1, STEP)) * cell_m
    x, y = np.meshgrid(column, -row)
    lon, lat = from_metric(x.ravel(), y.ravel(), tables.projection.metric_crs)
    return np.stack([lon, lat], axis=-1).reshape(*x.shape, 2)


def _measure_pad(nodes: FloatArray, error: float) -> FloatArray:
    """Return by how many degrees a point may be off its square, shape (2,).

    The second differences between neighbours are eight times the error of the interpolation in the middle
    of a smooth curve; along both axes and across, the sum of the largest bounds it. To it comes the error
    of the projection by which points find their square, in sides of a square.
    """
    pad = np.full(2, 1e-12)
    for axis in (0, 1):
        if nodes.shape[axis] > 2:
            pad += np.abs(np.diff(nodes, n=2, axis=axis)).max(axis=(0, 1)) / 8
        if nodes.shape[axis] > 1:
            pad += np.abs(np.diff(nodes, axis=axis)).max(axis=(0, 1)) * (error / STEP)
    return PAD_FACTOR * pad


@inner_kernel  # pragma: no cover - compiled
def _bound_square(row, column, side, grid):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Return west, south, east, north of a square, in degrees, padded; rows and columns may be fractions."""
    nodes, pad = grid
    west = south = np.inf
    east = north = -np.inf
    for corner in range(4):
        r, c = row + (corner >> 1) * side, column + (corner & 1) * side
        i, j = int(r) // STEP, int(c) // STEP
        v, u = (r - i * STEP) / STEP, (c - j * STEP) / STEP
        for axis in range(2):
            upper = nodes[i, j, axis] * (1 - u) + nodes[i, j + 1, axis] * u
            lower = nodes[i + 1, j, axis] * (1 - u) + nodes[i + 1, j + 1, axis] * u
            at = upper * (1 - v) + lower * v
            if axis == 0:
                west, east = min(west, at - pad[0]), max(east, at + pad[0])
            else:
                south, north = min(south, at - pad[1]), max(north, at + pad[1])
    return west, south, east, north


@inner_kernel  # pragma: no cover - compiled
def _find_only_cell(row, column, area, place, tables):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Return the cell of a square of which all belongs to one area; :data:`UNSURE` where it has no land."""
    top, left, rows, columns, starts, factor, cells = tables
    if area < 0:
        return area  # in no area, or not sure
    r = (place[0] + row) // factor[area] - top[area]
    c = (place[1] + column) // factor[area] - left[area]
    if 0 <= r < rows[area] and 0 <= c < columns[area]:
        found = cells[starts[area] + r * columns[area] + c]
        if found >= 0:
            return np.int64(found)
    return UNSURE


@kernel  # pragma: no cover - compiled
def _fill_rows(band, facts, values):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Write the sure squares of some rows."""
    place, grid, index, tables = facts
    for row in range(band[0], band[1]):
        for column in range(place[2]):
            area = find_only_area(_bound_square(float(row), float(column), 1.0, grid), index)
            found = _find_only_cell(row, column, area, place, tables)
            values[row * place[2] + column] = found


@kernel  # pragma: no cover - compiled
def _fill_leaves(band, unsure, facts, leaves):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Write the sure parts of some squares that are not sure as a whole."""
    place, grid, index, tables = facts
    side = 1.0 / LEAF
    for k in range(band[0], band[1]):
        row, column = unsure[k] // place[2], unsure[k] % place[2]
        for part in range(LEAF * LEAF):
            down, right = (part // LEAF) * side, (part % LEAF) * side
            area = find_only_area(_bound_square(row + down, column + right, side, grid), index)
            found = _find_only_cell(row, column, area, place, tables)
            leaves[k, part] = found
