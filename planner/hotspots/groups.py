"""Clusters become hotspots: those that touch are joined, and each is the set of orders that it is really about.

A cluster of an item is found by level 1 (few are enough there). What is in excess may be one item of level 3 or 2
inside it; then the hotspot is that, and everything that is said of it (title, figures, lead) counts only that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from planner.frames import HotspotScale
from planner.hotspots.areas import MOST_OF_EXCESS, AreaCluster, Labels
from planner.hotspots.background import Surroundings, make_profile
from planner.hotspots.cube import Cube
from planner.hotspots.detect import Cluster, DetectionInput
from planner.hotspots.wide import WideCube

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

MANY_ITEMS = 3
"""So many level-1 items too many at one place are everything there. Assumed."""

SIBLINGS = 3
"""So many items of one level-1 item, each too many in one area, are that level-1 item. Assumed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WideClusters:
    """Clusters of items over blocks, with what they were found by."""

    wide: WideCube
    given: DetectionInput
    clusters: Sequence[Cluster]


@dataclass(frozen=True, kw_only=True)
class Group:
    """One hotspot: positions of its cells and of the entries of the cube that it is about, in all months.

    Parameters
    ----------
    scale
        Item, place or area.
    level, item
        Level 1-3 and the item's position there; 0 and -1: everything.
    top
        Position of its level-1 item, -1 for everything.
    middle
        The cell of the strongest neighbourhood; of an area the one with most orders.
    window
        In which it was strongest.
    exposed
        Expected persons over the whole history.
    profile
        Share of each month in what the district counts of it.
    p, false
        Of the strongest test.
    scope
        Of an area: street or community.
    """

    scale: HotspotScale
    level: int
    item: int
    top: int
    cells: Ints
    entries: Ints
    middle: int
    window: int
    exposed: float
    profile: Array
    p: float
    false: float
    scope: str = ""


def make_groups(
    given: DetectionInput,
    labels: Labels,
    *,
    items: Sequence[Cluster],
    wide: "WideClusters | None",
    places: Sequence[Cluster],
    around: Surroundings,
    areas: Sequence[AreaCluster],
) -> list[Group]:
    """Return the hotspots that clusters make up, most certain first.

    Parameters
    ----------
    given
        The last input of the detection of items.
    labels
        Areas and items of the entries.
    items, places, areas
        Clusters of the three kinds.
    wide
        Clusters of items over blocks.
    around
        Surroundings of places over the whole history.
    """
    cube = given.cube
    district, months = make_profile(cube, np.arange(len(cube.cell)))
    groups = []
    for part in (*join_touching(given, items), *join_touching(given, places)):
        best = min(part, key=lambda cluster: (cluster.false, cluster.middle))
        cells = np.unique(np.concatenate([cluster.cells for cluster in part]))
        inside = np.isin(cube.cell, cells)
        top = best.item
        entries = np.flatnonzero(inside if top < 0 else inside & (cube.item == top))
        groups.append(
            Group(
                scale=HotspotScale.PLACE if top < 0 else HotspotScale.ITEM,
                level=0 if top < 0 else 1,
                item=top,
                top=top,
                cells=cells,
                entries=entries,
                middle=best.middle,
                window=best.window,
                exposed=_expect_place(around, cells)
                if top < 0
                else _expect_item(given, cells, best),
                profile=months[:, district[best.middle], top],
                p=best.p,
                false=best.false,
            )
        )
    if wide is not None:
        groups += _make_wide_groups(given, labels, wide, district=district, months=months)
    groups = [_take_level(given, labels, group) for group in groups]
    for area in join_siblings(labels, areas):
        own = labels.of(area.scope) == area.area
        entries = np.flatnonzero(own & (labels.items[area.level - 1] == area.item))
        cells, counts = np.unique(cube.cell[entries], return_counts=True)
        middle, top = int(cells[np.argmax(counts)]), int(labels.tops[area.level - 1][area.item])
        groups.append(
            Group(
                scale=HotspotScale.AREA,
                level=area.level,
                item=area.item,
                top=top,
                cells=cells,
                entries=entries,
                middle=middle,
                window=area.window,
                exposed=area.expected,
                profile=months[:, district[middle], top],
                p=area.p,
                false=area.false,
                scope=area.scope,
            )
        )
    return sorted(
        groups, key=lambda one: (one.false, list(HotspotScale).index(one.scale), one.middle)
    )


def _make_wide_groups(
    given: DetectionInput,
    labels: Labels,
    wide: WideClusters,
    *,
    district: Ints,
    months: Array,
) -> list[Group]:
    """Return the hotspots that clusters over blocks make up."""
    cube = given.cube
    groups = []
    for part in join_touching(wide.given, wide.clusters):
        best = min(part, key=lambda cluster: (cluster.false, cluster.middle))
        blocks = np.unique(np.concatenate([cluster.cells for cluster in part]))
        cells = wide.wide.find_cells(blocks)
        entries = np.flatnonzero(np.isin(cube.cell, cells) & (labels.items[1] == best.item))
        middle = int(wide.wide.find_cells(np.array([best.middle]))[0])
        top = int(labels.tops[1][best.item])
        window = wide.given.windows[best.window].name
        groups.append(
            Group(
                scale=HotspotScale.ITEM,
                level=2,
                item=best.item,
                top=top,
                cells=cells,
                entries=entries,
                middle=middle,
                window=[one.name for one in given.windows].index(window),
                exposed=_expect_item(wide.given, blocks, best),
                profile=months[:, district[middle], top],
                p=best.p,
                false=best.false,
            )
        )
    return groups


