"""Point → cell without asking for the area: a raster of lattice squares that lie in one cell.

Most points lie in a lattice square that no border comes near. Such a square is *sure*: all cells of the
area index that it touches belong to one area, whose table names one unit cell for it. Points in sure
squares need the projection and one look-up; the others, and those close to a lattice line, are
located by their area first. So both ways give the same answer for every point.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from geodata.crs import from_metric
from geodata.grid_index import LatticeTables, locate_squares
from geodata.grid_projection import project_into
from geodata.jurisdiction import DEFAULT_THREADS, AreaIndex, share_work
from geodata.jurisdiction_edges import to_cell
from geodata.jurisdiction_kernels import (
    LEAF_MASK,
    LEAF_SHIFT,
    SCALE_X,
    SCALE_Y,
    X0,
    X1,
    Y0,
    Y1,
    locate_points,
)

FloatArray = npt.NDArray[np.float64]
PositionArray = npt.NDArray[np.int32]

UNSURE = -2
PASS = 4_096  # points: what lies between the passes stays in the nearest caches
STEP = (
    16  # lattice squares between nodes whose degrees PROJ gives; between them they are interpolated
)
MOST_SQUARES = 1 << 23  # 32 MB; a larger region is located by its areas
PAD_FACTOR = (
    2.0  # on the largest error of the interpolation that was seen in the middle between nodes
)


@dataclass(frozen=True, kw_only=True, eq=False)
class CellRaster:
    """Sure squares of a lattice.

    Attributes
    ----------
    frame
        ``(west, south, east, north)`` in degrees, then squares a metre, the share of a square's side
        beside a lattice line that is not sure, and the lattice row and column of the first square.
    shape
        Rows and columns.
    values
        int32, shape (rows * columns + 1,): the position of the cell, or :data:`UNSURE`, which also stands
        at the end.
    """

    frame: tuple[float, float, float, float, float, float, float, float]
    shape: tuple[int, int]
    values: PositionArray

    @property
    def compiled(self) -> tuple[Any, ...]:
        """What kernels take."""
        values = self.values.view()
        values.flags.writeable = False  # one type for the kernels, compiled once
        return tuple(map(float, self.frame)), tuple(map(int, self.shape)), values


def make_raster(index: AreaIndex, tables: LatticeTables, cell_m: float) -> CellRaster:
    """Return the sure squares of a grid; none where the region has more than :data:`MOST_SQUARES`."""
    factor = np.rint(tables.side_m / cell_m).astype(np.int64)
    first_row, first_column = (tables.top * factor).min(), (tables.left * factor).min()
    rows = int(((tables.top + tables.rows) * factor).max() - first_row)
    columns = int(((tables.left + tables.columns) * factor).max() - first_column)
    if rows * columns > MOST_SQUARES:
        rows = columns = 0
    nodes = _project_nodes(tables, cell_m, (first_row, first_column), (rows, columns))
    if not np.isfinite(nodes).all():
        rows = columns = 0
    values = np.full(rows * columns + 1, UNSURE, dtype=np.int32)
    bands = list(pairwise(np.linspace(0, rows, 8 * DEFAULT_THREADS + 1).astype(int).tolist()))
    place = (int(first_row), int(first_column), columns)
    table = (tables.top, tables.left, tables.rows, tables.columns, tables.starts, factor)
    pad = _measure_pad(nodes)

    def work(band: tuple[int, int]) -> None:
        _fill_rows(band, place, (nodes, pad), index.compiled, (*table, tables.cells), values)

    with ThreadPoolExecutor(DEFAULT_THREADS) as pool:
        list(pool.map(work, bands))
    west, south, east, north = index.compiled.grid[:4]
    near = float(tables.tolerance_m.max(initial=0.0) / cell_m)
    frame = (west, south, east, north, 1 / cell_m, near, float(first_row), float(first_column))
    return CellRaster(frame=frame, shape=(rows, columns), values=values)


def locate_cells(
    raster: CellRaster, index: AreaIndex, tables: LatticeTables, points: tuple[FloatArray, ...]
) -> PositionArray:
    """Return the cell position of each point, int32, -1 = in no area.

    Parameters
    ----------
    raster, index, tables
        Of one grid.
    points
        Degrees EPSG:4326, lon and lat, each contiguous and of shape (n,).
    """
    lon, lat = points
    out = np.empty(len(lon), dtype=np.int32)
    doubt = np.zeros(len(lon), dtype=np.bool_)

    def work(part: slice) -> None:
        _locate_many(
            (lon[part], lat[part]),
            raster.compiled,
            index.compiled,
            tables.compiled,
            (out[part], doubt[part]),
        )

    share_work(work, len(lon), DEFAULT_THREADS)
    unsure = np.flatnonzero(doubt)
    if len(unsure):
        x, y = lon[unsure], lat[unsure]
        out[unsure] = tables.decide(index.locate_positions(x, y), x, y)
    return out


def _project_nodes(
    tables: LatticeTables, cell_m: float, first: tuple[int, int], shape: tuple[int, int]
) -> FloatArray:
    """Return lon, lat of every :data:`STEP`-th lattice node, shape (rows, columns, 2)."""
    row = (first[0] + np.arange(0, shape[0] + STEP + 1, STEP)) * cell_m
    column = (first[1] + np.arange(0, shape[1] + STEP + 1, STEP)) * cell_m
    x, y = np.meshgrid(column, -row)
    lon, lat = from_metric(x.ravel(), y.ravel(), tables.projection.metric_crs)
    return np.stack([lon, lat], axis=-1).reshape(*x.shape, 2)


def _measure_pad(nodes: FloatArray) -> FloatArray:
    """Return by how many degrees the interpolation between nodes may be off, shape (2,).

    The second differences between neighbours are eight times the error in the middle of a smooth curve;
    along both axes and across, the sum of the largest bounds it.
    """
    pad = np.full(2, 1e-12)
    for axis in (0, 1):
        if nodes.shape[axis] > 2:
            pad += np.abs(np.diff(nodes, n=2, axis=axis)).max(axis=(0, 1)) / 8
    return PAD_FACTOR * pad


@njit(cache=True)  # pragma: no cover - compiled
def _find_only_area(box, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the area that has all cells of the area index in a box, -1 for none, -2 for no such area."""
    grid, side = index.grid, index.side
    if not (
        box[0] >= grid[X0] and box[1] >= grid[Y0] and box[2] <= grid[X1] and box[3] <= grid[Y1]
    ):
        return UNSURE
    first = to_cell(box[0], grid[X0], grid[SCALE_X], side)
    last = to_cell(box[2], grid[X0], grid[SCALE_X], side)
    low = to_cell(box[1], grid[Y0], grid[SCALE_Y], side)
    high = to_cell(box[3], grid[Y0], grid[SCALE_Y], side)
    across = side >> LEAF_SHIFT
    only = UNSURE
    for row in range(low, high + 1):
        column = first
        while column <= last:
            head = index.top[(row >> LEAF_SHIFT) * across + (column >> LEAF_SHIFT)]
            local = ((row & LEAF_MASK) << LEAF_SHIFT) | (column & LEAF_MASK)
            value = index.cells[(head >> 1) + (local & -(head & 1))]
            only = value if only == UNSURE else only
            if value < -1 or value != only:
                return UNSURE
            column = column + 1 if head & 1 else (column | LEAF_MASK) + 1
    return only


