"""Polygons of any layer: what is wrong with one, what an overlay leaves of it, which of them holds a point."""

import re

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geodata.crs import STORAGE_CRS
from geodata.errors import InvalidDataError
from geodata.problems import Problem

Geometries = npt.NDArray[np.object_]

HARMLESS_M2 = 1.0
"""Area in doubt below which a faulty ring changes no answer that matters (the tolerance of coverages)."""

METRES_PER_DEGREE = 111_320.0  # of latitude, mean of WGS84; enough to judge the size of a fault

_REASON_AT = re.compile(r"^(.*?)\[(\S+) (\S+)\]$")


def measure_disputed(polygon: shapely.Geometry) -> float:
    """Return how much area of an invalid polygon depends on how its rings are read, in its own units."""
    return float(abs(shapely.area(shapely.make_valid(polygon)) - shapely.area(polygon)))


def explain_invalid(geometry: shapely.Geometry) -> tuple[str, str]:
    """Return why a geometry is not valid, and where as "x y" (empty where GEOS does not say)."""
    with np.errstate(all="ignore"):  # coordinates that are no numbers are one of the reasons
        text = str(shapely.is_valid_reason(geometry))
    match = _REASON_AT.match(text)
    if match is None:
        return text.lower(), ""
    return match[1].lower(), f"{match[2]} {match[3]}"


def check_areal_frame(frame: gpd.GeoDataFrame, key: str | None, *, layer: str) -> None:
    """Refuse a frame that lacks the column `key` (None: any will do) or is not in EPSG:4326.

    Raises
    ------
    InvalidDataError
        With both faults, if there are two.
    """
    problems = []
    if key is not None and key not in frame.columns:
        columns = ", ".join(map(str, frame.columns))
        problems.append(
            Problem(
                file=layer, field=key, problem="has no such column", expected=f"one of {columns}"
            )
        )
    if frame.crs is None or not frame.crs.equals(STORAGE_CRS, ignore_axis_order=True):
        found = "none" if frame.crs is None else frame.crs.name
        wanted = f"{STORAGE_CRS}: state the CRS of the file, then frame.to_crs({STORAGE_CRS!r})"
        problems.append(
            Problem(file=layer, value=found, problem="is not in lon, lat", expected=wanted)
        )
    if problems:
        raise InvalidDataError(problems)


def keep_polygons(shapes: Geometries) -> Geometries:
    """Return shapes without the points and lines that an overlay may leave beside polygons."""
    shapes = np.array(shapes, dtype=object)
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6)))
    for k in mixed:
        parts = shapely.get_parts(shapes[k])
        parts = parts[shapely.get_dimensions(parts) == 2]
        shapes[k] = shapely.union_all(parts) if len(parts) != 1 else parts[0]
    return shapes


def find_lowest_within(
    tree: shapely.STRtree,
    parents: npt.NDArray[np.int32],
    wanted: npt.NDArray[np.int32],
    points: Geometries,
) -> npt.NDArray[np.int32]:
    """Return the first shape of `tree` that holds each point and has the wanted parent, -1 = none.

    For the few points whose lowest shape belongs to another parent (edges, layers that disagree).
    """
    point, shape = tree.query(points, predicate="intersects")
    fits = parents[shape] == wanted[point]
    none = np.iinfo(np.int32).max
    found = np.full(len(points), none, dtype=np.int32)
    np.minimum.at(found, point[fits], shape[fits].astype(np.int32))
    found[found == none] = -1
    return found