def join_touching(given: DetectionInput, clusters: Sequence[Cluster]) -> list[list[Cluster]]:
    """Return clusters of the same item joined where their cells touch."""
    item = np.array([one.item for one in clusters])
    parts: dict[int, list[Cluster]] = {}
    for one, label in zip(clusters, _label_touching(given, clusters, item), strict=True):
        parts.setdefault(int(label), []).append(one)
    return list(parts.values())


def find_mixed(given: DetectionInput, clusters: Sequence[Cluster]) -> list[bool]:
    """Return which clusters touch others of so many items that it is rather everything that is too much there."""
    label = _label_touching(given, clusters, np.zeros(len(clusters), dtype=np.int64))
    items: dict[int, set[int]] = {}
    for one, number in zip(clusters, label, strict=True):
        items.setdefault(int(number), set()).add(one.item)
    return [len(items[int(number)]) >= MANY_ITEMS for number in label]


def _label_touching(given: DetectionInput, clusters: Sequence[Cluster], kinds: Ints) -> Ints:
    """Return one label for clusters of the same kind whose cells touch, directly or over others."""
    if not clusters:
        return np.zeros(0, dtype=np.int64)
    touching = given.rings[0].neighbours
    row = np.concatenate([np.full(len(one.cells), n) for n, one in enumerate(clusters)])
    column = np.concatenate([one.cells for one in clusters])
    member = sparse.csr_array(
        (np.ones(len(row)), (row, column)), shape=(len(clusters), touching.shape[0])
    )
    near = (member @ touching @ member.T).tocoo()
    same = kinds[near.row] == kinds[near.col]
    graph = sparse.csr_array(
        (np.ones(same.sum()), (near.row[same], near.col[same])),
        shape=(len(clusters), len(clusters)),
    )
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def join_siblings(labels: Labels, areas: Sequence[AreaCluster]) -> list[AreaCluster]:
    """Return clusters of areas; several items of one level-1 item in one area become that item."""
    parts: dict[tuple[str, int, int], list[AreaCluster]] = {}
    for one in areas:
        top = int(labels.tops[one.level - 1][one.item])
        parts.setdefault((one.scope, one.area, top), []).append(one)
    joined = []
    for (_, _, top), part in parts.items():
        best = min(part, key=lambda one: one.false)
        if best.level > 1 and len(part) >= SIBLINGS:
            joined.append(replace(best, level=1, item=top, expected=best.whole))
        elif any(one.level == 1 for one in part):
            joined.append(next(one for one in part if one.level == 1))
        else:
            joined.extend(part)
    return joined


def _expect_place(around: Surroundings, cells: Ints) -> float:
    """Return the persons that the surroundings of some cells let expect there."""
    return float(around.expect(_as_one(cells, len(around.exposure)))[0][0])


def _expect_item(given: DetectionInput, cells: Ints, best: Cluster) -> float:
    """Return the persons of an item to be expected in some cells over the whole history."""
    background = given.backgrounds[0]
    expected, _ = given.surroundings.expect(_as_one(cells, len(given.exposure.value)))
    everything = background.everything[cells].sum()
    others = (everything - background.counted[cells, best.item].sum())[None]
    share = background.share[best.middle, best.item]
    if everything > 0:
        share = background.weighted[best.item][cells].sum() / everything
    mean, _ = background.make_distribution(
        best.item,
        others=others,
        share=np.array([share]),
        expected=expected,
        variation=given.rings[best.radius].variation[[best.middle]],
    )
    return float(mean[0])


def _as_one(cells: Ints, size: int) -> "sparse.csr_array":
    """Return cells as one group."""
    return sparse.csr_array((np.ones(len(cells)), (np.zeros(len(cells), int), cells)), (1, size))


def _take_level(given: DetectionInput, labels: Labels, group: Group) -> Group:
    """Return a group of one item as the item of a deeper level that makes up its excess, if one does."""
    if group.level not in (1, 2):
        return group
    cube = given.cube
    window = given.windows[group.window].positions
    inside = group.entries[np.isin(cube.period[group.entries], window)]
    share_of_time = float(group.profile[window].sum())
    of_item = max(int((labels.items[group.level - 1] == group.item).sum()), 1)
    for level in range(3, group.level, -1):
        item = labels.items[level - 1]
        known = inside[item[inside] >= 0]
        if not len(known):
            continue
        pairs = np.unique(np.stack([item[known], cube.person[known]]), axis=1)
        codes, persons = np.unique(pairs[0], return_counts=True)
        usual = (
            np.bincount(item[item >= 0], minlength=len(labels.codes[level - 1]))[codes] / of_item
        )
        excess = np.maximum(persons - group.exposed * share_of_time * usual, 0.0)
        best = int(np.argmax(excess))
        enough = persons[best] >= given.thresholds.fewest_persons
        if enough and excess[best] >= MOST_OF_EXCESS * excess.sum():
            code = int(codes[best])
            return replace(
                group,
                level=level,
                item=code,
                entries=group.entries[item[group.entries] == code],
                exposed=group.exposed * float(usual[best]),
            )
    return group


def count_months(cube: Cube, group: Group) -> Array:
    """Return persons per month, each person once a month, shape (months,)."""
    pairs = np.unique(np.stack([cube.period[group.entries], cube.person[group.entries]]), axis=1)
    return np.bincount(pairs[0], minlength=cube.n_periods).astype(np.float64)
