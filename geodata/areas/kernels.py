"""Compiled kernels of the area index: which side of an edge, which area of a cell, in bulk.

Orientation follows GEOS step by step (``CGAlgorithmsDD::orientationIndex``: Ozaki, Bünger, Ogita,
Oishi and Rump 2016, doi:10.1007/s10543-015-0574-9, as a filter, then double-double arithmetic after
Dekker 1971 and Knuth), and so does the crossing rule (``RayCrossingCounter``). For coordinates whose
differences are floats, as all of one city are, that is the exact sign of the determinant.

No kernel may be compiled with ``fastmath``: contraction or reordering would break the arithmetic.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

LEAF = 8  # fine cells along the side of a top cell
LEAF_SHIFT, LEAF_MASK, LEAF_CELLS = 3, 7, 64
CHUNK = 1 << 13  # points per pass: first all cells, then all sites, each with its part of the cache
FILTER = 3.3306690621773724e-16  # Ozaki et al. 2016, error of the determinant in floats
SMALLEST = 1e-290  # determinants below this may have lost digits to underflow
UNSURE = -2
SPLIT = 134217729.0  # 2**27 + 1, Dekker's constant for 53 bits
# Fields of the grid record: origin, far corner, cells per degree.
X0, Y0, X1, Y1, SCALE_X, SCALE_Y = range(6)


@inner_kernel
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the sum of two floats as a pair without error (Knuth)."""
    s = a + b
    e = s - a
    return s, (b - e) + (a - (s - e))


@inner_kernel
def _pair_product(ah: float, al: float, bh: float, bl: float) -> tuple[float, float]:
    """Return the product of two pairs as a pair (Dekker)."""
    c = SPLIT * ah
    hx = c - (c - ah)
    tx = ah - hx
    c = SPLIT * bh
    hy = c - (c - bh)
    ty = bh - hy
    p = ah * bh
    e = ((((hx * hy - p) + hx * ty) + tx * hy) + tx * ty) + (ah * bl + al * bh)
    h = p + e
    return h, e + (p - h)


@inner_kernel
def _pair_sum(ah: float, al: float, bh: float, bl: float) -> tuple[float, float]:
    """Return the sum of two pairs as a pair."""
    s, e = _two_sum(ah, bh)
    t, f = _two_sum(al, bl)
    e += t
    h = s + e
    e = f + (e + (s - h))
    s = h + e
    return s, e + (h - s)


