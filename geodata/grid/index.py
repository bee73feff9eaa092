"""Point and area → cell: a table look-up per point, doubtful points decided by the cell's own edges.

A cell's sides are straight in lon, lat between lattice nodes that PROJ gives; the fast projection sees
them straight in metres. The two differ by less than ``tolerance_m``; only points that close to a
lattice line (a few in a hundred thousand) are judged again by the side itself, so the answer is the
cell whose geometry holds the point. Ties: a point on a lattice line belongs to the square north or west
of it, the earlier one in the sequence.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.crs import from_metric, to_metric
from geodata.grid.lattice import DECIMALS, NO_CELL
from geodata.grid.projection import FastProjection, project_into
from geodata.kernels import DEFAULT_THREADS, inner_kernel, kernel, share_work

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
PositionArray = npt.NDArray[np.int32]

PASS = 2_048
"""Points of one pass: what lies between the passes stays in the first cache."""
SAG_MARGIN = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LatticeTables:
    """Tables of all areas of a grid, one after the other.

    Attributes
    ----------
    side_m
        Side of a lattice square of each area, metres, shape (areas,).
    top, left
        Lattice row (southward) and column (eastward) of the table's first square; lattice row ``r``
        spans ``-r * side … -(r + 1) * side`` of the metric northing. int64, shape (areas,).
    rows, columns
        Shape of each area's table, int64.
    starts
        Offset of each area's table in :attr:`cells`, int64, shape (areas + 1,).
    cells
        Position of the cell of every square, int32; -1 = no land, ``-2 - position`` = no land, but the
        cell beside it.
    projection
        Degrees to metres.
    tolerance_m
        Distance to a lattice line below which the fast projection does not decide, shape (areas,).
    """

    side_m: FloatArray
    top: IntArray
    left: IntArray
    rows: IntArray
    columns: IntArray
    starts: IntArray
    cells: PositionArray
    projection: FastProjection
    tolerance_m: FloatArray

    def locate(self, areas: PositionArray, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell position of points whose area is known.

        Parameters
        ----------
        areas
            Position of the area of each point, int32, -1 = none, shape (n,).
        lon, lat
            Degrees EPSG:4326, shape (n,).
        """
        areas = np.ascontiguousarray(areas, dtype=np.int32).view()
        areas.flags.writeable = False  # one type for the kernel, compiled once
        out = np.empty(len(areas), dtype=np.int32)
        doubt = np.zeros(len(areas), dtype=np.bool_)

        def work(part: slice) -> None:
            points = (areas[part], lon[part], lat[part])
            locate_squares(points, self.compiled, (out[part], doubt[part]))

        share_work(work, len(areas), DEFAULT_THREADS)
        unsure = np.flatnonzero(doubt)
        if len(unsure):
            out[unsure] = self.decide(areas[unsure], lon[unsure], lat[unsure])
        return out

    @cached_property
    def compiled(self) -> tuple[Any, ...]:
        """What kernels take: of each area one row of 64 bytes, one line of the cache; cells; projection."""
        columns = [1 / self.side_m, self.tolerance_m / self.side_m, self.top, self.left]
        columns += [self.rows - 1, self.columns - 1, self.columns, self.starts[:-1]]
        lines, cells = np.column_stack(columns).astype(np.float64), self.cells.view()
        lines.flags.writeable = cells.flags.writeable = False  # one type, compiled once
        return lines, cells, self.projection.compiled

    def nodes(self, areas: PositionArray, row: IntArray, column: IntArray) -> FloatArray:
        """Return lon, lat of the upper left corners of lattice squares, shape (…, 2)."""
        side = self.side_m[areas]
        metric_crs = self.projection.metric_crs
        return np.stack(from_metric(column * side, -row * side, metric_crs), axis=-1)

    def decide(self, areas: PositionArray, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cells of points beside a lattice line, by the sides between the nodes.

        Takes and gives what :meth:`locate` does, but every point must lie in an area.
        """
        x, y = to_metric(lon, lat, self.projection.metric_crs)
        side = self.side_m[areas]
        column = np.floor(x / side).astype(np.int64)
        line = np.rint(-y / side).astype(np.int64)
        west_end = self.nodes(areas, line, column)
        east_end = self.nodes(areas, line, column + 1)
        far = np.abs(-y / side - line) * side > self.tolerance_m[areas]
        above = _left_of(lon, lat, west_end, east_end) >= 0
        row = np.where(far, np.floor(-y / side).astype(np.int64), np.where(above, line - 1, line))
        line = np.rint(x / side).astype(np.int64)
        north_end = self.nodes(areas, row, line)
        south_end = self.nodes(areas, row + 1, line)
        far = np.abs(x / side - line) * side > self.tolerance_m[areas]
        beyond = _left_of(lon, lat, north_end, south_end) > 0
        column = np.where(far, column, np.where(beyond, line, line - 1))
        found = self._look_up(areas, row, column)
        empty = np.flatnonzero(found < NO_CELL)
        if len(empty):
            u, v = (x / side)[empty], (-y / side)[empty]
            found[empty] = self._find_nearest(areas[empty], row[empty], column[empty], place=(u, v))
        return found

    def _find_nearest(
        self,
        areas: PositionArray,
        row: IntArray,
        column: IntArray,
        *,
        place: tuple[FloatArray, FloatArray],
    ) -> PositionArray:
        """Return the cell of the nearest square with land, of equal ones the first in sequence.

        For points on the border of their area whose own square has no land but for rounding.
        """
        u, v = place
        best = self._look_up(areas, row, column)
        best = np.where(best < NO_CELL, -2 - best, best)
        nearest = np.full(len(areas), np.inf)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                found = self._look_up(areas, row + down, column + right)
                apart = np.hypot(_gap(v, row + down), _gap(u, column + right)).round(DECIMALS)
                closer = (found >= 0) & (apart < nearest)
                best, nearest = np.where(closer, found, best), np.where(closer, apart, nearest)
        return best.astype(np.int32)

    def _look_up(self, areas: PositionArray, row: IntArray, column: IntArray) -> PositionArray:
        row = np.clip(row - self.top[areas], 0, self.rows[areas] - 1)
        column = np.clip(column - self.left[areas], 0, self.columns[areas] - 1)
        return self.cells[self.starts[areas] + row * self.columns[areas] + column]


def _gap(at: FloatArray, start: IntArray) -> FloatArray:
    """Return how far `at` is from the unit interval that begins at `start`."""
    return np.maximum(np.maximum(start - at, at - start - 1), 0.0)


def measure_tolerance_m(side_m: FloatArray, projection: FastProjection) -> FloatArray:
    """Return how far fast projection and straight sides in lon, lat can differ, per side length.

    A side that is straight in degrees is a shallow arc in metres, its sagitta grows with the square of
    its length; the factor is measured with PROJ at nine places of the region and doubled.
    """
    west, south, _, _, half_width, half_height = projection.frame
    columns, rows = projection.shape
    lon = west + half_width * columns * np.array([0.0, 1, 2])
    lat = south + half_height * rows * np.array([0.0, 1, 2])
    x, y = projection.project(*(array.ravel() for array in np.meshgrid(lon, lat)))
    longest = max(float(side_m.max()), 1_000.0)
    sagitta = 0.0
    for dx, dy in ((longest, 0.0), (0.0, longest)):
        ends = [
            np.stack(from_metric(x + s * dx, y + s * dy, projection.metric_crs)) for s in (0, 1)
        ]
        lon_middle, lat_middle = (ends[0] + ends[1]) / 2
        middle = to_metric(lon_middle, lat_middle, projection.metric_crs)
        off = np.hypot(middle[0] - x - dx / 2, middle[1] - y - dy / 2)
        sagitta = max(sagitta, float(np.nanmax(off)))
    return SAG_MARGIN * sagitta * (side_m / longest) ** 2 + projection.error_m


def _left_of(lon: FloatArray, lat: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return a positive number left of the line start → end, negative right of it, 0 on it."""
    along = end - start
    return along[:, 0] * (lat - start[:, 1]) - along[:, 1] * (lon - start[:, 0])


@inner_kernel  # pragma: no cover - compiled
def _find_places(areas, metres, lines, places, doubt):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Write where each point's square stands in the tables, and whether it is too close to a line."""
    x, y = metres
    for i in range(areas.size):
        known = areas[i] >= 0
        line = np.uintp(areas[i] if known else 0)
        u, v = x[i] * lines[line, 0], -y[i] * lines[line, 0]
        column, row = np.floor(u), np.floor(v)
        du, dv = u - column, v - row
        r = min(max(row - lines[line, 2], 0.0), lines[line, 4])
        c = min(max(column - lines[line, 3], 0.0), lines[line, 5])
        place = lines[line, 7] + r * lines[line, 6] + c
        places[i] = np.int64(place if known else 0.0)
        doubt[i] = known & (min(du, dv, 1 - max(du, dv)) <= lines[line, 1])


@kernel  # pragma: no cover - compiled
def locate_squares(points, tables, answers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled: its types are its callers' arrays
    """Fill cells of points and mark those too close to a lattice line, or on a square without land.

    In passes over a few points, each of one kind of work: arithmetic for several points at a time, then
    reads that do not wait for each other.

    Parameters
    ----------
    points
        Position of the area, -1 = none, lon, lat, each of shape (n,).
    tables
        :attr:`LatticeTables.compiled`.
    answers
        Where cell positions (int32) and doubts (bool) go, each of shape (n,).
    """
    areas, lon, lat = points
    lines, cells, projection = tables
    out, doubt = answers
    size = min(PASS, areas.size)
    x, y, places = np.empty(size), np.empty(size), np.empty(size, dtype=np.int64)
    for start in range(0, areas.size, PASS):
        stop = min(start + PASS, areas.size)
        part, unsure = areas[start:stop], doubt[start:stop]
        metres = (x[: part.size], y[: part.size])
        project_into((lon[start:stop], lat[start:stop]), projection, metres)
        _find_places(part, metres, lines, places, unsure)
        for i in range(part.size):
            found = cells[np.uintp(places[i])]
            out[start + i] = found if part[i] >= 0 else NO_CELL
            unsure[i] |= (part[i] >= 0) & (found < NO_CELL)
