"""The sample city's land: real codes and names of districts, streets and communities, invented lines inside.

The lines are shipped as data (``data/SOURCES.md``); streets and districts are unions of their
communities, so that every level shares its edges bit for bit with the others.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import shapely

from geodata.crs import to_metric

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

METRIC_CRS = "EPSG:4548"
"""CGCS2000, 3-degree zone on 117°E: the official plane of the region."""

GRID_DEG = 1e-6
"""Shipped vertices are whole multiples of this, about 0.1 m."""


@dataclass(frozen=True, kw_only=True)
class Geography:
    """Areas of the sample city, EPSG:4326.

    Parameters
    ----------
    communities
        ``code, name, zone`` (0 town, 1 suburb, 2 country) ``, residents, street_code, area_km2``, geometry;
        sorted by code.
    streets
        ``code, name, district_code, zone``, geometry; sorted by code.
    districts
        ``code, name``, geometry; sorted by code.
    """

    communities: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame


@lru_cache(maxsize=1)
def read_geography() -> Geography:
    """Return the land of the sample city; read once a process."""
    communities = _read_communities()
    streets = _unite(communities, communities["code"].str[:9], "streets.csv")
    streets["district_code"] = streets["code"].str[:6]
    zone = communities.groupby(communities["code"].str[:9])["zone"].median()
    streets["zone"] = streets["code"].map(zone).astype(int)
    districts = _unite(streets, streets["code"].str[:6], "districts.csv")
    return Geography(communities=communities, streets=streets, districts=districts)


def sample_points(
    areas: npt.ArrayLike, chosen: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return one uniform random point inside ``areas[chosen]`` for every entry of `chosen`.

    Parameters
    ----------
    areas
        Polygons, degrees.
    chosen
        Positions in `areas`, int64 (n,).
    rng
        Source of randomness.

    Returns
    -------
        ``lon, lat`` float64 (n,), strictly inside.
    """
    polygons = np.asarray(areas, dtype=object)
    shapely.prepare(polygons)
    west, south, east, north = shapely.bounds(polygons)[chosen].T
    lon, lat = np.empty(len(chosen)), np.empty(len(chosen))
    left = np.arange(len(chosen))
    while len(left):
        lon[left] = rng.uniform(west[left], east[left])
        lat[left] = rng.uniform(south[left], north[left])
        inside = shapely.contains_xy(polygons[chosen[left]], lon[left], lat[left])
        left = left[~inside]
    return lon, lat


def find_communities(
    geography: Geography,
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    *,
    guess: IntArray | None = None,
) -> IntArray:
    """Return the position of the community that holds each point; on a shared edge the lowest.

    Not by the compiled index of geodata: compiling it on a fresh machine takes longer than all of this.

    Parameters
    ----------
    geography
        The land.
    lon, lat
        Degrees, float64 (n,).
    guess
        Communities in which the points probably lie, tried first, -1 where nothing is known; int64 (n,).

    Returns
    -------
        int64 (n,), -1 outside the city.
    """
    shapes = geography.communities.geometry.to_numpy()
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    out = np.full(len(x), -1, np.int64)
    if guess is not None:
        shapely.prepare(shapes)
        right = (guess >= 0) & shapely.contains_xy(shapes[guess], x, y)
        out[right] = guess[right]
    left = np.flatnonzero(out < 0)
    point, area = shapely.STRtree(shapes).query(
        shapely.points(x[left], y[left]), predicate="intersects"
    )
    lowest = np.full(len(left), len(shapes), np.int64)
    np.minimum.at(lowest, point, area)
    out[left] = np.where(lowest < len(shapes), lowest, -1)
    return out


def get_metric(lon: npt.ArrayLike, lat: npt.ArrayLike) -> FloatArray:
    """Return metres in :data:`METRIC_CRS`, float64 (n, 2)."""
    return np.column_stack(to_metric(lon, lat, METRIC_CRS))


def _read_communities() -> gpd.GeoDataFrame:
    # The bytes are read by name: a zipped install has no path.
    with (files("gridgov.sample") / "data" / "communities.parquet").open("rb") as stream:
        frame = pq.read_table(stream).to_pandas()
    geometry = _unpack_polygons(frame)
    out = gpd.GeoDataFrame(
        {
            "code": frame["code"].astype(str),
            "name": frame["name"].astype(str),
            "zone": frame["zone"].astype(int),
            "residents": frame["residents"].astype(int),
            "street_code": frame["code"].astype(str).str[:9],
        },
        geometry=geometry,
        crs="EPSG:4326",
    )
    out["area_km2"] = out.geometry.to_crs(METRIC_CRS).area.to_numpy() / 1e6
    return out


def _unpack_polygons(frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    lengths = np.concatenate(frame["lengths"].to_numpy())
    dx = np.concatenate([np.cumsum(d, dtype=np.int64) for d in frame["dx"]])
    dy = np.concatenate([np.cumsum(d, dtype=np.int64) for d in frame["dy"]])
    # Division by a power of ten rounds to the nearest double, as reading the decimal text does.
    xy = np.column_stack([dx, dy]) / round(1 / GRID_DEG)
    rings = shapely.linearrings(xy, indices=np.repeat(np.arange(len(lengths)), lengths))
    ring_counts = np.concatenate(frame["rings"].to_numpy())
    polygon_of_ring = np.repeat(np.arange(len(ring_counts)), ring_counts)
    polygons = shapely.polygons(rings[_first(ring_counts)])
    holed = np.flatnonzero(ring_counts > 1)
    for k in holed:  # few
        own = rings[polygon_of_ring == k]
        polygons[k] = shapely.polygons(own[0], own[1:])
    part_counts = frame["rings"].map(len).to_numpy()
    start = _first(part_counts)
    shapes = polygons[start]
    for k in np.flatnonzero(part_counts > 1):  # few
        shapes[k] = shapely.multipolygons(polygons[start[k] : start[k] + part_counts[k]])
    out: npt.NDArray[np.object_] = shapes
    return out


def _first(counts: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)


def _unite(areas: gpd.GeoDataFrame, codes: pd.Series, table: str) -> gpd.GeoDataFrame:
    with (files("gridgov.sample") / "data" / table).open("rb") as stream:
        names = pd.read_csv(stream, dtype=str).set_index("code")["name"]
    groups = areas.geometry.groupby(codes.to_numpy()).apply(
        lambda own: shapely.normalize(shapely.coverage_union_all(own.to_numpy()))
    )
    return gpd.GeoDataFrame(
        {"code": groups.index.astype(str), "name": groups.index.map(names)},
        geometry=groups.to_numpy(),
        crs="EPSG:4326",
    )
