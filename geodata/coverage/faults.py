"""Faults of a boundary set: what a fault is, how large it is, how severe, and the search for overlaps and gaps.

Everything here works in metres of a metric CRS on valid polygons.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

Geometries = npt.NDArray[np.object_]
FaultSeverity = Literal["error", "warning", "note"]


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """From which size on a difference between boundaries is worth a word, a warning, an error.

    Attributes
    ----------
    note_m2, note_width_m
        An overlap or gap smaller and narrower than both is a note: boundaries drawn by hand and rounded
        to millimetres differ by as much, and no point of interest lies in it.
    error_m2
        An overlap of at least this area is an error: the default is one classic unit cell (万米单元网格,
        10,000 m², DOMAIN.md section 3), so whole cells would have two offices. Below, the lookup's
        rule (the lowest code) decides and the difference is a warning.
    gap_width_m
        Boundaries that run side by side at less than this distance were meant to be one; wider
        gaps count only where they are enclosed.
    sliver_m2, sliver_width_m
        A part of an area smaller or narrower than these is a sliver.
    nest_share
        An area is in the wrong parent if more than this share of it lies outside.
    """

    note_m2: float = 1.0
    note_width_m: float = 0.01
    error_m2: float = 10_000.0
    gap_width_m: float = 1.0
    sliver_m2: float = 10.0
    sliver_width_m: float = 0.5
    nest_share: float = 0.1

    def judge(self, area_m2: float, width_m: float) -> FaultSeverity:
        """Return the severity of an overlap or gap of this size."""
        if area_m2 < self.note_m2 and width_m < self.note_width_m:
            return "note"
        return "error" if area_m2 >= self.error_m2 else "warning"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of a boundary set.

    Attributes
    ----------
    kind
        A name of :data:`geodata.coverage.check.FAULT_KINDS`.
    codes
        Codes of the areas that take part, lowest first.
    area_m2, width_m
        Size; NaN where it has none. The width is that of the widest part, area over half the perimeter.
    severity
        ``error`` and ``warning`` become problems, a ``note`` stands in the fault layer only.
    message
        What is wrong, a full clause.
    expected
        The remedy.
    geometry
        Where, in the metric CRS, or None.
    position
        Position of the feature in its layer, where the fault is that of one feature.
    """

    kind: str
    codes: tuple[str, ...]
    severity: FaultSeverity
    message: str
    expected: str
    area_m2: float = float("nan")
    width_m: float = float("nan")
    geometry: shapely.Geometry | None = None
    position: int | None = None


def measure_width(geometry: shapely.Geometry) -> float:
    """Return the mean width of the widest part of a polygon, in metres: its area over half its perimeter.

    Exact for long strips, which is what overlaps and gaps between boundaries are.
    """
    parts = shapely.get_parts(geometry)
    length = shapely.length(parts)
    widths = np.divide(
        2.0 * shapely.area(parts), length, out=np.zeros(len(parts)), where=length > 0
    )
    return float(widths.max(initial=0.0))


def keep_polygons(geometry: Geometries) -> Geometries:
    """Return each geometry reduced to its polygons (overlays also give lines and points), empty if none."""
    kinds = shapely.get_type_id(geometry)
    done = (kinds == 3) | (kinds == 6)
    result = geometry.copy()
    for at in np.flatnonzero(~done):
        parts = shapely.get_parts(geometry[at])
        result[at] = shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])
    return result


def find_overlaps(codes: list[str], polygons: Geometries, tolerances: Tolerances) -> list[Fault]:
    """Return the overlaps of every pair of areas."""
    tree = shapely.STRtree(polygons)
    left, right = tree.query(polygons)
    left, right = left[left < right], right[left < right]
    suspect = _find_suspects(polygons)
    either = (
        suspect[left] | suspect[right]
    )  # an area inside another leaves the outer one's edges sound
    left, right = left[either], right[either]
    shared = keep_polygons(np.asarray(shapely.intersection(polygons[left], polygons[right])))
    area = shapely.area(shared)
    faults = []
    for at in np.flatnonzero(area > 0.0):
        pair = tuple(sorted((codes[left[at]], codes[right[at]])))
        width = measure_width(shared[at])
        faults.append(
            Fault(
                kind="overlap",
                codes=pair,
                severity=tolerances.judge(area[at], width),
                message=f"{pair[0]} and {pair[1]} overlap",
                expected="one shared edge; until then the lower code answers",
                area_m2=float(area[at]),
                width_m=width,
                geometry=shared[at],
            )
        )
    return faults


def find_gaps(codes: list[str], polygons: Geometries, tolerances: Tolerances) -> list[Fault]:
    """Return the gaps that areas enclose, holes of their union: one fault per group of areas around and severity."""
    holes = _find_holes(shapely.union_all(polygons))
    if not len(holes):
        return []
    tree = shapely.STRtree(polygons)
    around: list[set[str]] = [set() for _ in holes]
    for hole, area in zip(*tree.query(holes, predicate="intersects"), strict=True):
        around[hole].add(codes[area])
    together: dict[tuple[tuple[str, ...], FaultSeverity], list[shapely.Geometry]] = {}
    for hole, near in zip(holes, around, strict=True):
        severity = tolerances.judge(float(shapely.area(hole)), measure_width(hole))
        together.setdefault((tuple(sorted(near)), severity), []).append(hole)
    return [_make_gap(found, near, severity) for (near, severity), found in together.items()]


def _find_holes(union: shapely.Geometry) -> Geometries:
    """Return the ground that a union encloses, also between parts that touch in points only."""
    lines = shapely.union_all(shapely.get_parts(shapely.boundary(shapely.get_parts(union))))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    shapely.prepare(union)
    inside = shapely.point_on_surface(faces)
    holes: Geometries = faces[~shapely.intersects(union, inside)]
    return holes


