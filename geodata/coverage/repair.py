"""A proposed repair of a boundary set: shown with its effect per area, applied only by a person.

The cleaned coverage comes from GEOS (shapely ``coverage_clean``): edges are snapped and noded, each
overlap goes to the lower code (the rule by which the lookup answers until then, so that no answer in an
overlap changes), each narrow gap to the neighbour with the longest shared edge.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.coverage.check import CoverageReport, check_coverage, prepare_polygons
from geodata.coverage.faults import Geometries, Tolerances, keep_polygons
from geodata.crs import STORAGE_CRS, project

CHANGE_COLUMNS = ("code", "change", "area_before_m2", "area_after_m2", "gained_m2", "lost_m2")

_LEAST_CHANGE_M2 = 0.01  # vertices that were snapped by millimetres change areas by as much


@dataclass(frozen=True, kw_only=True)
class RepairProposal:
    """A repaired boundary set beside what it would change; nothing is applied.

    Attributes
    ----------
    areas
        One feature per code, in EPSG:4326, with the other columns of the first feature of that code.
    changes
        One row per area that changes by more than 100 cm², largest change first, with
        :data:`CHANGE_COLUMNS`; ``change`` says in words what was done.
    left_out
        Index values of features that cannot be repaired (no code, no polygon).
    remaining
        The check of the repaired set: what a person must still decide (large gaps, wide differences).
    """

    areas: gpd.GeoDataFrame
    changes: pd.DataFrame
    left_out: tuple[int, ...]
    remaining: CoverageReport

    def summarise(self) -> str:
        """Return in one line how much the repair changes."""
        gained, lost = self.changes["gained_m2"].sum(), self.changes["lost_m2"].sum()
        return (
            f"{len(self.changes)} areas change, {gained:,.1f} m² are gained and {lost:,.1f} m² lost; "
            f"{len(self.left_out)} features are left out"
        )


def propose_repair(
    areas: gpd.GeoDataFrame,
    report: CoverageReport,
    *,
    key: str,
    metric_crs: str,
    gap_width_m: float = 10.0,
    snap_m: float = 0.01,
) -> RepairProposal:
    """Propose a boundary set without overlaps, narrow gaps and mismatched edges.

    Parameters
    ----------
    areas
        The boundary set that `report` judged.
    report
        Its check; areas that share a code are joined as it counted them.
    key
        Column of the codes.
    metric_crs
        Projected CRS in metres.
    gap_width_m
        Gaps up to this width (of the largest circle in them) go to a neighbour; wider ones stay for a
        person to decide. The default is the width of a lane: what is wider may be meant.
    snap_m
        Vertices closer than this become one.

    Raises
    ------
    GeodataError
        If the column is missing or the metric CRS is not known.
    """
    metric = project(areas, metric_crs)
    codes = ["" if pd.isna(value) else str(value).strip() for value in metric[key]]
    polygons = prepare_polygons(np.asarray(metric.geometry.to_numpy(), dtype=object))
    usable = np.array([bool(code) for code in codes], dtype=bool) & ~shapely.is_empty(polygons)
    kept = metric.assign(**{key: codes})[usable]
    unique, before = _join_codes(kept[key].to_numpy(dtype=object).astype(str), polygons[usable])
    after = clean_polygons(before, gap_width_m=gap_width_m, snap_m=snap_m)
    rows = kept.drop_duplicates(key).set_index(key, drop=False).loc[list(unique)]
    fixed = rows.set_geometry(gpd.GeoSeries(after, index=rows.index, crs=metric.crs))
    repaired = fixed.to_crs(STORAGE_CRS).reset_index(drop=True)[list(areas.columns)]
    return RepairProposal(
        areas=repaired,
        changes=_compare([str(code) for code in unique], before, after, report),
        left_out=tuple(int(position) for position in metric.index[~usable]),
        remaining=check_coverage(
            repaired,
            key=key,
            metric_crs=metric_crs,
            layer_name=f"{report.layer_name} (repaired)",
            tolerances=report.tolerances,
        ),
    )


def clean_polygons(polygons: Geometries, *, gap_width_m: float, snap_m: float) -> Geometries:
    """Return a coverage without overlaps and narrow gaps; an overlap goes to the earlier polygon."""
    if not len(polygons):
        return polygons
    cleaned = shapely.coverage_clean(
        polygons, gap_width=gap_width_m, snapping_distance=snap_m, merge_strategy="min_index"
    )
    return keep_polygons(np.asarray(cleaned, dtype=object))


def _join_codes(codes: np.ndarray, polygons: Geometries) -> tuple[np.ndarray, Geometries]:
    """Return the codes in order and one polygon for each."""
    order = np.argsort(codes, kind="stable")
    unique, first = np.unique(codes[order], return_index=True)
    groups = np.split(polygons[order], first[1:])
    joined = [group[0] if len(group) == 1 else shapely.union_all(group) for group in groups]
    result = np.empty(len(unique), dtype=object)
    result[:] = joined if len(unique) else []
    return unique, keep_polygons(result)


def _compare(
    codes: list[str], before: Geometries, after: Geometries, report: CoverageReport
) -> pd.DataFrame:
    gained = shapely.area(shapely.difference(after, before))
    lost = shapely.area(shapely.difference(before, after))
    frame = pd.DataFrame(
        {
            "code": pd.array(codes, dtype="str"),
            "change": pd.array(_describe(codes, report), dtype="str"),
            "area_before_m2": shapely.area(before),
            "area_after_m2": shapely.area(after),
            "gained_m2": gained,
            "lost_m2": lost,
        }
    )
    changed = frame[gained + lost > _LEAST_CHANGE_M2]
    order = (changed["gained_m2"] + changed["lost_m2"]).sort_values(ascending=False, kind="stable")
    return changed.loc[order.index].reset_index(drop=True)


_DONE = {
    "ring": "rings read by even-odd",
    "code": "features of one code joined",
    "overlap": "overlap given to the lower code",
    "gap": "narrow gap given to the neighbour with the longest shared edge",
    "edge": "edge matched to the neighbour's",
}


def _describe(codes: list[str], report: CoverageReport) -> list[str]:
    """Return for each code which kinds of its faults the repair touches."""
    kinds: dict[str, set[str]] = {}
    for kind, listed in zip(report.faults["kind"], report.faults["codes"], strict=True):
        for code in listed.split(";"):
            kinds.setdefault(code, set()).add(kind)
    return [
        "; ".join(text for kind, text in _DONE.items() if kind in kinds.get(code, set()))
        or "vertices snapped"
        for code in codes
    ]


__all__ = ["CHANGE_COLUMNS", "RepairProposal", "Tolerances", "clean_polygons", "propose_repair"]
