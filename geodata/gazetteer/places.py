"""Named points and areas, packed: one row a place, names apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from geodata.frames import PlaceLevel
from geodata.gazetteer.other_names import make_place_names
from geodata.gazetteer.records import Records

SAME_PLACE_M = 500.0
"""Points of one name nearer than this are one place (two stops of a bus line, gates of a park)."""
MOST_SEPARATE = 6
"""A name with more separate places than this is a kind of shop, not a place."""
LEVELS = (PlaceLevel.DISTRICT, PlaceLevel.STREET, PlaceLevel.COMMUNITY)
_OUTLINE_M = {"district": 40.0, "street": 5.0, "community": 5.0}
"""Outlines are only evidence here (the exact test is the jurisdiction's): simplified by this."""
_DEFAULT_RADIUS_M = {"district": 10_000.0, "street": 1_500.0, "community": 500.0}


class Places(NamedTuple):
    """Named places in plane metres; ``r`` radius of the points of one name."""

    x: np.ndarray
    y: np.ndarray
    r: np.ndarray


class Areas(NamedTuple):
    """Districts, streets and communities: ``level`` 0, 1, 2 · middle and 90 % radius · outline edges.

    Edges of area i are ``edge_start[i]:edge_start[i + 1]`` of ``x1 y1 x2 y2``; an area known only by
    points has none.
    """

    level: np.ndarray
    x: np.ndarray
    y: np.ndarray
    r: np.ndarray
    edge_start: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    x2: np.ndarray
    y2: np.ndarray


def make_places(records: Records) -> tuple[Places, pd.DataFrame]:
    """Build places; also returns their names: ``place name alias``."""
    named = records.places.dropna(subset=["name"])
    named = named[named["name"].str.len() >= 2]
    rows = _merge_points(named)
    full = rows["name"].to_numpy(dtype=object)
    spoken = [make_place_names(name) for name in full]
    count = np.fromiter(map(len, spoken), dtype=np.int64, count=len(spoken))
    place = np.repeat(np.arange(len(spoken)), count)
    name = np.array([one for own in spoken for one in own], dtype=object)
    names = pd.DataFrame({"name": pd.Series(name, dtype="str"), "place": place})
    names["alias"] = name != full[place]
    names = names[names.groupby("name")["place"].transform("size") <= MOST_SEPARATE]
    f32 = [rows[c].to_numpy(np.float32) for c in ("x", "y", "r")]
    return Places(*f32), names.reset_index(drop=True)


def _merge_points(named: pd.DataFrame) -> pd.DataFrame:
    """Merge the points of one name that lie together; return ``name x y r``, sorted by name."""
    named = named.sort_values("name", kind="stable").reset_index(drop=True)
    group = named.groupby("name", sort=True)
    size = group["x"].transform("size").to_numpy()
    single = named[size == 1].assign(r=0.0)
    several = named[size > 1]
    spread = several.groupby("name").agg(
        x0=("x", "min"), x1=("x", "max"), y0=("y", "min"), y1=("y", "max")
    )
    tight = ((spread["x1"] - spread["x0"]) < SAME_PLACE_M) & (
        (spread["y1"] - spread["y0"]) < SAME_PLACE_M
    )
    near = several[several["name"].map(tight).to_numpy(bool)].assign(part=0)
    far = several[~several["name"].map(tight).to_numpy(bool)]
    return _summarise(single, pd.concat([near, far.assign(part=_split(far))], ignore_index=True))


def _split(points: pd.DataFrame) -> np.ndarray:
    """Return the number of the place of each point of its name: it joins the first one near it."""
    xy = points[["x", "y"]].to_numpy(float)
    part = np.full(len(xy), -1)
    names = points["name"].to_numpy()
    bounds = np.flatnonzero(names[1:] != names[:-1]) + 1
    for rows in np.split(np.arange(len(names)), bounds):
        count = 0
        while (free := rows[part[rows] < 0]).size:
            near = np.hypot(*(xy[free] - xy[free[0]]).T) <= SAME_PLACE_M
            part[free[near] if count < MOST_SEPARATE else free] = count
            count += 1
    return part


def _summarise(single: pd.DataFrame, several: pd.DataFrame) -> pd.DataFrame:
    if several.empty:
        return single[["name", "x", "y", "r"]].reset_index(drop=True)
    keys = ["name", "part"]
    middle = several.groupby(keys)[["x", "y"]].transform("median")
    away = np.hypot(several["x"] - middle["x"], several["y"] - middle["y"])
    merged = several.assign(x=middle["x"], y=middle["y"], r=away)
    merged = merged.groupby(keys, as_index=False).agg(
        x=("x", "first"), y=("y", "first"), r=("r", "max")
    )
    both = pd.concat([single[["name", "x", "y", "r"]], merged[["name", "x", "y", "r"]]])
    return both.sort_values("name", kind="stable").reset_index(drop=True)


def make_areas(records: Records) -> Areas:
    """Build the areas of `records` in their order."""
    frame = records.areas
    parts = [_make_area(row) for row in frame.itertuples()]
    edges = [part[1] for part in parts]
    stacked = np.vstack([*edges, np.zeros((0, 4))]).astype(np.float32)
    middle = np.array([part[0] for part in parts], dtype=np.float32).reshape(-1, 3)
    return Areas(
        level=np.array([_LEVEL_NUMBER[level] for level in frame["level"]], dtype=np.uint8),
        x=middle[:, 0].copy(),
        y=middle[:, 1].copy(),
        r=middle[:, 2].copy(),
        edge_start=np.cumsum([0, *(len(e) for e in edges)]).astype(np.int64),
        x1=stacked[:, 0].copy(),
        y1=stacked[:, 1].copy(),
        x2=stacked[:, 2].copy(),
        y2=stacked[:, 3].copy(),
    )


_LEVEL_NUMBER = {str(level): index for index, level in enumerate(LEVELS)}


def _make_area(row: object) -> tuple[tuple[float, float, float], np.ndarray]:
    """Return middle, radius and outline edges of one area."""
    geometry, level = row.geometry, row.level  # type: ignore[attr-defined]
    if geometry is None or shapely.is_empty(geometry):
        return (row.x, row.y, _DEFAULT_RADIUS_M[level]), np.zeros((0, 4))  # type: ignore[attr-defined]
    if geometry.geom_type == "MultiPoint":
        xy = shapely.get_coordinates(geometry)
        middle = np.median(xy, axis=0)
        return (*_find_radius(xy, middle),), np.zeros((0, 4))
    outline = shapely.simplify(geometry, _OUTLINE_M[level])
    xy = _sample_inside(outline)
    middle = xy.mean(axis=0)
    if not shapely.intersects_xy(outline, *middle):
        middle = np.array([row.x, row.y])  # type: ignore[attr-defined]
    return _find_radius(xy, middle), _get_edges(outline)


def _find_radius(xy: np.ndarray, middle: np.ndarray) -> tuple[float, float, float]:
    away = np.sort(np.hypot(*(xy - middle).T))
    # The linear quantile by hand: numpy's is ten times slower on the few points of one area.
    at = 0.9 * (len(away) - 1)
    low = int(at)
    high = min(low + 1, len(away) - 1)
    radius = away[low] + (away[high] - away[low]) * (at - low)
    return float(middle[0]), float(middle[1]), float(radius)


def _sample_inside(area: shapely.Geometry, steps: int = 14) -> np.ndarray:
    """Return points of a lattice over the box of `area` that lie inside it."""
    x0, y0, x1, y1 = shapely.bounds(area)
    at = (np.arange(steps) + 0.5) / steps
    x, y = np.meshgrid(x0 + (x1 - x0) * at, y0 + (y1 - y0) * at)
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, x.ravel(), y.ravel())
    if not inside.any():
        return np.asarray(shapely.get_coordinates(shapely.point_on_surface(area)))
    return np.column_stack([x.ravel()[inside], y.ravel()[inside]])


def _get_edges(area: shapely.Geometry) -> np.ndarray:
    rings = shapely.get_rings(area)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return np.hstack([xy[:-1][same], xy[1:][same]])
