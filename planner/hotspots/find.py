"""Hotspots: significant groups of neighbouring cells, with place, window, kind and evidence.

Neighbourhoods that stand on their own (:mod:`planner.hotspots.detect`) and touch are joined when they are of the same
level-1 item; the months of the joined cells say the kind (:mod:`planner.hotspots.temporal_patterns`), the
kind says the window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from planner.frames import HOTSPOT_COLUMNS, HotspotKind
from planner.hotspots.background import make_profile
from planner.hotspots.cell_places import Places
from planner.hotspots.cube import Cube, make_cube
from planner.hotspots.detect import Find, Scene, Thresholds, find_finds, make_z
from planner.hotspots.gistar import make_gi_star
from planner.hotspots.temporal_patterns import Verdict, find_kinds

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CELL_M = 100.0
"""Side of a classic unit cell of 10,000 m² (DOMAIN.md §3)."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Finds of one item whose cells touch; cells and entries of the cube are positions."""

    item: int
    cells: Ints
    entries: Ints
    best: Find
    exposed: float
    odds: Array


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
        Columns :data:`~planner.frames.COUNTED_COLUMNS` and ``item_code``; optional ``uncertainty_m``. Rows without
        cell or item, later than `as_of` or less certain than the threshold do not count.
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
        The columns :data:`~planner.frames.HOTSPOT_COLUMNS` except the names, which the desk adds; EPSG:4326; most
        certain first; the same input gives the same bytes.

    Raises
    ------
    PlannerError
        A column or the centre of a cell is missing.
    """
    wanted = thresholds or Thresholds()
    certain = _keep_certain(orders, wanted)
    cube = make_cube(certain, places.frame, as_of=as_of)
    if not len(cube.cell):
        return _finish([], places, wanted)
    scene, finds = find_finds(cube, wanted, tell=tell)
    groups = _join(scene, finds)
    tell("kinds")
    expected = np.array([group.exposed * group.odds for group in groups]).reshape(
        len(groups), cube.n_periods
    )
    verdicts = find_kinds(_count_months(cube, groups), expected)
    gi = _find_gi(scene, groups)
    rows = [
        _describe(scene, certain, group, verdict=verdict, gi=z)
        for group, verdict, z in zip(groups, verdicts, gi, strict=True)
    ]
    return _finish(rows, places, wanted)


def _keep_certain(orders: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Return the orders whose place is known well enough to belong to a cell."""
    if "uncertainty_m" not in orders.columns:
        return orders
    return orders[~(orders["uncertainty_m"] > thresholds.widest_uncertainty_m)]


def _join(scene: Scene, finds: list[Find]) -> list[Group]:
    """Return finds of the same item joined where their cells touch, strongest first."""
    if not finds:
        return []
    touching = scene.neighbours[0]
    row = np.concatenate([np.full(len(find.cells), number) for number, find in enumerate(finds)])
    column = np.concatenate([find.cells for find in finds])
    member = sparse.csr_array(
        (np.ones(len(row)), (row, column)), shape=(len(finds), touching.shape[0])
    )
    near = (member @ touching @ member.T).tocoo()
    item = np.array([find.item for find in finds])
    same = item[near.row] == item[near.col]
    graph = sparse.csr_array(
        (np.ones(same.sum()), (near.row[same], near.col[same])), shape=(len(finds), len(finds))
    )
    labels = csgraph.connected_components(graph, directed=False)[1]
    parts: dict[int, list[Find]] = {}
    for find, label in zip(finds, labels, strict=True):
        parts.setdefault(int(label), []).append(find)
    cube = scene.cube
    profile = make_profile(cube, np.arange(len(cube.cell)))
    groups = [_make_group(scene, part, profile) for part in parts.values()]
    return sorted(groups, key=lambda group: (group.best.p, group.item, int(group.cells[0])))


def _make_group(scene: Scene, part: list[Find], profile: tuple[Ints, Array]) -> Group:
    """Return one joined hotspot with its expectation per month."""
    cube = scene.cube
    item = part[0].item
    cells = np.unique(np.concatenate([find.cells for find in part]))
    background = scene.backgrounds[0]
    best = min(part, key=lambda find: find.p)
    mean, _ = background.make_distribution(
        np.array([best.middle]),
        item,
        local=(
            np.array([background.others[cells, item].sum()]),
            np.array([background.weighted[item][cells].sum()]),
        ),
        area_m2=cube.cells["area_m2"].to_numpy()[cells].sum(),
    )
    entries = np.flatnonzero((cube.item == item) & np.isin(cube.cell, cells))
    return Group(
        item=item,
        cells=cells,
        entries=entries,
        best=best,
        exposed=float(mean[0]),
        odds=profile[1][:, profile[0][best.middle], item],
    )


