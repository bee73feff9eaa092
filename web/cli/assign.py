"""``gridgov assign``: points → areas, from any two files."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

import click
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.areas import DEFAULT_CAP_M, AreaIndex
from geodata.coverage import SharedGround, find_shared_ground, prepare_polygons
from geodata.crs import STORAGE_CRS
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import WRITABLE_LAYERS as LAYERS
from geodata.files import WRITABLE_TABLES as TABLES
from geodata.files import read_layer, read_points, write_layer, write_table
from geodata.problems import Problem, has_errors
from web.cli.console import CRS_HELP, DATUM_DEFAULT, StagePrinter, declaring_by

STAGES = {"reading": "areas and points", "locating": "areas of the points", "writing": "file"}
DISTANCE, NEIGHBOUR = "boundary_m", "neighbour"
KEPT_SUFFIX = "_given"
MOST_PROBLEMS_SHOWN = 10


class Options(TypedDict):
    """Options of the command."""

    areas: Path
    points: Path
    key: str
    out: Path
    datum_areas: str | None
    datum_points: str | None
    crs_areas: str | None
    crs_points: str | None
    lon: str | None
    lat: str | None
    cap_m: float
    dry_run: bool
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class Areas:
    """A layer of areas: index, bounds (west, south, east, north in degrees), ground that two claim, warnings."""

    index: AreaIndex
    extent: tuple[float, ...]
    shared: SharedGround
    problems: list[Problem]


@click.command()
@click.argument("areas", type=click.Path(path_type=Path))
@click.argument("points", type=click.Path(path_type=Path))
@click.option("--key", required=True, help="Column of AREAS with the code that points receive.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--datum-areas", show_default=DATUM_DEFAULT, help="WGS84, CGCS2000, GCJ-02 or BD-09.")
@click.option("--datum-points", show_default=DATUM_DEFAULT, help="The same for POINTS.")
@click.option("--crs-areas", help=CRS_HELP)
@click.option("--crs-points", help="The same for POINTS; its columns lon and lat are then x and y.")
@click.option("--lon", help="Column of POINTS with longitudes; found by its name otherwise.")
@click.option("--lat", help="Column of POINTS with latitudes; found by its name otherwise.")
@click.option(
    "--cap-m",
    default=DEFAULT_CAP_M,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True, max=100_000),
    help="Metres up to which the distance to the boundary is measured.",
)
@click.option("--dry-run", is_flag=True, help="Do everything but write the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def assign(**options: Unpack[Options]) -> None:
    """Give every point of POINTS the code of the area of AREAS that holds it.

    Both are files of any common kind: GeoPackage, GeoJSON, Shapefile, GeoParquet; POINTS also CSV, XLSX
    or Parquet with columns of longitude and latitude. A point on a boundary, or in several areas, gets
    the lowest code.

    Three columns are added, all others and the order of rows stay: KEY; boundary_m, metres to the
    nearest boundary (empty if farther than --cap-m); neighbour, the code of the area across it. Places
    are written in WGS84.
    """
    progress = StagePrinter(STAGES)
    check_ending(options["out"])
    progress("reading", 0.0)
    areas = read_areas(
        options["areas"],
        key=options["key"],
        datum=options["datum_areas"],
        crs=options["crs_areas"],
    )
    with declaring_by("--datum-points", "--crs-points"):
        points, found = read_points(
            options["points"],
            datum=options["datum_points"],
            lon=options["lon"],
            lat=options["lat"],
            crs=options["crs_points"],
        )
    problems = areas.problems + found
    progress("reading", 1.0)
    progress("locating", 0.0)
    result = assign_points(areas.index, points, key=options["key"], cap_m=options["cap_m"])
    in_several, shared = name_claims(areas, result, options)
    progress("locating", 1.0)
    problems = (
        doubt_places(areas, result, options) + shared + problems
    )  # what spoils all before what spoils a row
    if not options["dry_run"]:
        progress("writing", 0.0)
        write_result(result, options["out"])
        progress("writing", 1.0)
    report(result, problems, options, in_several=in_several)


def check_ending(path: Path) -> None:
    """Raise before the work starts if `path` cannot be written."""
    if path.suffix.lower() not in {*TABLES, *LAYERS}:
        raise GeodataError(
            f"{path}: files of kind {path.suffix or 'no ending'!r} are not written; "
            f"expected one of {', '.join(sorted({*TABLES, *LAYERS}))}"
        )


def read_areas(path: Path, *, key: str, datum: str | None, crs: str | None = None) -> Areas:
    """Return the index of a layer of areas.

    Raises
    ------
    InvalidDataError
        If the layer cannot be read, has no column `key`, or an area is not fit for use.
    """
    with declaring_by("--datum-areas", "--crs-areas"):
        frame, problems = read_layer(path, datum=datum, code=key, crs=crs)
    if has_errors(problems):
        raise InvalidDataError(problems)
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    if key not in names:
        shown = ", ".join(names[:20])
        fault = Problem(
            file=str(path),
            field=key,
            problem=f"has no column {key!r}",
            expected=f"--key with one of: {shown}",
        )
        raise InvalidDataError([fault])
    codes = [format_code(value) for value in frame[key]]
    index = AreaIndex.build(frame.geometry.to_numpy(), codes, layer=str(path))
    shared = find_shared_ground(prepare_polygons(frame.geometry.to_numpy()), codes)
    return Areas(index=index, extent=tuple(frame.total_bounds), shared=shared, problems=problems)


def name_claims(areas: Areas, result: pd.DataFrame, options: Options) -> tuple[int, list[Problem]]:
    """Give points that several areas claim the next of these as neighbour; return their number and what is said."""
    shared, key = areas.shared, options["key"]
    if not shared.lower:
        return 0, []
    own = result[key].astype(object).where(result[key].notna(), None).to_numpy()
    others = shared.find_others(result["lon"], result["lat"], own)
    claimed = np.array([code is not None for code in others], dtype=bool)
    result[NEIGHBOUR] = result[NEIGHBOUR].mask(claimed, pd.Series(others, index=result.index))
    pairs = len(shared.lower)
    more = f" and {pairs - 1} other pairs" if pairs > 1 else ""
    count = int(claimed.sum())
    problem = Problem(
        file=str(options["areas"]),
        field="overlap",
        value=f"{shared.lower[0]} {shared.higher[0]}",
        problem=f"{shared.lower[0]} and {shared.higher[0]}{more} claim the same ground; {count:,} points lie there "
        "and get the lowest code, with the next as neighbour",
        expected=f"areas that do not overlap: gridgov boundaries {shlex.quote(str(options['areas']))} --key {key} "
        "--out FOLDER shows where they do",
        severity="warning",
    )
    return count, [problem]


def doubt_places(areas: Areas, result: pd.DataFrame, options: Options) -> list[Problem]:
    """Return a warning where hardly a point lies in an area: both files are sound, but do not fit each other."""
    lon, lat = result["lon"].to_numpy(), result["lat"].to_numpy()
    placed = np.isfinite(lon) & np.isfinite(lat)
    assigned = int(result[options["key"]].notna().sum())
    if 2 * assigned >= placed.sum():
        return []
    upright = placed & (np.abs(lon) <= 90)
    swapped = int((areas.index.locate_positions(lat[upright], lon[upright]) >= 0).sum())
    if swapped > max(assigned, placed.sum() // 2):
        problem = f"{swapped:,} of {placed.sum():,} points lie in an area if latitude and longitude are swapped"
        remedy = "longitude first in both files: exchange them in one, or name the columns with --lon and --lat"
    elif assigned:
        return []
    else:
        problem = "no point lies in an area"
        remedy = "files of one place; check datum, coordinate system and the order of longitude and latitude"
    own = (lon[placed].min(), lat[placed].min(), lon[placed].max(), lat[placed].max())
    problem += f" (areas {_show_extent(areas.extent)}, points {_show_extent(own)})"
    file = str(options["points"])
    return [Problem(file=file, problem=problem, expected=remedy, severity="warning")]


def _show_extent(extent: tuple[float, ...]) -> str:
    west, south, east, north = extent
    return f"longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to {north:.4f}"


def format_code(value: object) -> str:
    """Return a code as text; a whole number stored as a float loses its point, a missing one is empty."""
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def assign_points(
    index: AreaIndex, points: pd.DataFrame, *, key: str, cap_m: float
) -> pd.DataFrame:
    """Return `points` with the area, the distance to its boundary and the neighbour.

    A column that had one of the new names is kept under that name and ``_given``.
    """
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    near = index.near(lon, lat, cap_m=cap_m)
    taken = {name: f"{name}{KEPT_SUFFIX}" for name in (key, DISTANCE, NEIGHBOUR) if name in points}
    codes = pd.array(index.codes, dtype="str")
    return points.rename(columns=taken).assign(
        **{
            key: codes.take(index.locate_positions(lon, lat), allow_fill=True),
            DISTANCE: np.where(np.isfinite(near.boundary_m), near.boundary_m, np.nan).round(3),
            NEIGHBOUR: codes.take(near.neighbour, allow_fill=True),
        }
    )


def write_result(result: pd.DataFrame, path: Path) -> None:
    """Write a table, or a layer of points where only layers have that ending."""
    if path.suffix.lower() in TABLES:
        write_table(result, path)
        return
    lon, lat = result["lon"].to_numpy(), result["lat"].to_numpy()
    known = np.isfinite(lon) & np.isfinite(lat)
    geometry = np.full(len(result), None, dtype=object)
    geometry[known] = shapely.points(lon[known], lat[known])
    write_layer(gpd.GeoDataFrame(result, geometry=geometry, crs=STORAGE_CRS), path)


def report(
    result: pd.DataFrame, problems: list[Problem], options: Options, *, in_several: int
) -> None:
    """Print how many points were assigned, lie outside or have no place, and what was wrong."""
    placed = result["lon"].notna() & result["lat"].notna()
    assigned = result[options["key"]].notna()
    counts = {
        "read": len(result),
        "assigned": int(assigned.sum()),
        "in_several": in_several,
        "outside": int((placed & ~assigned).sum()),
        "without_place": int((~placed).sum()),
        "problems": len(problems),
        "out": None if options["dry_run"] else str(options["out"]),
    }
    for problem in problems[:MOST_PROBLEMS_SHOWN]:
        click.echo(f"{problem.severity}: {problem}", err=True)
    if len(problems) > MOST_PROBLEMS_SHOWN:
        click.echo(f"… and {len(problems) - MOST_PROBLEMS_SHOWN} more", err=True)
    if options["as_json"]:
        click.echo(json.dumps(counts, ensure_ascii=False))
        return
    several = f" ({in_several:,} in several areas)" if in_several else ""
    click.echo(
        f"{counts['read']:,} points: {counts['assigned']:,} in an area{several}, "
        f"{counts['outside']:,} outside all areas, {counts['without_place']:,} without a place\n"
        + ("nothing written (--dry-run)" if options["dry_run"] else f"written: {options['out']}")
    )
