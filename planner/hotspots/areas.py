"""An item's excess in a whole street or community: what no single place shows, because it is everywhere there.

What is expected in a street follows from streets that are said the same of *otherwise*
(:mod:`planner.hotspots.street_mix`), so that a village is compared with villages, and from its own district where that
has more. A community is compared with the rest of its street. How far areas differ without being a hotspot is read off
their upper tails, as for places (:func:`planner.hotspots.background.find_spread`).

Items of all three levels are tested; the strongest takes its orders with it, so that a problem of level 3 is not told
again as its level 1, nor a community again as its street.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.hotspots.background import AREA_WEIGHT, find_spread
from planner.hotspots.cube import Cube
from planner.hotspots.detect import KINDS, PLACE_WINDOWS, Thresholds
from planner.hotspots.fdr import make_q_beside
from planner.hotspots.fdr_weights import Weights, make_weights
from planner.hotspots.persons_per_issue import PersonsPerIssue
from planner.hotspots.street_mix import cap, fit_mix
from planner.hotspots.windows import Window

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS, CAP_ROUNDS = 2, 3
"""How often clusters are taken out of what is usual at most, and counts far above it are cut."""

KINDS_DOUBT = 5.0
"""Persons of a street against which one is not known of its kind: one a kind. Assumed."""

DISTRICT_DEVIATIONS = 1.0
"""A district's excess counts beyond so many deviations of chance. Assumed."""

FEWEST_PERSONS = 10
"""An area's hotspot needs more persons than a place's: a whole street. Assumed."""

TAILS = (0.2, 0.1)
"""Shares of the upper tail that the spread of areas must account for: one in twenty may have an excess. Assumed."""

FEWEST_TO_LEARN, TESTS_TOLD_BY = 20, 600
"""Tests with something expected from which an item's areas tell their own spread, and how many are asked."""

MOST_OF_EXCESS = 0.6
"""Share of a cluster's excess that one item of a deeper level must have for the hotspot to be that item. Assumed."""

