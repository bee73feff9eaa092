"""The only reader and writer of vector layers, by their content; and the only user of the library that opens them.

What is read is EPSG:4326 in WGS84, converted once here: a projected system is reprojected, and the
declared datum (which no file format can state for GCJ-02 and BD-09) is removed.
"""

import os
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.crs import STORAGE_CRS, parse_crs
from geodata.datum import Datum, parse_datum
from geodata.errors import GeodataError
from geodata.files.archives import check_unpacked
from geodata.files.encodings import decode, detect_encoding
from geodata.files.geometry_checks import FeatureNames, find_ring_faults, take_usable
from geodata.files.georeference import (
    check_column_datum,
    declare_system,
    find_place_columns,
    list_place_names,
    make_geometry,
    to_storage,
)
from geodata.files.kinds import LayerKind, find_kind
from geodata.files.shapefiles import RAW, decode_frame
from geodata.files.tables import read_table
from geodata.paths import check_file, fail_file, read_bytes, replace_file
from geodata.problems import Problem

# Drivers of GDAL that open other files, addresses or databases, or that nobody needs here: they are told off before
# the library registers them, beside the check of a file's content. Names as of GDAL 3.12.
_UNWANTED = (
    "ADBC AIVector AVCBin AVCE00 AmigoCloud CSW Carto DGN DXF EDIGEO EEDA ESRIJSON Elasticsearch GDALG GPSBabel GTFS "
    "GeoRSS HTTP Idrisi JML LVBAG MapML MiraMonVector NGW OAPIF OGCAPI OGR_GMT OGR_PDS OGR_VRT OSM PCIDSK PDS4 "
    "PLSCENES S57 SXF Selafin VDV VFK VICAR VRT WAsP WFS"
)
# Each once: a process that another one started finds the names in its environment already.
os.environ["GDAL_SKIP"] = " ".join(
    dict.fromkeys([*os.environ.get("GDAL_SKIP", "").split(), *_UNWANTED.split()])
)

import pyogrio  # noqa: E402 - after GDAL_SKIP, which the library reads once
import pyogrio.errors  # noqa: E402 - as above

# GML states no types without its schema, which is not fetched: "0711" stays text.
pyogrio.set_gdal_config_options({"GML_DOWNLOAD_SCHEMA": "NO", "GML_FIELDTYPES": "ALWAYS_STRING"})

