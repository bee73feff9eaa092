"""Areas → flat arrays: what is wrong with them is said here, before any index is built.

The index counts crossings of rings (even-odd), so it needs rings that do not cross. A ring that only
touches itself is against the OGC rules, yet its inside is not in doubt; such rings stand in official
files, so they are accepted as they are, like crossings with less than ``shapes.HARMLESS_M2`` in doubt.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.errors import InvalidDataError
from geodata.polygons import HARMLESS_M2, METRES_PER_DEGREE, explain_invalid, measure_disputed
from geodata.problems import Problem

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

POLYGON, MULTIPOLYGON = 3, 6  # shapely.GeometryType
LAYER = "areas"
LARGEST_LON, LARGEST_LAT = 360.0, 90.0  # layers across the date line count on beyond 180


@dataclass(frozen=True, kw_only=True)
class AreaRings:
    """Rings of all areas, areas in ascending order of their codes.

    Parameters
    ----------
    codes
        Code of every area, ascending, shape (n,).
    xy
        Vertices of all rings, longitude and latitude in degrees, shape (m, 2); the last vertex of a
        ring equals its first.
    ring_starts
        First vertex of every ring and the number of vertices, shape (rings + 1,).
    ring_areas
        Position of the area that a ring belongs to, ascending, shape (rings,).
    """

    codes: npt.NDArray[np.str_]
    xy: FloatArray
    ring_starts: IntArray
    ring_areas: IntArray


def check_areas(
    geometries: npt.NDArray[np.object_], codes: Sequence[str], *, layer: str = LAYER
) -> AreaRings:
    """Return the rings of `geometries`, sorted by code, or say everything that is wrong with them.

    Parameters
    ----------
    geometries
        Polygons and multipolygons in EPSG:4326, shape (n,).
    codes
        Their codes, unique.
    layer
        Name of the layer in messages.

    Raises
    ------
    InvalidDataError
        If anything is missing, empty, not areal, crossing itself, not in degrees, or if codes are
        missing or not unique; all faults are named with feature and remedy.
    """
    shapes = np.asarray(geometries, dtype=object)
    texts = pd.array(codes, dtype="str")
    if shapes.shape != (len(texts),):
        raise InvalidDataError([_count_problem(len(shapes), len(texts), layer)])
    problems = _find_code_problems(texts, layer)
    problems += _find_shape_problems(shapes, texts, layer)
    if problems:
        raise InvalidDataError(problems)
    sorted_codes = np.asarray(texts, dtype=np.str_)
    order = np.argsort(sorted_codes, kind="stable")
    return _flatten(shapes[order], sorted_codes[order])


def _flatten(shapes: npt.NDArray[np.object_], codes: npt.NDArray[np.str_]) -> AreaRings:
    parts, part_areas = shapely.get_parts(shapes, return_index=True)
    rings, ring_parts = shapely.get_rings(parts, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    starts = np.searchsorted(ring_of, np.arange(len(rings) + 1))
    # -0.0 equals 0.0 for every comparison but not for the content hash.
    return AreaRings(
        codes=codes,
        xy=np.ascontiguousarray(xy + 0.0),
        ring_starts=starts.astype(np.int64),
        ring_areas=part_areas[ring_parts].astype(np.int64),
    )


def _count_problem(shapes: int, codes: int, layer: str) -> Problem:
    return Problem(
        file=layer,
        value=f"{shapes} geometries, {codes} codes",
        problem="geometries and codes differ in number",
        expected="one code for each geometry",
    )


def _find_code_problems(codes: pd.api.extensions.ExtensionArray, layer: str) -> list[Problem]:
    if len(codes) == 0:
        return [Problem(file=layer, problem="has no areas", expected="at least one polygon")]
    series = pd.Series(codes)
    missing = (series.isna() | (series == "")).to_numpy(dtype=bool)
    repeated = series.duplicated(keep="first").to_numpy() & ~missing
    wanted = "a code for every area"
    found = [_feature_problem(layer, row, "", "has no code", wanted) for row in _rows(missing)]
    for row in _rows(repeated):
        first = int(np.flatnonzero(series == series[row])[0])
        wanted = f"unique codes (feature {first + 1} has it too); dissolve the parts of an area"
        found.append(_feature_problem(layer, row, series[row], "has a code used before", wanted))
    return found


def _find_shape_problems(
    shapes: npt.NDArray[np.object_], codes: pd.api.extensions.ExtensionArray, layer: str
) -> list[Problem]:
    types = shapely.get_type_id(shapes)
    usable = np.isin(types, (POLYGON, MULTIPOLYGON)) & ~shapely.is_empty(shapes)
    found = [_kind_problem(shapes[row], row, codes[row], layer) for row in _rows(~usable)]
    bounds = np.abs(shapely.bounds(shapes))
    lon, lat = bounds[:, [0, 2]].max(axis=1), bounds[:, [1, 3]].max(axis=1)
    outside = usable & ~((lon <= LARGEST_LON) & (lat <= LARGEST_LAT))
    found += [_degrees_problem(shapes[row], row, codes[row], layer) for row in _rows(outside)]
    usable &= ~outside
    for row in _find_invalid(shapes, usable):
        found.append(_ring_problem(shapes[row], row, codes[row], layer))
    return found


def _rows(chosen: npt.NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(chosen)]


def _kind_problem(shape: shapely.Geometry | None, row: int, code: object, layer: str) -> Problem:
    name = "nothing" if shape is None else shape.geom_type
    if shape is not None and shape.is_empty:
        name = f"empty {name}"
    wanted = "a polygon; remove the feature or draw it"
    return _feature_problem(layer, row, code, f"has {name}", wanted)


def _feature_problem(layer: str, row: int, code: object, fault: str, wanted: str) -> Problem:
    known = "" if code is None or pd.isna(code) else str(code)
    return Problem(
        file=layer,
        field=f"feature {row + 1}",
        value=known,
        problem=fault,
        expected=wanted,
    )


def _degrees_problem(shape: shapely.Geometry, row: int, code: object, layer: str) -> Problem:
    x, y = np.abs(shapely.get_coordinates(shape)).T
    outside = np.flatnonzero(~((x <= LARGEST_LON) & (y <= LARGEST_LAT)))
    if x.max() <= LARGEST_LAT and y.max() <= LARGEST_LON:
        fault = "has latitude and longitude in the wrong order"
        wanted = "longitude first; swap the two"
    else:
        fault = "is not in degrees"
        wanted = "EPSG:4326; state the file's CRS so that it is converted"
    at = shapely.get_coordinates(shape)[outside[0]]
    fault = f"{fault}: vertex ({at[0]:.10g}, {at[1]:.10g})"
    return _feature_problem(layer, row, code, fault, wanted)


def _ring_problem(shape: shapely.Geometry, row: int, code: object, layer: str) -> Problem:
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        fault, wanted = "has a vertex that is no number", "finite coordinates"
    else:
        fault = f"is invalid: {' at '.join(filter(None, explain_invalid(shape)))}"
        wanted = "rings that do not cross; repair the feature (shapely.make_valid or the editor)"
    return _feature_problem(layer, row, code, fault, wanted)


def _find_invalid(shapes: npt.NDArray[np.object_], usable: npt.NDArray[np.bool_]) -> list[int]:
    """Return the usable shapes whose inside is in doubt."""
    rows = np.flatnonzero(usable)
    with ThreadPoolExecutor(2) as pool:  # GEOS works without the interpreter's lock
        parts = pool.map(lambda part: shapely.is_valid(shapes[part]), np.array_split(rows, 8))
        suspects = rows[~np.concatenate(list(parts))]
    return [int(row) for row in suspects if _is_in_doubt(shapes[row])]


def _is_in_doubt(shape: shapely.Geometry) -> bool:
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return True
    return measure_disputed(shape) * METRES_PER_DEGREE**2 >= HARMLESS_M2
