"""Significant neighbourhoods: Gi*'s local sum, judged against the background, with false-discovery control.

Gi* standardises the local sum ``Σ_j w_ij x_j`` by the mean and variance of the map, which makes every dense place a
hotspot and is far from normal where most cells hold nothing. Here the same local sum is judged by the distribution
that :mod:`planner.hotspots.background` expects for it. All (cell, item, window, radius) tests form one family.

False discoveries are controlled among *places*, not among tests: one true hotspot lights a hundred tests (its
neighbours, both radii, several windows) and a false one a single test, so a 5 % share among tests would be a third
among places. Hence tests are first reduced to neighbourhoods that stand on their own, then Benjamini-Hochberg is
applied to those with m as the size of the family: at any threshold t at most m·t false tests, thus at most m·t false
places, are expected (the argument of topological inference, Chumbley & Friston 2009, "False discovery rate
revisited", NeuroImage 44).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, spatial, special

from planner.hotspots.background import Background, make_background, make_window_background
from planner.hotspots.cube import Cube
from planner.hotspots.fdr import make_q_values
from planner.hotspots.persons_per_issue import Clumps, make_clumps
from planner.hotspots.windows import Window, make_windows

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

KEYS = ("item", "window", "radius", "cell")
"""What names a test."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What counts as a hotspot; a city pack may set each in ``[planning]``.

    Parameters
    ----------
    level
        Accepted share of false ones among the neighbourhoods that are reported. Assumed.
    radii_m
        Radii of the neighbourhoods: the cell with its eight neighbours, and two cells around. Assumed.
    fewest_persons, least_ratio
        Smaller groups and weaker excesses are no hotspot, however significant. Assumed.
    widest_uncertainty_m
        Orders whose place is known less well than this do not count into cells. Assumed.
    """

    level: float = 0.05
    radii_m: tuple[float, ...] = (160.0, 300.0)
    fewest_persons: int = 5
    least_ratio: float = 2.0
    widest_uncertainty_m: float = 150.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Everything the tests need: counts per window, backgrounds and neighbourhoods (all positions, no codes).

    Parameters
    ----------
    entries, persons
        Per window: entries of the cube, each person once; their number per cell and item.
    neighbours, areas_m2
        Per radius: who is near, and the area, shape (cells,).
    large
        Per (window, radius): cell, item and persons of the neighbourhoods that hold enough persons to matter.
    backgrounds, others, clumps
        Per window: the expectation; per radius: other persons around, shape (cells, items); persons per issue.
    """

    cube: Cube
    thresholds: Thresholds
    windows: tuple[Window, ...]
    entries: tuple[Ints, ...]
    persons: tuple["sparse.csr_array", ...]
    neighbours: tuple["sparse.csr_array", ...]
    areas_m2: tuple[Array, ...]
    large: dict[tuple[int, int], tuple[Ints, Ints, Array]]
    backgrounds: tuple[Background, ...] = ()
    others: tuple[Array, ...] = ()
    clumps: Clumps | None = None

    @property
    def family(self) -> int:
        """Return the number of tests: cells × items × windows × radii, also where nothing was counted."""
        return (
            len(self.cube.cells) * len(self.cube.items) * len(self.windows) * len(self.neighbours)
        )


@dataclass(frozen=True, kw_only=True)
class Find:
    """One neighbourhood that is significant by itself, after the stronger ones took their orders."""

    item: int
    window: int
    radius: int
    middle: int
    cells: Ints
    p: float
    q: float


def make_neighbours(cells: pd.DataFrame, radius_m: float) -> "sparse.csr_array":
    """Return which cells lie within `radius_m` of which, themselves included; shape (n, n), ones."""
    tree = spatial.cKDTree(cells[["x_m", "y_m"]].to_numpy())
    pairs = tree.query_pairs(radius_m, output_type="ndarray")
    own = np.arange(len(cells))
    row = np.concatenate([pairs[:, 0], pairs[:, 1], own])
    column = np.concatenate([pairs[:, 1], pairs[:, 0], own])
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(cells), len(cells)))
    matrix.sort_indices()
    return matrix


