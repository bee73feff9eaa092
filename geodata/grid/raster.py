"""Point → cell without asking for the area: a raster of lattice squares that lie in one cell.

Most points lie in a lattice square that no border comes near. Such a square is *sure*: it belongs to one
area, whose table names one unit cell for it, or to none. Points in sure squares need the projection and one
look-up; a square near a border has quarters of a side that may be sure, one look-up more. The others, and
points close to a lattice line, are located by their area first. So both ways give the same answer for every
point.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.areas import AreaIndex, locate_points
from geodata.grid.index import LatticeTables, locate_squares
from geodata.grid.projection import project_into
from geodata.kernels import DEFAULT_THREADS, inner_kernel, kernel, share_work

FloatArray = npt.NDArray[np.float64]
PositionArray = npt.NDArray[np.int32]

UNSURE = -2
LEAF = 4
"""Parts along the side of a square that is not sure as a whole."""
PASS = 4_096  # points: what lies between the passes stays in the nearest caches


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
        int32, shape (rows * columns + 1,): the position of the cell, -1 for no area, or
        ``UNSURE - leaf``; at the end stands :data:`UNSURE`.
    leaves
        int32, shape (leaves * LEAF²,): the same for the parts of a square, row by row; those of leaf 0 are
        all :data:`UNSURE`.
    """

    frame: tuple[float, float, float, float, float, float, float, float]
    shape: tuple[int, int]
    values: PositionArray
    leaves: PositionArray

    @property
    def compiled(self) -> tuple[Any, ...]:
        """What kernels take."""
        values, leaves = self.values.view(), self.leaves.view()
        values.flags.writeable = leaves.flags.writeable = False  # one type, compiled once
        return tuple(map(float, self.frame)), tuple(map(int, self.shape)), values, leaves


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


@inner_kernel  # pragma: no cover - compiled
def _read_squares(points, metres, raster, places, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Write the value of each point's square, :data:`UNSURE` beside lattice lines and outside."""
    lon, lat = points
    x, y = metres
    frame, shape, values, _ = raster
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


@inner_kernel  # pragma: no cover - compiled
def _read_leaves(metres, raster, places, values, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Write the value of the part of its square of each point whose square has no cell.

    Points that stay unsure are listed in `places`; returns how many there are. `values` is working space.
    Loops of one kind of work each and without branches: whether a border is near cannot be foretold.
    """
    x, y = metres
    per_metre, leaves = raster[0][4], raster[3]
    side, unsure = np.int32(LEAF), np.int32(UNSURE)
    waiting = count = 0
    for i in range(out.size):
        places[np.uintp(waiting)] = i
        waiting += out[i] <= unsure
    for k in range(waiting):
        at = np.uintp(places[k])
        u, v = x[at] * per_metre, -y[at] * per_metre
        column, row = np.int32((u - np.floor(u)) * LEAF), np.int32((v - np.floor(v)) * LEAF)
        leaf = unsure - out[at]
        # Leaf 0 also has the points that are not finite, which have no row and column.
        values[k] = (leaf * side + row) * side + column if leaf > 0 else np.int32(0)
    for k in range(waiting):
        values[k] = leaves[np.uintp(values[k])]
    for k in range(waiting):
        place = places[k]
        out[np.uintp(place)] = values[k]
        places[np.uintp(count)] = place
        count += values[k] == unsure
    return count


@kernel  # pragma: no cover - compiled
def _locate_many(points, raster, index, tables, answers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
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
        count = _read_leaves(metres, raster, places, found, here)
        for k in range(count):  # from here on only what is not sure, side by side
            x[k], y[k] = part[0][places[k]], part[1][places[k]]
        locate_points(x[:count], y[:count], areas[:count], index)
        some = (areas[:count], x[:count], y[:count])
        locate_squares(some, tables, (found[:count], vague[:count]))
        for k in range(count):
            here[places[k]] = found[k]
            doubt[start + places[k]] = vague[k]