SCOPES = {"street": (1, 2, 3), "community": (1, 2)}
"""Which levels of items are tested in which areas."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """Areas and items of the entries of a cube, -1 where there is none.

    Parameters
    ----------
    street, community
        Positions in ``streets`` and ``communities``, shape (n,).
    streets, communities
        Codes.
    district_of, street_of
        District of each street, street of each community.
    items
        Per level 1-3: position of the item of each entry, shape (n,).
    codes
        Per level: codes of the items.
    tops
        Per level: position of the level-1 item of each item.
    """

    street: Ints
    community: Ints
    streets: tuple[str, ...]
    communities: tuple[str, ...]
    district_of: Ints
    street_of: Ints
    items: tuple[Ints, ...]
    codes: tuple[tuple[str, ...], ...]
    tops: tuple[Ints, ...]

    def of(self, scope: str) -> Ints:
        """Return the area of each entry."""
        return self.street if scope == "street" else self.community


@dataclass(frozen=True, kw_only=True, eq=False)
class AreaCluster:
    """One item of one area with more than its like.

    ``level`` 1-3 and ``item`` position there; ``expected`` persons over the whole history, ``whole`` the same of its
    level-1 item; ``false`` how many false ones are to be expected at its threshold.
    """

    scope: str
    area: int
    level: int
    item: int
    window: int
    expected: float
    whole: float
    p: float
    false: float


def make_labels(cube: Cube, counted: pd.DataFrame) -> Labels:
    """Return the areas and items of the entries.

    Parameters
    ----------
    cube
        The counts.
    counted
        The frame that was counted: ``item_code``; optional ``level2_code street_code community_code``, else those of
        the cell.
    """
    rows = counted.iloc[cube.source]
    cells = cube.cells.iloc[cube.cell]
    names = {
        name: (rows if name in rows.columns else cells)[name].astype("object").to_numpy()
        for name in ("district_code", "street_code", "community_code")
    }
    street, streets = pd.factorize(names["street_code"], sort=True)
    community, communities = pd.factorize(names["community_code"], sort=True)
    district, _ = pd.factorize(names["district_code"], sort=True)
    items, codes, tops = [cube.item], [cube.items], [np.arange(len(cube.items))]
    for name in ("level2_code", "item_code"):
        values = rows[name] if name in rows.columns else rows["item_code"].iloc[:0]
        if len(values):
            item, found = pd.factorize(values.astype("object").to_numpy(), sort=True)
        else:
            item, found = np.full(len(rows), -1), np.zeros(0, dtype=object)
        # an item without a level of its own is its parent and is tested there
        same = np.isin(found.astype(str), np.array(codes[0], dtype=str))
        item = np.where((item >= 0) & np.append(same, False)[item], -1, item)
        items.append(item.astype(np.int64))
        codes.append(tuple(str(code) for code in found))
        tops.append(_find_owner(item, cube.item, len(found)))
    return Labels(
        street=street.astype(np.int64),
        community=community.astype(np.int64),
        streets=tuple(str(code) for code in streets),
        communities=tuple(str(code) for code in communities),
        district_of=_find_owner(street, district, len(streets)),
        street_of=_find_owner(community, street, len(communities)),
        items=tuple(items),
        codes=tuple(codes),
        tops=tuple(tops),
    )


def _find_owner(part: Ints, whole: Ints, parts: int) -> Ints:
    """Return to which whole each part belongs: that of most of its entries."""
    wholes = int(whole.max(initial=0)) + 1
    known = (part >= 0) & (whole >= 0)
    pairs, counts = np.unique(
        part[known].astype(np.int64) * wholes + whole[known], return_counts=True
    )
    owner = np.zeros(parts, dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    owner[pairs[order] // wholes] = pairs[order] % wholes
    return owner


def find_area_clusters(
    cube: Cube,
    labels: Labels,
    *,
    windows: tuple[Window, ...],
    quiet: tuple[Ints, ...],
    per_issue: PersonsPerIssue,
    thresholds: Thresholds,
    known: Sequence[AreaCluster] = (),
    beside: Sequence[float] = (),
) -> list[AreaCluster]:
    """Return items with more in a whole street or community than in its like, strongest first.

    A first round's clusters are taken out of what is usual: where one street in twenty has thrice an item, streets
    would seem to differ by nature.

    Parameters
    ----------
    cube, labels
        The counts, areas and items of its entries.
    windows
        All windows; areas are judged in :data:`~planner.hotspots.detect.PLACE_WINDOWS`.
    quiet
        Per window: entries, each person once, without those of clusters already found.
    per_issue
        Persons per issue.
    thresholds
        What counts as a hotspot.
    known
        Clusters of an earlier search, which do not tell what is usual from the first round on.
    beside
        How many false ones are to be expected at the threshold of each cluster of another kind: they are controlled
        together.
    """
    if len(labels.streets) < 3 or not len(quiet[0]):
        return []
    used = [number for number, window in enumerate(windows) if window.name in PLACE_WINDOWS]
    counts = _Counts(cube=cube, labels=labels, quiet=quiet)
    tests = _make_tests(
        counts,
        used=used,
        per_issue=per_issue,
        marked=_mark_streets(labels, known) if known else None,
    )
    clusters: list[AreaCluster] = []
    for number in range(ROUNDS):
        clusters = _take_strongest(
            cube,
            labels,
            tests,
            quiet=quiet,
            per_issue=per_issue,
            thresholds=thresholds,
            beside=beside,
        )
        marked = _mark_streets(labels, clusters)
        is_settled = tests.marked is not None and (marked == tests.marked).all()
        if not clusters or is_settled or number == ROUNDS - 1:
            break
        tests = _make_tests(
            counts,
            used=used,
            per_issue=per_issue,
            marked=marked,
            before=tests,
        )
    return clusters


def _mark_streets(labels: Labels, clusters: Sequence[AreaCluster]) -> NDArray[np.bool_]:
    """Return in which street which level-1 item is known to be in excess, shape (streets, level-1 items)."""
    marked = np.zeros((len(labels.streets), len(labels.codes[0])), dtype=bool)
    for one in clusters:
        street = one.area if one.scope == "street" else labels.street_of[one.area]
        marked[street, labels.tops[one.level - 1][one.item]] = True
    return marked


def _take_strongest(
    cube: Cube,
    labels: Labels,
    tests: "_Tests",
    *,
    quiet: tuple[Ints, ...],
    per_issue: PersonsPerIssue,
    thresholds: Thresholds,
    beside: Sequence[float],
) -> list[AreaCluster]:
    """Return the tests that pass false-discovery control, each without the persons of the stronger ones."""
    least = thresholds.least_ratio * tests.frame["expected"]
    fewest = max(FEWEST_PERSONS, thresholds.fewest_persons)
    every = tests.frame[(tests.frame["persons"] >= fewest) & (tests.frame["persons"] >= least)]
    every = tests.judge(every, per_issue)
    every = every[make_q_beside(every["false"], beside) <= thresholds.level]
    every = _put_parents_first(every, labels)
    alive, inside = np.ones(len(cube.cell), dtype=bool), _EntriesOfAreas(labels)
    members = {
        int(number): _mark(len(cube.cell), quiet[number]) for number in every["window"].unique()
    }
    limit = float(every["false"].max()) if len(every) else 0.0
    keys = ["scope", "level", "window", "area", "item"]
    heap = [(row["false"], *(row[key] for key in keys), n) for n, row in _records(every)]
    heapq.heapify(heap)
    rows = every.copy()
    clusters = []
    while heap:
        false, scope, level, window, area, item, at = heapq.heappop(heap)
        here = inside.find(scope, area)
        own = here[labels.items[level - 1][here] == item]
        counted = own[alive[own] & members[window][own]]
        now = float(len(np.unique(cube.person[counted])))
        if now == rows.loc[at, "persons"]:
            alive[own] = False
            top = int(rows.loc[at, "top"])
            clusters.append(
                AreaCluster(
                    scope=scope,
                    area=area,
                    level=level,
                    item=item,
                    window=window,
                    expected=tests.find_expected(scope, level, window=0, area=area, item=item),
                    whole=tests.find_expected(scope, 1, window=0, area=area, item=top),
                    p=float(rows.loc[at, "p"]),
                    false=false,
                )
            )
        elif now >= max(fewest, thresholds.least_ratio * rows.loc[at, "expected"]):
            rows.loc[at, "persons"] = now
            fresh = tests.judge(rows.loc[[at]], per_issue).iloc[0]
            rows.loc[at, "p"] = fresh["p"]
            if fresh["false"] <= limit:
                heapq.heappush(heap, (float(fresh["false"]), scope, level, window, area, item, at))
    return clusters


def _put_parents_first(tests: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """Return tests in which an item that is not most of its parent's excess is no stronger than that parent.

    Else a problem of level 2 would be told as the four of its items that each have a little.
    """
    tests = tests.assign(excess=tests["persons"] - tests["expected"])
    keys = ["scope", "area", "window"]
    for level in (2, 3):
        own = tests[tests["level"] == level]
        if own.empty or not (tests["level"] == level - 1).any():
            continue
        parent = _find_owner(
            labels.items[level - 1], labels.items[level - 2], len(labels.codes[level - 1])
        )
        above = tests[tests["level"] == level - 1][[*keys, "item", "excess", "false"]]
        asked = own[keys].assign(item=parent[own["item"].to_numpy()])
        found = asked.merge(above, on=[*keys, "item"], how="left").set_axis(own.index)
        is_part = own["excess"] < MOST_OF_EXCESS * found["excess"]
        held = np.where(is_part, np.fmax(own["false"], found["false"]), own["false"])
        tests.loc[own.index, "false"] = held
    return tests.drop(columns="excess")


class _EntriesOfAreas:
    """The entries of each area, found without looking at all."""

    def __init__(self, labels: Labels) -> None:
        self._order = {
            scope: np.argsort(labels.of(scope), kind="stable").astype(np.int64) for scope in SCOPES
        }
        self._sorted = {scope: labels.of(scope)[order] for scope, order in self._order.items()}

    def find(self, scope: str, area: int) -> Ints:
        """Return the positions of the entries of an area, ascending."""
        first, last = np.searchsorted(self._sorted[scope], [area, area + 1])
        return self._order[scope][first:last]


def _records(frame: pd.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    """Return index and values of each row."""
    return list(zip(frame.index.tolist(), frame.to_dict("records"), strict=True))


def _mark(size: int, entries: Ints) -> NDArray[np.bool_]:
    """Return True for some entries."""
    marked = np.zeros(size, dtype=bool)
    marked[entries] = True
    return marked


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tests:
    """All tests with something counted, what is expected of all, and the weights of each scope.

    ``marked``: in which street which level-1 item does not tell what is usual, None where nothing is known yet.
    """

    frame: pd.DataFrame
    expected: dict[tuple[str, int, int], Array]
    weights: dict[str, Weights]
    marked: NDArray[np.bool_] | None

    def find_expected(self, scope: str, level: int, *, window: int, area: int, item: int) -> float:
        """Return the expected persons of one test."""
        return float(self.expected[scope, level, window][area, item])

    def judge(self, frame: pd.DataFrame, per_issue: PersonsPerIssue) -> pd.DataFrame:
        """Return tests with ``p`` and ``false``."""
        mean, variation = (frame[name].to_numpy(np.float64) for name in ("expected", "variation"))
        p = per_issue.find_tail(
            frame["persons"].to_numpy(np.float64),
            np.maximum(mean, 1e-6),
            variation,
            item=frame["top"].to_numpy(np.int64),
        )
        false = np.full(len(frame), np.inf)
        for scope, weights in self.weights.items():
            own = (frame["scope"] == scope).to_numpy()
            false[own] = weights.find_false(p[own], mean[own], variation[own]) * KINDS
        return frame.assign(p=p, false=false)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counts:
    """Persons per area and item, counted when asked for and kept.

    ``quiet``: per window, the entries that count.
    """

    cube: Cube
    labels: Labels
    quiet: tuple[Ints, ...]
    kept: dict[tuple[str, int, int], Array] = field(default_factory=dict)

    def get(self, scope: str, level: int, window: int) -> tuple[Array, Array]:
        """Return persons per area and item, shape (areas, items), and of all level-1 items, shape (areas, 1).

        A person counts once per item and area, however many places they called about.
        """
        every = self._get(scope, 1, window).sum(axis=1, keepdims=True)
        return self._get(scope, level, window), every

    def _get(self, scope: str, level: int, window: int) -> Array:
        """Return persons per area and item."""
        key = (scope, level, window)
        if key not in self.kept:
            entries, labels = self.quiet[window], self.labels
            self.kept[key] = count_persons(
                labels.of(scope)[entries],
                labels.items[level - 1][entries],
                self.cube.person[entries],
                areas=len(labels.streets if scope == "street" else labels.communities),
                items=len(labels.codes[level - 1]),
            )
        return self.kept[key]


def count_persons(area: Ints, item: Ints, person: Ints, *, areas: int, items: int) -> Array:
    """Return persons per area and item, each once, shape (areas, items); entries without either do not count.

    Parameters
    ----------
    area, item, person
        Labels of entries, -1 where there is none, shape (n,).
    areas, items
        How many there are.
    """
    known = (area >= 0) & (item >= 0)
    persons = int(person.max(initial=0)) + 1
    each = pd.unique((area[known] * items + item[known]) * persons + person[known])
    counted = np.bincount(each // persons, minlength=areas * items)
    return counted.reshape(areas, items).astype(np.float64)


def _make_tests(
    counts: _Counts,
    *,
    used: list[int],
    per_issue: PersonsPerIssue,
    marked: NDArray[np.bool_] | None = None,
    before: _Tests | None = None,
) -> _Tests:
    """Return the tests of every area, level and window; those in `marked` streets do not tell what is usual."""
    labels = counts.labels
    usual = _expect_history(counts, marked=marked, before=before)
    frames, expected, spreads = [], {}, {}
    every_test: dict[str, list[tuple[Array, Array]]] = {scope: [] for scope in SCOPES}
    for window in used:
        for level in SCOPES["street"]:
            tops = labels.tops[level - 1]
            if not len(tops):
                continue
            for scope, levels in SCOPES.items():
                if level not in levels or (scope == "community" and not labels.communities):
                    continue
                counted, every = counts.get(scope, level, window)
                if scope == "street":
                    share = _move_share(usual[level], counted, every, labels)
                    doubt = KINDS_DOUBT / (KINDS_DOUBT + every) + np.zeros_like(counted)
                    if level == 3:
                        doubt = doubt + 1.0 / (1.0 + counted.sum(axis=0))
                    of_streets = share, counted, every
                    apart = None if marked is None else marked[:, tops]
                else:
                    share, doubt = _expect_communities(counted, every, labels, of_streets)
                    apart = None if marked is None else marked[labels.street_of][:, tops]
                mean = _turn_share(share, counted, every)
                told = np.ones(mean.shape, dtype=bool) if apart is None else ~apart
                if (scope, level) not in spreads:
                    # how far areas differ is theirs, not the window's: the whole history tells it best
                    spreads[scope, level] = _find_spreads(
                        counted, mean, doubt, tops=tops, told=told, per_issue=per_issue
                    )
                variation = doubt + spreads[scope, level]
                expected[scope, level, window] = mean
                every_test[scope].append((mean, variation))
                area, item = np.nonzero(counted >= FEWEST_PERSONS / 2)
                frames.append(
                    pd.DataFrame(
                        {
                            "scope": scope,
                            "level": level,
                            "window": window,
                            "area": area,
                            "item": item,
                            "top": tops[item],
                            "persons": counted[area, item],
                            "expected": mean[area, item],
                            "variation": variation[area, item],
                        }
                    )
                )
    return _Tests(
        frame=pd.concat(frames, ignore_index=True),
        expected=expected,
        weights={scope: make_weights(tests) for scope, tests in every_test.items() if tests},
        marked=marked,
    )


def _expect_history(
    counts: _Counts,
    *,
    marked: NDArray[np.bool_] | None,
    before: _Tests | None,
) -> dict[int, Array]:
    """Return per level the share of each item that a street's like lets expect over the whole history.

    Levels 1 and 2 by the mix of streets of the same kind; an item of level 3 by its parent's and by its part in that
    in the whole city. A street's own district counts where it has more than that explains.
    """
    labels = counts.labels
    shares: dict[int, Array] = {}
    for level in (1, 2):
        if not len(labels.tops[level - 1]):
            continue
        counted, every = counts.get("street", level, 0)
        if marked is not None and before is not None:
            usual = before.expected["street", level, 0]
            counted = np.where(marked[:, labels.tops[level - 1]], usual, counted)
        mean = fit_mix(counted, every)
        shares[level] = mean * _raise_districts(counted, mean, labels) / np.maximum(every, 1e-9)
    if len(labels.tops[2]):
        counted, every = counts.get("street", 3, 0)
        above = 2 if 2 in shares else 1
        parent = _find_owner(labels.items[2], labels.items[above - 1], len(labels.codes[2]))
        mean = shares[above][:, parent] * every
        for _ in range(CAP_ROUNDS):
            part = (cap(counted, mean).sum(axis=0) + 0.5) / np.maximum(
                (shares[above][:, parent] * every).sum(axis=0), 0.5
            )
            mean = shares[above][:, parent] * every * np.minimum(part, 1.0)
        shares[3] = mean / np.maximum(every, 1e-9)
    return shares


def _raise_districts(counted: Array, mean: Array, labels: Labels) -> Array:
    """Return by how much the rest of each street's district has more than expected, at least 1, chance left out."""
    usual = np.maximum(_sum_rest(cap(counted, mean), labels), 0.0)
    sure = np.maximum(usual - DISTRICT_DEVIATIONS * np.sqrt(usual), 0.0)
    return np.maximum((sure + AREA_WEIGHT) / (_sum_rest(mean, labels) + AREA_WEIGHT), 1.0)


