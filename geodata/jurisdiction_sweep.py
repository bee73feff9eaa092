"""The sweep over rows of the grid: edges → runs → cells and sites (see ``jurisdiction_grid``)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geodata.jurisdiction_kernels import (
    LEAF,
    LEAF_CELLS,
    LEAF_MASK,
    LEAF_SHIFT,
    SCALE_X,
    SCALE_Y,
    X0,
    X1,
    Y0,
    Y1,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]

PAD_CELLS = 1e-6
PAD_ULPS = 16.0  # the interpolation along an edge errs by a few
EPS = float(np.finfo(np.float64).eps)
AREA, FIRST, LAST, HEAD, COUNT = range(5)  # fields of a run
FEW = 48  # spans up to which insertion sorts faster


class Edges(NamedTuple):
    """What the sweep over rows reads.

    Parameters
    ----------
    xy
        Vertices of all rings in degrees, shape (m, 2).
    vertices
        First vertex of every edge that has a length, in order of the rings, shape (n,).
    areas
        Position of the area of every edge, ascending, shape (n,).
    grid
        As in :class:`~geodata.jurisdiction_kernels.Compiled`.
    side
        Fine cells along each side of the grid.
    """

    xy: FloatArray
    vertices: IntArray
    areas: IntArray
    grid: FloatArray
    side: int


class Work(NamedTuple):
    """Working space of a thread, used again for every row.

    Parameters
    ----------
    spans
        First and last column of each edge of one area, its run and its number, shape (n, 4).
    runs
        Area, first and last column, ``2 * start + inside`` and number of edges of each run, shape (n, 5).
    heads
        First node of each column's list of candidates, -1 for none, shape (side,).
    """

    spans: IntArray
    runs: IntArray
    heads: IntArray


@njit(cache=True)
def to_cell(value: float, origin: float, scale: float, side: int) -> int:
    """Return row or column; the same arithmetic as ``find_cell``, so both agree for every float."""
    return min(int((value - origin) * scale), side - 1)


@njit(cache=True)
def clip_columns(
    x1: float, y1: float, x2: float, y2: float, row: int, edges: Edges
) -> tuple[int, int]:
    """Return the first and last column that an edge may touch within a row, padded."""
    grid, side = edges.grid, edges.side
    left, right = min(x1, x2), max(x1, x2)
    if y1 != y2:
        pad = PAD_CELLS / grid[SCALE_Y] + PAD_ULPS * EPS * max(abs(grid[Y0]), abs(grid[Y1]))
        low = grid[Y0] + row / grid[SCALE_Y] - pad
        high = grid[Y0] + (row + 1) / grid[SCALE_Y] + pad
        a = min(max((low - y1) / (y2 - y1), 0.0), 1.0)
        b = min(max((high - y1) / (y2 - y1), 0.0), 1.0)
        xa, xb = x1 + a * (x2 - x1), x1 + b * (x2 - x1)
        pad = PAD_CELLS / grid[SCALE_X] + PAD_ULPS * EPS * max(abs(grid[X0]), abs(grid[X1]))
        left = min(max(left, min(xa, xb) - pad), right)
        right = max(min(right, max(xa, xb) + pad), left)
    first = to_cell(left, grid[X0], grid[SCALE_X], side)
    return first, to_cell(right, grid[X0], grid[SCALE_X], side)


@njit(cache=True)
def _grown(array: IntArray, needed: int) -> IntArray:
    """Return `array`, or a larger copy if it has less than `needed` places."""
    if needed <= len(array):
        return array
    larger = np.empty(max(2 * len(array), needed), dtype=np.int32)
    larger[: len(array)] = array
    return larger


@njit(cache=True)
def _sort_spans(spans: IntArray) -> IntArray:
    """Return the order of spans by their first column."""
    if len(spans) > FEW:
        return np.argsort(spans[:, 0]).astype(np.int32)
    order = np.empty(len(spans), dtype=np.int32)
    for i in range(len(spans)):
        k = i
        while k > 0 and spans[order[k - 1], 0] > spans[i, 0]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
    return order


@njit(cache=True)
def _measure_spans(row: int, group: IntArray, edges: Edges, spans: IntArray) -> None:
    """Write the columns that the edges of one area touch in a row."""
    xy = edges.xy
    for i in range(len(group)):
        k = edges.vertices[group[i]]
        x1, y1, x2, y2 = xy[k, 0], xy[k, 1], xy[k + 1, 0], xy[k + 1, 1]
        spans[i, 0], spans[i, 1] = clip_columns(x1, y1, x2, y2, row, edges)
        spans[i, 3] = k


@njit(cache=True)
def _cut_group(
    row: int, low: int, group: IntArray, edges: Edges, work: Work, base: int, values: IntArray
) -> int:
    """Append the runs of one area in one row after `base`, sort its edges by run, fill between runs."""
    area = edges.areas[group[0]]
    spans, runs = work.spans[: len(group)], work.runs
    _measure_spans(row, group, edges, spans)
    middle = edges.grid[Y0] + (row + 0.5) / edges.grid[SCALE_Y]
    # Rows narrower than a few floats: no line through the row is sure, so the area is one run.
    whole = to_cell(middle, edges.grid[Y0], edges.grid[SCALE_Y], edges.side) != row
    count = base
    for i in _sort_spans(spans):
        if count == base or (spans[i, 0] > runs[count - 1, LAST] + 1 and not whole):
            runs[count, AREA], runs[count, FIRST], runs[count, LAST] = (
                area,
                spans[i, 0],
                spans[i, 1],
            )
            runs[count, HEAD] = runs[count, COUNT] = 0
            count += 1
        run = count - 1
        spans[i, 2] = run
        runs[run, LAST] = max(runs[run, LAST], spans[i, 1])
        k = spans[i, 3]
        runs[run, COUNT] += 1
        runs[run, HEAD] ^= (edges.xy[k, 1] > middle) != (edges.xy[k + 1, 1] > middle)
    _place_runs(runs, base, count, low, values)
    for i in range(len(group)):
        run = spans[i, 2]
        group[(runs[run, HEAD] >> 1) - low + runs[run, COUNT]] = spans[i, 3]
        runs[run, COUNT] += 1
    return count


@njit(cache=True)
def _place_runs(runs: IntArray, base: int, count: int, start: int, values: IntArray) -> None:
    """Give each run its place and what lies right of it; `HEAD` comes in as its crossings modulo two."""
    inside = 0
    end = start
    for run in range(base, count):
        end += runs[run, COUNT]
    for run in range(count - 1, base - 1, -1):
        crossings = runs[run, HEAD]
        end -= runs[run, COUNT]
        runs[run, HEAD] = 2 * end + inside
        runs[run, COUNT] = 0
        inside ^= crossings
        if inside and run > base:
            for column in range(runs[run - 1, LAST] + 1, runs[run, FIRST]):
                if values[column] == -1:  # areas come in ascending order: the first stays
                    values[column] = runs[base, AREA]


@njit(cache=True)
def _are_mirrored(a: IntArray, b: IntArray, run_edges: IntArray, xy: FloatArray) -> bool:
    """Tell whether two runs have the same edges, walked the other way, and opposite sides covered."""
    if a[COUNT] != b[COUNT] or not (a[HEAD] ^ b[HEAD]) & 1:
        return False
    first, last = a[HEAD] >> 1, (b[HEAD] >> 1) + b[COUNT] - 1
    for i in range(a[COUNT]):
        p, q = run_edges[first + i], run_edges[last - i]
        if xy[p, 0] != xy[q + 1, 0] or xy[p, 1] != xy[q + 1, 1]:
            return False
        if xy[p + 1, 0] != xy[q, 0] or xy[p + 1, 1] != xy[q, 1]:
            return False
    return True


@njit(cache=True)
def _list_candidates(
    runs: IntArray, run_count: int, values: IntArray, heads: IntArray, nodes: IntArray
) -> IntArray:
    """Link for each column the runs of areas that come before the one that covers it, ascending."""
    count = 0
    for run in range(run_count - 1, -1, -1):
        first, last = runs[run, FIRST], runs[run, LAST]
        nodes = _grown(nodes, 2 * (count + last - first + 1))
        for column in range(first, last + 1):
            if values[column] == -1 or values[column] > runs[run, AREA]:
                nodes[2 * count] = run
                nodes[2 * count + 1] = heads[column]
                heads[column] = count
                count += 1
    return nodes


@njit(cache=True)
def _same_list(a: int, b: int, nodes: IntArray) -> bool:
    while a >= 0 and b >= 0 and nodes[2 * a] == nodes[2 * b]:
        a, b = nodes[2 * a + 1], nodes[2 * b + 1]
    return a < 0 and b < 0


@njit(cache=True)
def _write_site(
    node: int,
    cover: int,
    nodes: IntArray,
    runs: IntArray,
    sites: IntArray,
    place: int,
    run_edges: IntArray,
    xy: FloatArray,
) -> int:
    """Write one site at `place`; return where it ends. A mirrored last run needs no test of its own."""
    end = place + 2
    before = -1
    while node >= 0:
        run = nodes[2 * node]
        node = nodes[2 * node + 1]
        if node < 0 and before >= 0 and _are_mirrored(runs[before], runs[run], run_edges, xy):
            cover = runs[run, AREA]
            break
        sites[end], sites[end + 1], sites[end + 2] = (
            runs[run, AREA],
            runs[run, HEAD],
            runs[run, COUNT],
        )
        end += 3
        before = run
    sites[place] = cover
    sites[place + 1] = (end - place - 2) // 3
    return end


@njit(cache=True)
def _write_sites(
    work: Work,
    run_count: int,
    values: IntArray,
    nodes: IntArray,
    sites: IntArray,
    place: int,
    run_edges: IntArray,
    xy: FloatArray,
) -> tuple[IntArray, int]:
    """Give every cell with candidates its site; neighbours with the same candidates share one."""
    runs, heads = work.runs, work.heads
    west, east = len(values), -1
    for run in range(run_count):
        west, east = min(west, runs[run, FIRST]), max(east, runs[run, LAST])
    previous, previous_cover, value = -1, -1, 0
    for column in range(west, east + 1):
        node, cover = heads[column], values[column]
        heads[column] = -1
        if node >= 0:
            if previous < 0 or cover != previous_cover or not _same_list(node, previous, nodes):
                sites = _grown(sites, place + 2 + 3 * run_count)
                value = -2 - place
                place = _write_site(node, cover, nodes, runs, sites, place, run_edges, xy)
            values[column] = value
        previous, previous_cover = node, cover
    return sites, place


@njit(cache=True)
def _is_uniform(values: IntArray, column: int) -> bool:
    value = values[0, column]
    if value < -1:
        return False
    different = 0
    for lane in range(LEAF):
        for k in range(LEAF):
            different |= values[lane, column + k] ^ value
    return different == 0


@njit(cache=True)
def _write_leaves(
    values: IntArray, top: IntArray, cells: IntArray, place: int
) -> tuple[IntArray, int]:
    """Write one row of top cells and the fine cells of those that are not uniform."""
    for column in range(len(top)):
        if _is_uniform(values, column * LEAF):
            top[column] = (values[0, column * LEAF] + 1) << 1
            continue
        cells = _grown(cells, place + LEAF_CELLS)
        for local in range(LEAF_CELLS):
            value = values[local >> LEAF_SHIFT, column * LEAF + (local & LEAF_MASK)]
            cells[place + local] = value
        top[column] = (place << 1) | 1
        place += LEAF_CELLS
    return cells, place


@njit(cache=True)
def _cut_row(
    row: int, low: int, end: int, edges: Edges, row_edges: IntArray, work: Work, values: IntArray
) -> int:
    """Cut the edges of one row into runs, area by area; return how many runs there are."""
    run_count = 0
    while low < end:
        high = low + 1
        area = edges.areas[row_edges[low]]
        while high < end and edges.areas[row_edges[high]] == area:
            high += 1
        run_count = _cut_group(row, low, row_edges[low:high], edges, work, run_count, values)
        low = high
    return run_count


@njit(cache=True)
def _make_work(band: tuple[int, int], starts: LongArray, side: int) -> Work:
    most = 1
    for row in range(band[0] * LEAF, band[1] * LEAF):
        most = max(most, starts[row + 1] - starts[row])
    return Work(
        np.empty((most, 4), dtype=np.int32),
        np.empty((most, 5), dtype=np.int32),
        np.full(side, -1, dtype=np.int32),
    )


@njit(cache=True, nogil=True)
def fill_bands(
    band: tuple[int, int], edges: Edges, starts: LongArray, row_edges: IntArray, top: IntArray
) -> tuple[IntArray, IntArray]:
    """Fill rows of top cells from ``band[0]`` to before ``band[1]``; return their cells and sites.

    `row_edges` comes in as numbers of edges, row by row, and is left as first vertices, run by run.
    """
    across = edges.side // LEAF
    cells, sites = np.empty(1 << 16, dtype=np.int32), np.empty(1 << 16, dtype=np.int32)
    nodes = np.empty(1 << 12, dtype=np.int32)
    cell_count = site_count = 0
    values = np.empty((LEAF, edges.side), dtype=np.int32)
    work = _make_work(band, starts, edges.side)
    for top_row in range(band[0], band[1]):
        values[:, :] = -1
        for lane in range(LEAF):
            row, line = top_row * LEAF + lane, values[lane]
            low, end = starts[row], starts[row + 1]
            run_count = _cut_row(row, low, end, edges, row_edges, work, line)
            nodes = _list_candidates(work.runs, run_count, line, work.heads, nodes)
            sites, site_count = _write_sites(
                work, run_count, line, nodes, sites, site_count, row_edges, edges.xy
            )
        tops = top[top_row * across : (top_row + 1) * across]
        cells, cell_count = _write_leaves(values, tops, cells, cell_count)
    return cells[:cell_count].copy(), sites[:site_count].copy()
