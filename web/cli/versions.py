"""``gridgov versions``: boundary sets in a store: loaded, checked, then put in force from a day."""

import getpass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import geopandas as gpd

from geodata.coverage import check_coverage
from geodata.files import read_layer, write_layer
from geodata.problems import Problem, has_errors
from geodata.versions import BoundarySet, VersionStore
from web.cli.console import CRS_HELP, DATUM_DEFAULT, declaring_by

MOST_PROBLEMS_SHOWN = 20

BY = click.option(
    "--by", default=getpass.getuser, show_default="your account", help="Who does it; recorded."
)
STORE = click.argument("store", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def versions() -> None:
    """Keep versions of boundaries: load (inactive), accept, activate from a day, list.

    A version never changes once it is loaded, and loading never touches the one in force.
    """


@versions.command("list")
@STORE
def list_versions(store: Path) -> None:
    """List the versions of STORE: layer, version, state, first day, first day no more in force."""
    sets = VersionStore(store).read()
    if not sets:
        click.echo(
            f"{store} holds no version yet: gridgov versions load {store} LAYER_FILE --key COL …"
        )
    for one in sets:
        click.echo(_describe(one))


@versions.command()
@STORE
@click.argument("areas", type=click.Path(path_type=Path))
@click.option("--key", required=True, help="Column of AREAS with the code of each area.")
@click.option("--layer", default="streets", show_default=True)
@click.option("--version", "version", required=True, help="Name of the new version.")
@click.option("--datum", show_default=DATUM_DEFAULT, help="WGS84, CGCS2000, GCJ-02 or BD-09.")
@click.option("--crs", help=CRS_HELP)
@click.option("--metric-crs", required=True, help="Projected system in metres, e.g. EPSG:4548.")
@BY
def load(
    *,
    store: Path,
    areas: Path,
    key: str,
    layer: str,
    version: str,
    datum: str | None,
    crs: str | None,
    metric_crs: str,
    by: str,
) -> int:
    """Load AREAS as a new version, inactive, and check it. Exit code 2 if it has errors."""
    with declaring_by("--datum", "--crs"):
        frame, problems = read_layer(areas, datum=datum, code=key, crs=crs)
    check = partial(_check, key=key, metric_crs=metric_crs, layer_name=layer, read=problems)
    loaded, found = VersionStore(store).load_version(
        frame, layer, version, check=check, by=by, at=datetime.now(UTC)
    )
    for problem in found[:MOST_PROBLEMS_SHOWN]:
        click.echo(f"{problem.severity}: {problem}", err=True)
    if len(found) > MOST_PROBLEMS_SHOWN:
        click.echo(f"… and {len(found) - MOST_PROBLEMS_SHOWN} more", err=True)
    click.echo(_describe(loaded))
    return 2 if has_errors(found) else 0


def _check(
    frame: gpd.GeoDataFrame, *, key: str, metric_crs: str, layer_name: str, read: list[Problem]
) -> list[Problem]:
    report = check_coverage(frame, key=key, metric_crs=metric_crs, layer_name=layer_name)
    return [*read, *report.problems]


@versions.command()
@STORE
@click.argument("version")
@click.option("--layer", default="streets", show_default=True)
@click.option("--reason", required=True, help="Why it is good enough in spite of its errors.")
@BY
def accept(*, store: Path, version: str, layer: str, reason: str, by: str) -> None:
    """Accept VERSION in spite of the errors its check found; the reason is recorded."""
    done = VersionStore(store).accept(layer, version, reason=reason, by=by, at=datetime.now(UTC))
    click.echo(_describe(done))


@versions.command()
@STORE
@click.argument("version")
@click.option("--layer", default="streets", show_default=True)
@click.option(
    "--from",
    "valid_from",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day in force.",
)
@BY
def activate(*, store: Path, version: str, layer: str, valid_from: datetime, by: str) -> None:
    """Put VERSION in force from a day; the one before retires that day and still judges its own days."""
    done = VersionStore(store).activate(
        layer, version, valid_from=valid_from.date(), by=by, at=datetime.now(UTC)
    )
    click.echo(_describe(done))


@versions.command()
@STORE
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--layer", default="streets", show_default=True)
@click.option(
    "--on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day that is asked for."
)
def export(*, store: Path, out: Path, layer: str, on: datetime) -> None:
    """Write the boundaries in force on a day to OUT (.gpkg, .geojson, .parquet), for a city pack."""
    found, areas = VersionStore(store).get_in_force(layer, on.date())
    write_layer(areas, out)
    click.echo(f"{_describe(found)} → {out}")


def _describe(one: BoundarySet) -> str:
    last = one.events[-1]
    span = f"{one.valid_from or '–'} to {one.valid_to or '–'}"
    return (
        f"{one.layer} {one.version}: {one.state}, in force {span}, {one.features} areas, "
        f"last step {last.step} by {last.by} at {last.at:%Y-%m-%d %H:%M}"
    )
