"""The only reader and writer of vector layers: GeoJSON, GeoPackage, Shapefile, GeoParquet, CSV with places.

What is read is EPSG:4326 in WGS84, converted once here: a projected system is reprojected, and the
declared datum (which no file format can state for GCJ-02 and BD-09) is removed.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyogrio.errors
import shapely

from geodata.crs import STORAGE_CRS
from geodata.datum import Datum, parse_datum
from geodata.errors import GeodataError
from geodata.files.encodings import decode, detect_encoding
from geodata.files.geometry_checks import FeatureNames, find_ring_faults, take_usable
from geodata.files.georeference import (
    check_column_datum,
    find_place_columns,
    make_geometry,
    to_storage,
)
from geodata.files.tables import read_table
from geodata.paths import check_file, fail_file, read_bytes, replace_file
from geodata.problems import Problem

READABLE = (
    ".geojson",
    ".json",
    ".gpkg",
    ".shp",
    ".parquet",
    ".geoparquet",
    ".csv",
    ".tsv",
    ".xlsx",
)
_TABLES = (".csv", ".tsv", ".txt", ".xlsx")
_LAYER_MARK = "|layername="  # as QGIS writes a layer inside a file

# Same input, same bytes: GeoPackage stores the time of its last change.
_FIXED_DATE = "2000-01-01T00:00:00.000Z"
_GEOJSON_DECIMALS = 9  # 0.1 mm


def read_layer(
    path: Path | str,
    *,
    datum: Datum | str | None,
    layer: str | None = None,
    encoding: str | None = None,
    code: str | None = None,
    left_out: list[pd.DataFrame] | None = None,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read a vector layer.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, Shapefile (``.cpg`` respected, else UTF-8 or GB18030 found), GeoParquet, or
        a table with a WKT column or columns of longitude and latitude. ``file.gpkg|layername=NAME``
        names a layer as QGIS does.
    datum
        Datum of the file's degrees; None if nobody declared it: WGS84, but only if the file states its system.
    layer
        Name of the layer where a file has several.
    encoding
        Of attribute text; None finds it.
    code
        Column whose value names a feature in messages.
    left_out
        Receives the attributes of features without a usable geometry, indexed by their position.

    Returns
    -------
        Features in EPSG:4326, WGS84, two-dimensional, indexed by their position in the file, and the
        problems. Features without a usable geometry are left out (their position stays free); a polygon
        with crossing rings is returned as it is and reported; an unclosed ring is closed and reported.

    Raises
    ------
    UndeclaredSystemError
        If the file states no coordinate system and `datum` is None.
    InvalidDataError
        If the file as a whole cannot be read.
    GeodataError
        If the datum is not known.
    """
    declared = None if datum is None else parse_datum(datum)
    path, layer = _split_layer(path, layer)
    check_file(path)
    table = path.suffix.lower() in _TABLES
    kept = [] if left_out is None else left_out
    names = FeatureNames(file=str(path), code=code, first_row=2 if table else 1, left_out=kept)
    frame, problems = _read_any(path, (layer, encoding, declared), names)
    frame, found = to_storage(frame, declared, names)
    problems += found
    if frame.empty and not problems:
        problems.append(
            Problem(file=str(path), problem="has no features", expected="at least one feature")
        )
    return frame, problems + find_ring_faults(frame, names)


def write_layer(frame: gpd.GeoDataFrame, path: Path | str, *, layer: str | None = None) -> None:
    """Write a layer by the ending of `path` (``.gpkg .geojson .json .parquet .geoparquet``), whole or not at all.

    GeoJSON is EPSG:4326 with nine decimals. The same frame gives the same bytes.

    Raises
    ------
    GeodataError
        If the ending is not known or the place cannot be written.
    """
    path = Path(path)
    writer = WRITABLE_LAYERS.get(path.suffix.lower())
    if writer is None:
        raise GeodataError(
            f"{path}: layers of kind {path.suffix or 'no ending'!r} are not written; "
            f"expected one of {', '.join(WRITABLE_LAYERS)}"
        )
    placed = frame if frame.crs is not None else frame.set_crs(STORAGE_CRS)
    with replace_file(path) as aside:
        try:
            writer(placed, aside, layer or path.stem)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise GeodataError(f"{path} cannot be written: {error}") from error


def _split_layer(path: Path | str, layer: str | None) -> tuple[Path, str | None]:
    file, mark, name = str(path).partition(_LAYER_MARK)
    return Path(file), name if mark and layer is None else layer


