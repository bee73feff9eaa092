"""``gridgov rates``: three rates, scores and ranks of a month, from callbacks only."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click
import pandas as pd

from geodata.errors import GeodataError
from geodata.files import WRITABLE_TABLES, write_table
from gridgov.jobs.rate_files import RateFiles
from gridgov.jobs.rate_report import RateReport, get_month, make_rate_report
from gridgov.rules.constants import STATUS_TEXT, Constants
from gridgov.rules.order_labels import get_label
from gridgov.rules.rates.score import find_weights, make_weights
from gridgov.rules.rates.window import find_first_day, make_window_rules
from gridgov.rules.streets import CLASSES
from gridgov.rules.streets.class_decisions import make_decision_form

MOST_PROBLEMS_SHOWN = 10
TOLD = {
    "rates.basically_share": "基本满意按",
    "rates.callbacks_min": "参加排名最少有效回访",
    "rates.commended_share": "通报表扬比例",
    "rates.interview_share": "末位约谈比例",
}
"""Constants that a reader must know, and their words."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Options(TypedDict):
    """Options of the command."""

    city: Path
    orders: Path
    month: str | None
    callbacks: Path | None
    exclusions: Path | None
    decisions: Path | None
    proposals: Path | None
    responsible: Any
    as_of: datetime | None
    out: Path | None
    top: int
    as_json: bool


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.argument("orders", type=_FILE)
@click.option("--month", help="Assessed month, such as 2025-03. Default: the last whole month.")
@click.option(
    "--callbacks", type=_FILE, help="Table of order_no, called_at, contacted, solved, satisfied."
)
@click.option(
    "--exclusions",
    type=_FILE,
    help="Table of order_no, reason_code, proposed_by, proposed_at, approved_by, approved_at.",
)
@click.option(
    "--decisions",
    type=_FILE,
    help="Table of decisions on street classes: street_code, from_month, proposed, decided, decided_by, decided_at, "
    "reason.",
)
@click.option(
    "--proposals",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what the rules propose for the month here, to be filled in and given back as --decisions.",
)
@click.option(
    "--responsible",
    type=click.Choice(["handled", "dispatched"]),
    default="handled",
    show_default=True,
    help="Count orders for the unit that the export names, or for the one dispatched to.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Moment of the judgement in the city's time; later callbacks do not count. Default: now.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the table here."
)
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Rows a group.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rates(**options: Unpack[Options]) -> None:
    """Rank the units of CITY by what people said in callbacks.

    CITY is a city pack: its folder or its city.toml. ORDERS is orders.parquet or orders.csv of gridgov run.
    """
    out, proposals = options["out"], options["proposals"]
    for file in (out, proposals):
        if file is not None and file.suffix.lower() not in WRITABLE_TABLES:
            raise GeodataError(
                f"{file}: expected a file ending in {', '.join(sorted(WRITABLE_TABLES))}"
            )
    files = RateFiles(
        orders=options["orders"],
        callbacks=options["callbacks"],
        exclusions=options["exclusions"],
        decisions=options["decisions"],
    )
    moment = options["as_of"] or datetime.now().astimezone()
    report = make_rate_report(
        options["city"], files, as_of=pd.Timestamp(moment), responsible=options["responsible"]
    )
    _warn(report)
    month = get_month(report, options["month"])
    table = report.table[report.table["month"] == month]
    written = [file for file in (out, proposals) if file is not None]
    if out is not None:
        write_table(table, out)
    if proposals is not None:
        rows = report.classes[report.classes["month"] == month]
        write_table(make_decision_form(rows, report.names), proposals)
    if options["as_json"]:
        click.echo(json.dumps(_make_facts(report, month, table), ensure_ascii=False, indent=2))
        return
    click.echo("\n".join(_tell(report, month, table, options["top"])))
    for file in written:
        click.echo(f"written: {file}")


def _warn(report: RateReport) -> None:
    for problem in report.problems[:MOST_PROBLEMS_SHOWN]:
        click.echo(f"{problem.severity}: {problem}", err=True)
    if len(report.problems) > MOST_PROBLEMS_SHOWN:
        click.echo(f"… and {len(report.problems) - MOST_PROBLEMS_SHOWN} more", err=True)


def _make_facts(report: RateReport, month: str, table: pd.DataFrame) -> dict[str, Any]:
    rows = json.loads(table.to_json(orient="records", force_ascii=False))
    classes = report.classes[report.classes["month"] == month].drop(columns="month")
    shown = (classes[["proposed", "class_before"]] != "").any(axis=1) | classes["decided"].notna()
    classes = classes.astype(object).where(classes.notna(), None)[shown]
    constants = [c for name, c in report.constants.table.items() if name.startswith("rates.")]
    return {
        "city": report.city,
        "synthetic": report.synthetic,
        "month": month,
        "counts": dict(report.counts),
        "flags": dict(report.flags),
        "constants": {c.name: {"value": c.value, "status": c.status} for c in constants},
        "units": rows,
        "classes": classes.to_dict("records"),
    }


