"""Rings → two-level grid: which cells one area covers, and which edges decide in the others.

Every edge marks the fine cells that it touches (padded). In one row of cells, the marked cells of an
area that stand side by side are a *run*; between two runs the area covers all or nothing, and which
of the two follows from the crossings of the run's edges with any line through the row. A ray from a
point to +x therefore needs the edges of one run only. A cell that no edge touches before the first
area that covers it belongs to that area; any other cell is a *site* (see ``resolve_site``).

Points map to cells by a monotone function of floats, which edges use too; so no padding is needed
between an edge's own limits and a point's row or column, only along its slope.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.edges import Edges, to_cell
from geodata.areas.kernels import (
    LEAF,
    LEAF_MASK,
    LEAF_SHIFT,
    SCALE_X,
    SCALE_Y,
    UNSURE,
    X0,
    X1,
    Y0,
    Y1,
    Compiled,
)
from geodata.areas.rings import AreaRings
from geodata.areas.sweep import Rows, fill_bands
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]

CELLS_PER_EDGE_ROOT = 6.5  # cells along a side for each root of an edge: measured optimum, 2 cores
NEAR_CELLS_PER_EDGE_ROOT = 2.0
SMALLEST_SIDE, LARGEST_SIDE = 64, 16384
LARGEST_SCALE = 1e300  # cells per degree; keeps extents near the smallest float finite


class Band(NamedTuple):
    """Cells, sites and edges of some rows, as in :class:`~geodata.areas.kernels.Compiled`."""

    cells: IntArray
    sites: IntArray
    edges: FloatArray


def make_edges(rings: AreaRings) -> Edges:
    """Return the edges of `rings` with the grid that suits their number."""
    vertices, areas = _list_edges(rings.xy, rings.ring_starts, rings.ring_areas)
    side = _choose_side(len(vertices), CELLS_PER_EDGE_ROOT)
    grid = _frame(rings.xy, side)
    for array in (rings.xy, vertices, areas, grid):
        array.flags.writeable = False
    return Edges(rings.xy, vertices, areas, grid, side)


def coarsen(edges: Edges) -> Edges:
    """Return the same edges with the coarser grid that suits the search for the nearest of them."""
    side = _choose_side(len(edges.vertices), NEAR_CELLS_PER_EDGE_ROOT)
    grid = edges.grid.copy()
    grid[[SCALE_X, SCALE_Y]] *= side / edges.side
    grid.flags.writeable = False
    return edges._replace(grid=grid, side=side)


def compile_grid(edges: Edges, area_count: int, *, threads: int) -> Compiled:
    """Return the compiled index of `edges`."""
    starts, row_edges = _sort_into_rows(edges)
    rows = Rows(starts, row_edges, np.empty((len(row_edges), 2), dtype=np.int32))
    top = np.empty((edges.side // LEAF) ** 2, dtype=np.int32)
    bands = _split_bands(starts, edges.side, 4 * threads)

    def fill(band: tuple[int, int]) -> Band:
        return Band(*fill_bands(band, edges, rows, top))

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(fill, bands))
    joined = _join(parts, bands, top, area_count)
    bounds = _measure_bounds(edges, area_count)
    for array in (top, *joined, bounds):
        array.flags.writeable = False
    return Compiled(edges.grid, edges.side, top, *joined, bounds)


def _choose_side(edges: int, cells_per_root: float) -> int:
    wanted = cells_per_root * np.sqrt(edges)
    return int(np.clip(2 ** np.ceil(np.log2(wanted)), SMALLEST_SIDE, LARGEST_SIDE))


def _frame(xy: FloatArray, side: int) -> FloatArray:
    low, high = xy.min(axis=0), xy.max(axis=0)
    with np.errstate(over="ignore"):
        scale = np.minimum(side / (high - low), LARGEST_SCALE)
    return np.array([low[0], low[1], high[0], high[1], scale[0], scale[1]])


@kernel
def _measure_bounds(edges: Edges, area_count: int) -> FloatArray:
    bounds = np.empty((area_count, 4), dtype=np.float64)
    bounds[:, :2], bounds[:, 2:] = np.inf, -np.inf
    for i in range(len(edges.vertices)):
        area, k = edges.areas[i], edges.vertices[i]
        for axis in range(2):
            bounds[area, axis] = min(bounds[area, axis], edges.xy[k, axis])
            bounds[area, axis + 2] = max(bounds[area, axis + 2], edges.xy[k, axis])
    return bounds


def _split_bands(starts: LongArray, side: int, parts: int) -> list[tuple[int, int]]:
    """Return ranges of rows of top cells that hold about the same work."""
    work = starts[::LEAF].astype(np.float64) + np.arange(side // LEAF + 1) * side / 4
    cuts = np.searchsorted(work, np.linspace(0, work[-1], parts + 1)[1:-1])
    limits = np.unique(np.concatenate([[0], cuts, [side // LEAF]]))
    return [(int(a), int(b)) for a, b in pairwise(limits)]


def _join(parts: list[Band], bands: list[tuple[int, int]], top: IntArray, areas: int) -> Band:
    """Return all bands in one; the first cells are one value each."""
    uniform = np.arange(-1, areas, dtype=np.int32)
    cells, sites, edges = len(uniform), 0, 0
    across = int(np.sqrt(len(top)))
    for part, (first, last) in zip(parts, bands, strict=True):
        _shift(part, top[first * across : last * across], (cells, sites, edges))
        cells, sites = cells + len(part.cells), sites + len(part.sites)
        edges += len(part.edges)
    return Band(
        np.concatenate([uniform, *(part.cells for part in parts)]),
        np.concatenate([part.sites for part in parts]),
        np.concatenate([part.edges for part in parts]),
    )


@kernel
def _shift(band: Band, top: IntArray, starts: tuple[int, int, int]) -> None:
    """Make places within a band places within all of them."""
    cells, sites = band.cells, band.sites
    for i in range(len(cells)):
        if cells[i] < -1:
            cells[i] -= starts[1]
    place = 0
    while place < len(sites):
        for _ in range(sites[place + 1]):
            sites[place + 3] += 2 * starts[2]
            place += 3
        place += 2
    for i in range(len(top)):
        if top[i] & 1:
            top[i] += 2 * starts[0]


@kernel
def _list_edges(
    xy: FloatArray, ring_starts: LongArray, ring_areas: LongArray
) -> tuple[IntArray, IntArray]:
    """Return the first vertex and the area of every edge that has a length, in order of the rings."""
    edges = np.empty(len(xy), dtype=np.int32)
    areas = np.empty(len(xy), dtype=np.int32)
    count = 0
    for ring in range(len(ring_areas)):
        for k in range(ring_starts[ring], ring_starts[ring + 1] - 1):
            if xy[k, 0] != xy[k + 1, 0] or xy[k, 1] != xy[k + 1, 1]:
                edges[count] = k
                areas[count] = ring_areas[ring]
                count += 1
    return edges[:count].copy(), areas[:count].copy()


@kernel
def _sort_into_rows(edges: Edges) -> tuple[LongArray, IntArray]:
    """Return for every row the edges (by their number) that have a height in it, by counting."""
    xy, grid, side, count = edges.xy, edges.grid, edges.side, len(edges.vertices)
    starts = np.zeros(side + 1, dtype=np.int64)
    rows = np.empty((count, 2), dtype=np.int32)
    for i in range(count):
        y1, y2 = xy[edges.vertices[i], 1], xy[edges.vertices[i] + 1, 1]
        rows[i, 0] = to_cell(min(y1, y2), grid[Y0], grid[SCALE_Y], side)
        rows[i, 1] = to_cell(max(y1, y2), grid[Y0], grid[SCALE_Y], side)
        for row in range(rows[i, 0], rows[i, 1] + 1):
            starts[row + 1] += 1
    for row in range(side):
        starts[row + 1] += starts[row]
    place = starts[:-1].copy()
    row_edges = np.empty(starts[side], dtype=np.int32)
    for i in range(count):
        for row in range(rows[i, 0], rows[i, 1] + 1):
            row_edges[place[row]] = i
            place[row] += 1
    return starts, row_edges


@inner_kernel  # pragma: no cover - compiled
def find_only_area(box, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled: its types are its callers' arrays
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
