"""Significant neighbourhoods: Gi*'s local sum, judged against what the surroundings let expect.

Gi* standardises the local sum ``Σ_j w_ij x_j`` by the mean and variance of the map, which makes every dense place a
hotspot and is far from normal where most cells hold nothing. Here the same local sum is judged by the distribution
that :mod:`planner.hotspots.background` expects for it: of one item given everything else (*item*), and of everything
given the rates around (*place*).

False discoveries are controlled among *places*, not among tests: one true hotspot lights a hundred tests (its
neighbours, both radii, several windows) and a false one a single test, so a 5 % share among tests would be a third
among places. Hence tests are first reduced to neighbourhoods that stand on their own. Each test carries how many false
ones are to be expected at its threshold, ``p × Σ w / w`` with the weights of its kind
(:mod:`planner.hotspots.fdr_weights`); at any threshold at most that many false places are expected (the argument of
topological inference, Chumbley & Friston 2009, "False discovery rate revisited", NeuroImage 44). The kinds share the
level equally.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, spatial, special

from gridgov.rules.appeal_kinds import find_kinds_apart
from planner.hotspots.background import (
    CLEAN_LEVELS,
    TAIL_LEVELS,
    Areas,
    Background,
    Exposure,
    Surroundings,
    label_areas,
    make_background,
    make_exposure,
    make_surroundings,
    make_window_background,
    widen_by_spread,
)
from planner.hotspots.cube import Cube
from planner.hotspots.fdr import make_q_beside
from planner.hotspots.fdr_weights import Weights, make_weights
from planner.hotspots.persons_per_issue import PersonsPerIssue, make_persons_per_issue
from planner.hotspots.windows import Window, make_windows

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

KEYS = ("item", "window", "radius", "cell")
"""What names a test; item -1: everything."""

KINDS = 5
"""Items in cells, items in wider blocks, places, streets and communities share the false discoveries equally."""

PLACE_WINDOWS = ("history", "years", "quarter")
"""Windows in which places are judged by everything that is said there."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What counts as a hotspot; a city pack may set each in ``[planning]``.

    Parameters
    ----------
    level
        Accepted share of false ones among the hotspots that are reported. Assumed.
    radii_m
        Radii of the neighbourhoods: the cell with its eight neighbours, and two cells around. Assumed.
    fewest_persons, least_ratio
        Smaller groups and weaker excesses are no hotspot, however significant. Assumed.
    widest_uncertainty_m
        Orders whose place is known less well than this do not count into cells. Assumed.
    kinds_apart
        Kinds of appeals that are no problems.
    """

    level: float = 0.05
    radii_m: tuple[float, ...] = (160.0, 300.0)
    fewest_persons: int = 5
    least_ratio: float = 2.0
    widest_uncertainty_m: float = 150.0
    kinds_apart: tuple[str, ...] = find_kinds_apart()


@dataclass(frozen=True, kw_only=True)
class Net:
    """Which neighbourhoods are tested when.

    Parameters
    ----------
    radii_m
        Their radii.
    spacings_m
        Least distance of their centres, per radius; 0: every cell.
    windows
        Names of the windows; empty: all.
    """

    radii_m: tuple[float, ...]
    spacings_m: tuple[float, ...]
    windows: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Ring:
    """One radius: who is near whom, and how many persons of any item the surroundings let expect there.

    Parameters
    ----------
    neighbours
        Ones where near, themselves included, shape (cells, cells).
    expected, variation
        Persons of any item over the whole history and how far places differ from it, shape (cells,).
    others
        Persons of all other items around, shape (cells, items).
    lived
        Around which cells people are known to live, shape (cells,).
    """

    neighbours: "sparse.csr_array"
    expected: Array
    variation: Array
    others: Array
    lived: NDArray[np.bool_]

    @property
    def centres(self) -> Ints:
        """Return the cells whose neighbourhood is tested."""
        return np.flatnonzero(np.diff(self.neighbours.indptr))


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectionInput:
    """Everything the tests need: counts per window, backgrounds and neighbourhoods (all positions, no codes).

    Parameters
    ----------
    entries, persons
        Per window: entries of the cube, each person once; their number per cell and item.
    areas, exposure
        Of the cells.
    rings
        One a radius.
    backgrounds
        Per window: the expectation of items.
    per_issue
        Persons per issue.
    surroundings
        Rates of everything over the whole history.
    weights
        Of all tests of items.
    """

    cube: Cube
    thresholds: Thresholds
    windows: tuple[Window, ...]
    entries: tuple[Ints, ...]
    persons: tuple["sparse.csr_array", ...]
    areas: Areas
    exposure: Exposure
    rings: tuple[Ring, ...]
    backgrounds: tuple[Background, ...]
    per_issue: PersonsPerIssue
    surroundings: Surroundings
    weights: Weights


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One neighbourhood that is significant by itself, after the stronger ones took their orders.

    ``item`` -1: everything; ``false`` is how many false ones are to be expected at its threshold.
    """

    item: int
    window: int
    radius: int
    middle: int
    cells: Ints
    p: float
    false: float


