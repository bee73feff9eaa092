"""Speed of the unit grid: build, point → cell, geometry on demand.

A city of 16,410 km² with 3,430 communities, small in the middle and large in the hills, is invented from
a seed. Point → area alone is measured beside point → cell. Run: ``python -m benchmarks.grid``.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import Voronoi

from geodata.crs import from_metric
from geodata.grid import make_grid

METRIC_CRS = "EPSG:4548"
WIDTH_M, HEIGHT_M = 118_000.0, 139_000.0
CENTRE = (440_000.0, 4_420_000.0)


def make_areas(count: int, vertices: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return a clean coverage of `count` areas with about `vertices` vertices each."""
    radius = rng.power(0.75, count) * 0.5
    angle = rng.uniform(0, 2 * np.pi, count)
    seeds = np.c_[np.cos(angle) * WIDTH_M, np.sin(angle) * HEIGHT_M] * radius[:, None]
    box = np.array([WIDTH_M, HEIGHT_M]) / 2
    mirrored = [seeds]
    for axis in (0, 1):
        for sign in (-1, 1):
            other = seeds.copy()
            other[:, axis] = 2 * sign * box[axis] - other[:, axis]
            mirrored.append(other)
    voronoi = Voronoi(np.concatenate(mirrored))
    inside = [pair.min() < count for pair in voronoi.ridge_points]
    lines = [
        _bend(voronoi.vertices[ridge], vertices // 6, rng)
        for ridge, keep in zip(voronoi.ridge_vertices, inside, strict=True)
        if keep
    ]
    cells = shapely.get_parts(shapely.polygonize(lines))
    codes = [f"{110101001 + k // 10}{1 + k % 10:03d}" for k in range(len(cells))]
    degrees = shapely.transform(
        cells, lambda xy: np.stack(from_metric(*(xy + CENTRE).T, METRIC_CRS), axis=1)
    )
    return gpd.GeoDataFrame({"code": codes}, geometry=degrees, crs="EPSG:4326")


def _bend(ends: np.ndarray, parts: int, rng: np.random.Generator) -> shapely.LineString:
    """Return a wavy line between two points, straight near its ends so that no two cross."""
    along = np.linspace(0, 1, parts + 1)[:, None]
    span = ends[1] - ends[0]
    wave = np.sin(np.pi * along) ** 2 * np.sin(along * rng.uniform(5, 20)) * 0.02
    inner = (ends[0] + along * span + wave * [-span[1], span[0]])[1:-1]
    return shapely.LineString([ends[0], *inner, ends[1]])


def measure(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the median seconds of `work`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def measure_in_turn(*works: Callable[[], object], repeats: int = 15) -> list[float]:
    """Return the median seconds of each work, all done one after the other in every turn."""
    return [
        float(np.median(one))
        for one in zip(*[[measure(work, 1) for work in works] for _ in range(repeats)], strict=True)
    ]


def run(points: int, areas: int) -> dict[str, float]:
    """Return all figures."""
    rng = np.random.default_rng(1)
    frame = make_areas(areas, 300, rng)
    make_grid(frame.head(3), key="code", metric_crs=METRIC_CRS)  # compile
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grid = make_grid(frame, key="code", metric_crs=METRIC_CRS)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index = grid.shapes.index
    west, south, east, north = frame.total_bounds
    lon, lat = rng.uniform(west, east, points), rng.uniform(south, north, points)
    at_area = index.locate_positions(lon, lat)
    seconds = measure_in_turn(
        lambda: index.locate_positions(lon, lat),
        lambda: grid.locate_positions(lon, lat),
        lambda: grid.locate_in(at_area, lon, lat),
    )
    some = grid.codes[rng.integers(0, len(grid), 5_000)].unique()
    figures = {
        "areas": len(frame),
        "vertices": int(shapely.get_num_coordinates(frame.geometry.values).sum()),
        "cells": len(grid),
        "build_mb": (after - before) / 1024,
        "build_s": measure(lambda: make_grid(frame, key="code", metric_crs=METRIC_CRS)),
        "build_index_given_s": measure(
            lambda: make_grid(frame, key="code", metric_crs=METRIC_CRS, index=index)
        ),
        "point_to_area_per_s": points / seconds[0],
        "point_to_cell_per_s": points / seconds[1],
        "cell_in_known_area_per_s": points / seconds[2],
        "geometries_5000_s": measure(lambda: grid.geometries(some)),
        "centers_all_s": measure(grid.centers, 1),
    }
    figures["cell_to_area_ratio"] = figures["point_to_cell_per_s"] / figures["point_to_area_per_s"]
    return figures


def main() -> None:
    """Print the figures as a table, and write them as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--areas", type=int, default=3_430)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.points, options.areas)
    print(pd.Series(figures).map("{:,.4g}".format).to_string())
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