@njit(cache=True)  # pragma: no cover - compiled
def _bound_square(row, column, nodes, pad):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return west, south, east, north of a square, in degrees, padded."""
    west = south = np.inf
    east = north = -np.inf
    for corner in range(4):
        r, c = row + (corner >> 1), column + (corner & 1)
        i, j = r // STEP, c // STEP
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


@njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _fill_rows(band, place, grid, index, tables, values):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write the sure squares of some rows."""
    nodes, pad = grid
    top, left, rows, columns, starts, factor, cells = tables
    for row in range(band[0], band[1]):
        for column in range(place[2]):
            area = _find_only_area(_bound_square(row, column, nodes, pad), index)
            if area < 0:
                continue
            r = (place[0] + row) // factor[area] - top[area]
            c = (place[1] + column) // factor[area] - left[area]
            if 0 <= r < rows[area] and 0 <= c < columns[area]:
                found = cells[starts[area] + r * columns[area] + c]
                if found >= 0:
                    values[row * place[2] + column] = found


@njit(cache=True)  # pragma: no cover - compiled
def _read_squares(points, metres, raster, places, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write the value of each point's square, :data:`UNSURE` beside lattice lines and outside."""
    lon, lat = points
    x, y = metres
    frame, shape, values = raster
    west, south, east, north, per_metre, near, first_row, first_column = frame
    rows, columns, last = float(shape[0]), float(shape[1]), float(shape[0] * shape[1])
    for i in range(lon.size):
        u, v = x[i] * per_metre, -y[i] * per_metre
        column, row = np.floor(u), np.floor(v)
        du, dv = u - column, v - row
        column, row = column - first_column, row - first_row
        sure = (lon[i] >= west) & (lon[i] <= east) & (lat[i] >= south) & (lat[i] <= north)
        sure &= min(du, dv, 1 - max(du, dv)) > near
        sure &= (column >= 0.0) & (column < columns) & (row >= 0.0) & (row < rows)
        places[i] = np.int32(row * columns + column if sure else last)
    for i in range(lon.size):
        out[i] = values[np.uintp(places[i])]


@njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _locate_many(points, raster, index, tables, answers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill cells of points and mark those that the tables leave in doubt."""
    lon, lat = points
    out, doubt = answers
    size = min(PASS, lon.size)
    x, y, places = np.empty(size), np.empty(size), np.empty(size, dtype=np.int32)
    areas, found = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    vague = np.empty(size, dtype=np.bool_)
    for start in range(0, lon.size, PASS):
        stop = min(start + PASS, lon.size)
        part = (lon[start:stop], lat[start:stop])
        here = out[start:stop]
        metres = (x[: here.size], y[: here.size])
        project_into(part, tables[2], metres)
        _read_squares(part, metres, raster, places, here)
        count = 0
        for i in range(here.size):  # from here on only what is not sure, side by side
            places[count] = i
            count += here[i] == UNSURE
        for k in range(count):
            x[k], y[k] = part[0][places[k]], part[1][places[k]]
        locate_points(x[:count], y[:count], areas[:count], index)
        some = (areas[:count], x[:count], y[:count])
        locate_squares(some, tables, (found[:count], vague[:count]))
        for k in range(count):
            here[places[k]] = found[k]
            doubt[start + places[k]] = vague[k]