def make_neighbours(
    cells: pd.DataFrame, radius_m: float, *, spacing_m: float = 0.0
) -> "sparse.csr_array":
    """Return which cells lie within `radius_m` of which, themselves included; shape (n, n), ones.

    With `spacing_m` only one cell of each square of that side, that nearest to its middle, has neighbours; the rows
    of the others are empty.
    """
    xy = cells[["x_m", "y_m"]].to_numpy(np.float64).reshape(-1, 2)
    tree = spatial.cKDTree(xy)
    centres = np.arange(len(cells))
    if spacing_m > 0:
        square = np.floor(xy / spacing_m)
        away = np.hypot(*((xy / spacing_m - square - 0.5).T))
        order = np.lexsort((away, square[:, 0], square[:, 1]))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(square[order], axis=0) != 0).any(axis=1)
        centres = np.sort(order[first])
    pairs = tree.sparse_distance_matrix(
        spatial.cKDTree(xy[centres]), radius_m, output_type="ndarray"
    )
    shape = (len(cells), len(cells))
    matrix = sparse.csr_array((np.ones(len(pairs)), (centres[pairs["j"]], pairs["i"])), shape=shape)
    matrix.sort_indices()
    return matrix


def make_detection_input(
    cube: Cube,
    thresholds: Thresholds,
    *,
    net: Net | None = None,
    removed: NDArray[np.bool_] | None = None,
    own_share: NDArray[np.bool_] | None = None,
    before: DetectionInput | None = None,
) -> DetectionInput:
    """Return counts, neighbourhoods and what is expected.

    Parameters
    ----------
    cube
        The counts.
    thresholds
        What counts as a hotspot.
    net
        Which neighbourhoods; None: those of the thresholds around every cell, in all windows.
    removed
        True where an item of a cell belongs to a hotspot already found, shape (cells, items): these do not count
        into the background of anything.
    own_share
        See :func:`planner.hotspots.background.make_background`.
    before
        The input of an earlier round, whose counts and neighbourhoods are the same.
    """
    wanted = net or Net(radii_m=thresholds.radii_m, spacings_m=(0.0,) * len(thresholds.radii_m))
    windows = tuple(
        window
        for window in make_windows(cube.n_periods)
        if not wanted.windows or window.name in wanted.windows
    )
    if before is None:
        entries = tuple(cube.find_first(window.positions) for window in windows)
        persons = tuple(cube.make_counts(one) for one in entries)
        near = tuple(
            make_neighbours(cube.cells, radius, spacing_m=spacing)
            for radius, spacing in zip(wanted.radii_m, wanted.spacings_m, strict=True)
        )
        areas = label_areas(cube.cells)
        everybody = np.bincount(cube.cell[entries[0]], minlength=len(cube.cells))
        exposure = make_exposure(cube.cells, everybody.astype(np.float64), near=near[0])
    else:
        entries, persons, areas = before.entries, before.persons, before.areas
        near, exposure = tuple(ring.neighbours for ring in before.rings), before.exposure
    quiet = [leave_out(cube, one, removed) for one in entries]
    whole = make_background(cube, quiet[0], own_share=own_share)
    backgrounds = tuple(make_window_background(whole, cube, (one, quiet[0])) for one in quiet)
    surroundings = make_surroundings(areas, exposure.value, whole.everything)
    per_issue = make_persons_per_issue(cube, quiet[0], near[0] @ whole.everything)
    rings = tuple(_make_ring(matrix, whole, surroundings, exposure=exposure) for matrix in near)
    weights = make_weights(
        (
            one.share[ring.centres] * ring.expected[ring.centres, None],
            one.spread[None, :] + ring.variation[ring.centres, None],
        )
        for one in backgrounds
        for ring in rings
    )
    return DetectionInput(
        cube=cube,
        thresholds=thresholds,
        windows=windows,
        entries=entries,
        persons=persons,
        areas=areas,
        exposure=exposure,
        rings=rings,
        backgrounds=backgrounds,
        per_issue=per_issue,
        surroundings=surroundings,
        weights=weights,
    )


