"""``gridgov load``: a city pack, and files of appeals, into the database."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geodata.files import write_table
from gridgov.jobs.model_file import read_model
from gridgov.jobs.pipeline import Classify
from gridgov.pack.city import City, load_city
from gridgov.services.intake.checks import LENGTHS
from gridgov.services.load.batches import (
    BATCH_ROWS,
    LoadOptions,
    LoadResult,
    load_appeals,
    summarize,
)
from gridgov.services.load.pack import load_pack
from gridgov.services.salt import find_salt
from gridgov.services.settings import read_settings
from gridgov.storage.audit.log import clean_text
from gridgov.storage.db import make_sessions, open_engine, transaction
from planner.jobs.main_job import make_classify
from planner.jobs.store import plan_database
from web.cli.console import StagePrinter

STAGES = {
    "pack": "city pack",
    "read": "reading appeals",
    "territory": "boundaries and grid",
    "load": "orders into the database",
    "hotspots": "hotspots",
    "plans": "street plans",
}
LONGEST_SOURCE = LENGTHS["source"]


def _check_source(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return the name of a system of appeals: without one, numbers of two systems would be the same appeal."""
    source = clean_text(value).strip()
    if not 0 < len(source) <= LONGEST_SOURCE:
        found = f"{len(source)} characters"
        raise click.BadParameter(f"found {found}, expected a name of 1 to {LONGEST_SOURCE}.")
    return source


@click.command(help="Load the pack CITY, and the appeals of FILE, into the database.")
@click.argument("city", type=click.Path(path_type=Path, exists=True))
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option(
    "--source",
    default="12345",
    callback=_check_source,
    show_default=True,
    help="System from which the appeals come; with the number it makes an appeal unique.",
)
@click.option(
    "--batch",
    "batch_rows",
    type=click.IntRange(1),
    default=BATCH_ROWS,
    show_default=True,
    help="Appeals in one transaction.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Take this moment for now, in the city's time. [default: now]",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Classifier made by 'gridgov train', for appeals without an item.",
)
@click.option(
    "--problems",
    "problems_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table to write of the rows that could not be used.",
)
@click.option(
    "--plan", "is_planned", is_flag=True, help="Then find hotspots and make street plans."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def load(
    *,
    city: Path,
    file: Path | None,
    is_planned: bool,
    problems_path: Path | None,
    as_of: datetime | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Load a pack and a file; a second start goes on where the first was stopped."""
    settings = read_settings()
    with open_engine(settings.database_url) as engine:
        printer = StagePrinter(STAGES)
        printer("pack", 0.0)
        pack = load_city(city)
        now = find_now(pack, as_of, behind_min=settings.clock_behind_min)
        sessions = make_sessions(engine)
        with transaction(sessions) as session:
            changes = load_pack(session, pack, at=now)
        printer("pack", 1.0)
        figures: dict[str, Any] = {"city": pack.name, "pack": changes}
        if file is not None:
            options = LoadOptions(
                source=chosen["source"],
                as_of=now,
                batch_rows=chosen["batch_rows"],
                salt=find_salt(settings.salt, engine),
                classify=_make_classify(chosen["model"]),
            )
            result = load_appeals(sessions, pack, file, options=options, progress=printer)
            figures["appeals"] = summarize(result)
            _tell_problems(result, problems_path)
        if is_planned:
            with transaction(sessions) as session:
                figures["planning"] = plan_database(session, pack, as_of=now, progress=printer)
    click.echo(json.dumps(figures, ensure_ascii=False) if as_json else make_report(figures))


def _tell_problems(result: LoadResult, path: Path | None) -> None:
    """Write the table of rows that could not be used, or say how to get it."""
    if path is not None:
        write_table(result.problems, path)
    elif result.rejected:
        click.echo("why rows were rejected: --problems FILE writes each with its fault", err=True)


def _make_classify(model: Path | None) -> Classify | None:
    return None if model is None else make_classify(read_model(model))


def find_now(city: City, as_of: datetime | None, *, behind_min: int) -> datetime:
    """Return the moment to work in: the one that was given, in the city's time, else now."""
    if as_of is None:
        return datetime.now(UTC) - timedelta(minutes=behind_min)
    moment: datetime = pd.Timestamp(as_of).tz_localize(str(city.settings.timezone)).to_pydatetime()
    return moment


def make_report(figures: dict[str, Any]) -> str:
    """Return the figures in a few lines for people."""
    pack = figures["pack"]
    lines = [
        f"{figures['city']}: "
        + (
            f"{pack['units']:,} units, {pack['items']:,} items, {pack['duties']:,} duties, {pack['areas']:,} new areas"
            if pack["changed"]
            else "this pack was loaded already"
        )
    ]
    lines += [f"boundaries in force: {version}" for version in pack["activated"]]
    if "waits_until" in pack:
        lines.append(
            f"its boundaries come into force on {pack['waits_until']}; until then the city runs as before"
        )
    appeals = figures.get("appeals")
    if appeals:
        lines.append(
            "read {read:,} = added {added:,} + known {known:,} + rejected {rejected:,}".format(
                **appeals
            )
        )
        if appeals["resumed"]:
            lines.append(f"of these {appeals['resumed']:,} were taken in by an earlier start")
    if "planning" in figures:
        lines.append(
            "{hotspots:,} hotspots, {plans:,} new street plans".format(**figures["planning"])
        )
    return "\n".join(lines)
