"""Names by beginning and by part, and the street of a point, compiled."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.gazetteer.places import Areas
from geodata.geocoder.geometry import is_inside
from geodata.kernels import inner_kernel, kernel

_STREET_LEVEL = 1


@kernel
def _compare(codes: np.ndarray, first: int, last: int, wanted: np.ndarray) -> int:
    """Return -1, 0 or 1: the name sorts before, begins with, or sorts after `wanted`."""
    for k in range(len(wanted)):
        if first + k >= last:
            return -1
        if codes[first + k] != wanted[k]:
            return -1 if codes[first + k] < wanted[k] else 1
    return 0


@kernel
def find_range(codes: np.ndarray, start: np.ndarray, wanted: np.ndarray) -> tuple[int, int]:
    """Return the range of (sorted) names that begin with `wanted`.

    Name i is ``codes[start[i]:start[i + 1]]``.
    """
    bounds = (0, 0)
    for side in range(2):
        low, high = bounds[0], len(start) - 1
        while low < high:
            middle = (low + high) // 2
            if _compare(codes, start[middle], start[middle + 1], wanted) < side:
                low = middle + 1
            else:
                high = middle
        bounds = (low, low) if side == 0 else (bounds[0], low)
    return bounds


@kernel
def find_within(codes: np.ndarray, start: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the names that contain `wanted` but do not begin with it, rising."""
    found = np.empty(len(start) - 1, dtype=np.int64)
    n, name, size = 0, 0, len(wanted)
    i = start[0] + 1
    while i + size <= len(codes):
        if codes[i] != wanted[0] or not _stands_at(codes, i, wanted):
            i += 1
            continue
        name += np.searchsorted(start[name:], i, side="right") - 1
        if i + size <= start[name + 1] and _compare(codes, start[name], start[name + 1], wanted):
            found[n] = name
            n += 1
            i = start[name + 1]
        else:
            i += 1
    return found[:n].copy()


@inner_kernel
def _stands_at(codes: np.ndarray, at: int, wanted: np.ndarray) -> bool:
    for k in range(len(wanted)):  # noqa: SIM110 - a generator does not compile
        if codes[at + k] != wanted[k]:
            return False
    return True


@kernel
def find_street(areas: Areas, x: float, y: float) -> int:
    """Return the street whose outline holds a point, or -1."""
    for area in range(len(areas.level)):
        outlined = areas.edge_start[area] < areas.edge_start[area + 1]
        if areas.level[area] == _STREET_LEVEL and outlined and is_inside(areas, area, x, y):
            return area
    return -1


@kernel
def mark_inside(areas: Areas, wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each point whether it lies in one of the areas `wanted`."""
    inside = np.zeros(len(x), dtype=np.bool_)
    for i in range(len(x)):
        for area in wanted:
            inside[i] |= is_inside(areas, area, x[i], y[i])
    return inside
