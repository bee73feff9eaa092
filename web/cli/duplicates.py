"""``gridgov duplicates``: which appeals are about the same thing at the same place, and why."""

import json
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geodata.crs import find_utm_crs
from geodata.files import write_table
from geodata.problems import Problem
from geodata.spreadsheets import to_text
from gridgov.pack.duties import CityDuties, load_city_duties
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, read_times
from gridgov.rules.catalogue import Catalogue, find_catalogue
from gridgov.rules.constants import STATUS_TEXT, Constants
from gridgov.rules.issues.find import NEEDED_COLUMNS, Issues, find_issues
from gridgov.rules.issues.tables import IssueRole
from gridgov.rules.issues.weights import WEIGHTS
from web.cli.console import StagePrinter
from web.cli.orders_file import read_run_orders

STAGES = {"city": "city pack", "orders": "orders", "compare": "comparing appeals"}
NUMBERS = ("lon", "lat", "uncertainty_m")
MOST_ISSUES_SHOWN = 5
MOST_APPEALS_SHOWN = 4
CHARS_SHOWN = 40
MOST_PROBLEMS_SHOWN = 10
SUMMARY = (
    "{appeals} 件诉求归为 {issues} 个问题点位，其中 {issues_of_several_appeals} 个有多件诉求。",
    "他人同诉 {same} 件，本人重复反映 {repeat_by_person} 件。",
    "相关而不相同的 {related_pairs} 对；共比对 {compared_pairs} 对。",
    "阈值 {same_min}（{same_status}），权重{weight_status}；是否合并由人决定。",
)
NOTES = {
    "without_place": "{without_place} 件没有位置，只与同一来电人的诉求比对。",
    "without_time": "{without_time} 件没有可读的受理时间，未作比对。",
    "without_number": "{without_number} 件没有诉求编号，无法归入。",
}
"""Count → what is said where it is not 0."""


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.argument("orders", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Write every appeal with its issue: .csv, .xlsx or .parquet; related pairs go beside it, named …-related.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def duplicates(*, city: Path, orders: Path, out: Path, as_json: bool) -> None:
    """Find the issues that the appeals of ORDERS make up, and appeals that are only related.

    CITY is a city pack: its folder or its city.toml. ORDERS is the orders.parquet or orders.csv of gridgov run.
    Nothing is merged: the file says what a person may merge, with the reasons.
    """
    beside = out.with_name(f"{out.stem}-related{out.suffix}")
    if orders.resolve() in (out.resolve(), beside.resolve()):
        raise click.UsageError(f"--out {out} would write over ORDERS; expected another file")
    show = StagePrinter(STAGES)
    show("city", 0)
    pack = load_city_duties(city)
    show("city", 1)
    show("orders", 0)
    frame, notes = read_orders(orders, pack)
    for note in notes[:MOST_PROBLEMS_SHOWN]:
        click.echo(f"{note.severity}: {note}", err=True)
    if len(notes) > MOST_PROBLEMS_SHOWN:
        click.echo(f"… and {len(notes) - MOST_PROBLEMS_SHOWN} more", err=True)
    show("orders", 1)
    show("compare", 0)
    catalogue = find_catalogue(
        pack.catalogue, frame["item_code"].unique(), constants=pack.constants
    )
    found = find_issues(
        frame,
        metric_crs=find_metric_crs(frame),
        level1=make_level1(frame["item_code"], catalogue),
        names=catalogue.names,
        constants=pack.constants.table,
    )
    show("compare", 1)
    write_table(found.appeals, out)
    write_table(found.related, beside)
    facts = count_facts(frame, found) | {
        "constants": describe_constants(pack.constants),
        "out": str(out),
        "related_out": str(beside),
    }
    if as_json:
        click.echo(json.dumps(facts | {"synthetic": pack.synthetic}, ensure_ascii=False, indent=2))
        return
    click.echo("\n".join(_tell(facts, found, frame, pack)))


def read_orders(path: Path, pack: CityDuties) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the orders of a file with times and numbers in their types, and what could not be read.

    Raises
    ------
    InvalidDataError
        If the file, a column or its codes cannot be used.
    """
    frame, problems = read_run_orders(path, needed=NEEDED_COLUMNS, known=pack.known_codes)
    faults = RowFaults(str(path))
    for name in NUMBERS:
        given = to_text(frame[name])
        frame[name] = pd.to_numeric(given, errors="coerce").astype("float64")
        faults.rows(given, given.notna() & frame[name].isna(), "is no number; left open")
    received = frame["received_at"]
    frame["received_at"] = read_times(received, TimeRules(zone=pack.timezone), faults)
    faults.rows(
        received, to_text(received).notna() & frame["received_at"].isna(), "is no time; left open"
    )
    return frame.reset_index(drop=True), [*problems, *faults.problems()]


def find_metric_crs(frame: pd.DataFrame) -> str:
    """Return the UTM zone of the middle of the orders' places; where there are none, any will do."""
    lon, lat = frame["lon"].median(), frame["lat"].median()
    if pd.isna(lon) or pd.isna(lat):
        return "EPSG:32650"
    return find_utm_crs(lon, lat)


def make_level1(items: pd.Series, catalogue: Catalogue) -> dict[str, str]:
    """Return item code → level-1 code for the items that occur and that the catalogue knows."""
    codes = pd.Series(items.dropna().unique(), dtype="str")
    return dict(zip(codes, catalogue.find_top(codes), strict=True))


def count_facts(frame: pd.DataFrame, found: Issues) -> dict[str, Any]:
    """Return the counts of a search."""
    roles = found.appeals["role"].value_counts()
    sizes = found.appeals.loc[found.appeals["role"] == IssueRole.FIRST, "appeals"]
    return {
        "orders": len(frame),
        "appeals": len(found.appeals),
        "without_number": int(frame["appeal_no"].isna().sum()),
        "without_time": int(frame["received_at"].isna().sum()),
        "without_place": int(frame["lon"].isna().sum()),
        "issues": found.count,
        "issues_of_several_appeals": int((sizes > 1).sum()),
        "same": int(roles.get(IssueRole.SAME, 0)),
        "repeat_by_person": int(roles.get(IssueRole.REPEAT_BY_PERSON, 0)),
        "related_pairs": len(found.related),
        "compared_pairs": found.compared,
    }


def describe_constants(constants: Constants) -> dict[str, dict[str, Any]]:
    """Return the constants of the search, each with value and status."""
    used = (one for name, one in constants.table.items() if name.startswith("duplicates."))
    return {one.name: {"value": one.value, "status": one.status} for one in used}


def _tell(facts: dict[str, Any], found: Issues, frame: pd.DataFrame, pack: CityDuties) -> list[str]:
    mark = " · 合成数据" if pack.synthetic and "合成" not in pack.name else ""
    counts = {name: f"{value:,}" for name, value in facts.items() if isinstance(value, int)}
    same = pack.constants.get("duplicates.same_min")
    counts |= {
        "same_min": str(same.value),
        "same_status": STATUS_TEXT[same.status],
        "weight_status": STATUS_TEXT[pack.constants.get(WEIGHTS[0]).status],
    }
    lines = [pack.name + mark, *(line.format(**counts) for line in SUMMARY)]
    lines += [line.format(**counts) for name, line in NOTES.items() if facts[name]]
    lines += _tell_issues(found, frame)
    return [*lines, "", f"已写出：{facts['out']}", f"已写出：{facts['related_out']}"]


def _tell_issues(found: Issues, frame: pd.DataFrame) -> list[str]:
    """Return the largest issues by persons, with their first appeals."""
    first = found.appeals[
        (found.appeals["role"] == IssueRole.FIRST) & (found.appeals["appeals"] > 1)
    ]
    largest = first.nlargest(MOST_ISSUES_SHOWN, ["persons", "appeals"])
    rows = frame.drop_duplicates("appeal_no").set_index("appeal_no")
    texts = rows["text"].fillna(rows["item_code"]).fillna("").astype("str").str[:CHARS_SHOWN]
    has_persons = "person_key" in rows and bool(rows["person_key"].notna().any())
    lines = []
    for issue in largest.itertuples():
        persons = f" · {issue.persons} 人" if has_persons else ""
        lines += ["", f"{issue.issue_no} · {issue.appeals} 件诉求{persons}"]
        own = found.appeals[found.appeals["issue_no"] == issue.issue_no]
        for row in own.head(MOST_APPEALS_SHOWN).itertuples():
            lines.append(f"  {row.appeal_no} {texts[row.appeal_no]} · {row.reasons}")
        if len(own) > MOST_APPEALS_SHOWN:
            lines.append(f"  … 另有 {len(own) - MOST_APPEALS_SHOWN} 件")
    return lines
