"""``gridgov locate``: addresses or points → place, street, community, cell."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click
import numpy as np
import pandas as pd

from geodata.datum import Datum, convert, parse_datum
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import WRITABLE_TABLES, read_table, write_table
from geodata.problems import Problem
from gridgov.jobs.place_service import Matter, PlaceService
from gridgov.jobs.placing import add_columns, locate_rows
from gridgov.pack.city import City, load_city
from web.cli.console import StagePrinter

STAGES = {"reading": "city and file", "locating": "places", "judging": "streets", "writing": "file"}
MOST_EXPLAINED = 20
"""Rows whose explanation is printed; with --json all are, one line each."""
MOST_CANDIDATES_TOLD = 4


class Options(TypedDict):
    """Options of the command."""

    city: Path
    file: Path | None
    address: str | None
    out: Path | None
    place: str | None
    item: str
    lon: str | None
    lat: str | None
    datum: str
    explain: bool
    dry_run: bool
    as_json: bool


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--address", help="Column of FILE with the address.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--place", help="Instead of FILE: one address, or LON,LAT; the answer is printed as JSON."
)
@click.option(
    "--item", default="", help="With --place: what it is about; then who answers is said too."
)
@click.option("--lon", help="Column with longitudes; a column 'lon' is found by itself.")
@click.option("--lat", help="Column with latitudes; a column 'lat' is found by itself.")
@click.option(
    "--datum",
    default="WGS84",
    show_default=True,
    help="WGS84, CGCS2000, GCJ-02 or BD-09 of lon lat.",
)
@click.option("--explain", is_flag=True, help="Print parts, candidates and why the winner won.")
@click.option("--dry-run", is_flag=True, help="Do everything but write the file.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print counts (and explanations) as JSON lines."
)
def locate(**options: Unpack[Options]) -> None:
    """Place every row of FILE: by its coordinates where it has them, else by its address.

    CITY is a city pack: its folder or its city.toml. FILE and the file to write are .csv, .xlsx or
    .parquet. Every row and column stays; the place (WGS84), the radius that holds it in 9 cases of 10,
    the street, the community and the cell are added. A column that had one of these names is kept under
    that name and "_given".
    """
    if options["place"] is not None:
        click.echo(json.dumps(answer_place(options), ensure_ascii=False))
        return
    if options["file"] is None or options["out"] is None:
        raise click.UsageError("either FILE and --out, or --place")
    check_ending(options["out"])
    progress = StagePrinter(STAGES)
    progress("reading", 0.0)
    table, problems = read_table(options["file"])
    asked = read_questions(table, options)
    pack = load_city(options["city"])
    progress("reading", 1.0)
    result = add_columns(table, locate_rows(pack, asked, progress=progress))
    if not options["dry_run"]:
        progress("writing", 0.0)
        write_table(result, options["out"])
        progress("writing", 1.0)
    if options["explain"]:
        print_explanations(pack, asked["address"], as_json=options["as_json"])
    report(result, problems, options)


def answer_place(options: Options) -> dict[str, Any]:
    """Return where the one place of the options lies, and with an item who answers there.

    Raises
    ------
    GeodataError
        The datum is not known.
    InvalidDataError
        The item is none of the catalogue.
    """
    city = load_city(options["city"])
    places, on = PlaceService(city=city), datetime.now(city.settings.timezone).date()
    code, catalogue = options["item"], city.catalogue
    if code and catalogue is not None:
        code = catalogue.find_code(code) or code
        if code not in catalogue:
            fault = _make_fault(
                options, "item", f"{code!r} is no item of the catalogue", "its code or name"
            )
            raise InvalidDataError([fault])
    matter, text = Matter(item_code=code), str(options["place"])
    point = POINT.fullmatch(text)
    if point is None:
        return places.answer_address(text, on=on, matter=matter)
    lon, lat = (np.array([float(one)]) for one in point.groups())
    lon, lat = convert(lon, lat, source=parse_datum(options["datum"]), target=Datum.WGS84)
    return places.answer_point(float(lon[0]), float(lat[0]), on=on, matter=matter)


POINT = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,2}(?:\.\d+)?)\s*")


def check_ending(path: Path) -> None:
    """Raise before the work starts if `path` cannot be written."""
    if path.suffix.lower() not in WRITABLE_TABLES:
        raise GeodataError(
            f"{path}: files of kind {path.suffix or 'no ending'!r} are not written; "
            f"expected one of {', '.join(sorted(WRITABLE_TABLES))}"
        )


def read_questions(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return ``address lon lat`` (WGS84, NaN where unknown) of every row.

    Raises
    ------
    InvalidDataError
        If a column that was named is not there, or there is neither an address nor a point.
    GeodataError
        If the datum is not known.
    """
    names = {
        "address": options["address"],
        "lon": options["lon"] or ("lon" if "lon" in table else None),
        "lat": options["lat"] or ("lat" if "lat" in table else None),
    }
    shown = ", ".join(str(column) for column in table.columns[:20])
    missing = [
        _make_fault(options, field, f"has no column {name!r}", f"one of: {shown}")
        for field, name in names.items()
        if name is not None and name not in table
    ]
    if not missing and names["address"] is None and None in (names["lon"], names["lat"]):
        missing.append(
            _make_fault(
                options, "address", "no column to place by", f"--address with one of: {shown}"
            )
        )
    if missing:
        raise InvalidDataError(missing)
    asked = pd.DataFrame(index=table.index)
    address = table[names["address"]] if names["address"] else pd.Series(None, index=table.index)
    asked["address"] = address.astype("str").where(address.notna())
    if names["lon"] is None or names["lat"] is None:
        return asked.assign(lon=np.nan, lat=np.nan)
    lon, lat = (
        pd.to_numeric(table[names[c]], errors="coerce").to_numpy(float) for c in ("lon", "lat")
    )
    usable = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    lon, lat = np.where(usable, lon, np.nan), np.where(usable, lat, np.nan)
    lon, lat = convert(lon, lat, source=parse_datum(options["datum"]), target=Datum.WGS84)
    return asked.assign(lon=lon, lat=lat)


