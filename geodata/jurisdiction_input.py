"""Areas → flat arrays: what is wrong with them is said here, before any index is built.

The index counts crossings of rings (even-odd), so it needs rings that do not cross. A ring that only
touches itself is against the OGC rules, yet its inside is not in doubt; such rings stand in official
files, so they are accepted as they are, like crossings with less than ``shapes.HARMLESS_M2`` in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.errors import InvalidDataError
from geodata.problems import Problem
from geodata.shapes import HARMLESS_M2, METRES_PER_DEGREE, explain_invalid, measure_disputed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

POLYGON, MULTIPOLYGON = 3, 6  # shapely.GeometryType
LAYER = "areas"


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
    missing = np.flatnonzero(series.isna() | (series == ""))
    repeated = np.flatnonzero(series.duplicated(keep="first") & series.notna() & (series != ""))
    found = [
        _feature_problem(layer, row, "", "has no code", "a code for every area") for row in missing
    ]
    for row in repeated:
        first = int(np.flatnonzero(series == series[row])[0])
        wanted = f"unique codes (feature {first + 1} has it too); dissolve the parts of an area"
        found.append(_feature_problem(layer, row, series[row], "has a code used before", wanted))
    return found


def _find_shape_problems(
    shapes: npt.NDArray[np.object_],
    codes: pd.api.extensions.ExtensionArray,
    layer: str,
) -> list[Problem]:
    found: list[Problem] = []
    types = shapely.get_type_id(shapes)
    areal = np.isin(types, (POLYGON, MULTIPOLYGON))
    empty = shapely.is_empty(shapes)
    for row in np.flatnonzero(~areal | empty):
        name = shapes[row].geom_type if types[row] >= 0 else "nothing"
        if empty[row]:
            name = f"empty {name}"
        wanted = "a polygon; remove the feature or draw it"
        found.append(_feature_problem(layer, row, codes[row], f"has {name}", wanted))
    usable = np.flatnonzero(areal & ~empty)
    outside = _find_outside_degrees(shapes[usable])
    for row in usable[outside]:
        found.append(_degrees_problem(shapes[row], row, codes[row], layer))
    usable = usable[~outside]
    for position, reason in _find_invalid(shapes[usable]):
        row = usable[position]
        wanted = "rings that do not cross; repair the feature (shapely.make_valid or the editor)"
        found.append(_feature_problem(layer, row, codes[row], f"is invalid: {reason}", wanted))
    return found


def _feature_problem(layer: str, row: int, code: object, fault: str, wanted: str) -> Problem:
    known = "" if code is None or pd.isna(code) else str(code)
    return Problem(
        file=layer,
        field=f"feature {row + 1}",
        value=known,
        problem=fault,
        expected=wanted,
    )


def _find_outside_degrees(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Tell which shapes leave the range of longitude and latitude or hold what is no number."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    with np.errstate(invalid="ignore"):
        inside = (np.abs(xy[:, 0]) <= 360) & (np.abs(xy[:, 1]) <= 90)  # NaN is not inside
    outside = np.zeros(len(shapes), dtype=bool)
    outside[owner[~inside]] = True
    return outside


def _degrees_problem(shape: shapely.Geometry, row: int, code: object, layer: str) -> Problem:
    xy = shapely.get_coordinates(shape)
    if not np.isfinite(xy).all():
        fault, wanted = "has a vertex that is no number", "finite coordinates"
    elif np.abs(xy[:, 0]).max() <= 90 and np.abs(xy[:, 1]).max() <= 360:
        fault = "has latitude and longitude in the wrong order"
        wanted = "longitude first; swap the two"
    else:
        fault = "is not in degrees"
        wanted = "EPSG:4326; state the file's CRS so that it is converted"
    x, y = xy[~((np.abs(xy[:, 0]) <= 360) & (np.abs(xy[:, 1]) <= 90))][0]
    fault = f"{fault}: vertex ({x:.10g}, {y:.10g})"
    return _feature_problem(layer, row, code, fault, wanted)


def _find_invalid(shapes: npt.NDArray[np.object_]) -> list[tuple[int, str]]:
    """Return positions and reasons of shapes whose inside is in doubt."""
    with ThreadPoolExecutor(2) as pool:  # GEOS works without the interpreter's lock
        valid = np.concatenate(list(pool.map(shapely.is_valid, np.array_split(shapes, 8))))
    suspects = np.flatnonzero(~valid)
    return [
        (int(position), " at ".join(filter(None, explain_invalid(shapes[position]))))
        for position in suspects
        if measure_disputed(shapes[position]) * METRES_PER_DEGREE**2 >= HARMLESS_M2
    ]