def find_loose_edges(
    codes: list[str], polygons: Geometries, known: list[Fault], tolerances: Tolerances
) -> list[Fault]:
    """Return edges that run beside a neighbour's without matching it, beyond the overlaps and gaps known.

    Parameters
    ----------
    codes, polygons
        The areas.
    known
        The faults found so far, whose surroundings are left out.
    tolerances
        What is too small to matter.
    """
    edges = shapely.coverage_invalid_edges(polygons, gap_width=tolerances.gap_width_m)
    loose = np.flatnonzero(~shapely.is_empty(edges))
    if not loose.size:
        return []
    edges[loose] = _leave_out(edges[loose], known, 1.1 * tolerances.gap_width_m)
    tree = shapely.STRtree(polygons)
    faults = []
    for at in loose[shapely.length(edges[loose]) > 0.0]:
        found = tree.query(edges[at], predicate="dwithin", distance=tolerances.gap_width_m)
        others = found[found != at]
        edge, apart_m = _take_near(edges[at], polygons[others], tolerances.gap_width_m)
        if shapely.length(edge) >= tolerances.note_width_m:
            near_codes = tuple(sorted({codes[at], *(codes[other] for other in others)}))
            faults.append(_make_loose_edge(codes[at], near_codes, edge, apart_m, tolerances))
    return faults


def find_slivers(codes: list[str], polygons: Geometries, tolerances: Tolerances) -> list[Fault]:
    """Return the parts of areas that are too small or too narrow to be meant."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    area, length = shapely.area(parts), shapely.length(parts)
    width = np.divide(2.0 * area, length, out=np.zeros(len(parts)), where=length > 0)
    tiny = (area < tolerances.sliver_m2) | (width < tolerances.sliver_width_m)
    return [
        Fault(
            kind="sliver",
            codes=(codes[owner[at]],),
            severity="warning",
            message=f"{codes[owner[at]]} has a part that is a sliver",
            expected="delete the part or join it to its neighbour",
            area_m2=float(area[at]),
            width_m=float(width[at]),
            geometry=parts[at],
        )
        for at in np.flatnonzero(tiny)
    ]


def _find_suspects(polygons: Geometries) -> npt.NDArray[np.bool_]:
    """Tell for each area whether an edge of it does not match: of two that overlap at least one is such."""
    suspects: npt.NDArray[np.bool_] = ~shapely.is_empty(shapely.coverage_invalid_edges(polygons))
    return suspects


def _make_gap(
    holes: list[shapely.Geometry], near: tuple[str, ...], severity: FaultSeverity
) -> Fault:
    listed = ", ".join(near[:4]) + (f" and {len(near) - 4} more" if len(near) > 4 else "")
    where = f"between {listed}" if len(near) > 1 else f"inside {listed}"
    what = "gap" if len(holes) == 1 else f"{len(holes)} gaps"
    geometry = shapely.multipolygons(holes)
    return Fault(
        kind="gap",
        codes=near,
        # A large hole may be meant (a lake, an enclave of another city), so a person decides.
        severity="warning" if severity == "error" else severity,
        message=f"{what} {where}: points there belong to nobody",
        expected="give it to a neighbour, or keep it if nobody is meant to have it",
        area_m2=float(shapely.area(geometry)),
        width_m=measure_width(geometry),
        geometry=geometry,
    )


def _leave_out(edges: Geometries, known: list[Fault], distance_m: float) -> Geometries:
    """Return `edges` without what lies within `distance_m` of a known fault.

    The distance is a little more than what counts as near below, so that nothing is left between the two.
    """
    places = np.array([f.geometry for f in known if f.geometry is not None], dtype=object)
    parts = shapely.get_parts(places)
    tree = shapely.STRtree(parts)
    edge, part = tree.query(edges, predicate="dwithin", distance=distance_m)
    rest = edges.copy()
    for at in np.unique(edge):
        near = shapely.union_all(shapely.buffer(parts[part[edge == at]], distance_m))
        rest[at] = shapely.difference(edges[at], near)
    return rest


def _take_near(
    edge: shapely.Geometry, others: Geometries, width_m: float
) -> tuple[shapely.Geometry, float]:
    """Return the part of an edge within `width_m` of the boundaries of others, and how far it is from them at most.

    A whole straight edge counts as mismatched where only its end does; the rest of it is no fault.
    """
    west, south, east, north = shapely.bounds(edge)
    box = (west - width_m, south - width_m, east + width_m, north + width_m)
    boundary = shapely.union_all(shapely.clip_by_rect(shapely.boundary(others), *box))
    if boundary.is_empty:
        return shapely.LineString(), float("nan")
    near = shapely.intersection(edge, shapely.buffer(boundary, width_m))
    vertices = shapely.points(shapely.get_coordinates(near))
    shapely.prepare(boundary)
    return near, float(shapely.distance(vertices, boundary).max(initial=0.0))


def _make_loose_edge(
    code: str,
    near: tuple[str, ...],
    edge: shapely.Geometry,
    apart_m: float,
    tolerances: Tolerances,
) -> Fault:
    others = ", ".join(other for other in near if other != code) or "its neighbour"
    harmless = apart_m < tolerances.note_width_m
    return Fault(
        kind="edge",
        codes=near,
        severity="note" if harmless else "warning",
        message=f"{shapely.length(edge):,.1f} m of the edge of {code} do not match that of {others}",
        expected="the same vertices on both sides",
        width_m=apart_m,
        geometry=edge,
    )
