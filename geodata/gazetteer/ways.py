"""Roads and numbered compounds: lines, spines, known numbers and the city's numbering habits."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from geodata.gazetteer.house_numbers import DEFAULT_MODEL, NumberModel, learn_model
from geodata.gazetteer.other_names import make_way_names, spell_numerals
from geodata.gazetteer.records import Records

SPINE_STEP_M = 20.0
SEPARATE_M = 1_500.0
"""Parts of one name farther apart than this are different roads of the same name."""
_HALF_RASTER = 1 << 20
"""Cells of 100 m on either side of the middle: farther than any city reaches."""
ASTRAY_M = 300.0
"""A number this far to the side of its road is no number of it: a wrong point, or another road of its name."""
_LARGEST_HOLE_M = 800.0
"""A road whose line is cut off goes on to the next number within this [A]."""
_STRAIGHT_SHARE = 0.45
"""A road whose cross spread exceeds this share of its length (a ring) has no spine."""


class Ways(NamedTuple):
    """Roads in plane metres, one row a road; spines and known numbers as slices.

    ``x y`` middle, ``r`` radius that holds 90 % of it · ``has_spine`` · ``ox oy ux uy`` origin and unit
    axis, numbers rise along it · ``length`` of the axis · ``spine_start`` → ``spine_x spine_y`` every
    :data:`SPINE_STEP_M` · ``known_start`` → ``known_no known_t known_off known_x known_y``.
    """

    x: np.ndarray
    y: np.ndarray
    r: np.ndarray
    has_spine: np.ndarray
    ox: np.ndarray
    oy: np.ndarray
    ux: np.ndarray
    uy: np.ndarray
    length: np.ndarray
    spine_start: np.ndarray
    spine_x: np.ndarray
    spine_y: np.ndarray
    known_start: np.ndarray
    known_no: np.ndarray
    known_t: np.ndarray
    known_off: np.ndarray
    known_x: np.ndarray
    known_y: np.ndarray


class Habits(NamedTuple):
    """How the city numbers: along a spine, and east and north where no line is known."""

    along: NumberModel
    east: NumberModel
    north: NumberModel


_Known = tuple[np.ndarray, np.ndarray]
_NO_POINTS = np.zeros((0, 2))
_NO_NUMBERS: _Known = (np.zeros(0, np.int64), _NO_POINTS)


@dataclass(kw_only=True)
class _Way:
    name: str
    points: np.ndarray  # densified line, (n, 2), may be empty
    numbers: np.ndarray
    where: np.ndarray  # (k, 2)


def make_ways(records: Records) -> tuple[Ways, Habits, list[list[str]]]:
    """Build the roads of `records`; also returns the habits and the names of each road."""
    lines = _gather_lines(records.lines)
    known = _gather_numbers(records, lines)
    names = sorted(set(lines) | set(known))
    spoken = {row.name: row.names for row in records.lines.drop_duplicates("name").itertuples()}
    ways: list[_Way] = []
    for name in names:
        ways += _split_way(name, lines.get(name, _NO_POINTS), known.get(name, _NO_NUMBERS))
    shapes = [_make_shape(way) for way in ways]
    signs = _learn_directions(ways, shapes)
    shapes = [_orient(shape, signs) for shape in shapes]
    packed = _pack(ways, shapes)
    habits = _learn_habits(packed)
    return packed, habits, [spoken.get(way.name) or make_way_names(way.name, []) for way in ways]


def _gather_lines(lines: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the densified points of every named road."""
    dense = shapely.segmentize(np.asarray(lines["geometry"], dtype=object), SPINE_STEP_M / 2)
    xy, index = shapely.get_coordinates(dense, return_index=True)
    number, names = pd.factorize(lines["name"])
    order = np.argsort(number[index], kind="stable")
    bounds = np.searchsorted(number[index][order], np.arange(len(names) + 1))
    return {name: xy[order[bounds[i] : bounds[i + 1]]] for i, name in enumerate(names)}


def _gather_numbers(records: Records, lines: dict[str, np.ndarray]) -> dict[str, _Known]:
    """Return the known numbers of every road, under the name of its line where it has one."""
    numbers = records.numbers
    if numbers.empty:
        return {}
    names = numbers["name"].unique()
    official = {other: row.name for row in records.lines.itertuples() for other in row.names}
    official |= {name: name for name in lines}
    full = {
        short: n
        for n in names
        for short in make_way_names(spell_numerals(n), [])
        if short != n and n not in official
    }
    spelled = {spell_numerals(name): name for name in official}
    official |= {spell: official[name] for spell, name in spelled.items() if spell not in official}
    canonical = {}
    for n in names:
        # 东四9条 and 东四九条 are one road.
        own = n if n in official else spell_numerals(n)
        canonical[n] = official.get(own) or official.get(full.get(own, own)) or full.get(own, own)
    index, keys = pd.factorize(numbers["name"].map(canonical), sort=True)
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(keys) + 1))
    no = numbers["number"].to_numpy(np.int64)[order]
    where = numbers[["x", "y"]].to_numpy(float)[order]
    return {
        str(key): (no[bounds[i] : bounds[i + 1]], where[bounds[i] : bounds[i + 1]])
        for i, key in enumerate(keys)
    }


