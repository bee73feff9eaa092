"""One hotspot as a row: when, where, how many, how sure, and where it comes from."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.frames import HOTSPOT_COLUMNS, HotspotKind, HotspotScale, Origin
from planner.hotspots.areas import Labels
from planner.hotspots.cell_places import Places
from planner.hotspots.detect import DetectionInput, Thresholds, make_z
from planner.hotspots.gistar import make_gi_star
from planner.hotspots.groups import Group
from planner.hotspots.naming import find_place_name, is_one_address, read_addresses
from planner.hotspots.temporal_patterns import Verdict

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CELL_M = 100.0
"""Side of a classic unit cell of 10,000 m² (DOMAIN.md §3)."""

MOST_OF_ORDERS = 0.5
"""A cluster of which more comes from one address, one person or one day is no hotspot to govern."""

NAMED_LATER = ("level1_name", "item_name", "name")


def describe_group(
    given: DetectionInput,
    labels: Labels,
    certain: pd.DataFrame,
    group: Group,
    *,
    verdict: Verdict,
    gi: float,
    q: float,
) -> dict[str, object]:
    """Return one row of the frame of hotspots, with ``x_m y_m`` of its centre.

    Parameters
    ----------
    given, labels
        Counts, areas and items.
    certain
        The orders that were counted.
    group
        What it is about.
    verdict
        Its course in time.
    gi, q
        Gi* at its middle cell; after false-discovery control.
    """
    cube = given.cube
    is_seasonal = verdict.kind is HotspotKind.SEASONAL
    active = np.array(verdict.active or tuple(range(cube.n_periods)))
    if not is_seasonal:
        # one span, so that whoever counts the orders between its ends counts the same
        active = np.arange(active.min(), active.max() + 1)
    inside = group.entries[np.isin(cube.period[group.entries], active)]
    expected = max(round(group.exposed * float(group.profile[active].sum()), 3), 0.001)
    persons = len(np.unique(cube.person[inside]))
    rows = certain.iloc[cube.source[inside]]
    xy = cube.cells[["x_m", "y_m"]].to_numpy()[cube.cell[inside]]
    middle = cube.cells[["x_m", "y_m"]].to_numpy()[group.middle]
    centre = xy.mean(axis=0) if len(xy) else middle
    distance = np.hypot(*(xy - centre).T) if len(xy) else np.zeros(1)
    starts = cube.edges[:-1]
    codes = cube.cells.index.to_numpy()[group.cells]
    streets = _find_streets(labels, inside)
    addresses = read_addresses(rows)
    is_area = group.scale is HotspotScale.AREA
    return {
        "kind": verdict.kind.value,
        "scale": group.scale.value,
        "level1_code": cube.items[group.top] if group.top >= 0 else "",
        "item_code": labels.codes[group.level - 1][group.item] if group.level else "",
        "item_level": group.level,
        "main_item_code": find_commonest(rows["item_code"]) or "",
        "place_name": "" if is_area else find_place_name(addresses),
        "street_code": next(iter(streets), None),
        "street_shares": ";".join(f"{code}:{share:.2f}" for code, share in streets.items()),
        "community_code": None
        if is_area and group.scope == "street"
        else _find_community(labels, inside),
        "x_m": float(centre[0]),
        "y_m": float(centre[1]),
        "radius_m": round(float(np.quantile(distance, 0.9)) + CELL_M / 2, 0),
        "cells": ";".join(codes),
        "n_cells": len(codes),
        "window_start": starts[active.min()].date(),
        "window_end": (cube.edges[active.max() + 1] - pd.Timedelta(seconds=1)).date(),
        "months": ";".join(str(m) for m in dict.fromkeys(starts[active].month))
        if is_seasonal
        else "",
        "count": len(inside),
        "persons": persons,
        "issues": len(cube.find_issues(inside)),
        "expected": expected,
        "ratio": round(persons / expected, 2),
        "z": round(float(make_z(np.array([group.p]))[0]), 3),
        "gi": round(float(gi), 3),
        "p": group.p,
        "q": q,
        "origin": "" if is_area else find_origin(rows, is_one=is_one_address(addresses, rows)),
        "archived": verdict.kind is HotspotKind.ENDED,
        "patterns": ";".join(
            f"{kind.value}:{chance:.3f}" for kind, chance in verdict.probabilities.items()
        ),
    }


def find_origin(rows: pd.DataFrame, *, is_one: bool) -> str:
    """Return the :class:`~planner.frames.Origin` of orders, "" where they come from many.

    Parameters
    ----------
    rows
        Columns ``person_key received_at``.
    is_one
        Whether more than half comes from one address.
    """
    half = MOST_OF_ORDERS * len(rows)
    if len(rows) and rows["person_key"].value_counts().max() > half:
        return Origin.BATCH.value
    if len(rows) and rows["received_at"].dt.date.value_counts().max() > half:
        return Origin.ONE_DAY.value
    return Origin.INSTITUTION.value if is_one else ""


def find_commonest(values: pd.Series) -> str | None:
    """Return the commonest value, the lowest of several; None where all are missing."""
    counts = values.value_counts()
    counts = counts[counts > 0]
    return None if counts.empty else str(min(counts.index[counts == counts.iloc[0]]))


def _find_streets(labels: Labels, entries: Ints) -> dict[str, float]:
    """Return the share of each street in some entries, the largest first; those below 1 % left out."""
    street = labels.street[entries]
    known = street[street >= 0]
    if not len(known):
        return {}
    counts = np.bincount(known, minlength=len(labels.streets))
    order = np.argsort(-counts, kind="stable")
    return {
        labels.streets[one]: float(counts[one] / len(known))
        for one in order[: np.count_nonzero(counts)]
        if counts[one] >= 0.01 * len(known)
    }


def _find_community(labels: Labels, entries: Ints) -> str | None:
    """Return the commonest community of some entries."""
    community = labels.community[entries]
    known = community[community >= 0]
    return labels.communities[int(np.bincount(known).argmax())] if len(known) else None


def find_gi(given: DetectionInput, groups: Sequence[Group]) -> Array:
    """Return classic Gi* of the standardised residuals of the whole history at each hotspot's middle cell.

    Of its level-1 item, or of everything for places.
    """
    if not groups:
        return np.zeros(0)
    background, ring = given.backgrounds[0], given.rings[0]
    persons = np.asarray(given.persons[0].todense(), dtype=np.float64)
    expected = background.share * background.everything[:, None]
    every = persons.sum(axis=1, keepdims=True)
    usual = np.full_like(every, every.mean()) * given.exposure.value[:, None]
    counted = np.concatenate([persons, every], axis=1)
    expected = np.concatenate([expected, usual], axis=1)
    z = make_gi_star((counted - expected) / np.sqrt(expected + 1.0), ring.neighbours)
    return np.array([z[group.middle, group.top] for group in groups])


def make_hotspot_frame(
    rows: list[dict[str, object]], places: Places, thresholds: Thresholds
) -> gpd.GeoDataFrame:
    """Return the rows that are large enough, with the columns of the contract but for the names."""
    names = [name for name in HOTSPOT_COLUMNS if name not in NAMED_LATER]
    frame = pd.DataFrame(rows, columns=None if rows else ["persons", "ratio"])
    large = frame["persons"] >= thresholds.fewest_persons
    frame = frame[large & (frame["ratio"] >= thresholds.least_ratio)].reset_index(drop=True)
    if frame.empty:
        return gpd.GeoDataFrame(columns=names, geometry="geometry", crs="EPSG:4326")
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
