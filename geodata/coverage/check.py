"""Everything wrong with a boundary set, in one pass: rings, codes, overlaps, gaps, edges, nesting, change.

Nothing is repaired here; :mod:`geodata.coverage.repair` proposes, a person accepts.
"""

from collections import Counter
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.coverage.faults import (
    Fault,
    Geometries,
    Tolerances,
    find_gaps,
    find_loose_edges,
    find_overlaps,
    find_slivers,
    keep_polygons,
)
from geodata.coverage.nesting import CodedPolygons, find_changes, find_nesting_faults
from geodata.crs import STORAGE_CRS, divide_long_edges, project
from geodata.errors import GeodataError
from geodata.polygons import explain_invalid, measure_disputed
from geodata.problems import Problem

__all__ = ["FAULT_COLUMNS", "FAULT_KINDS", "CoverageReport", "Tolerances", "check_coverage"]

FAULT_KINDS = {
    "code": "a feature has no code, or one that another has too",
    "geometry": "a feature has no polygon",
    "ring": "rings of a polygon cross or touch wrongly",
    "overlap": "two areas claim the same ground",
    "gap": "ground that areas enclose and none claims",
    "edge": "edges that run side by side and do not match",
    "sliver": "a part too small or narrow to be meant",
    "orphan": "an area without a parent",
    "nesting": "an area that leaves its parent",
    "uncovered": "ground of a parent that no area claims",
    "vanished": "an area of the last version is gone",
    "appeared": "an area is new",
    "recoded": "an area has a new code in the same place",
    "moved": "an area has other boundaries than in the last version",
}

FAULT_COLUMNS = (
    "kind",
    "codes",
    "area_m2",
    "width_m",
    "severity",
    "message",
    "lon",
    "lat",
    "geometry",
)


@dataclass(frozen=True, kw_only=True)
class CoverageReport:
    """What is wrong with a boundary set.

    Attributes
    ----------
    layer_name
        The layer as the user named it.
    areas
        Number of features judged.
    faults
        One row per fault, worst first, with :data:`FAULT_COLUMNS`, in EPSG:4326; ``codes`` are joined by
        ``;`` and ``lon lat`` is a point of the fault. :func:`geodata.files.layers.write_layer` stores it.
    problems
        Errors and warnings as rows for people; notes are counted in one warning.
    tolerances
        Sizes by which the faults were judged.
    """

    layer_name: str
    areas: int
    faults: gpd.GeoDataFrame
    problems: list[Problem]
    tolerances: Tolerances

    def summarise(self) -> str:
        """Return one line with the number of faults of each kind."""
        counts = Counter(self.faults["kind"])
        listed = ", ".join(f"{counts[kind]} {kind}" for kind in FAULT_KINDS if counts[kind])
        return f"{self.layer_name}: {self.areas} areas, {listed or 'nothing wrong'}"


def check_coverage(
    areas: gpd.GeoDataFrame,
    *,
    key: str,
    metric_crs: str,
    layer_name: str,
    parents: gpd.GeoDataFrame | None = None,
    parent_key: str | None = None,
    previous: gpd.GeoDataFrame | None = None,
    tolerances: Tolerances | None = None,
) -> CoverageReport:
    """Find everything wrong with a boundary set.

    Parameters
    ----------
    areas
        Polygons in EPSG:4326 (or any stated CRS) that should tile a territory.
    key
        Column of their codes.
    metric_crs
        Projected CRS in metres in which areas and widths are measured.
    layer_name
        How messages name the layer.
    parents, parent_key
        The level above and the column of its codes: each area should lie in the parent whose code its own
        begins with, and the areas should fill the parents.
    previous
        The last version, with the same `key`.
    tolerances
        Sizes that count; the defaults stand in :class:`Tolerances`.

    Returns
    -------
        The report; nothing is changed and nothing is raised for a fault of the data.

    Raises
    ------
    GeodataError
        If a column is missing or the metric CRS is not known.
    """
    limits = tolerances or Tolerances()
    _check_columns(areas, key, layer_name)
    frame, faults = _take_sound(areas, key, metric_crs)
    coded = _merge_codes(frame, key)
    found = find_overlaps(coded.codes, coded.polygons, limits)
    found += find_gaps(coded.codes, coded.polygons, limits)
    found += find_loose_edges(coded.codes, coded.polygons, found, limits)
    faults += found + find_slivers(coded.codes, coded.polygons, limits)
    if parents is not None:
        upper = _prepare(parents, parent_key or key, metric_crs, f"parents of {layer_name}")
        faults += find_nesting_faults(coded, upper, limits)
    if previous is not None:
        before = _prepare(previous, key, metric_crs, f"last version of {layer_name}")
        faults += find_changes(coded, before, limits)
    return _make_report(faults, layer_name, len(areas), metric_crs, limits)


