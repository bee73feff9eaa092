"""Edges of all areas, shared ones once, sorted by the cells of a grid: what distances are measured to."""

from math import cos, radians, sin, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.edges import Edges, clip_columns, to_cell
from geodata.areas.kernels import SCALE_X, SCALE_Y, Y0
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

WGS84_A_M = 6_378_137.0
WGS84_E2 = 6.694_379_990_141_317e-3
RADIAN = radians(1.0)
MOST_RINGS = 255
PLAIN_START, PLAIN_END = 1, 2
SECOND_COPY = -2


class NearGrid(NamedTuple):
    """Edges by cells.

    Parameters
    ----------
    grid
        West, south, east, north in degrees, then cells per degree along x and y.
    side
        Cells along each side.
    starts
        First item of every cell, row by row, shape (side² + 1,).
    items
        Numbers of edges, cell by cell, ascending in each.
    edges
        Edges ``x1 y1 x2 y2`` in degrees, ascending by the lower of their areas, shape (n, 4).
    owners
        Positions of the areas of every edge, the lower first, -1 for no second one, shape (n, 2).
    plain
        :data:`PLAIN_START` and :data:`PLAIN_END`: at this end of an edge all edges have its areas.
    clearance
        Rings of empty cells around each cell, itself counted, at most :data:`MOST_RINGS`, shape (side²,).
    cell_m
        Width and height of the cells of each row, at most their true ones in metres, shape (side, 2).
    """

    grid: FloatArray
    side: int
    starts: IntArray
    items: IntArray
    edges: FloatArray
    owners: IntArray
    plain: ByteArray
    clearance: ByteArray
    cell_m: FloatArray


def make_near_grid(edges: Edges) -> NearGrid:
    """Return all edges with the cells that they touch, shared ones once."""
    bits = edges.xy.view(np.int64)
    others = _pair_edges(edges.vertices, edges.areas, bits)
    first = np.flatnonzero(others != SECOND_COPY).astype(np.int32)
    vertices, owners = edges.vertices[first], np.stack([edges.areas[first], others[first]], axis=1)
    ends = np.take(edges.xy, np.stack([vertices, vertices + 1], axis=1), axis=0).reshape(-1, 4)
    starts = np.zeros(edges.side**2 + 1, dtype=np.int32)
    _sort_into_cells(ends, edges, starts[1:], np.empty(0, dtype=np.int32))
    np.cumsum(starts, out=starts)
    items = np.empty(starts[-1], dtype=np.int32)
    _sort_into_cells(ends, edges, starts[:-1].copy(), items)
    return NearGrid(
        grid=edges.grid,
        side=edges.side,
        starts=starts,
        items=items,
        edges=ends,
        owners=owners,
        plain=_find_plain(vertices, owners, bits),
        clearance=_measure_rings(starts, edges.side),
        cell_m=_measure_cells(edges.grid, edges.side),
    )


@kernel
def _pair_edges(vertices: IntArray, areas: IntArray, bits: npt.NDArray[np.int64]) -> IntArray:
    """Return for each edge the second area that has it bit for bit, -1 for none."""
    size = 1
    while size < 2 * len(vertices):
        size *= 2
    table = np.full(size, -1, dtype=np.int32)
    others = np.full(len(vertices), -1, dtype=np.int32)
    for i in range(len(vertices)):
        k = vertices[i]
        slot = _hash_vertex(bits, k) + _hash_vertex(bits, k + 1) & (size - 1)
        while table[slot] >= 0:
            j = table[slot]
            q = vertices[j]
            same = bits[k, 0] == bits[q + 1, 0] and bits[k, 1] == bits[q + 1, 1]
            if same and bits[k + 1, 0] == bits[q, 0] and bits[k + 1, 1] == bits[q, 1]:
                break
            slot = slot + 1 & (size - 1)
        if table[slot] < 0:
            table[slot] = i
        elif others[j] == -1 and areas[i] != areas[j]:
            others[j], others[i] = areas[i], SECOND_COPY
    return others


@inner_kernel
def _hash_vertex(bits: npt.NDArray[np.int64], k: int) -> int:
    """Return a hash of a vertex (multiplicative, Knuth, The Art of Computer Programming, section 6.4)."""
    mixed = (bits[k, 0] * 0x2545F4914F6CDD1D) ^ (bits[k, 1] * 0x1C69B3F74AC4AE35)
    return int((mixed >> 29) & 0x3FFFFFFF)


