"""An item's excess in a whole street or community: what no single place shows, because it is everywhere there.

What a street's item is compared with are streets that are said the same of *otherwise*: the nearest by Hellinger
distance between the shares of the other level-1 items (Rao 1995, "A review of canonical coordinates and an alternative
to correspondence analysis using Hellinger distance"), so that a village is compared with villages; and its own
district, whichever lets expect more. A community is compared with the rest of its street. How far areas differ without
being a hotspot is read off their upper tails, as for places (:func:`planner.hotspots.background.find_spread`).

Items of all three levels are tested; the strongest takes its orders with it, so that a problem of level 3 is not told
again as its level 1, nor a community again as its street.
"""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.hotspots.background import AREA_WEIGHT, find_spread
from planner.hotspots.cube import Cube
from planner.hotspots.detect import KINDS, PLACE_WINDOWS, WEIGHT_LIMITS, Thresholds
from planner.hotspots.fdr import make_q_from_false
from planner.hotspots.persons_per_issue import PersonsPerIssue
from planner.hotspots.windows import Window

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

PEERS = 30
"""Streets that one is compared with. Assumed."""

CAP_ROUNDS, CAP_DEVIATIONS, CAP_VARIATION = 5, 2.0, 0.04
"""How often and where counts of peers are capped; streets differ by a fifth without a cause. Assumed."""

FEWEST_PERSONS = 10
"""An area's hotspot needs more persons than a place's: a whole street. Assumed."""