@inner_kernel
def _orient_pairs(x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> int:
    """Return the sign of the determinant in double-double arithmetic."""
    ah, al = _two_sum(x2, -x1)
    bh, bl = _two_sum(y2, -y1)
    ch, cl = _two_sum(x, -x2)
    dh, dl = _two_sum(y, -y2)
    lh, ll = _pair_product(ah, al, dh, dl)
    rh, rl = _pair_product(bh, bl, ch, cl)
    h, e = _pair_sum(lh, ll, -rh, -rl)
    if h == 0.0:
        return int(e > 0.0) - int(e < 0.0)
    return int(h > 0.0) - int(h < 0.0)


@inner_kernel
def orient(x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> int:
    """Return 1, 0 or -1: the point lies left of, on or right of the line from 1 to 2."""
    left = (x1 - x) * (y2 - y)
    right = (y1 - y) * (x2 - x)
    determinant = left - right
    if abs(determinant) >= abs(left + right) * FILTER:
        return int(determinant > 0.0) - int(determinant < 0.0)
    return _orient_pairs(x1, y1, x2, y2, x, y)


@inner_kernel
def count_edge(x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> int:
    """Return 1 if an edge crosses the ray from the point to +x, 0 if not, 2 if the point is on it."""
    if (y1 > y) != (y2 > y):
        if x1 < x and x2 < x:
            return 0
        # No short way to the right: GEOS has none, and for the smallest floats it would show.
        side = orient(x1, y1, x2, y2, x, y)
        return 2 if side == 0 else int((side > 0) == (y2 > y1))
    at_start, at_end = y1 == y and x1 == x, y2 == y and x2 == x
    along = y1 == y and y2 == y and min(x1, x2) <= x <= max(x1, x2)
    return 2 if at_start or at_end or along else 0


class Compiled(NamedTuple):
    """Arrays of the compiled index, all read-only.

    Parameters
    ----------
    grid
        West, south, east, north in degrees, then cells per degree along x and y.
    side
        Fine cells along each side of the grid.
    top
        For each top cell: twice the place of its values in `cells`, plus one if it has
        :data:`LEAF_CELLS` of them instead of one.
    cells
        Position of the area that holds the cell, -1 for none, or ``-2 - site``.
    sites
        Records ``cover, n`` and n times ``area, 2 * start + inside, count``: for each area whose edges
        touch the cell the run of edges, and whether the area covers what lies right of the run;
        `cover` is the answer if no such area holds the point.
    run_edges
        Edges ``x1 y1 x2 y2`` in degrees, run by run, in the direction of their rings, shape (n, 4).
    bounds
        West, south, east, north of each area in degrees, shape (areas, 4).
    """

    grid: FloatArray
    side: int
    top: IntArray
    cells: IntArray
    sites: IntArray
    run_edges: FloatArray
    bounds: FloatArray


@inner_kernel
def _is_within(bounds: FloatArray, x: float, y: float) -> bool:
    return bool(bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3])


@inner_kernel
def resolve_quickly(site: int, x: float, y: float, index: Compiled) -> int:
    """Return what :func:`resolve_exactly` does, or :data:`UNSURE` where floats do not tell.

    No branches but for the ends of loops, and no call: both cost more than the arithmetic.
    """
    sites, edges = index.sites, index.run_edges
    record = np.uintp(site) + np.uintp(2)
    for _ in range(sites[np.uintp(site) + np.uintp(1)]):
        head = sites[record + np.uintp(1)]
        first = np.uintp(head >> 1)
        inside, unsure = head & 1, 0
        for i in range(first, first + np.uintp(sites[record + np.uintp(2)])):
            x1, y1, x2, y2 = edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3]
            left, right = (x1 - x) * (y2 - y), (y1 - y) * (x2 - x)
            determinant = left - right
            across = (y1 > y) != (y2 > y)
            vague = abs(determinant) <= abs(left + right) * FILTER + SMALLEST
            inside ^= int(across & ((determinant > 0.0) == (y2 > y1)))
            unsure |= int((across & vague) | (y1 == y) | (y2 == y))
        if unsure:
            return UNSURE
        if inside:
            return int(sites[record])
        record += np.uintp(3)
    return int(sites[np.uintp(site)])


@inner_kernel
def resolve_exactly(site: int, x: float, y: float, index: Compiled) -> int:
    """Return the first area of a site that holds the point, else the area that covers its cell."""
    sites, edges = index.sites, index.run_edges
    record = np.uintp(site) + np.uintp(2)
    for _ in range(sites[np.uintp(site) + np.uintp(1)]):
        head = sites[record + np.uintp(1)]
        inside, first = head & 1, np.uintp(head >> 1)
        for i in range(first, first + np.uintp(sites[record + np.uintp(2)])):
            found = count_edge(edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3], x, y)
            if found == 2:
                # Where products of the smallest floats vanish, a point beside an edge seems to be on
                # it; GEOS asks the envelope first.
                inside = int(_is_within(index.bounds[sites[record]], x, y))
                break
            inside ^= found
        if inside:
            return int(sites[record])
        record += np.uintp(3)
    return int(sites[np.uintp(site)])


@inner_kernel
def find_cell(x: float, y: float, index: Compiled) -> int:
    """Return the value of the cell of a point: an area, -1, or -2 - site; -1 outside the grid."""
    grid, side = index.grid, index.side
    inside = (x >= grid[X0]) & (x <= grid[X1]) & (y >= grid[Y0]) & (y <= grid[Y1])
    fx = (x - grid[X0]) * grid[SCALE_X] if inside else 0.0
    fy = (y - grid[Y0]) * grid[SCALE_Y] if inside else 0.0
    column = min(np.int32(fx), np.int32(side - 1))
    row = min(np.int32(fy), np.int32(side - 1))
    across = np.int32(side >> LEAF_SHIFT)
    head = index.top[np.uintp((row >> LEAF_SHIFT) * across + (column >> LEAF_SHIFT))]
    local = ((row & LEAF_MASK) << LEAF_SHIFT) | (column & LEAF_MASK)
    value = index.cells[np.uintp((head >> 1) + (local & -(head & 1)))]
    return int(value) if inside else -1


