"""Sources of the gazetteer: the pack's own tables and layers, and the names of its areas."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.datum import Datum, convert
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, read_table
from geodata.gazetteer import GazetteerSource
from geodata.problems import Problem
from gridgov.pack.read_tables import Faults, find_nearest
from gridgov.pack.settings import SOURCE_COLUMNS, GazetteerSettings, SourceKind
from gridgov.reading.points import find_inside

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
NAMING_COLUMNS = ("name", "address", "road", "number", "street", "community", "district")
"""What tells one row of a source from another."""
SAME_PLACE_M = 200.0
"""Rows of one name within it are taken for one place with several gates."""
DEGREE_M = 111_195.0
"""Metres of a degree of latitude, mean radius of the earth 6,371 km."""
MOST_OUTSIDE_SHARE = 0.5
"""With more of a source outside the city, its datum or its columns are wrong."""

AREA_SOURCES: Mapping[str, tuple[SourceKind, str]] = {
    "districts": ("district", "district_code"),
    "streets": ("street", "street_code"),
    "communities": ("community", "community_code"),
}


def read_sources(
    settings: tuple[GazetteerSettings, ...], extent: shapely.Geometry
) -> tuple[list[GazetteerSource], list[Problem]]:
    """Return the sources that can be used and what is wrong with any."""
    sources, problems = [], []
    for one in settings:
        faults = Faults(one.path)
        frame = _read_frame(one, faults)
        if frame is not None and len(frame):
            _check_places(frame, one, extent, faults)
            _check_names(frame, faults)
            sources.append(GazetteerSource(frame=frame, kind=one.kind, name=one.path.name))
        problems.extend(faults.problems)
    return sources, problems


def make_area_sources(frames: Mapping[str, gpd.GeoDataFrame]) -> list[GazetteerSource]:
    """Return the named areas of the pack's layers as sources, from large to small."""
    sources = []
    for role, (kind, _) in AREA_SOURCES.items():
        if role not in frames:
            continue
        layer = frames[role]
        names = [name for name in ("name", "aliases") if name in layer]
        frame = pd.DataFrame(layer[names]).assign(geometry=layer.geometry.to_numpy())
        sources.append(GazetteerSource(frame=frame, kind=kind, name=f"layer {role}"))
    return sources


def _read_frame(settings: GazetteerSettings, faults: Faults) -> pd.DataFrame | None:
    encoding = settings.encoding
    try:
        if settings.path.suffix.lower() in TABLES and "lon" in settings.columns:
            raw, problems = read_table(
                settings.path, encoding=encoding, names=list(settings.columns.values())
            )
        else:
            raw, problems = read_layer(
                settings.path,
                datum=settings.datum,
                encoding=None if encoding == "auto" else encoding,
                crs=settings.crs or None,
            )
    except InvalidDataError as error:
        faults.problems.extend(error.problems)
        return None
    except GeodataError as error:
        faults.add(str(error))
        return None
    faults.problems.extend(problems)
    columns = settings.columns or {name: name for name in SOURCE_COLUMNS if name in raw}
    missing = {ours: theirs for ours, theirs in columns.items() if theirs not in raw}
    for ours, theirs in missing.items():
        header = [str(name) for name in raw.columns if name != "geometry"]
        faults.add(f"has no column {theirs!r}", find_nearest(theirs, header), field=ours)
    if missing:
        return None
    frame = pd.DataFrame({ours: raw[theirs] for ours, theirs in columns.items()}, index=raw.index)
    return _place(frame, raw, settings, faults)


def _place(
    frame: pd.DataFrame, raw: pd.DataFrame, settings: GazetteerSettings, faults: Faults
) -> pd.DataFrame | None:
    """Return `frame` with positions in EPSG:4326, without rows that have none."""
    if isinstance(raw, gpd.GeoDataFrame):
        return frame.drop(columns=["lon", "lat"], errors="ignore").assign(
            geometry=raw.geometry.to_numpy()
        )
    if not {"lon", "lat"} <= set(frame):
        faults.add("has no lon and lat", "columns = { lon = …, lat = … }", field="columns")
        return None
    numbers = frame[["lon", "lat"]].apply(pd.to_numeric, errors="coerce")
    for name in ("lon", "lat"):
        wrong = numbers[name].isna() | (numbers[name].abs() > 180)
        faults.rows(
            frame[name],
            wrong,
            "is no coordinate; the row is not used",
            expected="degrees",
            severity="warning",
        )
    good = numbers.notna().all(axis=1) & (numbers.abs() <= 180).all(axis=1)
    lon, lat = convert(numbers["lon"], numbers["lat"], source=settings.datum, target=Datum.WGS84)
    return frame.assign(lon=lon, lat=lat)[good]


def _check_places(
    frame: pd.DataFrame, settings: GazetteerSettings, extent: shapely.Geometry, faults: Faults
) -> None:
    """Say so where many of a source's places lie outside the city."""
    if extent.is_empty:
        return
    if "geometry" in frame:
        points = shapely.centroid(frame["geometry"].to_numpy())
        lon, lat = shapely.get_x(points), shapely.get_y(points)
    else:
        lon, lat = frame["lon"].to_numpy(dtype=float), frame["lat"].to_numpy(dtype=float)
    outside = 1.0 - find_inside(extent, lon, lat).mean()
    if outside > MOST_OUTSIDE_SHARE:
        faults.add(
            f"{outside:.0%} of its {len(frame)} places lie outside the city",
            "the right datum and columns; lon and lat in this order",
            field="datum",
            value=settings.datum,
        )
    elif outside:
        faults.warn(
            f"{outside:.1%} of its {len(frame)} places lie outside the city and are not used"
        )


def _check_names(frame: pd.DataFrame, faults: Faults) -> None:
    """Say so where one name stands for several places and nothing in the rows tells them apart."""
    naming = [name for name in NAMING_COLUMNS if name in frame]
    if "geometry" in frame or not naming:
        return  # a road is drawn in as many lines as it has parts
    twice = frame[frame.duplicated(naming, keep=False)]
    if twice.empty:
        return
    groups = twice.groupby(naming, dropna=False, sort=False)
    height = (groups["lat"].max() - groups["lat"].min()) * DEGREE_M
    width = (groups["lon"].max() - groups["lon"].min()) * DEGREE_M
    apart = np.hypot(height, width * np.cos(np.radians(groups["lat"].mean())))
    far = apart[apart > SAME_PLACE_M].sort_values(ascending=False)
    if far.empty:
        return
    first = far.index[0] if isinstance(far.index[0], tuple) else (far.index[0],)
    words = " ".join(str(part) for part in first if not pd.isna(part))
    faults.warn(
        f"{len(far)} names stand for several places that nothing tells apart, such as {words!r}, "
        f"{far.iloc[0]:,.0f} m apart; an address that names one is answered with both and little confidence",
        "one row a place, or columns street, community or district that differ",
        field=", ".join(naming),
    )