def _count_months(cube: Cube, groups: list[Group]) -> Array:
    """Return persons per hotspot and month, each person once a month, shape (hotspots, months)."""
    counted = np.zeros((len(groups), cube.n_periods))
    for row, group in enumerate(groups):
        pairs = np.unique(
            np.stack([cube.period[group.entries], cube.person[group.entries]]), axis=1
        )
        counted[row] = np.bincount(pairs[0], minlength=cube.n_periods)
    return counted


def _find_gi(scene: Scene, groups: list[Group]) -> Array:
    """Return classic Gi* of the standardised residuals of the whole history at each hotspot's middle cell."""
    if not groups:
        return np.zeros(0)
    background = scene.backgrounds[0]
    persons = np.asarray(scene.persons[0].todense())
    expected = background.odds * background.others
    residual = (persons - expected) / np.sqrt(expected + 1.0)
    z = make_gi_star(residual, scene.neighbours[0])
    return np.array([z[group.best.middle, group.item] for group in groups])


def _describe(
    scene: Scene, certain: pd.DataFrame, group: Group, *, verdict: Verdict, gi: float
) -> dict[str, object]:
    """Return one row of the frame of hotspots."""
    cube = scene.cube
    active = np.array(verdict.active)
    inside = group.entries[np.isin(cube.period[group.entries], active)]
    expected = max(round(group.exposed * float(group.odds[active].sum()), 3), 0.001)
    persons = len(np.unique(cube.person[inside]))
    rows = certain.iloc[cube.source[inside]]
    xy = cube.cells[["x_m", "y_m"]].to_numpy()[cube.cell[inside]]
    centre = (
        xy.mean(axis=0) if len(xy) else cube.cells[["x_m", "y_m"]].to_numpy()[group.best.middle]
    )
    distance = np.hypot(*(xy - centre).T) if len(xy) else np.zeros(1)
    seasonal = verdict.kind is HotspotKind.SEASONAL
    starts = cube.edges[:-1]
    codes = cube.cells.index.to_numpy()[group.cells]
    return {
        "kind": verdict.kind.value,
        "level1_code": cube.items[group.item],
        "item_code": _find_commonest(rows["item_code"]),
        "x_m": float(centre[0]),
        "y_m": float(centre[1]),
        "radius_m": round(float(np.quantile(distance, 0.9)) + CELL_M / 2, 0),
        "cells": ";".join(codes),
        "n_cells": len(codes),
        "middle": str(cube.cells.index[group.best.middle]),
        "window_start": starts[active.min()].date(),
        "window_end": (cube.edges[active.max() + 1] - pd.Timedelta(seconds=1)).date(),
        "months": ";".join(str(m) for m in dict.fromkeys(starts[active].month)) if seasonal else "",
        "count": len(inside),
        "persons": persons,
        "issues": len(cube.find_issues(inside)),
        "expected": expected,
        "ratio": round(persons / expected, 2),
        "z": round(float(make_z(np.array([group.best.p]))[0]), 3),
        "gi": round(float(gi), 3),
        "p": group.best.p,
        "q": group.best.q,
    }


def _find_commonest(values: pd.Series) -> str | None:
    """Return the commonest value, the lowest of several; None where all are missing."""
    counts = values.value_counts()
    return None if counts.empty else str(min(counts.index[counts == counts.iloc[0]]))


def _finish(
    rows: list[dict[str, object]], places: Places, thresholds: Thresholds
) -> gpd.GeoDataFrame:
    """Return the rows that are large enough, in the order and with the columns of the contract."""
    names = [name for name in HOTSPOT_COLUMNS if name not in ("level1_name", "item_name", "name")]
    frame = pd.DataFrame(rows, columns=None if rows else ["persons", "ratio"])
    large = frame["persons"] >= thresholds.fewest_persons
    frame = frame[large & (frame["ratio"] >= thresholds.least_ratio)].reset_index(drop=True)
    if frame.empty:
        return gpd.GeoDataFrame(columns=names, geometry="geometry", crs="EPSG:4326")
    middle = places.frame.loc[frame["middle"]]
    frame["street_code"] = middle["street_code"].to_numpy()
    frame["community_code"] = middle["community_code"].to_numpy()
    frame["hotspot_id"] = [f"H{number:04d}" for number in range(1, len(frame) + 1)]
    points = gpd.GeoSeries.from_xy(frame["x_m"], frame["y_m"], crs=places.metric_crs).to_crs(
        "EPSG:4326"
    )
    frame["lon"], frame["lat"] = points.x.round(6), points.y.round(6)
    shapes = places.find_shapes(";".join(frame["cells"]).split(";"))
    frame["geometry"] = shapes.groupby(np.repeat(np.arange(len(frame)), frame["n_cells"])).apply(
        lambda cells: cells.union_all()
    )
    return gpd.GeoDataFrame(frame[names], geometry="geometry", crs="EPSG:4326")