def _make_ring(
    matrix: "sparse.csr_array",
    whole: Background,
    surroundings: Surroundings,
    *,
    exposure: Exposure,
) -> Ring:
    """Return one radius with what is expected of everything."""
    expected, doubt = surroundings.expect(matrix)
    around = np.asarray(matrix @ whole.counted)
    everything = around.sum(axis=1)
    lived = exposure.find_lived(matrix)
    expected, variation = widen_by_spread(everything, expected, doubt, lived=lived)
    return Ring(
        neighbours=matrix,
        expected=expected,
        variation=variation,
        others=everything[:, None] - around,
        lived=lived,
    )


def leave_out(cube: Cube, entries: Ints, removed: NDArray[np.bool_] | None) -> Ints:
    """Return the entries that do not belong to a hotspot already found."""
    if removed is None:
        return entries
    kept: Ints = entries[~removed[cube.cell[entries], cube.item[entries]]]
    return kept


def find_item_clusters(
    cube: Cube,
    thresholds: Thresholds,
    *,
    net: Net | None = None,
    own_share: NDArray[np.bool_] | None = None,
    before: DetectionInput | None = None,
    beside: Sequence[float] = (),
) -> tuple[DetectionInput, list[Cluster]]:
    """Return neighbourhoods with more of one item than everything else explains, strongest first.

    A first round's clusters are taken out of the background: a hotspot raises the share of its street; without this
    it would hide weaker ones of its own item and, by raising *others*, ones of other items in the same place.
    `beside` says how many false ones are to be expected at the threshold of each cluster of another kind: they are
    controlled together.
    """
    given = before
    if given is None or own_share is not None:
        given = make_detection_input(cube, thresholds, net=net, own_share=own_share, before=before)
    clusters = _take_strongest(_ItemTests(given), beside)
    if clusters:
        given = make_detection_input(
            cube,
            thresholds,
            net=net,
            removed=mark_cells(cube, clusters),
            own_share=own_share,
            before=given,
        )
        clusters = _take_strongest(_ItemTests(given), beside)
    return given, clusters


def find_place_clusters(
    given: DetectionInput, found: list[Cluster], *, beside: Sequence[float] = ()
) -> tuple[Surroundings, list[Cluster]]:
    """Return neighbourhoods with more of everything than their surroundings explain, strongest first.

    Parameters
    ----------
    given
        The input of the last round of items.
    found
        Clusters of items: their persons do not count here.
    beside
        See :func:`find_item_clusters`.
    """
    removed = mark_cells(given.cube, found) if found else None
    tests = _PlaceTests(given, removed)
    clusters = _take_strongest(tests, beside)
    if clusters:
        left_out = np.zeros(len(given.cube.cells), dtype=bool)
        left_out[np.concatenate([cluster.cells for cluster in clusters])] = True
        tests = _PlaceTests(given, removed, left_out=left_out)
        clusters = _take_strongest(tests, beside)
    return tests.surroundings[0], clusters


def mark_cells(cube: Cube, clusters: list[Cluster]) -> NDArray[np.bool_]:
    """Return which item of which cell belongs to a cluster, shape (cells, items)."""
    marked = np.zeros((len(cube.cells), len(cube.items)), dtype=bool)
    for cluster in clusters:
        marked[cluster.cells, cluster.item if cluster.item >= 0 else slice(None)] = True
    return marked


