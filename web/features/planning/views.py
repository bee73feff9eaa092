"""The planning room: streets with class and rank, a street's diagnosis and plan, hotspots, seasons, reports."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext

from gridgov.errors import NotFoundError
from gridgov.storage.queries.areas import (
    get_area_names,
    get_unit_names,
)
from gridgov.storage.queries.effects import SEASONS, get_analysis
from gridgov.storage.queries.plans import (
    PlanRecord,
    find_last_run,
    find_plan,
    get_classes,
    get_hotspots,
    get_plan,
)
from web.features.planning import document as _document
from web.features.planning import editing as _editing
from web.features.planning import oversight as _oversight
from web.features.planning import period_reports as _period_reports
from web.features.planning import workplace as _workplace
from web.features.planning.charts import make_diagnosis_charts
from web.features.planning.entry import blueprint
from web.features.planning.page import (
    SORTS,
    find_hotspot,
    list_spot_orders,
    make_evidence_rows,
    make_season_rows,
    make_street_room,
    make_street_rows,
    sort_streets,
)
from web.features.planning.rows import make_spot_rows
from web.kit import limits
from web.kit.exports import make_csv, make_heads, send_csv
from web.kit.i18n import label
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.permissions import Permission, permission
from web.kit.service import reading

ROUTES = (_document, _editing, _oversight, _period_reports, _workplace)
"""Modules that add their routes to the blueprint when they are imported."""
STREET_COLUMNS = (
    "street_code",
    "street",
    "class",
    "orders",
    "orders_rank",
    "change",
    "hotspots",
    "plan_no",
    "tasks",
    "done",
    "percent",
    "next_due",
)
TASK_COLUMNS = (
    "task_no",
    "title",
    "place",
    "item_code",
    "lead",
    "helpers",
    "start_on",
    "due_on",
    "state",
    "progress",
    "target",
    "measure",
    "evidence",
)


@blueprint.get("")
@permission(Permission.PLANNING_READ)
def index() -> str:
    """Show the streets."""
    session, window = reading(), get_window()
    sort = request.args.get("sort", "-orders")
    if sort.removeprefix("-") not in SORTS:
        raise NotFoundError("order of streets", sort)
    rows = make_street_rows(session, window=window, unit_codes=get_unit_scope().codes)
    chosen = request.args.get("class", "")
    return render_template(
        "planning/index.html",
        rows=sort_streets([row for row in rows if chosen in {"", row["class"]}], sort),
        classes=sorted({row["class"] for row in rows if row["class"]}),
        total=sum(row["orders"] for row in rows),
        sort=sort,
        run_at=find_last_run(session),
    )


@blueprint.get("/streets.csv")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def export_streets() -> Response:
    """Send the table of streets as a file."""
    window = get_window()
    rows = make_street_rows(reading(), window=window, unit_codes=get_unit_scope().codes)
    said = ({**row, "class": label("class", row["class"])} for row in rows)
    text = make_csv(
        make_heads("planning", STREET_COLUMNS),
        ([row[name] for name in STREET_COLUMNS] for row in said),
    )
    return send_csv(f"streets-{window.first_on}-{window.last_on}.csv", text)


@blueprint.get("/streets/<street_code>")
@permission(Permission.PLANNING_READ)
def street(street_code: str) -> str:
    """Show a street: diagnosis, hotspots, plan."""
    session = reading()
    names = get_area_names(session, ("street", "district"))
    if street_code not in names:
        raise NotFoundError("street", street_code)
    spots = make_spot_rows(get_hotspots(session, street_code=street_code), names)
    classes = get_classes(session)
    own = classes[classes["street_code"] == street_code].to_dict("records")
    plan = find_plan(session, street_code)
    document = plan.document if plan else None
    return render_template(
        "planning/street.html",
        street_code=street_code,
        street_name=names[street_code],
        room=make_street_room(session, street_code, spots, window=get_window()),
        spots=spots.drop(columns="geometry").to_dict("records"),
        street_class=own[0] if own else None,
        plan=plan,
        document=document,
        charts=make_diagnosis_charts(document["diagnosis"]) if document else {},
        figures={one["key"]: one for one in document["diagnosis"]["figures"]} if document else {},
        units=get_unit_names(session),
    )


@blueprint.get("/hotspots/<hotspot_no>")
@permission(Permission.MAPS_READ)
def hotspot(hotspot_no: str) -> str:
    """Show a hotspot with the orders that make it."""
    session = reading()
    row = find_hotspot(session, hotspot_no)
    page = request.args.get("page", "1")
    number = int(page) if page.isdecimal() and int(page) > 0 else 1
    orders = list_spot_orders(session, row, page=number)
    return render_template(
        "planning/hotspot.html",
        spot=row,
        orders=orders,
        page=number,
        rows=make_evidence_rows(orders.rows, names=orders.names),
    )


@blueprint.get("/plans/<plan_no>.csv")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def plan_csv(plan_no: str) -> Response:
    """Send the tasks of a plan with their progress."""
    record = get_plan(reading(), plan_no)
    rows = [_make_task_row(record, task) for task in record.document["tasks"]]
    heads = make_heads("planning", TASK_COLUMNS)
    return send_csv(f"plan-{plan_no}.csv", make_csv(heads, rows))


def _make_task_row(record: PlanRecord, task: dict[str, Any]) -> tuple[Any, ...]:
    kept = record.tasks.get(task["task_no"], {})
    lead = task["lead"]
    return (
        task["task_no"],
        task["title"],
        task["place"],
        task["item_code"],
        lead["name"] if lead else "",
        "、".join(one["name"] for one in task["helpers"]),
        task["start_on"],
        task["due_on"],
        gettext(f"planning.task_state.{kept['state']}") if kept.get("state") else "",
        kept.get("progress_share"),
        task["target"]["text"],
        task["target"]["measure"],
        " ".join(task["evidence"]),
    )


@blueprint.get("/seasons")
@permission(Permission.PLANNING_READ)
def seasons() -> str:
    """Show what returns every year, by the month before which it must be cured."""
    session = reading()
    names = get_area_names(session)
    spots = make_spot_rows(get_hotspots(session), names)
    kept = get_analysis(session, SEASONS)
    return render_template(
        "planning/seasons.html",
        rows=make_season_rows(spots),
        run_at=find_last_run(session),
        listed=None if kept is None else kept.content,
        made_at=None if kept is None else kept.made_at,
        names=names,
    )
