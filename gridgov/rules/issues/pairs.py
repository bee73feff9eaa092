"""Which appeals are worth comparing: near in place and time, of one person, at one address; never all with all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.issues.kernels import Cells, Limits, Rows, find_earlier

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DAY_S = 86_400
_AROUND = tuple((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


@dataclass(frozen=True, kw_only=True)
class Points:
    """What pairs are found by, arrays of one length, in order of time; a code of -1 is unknown.

    Parameters
    ----------
    x, y
        Metres in the city's metric system, NaN where unlocated.
    uncertainty_m
        Radius that holds the true place in 90 % of cases; infinite where unlocated.
    seconds
        Since 1970, int64.
    window_s
        How far back an appeal of this grade looks, int64.
    item, level1, person, address
        Codes of equal values, int64.
    """

    x: FloatArray
    y: FloatArray
    uncertainty_m: FloatArray
    seconds: IntArray
    window_s: IntArray
    item: IntArray
    level1: IntArray
    person: IntArray
    address: IntArray


@dataclass(frozen=True, kw_only=True)
class Blocking:
    """Limits of the search, see :data:`gridgov.rules.issues.probability.CONSTANTS` for values and their sources."""

    near_base_m: float
    near_per_uncertainty: float
    near_most_m: float
    person_days: float
    most_pairs: int
    most_looks: int


def find_pairs(points: Points, blocking: Blocking) -> tuple[IntArray, IntArray]:
    """Return pairs of positions (earlier, later), each once, sorted by the later, then the earlier."""
    found = [
        _find_near(points, blocking),
        _find_same(points, points.person, blocking),
        _find_same(
            points,
            np.where(_is_only_roughly_placed(points, blocking), points.address, -1),
            blocking,
        ),
    ]
    left = np.concatenate([pair[0] for pair in found])
    right = np.concatenate([pair[1] for pair in found])
    keys = np.unique(right * max(len(points.x), 1) + left)
    return keys % max(len(points.x), 1), keys // max(len(points.x), 1)


def _is_vague(points: Points, blocking: Blocking) -> npt.NDArray[np.bool_]:
    """Tell which places are too uncertain for a search around them."""
    return ~(points.uncertainty_m <= blocking.near_most_m)


def _is_only_roughly_placed(points: Points, blocking: Blocking) -> npt.NDArray[np.bool_]:
    # Unlocated addresses are out: 小区门口 is said of a thousand gates.
    return _is_vague(points, blocking) & ~np.isnan(points.x + points.y)


def _find_near(points: Points, blocking: Blocking) -> tuple[IntArray, IntArray]:
    """Return pairs within a radius that follows from both uncertainties, of one level 1 or where it is unknown."""
    rows = np.flatnonzero(~_is_vague(points, blocking) & ~np.isnan(points.x + points.y))
    if len(rows) < 2:
        return rows[:0], rows[:0]
    column = np.floor(points.x[rows] / blocking.near_most_m).astype(np.int64)
    line = np.floor(points.y[rows] / blocking.near_most_m).astype(np.int64)
    column, line = column - column.min() + 1, line - line.min() + 1
    width = int(column.max()) + 2
    key = line * width + column
    order = np.argsort(key, kind="stable")  # points are in order of time
    rows, key = rows[order], key[order]
    cells = _make_cells(key, width)
    near = Rows(
        x=points.x[rows],
        y=points.y[rows],
        reach_m=points.uncertainty_m[rows],
        seconds=points.seconds[rows],
        window_s=points.window_s[rows],
        group=points.level1[rows],
    )
    limits = Limits(
        base_m=blocking.near_base_m,
        per_reach=blocking.near_per_uncertainty,
        most_m=blocking.near_most_m,
        most_pairs=blocking.most_pairs,
        most_looks=blocking.most_looks,
    )
    left, right = find_earlier(near, cells, limits)
    # Equal times in different cells may come in either order.
    return np.minimum(rows[left], rows[right]), np.maximum(rows[left], rows[right])


def _make_cells(key: IntArray, width: int) -> Cells:
    keys, starts, cell = np.unique(key, return_index=True, return_inverse=True)
    around = np.empty((len(keys), len(_AROUND)), np.int64)
    for k, (dx, dy) in enumerate(_AROUND):
        wanted = keys + dy * width + dx
        at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        around[:, k] = np.where(keys[at] == wanted, at, -1)
    return Cells(starts=np.append(starts, len(key)), around=around, cell=cell.astype(np.int64))


def _find_same(points: Points, code: IntArray, blocking: Blocking) -> tuple[IntArray, IntArray]:
    """Return pairs of equal codes within a person's window whose places do not contradict each other."""
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.argsort(code[rows], kind="stable")]
    lefts, rights = [rows[:0]], [rows[:0]]
    for step in range(1, blocking.most_pairs + 1):
        left, right = rows[:-step], rows[step:]
        same = code[left] == code[right]
        if not same.any():
            break
        left, right = left[same], right[same]
        recent = points.seconds[right] - points.seconds[left] <= blocking.person_days * DAY_S
        apart = np.hypot(points.x[left] - points.x[right], points.y[left] - points.y[right])
        reach = np.hypot(points.uncertainty_m[left], points.uncertainty_m[right])
        far = apart > blocking.near_base_m + blocking.near_per_uncertainty * reach
        lefts.append(left[recent & ~far])
        rights.append(right[recent & ~far])
    return np.concatenate(lefts), np.concatenate(rights)


def code_values(values: pd.Series) -> IntArray:
    """Return equal codes for equal values, -1 for missing and empty ones."""
    filled = values.where(values.notna() & (values.astype("str") != ""))
    return np.asarray(pd.factorize(filled)[0], dtype=np.int64)
