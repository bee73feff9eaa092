"""Compiled kernels of the search for duplicates: earlier neighbours, likeness of texts, piles that hold together."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.kernels import kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Rows(NamedTuple):
    """Appeals as arrays of one length; a negative code is unknown.

    ``x y`` metres · ``reach_m`` radius that holds the true place in 90 % of cases · ``seconds`` time · ``window_s``
    how far back a row looks · ``group`` level 1 of the item.
    """

    x: FloatArray
    y: FloatArray
    reach_m: FloatArray
    seconds: IntArray
    window_s: IntArray
    group: IntArray


class Cells(NamedTuple):
    """Rows sorted by cell, then time.

    ``starts`` first row of each cell, and the end · ``around`` cells to look into, (cells, 9), -1 where there is none ·
    ``cell`` of each row.
    """

    starts: IntArray
    around: IntArray
    cell: IntArray


class Limits(NamedTuple):
    """Near is within ``base_m + per_reach * hypot(reach, reach)``, at most ``most_m``.

    ``most_pairs`` a row may have and ``most_looks`` it takes per cell: a heap at one point must not stop the run.
    """

    base_m: float
    per_reach: float
    most_m: float
    most_pairs: int
    most_looks: int


class Span(NamedTuple):
    """What a pile may span: ``base_m + per_reach * worst reach`` metres, ``seconds`` between first calls."""

    base_m: float
    per_reach: float
    seconds: float


@kernel
def find_earlier(rows: Rows, cells: Cells, limits: Limits) -> tuple[IntArray, IntArray]:
    """Return pairs (earlier, later) of rows that are near in place and time, newest first."""
    left = np.empty(max(16, len(rows.x)), np.int64)
    right = np.empty_like(left)
    longest = rows.window_s.max() if len(rows.window_s) else 0
    n = 0
    for i in range(len(rows.x)):
        most = n + limits.most_pairs
        for c in cells.around[cells.cell[i]]:
            if c < 0:
                continue
            stop = _find_stop(rows.seconds, cells.starts[c], cells.starts[c + 1], i)
            for j in range(stop - 1, max(cells.starts[c], stop - limits.most_looks) - 1, -1):
                if n >= most or rows.seconds[i] - rows.seconds[j] > longest:
                    break
                if not _is_near(rows, i, j, limits):
                    continue
                if n == len(left):
                    left = np.concatenate((left, np.empty_like(left)))
                    right = np.concatenate((right, np.empty_like(right)))
                left[n], right[n] = j, i
                n += 1
    return left[:n], right[:n]


@kernel
def _is_near(rows: Rows, i: int, j: int, limits: Limits) -> bool:
    if rows.seconds[i] - rows.seconds[j] > max(rows.window_s[i], rows.window_s[j]):
        return False
    if rows.group[i] != rows.group[j] and rows.group[i] >= 0 and rows.group[j] >= 0:
        return False
    reach = np.hypot(rows.reach_m[i], rows.reach_m[j])
    radius = min(limits.base_m + limits.per_reach * reach, limits.most_m)
    return bool(np.hypot(rows.x[i] - rows.x[j], rows.y[i] - rows.y[j]) <= radius)


@kernel
def _find_stop(seconds: IntArray, low: int, high: int, row: int) -> int:
    """Return the end of the rows of ``low..high`` that come before `row` in time, or in order at one time."""
    while low < high:
        middle = (low + high) // 2
        same = seconds[middle] == seconds[row]
        if seconds[middle] < seconds[row] or (same and middle < row):
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def compare_rows(
    indptr: IntArray, indices: IntArray, weights: FloatArray, left: IntArray, right: IntArray
) -> FloatArray:
    """Return the products of pairs of sparse rows whose indices are sorted, float64 (pairs,)."""
    out = np.zeros(len(left))
    for k in range(len(left)):
        a, a_stop = indptr[left[k]], indptr[left[k] + 1]
        b, b_stop = indptr[right[k]], indptr[right[k] + 1]
        while a < a_stop and b < b_stop:
            if indices[a] == indices[b]:
                out[k] += weights[a] * weights[b]
                a += 1
                b += 1
            elif indices[a] < indices[b]:
                a += 1
            else:
                b += 1
    return out


@kernel
def _find_root(parent: IntArray, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@kernel
def pile_up(
    rows: Rows, left: IntArray, right: IntArray, *, one_person: BoolArray, span: Span
) -> IntArray:
    """Return the first row of the pile of every row.

    Links are taken in order, those of one person first, then the strongest; each only if the joined pile holds
    together. An unknown place (NaN) widens nothing, nor does what one person says again: the span in time is that
    of the first calls of different persons. Two known groups never join over an appeal of unknown group.
    """
    n = len(rows.x)
    parent = np.arange(n)
    box = np.empty((n, 4))
    box[:, 0], box[:, 1], box[:, 2], box[:, 3] = -rows.x, rows.x, -rows.y, rows.y
    reach, group = rows.reach_m.copy(), rows.group.copy()
    since, until = rows.seconds.copy(), rows.seconds.copy()
    for k in range(len(left)):
        one, two = _find_root(parent, left[k]), _find_root(parent, right[k])
        if one == two:
            continue
        a, b = min(one, two), max(one, two)
        joined = np.fmax(box[a], box[b])
        worst = np.fmax(reach[a], reach[b])
        start, end = min(since[a], since[b]), max(until[a], until[b])
        if one_person[k]:
            end = start
        known = min(group[a], group[b]) >= 0
        wide = np.hypot(joined[0] + joined[1], joined[2] + joined[3])
        if wide > span.base_m + span.per_reach * worst or end - start > span.seconds:
            continue
        if known and group[a] != group[b]:
            continue
        group[a] = max(group[a], group[b])
        parent[b], box[a], reach[a] = a, joined, worst
        since[a], until[a] = start, end
    for row in range(n):
        parent[row] = _find_root(parent, row)
    return parent
