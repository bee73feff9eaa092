"""Reports from a file of orders: the periods that the service reports on, and special reports about surges."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from geodata.errors import GeodataError
from geodata.files import read_table
from geodata.paths import check_replaceable, replace_folder
from gridgov.errors import GridgovError
from gridgov.jobs.order_file import read_orders
from gridgov.jobs.report_scopes import make_naming, make_scopes
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.rules.catalogue import find_catalogue
from gridgov.rules.duties import find_code
from gridgov.rules.orders.history import find_history
from gridgov.rules.orders.transitions import CLOSED
from gridgov.rules.rates.assessment import judge_orders
from gridgov.rules.rates.handlers import find_handlers
from gridgov.rules.rates.three_rates import make_counts
from gridgov.rules.reports import (
    KINDS,
    Period,
    assess_period,
    compose_report,
    count_orders,
    make_figures,
    make_period,
    read_period,
)
from planner.counts import fit_counts, make_daily_counts
from planner.documents.docx import make_docx
from planner.documents.make_report import ReportOptions, make_report
from planner.documents.page import render_page
from planner.documents.pages import find_city_name
from planner.documents.pdf import make_pdf
from planner.documents.typst_files import load_fonts
from planner.jobs.outputs import find_as_of
from planner.jobs.plan_job import read_plans
from planner.jobs.surge_watch import BEFORE_DAYS, HISTORY_YEARS, SEED, describe_surges
from planner.plans.plan_text import speaking
from planner.surges import calibrate_alarms

ReportForm = Literal["json", "html", "docx", "pdf"]
FORMS: tuple[ReportForm, ...] = ("json", "html", "docx", "pdf")
SPECIAL = "special"
REPORT_KINDS = (*KINDS, SPECIAL)


@dataclass(frozen=True, kw_only=True)
class ReportJobOptions:
    """Which reports are made.

    Parameters
    ----------
    kind
        One of :data:`REPORT_KINDS`.
    period
        Such as 2025-05; empty: the last one that the orders cover to its end. Of a special report: empty.
    area
        Code, name or part of the name of the one district or street; empty: every one of which there is such a report.
    as_of
        The moment from which is looked back; None: the end of the day of the newest order.
    forms
        In which each is written.
    is_dry_run
        Whether to work everything out and write nothing.
    """

    kind: str
    period: str = ""
    area: str = ""
    as_of: datetime | None = None
    forms: Collection[ReportForm] = FORMS
    is_dry_run: bool = False


def run_report_job(
    city: City,
    orders_path: Path,
    out_dir: Path,
    *,
    options: ReportJobOptions,
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Make the reports and return the summary, as written to ``summary.json``.

    The folder appears as a whole when all is written; until then, and after a failure, an earlier one stays.

    Raises
    ------
    FolderInUseError
        `out_dir` holds something else.
    InvalidDataError
        The file cannot be read, or no row of it can be used.
    GridgovError
        There is no such kind, period or area.
    PlannerError
        Too few orders for a model of counts, which special reports need; a template or the fonts cannot be used.
    """
    check_replaceable(out_dir)
    clock = StageClock(progress)
    with clock.stage("read"):
        read = read_orders(orders_path, zone=city.settings.timezone, known=city.known_codes)
    as_of = find_as_of(read.orders) if options.as_of is None else pd.Timestamp(options.as_of)
    orders = read.orders[read.orders["received_at"] < as_of].reset_index(drop=True)
    with clock.stage("report"):
        contents = (
            make_special_contents(city, orders, as_of=as_of)
            if options.kind == SPECIAL
            else make_contents(
                city,
                orders,
                find_period(options, as_of),
                as_of=as_of,
                area=find_area(city, options.kind, options.area),
                run=read_run(orders_path.parent, today=as_of.date()),
            )
        )
    summary: dict[str, Any] = {
        "city": city.name,
        "synthetic": city.settings.synthetic,
        "as_of": as_of.isoformat(),
        "kind": options.kind,
        "period": contents[0]["period"] if contents and options.kind != SPECIAL else "",
        "orders": len(orders),
        "rejected": read.rejected,
        "reports": [_name_file(one) for one in contents],
    }
    if options.is_dry_run:
        return summary
    with clock.stage("write"), replace_folder(out_dir) as folder:
        write_reports(city, contents, folder, forms=options.forms)
        text = json.dumps(summary, ensure_ascii=False, indent=2)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    return summary