class _ItemTests:
    """Every item in every neighbourhood and window."""

    def __init__(self, given: DetectionInput) -> None:
        self.given = given
        self.neighbours = tuple(ring.neighbours for ring in given.rings)
        self.counts = [matrix.tocsc() for matrix in given.persons]

    def make_candidates(self, beside: int = 0) -> pd.DataFrame:
        """Return the tests with enough persons, with ``p`` and ``false``; 1 and infinite where they cannot pass.

        No test can pass at whose threshold more false ones are expected than the level allows if all candidates, and
        those `beside` them, passed.
        """
        given = self.given
        enough = []
        for window, persons in enumerate(given.persons):
            for radius, matrix in enumerate(self.neighbours):
                around = (matrix @ persons).tocoo()
                kept = around.data >= given.thresholds.fewest_persons
                cell, item = (a[kept].astype(np.int64) for a in (around.row, around.col))
                enough.append((window, radius, cell, item, around.data[kept]))
        most = given.thresholds.level * (sum(len(one[2]) for one in enough) + beside)
        parts = [self._test(*one, most=most) for one in enough]
        return pd.concat(parts, ignore_index=True)

    def column(self, item: int, window: int) -> Array:
        """Return persons per cell."""
        return np.asarray(self.counts[window][:, [item]].todense(), dtype=np.float64).ravel()

    def test(
        self,
        item: int,
        window: int,
        radius: int,
        *,
        cells: Ints,
        persons: Array,
        most: float = np.inf,
    ) -> tuple[Array, Array]:
        """Return p and the number of false ones to be expected, for neighbourhoods of some cells.

        Where more than `most` are to be expected p is 1.
        """
        given = self.given
        ring, background = given.rings[radius], given.backgrounds[window]
        around = ring.neighbours[cells]
        everything = np.asarray(around @ background.everything)
        share = np.divide(
            np.asarray(around @ background.weighted[item]),
            everything,
            out=background.share[cells, item].copy(),
            where=everything > 0,
        )
        expected, doubt = ring.expected[cells], ring.variation[cells]
        mean, variation = background.make_distribution(
            item,
            others=ring.others[cells, item],
            share=share,
            expected=expected,
            variation=doubt,
        )
        usual = background.share[cells, item] * expected
        weights = given.weights.find_weights(usual, background.spread[item] + doubt) / KINDS
        p = _find_tails(
            given, persons, np.maximum(mean, 1e-6), variation, item=item, limit=most * weights
        )
        return p, p / weights

    def _test(
        self, window: int, radius: int, cell: Ints, item: Ints, persons: Array, *, most: float
    ) -> pd.DataFrame:
        """Return the tests of one window and radius."""
        p, false = np.ones(len(cell)), np.full(len(cell), np.inf)
        for number in np.unique(item):
            own = np.flatnonzero(item == number)
            p[own], false[own] = self.test(
                int(number), window, radius, cells=cell[own], persons=persons[own], most=most
            )
        return _make_tests(item, window, radius, cell, persons=persons, p=p, false=false)


class _PlaceTests:
    """Everything in every neighbourhood, in the windows for places."""

    def __init__(
        self,
        given: DetectionInput,
        removed: NDArray[np.bool_] | None,
        *,
        left_out: NDArray[np.bool_] | None = None,
    ) -> None:
        self.given = given
        self.neighbours = tuple(ring.neighbours for ring in given.rings)
        cube, cells = given.cube, len(given.cube.cells)
        self.windows = [
            number for number, window in enumerate(given.windows) if window.name in PLACE_WINDOWS
        ]
        self.persons: dict[int, Array] = {}
        self.surroundings: dict[int, Surroundings] = {}
        self.expected: dict[tuple[int, int], Array] = {}
        self.variation: dict[tuple[int, int], Array] = {}
        for window in self.windows:
            entries = cube.find_persons(leave_out(cube, given.entries[window], removed))
            persons = np.bincount(cube.cell[entries], minlength=cells).astype(np.float64)
            around = make_surroundings(
                given.areas, given.exposure.value, persons, left_out=left_out
            )
            self.persons[window], self.surroundings[window] = persons, around
            unlisted = given.exposure.unlisted * persons.sum() / len(persons)
            for radius, ring in enumerate(given.rings):
                expected, doubt = around.expect(ring.neighbours)
                mean, variation = widen_by_spread(
                    np.asarray(ring.neighbours @ persons),
                    expected,
                    doubt,
                    lived=ring.lived,
                    told=None if left_out is None else ~left_out,
                    tails=TAIL_LEVELS if left_out is None else CLEAN_LEVELS,
                )
                self.expected[window, radius] = mean + unlisted
                self.variation[window, radius] = variation
        self.weights = make_weights(
            (mean, self.variation[key]) for key, mean in self.expected.items()
        )

    def make_candidates(self, beside: int = 0) -> pd.DataFrame:
        """Return the tests with enough persons, as those of items do."""
        tests = len(self.windows) * sum(len(ring.centres) for ring in self.given.rings)
        most = self.given.thresholds.level * (tests + beside)
        parts = []
        for window in self.windows:
            for radius, matrix in enumerate(self.neighbours):
                around = matrix @ self.persons[window]
                cell = np.flatnonzero(around >= self.given.thresholds.fewest_persons)
                p, false = self.test(
                    -1, window, radius, cells=cell, persons=around[cell], most=most
                )
                item = np.full(len(cell), -1)
                parts.append(
                    _make_tests(item, window, radius, cell, persons=around[cell], p=p, false=false)
                )
        return pd.concat(parts, ignore_index=True)

    def column(self, item: int, window: int) -> Array:  # noqa: ARG002 - there is one column
        """Return persons per cell."""
        return self.persons[window].copy()

    def test(
        self,
        item: int,  # noqa: ARG002 - everything
        window: int,
        radius: int,
        *,
        cells: Ints,
        persons: Array,
        most: float = np.inf,
    ) -> tuple[Array, Array]:
        """Return p and the number of false ones to be expected, for neighbourhoods of some cells."""
        mean = np.maximum(self.expected[window, radius][cells], 1e-6)
        variation = self.variation[window, radius][cells]
        weights = self.weights.find_weights(mean, variation) / KINDS
        p = _find_tails(self.given, persons, mean, variation, item=-1, limit=most * weights)
        return p, p / weights


