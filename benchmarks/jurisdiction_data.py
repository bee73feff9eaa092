"""A synthetic city for measuring: areas that share their edges bit for bit, points crowded in the centre."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
CENTRE = np.array([116.4, 39.95])
SIZE_DEG = np.array([2.0, 1.6])
ENCLAVES = 8
MULTI_PART = 19


@dataclass(frozen=True)
class City:
    """Areas with codes, ascending."""

    areas: npt.NDArray[np.object_]
    codes: list[str]

    @property
    def vertices(self) -> int:
        """Number of vertices of all rings."""
        return int(shapely.get_num_coordinates(self.areas).sum())


def make_city(*, areas: int = 343, vertices: int = 206_000, seed: int = 1) -> City:
    """Return a coverage of `areas` areas with about `vertices` vertices; some have parts and holes."""
    rng = np.random.default_rng(seed)
    faces = _make_faces(areas + MULTI_PART - ENCLAVES, rng)
    levels = 1
    while True:  # one more halving of every edge until there are enough vertices
        lines = _roughen(faces, levels, np.random.default_rng(seed))
        if len(lines) * 2 * 2**levels >= vertices or levels == 12:
            break
        levels += 1
    target = vertices / (2 * len(lines))
    lines = _roughen(faces, levels, np.random.default_rng(seed), keep=target)
    rings = [*lines, *_make_enclaves(faces, rng)]
    cells = shapely.get_parts(shapely.polygonize([shapely.union_all(rings)]))
    return _group(cells, areas, rng)


def _make_faces(count: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    radius = rng.exponential(0.22, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    seeds = (
        CENTRE + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) * SIZE_DEG / 2
    )
    outline = shapely.Point(CENTRE).buffer(1, quad_segs=6)
    outline = shapely.transform(outline, lambda xy: (xy - CENTRE) * SIZE_DEG / 2 + CENTRE)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=outline)
    )
    return shapely.intersection(cells, outline, grid_size=1e-9)


def _roughen(
    faces: npt.NDArray[np.object_], levels: int, rng: np.random.Generator, keep: float | None = None
) -> list[shapely.LineString]:
    """Return every edge of the faces once, each bent by halving it `levels` times."""
    borders = shapely.get_parts(shapely.union_all(shapely.boundary(faces), grid_size=1e-9))
    edges = []
    for line in borders:
        xy = shapely.get_coordinates(line)
        edges += [np.array([a, b]) for a, b in pairwise(xy)]
    bent = []
    for edge in edges:
        path = edge
        for _ in range(levels):
            step = np.diff(path, axis=0)
            middle = (path[1:] + path[:-1]) / 2
            middle += np.column_stack([-step[:, 1], step[:, 0]]) * rng.uniform(
                -0.16, 0.16, (len(step), 1)
            )
            path = np.insert(path, np.arange(1, len(path)), middle, axis=0)
        if keep is not None and len(path) > keep:
            inner = 1 + np.sort(rng.permutation(len(path) - 2)[: max(1, int(keep) - 1)])
            path = path[np.concatenate([[0], inner, [len(path) - 1]])]
        bent.append(shapely.LineString(path))
    return bent


def _make_enclaves(
    faces: npt.NDArray[np.object_], rng: np.random.Generator
) -> list[shapely.LineString]:
    largest = np.argsort(-shapely.area(faces))[:ENCLAVES]
    rings = []
    for face in faces[largest]:
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        radius = np.sqrt(face.area) * 0.12 * rng.uniform(0.8, 1.2, 60)
        xy = shapely.get_coordinates(shapely.centroid(face))
        ring = xy + np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
        rings.append(shapely.LineString(np.vstack([ring, ring[:1]])))
    return rings


def _group(cells: npt.NDArray[np.object_], areas: int, rng: np.random.Generator) -> City:
    """Return `areas` areas; the smallest cells become further parts of areas nearby.

    The owner of a part is the nearest area that does not touch it, as exclaves are: a far owner
    would have a box over half the city, and every engine that starts from boxes would pay for it.
    """
    cells = cells[np.argsort(-shapely.area(cells))]
    owner = np.arange(len(cells))
    centres = shapely.get_coordinates(shapely.centroid(cells))
    for extra in range(areas, len(cells)):
        distance = np.hypot(*(centres[:areas] - centres[extra]).T)
        nearest = np.argsort(distance)[:40]
        owner[extra] = nearest[~shapely.intersects(cells[nearest], cells[extra])][0]
    grouped = [shapely.union_all(cells[owner == area]) for area in range(areas)]
    shuffled = rng.permutation(areas)
    codes = [f"110{number:06d}" for number in np.arange(areas)]
    return City(np.array(grouped, dtype=object)[shuffled], codes)


def make_points(
    count: int, *, seed: int = 2
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitudes and latitudes in random order, most of them in the centre, a few outside."""
    rng = np.random.default_rng(seed)
    spread = np.array([0.12, 0.1])
    dense = rng.normal(CENTRE, spread, (count - count // 5, 2))
    wide = rng.uniform(CENTRE - SIZE_DEG * 0.52, CENTRE + SIZE_DEG * 0.52, (count // 5, 2))
    points = rng.permutation(np.vstack([dense, wide]))
    return np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])


def make_edge_points(
    city: City, count: int, *, seed: int = 3
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return points on edges: vertices, and points on segments as near as floats can come."""
    rng = np.random.default_rng(seed)
    rings = shapely.get_rings(shapely.get_parts(city.areas))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    start = rng.choice(np.flatnonzero(ring[1:] == ring[:-1]), count)
    share = rng.choice([0.0, 0.25, 0.5, 0.75], count)[:, None]
    points = xy[start] * (1 - share) + xy[start + 1] * share
    return np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