def prepare_polygons(geometry: Geometries) -> Geometries:
    """Return valid polygons; invalid ones are read by even-odd of their rings, other kinds become empty."""
    missing = shapely.is_missing(geometry)
    polygons = np.where(missing, shapely.Polygon(), geometry)
    invalid = ~shapely.is_valid(polygons)
    polygons[invalid] = shapely.make_valid(polygons[invalid])
    return keep_polygons(polygons)


def _check_columns(frame: gpd.GeoDataFrame, key: str, name: str) -> None:
    if key not in frame.columns:
        listed = ", ".join(str(column) for column in frame.columns[:20])
        raise GeodataError(f"{name} has no column {key!r}; its columns are {listed}")


def _take_sound(
    areas: gpd.GeoDataFrame, key: str, metric_crs: str
) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """Return the features with a code and a polygon, in metres and valid, and the faults of the others."""
    frame = project(divide_long_edges(areas), metric_crs)
    geometry = frame.geometry.to_numpy()
    codes = _get_codes(frame, key)
    faults = _find_code_faults(frame, codes)
    faults += _find_geometry_faults(frame, codes)
    faults += _find_ring_faults(frame, codes)
    polygons = prepare_polygons(np.asarray(geometry, dtype=object))
    usable = np.array([bool(code) for code in codes], dtype=bool) & ~shapely.is_empty(polygons)
    sound = frame.set_geometry(gpd.GeoSeries(polygons, index=frame.index, crs=frame.crs))
    return sound.assign(**{key: codes})[usable], faults


def _get_codes(frame: gpd.GeoDataFrame, key: str) -> list[str]:
    return ["" if pd.isna(value) else str(value).strip() for value in frame[key]]


def _find_code_faults(frame: gpd.GeoDataFrame, codes: list[str]) -> list[Fault]:
    counts = Counter(codes)
    faults = []
    for at, code in enumerate(codes):
        if code and counts[code] == 1:
            continue
        message = f"code {code} occurs {counts[code]} times" if code else "feature has no code"
        faults.append(
            Fault(
                kind="code",
                codes=(code,) if code else (),
                severity="error",
                message=message,
                expected="one feature per code; the parts of an area in one multi-part feature",
                geometry=frame.geometry.iloc[at],
                position=int(frame.index[at]),
            )
        )
    return faults


def _find_geometry_faults(frame: gpd.GeoDataFrame, codes: list[str]) -> list[Fault]:
    geometry = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    wrong = ~np.isin(kinds, (3, 6)) | shapely.is_empty(geometry)
    return [
        Fault(
            kind="geometry",
            codes=(codes[at],) if codes[at] else (),
            severity="error",
            message=f"{codes[at] or 'feature'} has {_name_geometry(geometry[at])}",
            expected="a polygon",
            position=int(frame.index[at]),
        )
        for at in np.flatnonzero(wrong)
    ]


def _name_geometry(geometry: shapely.Geometry | None) -> str:
    if geometry is None:
        return "no geometry"
    return "an empty geometry" if geometry.is_empty else f"a {geometry.geom_type}"


def _find_ring_faults(frame: gpd.GeoDataFrame, codes: list[str]) -> list[Fault]:
    geometry = frame.geometry.to_numpy()
    invalid = ~shapely.is_missing(geometry) & ~shapely.is_valid(geometry)
    faults = []
    for at in np.flatnonzero(invalid):
        reason, where = explain_invalid(geometry[at])
        disputed = measure_disputed(geometry[at])
        point = shapely.Point(*map(float, where.split())) if where else None
        faults.append(
            Fault(
                kind="ring",
                codes=(codes[at],) if codes[at] else (),
                severity="error" if disputed >= Tolerances.note_m2 else "warning",
                message=f"{codes[at] or 'feature'} is not valid, {reason}",
                expected="rings that do not cross themselves or each other",
                area_m2=disputed,
                geometry=point,
                position=int(frame.index[at]),
            )
        )
    return faults


