"""Invented coverages for tests: areas with wavy shared borders, edges bit-identical on both sides."""

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import Voronoi

from geodata.crs import from_metric

METRIC_CRS = "EPSG:4548"
CENTRE = (445_013.0, 4_420_027.0)  # off the lattice lines, so that no border runs along one


def make_areas(count, *, width_m=3_000.0, seed=0, parts=12):
    """Return `count` areas with nine-digit codes that cover a square, in EPSG:4326."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(-0.45, 0.45, (count, 2)) * width_m
    mirrored = [seeds]
    for axis in (0, 1):
        for sign in (-1, 1):
            other = seeds.copy()
            other[:, axis] = sign * width_m - other[:, axis]
            mirrored.append(other)
    voronoi = Voronoi(np.concatenate(mirrored))
    ridges = zip(voronoi.ridge_points, voronoi.ridge_vertices, strict=True)
    lines = [
        _bend(voronoi.vertices[ends], parts, rng) for pair, ends in ridges if min(pair) < count
    ]
    shapes = shapely.get_parts(shapely.polygonize(lines))
    assert len(shapes) == count
    codes = [str(110101001 + k) for k in range(count)]
    return to_degrees(shapes, codes)


def to_degrees(shapes, codes, *, key="code", centre=CENTRE):
    """Return shapes in metres around `centre` as a layer in EPSG:4326."""
    degrees = shapely.transform(
        np.asarray(shapes, dtype=object),
        lambda xy: np.stack(from_metric(*(xy + centre).T, METRIC_CRS), axis=1),
    )
    return gpd.GeoDataFrame({key: list(codes)}, geometry=degrees, crs="EPSG:4326")


def to_points(x, y, *, centre=CENTRE):
    """Return lon, lat of metres around `centre`."""
    return from_metric(
        np.asarray(x, float) + centre[0], np.asarray(y, float) + centre[1], METRIC_CRS
    )


def _bend(ends, parts, rng):
    along = np.linspace(0, 1, parts + 1)[:, None]
    span = ends[1] - ends[0]
    wave = np.sin(np.pi * along) ** 2 * np.sin(along * rng.uniform(5, 20)) * 0.03
    inner = (ends[0] + along * span + wave * [-span[1], span[0]])[1:-1]
    return shapely.LineString([ends[0], *inner, ends[1]])