@dataclass(frozen=True, kw_only=True)
class RunFound:
    """What a run wrote beside its orders, as reports list it: tasks of plans, not begun, and hotspots."""

    tasks: tuple[dict[str, Any], ...] = ()
    hotspots: tuple[dict[str, Any], ...] = ()


def read_run(folder: Path, *, today: date) -> RunFound:
    """Return the tasks and hotspots of a run's folder; none where only the orders are there.

    Raises
    ------
    PlannerError
        A plan cannot be read.
    """
    plans = read_plans(folder) if any(folder.glob("plans/*/plan.json")) else {}
    tasks = [
        {
            "street_code": street,
            "task_no": task.task_no,
            "title": task.title,
            "lead": task.lead.unit_code if task.lead else "",
            "state": "open",
            "progress": 0.0,
            "due_on": task.due_on,
            "is_late": bool(task.due_on) and task.due_on < today.isoformat(),
        }
        for street, plan in sorted(plans.items())
        for task in plan.tasks
    ]
    file = folder / "hotspots.csv"
    rows = read_table(file)[0].to_dict("records") if file.exists() else []
    hotspots = [
        {
            "street_code": str(row["street_code"]),
            "name": str(row["name"]),
            "kind": str(row["kind"]),
            "item": str(row["item_name"]),
            "count": int(row["count"]),
            "persons": int(row["persons"]),
            "expected": float(row["expected"]),
        }
        for row in rows
    ]
    return RunFound(tasks=tuple(tasks), hotspots=tuple(hotspots))


def find_period(options: ReportJobOptions, as_of: pd.Timestamp) -> Period:
    """Return the period asked for, else the last one that is over.

    Raises
    ------
    GridgovError
        There is no such period, or it is not over yet.
    """
    today = as_of.date()
    if not options.period:
        return make_period(options.kind, today).before
    period = read_period(options.kind, options.period)
    if period.last_on >= today:
        raise GridgovError(
            f"period {period.name} ends {period.last_on}, and is looked back on from {today}; "
            f"expected one that is over, such as {make_period(options.kind, today).before.name}"
        )
    return period


def find_area(city: City, kind: str, text: str) -> str:
    """Return the code of the district or street asked for, empty for all.

    Raises
    ------
    GridgovError
        The kind is of the city alone, or is none.
    UnknownEntryError
        Nothing fits, or several do.
    """
    if not text:
        return ""
    if kind not in KINDS or KINDS[kind].levels == ("city",):
        raise GridgovError(f"a {kind} report is of the whole city; an area is for review packs")
    scopes = make_scopes(city, make_period(kind, date(2000, 1, 1)))
    return find_code(text, {one.code: one.name for one in scopes}, what="district or street")


def make_contents(
    city: City,
    orders: pd.DataFrame,
    period: Period,
    *,
    as_of: pd.Timestamp,
    area: str = "",
    run: "RunFound | None" = None,
) -> list[dict[str, Any]]:
    """Return what the reports of a period say, as the service says it of the same orders.

    Parameters
    ----------
    city
        The pack.
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    period
        Which is over.
    as_of
        Moment of the judgement, aware.
    area
        Code of the one area; empty for all.
    run
        Tasks of plans and hotspots that stand beside the orders.
    """
    is_planned = KINDS[period.kind].span in {"month", "year"}
    beside = run if run is not None and is_planned else RunFound()
    counted = make_counted_orders(city, orders, as_of=as_of)
    constants, naming = city.settings.constants, make_naming(city)
    judged = judge_orders(
        counted.assign(solved=counted["said_solved"]), as_of=as_of, constants=constants
    )
    assessed = assess_period(make_counts(judged.orders), city.units, period, constants=constants)
    counts, before, year_before = (
        count_orders(counted, one) for one in (period, period.before, period.year_before)
    )
    return [
        compose_report(
            period,
            scope,
            counts,
            naming=naming,
            before=make_figures(before, scope, naming.tags),
            year_before=make_figures(year_before, scope, naming.tags),
            assessed=assessed,
            callbacks_min=int(constants.number("rates.callbacks_min")),
            tasks=beside.tasks,
            hotspots=beside.hotspots,
        )
        for scope in make_scopes(city, period)
        if area in {"", scope.code}
    ]