def make_scene(cube: Cube, thresholds: Thresholds) -> Scene:
    """Return counts, neighbourhoods and the background before anything is found."""
    windows = make_windows(cube.n_periods)
    entries = tuple(cube.find_first(window.positions) for window in windows)
    persons = tuple(cube.make_counts(one) for one in entries)
    neighbours = tuple(make_neighbours(cube.cells, radius) for radius in thresholds.radii_m)
    area = cube.cells["area_m2"].to_numpy()
    scene = Scene(
        cube=cube,
        thresholds=thresholds,
        windows=windows,
        entries=entries,
        persons=persons,
        neighbours=neighbours,
        areas_m2=tuple(
            np.maximum(matrix @ area, np.pi * radius**2)
            for matrix, radius in zip(neighbours, thresholds.radii_m, strict=True)
        ),
        large={
            (window, radius): _find_large(neighbours[radius] @ persons[window], thresholds)
            for window in range(len(windows))
            for radius in range(len(neighbours))
        },
    )
    return judge_scene(scene, removed=None)


def judge_scene(scene: Scene, *, removed: "sparse.csr_array | None") -> Scene:
    """Return the scene with the background that is left without what was found.

    Parameters
    ----------
    scene
        Counts and neighbourhoods.
    removed
        True where an item of a cell belongs to a hotspot already found, shape (cells, items): these do not count
        into the background of anything.
    """
    cube = scene.cube
    quiet = [_leave_out(cube, entries, removed) for entries in scene.entries]
    whole = make_background(cube, quiet[0])
    return replace(
        scene,
        backgrounds=tuple(make_window_background(whole, cube, (one, quiet[0])) for one in quiet),
        others=tuple(np.asarray(matrix @ whole.others) for matrix in scene.neighbours),
        clumps=make_clumps(cube, quiet[0], whole.density.mean(axis=1)),
    )


def _find_large(local: "sparse.csr_array", thresholds: Thresholds) -> tuple[Ints, Ints, Array]:
    """Return cell, item and persons of the neighbourhoods that hold enough persons."""
    counted = local.tocoo()
    enough = counted.data >= thresholds.fewest_persons
    return (
        counted.row[enough].astype(np.int64),
        counted.col[enough].astype(np.int64),
        counted.data[enough],
    )


def _leave_out(cube: Cube, entries: Ints, removed: "sparse.csr_array | None") -> Ints:
    """Return the entries that do not belong to a hotspot already found."""
    if removed is None:
        return entries
    width = len(cube.items)
    row, column = removed.nonzero()
    hot = np.zeros(len(cube.cells) * width, dtype=bool)
    hot[row.astype(np.int64) * width + column] = True
    kept: Ints = entries[~hot[cube.cell[entries] * width + cube.item[entries]]]
    return kept


def find_significant(scene: Scene) -> pd.DataFrame:
    """Return the tests that pass false-discovery control as tests: the candidates.

    Returns
    -------
    pandas.DataFrame
        Columns ``item window radius cell persons p``, positions, smallest p first; ``persons`` counted in the
        neighbourhood.
    """
    parts = [
        _test(scene, window, radius)
        for window in range(len(scene.windows))
        for radius in range(len(scene.neighbours))
    ]
    tests = pd.concat(parts, ignore_index=True)
    passed = tests[make_q_values(tests["p"], tests=scene.family) <= scene.thresholds.level]
    return passed.sort_values(["p", *KEYS], kind="stable", ignore_index=True)


def find_footprints(scene: Scene, significant: pd.DataFrame) -> list[Find]:
    """Return neighbourhoods that stand on their own and pass false-discovery control as places, strongest first.

    Each takes its orders with it; a weaker one that overlaps is tested again without them and stays only if it still
    passes. So one place is not reported once per neighbouring cell.
    """
    finds = _take_strongest(scene, significant)
    q_values = make_q_values([find.p for find in finds], tests=scene.family)
    rated = [replace(find, q=float(q)) for find, q in zip(finds, q_values, strict=True)]
    return [find for find in rated if find.q <= scene.thresholds.level]


def _take_strongest(scene: Scene, significant: pd.DataFrame) -> list[Find]:
    """Return the candidates that do not live on the orders of stronger ones; lazily, by a heap."""
    if significant.empty:
        return []
    limit = float(significant["p"].max())
    alive = _Alive(scene)
    heap = list(zip(*(significant[name].tolist() for name in ("p", *KEYS, "persons")), strict=True))
    finds = []
    while heap:
        p, item, window, radius, cell, persons = heapq.heappop(heap)
        around, now = alive.count(item, window, (radius, cell))
        if now == persons:
            cells = alive.take(item, around)
            finds.append(
                Find(item=item, window=window, radius=radius, middle=cell, cells=cells, p=p, q=1.0)
            )
        elif now >= scene.thresholds.fewest_persons:
            counted = (np.array([cell]), np.array([now]))
            fresh = max(float(_find_p(scene, (item, window, radius), counted)[0]), p)
            if fresh <= limit:
                heapq.heappush(heap, (fresh, item, window, radius, cell, now))
    return finds