_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
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
    crs: str | None = None,
    left_out: list[pd.DataFrame] | None = None,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read a vector layer.

    Parameters
    ----------
    path
        A kind of :class:`geodata.files.kinds.LayerKind`, or a table with a WKT column or columns of longitude and
        latitude. ``file.gpkg|layername=NAME`` names a layer as QGIS does, in a ZIP the file.
    datum
        Datum of the file's degrees; None if nobody declared it: WGS84, but only if the file states its system.
    layer
        Name of the layer where a file has several.
    encoding
        Of attribute text; None finds it.
    code
        Column whose value names a feature in messages.
    crs
        Coordinate system that somebody declares for a file that states none, such as ``EPSG:2249``.
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
        If the datum or the coordinate system is not known.
    """
    system = None if crs is None else parse_crs(crs)
    declared = None if datum is None else parse_datum(datum)
    path, layer = _split_layer(path, layer)
    check_file(path)
    table = path.suffix.lower() in _TABLES
    kept = [] if left_out is None else left_out
    names = FeatureNames(file=str(path), code=code, first_row=2 if table else 1, left_out=kept)
    choice = _Choice(layer=layer, encoding=encoding, datum=declared)
    frame, problems = _read_any(path, choice, names)
    if system is not None:
        frame, found = declare_system(frame, system, names)
        problems += found
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


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """What the caller says of a file: the layer in it, the encoding of its text, the datum of its degrees."""

    layer: str | None
    encoding: str | None
    datum: Datum | None


def _read_any(
    path: Path, choice: _Choice, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    if path.suffix.lower() in _TABLES:
        return _read_place_table(path, choice, names)
    match find_kind(path):
        case LayerKind.PARQUET:
            return _read_parquet(path, names)
        case LayerKind.SHAPEFILE:
            return _read_shapefile(path, choice.encoding, names)
        case LayerKind.GEOJSON | LayerKind.TOPOJSON:
            return _read_json(path, choice, names)
        case LayerKind.ZIP:
            return _read_zip(path, choice, names)
        case LayerKind.GML:  # from memory: the library would write a file of its own beside it
            data = read_bytes(path)
            return _read_gdal(data, names, layer=_choose_layer(data, path, choice.layer))
        case _:
            return _read_gdal(path, names, layer=_choose_layer(path, path, choice.layer))


def _read_place_table(
    path: Path, choice: _Choice, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    frame, problems = read_table(path, encoding=choice.encoding or "auto", names=list_place_names())
    columns = find_place_columns(frame, path)
    placed, found = make_geometry(frame, columns, names)
    return placed, problems + found + check_column_datum(
        columns, choice.datum or Datum.WGS84, names
    )


def _read_parquet(path: Path, names: FeatureNames) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    try:
        with np.errstate(invalid="ignore"):  # what is no number is reported per feature
            frame = gpd.read_parquet(path).reset_index(drop=True)
    except Exception:  # noqa: BLE001 - no geo metadata or damaged: the table reader tells which
        table, problems = read_table(path)
        placed, found = make_geometry(table, find_place_columns(table, path), names)
        return placed, problems + found
    return take_usable(frame, names)


def _read_shapefile(
    path: Path, encoding: str | None, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    siblings = {entry.suffix.lower() for entry in path.parent.iterdir() if entry.stem == path.stem}
    missing = [ending for ending in (".shx", ".dbf") if ending not in siblings]
    if missing:
        raise fail_file(
            path,
            f"shapefile without its {' and '.join(missing)}",
            "the .shp, .shx, .dbf and .prj files side by side",
        )
    raw, problems = _read_gdal(path, names, encoding=RAW)
    frame, found = decode_frame(raw, path, encoding=encoding)
    return frame, found + problems


def _read_json(
    path: Path, choice: _Choice, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    data = read_bytes(path)
    source: Path | bytes = path
    if choice.encoding is not None or detect_encoding(data) != "utf-8":
        source = decode(data, path, encoding=choice.encoding or "auto").text.encode()
    return _read_gdal(source, names, layer=_choose_layer(source, path, choice.layer))


def _read_zip(
    path: Path, choice: _Choice, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the one layer file of an archive, unpacked under a name of our own beside its parts."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            check_unpacked(path, instead="unpack it, and read the layer's own file")
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            main = _choose_entry(entries, path, choice.layer)
            stem = main.filename.rpartition(".")[0]
            for entry in entries:
                before, _, ending = entry.filename.rpartition(".")
                if before == stem:
                    target = Path(folder) / f"layer.{ending.lower()[:12]}"
                    if target.name.rpartition(".")[2].isalnum():
                        target.write_bytes(archive.read(entry))
            inner = Path(folder) / f"layer.{main.filename.rpartition('.')[2].lower()}"
            return _read_any(inner, replace(choice, layer=None), names)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise fail_file(path, f"cannot be unpacked: {error}", "a ZIP without a password") from error


_ZIPPED = (".shp", ".geojson", ".json", ".topojson", ".gpkg", ".fgb", ".kml", ".gml")


def _choose_entry(entries: list[zipfile.ZipInfo], path: Path, layer: str | None) -> zipfile.ZipInfo:
    layers = [
        entry
        for entry in entries
        if entry.filename.lower().endswith(_ZIPPED) and not entry.filename.startswith("__MACOSX")
    ]
    chosen = [entry for entry in layers if layer in {entry.filename, Path(entry.filename).stem}]
    if layer is None and len(layers) == 1:
        return layers[0]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(entry.filename for entry in layers) or "none"
    if not layers:
        raise fail_file(path, "holds no layer", f"one file of {', '.join(_ZIPPED)}")
    raise fail_file(
        path, f"has {len(layers)} layers ({listed})", f"one of them: {path}{_LAYER_MARK}NAME"
    )


def _choose_layer(source: Path | bytes, path: Path, layer: str | None) -> str:
    """Return the name of the layer to read: the only one, or the one named."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pyogrio.list_layers(source)
    except Exception as error:  # a damaged file makes its reader raise anything
        what = f"cannot be read: {str(error).partition(';')[0]}"
        raise fail_file(path, what, "a sound layer file") from error
    spatial = [str(name) for name, kind in found if kind is not None]
    if layer is not None and layer in {str(name) for name, _ in found}:
        return layer
    if layer is None and len(spatial) == 1:
        return spatial[0]
    if layer is None and len(found) == 1:
        return str(found[0][0])  # without geometry, which the reader says
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
