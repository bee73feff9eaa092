"""Layers and points that are hard for an index, and what shapely says about them."""

import numpy as np
import shapely

from geodata.areas import AreaIndex

SCALES = (1e-13, 1e-9, 1e-4, 0.1, 1.0)
ORIGINS = ((0.0, 0.0), (116.4, 39.9), (-71.0, 42.3), (-179.0, -70.0))
FAR = (np.nan, np.inf, -np.inf, 1e300, -1e300, 5e-324, -5e-324, 0.0, -0.0, 2.2e-308)


def find_by_shapely(areas, x, y):
    """Return the first area that intersects each point, one area after the other."""
    found = np.full(len(x), -1)
    for position in range(len(areas) - 1, -1, -1):
        shapely.prepare(areas[position])
        found[shapely.intersects_xy(areas[position], x, y)] = position
    return found


def make_codes(count):
    """Return ascending codes."""
    return [f"{number:04d}" for number in range(count)]


def keep_valid(shapes):
    """Return polygons and multipolygons that are valid and have an inside."""
    shapes = np.array(shapes, dtype=object)
    areal = np.isin(shapely.get_type_id(shapes), (3, 6))
    return shapes[areal & shapely.is_valid(shapes) & ~shapely.is_empty(shapes)]


def place(shapes, rng):
    """Return the shapes of a unit lattice somewhere in the world, at some size, if still valid."""
    scale, origin = rng.choice(SCALES), ORIGINS[rng.integers(len(ORIGINS))]
    return keep_valid(shapely.transform(shapes, lambda xy: xy * scale + origin))


def make_lattice_shapes(rng):
    """Return overlapping polygons on a lattice: shared vertices, collinear edges, touching parts."""
    shapes = []
    for _ in range(rng.integers(1, 9)):
        corners = rng.integers(0, 9, (rng.integers(3, 8), 2)).astype(float)
        kind = rng.integers(5)
        if kind == 0:
            shape = shapely.convex_hull(shapely.MultiPoint(corners))
        elif kind == 1:
            x, y = sorted(corners[:2, 0]), sorted(corners[:2, 1])
            shape = shapely.box(x[0], y[0], x[1], y[1])
        elif kind == 2:
            middle = corners.mean(axis=0)
            order = np.argsort(np.arctan2(*(corners - middle).T))
            shape = shapely.Polygon(corners[order])
        elif kind == 3:
            outer = shapely.box(0, 0, 8, 8)
            shape = outer.difference(shapely.convex_hull(shapely.MultiPoint(corners)))
        else:
            shape = shapely.union_all(
                [shapely.box(a, b, a + 1, b + 1) for a, b in corners.astype(int)]
            )
        shapes.append(shape)
    return keep_valid(shapes)


def add_vertices(shapes, rng):
    """Return the shapes with collinear vertices, and duplicate ones in simple polygons."""
    denser = shapely.segmentize(shapes, rng.choice([0.5, 1.3, 100.0]))
    return keep_valid([_repeat_vertices(shape) for shape in denser])


def _repeat_vertices(shape):
    if shapely.get_type_id(shape) != 3:
        return shape
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shape)]
    rings = [np.repeat(xy, 1 + (np.arange(len(xy)) % 5 == 0), axis=0) for xy in rings]
    return shapely.Polygon(rings[0], rings[1:])


def make_coverage(rng):
    """Return areas that share their edges, with an enclave, a hole or a second part now and then."""
    seeds = rng.random((rng.integers(2, 40), 2)) * 8
    if rng.random() < 0.3:
        seeds = np.unique(np.round(seeds * 2) / 2, axis=0)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=shapely.box(0, 0, 8, 8))
    )
    if len(cells) == 0:
        return np.array([shapely.box(0, 0, 8, 8)], dtype=object)
    groups = rng.integers(0, max(1, len(cells) // 2), len(cells))
    return keep_valid([shapely.coverage_union_all(cells[groups == g]) for g in np.unique(groups)])


def make_slivers(rng):
    """Return triangles of almost no width, and rings that meet in one point."""
    angles = np.sort(rng.random(rng.integers(3, 12))) * 2 * np.pi
    hub = rng.random(2) * 8
    width = rng.choice([1e-12, 1e-6, 0.1])
    shapes = []
    for angle in angles:
        a = hub + 5 * np.array([np.cos(angle), np.sin(angle)])
        b = hub + 5 * np.array([np.cos(angle + width), np.sin(angle + width)])
        shapes.append(shapely.Polygon([hub, a, b]))
    return keep_valid(shapes)


LAYERS = (make_lattice_shapes, make_coverage, make_slivers)


def make_nasty_points(index: AreaIndex, shapes, rng):
    """Return vertices, points on edges, the next floats around both, corners of cells, no numbers."""
    xy = shapely.get_coordinates(shapes)
    share = rng.choice([0.25, 0.5, 1 / 3, 0.9], len(xy) - 1)[:, None]
    points = np.vstack([xy, xy[:-1] + share * (xy[1:] - xy[:-1])])
    points = points[rng.permutation(len(points))[:600]]
    around = [points]
    for axis in (0, 1):
        for towards in (-np.inf, np.inf):
            moved = points.copy()
            moved[:, axis] = np.nextafter(moved[:, axis], towards)
            around.append(moved)
    west, south, east, north, *_ = index.compiled.grid
    lines = rng.integers(0, index.compiled.side + 1, (200, 2)) / index.compiled.side
    corners = np.array([west, south]) + lines * [east - west, north - south]
    mixed = np.column_stack([rng.choice(points[:, 0], 200), rng.choice(points[:, 1], 200)])
    wide = rng.uniform([west, south], [east, north], (400, 2))
    far = np.array(np.meshgrid(FAR, FAR)).reshape(2, -1).T
    some = np.column_stack([np.repeat(points[:8, 0], len(FAR)), np.tile(FAR, len(points[:8]))])
    every = np.vstack([*around, corners, mixed, wide, far, some, some[:, ::-1]])
    return np.ascontiguousarray(every[:, 0]), np.ascontiguousarray(every[:, 1])
