"""Which cells touch: sparse neighbour graphs of a grid, across area borders too.

Rook neighbours share a piece of border, queen neighbours at least a point. Inside an area the lattice
knows it; along the borders of areas, whose lattices may differ and whose edges may not have the same
vertices, a probe to either side of each piece of border asks the grid itself.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from numba import njit
from scipy import sparse
from scipy.spatial import KDTree

from geodata.errors import GeodataError
from geodata.grid.cell_shapes import DrawnShapes, LatticeShapes
from geodata.grid.cells import Grid
from geodata.grid.index import PositionArray
from geodata.grid.lattice import NO_CELL, measure_pieces
from geodata.grid.lay import MetricRings, project_rings

FloatArray = npt.NDArray[np.float64]
Kind = Literal["rook", "queen"]

PROBE_M = 0.05
"""How far beside a border a probe stands: gaps below twice this do not part neighbours."""
SHORTEST_BORDER_M = 0.001
"""Shorter pieces of border are rounding."""
RING_PROBES = 12
MOST_MEETING = 8
"""Cells that can meet in one point; twelve probes do not tell more apart."""
RING_TURN = 0.123
"""Turn of the first probe around a point, radians: off the axes that many borders follow."""
DEGREE_M = 111_320.0
SHARED_LINE = "****1****"  # DE-9IM: the boundaries meet in a line


def neighbours(
    grid: Grid,
    cells: Sequence[str] | pd.Index | pd.Series | None = None,
    *,
    kind: Kind = "rook",
) -> sparse.csr_array:
    """Return the symmetric neighbour matrix of cells, 1.0 where two touch, the diagonal empty.

    Parameters
    ----------
    grid
        The grid.
    cells
        Codes of the cells asked for, in the order of rows and columns; None: all, as in ``grid.codes``.
        Only neighbours among them count.
    kind
        ``rook``: sharing a piece of border; ``queen``: sharing at least a point.

    Raises
    ------
    GeodataError
        If a code is not in force, codes repeat, or `kind` is neither.
    """
    if kind not in ("rook", "queen"):
        raise GeodataError(f"kind {kind!r}: expected 'rook' or 'queen'")
    at = np.arange(len(grid), dtype=np.int32) if cells is None else _find_cells(grid, cells)
    if isinstance(grid.shapes, DrawnShapes):
        return _connect(_pair_drawn(grid.shapes, at, kind), len(at))
    assert isinstance(grid.shapes, LatticeShapes)  # noqa: S101 - the two kinds there are
    pairs = _pair_lattice(grid, grid.shapes, at, kind)
    order = np.full(len(grid) + 1, -1, dtype=np.int64)  # the last entry answers for "no cell"
    order[at] = np.arange(len(at))
    return _connect(order[pairs], len(at))


def within_distance(x: npt.ArrayLike, y: npt.ArrayLike, distance_m: float) -> sparse.csr_array:
    """Return the symmetric matrix of points at most `distance_m` apart, the diagonal empty.

    Parameters
    ----------
    x, y
        Metres, shape (n,).
    distance_m
        Largest distance, itself included.

    Raises
    ------
    GeodataError
        If the distance is not positive or a coordinate is not finite.
    """
    points = np.column_stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    if not np.isfinite(points).all():
        raise GeodataError("coordinates with NaN or infinity have no neighbours; leave them out")
    if not distance_m > 0:
        raise GeodataError(f"distance_m = {distance_m!r}: expected a positive number of metres")
    pairs = KDTree(points).query_pairs(distance_m, output_type="ndarray") if len(points) else []
    return _connect(np.asarray(pairs, dtype=np.int64).reshape(-1, 2), len(points))


def _find_cells(grid: Grid, cells: Sequence[str] | pd.Index | pd.Series) -> PositionArray:
    wanted = pd.Index(cells)
    at = grid.find_positions(wanted)
    if (at < 0).any():
        missing = wanted[at < 0]
        raise GeodataError(f"{len(missing)} cell(s) are not in this grid, e.g. {missing[0]}")
    if not wanted.is_unique:
        repeated = wanted[wanted.duplicated()][0]
        raise GeodataError(f"cell {repeated} is named twice; expected each once")
    return at


def _connect(pairs: npt.NDArray[np.int64], count: int) -> sparse.csr_array:
    """Return the symmetric 0/1 matrix of pairs; pairs with -1 or of a cell with itself do not count."""
    one, other = pairs.min(axis=1), pairs.max(axis=1)
    fits = (one >= 0) & (one != other)
    key = np.sort(one[fits].astype(np.int64) * count + other[fits])
    once = key[np.append(True, key[1:] != key[:-1])[: len(key)]]
    one, other = once // max(count, 1), once % max(count, 1)
    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    return sparse.coo_array((np.ones(len(ends[0])), ends), shape=(count, count)).tocsr()


def _pair_drawn(shapes: DrawnShapes, at: PositionArray, kind: Kind) -> npt.NDArray[np.int64]:
    polygons = shapes.cell_geometries[at]
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    one, other = one[one < other], other[one < other]
    if kind == "rook":
        rook = shapely.relate_pattern(polygons[one], polygons[other], SHARED_LINE)
        one, other = one[rook], other[rook]
    return np.column_stack([one, other]).astype(np.int64)


def _pair_lattice(
    grid: Grid, shapes: LatticeShapes, at: PositionArray, kind: Kind
) -> npt.NDArray[np.int64]:
    """Return pairs of cell positions in the areas of `at`."""
    areas = np.unique(shapes.cell_area[at])
    rings = project_rings(shapes.area_geometries[areas], shapes.tables.projection)
    found = [_pair_inside(shapes, int(area), rings.of_area(k)) for k, area in enumerate(areas)]
    pairs = [sides for sides, _, _ in found]
    starts, ends = _divide_borders(rings, grid.cell_m)
    pairs.append(_probe_sides(shapes, starts, ends))
    if kind == "queen":
        pairs += [corners for _, corners, _ in found]
        points = [starts[:, :2], *(unsure for _, _, unsure in found)]
        pairs.append(_probe_around(shapes, _drop_repeated(np.concatenate(points))))
    return np.concatenate(pairs).astype(np.int64)


def _pair_inside(
    shapes: LatticeShapes, area: int, rings: tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]
) -> tuple[PositionArray, PositionArray, FloatArray]:
    """Return pairs of cells of one area over common sides, over corners well inside, and other corners.

    A corner is well inside where all four lattice sides that meet in it are; the others, near the
    area's border, come back as lon, lat.
    """
    tables = shapes.tables
    side = tables.side_m[area]
    x, y, starts = rings
    rows, columns = int(tables.rows[area]), int(tables.columns[area])
    u, v = x / side - tables.left[area], -y / side - tables.top[area]
    _, _, _, west, north, _ = measure_pieces(u, v, starts, rows, columns)
    table = tables.cells[tables.starts[area] : tables.starts[area + 1]].reshape(rows, columns)
    table = np.maximum(table, NO_CELL)  # squares without land have no sides
    eastward = _take_pairs(table[:, :-1], table[:, 1:], west[:, 1:] > 1e-6)
    southward = _take_pairs(table[:-1], table[1:], north[1:] > 1e-6)
    full_west, full_north = west > 1 - 1e-9, north > 1 - 1e-9
    cross = full_north[1:, :-1] & full_north[1:, 1:] & full_west[:-1, 1:] & full_west[1:, 1:]
    falling = _take_pairs(table[:-1, :-1], table[1:, 1:], cross)
    rising = _take_pairs(table[1:, :-1], table[:-1, 1:], cross)
    partly = (north[1:, :-1] > 0) | (north[1:, 1:] > 0) | (west[:-1, 1:] > 0) | (west[1:, 1:] > 0)
    row, column = np.nonzero(partly & ~cross)
    unsure = tables.nodes(
        np.full(len(row), area), row + 1 + tables.top[area], column + 1 + tables.left[area]
    )
    return np.concatenate([eastward, southward]), np.concatenate([falling, rising]), unsure


def _take_pairs(
    one: PositionArray, other: PositionArray, where: npt.NDArray[np.bool_]
) -> PositionArray:
    where = where & (one != other)
    return np.column_stack([one[where], other[where]])


def _divide_borders(rings: MetricRings, cell_m: float) -> tuple[FloatArray, FloatArray]:
    """Return both ends of the pieces of all rings between lattice lines.

    Columns lon, lat, x, y. Squares of larger areas end on lines of the smallest lattice too.
    """
    last = np.zeros(len(rings.x), dtype=np.bool_)
    last[rings.starts[1:] - 1] = True
    edge = np.flatnonzero(~last)
    table = np.column_stack([rings.degrees, rings.x, rings.y])
    which, t0, t1 = _divide_edges(table[edge, 2:] / cell_m, table[edge + 1, 2:] / cell_m)
    start, step = table[edge[which]], table[edge[which] + 1] - table[edge[which]]
    return start + t0[:, None] * step, start + t1[:, None] * step


@njit(cache=True)  # pragma: no cover - compiled
def _divide_edges(
    starts: FloatArray, ends: FloatArray
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Return (edge, from, to) of the parts of edges between whole numbers of x and of y."""
    count = 0
    for k in range(len(starts)):
        count += 1
        for axis in range(2):
            count += int(abs(np.floor(ends[k, axis]) - np.floor(starts[k, axis]))) + 1
    which = np.empty(count, dtype=np.int64)
    t0, t1 = np.empty(count), np.empty(count)
    n = 0
    for k in range(len(starts)):
        cuts = [0.0, 1.0]
        for axis in range(2):
            a, b = starts[k, axis], ends[k, axis]
            for line in range(int(np.ceil(min(a, b))), int(np.floor(max(a, b))) + 1):
                if a != b and 0 < (line - a) / (b - a) < 1:
                    cuts.append((line - a) / (b - a))  # noqa: PERF401 - numba reads loops best
        cuts.sort()
        for i in range(len(cuts) - 1):
            which[n], t0[n], t1[n] = k, cuts[i], cuts[i + 1]
            n += 1
    return which[:n], t0[:n], t1[:n]


