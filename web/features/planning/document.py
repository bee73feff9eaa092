"""A plan as a document: to read and print, and as DOCX, PDF, XLSX, GeoPackage and JSON."""

import io
import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
from flask import Response, render_template, send_file
from markupsafe import Markup
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.plans.life import PlanState
from gridgov.storage.queries.areas import get_areas, get_street_cells
from gridgov.storage.queries.map_counts import CountFilter, count_areas
from gridgov.storage.queries.plans import PlanRecord, get_plan
from planner.documents.content import OfficeDocument
from planner.documents.docx import make_docx
from planner.documents.layers import write_task_layer
from planner.documents.make_document import DocumentOptions, make_document
from planner.documents.page import load_document_styles, render_document
from planner.documents.pdf import make_pdf
from planner.documents.street_map import PlanGround
from planner.documents.typst_files import load_fonts
from planner.documents.workbook import make_workbook
from planner.plans.record import Plan, read_plan
from web.features.planning.entry import blueprint
from web.kit import limits
from web.kit.page_helpers import find_zone
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading

TYPES = {
    "json": "application/json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "gpkg": "application/geopackage+sqlite3",
}
STATE_WORDS = {
    PlanState.DRAFT: "草案",
    PlanState.SUBMITTED: "待审批",
    PlanState.APPROVED: "已批准",
    PlanState.RUNNING: "执行中",
    PlanState.CLOSED: "已办结",
    PlanState.REPLACED: "已被新草案取代",
}
"""Words of the document, which is Chinese whatever the page's language."""
NEIGHBOUR_DEGREES = 0.014
"""How far around a street its neighbours are drawn: 1.5 km."""
CELLS_LEAST = 3
"""Cells with fewer orders are not drawn: they say nothing and point at a door."""


@blueprint.get("/plans/<plan_no>/document")
@permission(Permission.PLANNING_READ)
def document(plan_no: str) -> str:
    """Show a plan as a document that can be printed."""
    session = reading()
    record = get_plan(session, plan_no)
    return render_template(
        "planning/document.html",
        plan=record,
        body=render_document(make_record_document(session, record)),
        styles=Markup(load_document_styles()),  # noqa: S704 - a file of ours
    )


@blueprint.get("/plans/<plan_no>.<form>")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def export(plan_no: str, form: str) -> Response:
    """Send a plan in one of its forms."""
    if form not in TYPES:
        raise NotFoundError("form of a plan", form)
    session = reading()
    record = get_plan(session, plan_no)
    response = send_file(
        io.BytesIO(_make_form(session, record, form)),
        mimetype=TYPES[form],
        as_attachment=True,
        download_name=f"plan-{plan_no}.{form}",
    )
    response.cache_control.no_store = True
    return response


def _make_form(session: Session, record: PlanRecord, form: str) -> bytes:
    plan = read_plan(record.document)
    settings = get_service().get_city().settings
    own = None if settings is None else settings.documents
    match form:
        case "json":
            return json.dumps(record.document, ensure_ascii=False, indent=2).encode() + b"\n"
        case "xlsx":
            return make_workbook(plan, progress=record.tasks)
        case "gpkg":
            with tempfile.TemporaryDirectory() as folder:
                return write_task_layer([plan], Path(folder) / "tasks.gpkg").read_bytes()
        case "docx":
            return make_docx(
                make_record_document(session, record, plan),
                template=own.template if own else None,
                fonts=load_fonts(own.fonts if own else None),
            )
        case _:
            return make_pdf(
                make_record_document(session, record, plan),
                fonts=load_fonts(own.fonts if own else None),
            )


def make_record_document(
    session: Session, record: PlanRecord, plan: Plan | None = None
) -> OfficeDocument:
    """Return the document of a plan of the database, with its state, signature and map."""
    row = record.row
    made = plan or read_plan(record.document)
    city = get_service().get_city()
    issuer = city.settings.documents.issuer if city.settings else ""
    signed = row.sealed_at.astimezone(find_zone()).date() if row.sealed_at else None
    options = DocumentOptions(
        issuer=issuer.format(street=made.street["name"], city=city.name),
        state=STATE_WORDS[row.state],
        signed_on=signed,
    )
    return make_document(made, make_record_ground(session, record), options)


def make_record_ground(session: Session, record: PlanRecord) -> PlanGround | None:
    """Return what lies under the map: the street, those around it, communities, cells by appeals of the year."""
    own = get_areas(session, "street", code=record.street_code)
    if own.empty:
        return None
    west, south, east, north = own.total_bounds
    pad = NEIGHBOUR_DEGREES
    around = get_areas(session, "street").cx[west - pad : east + pad, south - pad : north + pad]
    return PlanGround(
        streets=around.rename(columns={"code": "street_code"}),
        communities=get_areas(session, "community", parent_code=record.street_code),
        cells=_count_cells(session, record),
    )


def _count_cells(session: Session, record: PlanRecord) -> gpd.GeoDataFrame:
    period: dict[str, Any] = record.document["period"]
    chosen = CountFilter(
        first_on=date.fromisoformat(period.get("year_start") or period["start"]),
        last_on=date.fromisoformat(period["end"]),
        street_code=record.street_code,
    )
    counts = count_areas(session, "cell", chosen)
    cells = get_street_cells(session, record.street_code)
    known = dict(zip(counts["code"], counts["n"], strict=True))
    counted = cells.assign(count=[int(known.get(code, 0)) for code in cells["code"]])
    return counted[counted["count"] >= CELLS_LEAST]