def _sum_rest(values: Array, labels: Labels) -> Array:
    """Return the sum over the other streets of each street's district, per item."""
    whole = np.zeros((int(labels.district_of.max(initial=0)) + 1, values.shape[1]))
    np.add.at(whole, labels.district_of, values)
    return np.asarray(whole[labels.district_of] - values)


def _move_share(share: Array, counted: Array, every: Array, labels: Labels) -> Array:
    """Return the shares of a window: those of the whole history, by how the city's and the district's moved."""
    mean = share * every
    moved = np.ones_like(mean)
    for _ in range(CAP_ROUNDS):
        usual = cap(counted, mean * moved)
        city = (usual.sum(axis=0) + 1.0) / (mean.sum(axis=0) + 1.0)
        moved = (_sum_rest(usual, labels) + AREA_WEIGHT * city) / (
            _sum_rest(mean, labels) + AREA_WEIGHT
        )
    return np.minimum(share * moved, 1.0)


def _expect_communities(
    counted: Array, every: Array, labels: Labels, of_streets: tuple[Array, Array, Array]
) -> tuple[Array, Array]:
    """Return the share of each item in the rest of a community's street, and how little is known of it."""
    share, of_street, in_street = of_streets
    own = labels.street_of
    others = np.maximum(of_street[own] - counted, 0.0)
    inside = np.maximum(in_street[own] - every, 0.0)
    alike = AREA_WEIGHT / 2
    return (others + alike) / (inside + alike / share[own]), 1.0 / (alike + others)


