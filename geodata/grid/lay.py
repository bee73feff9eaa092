"""From areas to the cells of a lattice grid: one area after the other, nothing clipped."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geodata.errors import InvalidDataError
from geodata.grid.codes import FRESH_SEQUENCE, LAST_SEQUENCE, make_cell_prefix, number_cells
from geodata.grid.index import LatticeTables, PositionArray, measure_tolerance_m
from geodata.grid.lattice import LatticeCells, make_lattice_cells
from geodata.grid.projection import FastProjection
from geodata.problems import Problem

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
DateArray = npt.NDArray[np.datetime64]

LONGEST_EDGE_DEG = 0.005
"""Longer edges get vertices before they are projected: 500 m straight in degrees bend by 4 mm."""
MOST_SQUARES = 4_000_000
"""Squares in the table of one area; an area scattered over islands takes larger squares instead."""
SAME_SHARE = 0.01
"""A cell is the same as before while its area changed by less than this share of a full square …"""
SAME_SHIFT = 0.01
"""… and its centroid moved by less than this share of a side (ours: 100 m² and 1 m at 1 ha)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AreaHistory:
    """What an area's cells were before.

    Attributes
    ----------
    factor
        Side of its squares in cell sides, 0 where the earlier grid is no lattice like the new one.
    used
        Every sequence number it ever gave away.
    row, column, sequence, area_m2, x, y, valid_from
        Its cells in force, one entry each.
    """

    factor: int
    used: IntArray
    row: IntArray
    column: IntArray
    sequence: IntArray
    area_m2: FloatArray
    x: FloatArray
    y: FloatArray
    valid_from: DateArray


@dataclass(frozen=True, kw_only=True, eq=False)
class CellArrays:
    """Cells of a grid, areas in order of their codes; all arrays have shape (cells,).

    Attributes
    ----------
    area
        Position of the area, int32.
    row, column
        Lattice row (southward) and column (eastward) of the cell's largest piece, in squares of
        `side_m` counted from the origin of the metric system, int32.
    sequence
        Number in the area, 1 … 999, int16.
    area_m2, x, y
        Area and centroid in the metric system.
    whole
        One square that no border touches.
    valid_from
        datetime64[D], NaT = since ever.
    """

    area: PositionArray
    row: npt.NDArray[np.int32]
    column: npt.NDArray[np.int32]
    sequence: npt.NDArray[np.int16]
    area_m2: FloatArray
    x: FloatArray
    y: FloatArray
    whole: npt.NDArray[np.bool_]
    valid_from: DateArray


@dataclass(frozen=True, kw_only=True, eq=False)
class _AreaLattice:
    factor: int
    top: int
    left: int
    cells: LatticeCells
    sequence: IntArray
    valid_from: DateArray


@dataclass(frozen=True, kw_only=True, eq=False)
class AreaRings:
    """Rings of one area: vertices ``x y`` in metres, shape (m,), and the offset of each ring, the total last."""

    x: FloatArray
    y: FloatArray
    starts: IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricRings:
    """Rings of areas in metres: exteriors counterclockwise, holes clockwise.

    Attributes
    ----------
    x, y
        Vertices in metres, shape (m,).
    degrees
        The same in lon, lat, shape (m, 2).
    starts
        Offset of each ring, the total last, shape (rings + 1,).
    area_rings
        Offset of each area's first ring in `starts`, the number of rings last, shape (areas + 1,).
    """

    x: FloatArray
    y: FloatArray
    degrees: FloatArray
    starts: IntArray
    area_rings: IntArray

    def of_area(self, area: int) -> AreaRings:
        """Return the rings of one area."""
        starts = self.starts[self.area_rings[area] : self.area_rings[area + 1] + 1]
        part = slice(starts[0], starts[-1])
        return AreaRings(x=self.x[part], y=self.y[part], starts=starts - starts[0])


