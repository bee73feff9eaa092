"""Roads of the sample city: avenues across a district, roads of and between streets, lanes; house numbers.

Odd numbers stand left of the line's direction, even ones right of it; where a road is a boundary, the two
sides belong to two streets, as they do in a real city.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.crs import from_metric
from gridgov.sample.land.geography import METRIC_CRS, Geography
from gridgov.sample.land.names import make_stems, pick, read_words

FloatArray = npt.NDArray[np.float64]
ObjectArray = npt.NDArray[np.object_]

HOUSE_OFFSET_M = 14.0
"""From the road's middle line to a front door."""
SPACING_M = (22.0, 30.0, 45.0)
"""Between two neighbouring numbers of one side, in town, suburb and country."""
MOST_NUMBERS = 240
NUMBERED_M = 4500.0
"""Only this much of a long road has houses with numbers."""


@dataclass(frozen=True, kw_only=True)
class Roads:
    """Roads and the house numbers along them, EPSG:4326.

    Parameters
    ----------
    lines
        ``name, kind`` (avenue, road, boundary, lane) ``, district_code, zone``, geometry.
    numbers
        ``road`` (position in `lines`) ``, number, lon, lat``.
    crossings
        ``first, second`` (positions in `lines`) ``, lon, lat``: where two roads meet.
    """

    lines: gpd.GeoDataFrame
    numbers: pd.DataFrame
    crossings: pd.DataFrame


def make_roads(geography: Geography, rng: np.random.Generator) -> Roads:
    """Return the roads of the sample city; other randomness gives another network with other names."""
    streets = geography.streets.to_crs(METRIC_CRS)
    districts = geography.districts.to_crs(METRIC_CRS)
    communities = geography.communities.to_crs(METRIC_CRS)
    frames = [
        _make_avenues(districts, rng),
        _make_street_roads(streets, rng),
        _make_boundary_roads(streets, rng),
        _make_lanes(communities, rng),
    ]
    lines = pd.concat(frames, ignore_index=True)
    lines["name"] = _make_names(lines, rng)
    numbers = _make_numbers(lines)
    crossings = _find_crossings(lines)
    metric = gpd.GeoDataFrame(lines, geometry="geometry", crs=METRIC_CRS)
    return Roads(lines=metric.to_crs("EPSG:4326"), numbers=numbers, crossings=crossings)


def _cut(
    areas: ObjectArray, start: FloatArray, end: FloatArray, rng: np.random.Generator
) -> ObjectArray:
    """Return the longest part inside ``areas[i]`` of a gently winding line ``start[i] → end[i]``."""
    steps = np.linspace(0, 1, 13)
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    across = np.column_stack([-along[:, 1], along[:, 0]])
    wind = np.cumsum(rng.normal(0, 0.008, (len(start), 13)), axis=1)
    xy = start[:, None] + steps[:, None] * along[:, None] + wind[:, :, None] * across[:, None]
    lines = shapely.linestrings(xy.reshape(-1, 2), indices=np.repeat(np.arange(len(start)), 13))
    parts, owner = shapely.get_parts(shapely.intersection(lines, areas), return_index=True)
    is_line = shapely.get_type_id(parts) == 1
    parts, owner = parts[is_line], owner[is_line]
    order = np.lexsort((-shapely.length(parts), owner))
    _, first = np.unique(owner[order], return_index=True)
    out = np.full(len(length), None, dtype=object)
    out[owner[order][first]] = parts[order][first]
    return out


def _cross(
    areas: gpd.GeoSeries, chosen: npt.NDArray[np.int64], rng: np.random.Generator
) -> ObjectArray:
    """Return for each chosen area a road through it, nearly west-east or south-north."""
    west, south, east, north = areas.bounds.to_numpy()[chosen].T
    level = rng.random(len(chosen)) < 0.5
    t0 = rng.uniform(0.1, 0.9, len(chosen))
    t1 = np.clip(t0 + rng.normal(0, 0.06, len(chosen)), 0.05, 0.95)
    start = np.where(
        level[:, None],
        np.column_stack([west, south + t0 * (north - south)]),
        np.column_stack([west + t0 * (east - west), south]),
    )
    end = np.where(
        level[:, None],
        np.column_stack([east, south + t1 * (north - south)]),
        np.column_stack([west + t1 * (east - west), north]),
    )
    return _cut(areas.to_numpy()[chosen], start, end, rng)


def _frame(
    geometry: ObjectArray, kind: str, district: ObjectArray, zone: npt.ArrayLike
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"kind": kind, "district_code": district, "zone": zone, "geometry": geometry}
    )
    kept = frame["geometry"].notna() & (shapely.length(frame["geometry"].to_numpy()) > 60)
    return frame[kept]


