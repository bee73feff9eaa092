"""One area on a square lattice: exact shares of every lattice square, slivers merged, in sequence.

Lattice coordinates: ``u`` grows east, ``v`` grows south, the unit is the side of a square, and the
squares of a table are counted from its upper left corner. Nothing is clipped: shares, centroids and
lengths of borders come from Green's theorem, summed edge by edge into the squares that an edge crosses
(the accumulation buffer that font rasterisers use), so a city of a million cells takes seconds.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.kernels import find_order, inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SLIVER_SHARE = 0.25
"""A piece below this share of a full square joins a neighbour of its area (ours; a quarter of the
10,000 m² that DOMAIN.md §3 gives a unit cell)."""
NO_CELL = -1
SMALLEST_SHARE = 1e-9
"""Below it a piece is rounding, not land: 0.1 cm² of a square of 100 m."""
DECIMALS = 6
"""Shares and lengths are compared after rounding, so that noise of 1e-12 never moves a code."""


class Pieces(NamedTuple):
    """What an area covers of each square; all arrays have the shape of the table (rows, columns).

    ``share`` of the square · ``moment_u moment_v`` integrals of u and v over the piece, from the
    square's own upper left corner · ``west north`` length of the square's west and north side that lies
    inside the area, in sides · ``touched`` whether the area's border runs through the square.
    """

    share: FloatArray
    moment_u: FloatArray
    moment_v: FloatArray
    west: FloatArray
    north: FloatArray
    touched: npt.NDArray[np.bool_]


class LatticeCells(NamedTuple):
    """The cells of one area in sequence: N→S in rows, each W→E.

    ``table`` int32 (rows, columns): number of the cell of each square, :data:`NO_CELL` outside, and for an
    empty square beside a cell ``-2 - number`` (see :func:`get_hosts`) ·
    ``row column`` of the cell's largest piece · ``share`` in squares · ``u v`` centroid in the table's
    coordinates · ``whole`` the cell is one square that no border touches.
    """

    table: npt.NDArray[np.int32]
    row: IntArray
    column: IntArray
    share: FloatArray
    u: FloatArray
    v: FloatArray
    whole: npt.NDArray[np.bool_]


def make_lattice_cells(
    u: FloatArray, v: FloatArray, starts: IntArray, *, shape: tuple[int, int]
) -> LatticeCells:
    """Return the cells of one area on a table of `shape` (rows, columns).

    Parameters
    ----------
    u, v
        Ring vertices, closed, exteriors counterclockwise on the map, holes clockwise; every vertex at
        least one square inside the table's rim.
    starts
        Offsets of the rings in ``u v``, the total length last.
    shape
        Rows and columns of the table.
    """
    pieces = Pieces(*measure_pieces(u, v, starts, shape[0], shape[1]))
    label = group_pieces(pieces.share, pieces.west, pieces.north, SLIVER_SHARE)
    return LatticeCells(*_number_cells(label, pieces))


def get_hosts(table: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the cells of squares, for empty squares the cell beside them, else NO_CELL."""
    return np.where(table < NO_CELL, -2 - table, table)