def _read_any(
    path: Path, choice: tuple[str | None, str | None, Datum | None], names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    layer, encoding, declared = choice
    ending = path.suffix.lower()
    if ending in _TABLES:
        return _read_place_table(path, (encoding, declared), names)
    if ending in {".parquet", ".geoparquet"}:
        return _read_parquet(path, names)
    if ending == ".shp":
        return _read_shapefile(path, encoding, names)
    if ending in {".geojson", ".json"}:
        return _read_geojson(path, encoding, names)
    if ending == ".gpkg":
        return _read_gdal(path, names, layer=_choose_layer(path, layer))
    raise fail_file(
        path,
        f"layers of kind {ending or 'no ending'!r} are not read",
        f"one of {', '.join(READABLE)}",
    )


def _read_place_table(
    path: Path, choice: tuple[str | None, Datum | None], names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    encoding, declared = choice
    frame, problems = read_table(path, encoding=encoding or "auto")
    columns = find_place_columns(frame, path)
    placed, found = make_geometry(frame, columns, names)
    return placed, problems + found + check_column_datum(columns, declared or Datum.WGS84, names)


def _read_parquet(path: Path, names: FeatureNames) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    try:
        frame = gpd.read_parquet(path).reset_index(drop=True)
    except Exception:  # noqa: BLE001 - no geo metadata or damaged: the table reader tells which
        table, problems = read_table(path)
        placed, found = make_geometry(table, find_place_columns(table, path), names)
        return placed, problems + found
    return take_usable(frame, names)


def _read_shapefile(
    path: Path, encoding: str | None, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    siblings = {entry.suffix.lower(): entry for entry in path.parent.glob(f"{path.stem}.*")}
    missing = [ending for ending in (".shx", ".dbf") if ending not in siblings]
    if missing:
        raise fail_file(
            path,
            f"shapefile without its {' and '.join(missing)}",
            "the .shp, .shx, .dbf and .prj files side by side",
        )
    if encoding is None and ".cpg" not in siblings:
        encoding = detect_encoding(read_bytes(siblings[".dbf"])[32:])
    return _read_gdal(path, names, encoding=encoding)


def _read_geojson(
    path: Path, encoding: str | None, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    data = read_bytes(path)
    if encoding is None and detect_encoding(data) == "utf-8":
        return _read_gdal(path, names)
    text = decode(data, path, encoding=encoding or "auto").text
    return _read_gdal(text.encode(), names)


def _choose_layer(path: Path, layer: str | None) -> str:
    try:
        found = pyogrio.list_layers(path)
    except pyogrio.errors.DataSourceError as error:
        raise fail_file(path, f"cannot be read: {error}", "a GeoPackage") from error
    spatial = [str(name) for name, kind in found if kind is not None]
    if layer is not None and layer in {str(name) for name, _ in found}:
        return layer
    if layer is None and len(spatial) == 1:
        return spatial[0]
    listed = ", ".join(spatial) or "none"
    if layer is not None:
        raise fail_file(path, f"has no layer {layer!r}", f"one of: {listed}")
    raise fail_file(
        path, f"has {len(spatial)} layers ({listed})", f"one of them: {path}{_LAYER_MARK}NAME"
    )


def _read_gdal(
    source: Path | bytes, names: FeatureNames, **options: Any
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    frame = _read_frame(source, Path(names.file), {"on_invalid": "ignore", **options})
    mended = frame.geometry
    if shapely.is_missing(mended.to_numpy()).any():
        fixed = _read_frame(source, Path(names.file), {"on_invalid": "fix", **options})
        mended = fixed.geometry
    unclosed = shapely.is_missing(frame.geometry.to_numpy()) & ~shapely.is_missing(
        mended.to_numpy()
    )
    problems = [
        names.make_problem(
            frame,
            position,
            problem="ring is not closed or has fewer than four vertices; it was closed to go on",
            expected="a last vertex equal to the first",
        )
        for position in frame.index[unclosed]
    ]
    usable, found = take_usable(frame.set_geometry(mended), names)
    return usable, problems + found


def _read_frame(source: Path | bytes, path: Path, options: dict[str, Any]) -> gpd.GeoDataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what GDAL remarks on is reported per feature
        try:
            frame = pyogrio.read_dataframe(source, **options)
        except (UnicodeDecodeError, LookupError) as error:
            what = f"attribute text cannot be decoded: {error}"
            raise fail_file(path, what, "the encoding of the file") from error
        except Exception as error:  # a damaged file makes its reader raise anything
            what = f"cannot be read: {str(error).partition(';')[0]}"
            raise fail_file(path, what, "a sound layer file") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise fail_file(path, "has no geometry", "a layer with points, lines or polygons")
    return frame


@contextmanager
def _fix_date() -> Iterator[None]:
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _to_plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return `frame` with text where a column holds lists or other objects that GDAL cannot store."""
    texts = {
        name: column.map(lambda value: value if pd.api.types.is_scalar(value) else str(value))
        for name, column in frame.drop(columns=frame.geometry.name).items()
        if column.dtype == object
    }
    return frame.assign(**texts)


def _write_gpkg(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    with _fix_date():
        pyogrio.write_dataframe(
            _to_plain(frame), path, layer=layer, driver="GPKG", **_get_type(frame)
        )


def _write_geojson(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    pyogrio.write_dataframe(
        _to_plain(frame.to_crs(STORAGE_CRS)),
        path,
        layer=layer,
        driver="GeoJSON",
        COORDINATE_PRECISION=_GEOJSON_DECIMALS,
        **_get_type(frame),
    )


def _write_parquet(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    del layer  # a Parquet file is one layer
    frame.to_parquet(path, index=False)


def _get_type(frame: gpd.GeoDataFrame) -> dict[str, str]:
    return {"geometry_type": "Unknown"} if frame.empty or frame.geometry.isna().all() else {}


WRITABLE_LAYERS: dict[str, Callable[[gpd.GeoDataFrame, Path, str], None]] = {
    ".gpkg": _write_gpkg,
    ".geojson": _write_geojson,
    ".json": _write_geojson,
    ".parquet": _write_parquet,
    ".geoparquet": _write_parquet,
}