def _make_avenues(districts: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    chosen = np.repeat(np.arange(len(districts)), 8)
    lines = _cross(districts.geometry, chosen, rng)
    return _frame(lines, "avenue", districts["code"].to_numpy(object)[chosen], 1)


def _make_street_roads(streets: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    counts = np.clip(rng.poisson(7, len(streets)), 4, 12)
    chosen = np.repeat(np.arange(len(streets)), counts)
    lines = _cross(streets.geometry, chosen, rng)
    return _frame(
        lines,
        "road",
        streets["district_code"].to_numpy(object)[chosen],
        streets["zone"].to_numpy()[chosen],
    )


def _make_boundary_roads(streets: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    shapes = streets.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="touches")
    once = (a < b) & (rng.random(len(a)) < 0.35)
    a, b = a[once], b[once]
    shared = shapely.line_merge(
        shapely.intersection(shapely.boundary(shapes[a]), shapely.boundary(shapes[b]))
    )
    parts, owner = shapely.get_parts(shared, return_index=True)
    long = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 300)
    lines = shapely.simplify(parts[long], 10.0)
    pair = a[owner[long]]
    return _frame(
        lines,
        "boundary",
        streets["district_code"].to_numpy(object)[pair],
        streets["zone"].to_numpy()[pair],
    )


def _make_lanes(communities: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    counts = rng.binomial(2, 0.35, len(communities))
    chosen = np.repeat(np.arange(len(communities)), counts)
    shapes = communities.geometry.to_numpy()[chosen]
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    size = np.sqrt(communities["area_km2"].to_numpy()[chosen]) * 1000
    level = rng.random(len(chosen)) < 0.5
    direction = np.where(level[:, None], (1.0, 0.05), (0.05, 1.0))
    half = (np.minimum(size, 900) * rng.uniform(0.2, 0.45, len(chosen)))[:, None] * direction
    centre = centre + rng.uniform(-0.2, 0.2, centre.shape) * size[:, None]
    lines = _cut(shapes, centre - half, centre + half, rng)
    return _frame(
        lines,
        "lane",
        communities["code"].str[:6].to_numpy(object)[chosen],
        communities["zone"].to_numpy()[chosen],
    )


def _make_names(lines: pd.DataFrame, rng: np.random.Generator) -> ObjectArray:
    """Return names: never twice in a district, often twice in the city."""
    words = read_words()
    zone, kind = lines["zone"].to_numpy(), lines["kind"].to_numpy()
    tails = pick(words["road_tails"], len(lines), rng)
    for where, key in (
        (kind == "avenue", "avenue_tails"),
        ((kind == "lane") & (zone == 0), "lane_tails"),
        ((kind == "lane") & (zone == 1), "lane_tails_new"),
        ((kind == "lane") & (zone == 2), "village_lane_tails"),
    ):
        tails[where] = pick(words[key], int(where.sum()), rng)
    names = make_stems(len(lines), rng) + tails
    frame = pd.DataFrame({"district": lines["district_code"].to_numpy(), "name": names})
    for _ in range(20):
        again = frame.duplicated().to_numpy()
        if not again.any():
            break
        frame.loc[again, "name"] = make_stems(int(again.sum()), rng) + tails[again]
    out: ObjectArray = frame["name"].to_numpy(object)
    return out


def _make_numbers(lines: pd.DataFrame) -> pd.DataFrame:
    """Return a front door every few metres on both sides of every road."""
    geometry = lines["geometry"].to_numpy()
    length = np.minimum(shapely.length(geometry), NUMBERED_M)
    spacing = np.array(SPACING_M)[lines["zone"].to_numpy(int)]
    count = np.clip((length / spacing).astype(int) * 2, 2, MOST_NUMBERS)
    road = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(road)) - np.repeat(np.cumsum(count) - count, count) + 1
    along = ((number + 1) // 2 - 0.5) * spacing[road]
    points = shapely.get_coordinates(shapely.line_interpolate_point(geometry[road], along))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(geometry[road], along + 2.0))
    step = ahead - points
    step[np.hypot(step[:, 0], step[:, 1]) == 0] = (1.0, 0.0)
    step /= np.hypot(step[:, 0], step[:, 1])[:, None]
    side = np.where(number % 2 == 1, 1.0, -1.0)[:, None]
    x, y = (points + HOUSE_OFFSET_M * side * np.column_stack([-step[:, 1], step[:, 0]])).T
    lon, lat = from_metric(x, y, METRIC_CRS)
    return pd.DataFrame({"road": road, "number": number, "lon": lon, "lat": lat})


def _find_crossings(lines: pd.DataFrame) -> pd.DataFrame:
    geometry = lines["geometry"].to_numpy()
    a, b = shapely.STRtree(geometry).query(geometry, predicate="crosses")
    once = (a < b) & (lines["district_code"].to_numpy()[a] == lines["district_code"].to_numpy()[b])
    a, b = a[once], b[once]
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    points = shapely.intersection(geometry[a], geometry[b])
    single = shapely.get_type_id(points) == 0
    a, b, points = a[single], b[single], points[single]
    lon, lat = from_metric(shapely.get_x(points), shapely.get_y(points), METRIC_CRS)
    return pd.DataFrame({"first": a, "second": b, "lon": lon, "lat": lat})