def project_rings(geometries: npt.NDArray[np.object_], projection: FastProjection) -> MetricRings:
    """Return the rings of polygons in EPSG:4326 in metres, long edges divided first."""
    parts, part_area = shapely.get_parts(
        shapely.segmentize(geometries, LONGEST_EDGE_DEG), return_index=True
    )
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    degrees, ring_of = shapely.get_coordinates(rings, return_index=True)
    starts = np.searchsorted(ring_of, np.arange(len(rings) + 1))
    x, y = projection.project(degrees[:, 0], degrees[:, 1])
    exterior = np.concatenate([[True], np.diff(ring_part) > 0])
    # By the sum, not by GEOS's is_ccw, which a ring that touches itself can mislead.
    wrong = (_sum_rings(x, y, starts) > 0) != exterior
    order = np.arange(len(x))
    order = np.where(wrong[ring_of], starts[ring_of] + starts[ring_of + 1] - 1 - order, order)
    return MetricRings(
        x=x[order],
        y=y[order],
        degrees=degrees[order],
        starts=starts,
        area_rings=np.searchsorted(part_area[ring_part], np.arange(len(geometries) + 1)),
    )


def _sum_rings(x: FloatArray, y: FloatArray, starts: IntArray) -> FloatArray:
    """Return twice the signed area of each closed ring, counterclockwise positive."""
    x, y = x - x.mean(), y - y.mean()
    cross = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
    cross[starts[1:] - 1] = 0.0  # from the end of one ring to the start of the next
    return np.add.reduceat(cross, starts[:-1])


def lay_cells(
    codes: npt.NDArray[np.str_],
    rings: MetricRings,
    projection: FastProjection,
    *,
    cell_m: float,
    history: Mapping[str, AreaHistory],
    valid_from: np.datetime64,
) -> tuple[CellArrays, LatticeTables]:
    """Return cells and look-up tables of all areas.

    Parameters
    ----------
    codes
        Codes of the areas, in the order of `rings`.
    rings, projection
        The areas in metres, and how they came there.
    cell_m
        Side of the smallest lattice square; larger areas take whole multiples.
    history
        Earlier cells by the prefix of their codes.
    valid_from
        First day of new cells, NaT = since ever.

    Raises
    ------
    InvalidDataError
        If an area has no extent, or too few numbers left for its new cells.
    """
    lattices, problems = [], []
    for area, code in enumerate(codes):
        lattice = _lay_area(
            rings.of_area(area), cell_m, history.get(make_cell_prefix(code)), valid_from
        )
        if lattice is None:
            problems.append(
                _describe_failure(code, rings.of_area(area), make_cell_prefix(code) in history)
            )
        else:
            lattices.append(lattice)
    if problems:
        raise InvalidDataError(problems)
    return _join_cells(lattices, cell_m), _join_tables(lattices, projection, cell_m)


def _lay_area(
    rings: AreaRings,
    cell_m: float,
    history: AreaHistory | None,
    valid_from: np.datetime64,
) -> _AreaLattice | None:
    """Return the finest lattice of an area that three digits can number, None if there is none."""
    x, y, starts = rings.x, rings.y, rings.starts
    limit = LAST_SEQUENCE if history else FRESH_SEQUENCE
    factor = _first_factor(x, y, starts, cell_m)
    if history is not None and history.factor:
        factor = max(factor, history.factor)
    while True:
        side = cell_m * factor
        left = int(np.floor(x.min() / side)) - 1
        top = int(np.floor(-y.max() / side)) - 1
        shape = (int(np.floor(-y.min() / side)) - top + 2, int(np.floor(x.max() / side)) - left + 2)
        if shape[0] * shape[1] <= MOST_SQUARES:
            cells = make_lattice_cells(x / side - left, -y / side - top, starts, shape=shape)
            count = len(cells.row)
            if count == 0:
                return None
            if count <= limit:
                kept, since = _keep_cells(cells, (top, left, factor), cell_m, history, valid_from)
                used = history.used if history is not None else np.empty(0, dtype=np.int64)
                sequence = number_cells(used, kept)
                if sequence is not None:
                    return _AreaLattice(
                        factor=factor, top=top, left=left, cells=cells, sequence=sequence,
                        valid_from=since,
                    )  # fmt: skip
                if count == 1:
                    return None
        factor += 1


def _first_factor(x: FloatArray, y: FloatArray, starts: IntArray, cell_m: float) -> int:
    """Return the factor below which an area surely has too many cells."""
    area = abs(_sum_rings(x, y, starts).sum()) / 2
    # Inside cells are full squares and pieces at the rim are smaller, so cells outnumber full squares.
    return max(1, int(np.sqrt(area / (1.1 * LAST_SEQUENCE)) / cell_m))