def _split_way(name: str, points: np.ndarray, known: _Known) -> list[_Way]:
    """Return the separate roads that share one name."""
    numbers, where = known
    both = np.vstack([points, where])
    if np.ptp(both, axis=0).max() <= SEPARATE_M:
        return [_Way(name=name, points=points, numbers=numbers, where=where)]
    # Clusters of a coarse raster are enough to tell roads kilometres apart.
    cells = np.round(both / 100.0).astype(np.int64) + _HALF_RASTER
    # One number a cell: unique rows of two columns cost five times as much.
    key, inverse = np.unique(cells[:, 0] * (2 * _HALF_RASTER) + cells[:, 1], return_inverse=True)
    raster = np.column_stack(np.divmod(key, 2 * _HALF_RASTER)).astype(float)
    pairs = KDTree(raster).query_pairs(SEPARATE_M / 100.0, output_type="ndarray")
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(raster), len(raster)))
    part = connected_components(graph, directed=False)[1][inverse.ravel()]
    line, own = part[: len(points)], part[len(points) :]
    return [
        _Way(name=name, points=points[line == p], numbers=numbers[own == p], where=where[own == p])
        for p in range(part.max() + 1)
    ]


class _Shape(NamedTuple):
    """A road's axis and spine; ``spine`` is empty where it has none."""

    origin: np.ndarray
    axis: np.ndarray
    length: float
    spine: np.ndarray


_NO_SPINE = np.zeros((0, 2))


def _make_shape(way: _Way) -> _Shape:
    if len(way.points) < 3:
        middle = way.where.mean(axis=0) if len(way.where) else way.points.mean(axis=0)
        return _Shape(middle, np.array([1.0, 0.0]), 0.0, _NO_SPINE)
    middle = way.points.mean(axis=0)
    _, spread, axes = np.linalg.svd(way.points - middle, full_matrices=False)
    # One direction of an axis: east for those that run more east than north, else north.
    axis = axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))])
    along = (way.points - middle) @ axis
    low, high = float(along.min()), float(along.max())
    if spread[1] > _STRAIGHT_SHARE * spread[0] or high - low < SPINE_STEP_M:
        return _Shape(middle + low * axis, axis, high - low, _NO_SPINE)
    low, high = _reach_numbers(way, middle, axis, low, high)
    origin = middle + low * axis
    if high - low < SPINE_STEP_M:
        return _Shape(origin, axis, high - low, _NO_SPINE)
    return _Shape(origin, axis, high - low, _make_spine(way.points, origin, axis, high - low))


def _reach_numbers(
    way: _Way, middle: np.ndarray, axis: np.ndarray, low: float, high: float
) -> tuple[float, float]:
    """Return the ends of a road, moved out to the numbers beyond them: its line may stop at a district's border."""
    across = np.abs((way.where - middle) @ np.array([-axis[1], axis[0]]))
    along = np.sort(((way.where - middle) @ axis)[across <= ASTRAY_M])
    for at in along[::-1][along[::-1] < low]:
        low = float(at) if low - at <= _LARGEST_HOLE_M else low
    for at in along[along > high]:
        high = float(at) if at - high <= _LARGEST_HOLE_M else high
    return low, high


def _make_spine(
    points: np.ndarray, origin: np.ndarray, axis: np.ndarray, length: float
) -> np.ndarray:
    """Return the road's middle every SPINE_STEP_M along its axis (carriageways averaged)."""
    along = (points - origin) @ axis
    across = (points - origin) @ np.array([-axis[1], axis[0]])
    steps = int(length / SPINE_STEP_M) + 2
    cell = np.minimum(np.round(along / SPINE_STEP_M).astype(int), steps - 1)
    count = np.bincount(cell, minlength=steps)
    mean = np.bincount(cell, weights=across, minlength=steps) / np.maximum(count, 1)
    at = np.arange(steps)
    mean = np.interp(at, at[count > 0], mean[count > 0])
    t = np.minimum(at * SPINE_STEP_M, length)
    spine: np.ndarray = origin + t[:, None] * axis + mean[:, None] * np.array([-axis[1], axis[0]])
    return spine


def _learn_directions(ways: list[_Way], shapes: list[_Shape]) -> tuple[float, float]:
    """Return +1 or -1 for roads that run east-west and north-south: where numbers rise."""
    votes = [0.0, 0.0]
    for way, shape in zip(ways, shapes, strict=True):
        if len(shape.spine) and len(np.unique(way.numbers)) >= 2:
            t = (way.where - shape.origin) @ shape.axis
            slope = np.cov(way.numbers, t)[0, 1]
            votes[int(abs(shape.axis[1]) > abs(shape.axis[0]))] += np.sign(slope)
    return (1.0 if votes[0] >= 0 else -1.0, 1.0 if votes[1] >= 0 else -1.0)