@kernel
def _find_plain(vertices: IntArray, owners: IntArray, bits: npt.NDArray[np.int64]) -> ByteArray:
    """Return for each edge at which of its ends no other pair of areas meets."""
    size = 1
    while size < 4 * len(vertices):
        size *= 2
    table, mixed = np.full(size, -1, dtype=np.int32), np.zeros(size, dtype=np.bool_)
    slots = np.empty((len(vertices), 2), dtype=np.int32)
    for i in range(len(vertices)):
        for end in range(2):
            k = vertices[i] + end
            slot = _hash_vertex(bits, k) & (size - 1)
            while table[slot] >= 0:
                q = vertices[table[slot] >> 1] + (table[slot] & 1)
                if bits[k, 0] == bits[q, 0] and bits[k, 1] == bits[q, 1]:
                    break
                slot = slot + 1 & (size - 1)
            if table[slot] < 0:
                table[slot] = 2 * i + end
            first = table[slot] >> 1
            same = owners[i, 0] == owners[first, 0] and owners[i, 1] == owners[first, 1]
            mixed[slot] |= not same
            slots[i, end] = slot
    plain = np.empty(len(vertices), dtype=np.uint8)
    for i in range(len(vertices)):
        start, end = int(not mixed[slots[i, 0]]), int(not mixed[slots[i, 1]])
        plain[i] = PLAIN_START * start + PLAIN_END * end
    return plain


@kernel
def _sort_into_cells(ends: FloatArray, edges: Edges, places: IntArray, items: IntArray) -> None:
    """Count the edges of each cell in `places`, or put them there if there is room for them."""
    grid, side = edges.grid, edges.side
    for i in range(len(ends)):
        x1, y1, x2, y2 = ends[i, 0], ends[i, 1], ends[i, 2], ends[i, 3]
        low = to_cell(min(y1, y2), grid[Y0], grid[SCALE_Y], side)
        high = to_cell(max(y1, y2), grid[Y0], grid[SCALE_Y], side)
        for row in range(low, high + 1):
            first, last = clip_columns(x1, y1, x2, y2, row, edges)
            for cell in range(row * side + first, row * side + last + 1):
                if len(items):
                    items[places[cell]] = i
                places[cell] += 1


@kernel
def _measure_cells(grid: FloatArray, side: int) -> FloatArray:
    """Return width and height of cells row by row, the least within each row."""
    cell_m = np.empty((side, 2), dtype=np.float64)
    for row in range(side):
        south = max(grid[Y0] + row / grid[SCALE_Y], -90.0)
        north = min(grid[Y0] + (row + 1) / grid[SCALE_Y], 90.0)
        low, high = degree_lengths(south), degree_lengths(north)
        cell_m[row, 0] = max(min(low[0], high[0]), 0.0) / grid[SCALE_X]
        cell_m[row, 1] = min(low[1], high[1]) / grid[SCALE_Y]
    return cell_m


@kernel
def _measure_rings(starts: IntArray, side: int) -> npt.NDArray[np.uint8]:
    """Return for each cell the distance in cells to the nearest one with edges, in two passes.

    Chessboard distance (Rosenfeld and Pfaltz 1966, Sequential operations in digital picture processing).
    """
    rings = np.empty((side + 2, side + 2), dtype=np.uint8)
    rings[:, :] = MOST_RINGS
    for row in range(side):
        for column in range(side):
            cell = row * side + column
            r, c = row + 1, column + 1
            before = min(rings[r - 1, c - 1], rings[r - 1, c], rings[r - 1, c + 1], rings[r, c - 1])
            rings[r, c] = min(before, MOST_RINGS - 1) + 1 if starts[cell] == starts[cell + 1] else 0
    for r in range(side, 0, -1):
        for c in range(side, 0, -1):
            after = min(rings[r + 1, c + 1], rings[r + 1, c], rings[r + 1, c - 1], rings[r, c + 1])
            rings[r, c] = min(rings[r, c], min(after, MOST_RINGS - 1) + 1)
    return rings[1:-1, 1:-1].copy().reshape(side * side)


@kernel
def degree_lengths(lat: float) -> tuple[float, float]:
    """Return metres per degree of longitude and of latitude."""
    phi = lat * RADIAN
    sine = sin(phi)
    w = 1.0 - WGS84_E2 * sine * sine
    normal = WGS84_A_M / sqrt(w)
    return normal * cos(phi) * RADIAN, normal * (1.0 - WGS84_E2) / w * RADIAN


@inner_kernel
def clamp_cell(value: float, origin: float, scale: float, side: int) -> int:
    """Return the row or column of a place, the nearest one where it lies outside the grid."""
    place = (value - origin) * scale
    if place <= 0.0:
        return 0
    return side - 1 if place >= side else int(place)
