"""Edges of areas and the cells that they touch: what every part of the index is made from."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.kernels import SCALE_X, SCALE_Y, X0, X1, Y0, Y1
from geodata.kernels import inner_kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

PAD_CELLS = 1e-6
PAD_ULPS = 16.0  # the interpolation along an edge errs by a few
EPS = float(np.finfo(np.float64).eps)


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
        As in :class:`~geodata.areas.kernels.Compiled`.
    side
        Fine cells along each side of the grid.
    """

    xy: FloatArray
    vertices: IntArray
    areas: IntArray
    grid: FloatArray
    side: int


@inner_kernel
def to_cell(value: float, origin: float, scale: float, side: int) -> int:
    """Return row or column; the same arithmetic as ``find_cell``, so both agree for every float."""
    return min(int((value - origin) * scale), side - 1)


@inner_kernel
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


@inner_kernel
def grown(array: IntArray, needed: int) -> IntArray:
    """Return `array`, or a larger copy if it has less than `needed` places."""
    if needed <= len(array):
        return array
    larger = np.empty(max(2 * len(array), needed), dtype=np.int32)
    for i in range(len(array)):
        larger[i] = array[i]
    return larger
