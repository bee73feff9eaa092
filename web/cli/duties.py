"""``gridgov duties``: where a duty list is broken, on whom everything waits, where orders bounce."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gridgov.jobs.duty_report import DutyReport, make_duty_report
from gridgov.pack.duties import CityDuties, load_city_duties

Row = Mapping[str, Any]
ROWS_SHOWN = 10
FAULT = ("kind", "scenes", "duties", "units", "items", "circle", "cut", "text")


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--orders",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="orders.parquet or orders.csv of gridgov run: real demand, and who solved what.",
)
@click.option(
    "--transfers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of order_no (or appeal_no), at, from_unit, to_unit.",
)
@click.option(
    "--date",
    "on_date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day whose duty list counts. Default: today in the city.",
)
@click.option("--top", default=10, show_default=True, type=click.IntRange(1), help="Rows a list.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def duties(
    *,
    city: Path,
    orders: Path | None,
    transfers: Path | None,
    on_date: datetime | None,
    top: int,
    as_json: bool,
) -> None:
    """Say what is wrong with the duty list of CITY, and what history says about it.

    CITY is a city pack: its folder or its city.toml.
    """
    pack = load_city_duties(city)
    day = (on_date or datetime.now(pack.timezone)).date()
    report = make_duty_report(pack, day, orders_file=orders, transfers_file=transfers)
    for problem in report.problems:
        click.echo(f"{problem.severity}: {problem}", err=True)
    _warn_rejected(report, transfers)
    if as_json:
        facts = _make_facts(report, top)
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2, default=str, allow_nan=False))
        return
    click.echo("\n".join(_tell(report, pack, top)))


def _warn_rejected(report: DutyReport, transfers: Path | None) -> None:
    rejected = () if report.bounces is None else report.bounces.rejected
    if rejected:
        rows = ", ".join(str(row + 2) for row in rejected[:ROWS_SHOWN])
        more = ", …" if len(rejected) > ROWS_SHOWN else ""
        click.echo(
            f"warning: {transfers}: {len(rejected)} transfers are not used (rows {rows}{more}); "
            "expected an order, a time and two different units",
            err=True,
        )


def _make_facts(report: DutyReport, top: int) -> dict[str, Any]:
    bounces, practice = report.bounces, report.practice
    return {
        "on_date": report.on_date,
        "faults": [{name: getattr(fault, name) for name in FAULT} for fault in report.faults],
        "pressure": report.pressure.head(top).to_dict("records"),
        "loops": None if bounces is None else bounces.loops.head(top).to_dict("records"),
        "groups": None if bounces is None else bounces.groups.head(top).to_dict("records"),
        "amendments": None if practice is None else practice.head(top).to_dict("records"),
    }


def _tell(report: DutyReport, pack: CityDuties, top: int) -> Iterator[str]:
    graph = report.graph
    counts = f"{len(graph.scenes)}个场景、{len(graph.duties)}项职责、{len(graph.units)}家单位"
    yield f"{pack.name} · {report.on_date.isoformat()} · 职责清单：{counts}"
    yield from _tell_section("清单问题", (fault.text for fault in report.faults))
    pressed = report.pressure[report.pressure["waiting"] > 0].head(top).to_dict("records")
    yield from _tell_section("压力最大的单位", map(_tell_pressure, pressed))
    if report.bounces is not None:
        loops = report.bounces.loops.head(top).to_dict("records")
        yield from _tell_section("来回转办", (_tell_loop(row, report) for row in loops))
    if report.practice is not None:
        rows = report.practice.head(top).to_dict("records")
        yield from _tell_section("实际办理与清单不符", (row["proposal"] for row in rows))


def _tell_section(title: str, sentences: Iterable[str]) -> Iterator[str]:
    lines = list(sentences)
    yield ""
    yield f"【{title}】" + ("" if lines else "无")
    yield from (f"  {line}" for line in lines)


def _tell_pressure(row: Row) -> str:
    sole = f"，{row['sole_duties']}项职责仅此一家承担" if row["sole_duties"] else ""
    weak = "，属单点风险" if row["single_point"] else ""
    return (
        f"{row['name']}：涉及{row['scenes']}个场景、{row['orders']:.0f}件工单；"
        f"其他职责等待它{row['waiting']:.0f}件次；每晚{row['late_days']:g}天，"
        f"{row['late_scenes']}个场景推迟，合计延误{row['late_order_days']:.0f}件·天{sole}{weak}"
    )


def _tell_loop(row: Row, report: DutyReport) -> str:
    names = [report.graph.name_of(unit) for unit in (*row["loop"], row["loop"][0])]
    places = f"（涉及{len(row['places'])}个）" if row["places"] else ""
    items = [
        report.graph.items[code].name for code in row["item_codes"] if code in report.graph.items
    ]
    about = f"，主要事项：{'、'.join(items)}" if items else ""
    return (
        f"{' → '.join(names)}{places}：{row['orders']}件工单转回{row['times']}次，"
        f"合计耽误{row['days_lost']:.0f}天{about}"
    )