@kernel  # pragma: no cover - compiled
def measure_pieces(
    u: FloatArray, v: FloatArray, starts: IntArray, rows: int, columns: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return the fields of :class:`Pieces` of rings given as for :func:`make_lattice_cells`."""
    part = np.zeros((5, rows, columns))
    carry = np.zeros((4, rows, columns))
    touched = np.zeros((rows, columns), dtype=np.bool_)
    for ring in range(starts.size - 1):
        for k in range(starts[ring], starts[ring + 1] - 1):
            _add_region(u[k], v[k], u[k + 1], v[k + 1], part, carry, touched)
            _add_sides(u[k], v[k], u[k + 1], v[k + 1], part, carry)
    _carry_over(part, carry)
    return part[0], part[1], part[2], part[3], part[4], touched


@inner_kernel  # pragma: no cover - compiled
def _add_region(u0, v0, u1, v1, part, carry, touched):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Add the region between one edge and the east, square by square along the edge."""
    du, dv = u1 - u0, v1 - v0
    line_u = np.floor(u0) + 1 if du > 0 else np.ceil(u0) - 1
    line_v = np.floor(v0) + 1 if dv > 0 else np.ceil(v0) - 1
    t = 0.0
    while True:
        t_u = (line_u - u0) / du if (du > 0 and line_u < u1) or (du < 0 and line_u > u1) else 1.0
        t_v = (line_v - v0) / dv if (dv > 0 and line_v < v1) or (dv < 0 and line_v > v1) else 1.0
        end = max(t, min(t_u, t_v, 1.0))
        middle = 0.5 * (t + end)
        column = int(np.floor(u0 + middle * du))
        row = int(np.floor(v0 + middle * dv))
        a0 = min(max(u0 + t * du - column, 0.0), 1.0)
        a1 = min(max(u0 + end * du - column, 0.0), 1.0)
        b0 = min(max(v0 + t * dv - row, 0.0), 1.0)
        b1 = min(max(v0 + end * dv - row, 0.0), 1.0)
        touched[row, column] = True
        da, db = a1 - a0, b1 - b0
        part[0, row, column] += db * (1 - 0.5 * (a0 + a1))
        part[1, row, column] += 0.5 * db * (1 - (a0 * a0 + a0 * a1 + a1 * a1) / 3)
        part[2, row, column] += db * (b0 * (1 - a0) + 0.5 * (db * (1 - a0) - b0 * da) - db * da / 3)
        carry[0, row, column] += db
        carry[1, row, column] += 0.5 * (b1 * b1 - b0 * b0)
        if end >= 1.0:
            return
        if t_u <= end:
            line_u += 1 if du > 0 else -1
        if t_v <= end:
            line_v += 1 if dv > 0 else -1
        t = end


@inner_kernel  # pragma: no cover - compiled
def _add_sides(u0, v0, u1, v1, part, carry):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Add what one edge says about the lattice lines: beyond a crossing the line is inside or not.

    A line counts as crossed on (low, high], so a vertex on a line counts once.
    """
    low, high = min(u0, u1), max(u0, u1)
    sign = 1.0 if u1 < u0 else -1.0
    for line in range(int(np.floor(low)) + 1, int(np.floor(high)) + 1):
        at = v0 + (line - u0) / (u1 - u0) * (v1 - v0)
        row = int(np.floor(at))
        part[3, row, line] += sign * (row + 1 - at)
        carry[2, row, line] += sign
    low, high = min(v0, v1), max(v0, v1)
    sign = 1.0 if v1 > v0 else -1.0
    for line in range(int(np.floor(low)) + 1, int(np.floor(high)) + 1):
        at = u0 + (line - v0) / (v1 - v0) * (u1 - u0)
        column = int(np.floor(at))
        part[4, line, column] += sign * (column + 1 - at)
        carry[3, line, column] += sign


@inner_kernel  # pragma: no cover - compiled
def _carry_over(part, carry):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Carry full squares east of an edge along the row, and lines south of a crossing down the column."""
    rows, columns = part.shape[1], part.shape[2]
    for row in range(rows):
        cover, cover_v, line = 0.0, 0.0, 0.0
        for column in range(columns):
            part[0, row, column] += cover
            part[1, row, column] += 0.5 * cover
            part[2, row, column] += cover_v
            part[4, row, column] += line
            cover += carry[0, row, column]
            cover_v += carry[1, row, column]
            line += carry[3, row, column]
    for row in range(1, rows):
        for column in range(columns):
            carry[2, row, column] += carry[2, row - 1, column]
            part[3, row, column] += carry[2, row - 1, column]


@kernel  # pragma: no cover - compiled
def group_pieces(
    share: FloatArray, west: FloatArray, north: FloatArray, sliver_share: float
) -> npt.NDArray[np.int32]:
    """Return for each square the first square (row-major number) of its cell, NO_CELL where no land is.

    Slivers are taken from the smallest up; each joins the neighbour with the longest common border (of
    equal ones the first in sequence). One pass is enough: a taken sliver is no host any more, unless it
    has no neighbour at all, and then it stays a cell of its own.
    """
    rows, columns = share.shape
    flat = share.ravel()
    root = np.full(rows * columns, NO_CELL, dtype=np.int32)
    following = np.full(rows * columns, NO_CELL, dtype=np.int32)
    last = np.arange(rows * columns, dtype=np.int32)
    total = np.zeros(rows * columns)
    for k in range(flat.size):
        if flat[k] > SMALLEST_SHARE:
            root[k] = k
            total[k] = np.round(flat[k], DECIMALS)
    slivers = np.flatnonzero((root >= 0) & (total < sliver_share))
    slivers = slivers[find_order(total[slivers])]
    for taken in slivers:
        if root[taken] != taken or total[taken] >= sliver_share:
            continue
        host = _find_host(taken, root, following, west, north)
        if host == NO_CELL:
            continue
        k = int(taken)
        while k != NO_CELL:
            root[k] = host
            k = int(following[k])
        following[last[host]] = taken
        last[host] = last[taken]
        total[host] += total[taken]
    return root.reshape((rows, columns))


@inner_kernel  # pragma: no cover - compiled
def _find_host(taken, root, following, west, north):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Return the root with the longest border to the group `taken`, or NO_CELL."""
    rows, columns = west.shape
    hosts = [NO_CELL]
    lengths = [0.0]
    k = taken
    while k != NO_CELL:
        row, column = k // columns, k % columns
        for side in range(4):
            if side == 0:
                other, length = k - columns, north[row, column]
            elif side == 1:
                other, length = k - 1, west[row, column]
            elif side == 2:
                other, length = k + 1, west[row, column + 1] if column + 1 < columns else 0.0
            else:
                other, length = k + columns, north[row + 1, column] if row + 1 < rows else 0.0
            if length <= 10.0**-DECIMALS or root[other] == NO_CELL or root[other] == taken:
                continue
            if root[other] in hosts:
                lengths[hosts.index(root[other])] += length
            else:
                hosts.append(root[other])
                lengths.append(length)
        k = following[k]
    best = 0
    for k in range(1, len(hosts)):
        longer = np.round(lengths[k], DECIMALS) - np.round(lengths[best], DECIMALS)
        if longer > 0 or (longer == 0 and hosts[k] < hosts[best]):
            best = k
    return hosts[best]


@kernel  # pragma: no cover - compiled
def _number_cells(label, pieces):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Return the fields of :class:`LatticeCells`: cells numbered by the place of their largest piece."""
    rows, columns = label.shape
    flat = label.ravel()
    share = pieces.share.ravel()
    anchor = np.full(flat.size, NO_CELL, dtype=np.int32)
    for k in range(flat.size):
        if flat[k] == NO_CELL:
            continue
        best = anchor[flat[k]]
        if best == NO_CELL or np.round(share[k], DECIMALS) > np.round(share[best], DECIMALS):
            anchor[flat[k]] = k
    is_anchor = np.zeros(flat.size, dtype=np.bool_)
    for k in anchor[anchor >= 0]:
        is_anchor[k] = True
    places = np.flatnonzero(is_anchor)
    number = np.full(flat.size, NO_CELL, dtype=np.int32)
    for n in range(places.size):
        number[flat[places[n]]] = n
    table = np.full((rows, columns), NO_CELL, dtype=np.int32)
    size, u, v = np.zeros(places.size), np.zeros(places.size), np.zeros(places.size)
    whole = np.zeros(places.size, dtype=np.bool_)
    for row in range(rows):
        for column in range(columns):
            root = label[row, column]
            if root == NO_CELL:
                continue
            n = number[root]
            piece = pieces.share[row, column]
            table[row, column] = n
            whole[n] = size[n] == 0.0 and not pieces.touched[row, column]
            size[n] += piece
            u[n] += pieces.moment_u[row, column] + column * piece
            v[n] += pieces.moment_v[row, column] + row * piece
    _widen(table, whole)
    return table, places // columns, places % columns, size, u / size, v / size, whole


@inner_kernel  # pragma: no cover - compiled
def _widen(table, whole):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Note a cell beside each empty square: a point on the very border of the area may fall there."""
    rows, columns = table.shape
    narrow = table.copy()
    steps = ((0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
    for row in range(rows):
        for column in range(columns):
            if narrow[row, column] != NO_CELL:
                continue
            for down, right in steps:
                r, c = row + down, column + right
                if 0 <= r < rows and 0 <= c < columns and narrow[r, c] != NO_CELL:
                    table[row, column] = -2 - narrow[r, c]
                    whole[narrow[r, c]] = False
                    break
