"""Invent communities and streets inside real district outlines: seeds, grouping, warped lines, faces.

Everything here runs once, offline, from script/make_sample_data.py; the result is shipped as data.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, Voronoi, cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID_DEG = 1e-6
"""Every vertex lies on this grid (about 0.1 m), so that text files carry coordinates exactly."""

HILL_DISTRICTS = {"110109", "110111", "110114", "110116", "110117", "110118", "110119"}
CORE_DISTRICTS = {"110101", "110102"}
NEAR_DISTRICTS = {"110105", "110106", "110107", "110108"}
ZONE_AREA_WEIGHTS = {False: (1.0, 3.0, 8.0), True: (1.0, 4.0, 14.0)}
"""Relative area of one community in town, suburb and country; the second row for hill districts."""


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Seeds of one district: metric positions, and the index of the street each belongs to."""

    points_m: Floats
    street: Ints
    zone: Ints


def get_zone(street_name: str) -> int:
    """Return 0 for a town street (街道), 1 for a suburb (地区), 2 for a township."""
    return 0 if street_name.endswith("街道") else 1 if street_name.endswith("地区") else 2


def sample_inside(polygon: shapely.Geometry, n: int, rng: np.random.Generator) -> Floats:
    """Return about `n` uniform points inside `polygon`, float64 (m, 2)."""
    shapely.prepare(polygon)
    x0, y0, x1, y1 = polygon.bounds
    share = polygon.area / ((x1 - x0) * (y1 - y0))
    points = rng.uniform((x0, y0), (x1, y1), (int(n / share), 2))
    return points[shapely.contains_xy(polygon, points[:, 0], points[:, 1])]


def relax(points: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Return `n` evenly spread seeds among `points` (Lloyd's algorithm, ten rounds)."""
    seeds = points[rng.choice(len(points), n, replace=False)]
    for _ in range(10):
        owner = cKDTree(seeds).query(points)[1]
        counts = np.bincount(owner, minlength=n)
        sums = np.stack([np.bincount(owner, points[:, k], n) for k in (0, 1)], axis=1)
        seeds = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], seeds)
    return seeds


def count_components(members: Ints, edges: Ints, n: int) -> int:
    """Return the number of connected components among `members` of a graph of `n` nodes."""
    inside = np.zeros(n, bool)
    inside[members] = True
    kept = edges[inside[edges].all(axis=1)]
    graph = coo_matrix((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), (n, n))
    labels = connected_components(graph, directed=False)[1]
    return len(np.unique(labels[members]))


def bisect(
    points: Floats, members: Ints, streets: list[tuple[int, int]], edges: Ints
) -> dict[int, Ints]:
    """Split `members` into streets of exactly the wanted numbers, by straight cuts that cut few edges."""
    if len(streets) == 1:
        return {streets[0][0]: members}
    counts = np.cumsum([count for _, count in streets])
    half = int(np.argmin(np.abs(counts[:-1] - counts[-1] / 2))) + 1
    size = int(counts[half - 1])
    best: tuple[float, Ints] = (np.inf, members)
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        key = points[members] @ (np.cos(angle), np.sin(angle))
        order = members[np.argsort(key, kind="stable")]
        left = np.zeros(len(points), bool)
        left[order[:size]] = True
        among = np.zeros(len(points), bool)
        among[members] = True
        inner = edges[among[edges].all(axis=1)]
        cut = int((left[inner[:, 0]] != left[inner[:, 1]]).sum())
        parts = count_components(order[:size], edges, len(points))
        parts += count_components(order[size:], edges, len(points))
        cost = cut + 40.0 * parts
        if cost < best[0]:
            best = (cost, order)
    order = best[1]
    return bisect(points, order[:size], streets[:half], edges) | bisect(
        points, order[size:], streets[half:], edges
    )


def make_edges(points: Floats, polygon: shapely.Geometry) -> Ints:
    """Return neighbour pairs of seeds (Delaunay) whose link stays inside `polygon`, int64 (m, 2)."""
    triangles = Delaunay(points).simplices
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    middle = points[pairs].mean(axis=1)
    return pairs[shapely.contains_xy(polygon, middle[:, 0], middle[:, 1])].astype(np.int64)


