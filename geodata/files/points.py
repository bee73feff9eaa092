"""Points from any file: two float columns, no geometry objects, so that ten million fit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from geodata.crs import STORAGE_CRS, parse_crs
from geodata.datum import Datum, convert, parse_datum
from geodata.errors import InvalidDataError
from geodata.files.geometry_checks import FeatureNames
from geodata.files.georeference import (
    DEGREES,
    PlaceColumns,
    check_column_datum,
    find_place_columns,
    list_place_names,
    parse_degrees,
)
from geodata.files.layers import read_layer
from geodata.files.tables import read_table
from geodata.paths import check_file, fail_file
from geodata.problems import Problem

LEFT_OUT = ("it is left out", "it has no place")  # what a layer leaves out stays here as a row
_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")


def read_points(
    path: Path | str,
    *,
    datum: Datum | str | None,
    lon: str | None = None,
    lat: str | None = None,
    layer: str | None = None,
    encoding: str = "auto",
    crs: str | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read points and their attributes from a table or a layer.

    Parameters
    ----------
    path
        CSV, TSV, XLSX or Parquet with columns of longitude and latitude (or WKT), or any layer of points.
    datum
        Datum of the file's degrees; None is WGS84, if a layer states its system (a table need not).
    lon, lat
        Columns of degrees; None finds them by their usual names.
    layer, encoding
        As in :func:`geodata.files.layers.read_layer`.
    crs
        Coordinate system of a file that states none, such as ``EPSG:4548``; columns of a table are then x and y.

    Returns
    -------
        The attributes with float64 ``lon lat`` in EPSG:4326, WGS84 (columns of that name are replaced),
        indexed by position in the file, and the problems. A row without a usable place stays, with NaN, so
        that every row of the input has one of the output.

    Raises
    ------
    UndeclaredSystemError
        If a layer states no coordinate system and `datum` is None.
    InvalidDataError
        If the file as a whole cannot be read, or is no layer of points.
    GeodataError
        If the datum is not known.
    """
    declared, path = None if datum is None else parse_datum(datum), Path(path)
    check_file(Path(str(path).partition("|")[0]))
    if path.suffix.lower() in _TABLES:
        wanted = [name for name in (lon, lat) if name is not None] or list_place_names()
        frame, problems = read_table(path, encoding=encoding, names=wanted)
        columns = _choose_columns(frame, path, (lon, lat))
        if columns is not None:
            names = FeatureNames(file=str(path), first_row=2)
            if crs is not None:
                frame, found = _to_degrees(frame, columns, names, system=crs)
                problems += found
                columns = PlaceColumns(lon="lon", lat="lat")
            placed, found = place_points(frame, columns, declared or Datum.WGS84, names)
            return placed, problems + found
    chosen = None if encoding == "auto" else encoding
    others: list[pd.DataFrame] = []
    shapes, problems = read_layer(
        path, datum=declared, layer=layer, encoding=chosen, crs=crs, left_out=others
    )
    rows = [_flatten(shapes, path), *(part.assign(lon=np.nan, lat=np.nan) for part in others)]
    told = [replace(problem, problem=problem.problem.replace(*LEFT_OUT)) for problem in problems]
    return pd.concat(rows).sort_index() if others else rows[0], told


