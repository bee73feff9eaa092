"""The list of orders: filters in the address, pages, saved views, and the rows alone for updates without reload."""

from typing import Any

import sqlalchemy as sa
from flask import g, render_template, request

from gridgov.storage.models.accounts import SavedView
from gridgov.storage.queries.areas import get_area_names, get_item_names
from gridgov.storage.queries.orders import (
    DEFAULT_SORT,
    PAGE_ROWS,
    SORTS,
    count_orders,
    find_item_names,
    list_orders,
)
from web.features.orders.actions import BULK_ACTIONS
from web.features.orders.blueprint import blueprint
from web.features.orders.filters import (
    Asked,
    list_choices,
    make_conditions,
    read_filter,
    say_filter,
)
from web.features.orders.live import find_newest_change
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading

TABS = ("", "to_dispatch", "review", "unanswered", "due_soon", "overdue", "to_call_back")
"""Views above the list; the first is everything in the window of time."""
TAB_COUNT_MAX = 9_999


@blueprint.get("")
@permission(Permission.ORDERS_READ)
def index() -> str:
    """Show the list; to htmx only its rows."""
    asked = read_filter()
    facts = make_facts(asked)
    if request.headers.get("HX-Request") and request.args.get("part") == "rows":
        return render_template("orders/rows.html", **facts)
    names = find_filter_names(asked)
    return render_template(
        "orders/index.html",
        **facts,
        choices=list_choices(),
        level1=sorted(get_item_names(reading(), level=1).items(), key=lambda pair: pair[1]),
        said=say_filter(asked, names),
        tabs=[(name, name or "all", count_tab(name)) for name in TABS],
        tab_most=TAB_COUNT_MAX,
        views=find_views(),
    )


def make_facts(asked: Asked) -> dict[str, Any]:
    """Return what the rows need."""
    sort = request.args.get("sort", "")
    page = request.args.get("page", "1")
    shown = list_orders(
        reading(),
        asked.chosen,
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
        page=int(page) if page.isdecimal() and len(page) < 5 and int(page) else 1,
    )
    return {
        "asked": asked,
        "shown": shown,
        "page": int(page) if page.isdecimal() and len(page) < 5 and int(page) else 1,
        "sort": sort or DEFAULT_SORT,
        "page_rows": PAGE_ROWS,
        "newest": find_newest_change(),
        "bulk_actions": BULK_ACTIONS.get(g.visitor.role, ()),
    }


def count_tab(name: str) -> int | None:
    """Return how many orders a view above the list has; None for the list itself, which counts below."""
    if not name:
        return None
    conditions = make_conditions(get_service().get_now())
    chosen = read_filter({"clock": name}).chosen
    assert chosen.condition is not None or name not in conditions  # noqa: S101 - read from the same table
    return count_orders(reading(), chosen, most=TAB_COUNT_MAX)


def find_filter_names(asked: Asked) -> dict[str, str]:
    """Return names of the codes that the filter names."""
    session = reading()
    items = {asked.args.get("item", ""), asked.args.get("level1", "")} - {""}
    areas = {asked.args.get("street", ""), asked.args.get("community", "")} - {""}
    return find_item_names(session, items) | get_area_names(
        session, ("street", "community"), codes=areas
    )


def find_views() -> list[SavedView]:
    """Return the visitor's saved views of this list."""
    query = sa.select(SavedView).where(
        SavedView.account_id == g.visitor.account_id, SavedView.page == "orders"
    )
    return list(reading().scalars(query.order_by(SavedView.name)))