def _orient(shape: _Shape, signs: tuple[float, float]) -> _Shape:
    """Turn a road so that numbers rise along its axis."""
    if not len(shape.spine) or signs[int(abs(shape.axis[1]) > abs(shape.axis[0]))] > 0:
        return shape
    return _Shape(
        shape.origin + shape.length * shape.axis, -shape.axis, shape.length, _reverse(shape)
    )


def _reverse(shape: _Shape) -> np.ndarray:
    """Return the spine resampled from the other end."""
    t = (shape.spine - shape.origin) @ shape.axis
    back = np.clip(shape.length - np.arange(len(shape.spine)) * SPINE_STEP_M, 0, shape.length)
    return np.column_stack([np.interp(back, t, shape.spine[:, k]) for k in (0, 1)])


def _pack(ways: list[_Way], shapes: list[_Shape]) -> Ways:
    known = [_pack_known(way, shape) for way, shape in zip(ways, shapes, strict=True)]
    stacked = np.vstack([*known, np.zeros((0, 5))])
    spine = np.vstack([*(shape.spine for shape in shapes), np.zeros((0, 2))]).astype(np.float32)
    middle = np.array([_find_middle(w) for w in ways], dtype=np.float32).reshape(-1, 3)
    origin = np.array([s.origin for s in shapes], dtype=np.float32).reshape(-1, 2)
    axis = np.array([s.axis for s in shapes], dtype=np.float32).reshape(-1, 2)
    column = [stacked[:, k].astype(np.float32) for k in range(5)]
    return Ways(
        x=middle[:, 0].copy(),
        y=middle[:, 1].copy(),
        r=middle[:, 2].copy(),
        has_spine=np.array([len(s.spine) > 0 for s in shapes], dtype=np.bool_),
        ox=origin[:, 0].copy(),
        oy=origin[:, 1].copy(),
        ux=axis[:, 0].copy(),
        uy=axis[:, 1].copy(),
        length=np.array([s.length for s in shapes], dtype=np.float32),
        spine_start=np.cumsum([0, *(len(s.spine) for s in shapes)]).astype(np.int64),
        spine_x=spine[:, 0].copy(),
        spine_y=spine[:, 1].copy(),
        known_start=np.cumsum([0, *(len(k) for k in known)]).astype(np.int64),
        known_no=stacked[:, 0].astype(np.int32),
        known_t=column[1],
        known_off=column[2],
        known_x=column[3],
        known_y=column[4],
    )


def _find_middle(way: _Way) -> tuple[float, float, float]:
    points = way.points if len(way.points) else way.where
    x, y = np.median(points, axis=0) if not len(way.points) else points.mean(axis=0)
    away = np.hypot(points[:, 0] - x, points[:, 1] - y)
    return float(x), float(y), float(np.quantile(away, 0.9))


def _pack_known(way: _Way, shape: _Shape) -> np.ndarray:
    """Return rows of number, t, off, x, y: one a number, sorted, at the median of its points."""
    if not len(way.numbers):
        return np.zeros((0, 5))
    number, where = _merge_numbers(way.numbers, way.where)
    t = (where - shape.origin) @ shape.axis
    across = (where - shape.origin) @ np.array([-shape.axis[1], shape.axis[0]])
    if len(shape.spine):
        step = np.clip(t / SPINE_STEP_M, 0, len(shape.spine) - 1)
        spine = (shape.spine - shape.origin) @ np.array([-shape.axis[1], shape.axis[0]])
        across -= np.interp(step, np.arange(len(spine)), spine)
    return np.column_stack([number.astype(float), t, across, where])


def _merge_numbers(numbers: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each number once, sorted, at the median of its points."""
    number, first, count = np.unique(np.sort(numbers), return_index=True, return_counts=True)
    low, high = first + (count - 1) // 2, first + count // 2
    middle = np.empty((len(number), 2))
    for column in range(2):
        values = where[np.lexsort((where[:, column], numbers)), column]
        middle[:, column] = 0.5 * (values[low] + values[high])
    return number, middle


def _learn_habits(ways: Ways) -> Habits:
    """Fit the numbering model to roads with a spine, and per direction to all numbered roads."""
    start, numbers = ways.known_start, ways.known_no.astype(float)
    spined = np.repeat(ways.has_spine, np.diff(start)) & (np.abs(ways.known_off) <= ASTRAY_M)
    own = np.concatenate([[0], np.cumsum(spined)])[start]
    along = learn_model(
        own, numbers[spined], ways.known_t[spined].astype(float), begin=DEFAULT_MODEL
    )
    free = []
    for known, middle in ((ways.known_x, ways.x), (ways.known_y, ways.y)):
        centred = known.astype(float) - np.repeat(middle, np.diff(start))
        begin = DEFAULT_MODEL._replace(offset=0.0, offset_var=400.0**2, slope=-2.0, slope_var=16.0)
        free.append(learn_model(start, numbers, centred, begin=begin))
    return Habits(along, free[0], free[1])