def _turn_share(share: Array, counted: Array, every: Array) -> Array:
    """Return expected persons: from what else is said there while that is most of it, else from all."""
    odds = share / np.maximum(1.0 - share, 0.1)
    return np.where(share < 0.5, np.maximum(every - counted, 1.0) * odds, every * share)


def _find_spreads(
    counted: Array,
    mean: Array,
    doubt: Array,
    *,
    tops: Ints,
    told: NDArray[np.bool_],
    per_issue: PersonsPerIssue,
) -> Array:
    """Return per item how far areas differ, from those that tell, all items of the same level 1 together."""
    spreads = np.empty(len(tops))
    pooled = (mean >= 0.5) & told
    whole = _spread_of(counted, mean, doubt, pooled, tops=tops, per_issue=per_issue)
    for top in np.unique(tops):
        own = np.zeros_like(pooled)
        own[:, tops == top] = True
        used = own & pooled
        enough = used.sum() >= FEWEST_TO_LEARN
        spreads[tops == top] = (
            _spread_of(counted, mean, doubt, used, tops=tops, per_issue=per_issue)
            if enough
            else whole
        )
    return spreads


def _spread_of(
    counted: Array,
    mean: Array,
    doubt: Array,
    used: NDArray[np.bool_],
    *,
    tops: Ints,
    per_issue: PersonsPerIssue,
) -> float:
    """Return how far the areas of some tests differ."""
    at = np.flatnonzero(used)
    at = at[:: max(len(at) // TESTS_TOLD_BY, 1)]
    item = np.broadcast_to(tops[None, :], used.shape).ravel()[at]

    def find_tails(
        own: Ints, counted: Ints, expected: Array, variation: Array, limit: float
    ) -> Array:
        """Return upper tails as :func:`find_spread` asks for them."""
        most = np.full(len(own), limit)
        persons = counted.astype(np.float64)
        return per_issue.find_tail(persons, expected, variation, item=item[own], limit=most)

    return find_spread(
        counted.ravel()[at],
        mean.ravel()[at],
        doubt.ravel()[at],
        tails=TAILS,
        find_tails=find_tails,
    )