def _probe_sides(shapes: LatticeShapes, starts: FloatArray, ends: FloatArray) -> PositionArray:
    """Return the cells on both sides of pieces of border."""
    along = ends[:, 2:] - starts[:, 2:]
    length = np.hypot(along[:, 0], along[:, 1])
    real = length >= SHORTEST_BORDER_M
    middle = (starts[real, :2] + ends[real, :2]) / 2
    reach = np.minimum(PROBE_M, length[real] / 4) / length[real]
    left = np.column_stack([-along[real, 1], along[real, 0]]) * reach[:, None]
    return np.column_stack(
        [_locate_beside(shapes, middle, left), _locate_beside(shapes, middle, -left)]
    )


def _probe_around(shapes: LatticeShapes, points: FloatArray) -> PositionArray:
    """Return pairs of cells that meet in points where more than two cells (or none) come together."""
    turns = RING_TURN + 2 * np.pi * np.arange(RING_PROBES) / RING_PROBES
    ring = np.column_stack(
        [
            _locate_beside(shapes, points, PROBE_M * np.array([[np.cos(turn), np.sin(turn)]]))
            for turn in turns
        ]
    )
    busy = ring[(ring != np.roll(ring, 1, axis=1)).sum(axis=1) > 2]
    cells = np.sort(busy, axis=1)
    cells[:, 1:][cells[:, 1:] == cells[:, :-1]] = NO_CELL
    cells = np.sort(cells, axis=1)[:, -MOST_MEETING:]
    one, other = np.triu_indices(MOST_MEETING, 1)
    pairs = np.stack([cells[:, one].ravel(), cells[:, other].ravel()], axis=1)
    found: PositionArray = pairs[(pairs != NO_CELL).all(axis=1)]
    return found


def _drop_repeated(points: FloatArray) -> FloatArray:
    """Return each point once; as complex numbers they sort ten times faster than as rows."""
    once = np.unique(points[:, 0] + 1j * points[:, 1])
    return np.column_stack([once.real, once.imag])


def _locate_beside(shapes: LatticeShapes, points: FloatArray, step_m: FloatArray) -> PositionArray:
    """Return the cells at points moved by a few centimetres."""
    lat = points[:, 1] + step_m[:, 1] / DEGREE_M
    lon = points[:, 0] + step_m[:, 0] / (DEGREE_M * np.cos(np.radians(points[:, 1])))
    found: PositionArray = shapes.locate(np.ascontiguousarray(lon), np.ascontiguousarray(lat))
    return found
