"""Hotspots of three kinds: one item at a place, everything at a place, one item in a whole area; one table.

Clusters of each kind are found by their own evidence (:mod:`planner.hotspots.detect`, :mod:`planner.hotspots.areas`);
false discoveries are controlled over all three at once. What touches is joined (:mod:`planner.hotspots.groups`); the
persons per month say the pattern (:mod:`planner.hotspots.temporal_patterns`), the pattern says the window.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd

from planner.frames import HotspotScale
from planner.hotspots.areas import AreaCluster, Labels, find_area_clusters, make_labels
from planner.hotspots.cell_places import Places
from planner.hotspots.cube import Cube, make_cube, make_edges
from planner.hotspots.describe import describe_group, find_gi, make_hotspot_frame
from planner.hotspots.detect import (
    Thresholds,
    find_item_clusters,
    find_place_clusters,
    leave_out,
    make_detection_input,
    mark_cells,
)
from planner.hotspots.fdr import make_q_from_false
from planner.hotspots.groups import WideClusters, count_months, find_mixed, make_groups
from planner.hotspots.temporal_patterns import find_patterns
from planner.hotspots.wide import WIDE, make_wide_cube, mark_entries, mark_shares

AREA_COLUMNS = ("street_code", "community_code")


def find_hotspots(
    orders: pd.DataFrame,
    places: Places,
    *,
    as_of: datetime,
    thresholds: Thresholds | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> gpd.GeoDataFrame:
    """Find hotspots.

    Parameters
    ----------
    orders
        Columns :data:`~planner.frames.COUNTED_COLUMNS`; optional :data:`~planner.frames.HELPFUL_COLUMNS`. Rows
        without cell or item, of a kind that is no problem, later than `as_of` or less certain than the threshold do
        not count.
    places
        The cells of the orders.
    as_of
        Aware; orders from this moment on do not count.
    thresholds
        What counts as a hotspot.
    tell
        Called with the name of each step.

    Returns
    -------
    geopandas.GeoDataFrame
        The columns :data:`~planner.frames.HOTSPOT_COLUMNS` except the names, which whoever knows them adds;
        EPSG:4326; most certain first; the same input gives the same bytes.

    Raises
    ------
    PlannerError
        A column or the centre of a cell is missing.
    """
    wanted = thresholds or Thresholds()
    certain = take_countable(orders, wanted)
    cube = make_cube(certain, places.frame, as_of=as_of)
    if not len(cube.cell):
        return make_hotspot_frame([], places, wanted)
    labels = make_labels(cube, certain)
    tell("areas")
    first = make_detection_input(cube, wanted)
    areas = find_area_clusters(
        cube,
        labels,
        windows=first.windows,
        quiet=first.entries,
        per_issue=first.per_issue,
        thresholds=wanted,
    )
    tell("items")
    given, items = find_item_clusters(
        cube, wanted, own_share=_mark_shares(cube, labels, areas), before=first
    )
    tell("blocks")
    own = np.arange(len(cube.cell))
    left = np.ones(len(cube.cell), dtype=bool)
    left[np.setdiff1d(own, leave_out(cube, own, mark_cells(cube, items)))] = False
    wide_cube = make_wide_cube(cube, labels, left=left)
    wide: WideClusters | None = None
    if wide_cube is not None:
        shares = mark_shares(wide_cube, labels, areas)
        beside = [one.false for one in items]
        over, clusters = find_item_clusters(
            wide_cube.cube, wanted, net=WIDE, own_share=shares, beside=beside
        )
        wide = WideClusters(wide=wide_cube, given=over, clusters=clusters)
        left[mark_entries(cube, wide_cube, clusters, labels)] = False
    tell("places")
    mixed = find_mixed(given, items)
    around, in_places = find_place_clusters(
        given,
        [one for one, many in zip(items, mixed, strict=True) if not many],
        beside=[one.false for one in (*items, *(wide.clusters if wide else ()))],
    )
    # where a place has too much of many things it is the place that is told, not each of them
    inside = set(np.concatenate([one.cells for one in in_places]).tolist()) if in_places else set()
    items = [
        one
        for one, many in zip(items, mixed, strict=True)
        if not (many and inside & set(one.cells.tolist()))
    ]
    areas = find_area_clusters(
        cube,
        labels,
        windows=given.windows,
        quiet=tuple(entries[left[entries]] for entries in given.entries),
        per_issue=given.per_issue,
        thresholds=wanted,
        known=areas,
        beside=[one.false for one in (*items, *(wide.clusters if wide else ()), *in_places)],
    )
    # one control over all: each cluster says how many false ones to expect at its threshold
    in_blocks = list(wide.clusters) if wide else []
    false = [one.false for one in (*items, *in_blocks, *in_places)] + [one.false for one in areas]
    passed = iter((make_q_from_false(false) <= wanted.level).tolist())
    items = [one for one in items if next(passed)]
    in_blocks = [one for one in in_blocks if next(passed)]
    in_places = [one for one in in_places if next(passed)]
    areas = [one for one in areas if next(passed)]
    groups = make_groups(
        given,
        labels,
        items=items,
        wide=replace(wide, clusters=in_blocks) if wide else None,
        places=in_places,
        around=around,
        areas=areas,
    )
    tell("patterns")
    shape = (len(groups), cube.n_periods)
    counted = np.array([count_months(cube, group) for group in groups]).reshape(shape)
    expected = np.array([group.exposed * group.profile for group in groups]).reshape(shape)
    verdicts = find_patterns(counted, expected)
    q = make_q_from_false([group.false for group in groups])
    rows = [
        describe_group(given, labels, certain, group, verdict=verdict, gi=float(gi), q=float(one_q))
        for group, verdict, gi, one_q in zip(
            groups, verdicts, find_gi(given, groups), q, strict=True
        )
    ]
    return make_hotspot_frame(rows, places, wanted)


def find_hotspot_orders(
    hotspots: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    thresholds: Thresholds | None = None,
    whole_history: bool = False,
) -> pd.DataFrame:
    """Return which orders each hotspot is about: exactly those that its ``count`` counts.

    Parameters
    ----------
    hotspots
        As :func:`find_hotspots` returns them.
    orders, as_of, thresholds
        As they were given to it.
    whole_history
        Whether those before and after its window belong to the answer too.

    Returns
    -------
    pandas.DataFrame
        ``hotspot_id`` and ``row``, the position in `orders`; by hotspot, then row.
    """
    countable = take_countable(orders, thresholds or Thresholds())
    position = np.flatnonzero(find_countable(orders, thresholds or Thresholds()))
    usable = countable["cell_code"].notna() & countable["level1_code"].notna()
    position, countable = position[usable.to_numpy()], countable[usable]
    edges = make_edges(orders["received_at"], as_of)
    moments = pd.DatetimeIndex(countable["received_at"]).as_unit("us").asi8
    period = np.searchsorted(edges.as_unit("us").asi8, moments, side="right") - 1
    period[period >= len(edges) - 1] = -1
    start_of = np.array([edge.date() for edge in edges[:-1]])
    codes = {
        name: countable[name].astype("object").to_numpy()
        for name in ("cell_code", "level1_code", "level2_code", "item_code", *AREA_COLUMNS)
        if name in countable.columns
    }
    of_level = {1: "level1_code", 2: "level2_code", 3: "item_code"}
    by_cell = pd.Series(np.arange(len(countable))).groupby(codes["cell_code"]).indices
    parts = []
    for one in hotspots.to_dict("records"):
        near = [by_cell[cell] for cell in str(one["cells"]).split(";") if cell in by_cell]
        rows = np.sort(np.concatenate(near)) if near else np.zeros(0, dtype=np.int64)
        if one["item_level"]:
            rows = rows[codes[of_level[int(one["item_level"])]][rows] == one["item_code"]]
        if one["scale"] == HotspotScale.AREA:
            name = "street_code" if pd.isna(one["community_code"]) else "community_code"
            rows = rows[codes[name][rows] == one[name]]
        first, last = (pd.Timestamp(one[name]).date() for name in ("window_start", "window_end"))
        active = (start_of >= first) & (start_of <= last)
        if one["months"]:
            months = {int(month) for month in str(one["months"]).split(";")}
            active &= np.array([day.month in months for day in start_of])
        inside = (period[rows] >= 0) & (whole_history | active[np.maximum(period[rows], 0)])
        parts.append(pd.DataFrame({"hotspot_id": one["hotspot_id"], "row": position[rows[inside]]}))
    empty = pd.DataFrame({"hotspot_id": pd.Series(dtype="str"), "row": pd.Series(dtype="int64")})
    return pd.concat(parts, ignore_index=True) if parts else empty


def take_countable(orders: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Return the orders that are problems and whose place is known well enough to belong to a cell."""
    return orders[find_countable(orders, thresholds)]


