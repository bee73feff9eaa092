"""Boundary cells of one row: which areas may hold a point there, and which edges decide.

A ray from a point to +x crosses three kinds of edges of a run. Those left of the point's cell it never
meets. Those in the cell are tested one by one. Those right of the cell matter by their heights alone:
a chain of them is crossed an odd number of times if the point's height lies between the heights of its
ends, so the chain becomes one upright edge, or a constant where both ends lie outside the row.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.edges import Edges, grown, to_cell
from geodata.areas.kernels import SCALE_X, SCALE_Y, X0, X1, Y0
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

AREA, FIRST, LAST, HEAD, COUNT = range(5)  # fields of a run
LEAST = 1e-100  # products of differences of larger coordinates do not underflow
MOST_COLUMNS = 64  # columns, on average over its edges, up to which a run is trimmed for each


class Row(NamedTuple):
    """One row of fine cells.

    Parameters
    ----------
    number
        Its number, from the south.
    runs
        Area, first and last column, ``2 * start + inside`` and number of edges of each run, shape (n, 5).
    vertices
        First vertex of every edge of all rows, run by run.
    columns
        First and last column of these edges within their row, shape (m, 2).
    edge_count
        Edges in this row.
    block
        Columns that share their edges: one, more where runs are long.
    """

    number: int
    runs: IntArray
    vertices: IntArray
    columns: IntArray
    edge_count: int
    block: int


class Lists(NamedTuple):
    """Candidates of the columns of one row: first node of each, nodes ``run, next node``, columns.

    The columns are those that have candidates, ascending: few of a row.
    """

    heads: IntArray
    nodes: IntArray
    columns: IntArray


@inner_kernel
def choose_block(runs: IntArray, edge_count: int) -> int:
    """Return how many columns share their edges, so that long runs do not cost their square."""
    work = 0
    for run in range(len(runs)):
        work += runs[run, COUNT] * (runs[run, LAST] - runs[run, FIRST] + 1)
    return 1 + work // (MOST_COLUMNS * (edge_count + 1))


@kernel
def list_candidates(
    runs: IntArray, values: IntArray, space: tuple[IntArray, IntArray], nodes: IntArray
) -> tuple[IntArray, int]:
    """Link for each column the runs of areas that come before the one that covers it, ascending.

    `space` takes the first nodes and the columns that have any; returns nodes and number of columns.
    """
    heads, columns = space
    count, listed = 0, 0
    for run in range(len(runs) - 1, -1, -1):
        first, last = runs[run, FIRST], runs[run, LAST]
        nodes = grown(nodes, 2 * (count + last - first + 1))
        for column in range(first, last + 1):
            if values[column] == -1 or values[column] > runs[run, AREA]:
                nodes[2 * count] = run
                nodes[2 * count + 1] = heads[column]
                if heads[column] < 0:
                    columns[listed] = column
                    listed += 1
                heads[column] = count
                count += 1
    return nodes, listed


@inner_kernel
def _same_list(a: int, b: int, nodes: IntArray) -> bool:
    while a >= 0 and b >= 0 and nodes[2 * a] == nodes[2 * b]:
        a, b = nodes[2 * a + 1], nodes[2 * b + 1]
    return a < 0 and b < 0


@inner_kernel
def _side_of_row(y: float, row: int, edges: Edges) -> int:
    """Return -1, 0 or 1: a height lies below all points of a row, among them, above them."""
    found = to_cell(y, edges.grid[Y0], edges.grid[SCALE_Y], edges.side)
    return int(found > row) - int(found < row)


@inner_kernel
def _close_chain(
    first: int, last: int, row: int, edges: Edges, kept: FloatArray, place: int
) -> tuple[int, int]:
    """Write the chain from one vertex to another as an upright edge at `place`, or as a constant.

    Returns where the edges end, and 1 if the chain is crossed whatever the height of the point.
    """
    start, end = edges.xy[first, 1], edges.xy[last, 1]
    below, above = _side_of_row(start, row, edges), _side_of_row(end, row, edges)
    if below != 0 and above != 0:
        return place, int(below != above)
    if start == end:
        return place, 0
    kept[place, 0] = kept[place, 2] = edges.grid[X1]
    kept[place, 1], kept[place, 3] = start, end
    return place + 1, 0


@inner_kernel
def _trim_run(
    run: int, column: int, row: Row, edges: Edges, kept: FloatArray, place: int
) -> tuple[int, int]:
    """Write the edges of a run that decide in the block of a column at `place`.

    Returns where they end, and 1 if what lies right of them is not what lies right of the run.
    """
    west = column - column % row.block
    east = west + row.block - 1
    xy, flips, first, last = edges.xy, 0, -1, -1
    start = row.runs[run, HEAD] >> 1
    for i in range(start, start + row.runs[run, COUNT]):
        k = row.vertices[i]
        right = row.columns[i, 0] > east
        if first >= 0 and not (right and xy[last, 1] == xy[k, 1]):
            place, flip = _close_chain(first, last, row.number, edges, kept, place)
            flips ^= flip
            first = -1
        if right:
            first = k if first < 0 else first
            last = k + 1
        elif row.columns[i, 1] >= west:
            kept[place, 0], kept[place, 1] = xy[k, 0], xy[k, 1]
            kept[place, 2], kept[place, 3] = xy[k + 1, 0], xy[k + 1, 1]
            place += 1
    if first >= 0:
        place, flip = _close_chain(first, last, row.number, edges, kept, place)
        flips ^= flip
    return place, flips


@inner_kernel
def _is_plain(a: float, b: float, low: float, high: float) -> bool:
    """Tell whether all differences between two numbers and a range are floats (Sterbenz 1974)."""
    low, high = min(a, b, low), max(a, b, high)
    return (low > LEAST and high <= 2.0 * low) or (high < -LEAST and low >= 2.0 * high)


@inner_kernel
def _bound_block(column: int, row: Row, grid: FloatArray) -> tuple[float, float, float, float]:
    """Return west, south, east, north around the block of a column, a cell wider on all sides."""
    west, south = column - column % row.block, float(row.number)
    return (
        grid[X0] + (west - 1.0) / grid[SCALE_X],
        grid[Y0] + (south - 1.0) / grid[SCALE_Y],
        grid[X0] + (west + row.block + 1.0) / grid[SCALE_X],
        grid[Y0] + (south + 2.0) / grid[SCALE_Y],
    )


@inner_kernel
def _are_mirrored(
    a: int, b: int, count: int, kept: FloatArray, box: tuple[float, float, float, float], far: float
) -> bool:
    """Tell whether two lists have the same edges, walked the other way, and answers are mirrored too.

    Where differences of coordinates are no floats, orientation may depend on the direction of the edge.
    """
    for i in range(count):
        p, q = a + i, b + count - 1 - i
        if kept[p, 0] != kept[q, 2] or kept[p, 1] != kept[q, 3]:
            return False
        if kept[p, 2] != kept[q, 0] or kept[p, 3] != kept[q, 1]:
            return False
        x1, y1, x2, y2 = kept[p, 0], kept[p, 1], kept[p, 2], kept[p, 3]
        chain = x1 == far and x2 == far
        if not (_is_plain(y1, y2, box[1], box[3]) and (chain or _is_plain(x1, x2, box[0], box[2]))):
            return False
    return True


@inner_kernel
def _are_equal(a: int, b: int, sites: IntArray, kept: FloatArray) -> bool:
    """Tell whether two sites answer alike."""
    if sites[a] != sites[b] or sites[a + 1] != sites[b + 1]:
        return False
    for _ in range(sites[a + 1]):
        head, other, count = sites[a + 3], sites[b + 3], sites[a + 4]
        if sites[a + 2] != sites[b + 2] or count != sites[b + 4] or (head ^ other) & 1:
            return False
        for i in range(count):
            for k in range(4):
                if kept[(head >> 1) + i, k] != kept[(other >> 1) + i, k]:
                    return False
        a, b = a + 3, b + 3
    return True


@inner_kernel
def _write_site(
    column: int,
    cover: int,
    row: Row,
    lists: Lists,
    edges: Edges,
    sites: IntArray,
    kept: FloatArray,
    ends: tuple[int, int],
) -> tuple[int, int]:
    """Write the site of a column; return where sites and edges end.

    The last of its areas needs no test where it has the edges of the one before, walked the other way:
    what one does not hold, the other does.
    """
    start, end = ends
    place, node = start + 2, lists.heads[column]
    box = _bound_block(column, row, edges.grid)
    while node >= 0:
        run, node = lists.nodes[2 * node], lists.nodes[2 * node + 1]
        last, flip = _trim_run(run, column, row, edges, kept, end)
        inside = (row.runs[run, HEAD] & 1) ^ flip
        if node < 0 and place > start + 2 and sites[place - 1] == last - end:
            before = sites[place - 2]
            a, far = before >> 1, edges.grid[X1]
            if (before & 1) != inside and _are_mirrored(a, end, last - end, kept, box, far):
                cover = row.runs[run, AREA]
                break
        sites[place], sites[place + 1] = row.runs[run, AREA], 2 * end + inside
        sites[place + 2] = last - end
        place, end = place + 3, last
    sites[start], sites[start + 1] = cover, (place - start - 2) // 3
    return place, end


@inner_kernel
def _grown_rows(array: FloatArray, needed: int) -> FloatArray:
    if needed <= len(array):
        return array
    larger = np.empty((max(2 * len(array), needed), 4), dtype=np.float64)
    for i in range(len(array)):
        for k in range(4):
            larger[i, k] = array[i, k]
    return larger


@inner_kernel
def write_sites(
    row: Row,
    values: IntArray,
    lists: Lists,
    edges: Edges,
    sites: IntArray,
    kept: FloatArray,
    ends: tuple[int, int],
) -> tuple[IntArray, FloatArray, tuple[int, int]]:
    """Give every cell of a row that has candidates its site; neighbours with equal ones share it."""
    heads, nodes, columns = lists
    before, previous, previous_cover, value = -2, -1, -1, 0
    for column in columns:
        node, cover = heads[column], values[column]
        alike = column == before + 1 and cover == previous_cover
        alike = alike and column % row.block != 0 and _same_list(node, previous, nodes)
        if not alike:
            sites = grown(sites, ends[0] + 2 + 3 * len(row.runs))
            kept = _grown_rows(kept, ends[1] + row.edge_count)
            new_ends = _write_site(column, cover, row, lists, edges, sites, kept, ends)
            if column != before + 1 or not _are_equal(-2 - value, ends[0], sites, kept):
                value = -2 - ends[0]
                ends = new_ends
        values[column] = value
        before, previous, previous_cover = column, node, cover
    for column in columns:
        heads[column] = -1
    return sites, kept, ends