def _tell(report: RateReport, month: str, table: pd.DataFrame, top: int) -> Iterator[str]:
    counts = report.counts
    made_up = "（合成数据）" if report.synthetic and "合成" not in report.city else ""
    start, end = (f"{at:%Y-%m-%d %H:%M}" for at in (report.windows[month]))
    yield f"{report.city}{made_up} · {month} 考核月（{start} 至 {end}）"
    yield (
        "工单 {read:,} = 计入考核月 {in_months:,} + 无有效时间 {no_month:,} + 无承办单位 {no_unit:,} "
        "+ 重复 {repeated:,}；有效回访 {callbacks:,}，剔除 {excluded:,}"
    ).format(**counts)
    if report.flags:
        yield "回访存疑：" + "、".join(
            f"{get_label('flag', f)} {n:,}" for f, n in report.flags.items()
        )
    for group, rows in table[table["group"].notna()].groupby("group", sort=True):
        yield from _tell_group(str(group), rows, top)
    yield from _tell_classes(report, month)
    yield ""
    yield "口径：" + "；".join(_tell_constants(report.constants, month))


def _tell_constants(constants: Constants, month: str) -> Iterator[str]:
    """Yield what the figures rest on, each with how sure it is."""
    weights = make_weights(constants)
    used = find_weights(weights, find_first_day(month, make_window_rules(constants)))
    source = "rates.response_weight" if used is weights[0] else "rates.weights"
    shares = "/".join(f"{100 * share:g}" for share in used.as_tuple())
    yield f"响应/解决/满意权重 {shares}（{STATUS_TEXT[constants.get(source).status]}）"
    for name, words in TOLD.items():
        constant = constants.get(name)
        yield f"{words} {constant.value}（{STATUS_TEXT[constant.status]}）"


def _tell_classes(report: RateReport, month: str) -> Iterator[str]:
    rows = report.classes[report.classes["month"] == month]
    yield ""
    yield "【街道类别】规则建议，由人审定后生效"
    for name in CLASSES:
        codes = rows.loc[rows["proposed"] == name, "street_code"]
        shown = "、".join(report.names.get(code, code) for code in codes) or "无"
        yield f"  {get_label('class', name)} {len(codes)}：{shown}"
    decided = rows[rows["decided"].notna()]
    if len(decided):
        told = [_tell_decision(row, report.names) for row in decided.to_dict("records")]
        yield f"  已审定 {len(told)}：{'、'.join(told)}"


def _tell_decision(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name = names.get(row["street_code"], row["street_code"])
    decided, proposed = (_name_class(row[column]) for column in ("decided", "proposed"))
    return f"{name} {decided}" if decided == proposed else f"{name} {decided}（建议{proposed}）"


def _name_class(code: str) -> str:
    return get_label("class", code) if code else "不入类"


def _tell_group(group: str, rows: pd.DataFrame, top: int) -> Iterator[str]:
    ranked = rows[rows["rank"].notna()].sort_values(["rank", "unit_code"])
    yield ""
    left = len(rows) - len(ranked)
    few = f"，另有 {left} 家有效回访不足不排名" if left else ""
    yield f"【{get_label('group', group)}】{len(ranked)} 家{few}"
    shown = ranked if len(ranked) <= 2 * top else pd.concat([ranked.head(top), ranked.tail(top)])
    for place, row in enumerate(shown.to_dict("records")):
        if place == top and len(ranked) > 2 * top:
            yield "  ……"
        yield _tell_unit(row)


def _tell_unit(row: Mapping[str, Any]) -> str:
    shares = "，".join(
        f"{word} {row[f'{name}_rate']:.1%}"
        for name, word in (("response", "响应"), ("solution", "解决"), ("satisfaction", "满意"))
        if not pd.isna(row[f"{name}_rate"])
    )
    moved = ""
    if not pd.isna(row["rank_before"]):
        moved = f"，上月第 {row['rank_before']} 名（{row['score_change']:+.2f} 分）"
    outcome = f" 【{get_label('outcome', row['outcome'])}】" if row["outcome"] else ""
    return (
        f"  {row['rank']}. {row['name']} {row['score']:.2f} 分"
        f"（{row['score_low']:.1f}–{row['score_high']:.1f}）：{shares}；"
        f"有效回访 {row['callbacks']:,}，剔除 {row['excluded']:,}{moved}{outcome}"
    )
