"""``gridgov check``: everything wrong with a city pack, at once."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from geodata.errors import InvalidDataError
from geodata.problems import Problem
from gridgov.pack.city import City, check_city
from gridgov.pack.duties import find_duty_problems, join_problems
from gridgov.reading.appeals import read_appeals
from planner.documents.docx import check_template
from planner.documents.typst_files import load_fonts
from planner.errors import PlannerError
from web.cli.console import StagePrinter

EXIT_WRONG_INPUT = 2
MOST_SHOWN = 200
ROWS_OF_APPEALS = 1_000
"""Rows of an export that are tried: whatever is wrong with its form is wrong in them."""


@click.command(
    help="Find everything wrong with the pack CITY (city.toml or its folder) and say file, row, column, "
    "value and what was expected; with APPEALS also with the first thousand rows of an export. Nothing is written "
    "into the pack. Exit code 2 if there are errors in the pack or no row of APPEALS can be used."
)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("appeals", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print problems and counts as JSON.")
@click.option("--quick", is_flag=True, help="Leave out the borders of communities.")
def check(city: Path, *, appeals: Path | None, as_json: bool, quick: bool) -> int:
    """Print the problems of a pack and return the exit code."""
    show = StagePrinter({"pack": "reading and checking the pack"})
    show("pack", 0.0)
    loaded, problems = check_city(city, deep=not quick)
    if loaded is not None:
        today = datetime.now(loaded.settings.timezone).date()
        problems = join_problems(problems, find_duty_problems(loaded, today))
        problems = [*problems, *find_missing_layers(loaded), *find_document_problems(loaded)]
    show("pack", 1.0)
    usable = loaded is not None
    if loaded is not None and appeals is not None:
        found, usable = find_appeal_problems(loaded, appeals)
        problems = [*problems, *found]
    problems = sorted(problems, key=lambda problem: problem.severity)
    if as_json:
        click.echo(json.dumps(_make_answer(loaded, problems), ensure_ascii=False, indent=2))
    else:
        _print_lines(city, loaded, problems)
        if loaded is not None and not usable:
            click.echo(f"{appeals}: none of the first {ROWS_OF_APPEALS:,} rows can be used")
    return 0 if usable else EXIT_WRONG_INPUT


def find_appeal_problems(city: City, path: Path) -> tuple[list[Problem], bool]:
    """Return what is wrong with the first rows of an export, and whether any of them can be used."""
    try:
        read = read_appeals(city, path, most_rows=ROWS_OF_APPEALS)
    except InvalidDataError as error:
        return error.problems, False
    rows = read.problems.astype(object).where(read.problems.notna(), None)
    return [Problem(**row) for row in rows.to_dict("records")], not read.appeals.empty


def find_missing_layers(city: City) -> list[Problem]:
    """Return what addresses cannot be told for want of a layer: a district says nothing without its area."""
    if "districts" in city.layers:
        return []
    return [
        Problem(
            file=str(city.settings.file),
            field="layers.districts",
            problem="no layer of districts: a district in an address does not help to place it, and of two "
            "roads of one name in two districts neither can be chosen",
            expected="[layers.districts] path = … with the outlines and names of the city's districts",
            severity="warning",
        )
    ]


def find_document_problems(city: City) -> list[Problem]:
    """Return what is wrong with the form of the city's documents: its template, and faces that are not there."""
    settings, found = city.settings.documents, []
    if settings.template is not None:
        try:
            check_template(settings.template)
        except PlannerError as error:
            found.append(
                Problem(
                    file=str(city.settings.file),
                    field="documents.template",
                    value=settings.template.name,
                    problem=str(error),
                    expected="a template from which documents can be made",
                    severity="warning",
                )
            )
    if settings.template is not None or settings.fonts is not None:
        try:
            missing = load_fonts(settings.fonts).missing
        except PlannerError as error:
            missing = (str(error),)
        if missing:
            found.append(
                Problem(
                    file=str(city.settings.file),
                    field="documents.fonts",
                    value="、".join(missing),
                    problem="faces of GB/T 9704 are not on this machine; others take their place in PDF",
                    expected="font files in the folder [documents] fonts, or installed",
                    severity="warning",
                )
            )
    return found


def _make_answer(city: City | None, problems: list[Problem]) -> dict[str, Any]:
    severities = Counter(problem.severity for problem in problems)
    return {
        "usable": city is not None,
        "errors": severities["error"],
        "warnings": severities["warning"],
        "contents": {} if city is None else count_contents(city),
        "assumed": [] if city is None else [str(c) for c in city.settings.constants.assumed()],
        "problems": [asdict(problem) for problem in problems],
    }


def count_contents(city: City) -> dict[str, int]:
    """Return how many of each thing a pack holds."""
    counts = {role: len(layer) for role, layer in city.layers.items()}
    counts |= {role: len(table) for role, table in city.tables.items()}
    counts["gazetteer"] = sum(len(source.frame) for source in city.sources)
    return counts


def _print_lines(path: Path, city: City | None, problems: list[Problem]) -> None:
    for problem in problems[:MOST_SHOWN]:
        click.echo(f"{problem.severity}: {problem}")
    if len(problems) > MOST_SHOWN:
        click.echo(f"… and {len(problems) - MOST_SHOWN} more; --json gives all")
    errors = sum(problem.severity == "error" for problem in problems)
    found = f"{errors} errors, {len(problems) - errors} warnings"
    if city is None:
        click.echo(f"{path}: {found}; the pack cannot be used until the errors are mended")
        return
    counts = ", ".join(f"{number} {role}" for role, number in count_contents(city).items())
    assumed = len(city.settings.constants.assumed())
    click.echo(f"{city.name}: {counts}")
    click.echo(f"{assumed} constants are assumed, not documented; --json lists them")
    click.echo(f"{path}: {found}; the pack can be used")
