"""Today: what came in, what is due, what is late, what surges, which calls run; on a desk and on a wall."""

from typing import Any

from flask import Blueprint, render_template, request

from gridgov.storage.queries.map_counts import CountFilter
from gridgov.storage.queries.order_clocks import CLOCKS
from gridgov.storage.queries.whistle_lists import list_calls
from web.features.map import AreaView, make_area_view, make_words
from web.features.today.page import make_today
from web.features.whistles import make_call_rows
from web.kit.auth import has_permission
from web.kit.cache import share
from web.kit.links import to_orders
from web.kit.page_helpers import to
from web.kit.page_scope import get_unit_scope
from web.kit.permissions import Permission, permission
from web.kit.service import get_constants, get_service, reading

blueprint = Blueprint("today", __name__, url_prefix="/today")
CALLS_SHOWN = 5
KEPT_S = 20.0
"""A page that renews itself every minute may show figures that are this old."""


@blueprint.get("")
@permission(Permission.TODAY_READ)
def index() -> str:
    """Show the page."""
    return render_template(
        "today/wall.html" if request.args.get("mode") == "wall" else "today/index.html",
        **make_facts(),
        map=share("today.map", make_map, seconds=KEPT_S),
    )


@blueprint.get("/part")
@permission(Permission.TODAY_READ)
def part() -> str:
    """Send what changes by the minute, for the page that lies open."""
    wall = request.args.get("mode") == "wall"
    return render_template(
        "today/parts/wall.html" if wall else "today/parts/now.html", **make_facts()
    )


def make_facts() -> dict[str, Any]:
    """Return what the page and its part show."""
    session, service = reading(), get_service()
    now, codes = service.get_now(), get_unit_scope().codes
    view = share(
        "today",
        lambda: make_today(
            session, get_constants(), now=now, zone=service.get_city().zone, unit_codes=codes
        ),
        seconds=KEPT_S,
    )
    calls = []
    if has_permission(Permission.WHISTLES_READ):
        found = list_calls(session, now=now, state="running", unit_codes=codes)
        calls = make_call_rows(session, found.head(CALLS_SHOWN), now=now)
    return {"view": view, "calls": calls, "links": make_links()}


def make_links() -> dict[str, str]:
    """Return where each figure leads: the orders that it counts, whenever they came in."""
    return {"received": to_orders(window="today")} | {
        name: to_orders(clock=name, window=None) for name in CLOCKS
    }


def make_map() -> AreaView:
    """Return the map of today's orders by street."""
    service = get_service()
    today = service.get_now().astimezone(service.get_city().zone).date()
    return make_area_view(
        reading(),
        "street",
        CountFilter(first_on=today, last_on=today, unit_codes=get_unit_scope().codes),
        filters={"window": "today"},
        words=make_words(),
        inside=to("maps.index", street="CODE", by="community", window="today"),
        window_key="today",
    )
