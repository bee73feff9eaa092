"""Reports as they were made, special reports of surges, and the dictionary of figures: pages, documents, downloads."""

import io
import json
from collections.abc import Mapping
from typing import Any

from flask import Response, redirect, render_template, request, send_file
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import NotFoundError
from gridgov.rules.indicators import get_indicator, load_indicators
from gridgov.rules.order_labels import get_label
from gridgov.rules.reports import KINDS
from gridgov.storage.queries.areas import get_unit_names
from gridgov.storage.queries.orders import OrderFilter, list_orders
from gridgov.storage.queries.plans import get_report, get_reports
from planner.documents.docx import make_docx
from planner.documents.make_report import ReportOptions, check_form, make_report
from planner.documents.page import load_document_styles, render_document
from planner.documents.pdf import make_pdf
from planner.documents.typst_files import load_fonts
from web.features.planning.charts import make_day_chart, make_surge_chart
from web.features.planning.document import TYPES
from web.features.planning.entry import blueprint
from web.features.planning.page import make_evidence_rows
from web.kit import limits
from web.kit.i18n import TAGS, find_language
from web.kit.links import to_orders
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_constants, get_service, reading

SPECIAL = "special"
ORDER_OF_KINDS = (*KINDS, SPECIAL)
FORMS = ("docx", "pdf", "json")
ROWS = 30
"""Orders of a surge on a page."""
MOST_MONTHS_DRAWN = 62
"""Days of a longer report are drawn as months."""


@blueprint.get("/reports")
@permission(Permission.PLANNING_READ)
def reports() -> str:
    """Show the reports that were made."""
    session = reading()
    kind = request.args.get("kind", "")
    if kind and kind not in ORDER_OF_KINDS:
        raise NotFoundError("kind of report", kind)
    rows = get_reports(session, kind=kind).to_dict("records")
    # The newest of each kind first, kinds from the shortest period to the longest.
    rows.sort(key=lambda row: _find_place(row["kind"]))
    return render_template(
        "planning/reports.html",
        rows=rows,
        kind=kind,
        kinds=[(one, get_label("report", one, language=_find_words())) for one in ORDER_OF_KINDS],
        units=get_unit_names(session),
    )


def _find_place(kind: str) -> int:
    return ORDER_OF_KINDS.index(kind) if kind in ORDER_OF_KINDS else len(ORDER_OF_KINDS)


def _find_words() -> Any:
    return "zh" if find_language().startswith("zh") else "en"


@blueprint.get("/reports/<kind>/<period>")
@permission(Permission.PLANNING_READ)
def report(kind: str, period: str) -> str:
    """Show a report as it was made."""
    unit = request.args.get("of", "")
    content = get_report(reading(), kind, period, unit_code=unit)
    check_form(content)
    if kind == SPECIAL:
        return _show_surge(content)
    days: Mapping[str, int] = content.get("days", {})
    return render_template(
        "planning/report.html",
        kind=kind,
        kind_name=get_label("report", kind, language=_find_words()),
        period=period,
        unit=unit,
        content=content,
        names={one["key"]: get_indicator(one["key"]) for one in content["figures"]},
        document=make_report(content, _make_options(content)),
        link=to_orders,
        days=make_day_chart(_sum_months(days) if len(days) > MOST_MONTHS_DRAWN else days),
    )


def _sum_months(days: Mapping[str, int]) -> dict[str, int]:
    """Return counts by month; the chart cuts the first five characters of a name."""
    sums: dict[str, int] = {}
    for day, n in days.items():
        sums[f"     {day[:7]}"] = sums.get(f"     {day[:7]}", 0) + n
    return sums


def _show_surge(content: Mapping[str, Any]) -> str:
    """Show a surge: its course, where it gathers, what is new in the words, the orders behind it."""
    session = reading()
    page = request.args.get("page", "1")
    number = int(page) if page.isdecimal() and int(page) > 0 else 1
    numbers = tuple(content["order_nos"])
    orders = list_orders(session, OrderFilter(order_nos=numbers or ("",)), page=number, rows=ROWS)
    return render_template(
        "planning/surge.html",
        content=content,
        unit=content["unit_code"],
        course=make_surge_chart(content["by_day"]),
        orders=orders,
        page=number,
        rows=make_evidence_rows(orders.rows, names=orders.names),
        total=len(numbers),
    )


@blueprint.get("/reports/<kind>/<period>/document")
@permission(Permission.PLANNING_READ)
def report_document(kind: str, period: str) -> str:
    """Show a report as a document that can be printed."""
    unit = request.args.get("of", "")
    content = get_report(reading(), kind, period, unit_code=unit)
    check_form(content)
    document = make_report(content, _make_options(content))
    return render_template(
        "planning/report_document.html",
        kind=kind,
        period=period,
        unit=unit,
        title=document.title,
        body=render_document(document),
        styles=Markup(load_document_styles()),  # noqa: S704 - a file of ours
    )


@blueprint.get("/reports/<kind>/<period>.<form>")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def report_export(kind: str, period: str, form: str) -> Response:
    """Send a report in one of its forms."""
    if form not in FORMS:
        raise NotFoundError("form of a report", form)
    unit = request.args.get("of", "")
    content = get_report(reading(), kind, period, unit_code=unit)
    name = "-".join(filter(None, (kind, period, unit)))
    response = send_file(
        io.BytesIO(_make_form(content, form)),
        mimetype=TYPES[form],
        as_attachment=True,
        download_name=f"{name}.{form}",
    )
    response.cache_control.no_store = True
    return response


def _make_form(content: Mapping[str, Any], form: str) -> bytes:
    if form == "json":
        return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
    check_form(content)
    settings = get_service().get_city().settings
    own = None if settings is None else settings.documents
    document = make_report(content, _make_options(content))
    fonts = load_fonts(own.fonts if own else None)
    if form == "pdf":
        return make_pdf(document, fonts=fonts)
    return make_docx(document, template=own.template if own else None, fonts=fonts)


def _make_options(content: Mapping[str, Any]) -> ReportOptions:
    """Return who issues a report, in the language of the page."""
    city = get_service().get_city()
    scope = content.get("scope") or {"level": "city", "name": ""}
    form = city.settings.documents.issuer if city.settings and scope["level"] == "street" else ""
    return ReportOptions(
        city=city.name,
        language=TAGS[find_language()],
        issuer=form.format(street=scope["name"], city=city.name)
        or (scope["name"] if scope["level"] != "city" else city.name),
        is_synthetic=bool(city.settings and city.settings.synthetic),
        callbacks_min=int(get_constants().number("rates.callbacks_min")),
    )


@blueprint.get("/surges/<surge_no>")
@permission(Permission.PLANNING_READ)
def surge(surge_no: str) -> BaseResponse:
    """Lead from a surge of today to its special report, whichever unit it is for."""
    rows = get_reports(reading(), kind=SPECIAL, period=surge_no)
    if rows.empty:
        raise NotFoundError("surge", surge_no)
    first = rows.iloc[0]
    address = to("planning.report", kind=SPECIAL, period=surge_no, of=first["unit_code"] or None)
    return redirect(address)


@blueprint.get("/indicators")
@permission(Permission.PLANNING_READ)
def indicators() -> str:
    """Show the dictionary of figures: what each counts, how, and from what."""
    return render_template(
        "planning/indicators.html",
        rows=load_indicators().values(),
    )
