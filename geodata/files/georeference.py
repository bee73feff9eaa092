"""From columns and coordinate systems to places in EPSG:4326: the one point where input is converted."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import ProjError

from geodata.crs import STORAGE_CRS
from geodata.datum import Datum, convert_geometry
from geodata.errors import UndeclaredSystemError
from geodata.files.geometry_checks import FeatureNames, find_range_faults, take_usable
from geodata.paths import fail_file
from geodata.problems import Problem

DEGREES = "degrees with longitude first, -180 to 180 and -90 to 90"
_NAMES = Path(__file__).parent / "data" / "column_names.json"

# Geographic systems that are equal to WGS84 within decimetres (DOMAIN.md section 3).
_EQUAL_TO_WGS84 = {4326: Datum.WGS84, 4490: Datum.CGCS2000, 4979: Datum.WGS84, 4480: Datum.CGCS2000}


@dataclass(frozen=True, kw_only=True)
class PlaceColumns:
    """Where a table has its places: a column of WKT, or two of degrees; ``datum`` if a name says it."""

    wkt: str | None = None
    lon: str | None = None
    lat: str | None = None
    datum: Datum | None = None


def find_place_columns(frame: pd.DataFrame, path: Path) -> PlaceColumns:
    """Return the columns of `frame` that hold places, by their usual names.

    Raises
    ------
    InvalidDataError
        If there are none.
    """
    lon, lon_datum = _find_column(frame, "lon")
    lat, _ = _find_column(frame, "lat")
    if lon is not None and lat is not None:
        return PlaceColumns(lon=lon, lat=lat, datum=lon_datum)
    wkt, _ = _find_column(frame, "wkt")
    if wkt is None:
        shown = ", ".join(str(name) for name in frame.columns[:20])
        raise fail_file(
            path,
            f"has no columns of longitude and latitude and none of WKT (columns: {shown})",
            "columns lon and lat, or wkt",
        )
    return PlaceColumns(wkt=wkt)


def make_geometry(
    frame: pd.DataFrame, columns: PlaceColumns, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return the rows of a table that have a usable place, with a geometry column, and the problems.

    Tables never state a system: their places are degrees by contract.
    """
    if columns.wkt is not None:
        return _make_from_wkt(frame, columns.wkt, names)
    lon, lat, problems = parse_degrees(frame, columns, names)
    known = np.isfinite(lon) & np.isfinite(lat)
    some = frame[known]
    names.left_out.append(frame[~known])
    points = shapely.points(lon[known], lat[known])
    return gpd.GeoDataFrame(some, geometry=points, crs=STORAGE_CRS), problems


def parse_degrees(
    frame: pd.DataFrame, columns: PlaceColumns, names: FeatureNames
) -> tuple[Any, Any, list[Problem]]:
    """Return float64 arrays of longitude and latitude, NaN where a row has none, and why."""
    problems: list[Problem] = []
    values = []
    for name in (columns.lon, columns.lat):
        column = frame[name]
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        problems += [
            Problem(
                file=names.file,
                row=int(position) + names.first_row,
                field=str(name),
                value="" if pd.isna(value) else str(value),
                problem="no coordinate" if pd.isna(value) else "coordinate is not a number",
                expected="decimal degrees, e.g. 116.4074",
            )
            for position, value in column[np.isnan(numbers)].items()
        ]
        values.append(numbers)
    return values[0], values[1], problems


