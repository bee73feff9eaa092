"""The sweep over rows of the grid: edges → runs → cells and sites (see ``jurisdiction_grid``)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.edges import Edges, clip_columns, grown, to_cell
from geodata.areas.kernels import (
    LEAF,
    LEAF_CELLS,
    LEAF_MASK,
    LEAF_SHIFT,
    SCALE_Y,
    Y0,
)
from geodata.areas.sites import (
    AREA,
    COUNT,
    FIRST,
    HEAD,
    LAST,
    Lists,
    Row,
    choose_block,
    list_candidates,
    write_sites,
)
from geodata.kernels import find_order, inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]

FEW = 48  # spans up to which insertion sorts faster


class Rows(NamedTuple):
    """The edges of every row.

    Parameters
    ----------
    starts
        First edge of every row, shape (side + 1,).
    edges
        Edges by their number, row by row; the sweep leaves their first vertices, run by run.
    columns
        First and last column that they touch within the row, written by the sweep, shape (n, 2).
    """

    starts: LongArray
    edges: IntArray
    columns: IntArray


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
    columns
        Columns that have candidates, in any order, shape (side,).
    """

    spans: IntArray
    runs: IntArray
    heads: IntArray
    columns: IntArray


@inner_kernel
def _sort_spans(spans: IntArray) -> IntArray:
    """Return the order of spans by their first column."""
    if len(spans) > FEW:
        return find_order(spans[:, 0].copy())
    order = np.empty(len(spans), dtype=np.int32)
    for i in range(len(spans)):
        k = i
        while k > 0 and spans[order[k - 1], 0] > spans[i, 0]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
    return order


@inner_kernel
def _measure_spans(row: int, group: IntArray, edges: Edges, spans: IntArray) -> None:
    """Write the columns that the edges of one area touch in a row."""
    xy = edges.xy
    for i in range(len(group)):
        k = edges.vertices[group[i]]
        x1, y1, x2, y2 = xy[k, 0], xy[k, 1], xy[k + 1, 0], xy[k + 1, 1]
        spans[i, 0], spans[i, 1] = clip_columns(x1, y1, x2, y2, row, edges)
        spans[i, 3] = k


@inner_kernel
def _cut_group(
    row: int,
    part: tuple[int, int],
    rows: Rows,
    edges: Edges,
    work: Work,
    base: int,
    values: IntArray,
) -> int:
    """Append the runs of one area in one row after `base`, sort its edges by run, fill between runs."""
    low, group = part[0], rows.edges[part[0] : part[1]]
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
        place = (runs[run, HEAD] >> 1) + runs[run, COUNT]
        rows.edges[place] = spans[i, 3]
        rows.columns[place, 0], rows.columns[place, 1] = spans[i, 0], spans[i, 1]
        runs[run, COUNT] += 1
    return count


@inner_kernel
def _cover(values: IntArray, area: int) -> None:
    """Give an area the cells that no area has: they come in ascending order, the first stays."""
    mine = np.int32(area)
    for column in range(len(values)):
        value = values[column]
        values[column] = mine if value == -1 else value


@inner_kernel
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
            _cover(values[runs[run - 1, LAST] + 1 : runs[run, FIRST]], runs[base, AREA])


@inner_kernel
def _compare_lanes(values: IntArray, different: IntArray) -> None:
    """Write for each column whether its cells are not all one area (or none): 0 where they are."""
    first = values[0]
    for column in range(len(first)):
        different[column] = first[column] < -1
    for lane in range(1, LEAF):
        line = values[lane]
        for column in range(len(first)):
            different[column] |= line[column] ^ first[column]


@inner_kernel
def _is_uniform(line: IntArray, different: IntArray) -> bool:
    found = np.int32(0)
    for k in range(LEAF):
        found |= different[k] | (line[k] ^ line[0])
    return bool(found == 0)


@inner_kernel
def _write_leaves(
    values: IntArray, top: IntArray, cells: IntArray, place: int
) -> tuple[IntArray, int]:
    """Write one row of top cells and the fine cells of those that are not uniform."""
    different = np.empty(values.shape[1], dtype=np.int32)
    _compare_lanes(values, different)
    for column in range(len(top)):
        part = slice(column * LEAF, (column + 1) * LEAF)
        if _is_uniform(values[0, part], different[part]):
            top[column] = (values[0, column * LEAF] + 1) << 1
            continue
        cells = grown(cells, place + LEAF_CELLS)
        for local in range(LEAF_CELLS):
            value = values[local >> LEAF_SHIFT, column * LEAF + (local & LEAF_MASK)]
            cells[place + local] = value
        top[column] = (place << 1) | 1
        place += LEAF_CELLS
    return cells, place


@inner_kernel
def _cut_row(number: int, rows: Rows, edges: Edges, work: Work, values: IntArray) -> Row:
    """Cut the edges of one row into runs, area by area."""
    low, end = rows.starts[number], rows.starts[number + 1]
    count, edge_count = 0, end - low
    while low < end:
        high = low + 1
        area = edges.areas[rows.edges[low]]
        while high < end and edges.areas[rows.edges[high]] == area:
            high += 1
        count = _cut_group(number, (low, high), rows, edges, work, count, values)
        low = high
    runs = work.runs[:count]
    block = choose_block(runs, edge_count)
    return Row(number, runs, rows.edges, rows.columns, edge_count, block)


@inner_kernel
def _make_work(band: tuple[int, int], starts: LongArray, side: int) -> Work:
    most = 1
    for row in range(band[0] * LEAF, band[1] * LEAF):
        most = max(most, starts[row + 1] - starts[row])
    return Work(
        np.empty((most, 4), dtype=np.int32),
        np.empty((most, 5), dtype=np.int32),
        np.full(side, -1, dtype=np.int32),
        np.empty(side, dtype=np.int32),
    )


@kernel
def fill_bands(
    band: tuple[int, int], edges: Edges, rows: Rows, top: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Fill rows of top cells from ``band[0]`` to before ``band[1]``; return cells, sites and edges."""
    across = edges.side // LEAF
    cells, sites = np.empty(1 << 16, dtype=np.int32), np.empty(1 << 16, dtype=np.int32)
    kept, nodes = np.empty((1 << 12, 4), dtype=np.float64), np.empty(1 << 12, dtype=np.int32)
    cell_count, ends = 0, (0, 0)
    values = np.empty((LEAF, edges.side), dtype=np.int32)
    work = _make_work(band, rows.starts, edges.side)
    for top_row in range(band[0], band[1]):
        values[:, :] = -1
        for lane in range(LEAF):
            line = values[lane]
            row = _cut_row(top_row * LEAF + lane, rows, edges, work, line)
            nodes, listed = list_candidates(row.runs, line, (work.heads, work.columns), nodes)
            columns = work.columns[:listed]
            lists = Lists(work.heads, nodes, columns[find_order(columns)])
            sites, kept, ends = write_sites(row, line, lists, edges, sites, kept, ends)
        tops = top[top_row * across : (top_row + 1) * across]
        cells, cell_count = _write_leaves(values, tops, cells, cell_count)
    return cells[:cell_count].copy(), sites[: ends[0]].copy(), kept[: ends[1]].copy()
