"""``gridgov boundaries``: what is wrong with a boundary set, as a layer, and a repair that a person may take."""

import json
from collections import Counter
from pathlib import Path
from typing import TypedDict, Unpack

import click
import geopandas as gpd

from geodata.coverage import CoverageReport, RepairProposal, check_coverage, propose_repair
from geodata.crs import check_metric_crs
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, write_layer, write_table
from geodata.paths import check_replaceable, replace_folder
from geodata.problems import Problem, has_errors, make_problem_frame
from web.cli.console import CRS_HELP, DATUM_DEFAULT, StagePrinter, declaring_by

STAGES = {
    "reading": "boundaries",
    "checking": "rings, overlaps, gaps, nesting",
    "repairing": "a proposed repair",
    "writing": "files",
}
EXIT_WRONG_INPUT = 2
MOST_PROBLEMS_SHOWN = 20


class Options(TypedDict):
    """Options of the command."""

    areas: Path
    key: str
    out: Path
    datum: str | None
    crs: str | None
    metric_crs: str | None
    parents: Path | None
    parent_key: str | None
    previous: Path | None
    gap_width_m: float
    dry_run: bool
    as_json: bool


@click.command()
@click.argument("areas", type=click.Path(path_type=Path))
@click.option("--key", required=True, help="Column of AREAS with the code of each area.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--datum", show_default=DATUM_DEFAULT, help="WGS84, CGCS2000, GCJ-02 or BD-09.")
@click.option("--crs", help=CRS_HELP)
@click.option("--metric-crs", help="Projected system in metres, e.g. EPSG:4548; UTM otherwise.")
@click.option("--parents", type=click.Path(path_type=Path), help="The level above, same datum.")
@click.option("--parent-key", help="Column of PARENTS with their codes; KEY otherwise.")
@click.option(
    "--previous", type=click.Path(path_type=Path), help="The last version, same KEY and datum."
)
@click.option(
    "--gap-width-m",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, max=1000),
    help="Gaps up to this width are closed in the proposal; wider ones stay for a person.",
)
@click.option("--dry-run", is_flag=True, help="Do everything but write the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print counts and problems as JSON.")
def boundaries(**options: Unpack[Options]) -> int:
    """Find everything wrong with the boundary set AREAS and propose a repair.

    Writes faults.gpkg (each fault with its place, area and width), problems.csv, repaired.gpkg and
    changes.csv (what the repair would change, per area). AREAS itself is never changed: look at the
    changes, then put repaired.gpkg into the pack, or not. Exit code 2 if there are errors.
    """
    show = StagePrinter(STAGES)
    check_replaceable(options["out"])
    show("reading", 0.0)
    areas, problems = _read(options["areas"], options["key"], options)
    metric_crs = _find_metric(areas, options["metric_crs"])
    show("checking", 0.0)
    report = _check(areas, metric_crs, options)
    show("repairing", 0.0)
    proposal = propose_repair(
        areas,
        report,
        key=options["key"],
        metric_crs=metric_crs,
        gap_width_m=options["gap_width_m"],
    )
    found = list(dict.fromkeys(problems + report.problems))
    if not options["dry_run"]:
        show("writing", 0.0)
        _write(options["out"], found, report, proposal)
    show("writing", 1.0)
    _tell(found, report, proposal, options)
    return EXIT_WRONG_INPUT if has_errors(found) else 0


def _read(path: Path, key: str, options: Options) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    with declaring_by("--datum", "--crs"):
        areas, problems = read_layer(path, datum=options["datum"], code=key, crs=options["crs"])
    if areas.empty:
        raise InvalidDataError(problems)
    return areas, problems


def _find_metric(areas: gpd.GeoDataFrame, metric_crs: str | None) -> str:
    if metric_crs is not None:
        return check_metric_crs(metric_crs)
    try:
        return str(areas.estimate_utm_crs())
    except (RuntimeError, ValueError) as error:
        raise GeodataError("no UTM zone fits the areas; name one with --metric-crs") from error


def _check(areas: gpd.GeoDataFrame, metric_crs: str, options: Options) -> CoverageReport:
    parents, previous = options["parents"], options["previous"]
    parent_key = options["parent_key"] or options["key"]
    upper = None if parents is None else _read(parents, parent_key, options)[0]
    before = None if previous is None else _read(previous, options["key"], options)[0]
    return check_coverage(
        areas,
        key=options["key"],
        metric_crs=metric_crs,
        layer_name=str(options["areas"]),
        parents=upper,
        parent_key=parent_key,
        previous=before,
    )


def _write(
    out: Path, problems: list[Problem], report: CoverageReport, proposal: RepairProposal
) -> None:
    with replace_folder(out) as folder:
        write_layer(report.faults, folder / "faults.gpkg")
        write_table(make_problem_frame(problems), folder / "problems.csv")
        write_layer(proposal.areas, folder / "repaired.gpkg")
        write_table(proposal.changes, folder / "changes.csv")


def _tell(
    problems: list[Problem],
    report: CoverageReport,
    proposal: RepairProposal,
    options: Options,
) -> None:
    if options["as_json"]:
        answer = {
            "areas": report.areas,
            "usable": not has_errors(problems),
            "faults": dict(Counter(report.faults["kind"])),
            "severities": dict(Counter(report.faults["severity"])),
            "areas_changed": len(proposal.changes),
            "remaining": dict(Counter(proposal.remaining.faults["kind"])),
        }
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for problem in problems[:MOST_PROBLEMS_SHOWN]:
        click.echo(f"{problem.severity}: {problem}")
    if len(problems) > MOST_PROBLEMS_SHOWN:
        click.echo(f"… and {len(problems) - MOST_PROBLEMS_SHOWN} more in problems.csv")
    click.echo(report.summarise())
    click.echo(f"proposed repair: {proposal.summarise()}")
    click.echo(f"after it: {proposal.remaining.summarise()}")
    if not options["dry_run"]:
        click.echo(f"written to {options['out']}; {options['areas']} is unchanged")
