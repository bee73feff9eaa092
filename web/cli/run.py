"""``gridgov run``: the main job, from a file of appeals to street plans."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from gridgov.jobs.model_file import read_model
from gridgov.pack.city import load_city
from gridgov.progress import Progress
from planner.jobs.main_job import MainJobOptions, run_main_job
from web.cli.console import StagePrinter
from web.kit.assets import find_assets

STAGES = {
    "pack": "city pack",
    "read": "reading appeals",
    "territory": "boundaries and grid",
    "places": "placing addresses",
    "jurisdiction": "streets and cells",
    "items": "catalogue items",
    "dispatch": "units and routes",
    "deadlines": "deadlines",
    "hotspots": "hotspots",
    "counts": "count model",
    "plans": "street plans",
    "write": "writing",
}


@click.command(help="Turn the appeals of FILE into orders, hotspots and street plans in a folder.")
@click.argument("city", type=click.Path(path_type=Path, exists=True))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out", "out_dir", type=click.Path(path_type=Path), required=True, help="Folder to write."
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Look back from this moment, in the city's time. [default: end of the newest appeal's day]",
)
@click.option(
    "--unmasked", is_flag=True, help="Keep telephone and identity numbers in texts as they are."
)
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Classifier made by 'gridgov train', for appeals without an item.",
)
@click.option("--dry-run", is_flag=True, help="Work everything out, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def run(
    *,
    city: Path,
    file: Path,
    out_dir: Path,
    as_of: datetime | None,
    unmasked: bool,
    model: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run the main job."""
    options = MainJobOptions(
        assets_dir=find_assets(),
        as_of=as_of,
        is_masked=not unmasked,
        is_dry_run=dry_run,
        classifier=None if model is None else read_model(model),
    )
    summary = run_and_report(city, file, out_dir, options=options, progress=StagePrinter(STAGES))
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    click.echo(make_report(summary))
    if not dry_run:
        click.echo(f"open {out_dir / 'index.html'}")


def run_and_report(
    city_path: Path, file: Path, out_dir: Path, *, options: MainJobOptions, progress: Progress
) -> dict[str, Any]:
    """Load the pack, run the main job and return its summary."""
    progress("pack", 0.0)
    city = load_city(city_path)
    progress("pack", 1.0)
    if options.as_of is not None:
        moment = pd.Timestamp(options.as_of).tz_localize(city.settings.timezone)
        options = replace(options, as_of=moment)
    return run_main_job(city, file, out_dir, options=options, progress=progress)


def make_report(summary: dict[str, Any]) -> str:
    """Return the summary in a few lines for people."""
    appeals = summary["appeals"]
    lines = [
        f"{summary['city']}, as of {summary['as_of']}",
        "read {read:,} = located {located:,} + unlocated {unlocated:,} + rejected {rejected:,}".format(
            **appeals
        ),
        f"orders {summary['orders']:,}, for a person to look at {summary['review']:,}",
    ]
    if summary.get("street_unknown"):
        lines.append(f"inside the city but in no known street {summary['street_unknown']:,}")
    if summary.get("recorded"):
        share = summary["recorded_agree"] / summary["recorded"]
        lines.append(
            f"same street as in the export {summary['recorded_agree']:,} of {summary['recorded']:,} ({share:.2%})"
        )
    lines.append(f"hotspots {summary['hotspots']:,}, street plans {summary['plans']:,}")
    if summary["problems"]:
        lines.append(f"problems {summary['problems']:,}, each with row and reason in problems.csv")
    return "\n".join(lines)