def to_storage(
    frame: gpd.GeoDataFrame, datum: Datum | None, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return `frame` in EPSG:4326, WGS84, without heights; features out of range are left out.

    Raises
    ------
    UndeclaredSystemError
        If nothing says in which system the file is: it states none, and it is not in degrees of `datum`.
    InvalidDataError
        If the coordinates as a whole are not what the file says.
    """
    source = datum or Datum.WGS84
    if frame.crs is None:
        degrees, problems = frame, _check_without_crs(frame, datum, names)
    else:
        degrees, problems = _to_degrees(frame, source, names)
    degrees, found = _take_in_range(degrees, names)
    geometry = convert_geometry(
        shapely.force_2d(degrees.geometry.to_numpy()), source=source, target=Datum.WGS84
    )
    placed = degrees.set_geometry(gpd.GeoSeries(geometry, index=degrees.index, crs=STORAGE_CRS))
    return _name_geometry(placed), problems + found


def declare_system(
    frame: gpd.GeoDataFrame, system: CRS, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return `frame` in the system that somebody declares for it, and a warning where the file states another."""
    stated = frame.crs
    placed = frame.set_crs(system, allow_override=True)
    if stated is None or stated.equals(system, ignore_axis_order=True) or _is_contract(names):
        return placed, []
    return placed, [
        Problem(
            file=names.file,
            field="crs",
            value=stated.name,
            problem=f"the file states this system and {system.name} is declared, which is used",
            expected="a declared system that fits the file; check points on a map",
            severity="warning",
        )
    ]


def _is_contract(names: FeatureNames) -> bool:
    return names.first_row != 1  # a table states nothing: its degrees are by contract


def _to_degrees(
    frame: gpd.GeoDataFrame, datum: Datum, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    crs: CRS = frame.crs
    offset = datum in {Datum.GCJ02, Datum.BD09}
    if crs.is_projected:
        own: CRS = crs.geodetic_crs or CRS(STORAGE_CRS)
        target = own if offset else CRS(STORAGE_CRS)
        problem = f"file is projected ({crs.name}) and its datum is declared as {datum}"
        return _reproject(frame, target, names), [
            _contradict(names, problem, crs)
        ] if offset else []
    stated = _EQUAL_TO_WGS84.get(crs.to_epsg() or 0) or _get_crs84(crs)
    if stated is Datum.WGS84 or (stated is Datum.CGCS2000 and not offset):
        return frame, []  # GCJ-02 and BD-09 have no code of their own and are often tagged as WGS84
    problem = f"file states {crs.name} and its datum is declared as {datum}"
    if offset or stated:
        return frame, [_contradict(names, problem, crs)]
    note = Problem(
        file=names.file,
        field="crs",
        value=crs.to_string()[:60],
        problem=f"file states {crs.name}; it is converted to WGS84 as far as that shift is published",
        expected="data in WGS84 or CGCS2000; check points on a map",
        severity="warning",
    )
    return _reproject(frame, CRS(STORAGE_CRS), names), [note]


def _reproject(frame: gpd.GeoDataFrame, target: CRS, names: FeatureNames) -> gpd.GeoDataFrame:
    try:
        return frame.to_crs(target)
    except ProjError as error:
        raise fail_file(
            Path(names.file),
            f"states a coordinate system ({frame.crs.name}) that cannot be converted to WGS84",
            "the file's true coordinate system",
        ) from error


def _get_crs84(crs: CRS) -> Datum | None:
    return Datum.WGS84 if crs.equals(CRS("OGC:CRS84"), ignore_axis_order=True) else None


def _contradict(names: FeatureNames, problem: str, crs: CRS) -> Problem:
    return Problem(
        file=names.file,
        field="datum",
        value=crs.to_string()[:60],
        problem=f"{problem}; the declared datum is used",
        expected="a declared datum that fits the file; check points on a map",
        severity="warning",
    )


def check_column_datum(columns: PlaceColumns, datum: Datum, names: FeatureNames) -> list[Problem]:
    """Return a warning if the name of a column states another datum than the declared one."""
    stated = columns.datum
    equal = {Datum.WGS84, Datum.CGCS2000}
    if stated is None or stated is datum or {stated, datum} == equal:
        return []
    return [
        Problem(
            file=names.file,
            row=1,
            field=columns.lon or "",
            problem=f"the column's name says {stated} and the declared datum is {datum}, which is used",
            expected="a declared datum that fits the column",
            severity="warning",
        )
    ]


def _check_without_crs(
    frame: gpd.GeoDataFrame, datum: Datum | None, names: FeatureNames
) -> list[Problem]:
    if frame.empty:
        return []
    outside, swapped = find_range_faults(frame, names)
    if (outside & ~swapped).mean() > 0.5:
        bounds = " ".join(f"{value:.6g}" for value in frame.total_bounds)
        raise UndeclaredSystemError(
            [
                Problem(
                    file=names.file,
                    field="crs",
                    problem=f"states no coordinate system and its coordinates are no degrees (bounds {bounds})",
                    expected="the file's coordinate system: .prj, or export again with it, or a declared EPSG code",
                )
            ]
        )
    if datum is None:
        raise UndeclaredSystemError(
            [
                Problem(
                    file=names.file,
                    field="crs",
                    problem="states no coordinate system, and no datum of its degrees is declared",
                    expected="a coordinate system in the file (.prj, or export again with it) or a declared datum",
                )
            ]
        )
    return [
        Problem(
            file=names.file,
            field="crs",
            problem=f"states no coordinate system; its coordinates are read as degrees in {datum}",
            expected="a coordinate system in the file (.prj, or export again with it), or the right declared datum",
            severity="warning",
        )
    ]


def _take_in_range(
    frame: gpd.GeoDataFrame, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    outside, swapped = find_range_faults(frame, names)
    if swapped.sum() * 2 > len(frame):
        raise fail_file(
            Path(names.file),
            f"latitude and longitude are swapped in {swapped.sum()} of {len(frame)} features",
            DEGREES,
        )
    problems = []
    for at in np.flatnonzero(outside):
        fault = "latitude and longitude are swapped" if swapped[at] else "coordinates out of range"
        x, y = shapely.get_coordinates(frame.geometry.iloc[at])[0]
        problems.append(
            names.make_problem(
                frame,
                frame.index[at],
                problem=f"{fault}; it is left out",
                value=f"{x:.7g} {y:.7g}",
                expected=DEGREES,
            )
        )
    return names.take(frame, ~outside), problems


def _make_from_wkt(
    frame: pd.DataFrame, column: str, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    values = frame[column]
    with np.errstate(invalid="ignore"):  # what is no number is reported per feature
        if len(values) and isinstance(values.iloc[0], bytes):
            geometry = shapely.from_wkb(values.to_numpy(dtype=object), on_invalid="ignore")
        else:
            text = values.astype(object).where(values.notna(), None).to_numpy()
            geometry = shapely.from_wkt(text, on_invalid="ignore")
    placed = gpd.GeoDataFrame(frame.drop(columns=column), geometry=geometry, crs=STORAGE_CRS)
    broken = shapely.is_missing(geometry) & values.notna().to_numpy()
    problems = [
        names.make_problem(
            placed,
            position,
            field=column,
            value=str(values.loc[position]),
            problem="geometry text cannot be read; it is left out",
            expected="WKT with closed rings, e.g. POLYGON ((0 0, 1 0, 1 1, 0 0))",
        )
        for position in placed.index[broken]
    ]
    usable, found = take_usable(names.take(placed, ~broken), names)
    return usable, problems + found


def _name_geometry(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")


@cache
def _load_names() -> dict[str, Any]:
    names: dict[str, Any] = json.loads(_NAMES.read_text(encoding="utf-8"))
    return names


def list_place_names() -> list[str]:
    """Return the usual names of columns that hold places."""
    known = _load_names()
    return [name for kind in ("lon", "lat", "wkt") for name in known[kind]]


def _find_column(frame: pd.DataFrame, kind: str) -> tuple[str | None, Datum | None]:
    known = _load_names()
    found: dict[str, tuple[str, Datum | None]] = {}
    for name in frame.columns:
        plain, datum = str(name).strip().lower(), None
        for suffix, text in known["datum_suffixes"].items():
            if plain.endswith(suffix):
                plain, datum = plain.removesuffix(suffix), Datum(text)
        found.setdefault(plain, (str(name), datum))
    return next((found[name] for name in known[kind] if name in found), (None, None))