def _to_degrees(
    frame: pd.DataFrame, columns: PlaceColumns, names: FeatureNames, *, system: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return `frame` with columns ``lon lat`` in degrees, from x and y in a declared system; text becomes numbers."""
    x, y, problems = parse_degrees(frame, columns, names)
    transformer = Transformer.from_crs(parse_crs(system), STORAGE_CRS, always_xy=True)
    known = np.isfinite(x) & np.isfinite(y)
    lon, lat = (np.full(len(x), np.nan) for _ in range(2))
    lon[known], lat[known] = transformer.transform(x[known], y[known])
    return frame.assign(lon=lon, lat=lat), problems


def place_points(
    frame: pd.DataFrame, columns: PlaceColumns, datum: Datum, names: FeatureNames
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return `frame` with ``lon lat`` in WGS84 from its columns of degrees, NaN where they are unusable.

    Parameters
    ----------
    frame
        Rows with columns of degrees.
    columns
        Which columns they are.
    datum
        As it was declared.
    names
        How the rows are named in messages.

    Raises
    ------
    InvalidDataError
        If most rows have latitude and longitude swapped, or values that are no degrees.
    """
    lon, lat, problems = parse_degrees(frame, columns, names)
    problems += check_column_datum(columns, datum, names)
    outside = (np.abs(lon) > 180.0) | (np.abs(lat) > 90.0)
    swapped = outside & (np.abs(lon) <= 90.0) & (np.abs(lat) <= 180.0)
    _refuse_mostly_wrong((lon, lat), (outside, swapped), columns, names)
    problems += [
        Problem(
            file=names.file,
            row=int(frame.index[at]) + names.first_row,
            field=f"{columns.lon}, {columns.lat}",
            value=f"{lon[at]:.7g} {lat[at]:.7g}",
            problem="latitude and longitude are swapped" if swapped[at] else "out of range",
            expected=DEGREES,
        )
        for at in np.flatnonzero(outside)
    ]
    lon, lat = np.where(outside, np.nan, lon), np.where(outside, np.nan, lat)
    known = np.isfinite(lon) & np.isfinite(lat)
    x, y = convert(
        np.where(known, lon, np.nan),
        np.where(known, lat, np.nan),
        source=datum,
        target=Datum.WGS84,
    )
    return frame.assign(lon=x, lat=y), problems


def _refuse_mostly_wrong(
    degrees: tuple[Any, Any], faults: tuple[Any, Any], columns: PlaceColumns, names: FeatureNames
) -> None:
    """Refuse a file in which most rows are wrong in the same way: one message, not one a row."""
    (lon, lat), (outside, swapped) = degrees, faults
    others, half = outside & ~swapped, np.isfinite(lon).sum() / 2
    if swapped.sum() > half:
        raise fail_file(
            Path(names.file),
            f"latitude and longitude are swapped in {swapped.sum()} of {len(lon)} rows",
            f"column {columns.lon} with longitude, column {columns.lat} with latitude",
        )
    if others.sum() > half:
        raise fail_file(
            Path(names.file),
            f"{columns.lon} and {columns.lat} are no degrees in {others.sum()} of {len(lon)} rows "
            f"({columns.lon} {np.nanmin(lon):.7g} to {np.nanmax(lon):.7g}, "
            f"{columns.lat} {np.nanmin(lat):.7g} to {np.nanmax(lat):.7g})",
            f"{DEGREES}; for metres or feet, a layer file that states its projected system",
        )


def _choose_columns(
    frame: pd.DataFrame, path: Path, wanted: tuple[str | None, str | None]
) -> PlaceColumns | None:
    absent = [name for name in wanted if name is not None and name not in frame.columns]
    if absent:
        shown = ", ".join(str(name) for name in frame.columns[:20])
        raise fail_file(path, f"has no column {' and no column '.join(absent)}", f"one of: {shown}")
    if wanted[0] is not None and wanted[1] is not None:
        return PlaceColumns(lon=wanted[0], lat=wanted[1])
    try:
        found = find_place_columns(frame, path)
    except InvalidDataError:
        if path.suffix.lower() == ".parquet":
            return None  # GeoParquet of points
        raise
    return found if found.wkt is None else None


def _flatten(shapes: gpd.GeoDataFrame, path: Path) -> pd.DataFrame:
    geometry = shapes.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    single = (kinds == 0) | ((kinds == 4) & (shapely.get_num_geometries(geometry) == 1))
    if not single.all():
        at = int(np.flatnonzero(~single)[0])
        raise fail_file(
            path,
            f"is no layer of single points: feature {at + 1} is a {geometry[at].geom_type}",
            "a layer of points, or a table with columns lon and lat",
        )
    xy = shapely.get_coordinates(geometry)
    return pd.DataFrame(shapes.drop(columns="geometry")).assign(lon=xy[:, 0], lat=xy[:, 1])