@inner_kernel
def locate_point(x: float, y: float, index: Compiled) -> int:
    """Return the position of the area of one point, -1 where none is."""
    value = find_cell(x, y, index)
    if value >= -1:
        return int(value)
    found = resolve_quickly(-2 - value, x, y, index)
    return resolve_exactly(-2 - value, x, y, index) if found == UNSURE else found


@inner_kernel
def find_cells(
    lon: FloatArray, lat: FloatArray, out: IntArray, places: IntArray, index: Compiled
) -> None:
    """Write the values of the cells of some points to `out`, as :func:`find_cell` does.

    First the places by arithmetic alone, many points at a time, then the look-ups: together in one loop
    they would keep the processor from doing either at full width. `places` is working space of twice the
    length.
    """
    grid, last = index.grid, np.int32(index.side - 1)
    west, south, east, north = grid[X0], grid[Y0], grid[X1], grid[Y1]
    scale_x, scale_y = grid[SCALE_X], grid[SCALE_Y]
    across, count = np.int32(index.side >> LEAF_SHIFT), len(lon)
    tops, locals_ = places[:count], places[count:]
    for i in range(count):
        x, y = lon[i], lat[i]
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        fx = (x - west) * scale_x if inside else 0.0
        fy = (y - south) * scale_y if inside else 0.0
        column, row = min(np.int32(fx), last), min(np.int32(fy), last)
        top = (row >> LEAF_SHIFT) * across + (column >> LEAF_SHIFT)
        tops[i] = top if inside else np.int32(-1)
        locals_[i] = ((row & LEAF_MASK) << LEAF_SHIFT) | (column & LEAF_MASK)
    for i in range(count):
        head = index.top[np.uintp(tops[i])] if tops[i] >= 0 else np.int32(0)  # first cell: no area
        out[i] = index.cells[np.uintp((head >> 1) + (locals_[i] & -(head & 1)))]


@inner_kernel
def _touch(values: IntArray, pending: IntArray, hints: FloatArray, index: Compiled) -> None:
    """Read the edges of all sites ahead: without branches the processor waits for many at a time."""
    for k in range(len(pending)):
        record = np.uintp(-2 - values[pending[k]]) + np.uintp(3)
        first = np.uintp(index.sites[record] >> 1)
        last = first + np.uintp(index.sites[record + np.uintp(1)] - 1)
        hints[k] = index.run_edges[first, 0] + index.run_edges[last, 0]


@inner_kernel
def _resolve_cells(
    lon: FloatArray,
    lat: FloatArray,
    out: IntArray,
    pending: IntArray,
    hints: FloatArray,
    index: Compiled,
) -> None:
    """Replace what stands in `out` for boundary cells by the areas of the points."""
    waiting = 0
    for i in range(len(out)):
        pending[waiting] = i
        waiting += out[i] < -1
    _touch(out, pending[:waiting], hints, index)
    doubtful = 0
    for k in range(waiting):
        i = pending[k]
        found = resolve_quickly(-2 - out[i], lon[i], lat[i], index)
        pending[doubtful] = i
        doubtful += found == UNSURE
        out[i] = out[i] if found == UNSURE else found
    for k in range(doubtful):
        i = pending[k]
        out[i] = resolve_exactly(-2 - out[i], lon[i], lat[i], index)


@kernel
def locate_points(lon: FloatArray, lat: FloatArray, out: IntArray, index: Compiled) -> None:
    """Write the positions of the areas of all points to `out`."""
    size = min(CHUNK, len(lon))
    places, pending = np.empty(2 * size, dtype=np.int32), np.empty(size, dtype=np.int32)
    hints = np.empty(size, dtype=np.float64)
    for start in range(0, len(lon), CHUNK):
        end = min(start + CHUNK, len(lon))
        x, y, part = lon[start:end], lat[start:end], out[start:end]
        find_cells(x, y, part, places, index)
        _resolve_cells(x, y, part, pending, hints, index)