def make_seeds(
    polygon: shapely.Geometry,
    streets: list[tuple[str, str, int]],
    district: str,
    *,
    centres_m: tuple[Floats, Floats],
    rng: np.random.Generator,
) -> Seeds:
    """Return the seeds of a district: (code, name, number of communities) of its streets are met exactly."""
    candidates = sample_inside(polygon, 240_000, rng)
    town, city = centres_m
    d_town = np.hypot(*(candidates - town).T)
    d_city = np.hypot(*(candidates - city).T)
    near = d_city if district in NEAR_DISTRICTS else np.minimum(d_town, 0.6 * d_city)
    if district in HILL_DISTRICTS:
        near = d_town
    zones = np.array(
        [0 if district in CORE_DISTRICTS else get_zone(name) for _, name, _ in streets]
    )
    # Towns have bays and arms, not circles.
    wave = rng.uniform(-1, 1, (2, 6)) * 2 * np.pi / 6000
    near = near * (1 + 0.13 * np.sin(candidates @ wave + rng.uniform(0, 6, 6)).sum(axis=1) / 1.5)
    weights = np.array(ZONE_AREA_WEIGHTS[district in HILL_DISTRICTS])
    wanted = np.bincount(zones, [count for *_, count in streets], 3)
    cuts = np.quantile(near, np.cumsum(wanted * weights / (wanted @ weights)).clip(0, 1))
    zone_of = (
        np.searchsorted(cuts[:2], near, side="right") if len(cuts) else np.zeros(len(near), int)
    )
    points, zone = [], []
    for k in np.flatnonzero(wanted):
        points.append(relax(candidates[zone_of == k], int(wanted[k]), rng))
        zone.append(np.full(int(wanted[k]), k))
    points_m, zone_all = np.concatenate(points), np.concatenate(zone)
    edges = make_edges(points_m, polygon)
    street = np.full(len(points_m), -1)
    for k in np.flatnonzero(wanted):
        members = np.flatnonzero(zone_all == k)
        groups = [(i, streets[i][2]) for i in np.flatnonzero(zones == k)]
        for i, group in bisect(points_m, members, groups, edges).items():
            street[group] = i
    swap_outliers(street, edges, rng)
    return Seeds(points_m=points_m, street=street, zone=zone_all)


def swap_outliers(street: Ints, edges: Ints, rng: np.random.Generator) -> None:
    """Give one seed deep in a street to a neighbouring street and one back: enclaves and split streets."""
    n_swaps = max(1, round(len(np.unique(street)) / 14))
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(int(a), set()).add(int(b))
        neighbours.setdefault(int(b), set()).add(int(a))
    done = 0
    for seed in rng.permutation(len(street)):
        home = street[seed]
        around = neighbours.get(int(seed), set())
        if done == n_swaps:
            return
        if len(around) < 4 or any(street[k] != home for k in around):
            continue
        ring = {int(street[j]) for k in around for j in neighbours[k]} - {int(home)}
        backs = [
            k
            for k in range(len(street))
            if street[k] in ring and home in {street[j] for j in neighbours[k]}
        ]
        backs = [k for k in backs if (street == street[k]).sum() > 6]
        if not backs:
            continue
        back = backs[int(rng.integers(len(backs)))]
        street[seed], street[back] = street[back], home
        done += 1


def make_warp(rng: np.random.Generator, centre_m: Floats) -> Callable[[Floats], Floats]:
    """Return an injective fractal map of the plane: compositions of gentle waves, stronger in the hills."""
    layers = []
    for _ in range(3):
        length = np.repeat(6000 * 0.55 ** np.arange(8), 3)
        angle = rng.uniform(0, 2 * np.pi, len(length))
        wave = 2 * np.pi / length * np.stack([np.cos(angle), np.sin(angle)])
        phase = rng.uniform(0, 2 * np.pi, len(length))
        turn = rng.uniform(0, 2 * np.pi, len(length))
        size = 0.1 * length / (2 * np.pi) * np.stack([np.cos(turn), np.sin(turn)])
        layers.append((wave, phase, size))

    def warp(points: Floats) -> Floats:
        distance = np.hypot(*(points - centre_m).T)
        strength = np.clip((distance - 5000) / 30_000, 0.55, 1.0)[:, None]
        for wave, phase, size in layers:
            points = points + strength * (np.sin(points @ wave + phase) @ size.T)
        return points

    return warp


def unwarp(warp: Callable[[Floats], Floats], points: Floats) -> Floats:
    """Return the points that `warp` sends to `points` (fixed-point iteration)."""
    guess = points.copy()
    for _ in range(40):
        guess += 0.7 * (points - warp(guess))
    return guess


def make_lines(seeds: Floats, warp: Callable[[Floats], Floats]) -> list[Floats]:
    """Return the warped Voronoi edges of `seeds`, each a float64 (k, 2) of metres, long rays included."""
    centre, size = seeds.mean(axis=0), 4 * np.ptp(seeds, axis=0).max()
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    far = centre + size * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    diagram = Voronoi(np.concatenate([seeds, far]))
    lines = []
    for pair, ridge in zip(diagram.ridge_points, diagram.ridge_vertices, strict=True):
        if min(pair) >= len(seeds) or min(ridge) < 0:
            continue
        a, b = diagram.vertices[ridge]
        length = np.hypot(*(b - a))
        n = int(np.clip(length / 35, 5, 22)) if length < 30_000 else int(length / 300)
        lines.append(warp(a + np.linspace(0, 1, n + 1)[:, None] * (b - a)))
    return lines


def merge_slivers(faces: Floats, label: Ints, district: Ints, area: Floats) -> Ints:
    """Return labels in which a small split-off face joins the neighbour with the longest shared line."""
    label = label.copy()
    total = np.bincount(label, area)
    largest = np.zeros(len(total))
    np.maximum.at(largest, label, area)
    small = np.flatnonzero((area < largest[label]) & (area < 0.35 * total[label]))
    small = np.concatenate([small, np.flatnonzero(total[label] < 1e-9)])
    tree = shapely.STRtree(faces)
    for face in small[np.argsort(-area[small])]:
        near = tree.query(faces[face], predicate="intersects")
        near = near[(near != face) & (district[near] == district[face]) & ~np.isin(near, small)]
        if len(near):
            shared = shapely.length(shapely.intersection(faces[near], faces[face]))
            label[face] = label[near[int(np.argmax(shared))]]
    return label