def _find_tails(
    given: DetectionInput,
    persons: Array,
    mean: Array,
    variation: Array,
    *,
    item: int,
    limit: Array,
) -> Array:
    """Return P(persons >= those counted); 1 where that is more than the limit, or the excess is too weak."""
    p = np.ones(len(persons))
    enough = np.flatnonzero(persons >= given.thresholds.least_ratio * mean)
    p[enough] = given.per_issue.find_tail(
        persons[enough],
        mean[enough],
        variation[enough],
        item=np.full(len(enough), item),
        limit=limit[enough],
    )
    return p


def _make_tests(
    item: Ints,
    window: int,
    radius: int,
    cell: Ints,
    *,
    persons: Array,
    p: Array,
    false: Array,
) -> pd.DataFrame:
    """Return tests as a frame."""
    values = {
        "item": item,
        "window": window,
        "radius": radius,
        "cell": cell,
        "persons": persons,
        "p": p,
        "false": false,
    }
    return pd.DataFrame(values, index=range(len(cell)))


def _take_strongest(tests: _ItemTests | _PlaceTests, beside: Sequence[float] = ()) -> list[Cluster]:
    """Return neighbourhoods that stand on their own and pass false-discovery control as places, strongest first.

    Each takes its orders with it; a weaker one that overlaps is tested again without them and stays only if it still
    passes. So one place is not reported once per neighbouring cell.
    """
    thresholds = tests.given.thresholds
    every = tests.make_candidates(len(beside))
    every = every[make_q_beside(every["false"], beside) <= thresholds.level]
    if every.empty:
        return []
    every = every.sort_values(["false", *KEYS], kind="stable")
    limit = float(every["false"].max())
    heap = list(
        zip(*(every[name].tolist() for name in ("false", *KEYS, "persons", "p")), strict=True)
    )
    columns: dict[int, dict[int, Array]] = {}
    windows = sorted({int(window) for window in every["window"]})
    clusters: list[Cluster] = []
    while heap:
        false, item, window, radius, cell, persons, p = heapq.heappop(heap)
        if item not in columns:
            columns[item] = {number: tests.column(item, number) for number in windows}
        matrix = tests.neighbours[radius]
        around = matrix.indices[matrix.indptr[cell] : matrix.indptr[cell + 1]]
        alive = columns[item][window][around]
        now = float(alive.sum())
        if now == persons:
            cells = np.sort(around[alive > 0]).astype(np.int64)
            for column in columns[item].values():
                column[cells] = 0.0
            clusters.append(
                Cluster(
                    item=item,
                    window=window,
                    radius=radius,
                    middle=cell,
                    cells=cells,
                    p=p,
                    false=false,
                )
            )
        elif now >= thresholds.fewest_persons:
            fresh, more = tests.test(
                item, window, radius, cells=np.array([cell]), persons=np.array([now])
            )
            again = max(float(more[0]), false)
            if again <= limit:
                heapq.heappush(
                    heap, (again, item, window, radius, cell, now, max(float(fresh[0]), p))
                )
    q = make_q_beside([cluster.false for cluster in clusters], beside)
    return [cluster for cluster, one in zip(clusters, q, strict=True) if one <= thresholds.level]


def make_z(p: Array) -> Array:
    """Return the normal equivalent of upper-tail p-values, at most 37.5 where a double holds no smaller p."""
    return np.asarray(-special.ndtri(np.maximum(p, 5e-308)))
