"""``gridgov plan``: hotspots and street plans from the orders of an earlier run."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from gridgov.pack.city import load_city
from planner.documents.pages import FORMS, Form
from planner.jobs.plan_job import PlanJobOptions, run_plan_job
from web.cli.console import StagePrinter
from web.kit.assets import find_assets

OFFICE_FORMS: tuple[Form, ...] = ("json", "html", "docx", "xlsx")
"""What an office works with; PDF takes a second a plan and is made where it is asked for."""

STAGES = {
    "pack": "city pack",
    "read": "reading orders",
    "hotspots": "hotspots",
    "counts": "count model",
    "plans": "street plans",
    "write": "writing",
}


@click.command(
    help="Find the hotspots in ORDERS (orders.parquet or orders.csv of gridgov run) and write the plans of streets "
    "with their pages to a folder. CITY is a city pack: its folder or its city.toml."
)
@click.argument("city", type=click.Path(path_type=Path, exists=True))
@click.argument("orders", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out", "out_dir", type=click.Path(path_type=Path), required=True, help="Folder to write."
)
@click.option(
    "--street",
    default="",
    help="Code, name or part of the name: plan this street alone, whatever its class.",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an earlier run: tasks keep their numbers, edits survive, the diagnosis compares.",
)
@click.option(
    "--form",
    "forms",
    multiple=True,
    type=click.Choice(FORMS),
    help="Form of each plan; repeat for several. [default: json, html, docx, xlsx]",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Look back from this moment, in the city's time. [default: end of the newest order's day]",
)
@click.option(
    "--unmasked", is_flag=True, help="Keep telephone and identity numbers in texts as they are."
)
@click.option("--dry-run", is_flag=True, help="Work everything out, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def plan(
    *,
    city: Path,
    orders: Path,
    out_dir: Path,
    street: str,
    previous: Path | None,
    forms: tuple[Form, ...],
    as_of: datetime | None,
    unmasked: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the plans."""
    show = StagePrinter(STAGES)
    show("pack", 0.0)
    pack = load_city(city)
    show("pack", 1.0)
    moment = None if as_of is None else pd.Timestamp(as_of).tz_localize(pack.settings.timezone)
    options = PlanJobOptions(
        assets_dir=find_assets(),
        street=street,
        previous=previous,
        forms=forms or OFFICE_FORMS,
        as_of=moment,
        is_masked=not unmasked,
        is_dry_run=dry_run,
    )
    summary = run_plan_job(pack, orders, out_dir, options=options, progress=show)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    click.echo(make_report(summary))
    if not dry_run:
        click.echo(f"open {out_dir / 'index.html'}")


def make_report(summary: dict[str, Any]) -> str:
    """Return the summary in a few lines for people."""
    lines = [
        f"{summary['city']}, as of {summary['as_of']}",
        "read {read:,} = located {located:,} + unlocated {unlocated:,} + rejected {rejected:,}".format(
            **summary["appeals"]
        ),
        f"hotspots {summary['hotspots']:,}, street plans {summary['plans']:,}",
    ]
    if summary["problems"]:
        lines.append(f"problems {summary['problems']:,}, each with row and reason in problems.csv")
    return "\n".join(lines)