def find_countable(orders: pd.DataFrame, thresholds: Thresholds) -> np.ndarray:
    """Return which orders are problems whose place is known well enough, shape (n,)."""
    counts = np.ones(len(orders), dtype=bool)
    if "uncertainty_m" in orders.columns:
        counts &= ~(orders["uncertainty_m"] > thresholds.widest_uncertainty_m).to_numpy()
    if "kind" in orders.columns:
        counts &= ~orders["kind"].isin(thresholds.kinds_apart).to_numpy()
    return counts


def find_to_govern(hotspots: pd.DataFrame) -> pd.Series:
    """Return which hotspots are to be governed: not ended, not one address, person or day."""
    return ~hotspots["archived"].astype(bool) & (hotspots["origin"] == "")


def _mark_shares(cube: Cube, labels: Labels, areas: list[AreaCluster]) -> "np.ndarray | None":
    """Return where a street's own share of a level-1 item is known to be another, shape (cells, items)."""
    streets = [one for one in areas if one.scope == "street"]
    if not streets:
        return None
    marked = np.zeros((len(cube.cells), len(cube.items)), dtype=bool)
    codes = cube.cells["street_code"].astype("object").to_numpy()
    for one in streets:
        top = int(labels.tops[one.level - 1][one.item])
        marked[codes == labels.streets[one.area], top] = True
    return marked
