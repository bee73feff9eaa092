"""``gridgov report``: daily, weekly, monthly, review, yearly and special reports from the orders of an earlier run."""

import json
from datetime import datetime
from pathlib import Path

import click
import pandas as pd

from gridgov.pack.city import load_city
from planner.jobs.report_job import (
    FORMS,
    REPORT_KINDS,
    ReportForm,
    ReportJobOptions,
    run_report_job,
)
from web.cli.console import StagePrinter

STAGES = {
    "pack": "city pack",
    "read": "reading orders",
    "report": "counting",
    "write": "writing",
}


@click.command(
    help="Write reports of ORDERS (orders.parquet or orders.csv of gridgov run) to a folder: what came in, from where, "
    "about what, how it was solved. CITY is a city pack: its folder or its city.toml."
)
@click.argument("city", type=click.Path(path_type=Path, exists=True))
@click.argument("orders", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out", "out_dir", type=click.Path(path_type=Path), required=True, help="Folder to write."
)
@click.option(
    "--kind",
    type=click.Choice(REPORT_KINDS),
    default="monthly",
    show_default=True,
    help="review: a pack of each district and street; special: one of each surge at the moment.",
)
@click.option(
    "--period",
    default="",
    help="2025-05-31, 2025-W22, 2025-05 or 2025, by the kind. [default: the last that is over]",
)
@click.option(
    "--area", default="", help="Code, name or part of the name: the review pack of this one alone."
)
@click.option(
    "--form",
    "forms",
    multiple=True,
    type=click.Choice(FORMS),
    help="Repeat for several. [default: json, html, docx, pdf]",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Look back from this moment, in the city's time. [default: end of the newest order's day]",
)
@click.option("--dry-run", is_flag=True, help="Work everything out, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def report(
    *,
    city: Path,
    orders: Path,
    out_dir: Path,
    kind: str,
    period: str,
    area: str,
    forms: tuple[ReportForm, ...],
    as_of: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the reports."""
    show = StagePrinter(STAGES)
    show("pack", 0.0)
    pack = load_city(city)
    show("pack", 1.0)
    moment = None if as_of is None else pd.Timestamp(as_of).tz_localize(pack.settings.timezone)
    options = ReportJobOptions(
        kind=kind,
        period=period,
        area=area,
        as_of=moment,
        forms=forms or FORMS,
        is_dry_run=dry_run,
    )
    summary = run_report_job(pack, orders, out_dir, options=options, progress=show)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    names = summary["reports"]
    click.echo(
        f"{summary['city']}, {kind} {summary['period']}: {len(names):,} reports of {summary['orders']:,} orders, "
        f"as of {summary['as_of']}"
    )
    if not names:
        click.echo("nothing surges at this moment: no special report")
    elif not dry_run:
        click.echo(f"open {out_dir / names[0]}.{'html' if 'html' in options.forms else forms[0]}")