FEWEST_TO_LEARN = 20
"""Tests with something expected from which the spread of an item's areas is told from its own."""

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
) -> list[AreaCluster]:
    """Return items with more in a whole street or community than in its like, strongest first.

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
    """
    if len(labels.streets) < 3 or not len(quiet[0]):
        return []
    used = [number for number, window in enumerate(windows) if window.name in PLACE_WINDOWS]
    tests = _make_tests(cube, labels, used=used, quiet=quiet)
    least = thresholds.least_ratio * tests.frame["expected"]
    fewest = max(FEWEST_PERSONS, thresholds.fewest_persons)
    every = tests.frame[(tests.frame["persons"] >= fewest) & (tests.frame["persons"] >= least)]
    every = tests.judge(every, per_issue)
    every = every[make_q_from_false(every["false"]) <= thresholds.level]
    alive = np.ones(len(cube.cell), dtype=bool)
    members = {number: _mark(len(cube.cell), quiet[number]) for number in used}
    limit = float(every["false"].max()) if len(every) else 0.0
    keys = ["scope", "level", "window", "area", "item"]
    heap = [(row["false"], *(row[key] for key in keys), n) for n, row in _records(every)]
    heapq.heapify(heap)
    rows = every.copy()
    clusters = []
    while heap:
        false, scope, level, window, area, item, at = heapq.heappop(heap)
        own = (labels.of(scope) == area) & (labels.items[level - 1] == item)
        now = float(len(np.unique(cube.person[own & alive & members[window]])))
        if now == rows.loc[at, "persons"]:
            alive[own] = False
            clusters.append(
                AreaCluster(
                    scope=scope,
                    area=area,
                    level=level,
                    item=item,
                    window=window,
                    expected=tests.find_expected(scope, level, window=0, area=area, item=item),
                    whole=tests.find_expected(
                        scope, 1, window=0, area=area, item=int(rows.loc[at, "top"])
                    ),
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
    """All tests with something counted, and what is expected of all."""

    frame: pd.DataFrame
    expected: dict[tuple[str, int, int], Array]
    total_weight: float

    def find_expected(self, scope: str, level: int, *, window: int, area: int, item: int) -> float:
        """Return the expected persons of one test."""
        return float(self.expected[scope, level, window][area, item])

    def judge(self, frame: pd.DataFrame, per_issue: PersonsPerIssue) -> pd.DataFrame:
        """Return tests with ``p`` and ``false``."""
        p = per_issue.find_tail(
            frame["persons"].to_numpy(np.float64),
            np.maximum(frame["expected"].to_numpy(np.float64), 1e-6),
            frame["variation"].to_numpy(np.float64),
            item=frame["top"].to_numpy(np.int64),
        )
        weight = frame["expected"].clip(*WEIGHT_LIMITS)
        return frame.assign(p=p, false=p * self.total_weight / weight * KINDS)


def _make_tests(
    cube: Cube,
    labels: Labels,
    *,
    used: list[int],
    quiet: tuple[Ints, ...],
) -> _Tests:
    """Return the tests of every area, level and window."""
    peers = _find_peers(_count_both(cube, labels, "street", 1, quiet[0])[0])
    frames, expected, total = [], {}, 0.0
    for window in used:
        for level in SCOPES["street"]:
            tops = labels.tops[level - 1]
            if not len(tops):
                continue
            for scope, levels in SCOPES.items():
                if level not in levels or (scope == "community" and not labels.communities):
                    continue
                counted, every = _count_both(cube, labels, scope, level, quiet[window])
                if scope == "street":
                    share, doubt = _expect_streets(counted, every, labels, tops=tops, peers=peers)
                    of_streets = share, counted, every
                else:
                    share, doubt = _expect_communities(counted, every, labels, of_streets)
                mean = _turn_share(share, counted, every)
                variation = doubt + _find_spreads(counted, mean, doubt, tops)[None, :]
                expected[scope, level, window] = mean
                total += float(np.clip(mean, *WEIGHT_LIMITS).sum())
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
    return _Tests(frame=pd.concat(frames, ignore_index=True), expected=expected, total_weight=total)


def _count(area: Ints, item: Ints, areas: int, items: int) -> Array:
    """Return entries per area and item; those without either left out."""
    known = (area >= 0) & (item >= 0)
    flat = area[known] * items + item[known]
    return np.bincount(flat, minlength=areas * items).reshape(areas, items).astype(np.float64)


def _count_both(
    cube: Cube, labels: Labels, scope: str, level: int, entries: Ints
) -> tuple[Array, Array]:
    """Return persons per area and item, shape (areas, items), and of all level-1 items, shape (areas, 1).

    A person counts once per item and area, however many places they called about.
    """
    areas = len(labels.streets if scope == "street" else labels.communities)
    area, person = labels.of(scope)[entries], cube.person[entries]
    counted = []
    for one in (level, 1):
        item, items = labels.items[one - 1][entries], len(labels.codes[one - 1])
        first = find_distinct(area, item, person)
        counted.append(_count(area[first], item[first], areas, items))
    return counted[0], counted[1].sum(axis=1, keepdims=True)


def find_distinct(*labels: Ints) -> Ints:
    """Return the first position of each combination of labels."""
    keys = np.zeros(len(labels[0]), dtype=np.int64)
    for label in labels:
        keys = keys * (int(label.max(initial=0)) + 2) + label + 1
    return np.sort(np.unique(keys, return_index=True)[1])


def _find_peers(whole: Array) -> list[Array]:
    """Return per level-1 item which streets are like which, shape (streets, streets), rows sum to the peers used."""
    every = whole.sum(axis=1, keepdims=True)
    root = np.sqrt(whole / np.maximum(every, 1.0))
    streets = len(whole)
    near = root @ root.T
    most = min(PEERS, streets - 1)
    peers = []
    for item in range(whole.shape[1]):
        # cosine of the roots without the item: 1 - Hellinger² / 2 of the other shares
        left = np.sqrt(np.maximum(1.0 - root[:, item] ** 2, 1e-12))
        alike = (near - np.outer(root[:, item], root[:, item])) / np.outer(left, left)
        alike[:, every[:, 0] <= 0] = -1.0
        np.fill_diagonal(alike, -2.0)
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :most]
        chosen = np.zeros((streets, streets))
        np.put_along_axis(chosen, nearest, 1.0, axis=1)
        peers.append(chosen)
    return peers


def _expect_streets(
    counted: Array, every: Array, labels: Labels, *, tops: Ints, peers: list[Array]
) -> tuple[Array, Array]:
    """Return the share of each item that a street's like lets expect, and how little is known of it.

    Streets with an excess of their own would raise what is expected of all others: what is far above its
    expectation counts only up to :data:`CAP_DEVIATIONS` above it, which is settled in a few rounds.
    """
    districts = int(labels.district_of.max(initial=0)) + 1
    in_district = np.zeros((districts, 1))
    np.add.at(in_district, labels.district_of, every)
    inside = in_district[labels.district_of] - every
    share, known = np.empty_like(counted), np.empty_like(counted)
    usual = counted
    for _ in range(CAP_ROUNDS):
        city = (usual.sum(axis=0) + 0.5) / max(float(every.sum()), 1.0)
        for top in np.unique(tops):
            own = np.flatnonzero(tops == top)
            near = peers[top] @ usual[:, own]
            share[:, own] = (near + 1.0) / (peers[top] @ every + 1.0 / city[own])
            known[:, own] = near
        of_district = np.zeros((districts, counted.shape[1]))
        np.add.at(of_district, labels.district_of, usual)
        others = of_district[labels.district_of] - usual
        district = (others + AREA_WEIGHT) / (inside + AREA_WEIGHT / share)
        share = np.maximum(share, district)
        mean = share * every
        spread = np.sqrt(mean + CAP_VARIATION * mean**2)
        usual = np.minimum(counted, mean + CAP_DEVIATIONS * spread + 1.0)
    return share, 1.0 / (1.0 + known)


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


def _find_spreads(counted: Array, mean: Array, doubt: Array, tops: Ints) -> Array:
    """Return per item how far areas differ, told from all items of the same level 1 together."""
    spreads = np.empty(len(tops))
    pooled = mean >= 0.5
    whole = _spread_of(counted, mean, doubt, pooled)
    for top in np.unique(tops):
        own = np.zeros_like(pooled)
        own[:, tops == top] = True
        told = own & pooled
        enough = told.sum() >= FEWEST_TO_LEARN
        spreads[tops == top] = _spread_of(counted, mean, doubt, told) if enough else whole
    return spreads


def _spread_of(counted: Array, mean: Array, doubt: Array, used: NDArray[np.bool_]) -> float:
    """Return how far the areas of some tests differ."""
    at = np.flatnonzero(used)
    at = at[:: max(len(at) // 2000, 1)]
    return find_spread(counted.ravel()[at], mean.ravel()[at], doubt.ravel()[at])
