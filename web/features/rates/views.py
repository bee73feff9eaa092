"""The room of rates: a month's ranking by group, one unit month by month, and how every figure is computed."""

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from gridgov.errors import NotFoundError
from gridgov.rules.rates.assessment import ASSESSMENT_COLUMNS
from gridgov.storage.queries.areas import get_units
from web.features.rates.adjusted import find_adjusted_view
from web.features.rates.page import MonthView, make_month_view, make_trend, make_trend_chart
from web.kit import limits
from web.kit.cache import share
from web.kit.exports import make_csv, make_heads, send_csv
from web.kit.i18n import label
from web.kit.permissions import Permission, permission
from web.kit.service import get_constants, get_service, reading

KEPT_S = 30.0
"""An assessment of hundreds of units is made once for all who open it at the same time."""

blueprint = Blueprint("rates", __name__, url_prefix="/rates")


@blueprint.get("")
@permission(Permission.RATES_READ)
def index() -> str:
    """Show a month."""
    view = find_view()
    if view is None:
        return render_template("rates/index.html", view=None)
    trend = share("rates.trend", lambda: make_trend(reading(), get_constants()), seconds=KEPT_S)
    rows = share(
        "rates.rows", lambda: render_rows(view), seconds=KEPT_S, more=(view.month, view.group)
    )
    adjusted = share(
        "rates.adjusted",
        lambda: render_adjusted(view),
        seconds=KEPT_S,
        more=(view.month, view.group),
    )
    return render_template(
        "rates/index.html",
        view=view,
        rows=rows,
        adjusted=adjusted,
        trend=trend,
        chart=make_trend_chart(trend),
    )


def render_rows(view: MonthView) -> Markup:
    """Return the rows of a month's table, the same for all who see it in one language."""
    least = get_constants().number("rates.callbacks_min")
    page = render_template("rates/rows.html", view=view, least=least)
    return Markup(page)  # noqa: S704 - made by a template, which escapes


def render_adjusted(view: MonthView) -> Markup:
    """Return the section of adjusted rates of a group's units; empty before the first planning job."""
    least = get_constants().number("rates.callbacks_min")
    units = {row["unit_code"]: row["name"] for row in view.rows}
    adjusted = find_adjusted_view(reading(), units, least=least)
    if adjusted is None:
        return Markup()
    page = render_template("rates/adjusted.html", adjusted=adjusted, least=least)
    return Markup(page)  # noqa: S704 - made by a template, which escapes


@blueprint.get("/month.csv")
@permission(Permission.RATES_READ)
@limits.limited(limits.EXPORTS)
def export() -> Response:
    """Send the table of a month as a file."""
    view = find_view()
    if view is None:
        raise NotFoundError("assessed month", request.args.get("month", ""))
    said = {"group": label("group", view.group)}
    rows = (
        [
            label("outcome", row[name]) if name == "outcome" else said.get(name, row[name])
            for name in ASSESSMENT_COLUMNS
        ]
        for row in view.rows
    )
    heads = make_heads("rates", ASSESSMENT_COLUMNS)
    return send_csv(f"rates-{view.month}-{view.group}.csv", make_csv(heads, rows))


def find_view() -> MonthView | None:
    """Return the month and group that the address asks for."""
    month, group = request.args.get("month", ""), request.args.get("group", "")
    return share(
        "rates",
        lambda: make_month_view(
            reading(), get_constants(), get_service().get_city().zone, month=month, group=group
        ),
        seconds=KEPT_S,
        more=(month, group),
    )


@blueprint.get("/units/<unit_code>")
@permission(Permission.RATES_READ)
def unit(unit_code: str) -> str:
    """Show one unit month by month."""
    session = reading()
    units = get_units(session)
    own = units[units["unit_code"] == unit_code]
    if own.empty:
        raise NotFoundError("unit", unit_code)
    trend = make_trend(session, get_constants(), unit_code=unit_code)
    least = get_constants().number("rates.callbacks_min")
    return render_template(
        "rates/unit.html",
        unit_code=unit_code,
        name=own["name"].iloc[0],
        trend=trend,
        chart=make_trend_chart(trend, least=least),
        least=least,
    )
