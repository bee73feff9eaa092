"""The map room: orders by area, hotspots, whistle calls, plans; each map with a table of the same figures."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from gridgov.errors import NotFoundError
from gridgov.storage.models.orders import Outcome
from gridgov.storage.queries.areas import find_version_name, get_area_names, get_item_names
from gridgov.storage.queries.map_counts import OUTCOMES, CountFilter
from gridgov.storage.queries.plans import find_last_run, get_hotspots, get_plan_list
from gridgov.storage.queries.whistle_lists import list_calls
from web.features.map.page import (
    count_area_rows,
    make_area_view,
    make_point_room,
    make_spot_room,
    make_value_room,
    make_words,
)
from web.features.planning import make_plan_rows, make_spot_rows
from web.features.whistles import make_call_points, make_call_rows
from web.kit import limits
from web.kit.area_outlines import get_shapes, send_shapes
from web.kit.exports import make_csv, send_csv
from web.kit.page_helpers import to
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading

blueprint = Blueprint("maps", __name__, url_prefix="/maps")
INSIDE = ("community", "cell")
PLAN_LIMITS = (20.0, 40.0, 60.0, 80.0, 100.0)
"""Classes of progress, per cent."""


@blueprint.get("")
@permission(Permission.MAPS_READ)
def index() -> str:
    """Show orders by area."""
    kind, chosen, filters = read_filter()
    session = reading()
    view = make_area_view(
        session,
        kind,
        chosen,
        filters=filters,
        words=make_words(),
        inside=to("maps.index", street="CODE", by="community", **filters)
        if kind == "street"
        else "",
        window_key=get_window().key,
    )
    names = get_area_names(session) if chosen.street_code else {}
    return render_template(
        "maps/orders.html",
        view=view,
        street_code=chosen.street_code,
        street_name=names.get(chosen.street_code, chosen.street_code),
        items=list(get_item_names(session, level=1).items()),
        version=find_version_name(session),
    )


@blueprint.get("/orders.csv")
@permission(Permission.MAPS_READ)
@limits.limited(limits.EXPORTS)
def export() -> Response:
    """Send the figures of the map as a file: the same rows as beside it."""
    kind, chosen, _ = read_filter()
    rows = count_area_rows(reading(), kind, chosen, no_place=gettext("maps.no_place"))
    columns = ("code", "name", "n", *OUTCOMES)
    heads = [gettext(f"maps.column.{name}") for name in columns]
    text = make_csv(heads, ([row[name] for name in columns] for row in rows))
    return send_csv(f"orders-{kind}-{chosen.first_on}-{chosen.last_on}.csv", text)


def read_filter() -> tuple[str, CountFilter, dict[str, Any]]:
    """Return the kind of area, what is counted, and the same as arguments of the orders list.

    Raises
    ------
    NotFoundError
        Communities or cells without the street in which they lie, an unknown kind or outcome.
    """
    kind = request.args.get("by", "street")
    street_code = request.args.get("street", "")
    if kind not in ("street", *INSIDE) or (kind in INSIDE and not street_code):
        raise NotFoundError("map", f"by={kind} street={street_code}")
    outcome = request.args.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        raise NotFoundError("outcome", outcome)
    level1 = request.args.get("level1", "")
    window = get_window()
    chosen = CountFilter(
        first_on=window.first_on,
        last_on=window.last_on,
        unit_codes=get_unit_scope().codes,
        street_code=street_code,
        level1_code=level1,
        outcomes=(Outcome(outcome),) if outcome else (),
    )
    filters = {"level1": level1 or None, "outcome": outcome or None, "window": window.key}
    if kind != "street":
        filters["street"] = street_code
    return kind, chosen, filters


@blueprint.get("/shapes/<kind>")
@permission(Permission.MAPS_READ)
def shapes(kind: str) -> Response:
    """Send the shapes of areas."""
    return send_shapes(get_shapes(reading(), kind, street_code=request.args.get("street", "")))


@blueprint.get("/hotspots")
@permission(Permission.MAPS_READ)
def hotspots() -> str:
    """Show the hotspots of the newest run."""
    session = reading()
    spots = make_spot_rows(get_hotspots(session), get_area_names(session))
    kinds = spots["kind"].value_counts().to_dict() if len(spots) else {}
    return render_template(
        "maps/hotspots.html",
        room=make_spot_room(session, spots),
        rows=spots.drop(columns="geometry").to_dict("records"),
        kinds=kinds,
        run_at=find_last_run(session),
        version=find_version_name(session),
    )


@blueprint.get("/calls")
@permission(Permission.WHISTLES_READ)
def calls() -> str:
    """Show the whistle calls that run."""
    session, now = reading(), get_service().get_now()
    found = list_calls(session, now=now, state="running", unit_codes=get_unit_scope().codes)
    rows = make_call_rows(session, found, now=now)
    return render_template(
        "maps/calls.html", rows=rows, room=make_point_room(session, make_call_points(rows))
    )


@blueprint.get("/plans")
@permission(Permission.PLANNING_READ)
def plans() -> str:
    """Show the progress of the streets' plans."""
    session = reading()
    rows = make_plan_rows(get_plan_list(session), get_area_names(session))
    values = {row["street_code"]: row["percent"] for row in rows if row["percent"] is not None}
    room = make_value_room(
        session,
        {code: max(value, 0.5) for code, value in values.items()},
        limits=PLAN_LIMITS,
        texts={
            "unit": gettext("maps.progress_unit"),
            "links": [
                [gettext("maps.plan_link"), to("planning.street", street_code="CODE")],
            ],
        },
    )
    return render_template(
        "maps/plans.html",
        room=room,
        rows=rows,
        limits=PLAN_LIMITS,
        version=find_version_name(session),
    )