class _Alive:
    """Persons per window and item that no find has taken yet."""

    def __init__(self, scene: Scene) -> None:
        self._persons = [matrix.tocsc() for matrix in scene.persons]
        self._columns: dict[tuple[int, int], Array] = {}
        self._neighbours = scene.neighbours

    def column(self, item: int, window: int) -> Array:
        """Return the persons per cell of one item in one window."""
        key = (item, window)
        if key not in self._columns:
            column = self._persons[window][:, [item]]
            self._columns[key] = np.asarray(column.todense(), dtype=np.float64).ravel()
        return self._columns[key]

    def count(self, item: int, window: int, place: tuple[int, int]) -> tuple[Ints, float]:
        """Return the cells around a middle cell that still hold persons, and how many."""
        matrix = self._neighbours[place[0]]
        around = matrix.indices[matrix.indptr[place[1]] : matrix.indptr[place[1] + 1]]
        persons = self.column(item, window)[around]
        return around[persons > 0].astype(np.int64), float(persons.sum())

    def take(self, item: int, cells: Ints) -> Ints:
        """Take the persons of `cells` out of every window and return the cells."""
        for window in range(len(self._persons)):
            self.column(item, window)[cells] = 0.0
        return cells


def _test(scene: Scene, window: int, radius: int) -> pd.DataFrame:
    """Return the tests of one window and radius that hold enough persons to matter."""
    cell, item, persons = scene.large[window, radius]
    p = np.ones(len(cell))
    for number in np.unique(item):
        own = np.flatnonzero(item == number)
        p[own] = _find_p(scene, (int(number), window, radius), (cell[own], persons[own]))
    values = {
        "item": item,
        "window": window,
        "radius": radius,
        "cell": cell,
        "persons": persons,
        "p": p,
    }
    return pd.DataFrame(values, index=range(len(cell)))


def _find_p(scene: Scene, test: tuple[int, int, int], counted: tuple[Ints, Array]) -> Array:
    """Return the p-values of one item, window and radius, given cells and the persons around each."""
    item, window, radius = test
    cells, persons = counted
    background = scene.backgrounds[window]
    local = (
        scene.others[radius][cells, item],
        _sum_around(scene.neighbours[radius], cells, background.weighted[item]),
    )
    mean, shape = background.make_distribution(
        cells, item, local=local, area_m2=scene.areas_m2[radius][cells]
    )
    p = np.ones(len(cells))
    enough = np.flatnonzero(persons >= scene.thresholds.least_ratio * mean)
    clumps = scene.clumps
    if clumps is None:
        raise ValueError("the scene has no background yet: judge_scene makes it")
    p[enough] = clumps.find_tail(persons[enough], mean[enough], shape[enough], item=item)
    return p


def _sum_around(neighbours: "sparse.csr_array", cells: Ints, values: Array) -> Array:
    """Return the sum of `values` around some cells; few cells are summed one by one, which is faster."""
    if len(cells) > 3:
        return np.asarray(neighbours[cells] @ values)
    ends = neighbours.indptr
    return np.array(
        [values[neighbours.indices[ends[cell] : ends[cell + 1]]].sum() for cell in cells]
    )


def find_finds(
    cube: Cube, thresholds: Thresholds, *, tell: Callable[[str], None] = lambda _: None
) -> tuple[Scene, list[Find]]:
    """Return the scene and its finds, after a first round whose finds were taken out of the background.

    A hotspot raises the odds of its district and the density around it; without this it would hide weaker ones of
    its own item and, by raising *others*, ones of other items in the same place.
    """
    scene = make_scene(cube, thresholds)
    tell("first round")
    finds = find_footprints(scene, find_significant(scene))
    if finds:
        scene = judge_scene(scene, removed=_mark(cube, finds))
        tell("second round")
        finds = find_footprints(scene, find_significant(scene))
    return scene, finds


def _mark(cube: Cube, finds: list[Find]) -> "sparse.csr_array":
    """Return which item of which cell belongs to a find."""
    rows = np.concatenate([find.cells for find in finds])
    columns = np.concatenate([np.full(len(find.cells), find.item) for find in finds])
    shape = (len(cube.cells), len(cube.items))
    return sparse.csr_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)


def make_z(p: Array) -> Array:
    """Return the normal equivalent of upper-tail p-values, at most 37.5 where a double holds no smaller p."""
    return np.asarray(-special.ndtri(np.maximum(p, 5e-308)))