def _keep_cells(
    cells: LatticeCells,
    place: tuple[int, int, int],
    cell_m: float,
    history: AreaHistory | None,
    valid_from: np.datetime64,
) -> tuple[IntArray, DateArray]:
    """Return the sequence number that each cell keeps (0 = a new cell) and its first day."""
    top, left, factor = place
    kept = np.zeros(len(cells.row), dtype=np.int64)
    since = np.full(len(cells.row), valid_from, dtype="datetime64[D]")
    if history is None or history.factor != factor:
        return kept, since
    side = cell_m * factor
    now = _pack_place(cells.row + top, cells.column + left)
    then = _pack_place(history.row, history.column)
    _, new, old = np.intersect1d(now, then, assume_unique=True, return_indices=True)
    resized = np.abs(cells.share[new] * side**2 - history.area_m2[old]) >= SAME_SHARE * side**2
    shift_x = (cells.u[new] + left) * side - history.x[old]
    shift_y = -(cells.v[new] + top) * side - history.y[old]
    moved = np.hypot(shift_x, shift_y) >= SAME_SHIFT * side
    same = ~(resized | moved)
    kept[new[same]] = history.sequence[old[same]]
    since[new[same]] = history.valid_from[old[same]]
    return kept, since


def _pack_place(row: IntArray, column: IntArray) -> IntArray:
    """Return one number per lattice place; rows and columns stay far below 2³¹."""
    return row.astype(np.int64) * 2**32 + column.astype(np.int64)


def _describe_failure(
    code: str,
    rings: AreaRings,
    known: bool,  # noqa: FBT001 - mapped over a column of flags
) -> Problem:
    if not known:
        return Problem(
            file="areas",
            field=code,
            value=f"{np.ptp(rings.x):.3g} m × {np.ptp(rings.y):.3g} m",
            problem="has no extent, so no cell",
            expected="a polygon; remove or repair the feature",
        )
    return Problem(
        file="areas",
        field=code,
        problem=f"has given away its {LAST_SEQUENCE} cell numbers, and codes are never used again",
        expected="a new area code for the changed area, or a larger cell_m for all",
    )


def _join_cells(lattices: list[_AreaLattice], cell_m: float) -> CellArrays:
    counts = [len(lattice.cells.row) for lattice in lattices]
    side = np.repeat([cell_m * lattice.factor for lattice in lattices], counts)
    top = np.repeat([lattice.top for lattice in lattices], counts)
    left = np.repeat([lattice.left for lattice in lattices], counts)

    def join(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(lattice.cells, name) for lattice in lattices])

    return CellArrays(
        area=np.repeat(np.arange(len(lattices), dtype=np.int32), counts),
        row=(join("row") + top).astype(np.int32),
        column=(join("column") + left).astype(np.int32),
        sequence=np.concatenate([one.sequence for one in lattices]).astype(np.int16),
        area_m2=join("share") * side**2,
        x=(join("u") + left) * side,
        y=-(join("v") + top) * side,
        whole=join("whole").astype(np.bool_),
        valid_from=np.concatenate([lattice.valid_from for lattice in lattices]),
    )


def _join_tables(
    lattices: list[_AreaLattice], projection: FastProjection, cell_m: float
) -> LatticeTables:
    counts = np.array([len(lattice.cells.row) for lattice in lattices])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    shapes = np.array([lattice.cells.table.shape for lattice in lattices], dtype=np.int64)
    side_m = np.array([cell_m * lattice.factor for lattice in lattices])
    starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))])
    cells = np.empty(starts[-1], dtype=np.int32)
    for lattice, start, at in zip(lattices, first, starts, strict=False):
        table = lattice.cells.table.ravel()
        cells[at : at + table.size] = table + np.sign(table + 1) * start
    return LatticeTables(
        side_m=side_m,
        top=np.array([lattice.top for lattice in lattices], dtype=np.int64),
        left=np.array([lattice.left for lattice in lattices], dtype=np.int64),
        rows=shapes[:, 0],
        columns=shapes[:, 1],
        starts=starts,
        cells=cells,
        projection=projection,
        tolerance_m=measure_tolerance_m(side_m, projection),
    )