def _make_fault(options: Options, field: str, problem: str, expected: str) -> Problem:
    return Problem(file=str(options["file"]), field=field, problem=problem, expected=expected)


def print_explanations(city: City, addresses: pd.Series, *, as_json: bool) -> None:
    """Print why each address lies where it does: words for the first rows, or JSON lines for all."""
    given = addresses.dropna()
    for row, address in given.items() if as_json else given.head(MOST_EXPLAINED).items():
        told = city.geocoder.explain(str(address))
        if as_json:
            click.echo(json.dumps({"row": row, **told}, ensure_ascii=False))
        else:
            click.echo("\n".join(_tell(told)))
    if not as_json and len(given) > MOST_EXPLAINED:
        click.echo(f"… and {len(given) - MOST_EXPLAINED:,} more: --json explains all")


def _tell(told: dict[str, Any]) -> list[str]:
    parts = " · ".join(f"{part['text']} ({part['kind']})" for part in told["parts"])
    lines = [str(told["address"]), f"  parts: {parts}"]
    lines += [
        f"  {one['rank'] + 1}. {one['matched']} · {one['evidence']} · {one['lon']:.6f} {one['lat']:.6f} "
        f"± {one['uncertainty_m']:.0f} m · cost {one['cost']:.2f}"
        for one in told["candidates"][:MOST_CANDIDATES_TOLD]
    ]
    return [*lines, f"  {told['why']}"]


def report(result: pd.DataFrame, problems: list[Problem], options: Options) -> None:
    """Print how many rows were placed and judged, and why others were not."""
    placed = result["lon"].notna()
    counts = {
        "read": len(result),
        "located": int(placed.sum()),
        "unlocated": int((~placed).sum()),
        "in_a_street": int(result["street_code"].notna().sum()),
        "levels": {str(k): int(v) for k, v in result["place_level"].value_counts().items()},
        "reasons": {str(k): int(v) for k, v in result["place_problem"].value_counts().items()},
        "problems": len(problems),
        "out": None if options["dry_run"] else str(options["out"]),
    }
    for problem in problems[:10]:
        click.echo(f"{problem.severity}: {problem}", err=True)
    if options["as_json"]:
        click.echo(json.dumps(counts, ensure_ascii=False))
        return
    click.echo(
        f"{counts['read']:,} rows: {counts['located']:,} located, {counts['in_a_street']:,} of them in a "
        f"street, {counts['unlocated']:,} unlocated"
    )
    for reason, count in counts["reasons"].items():  # type: ignore[attr-defined]  # counts hold numbers and this one table
        click.echo(f"  {count:,}: {reason}")
    click.echo(
        "nothing written (--dry-run)" if options["dry_run"] else f"written: {options['out']}"
    )