def _merge_codes(frame: gpd.GeoDataFrame, key: str) -> CodedPolygons:
    """Return one polygon per code: features that share a code are parts of one area for the further checks."""
    codes = frame[key].to_numpy(dtype=object)
    polygons = np.asarray(frame.geometry.to_numpy(), dtype=object)
    order = np.argsort(codes, kind="stable")
    codes, polygons = codes[order], polygons[order]
    unique, first = np.unique(codes.astype(str), return_index=True)
    if len(unique) < len(codes):
        groups = np.split(polygons, first[1:])
        polygons = keep_polygons(np.array([shapely.union_all(g) for g in groups], dtype=object))
    return CodedPolygons(codes=[str(code) for code in unique], polygons=polygons)


def _prepare(frame: gpd.GeoDataFrame, key: str, metric_crs: str, name: str) -> CodedPolygons:
    _check_columns(frame, key, name)
    sound, _ = _take_sound(frame, key, metric_crs)
    return _merge_codes(sound, key)


def _make_report(
    faults: list[Fault], layer_name: str, count: int, metric_crs: str, tolerances: Tolerances
) -> CoverageReport:
    rank = {"error": 0, "warning": 1, "note": 2}
    size = {id(fault): 0.0 if np.isnan(fault.area_m2) else fault.area_m2 for fault in faults}
    ordered = sorted(faults, key=lambda f: (rank[f.severity], -size[id(f)], f.kind, f.codes))
    frame = _make_fault_frame(ordered, metric_crs)
    return CoverageReport(
        layer_name=layer_name,
        areas=count,
        faults=frame,
        problems=_make_problems(ordered, frame, layer_name),
        tolerances=tolerances,
    )


def _make_fault_frame(faults: list[Fault], metric_crs: str) -> gpd.GeoDataFrame:
    metric = gpd.GeoSeries([fault.geometry for fault in faults], crs=metric_crs)
    geometry = metric.to_crs(STORAGE_CRS)
    inside = shapely.point_on_surface(geometry.to_numpy())
    frame = pd.DataFrame(
        {
            "kind": [fault.kind for fault in faults],
            "codes": [";".join(fault.codes) for fault in faults],
            "area_m2": np.array([fault.area_m2 for fault in faults], dtype=np.float64),
            "width_m": np.array([fault.width_m for fault in faults], dtype=np.float64),
            "severity": [fault.severity for fault in faults],
            "message": [fault.message for fault in faults],
            "lon": shapely.get_x(inside),
            "lat": shapely.get_y(inside),
        }
    ).astype(dict.fromkeys(("kind", "codes", "severity", "message"), "str"))
    return gpd.GeoDataFrame(frame, geometry=geometry.to_numpy(), crs=STORAGE_CRS)


def _make_problems(faults: list[Fault], frame: gpd.GeoDataFrame, layer_name: str) -> list[Problem]:
    problems = [
        Problem(
            file=layer_name,
            row=None if fault.position is None else fault.position + 1,
            field=fault.kind,
            value="" if np.isnan(lon) else f"{lon:.6f} {lat:.6f}",
            problem=f"{fault.message}{_describe_size(fault)}",
            expected=fault.expected,
            severity=fault.severity,
        )
        for fault, lon, lat in zip(faults, frame["lon"], frame["lat"], strict=True)
        if fault.severity != "note"
    ]
    notes = sum(fault.severity == "note" for fault in faults)
    if notes:
        text = (
            f"{notes} differences between boundaries are too small to matter; see the fault layer"
        )
        problems.append(Problem(file=layer_name, problem=text, severity="warning"))
    return problems


def _describe_size(fault: Fault) -> str:
    sizes = []
    if not np.isnan(fault.area_m2):
        sizes.append(f"{fault.area_m2:,.1f} m²")
    if not np.isnan(fault.width_m):
        sizes.append(f"{fault.width_m:,.2f} m wide")
    return f" ({', '.join(sizes)})" if sizes else ""
