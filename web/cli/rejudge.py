"""``gridgov rejudge``: what new street boundaries would change, before they do."""

import json
from dataclasses import replace
from pathlib import Path

import click
import geopandas as gpd
import pandas as pd

from geodata.datum import Datum, convert_geometry, guess_layer_datum, parse_datum
from geodata.errors import InvalidDataError
from geodata.files import write_table
from geodata.problems import has_errors
from geodata.territory import CHANGE_COLUMNS, Changes, make_territory
from geodata.territory import rejudge as compare_versions
from gridgov.pack.city import City, load_city
from gridgov.pack.read_layers import read_pack_layer
from web.cli.console import StagePrinter
from web.cli.orders_file import read_run_orders

MOST_LINES = 20
STAGES = {"city": "city pack", "streets": "new streets", "judge": "judging again"}


@click.command(
    help="Show which orders in ORDERS would change street if NEW_LAYER replaced the streets of CITY. "
    "Nothing is changed."
)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("orders", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--streets",
    "new_layer",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="NEW_LAYER",
    help="New boundaries, with the columns and datum of [layers.streets] in the pack.",
)
@click.option("--code", help="Column of the street code, if it is another one than in the pack.")
@click.option("--datum", help="WGS84, CGCS2000, GCJ-02 or BD-09, if another one than in the pack.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the orders that would change: .csv, .xlsx or .parquet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def rejudge(
    city: Path,
    orders: Path,
    new_layer: Path,
    *,
    code: str | None,
    datum: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the judgement of orders by the city's streets and by new ones."""
    show = StagePrinter(STAGES)
    show("city", 0)
    loaded = load_city(city)
    old = loaded.territory
    show("city", 1)
    points, _ = read_run_orders(orders, needed=("lon", "lat"))
    show("streets", 0)
    streets = _read_streets(loaded, new_layer, code=code, datum=datum)
    new = make_territory(
        streets,
        metric_crs=loaded.settings.metric_crs or None,
        version=new_layer.stem,
        extent=loaded.layers.get("extent", loaded.layers.get("districts")),
    )
    show("streets", 1)
    doubt = _doubt_datum(loaded, streets, datum)
    if doubt:
        click.echo(f"warning: {new_layer}: {doubt}. Is --datum right?", err=True)
    show("judge", 0)
    changes = compare_versions(points, old, new)
    show("judge", 1)
    if out is not None:
        write_table(changes.rows[_choose_columns(changes.rows)], out)
    click.echo(_format_json(changes) if as_json else _format_text(changes, out))


def _read_streets(
    city: City, path: Path, *, code: str | None, datum: str | None
) -> gpd.GeoDataFrame:
    """Read the new layer as the pack reads its own."""
    own = city.settings.layers["streets"]
    settings = replace(
        own, path=path, code=code or own.code, datum=parse_datum(datum) if datum else own.datum
    )
    read = read_pack_layer(settings)
    if read.frame is None or has_errors(read.problems):
        raise InvalidDataError(read.problems)
    return read.frame


def _doubt_datum(city: City, streets: gpd.GeoDataFrame, datum: str | None) -> str:
    """Return why the new layer's datum may be wrong, empty if it fits the city's own outlines."""
    declared = parse_datum(datum) if datum else city.settings.layers["streets"].datum
    as_in_file = convert_geometry(streets.geometry.to_numpy(), source=Datum.WGS84, target=declared)
    trusted = city.layers.get("districts", city.streets).geometry.to_numpy()
    return guess_layer_datum(as_in_file, trusted).explain(declared)


def _choose_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns that tell the change; texts and persons stay where they are."""
    first = [name for name in ("order_no", "appeal_no", "unit_code") if name in rows.columns]
    return [*first, *CHANGE_COLUMNS]


def _format_json(changes: Changes) -> str:
    facts = {
        "old_version": changes.old_version,
        "new_version": changes.new_version,
        "judged": changes.judged,
        "skipped": changes.skipped,
        "changed": len(changes),
        "counts": json.loads(changes.counts.to_json(orient="records", force_ascii=False)),
    }
    return json.dumps(facts, ensure_ascii=False, indent=2)


def _format_text(changes: Changes, out: Path | None) -> str:
    versions = f"version {changes.old_version} → {changes.new_version}"
    moved = f"{len(changes):,} of {changes.judged:,} orders would change street"
    lines = [f"{moved} ({versions}); nothing was changed."]
    if changes.skipped:
        lines.append(f"{changes.skipped:,} orders have no coordinates and stay as they are.")
    for row in changes.counts.head(MOST_LINES).itertuples():
        before = _name_street(row.from_code, row.from_name)
        after = _name_street(row.to_code, row.to_name)
        lines.append(f"{row.places:>9,}  {before} → {after}")
    if len(changes.counts) > MOST_LINES:
        lines.append(f"           … and {len(changes.counts) - MOST_LINES} more pairs of streets")
    if out is not None:
        lines.append(f"orders that would change: {out}")
    return "\n".join(lines)


def _name_street(code: object, name: object) -> str:
    if pd.isna(code):
        return "(no street)"
    return f"{name} {code}" if isinstance(name, str) and name != code else str(code)
