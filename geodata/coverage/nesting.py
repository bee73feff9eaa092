"""Nesting (community ⊂ street ⊂ district) and change against the last version of a boundary set."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geodata.coverage.faults import (
    Fault,
    FaultSeverity,
    Geometries,
    Tolerances,
    keep_polygons,
    measure_width,
)

_ALL_SHARE = 0.99  # a parent of which this share is uncovered has no areas of its own
_SAME_PLACE = 0.95  # overlap over union above which two versions of an area are one place


@dataclass(frozen=True, kw_only=True)
class CodedPolygons:
    """Codes (unique) and their valid polygons in the metric CRS, in the same order."""

    codes: list[str]
    polygons: Geometries

    def get(self) -> dict[str, shapely.Geometry]:
        """Return the polygons by code."""
        return dict(zip(self.codes, self.polygons, strict=True))


def find_parents(children: CodedPolygons, parents: CodedPolygons) -> dict[str, str]:
    """Return child code → parent code by the longest prefix, as official codes are built.

    A child whose code begins with no parent's code is absent.
    """
    known = set(parents.codes)
    lengths = sorted({len(code) for code in known if code}, reverse=True)
    found: dict[str, str] = {}
    for code in children.codes:
        for length in lengths:
            if length < len(code) and code[:length] in known:
                found[code] = code[:length]
                break
    return found


def find_nesting_faults(
    children: CodedPolygons, parents: CodedPolygons, tolerances: Tolerances
) -> list[Fault]:
    """Return children without a parent, children that leave theirs, and parts of parents without a child.

    Where no code at all begins with a parent's code, the codes are not nested by design, and each child
    is judged by the parent that holds most of it.
    """
    parent_of = find_parents(children, parents)
    nested_codes = bool(parent_of)
    if not nested_codes:
        parent_of = _find_parents_by_area(children, parents)
    orphans = [code for code in children.codes if code not in parent_of]
    faults = [_make_orphan(code, children.get()[code], nested=nested_codes) for code in orphans]
    faults += _find_leaving(children, parents, parent_of, tolerances)
    return faults + _find_uncovered(children, parents, tolerances)


def find_changes(now: CodedPolygons, before: CodedPolygons, tolerances: Tolerances) -> list[Fault]:
    """Return what vanished, appeared, moved or only changed its code since the last version."""
    new, old = now.get(), before.get()
    vanished = [code for code in before.codes if code not in new]
    appeared = [code for code in now.codes if code not in old]
    recoded = _match_recoded({c: old[c] for c in vanished}, {c: new[c] for c in appeared})
    faults = [
        _make_change(
            "recoded",
            (old_code, new_code),
            new[new_code],
            f"{old_code} is now {new_code}, same place",
        )
        for old_code, new_code in recoded.items()
    ]
    faults += [
        _make_change("vanished", (code,), old[code], f"{code} was in the last version and is gone")
        for code in vanished
        if code not in recoded
    ]
    faults += [
        _make_change("appeared", (code,), new[code], f"{code} was not in the last version")
        for code in appeared
        if code not in recoded.values()
    ]
    return faults + _find_moved(now, before, tolerances)


def _find_parents_by_area(children: CodedPolygons, parents: CodedPolygons) -> dict[str, str]:
    tree = shapely.STRtree(parents.polygons)
    child, parent = tree.query(children.polygons, predicate="intersects")
    area = shapely.area(shapely.intersection(children.polygons[child], parents.polygons[parent]))
    order = np.lexsort((parent, -area))
    found: dict[str, str] = {}
    for at in order[area[order] > 0.0]:
        found.setdefault(children.codes[child[at]], parents.codes[parent[at]])
    return found


def _find_leaving(
    children: CodedPolygons,
    parents: CodedPolygons,
    parent_of: dict[str, str],
    tolerances: Tolerances,
) -> list[Fault]:
    codes = [code for code in children.codes if code in parent_of]
    if not codes:
        return []
    mine, theirs = children.get(), parents.get()
    inner = np.array([mine[code] for code in codes], dtype=object)
    outer = np.array([theirs[parent_of[code]] for code in codes], dtype=object)
    outside = keep_polygons(np.asarray(shapely.difference(inner, outer)))
    area = shapely.area(outside)
    share = area / np.maximum(shapely.area(inner), 1e-9)
    faults = []
    for at in np.flatnonzero(area > 0.0):
        code, parent = codes[at], parent_of[codes[at]]
        width = measure_width(outside[at])
        severity = tolerances.judge(float(area[at]), width)
        if severity == "error" and share[at] < tolerances.nest_share:
            severity = "warning"  # outlines of two sources differ; the area is still in its parent
        faults.append(
            Fault(
                kind="nesting",
                codes=(parent, code),
                severity=severity,
                message=f"{code} leaves its parent {parent} with {share[at]:.1%} of its area",
                expected="a boundary inside the parent's, or the code of the parent it lies in",
                area_m2=float(area[at]),
                width_m=width,
                geometry=outside[at],
            )
        )
    return faults


def _find_uncovered(
    children: CodedPolygons, parents: CodedPolygons, tolerances: Tolerances
) -> list[Fault]:
    covered = shapely.union_all(children.polygons)
    shapely.prepare(covered)
    left = keep_polygons(np.asarray(shapely.difference(parents.polygons, covered)))
    area = shapely.area(left)
    empty = area >= _ALL_SHARE * shapely.area(parents.polygons)
    faults = [_make_childless(parents, np.flatnonzero(empty))] if empty.any() else []
    for at in np.flatnonzero((area > 0.0) & ~empty):
        code, width = parents.codes[at], measure_width(left[at])
        severity: FaultSeverity = tolerances.judge(float(area[at]), width)
        faults.append(
            Fault(
                kind="uncovered",
                codes=(code,),
                severity="warning" if severity == "error" else severity,
                message=f"part of {code} belongs to none of the areas below it",
                expected="areas that fill their parent",
                area_m2=float(area[at]),
                width_m=width,
                geometry=left[at],
            )
        )
    return faults


def _make_childless(parents: CodedPolygons, which: npt.NDArray[np.intp]) -> Fault:
    codes = tuple(parents.codes[at] for at in which)
    listed = ", ".join(codes[:6]) + (f" and {len(codes) - 6} more" if len(codes) > 6 else "")
    geometry = shapely.multipolygons(shapely.get_parts(parents.polygons[which]))
    return Fault(
        kind="uncovered",
        codes=codes,
        severity="warning",
        message=f"no area lies in {listed}",
        expected="areas in every parent, if the layer is meant to cover them all",
        area_m2=float(shapely.area(parents.polygons[which]).sum()),
        geometry=geometry,
    )


def _find_moved(now: CodedPolygons, before: CodedPolygons, tolerances: Tolerances) -> list[Fault]:
    new, old = now.get(), before.get()
    codes = [code for code in now.codes if code in old]
    if not codes:
        return []
    here = np.array([new[code] for code in codes], dtype=object)
    there = np.array([old[code] for code in codes], dtype=object)
    differ = np.flatnonzero(~shapely.equals_exact(here, there, tolerance=0.0, normalize=True))
    if not differ.size:
        return []
    gained = keep_polygons(np.asarray(shapely.difference(here[differ], there[differ])))
    lost = keep_polygons(np.asarray(shapely.difference(there[differ], here[differ])))
    faults = []
    for at, more, less in zip(differ, gained, lost, strict=True):
        plus, minus = float(shapely.area(more)), float(shapely.area(less))
        width = max(measure_width(more), measure_width(less))
        if tolerances.judge(plus + minus, width) == "note":
            continue
        message = (
            f"{codes[at]} gained {plus:,.0f} m² and lost {minus:,.0f} m² since the last version"
        )
        where = shapely.multipolygons([*shapely.get_parts(more), *shapely.get_parts(less)])
        faults.append(
            _make_change("moved", (codes[at],), where, message, size=(plus + minus, width))
        )
    return faults


def _match_recoded(
    vanished: dict[str, shapely.Geometry], appeared: dict[str, shapely.Geometry]
) -> dict[str, str]:
    if not vanished or not appeared:
        return {}
    new_codes, new = list(appeared), np.array(list(appeared.values()), dtype=object)
    tree = shapely.STRtree(new)
    matched: dict[str, str] = {}
    for code, polygon in vanished.items():
        near = tree.query(polygon, predicate="intersects")
        shared = shapely.area(shapely.intersection(new[near], polygon))
        union = shapely.area(new[near]) + shapely.area(polygon) - shared
        for at in np.flatnonzero(shared > _SAME_PLACE * union):
            if new_codes[near[at]] not in matched.values():
                matched[code] = new_codes[near[at]]
                break
    return matched


def _make_orphan(code: str, polygon: shapely.Geometry, *, nested: bool) -> Fault:
    why = "begins with the code of no parent" if nested else "lies in no parent"
    return Fault(
        kind="orphan",
        codes=(code,),
        severity="error",
        message=f"{code} {why}",
        expected="the code of a parent followed by the area's own digits",
        area_m2=float(shapely.area(polygon)),
        geometry=polygon,
    )


def _make_change(
    kind: str,
    codes: tuple[str, ...],
    geometry: shapely.Geometry,
    message: str,
    *,
    size: tuple[float, float] | None = None,
) -> Fault:
    area, width = size or (float(shapely.area(geometry)), measure_width(geometry))
    return Fault(
        kind=kind,
        codes=codes,
        severity="warning",
        message=message,
        expected="a change that is meant; see it with gridgov rejudge before it is activated",
        area_m2=area,
        width_m=width,
        geometry=geometry,
    )