def make_counted_orders(city: City, orders: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return orders as the service keeps them: with outcome, level-1 item, who answers, and when it was asked."""
    constants = city.settings.constants
    desk = city.units.loc[city.units["kind"] == "desk", "unit_code"]
    past = find_history(
        orders,
        desk_code=str(desk.iloc[0]) if len(desk) else "",
        as_of=as_of,
        constants=constants,
    )
    catalogue = find_catalogue(city.catalogue, orders["item_code"].unique(), constants=constants)
    handlers = find_handlers(orders, city.units["unit_code"])
    return orders.assign(
        unit_code=orders["unit_code"].where(past["replied_at"].isna(), handlers),
        outcome=past["outcome"],
        called_at=past["called_at"],
        # only the person's answer closes an order
        closed_at=past["state_at"].where(past["state"].isin([one.value for one in CLOSED])),
        said_solved=orders["solved"].map({True: "true", False: "false"}).astype("str"),
        level1_code=catalogue.find_top(orders["item_code"].astype("str")),
    )


def make_special_contents(
    city: City, orders: pd.DataFrame, *, as_of: pd.Timestamp
) -> list[dict[str, Any]]:
    """Return special reports about the surges of a moment.

    Raises
    ------
    PlannerError
        Too few orders for a model of counts.
    """
    is_problem = find_problem_rows(orders["kind"], city.tables.get("kinds"))
    problems = orders[is_problem].drop(columns="kind").reset_index(drop=True)
    # a look at midnight is one at the end of the day before
    moment = as_of - pd.Timedelta(minutes=1) if as_of == as_of.normalize() else as_of
    midnight = moment.normalize()
    received = problems["received_at"]
    start = midnight - pd.DateOffset(years=HISTORY_YEARS)
    history = problems[(received >= start) & (received < midnight)]
    daily = make_daily_counts(
        history,
        city.calendar,
        as_of=midnight.to_pydatetime(),
        catalogue=city.catalogue,
        residents=city.find_population(midnight.date()),
    )
    model = fit_counts(daily, city.calendar, seed=SEED)
    recent = problems[received >= midnight - pd.Timedelta(days=BEFORE_DAYS)].reset_index(drop=True)
    found = describe_surges(city, recent, model, calibrate_alarms(model, seed=SEED), moment=moment)
    contents: list[dict[str, Any]] = found["reports"]
    return contents


def write_reports(
    city: City,
    contents: Collection[Mapping[str, Any]],
    folder: Path,
    *,
    forms: Collection[ReportForm] = FORMS,
) -> None:
    """Write each report in its forms to a folder that exists."""
    own = city.settings.documents
    fonts = load_fonts(own.fonts)
    for content in contents:
        document = make_report(content, make_options(city, content))
        for form in forms:
            path = folder / f"{_name_file(content)}.{form}"
            match form:
                case "json":
                    text = json.dumps(content, ensure_ascii=False, indent=1)
                    path.write_text(text + "\n", encoding="utf-8")
                case "html":
                    path.write_text(render_page(document), encoding="utf-8")
                case "docx":
                    path.write_bytes(make_docx(document, template=own.template, fonts=fonts))
                case _:
                    path.write_bytes(make_pdf(document, fonts=fonts))


def make_options(city: City, content: Mapping[str, Any]) -> ReportOptions:
    """Return who issues a report, and in which language, as the pack says."""
    settings = city.settings
    scope = content.get("scope") or {"level": "city", "name": ""}
    street = scope["name"] if scope["level"] == "street" else ""
    with speaking(settings.languages[0]):
        name = find_city_name(city)
    issuer = settings.documents.issuer.format(street=street, city=name) if street else ""
    return ReportOptions(
        city=name,
        language=settings.languages[0],
        issuer=issuer or (scope["name"] if scope["level"] != "city" else name),
        is_synthetic=settings.synthetic,
        callbacks_min=int(settings.constants.number("rates.callbacks_min")),
    )


def _name_file(content: Mapping[str, Any]) -> str:
    code = (content.get("scope") or {}).get("code", "")
    name = "-".join(filter(None, (str(content["kind"]), str(content["period"]), str(code))))
    if not name.replace("-", "").replace("_", "").isalnum():
        raise GeodataError(f"a report cannot be a file of the name {name!r}")
    return name
