"""The list of orders: filters in the address, pages, saved views, and the rows alone for updates without reload."""

from typing import Any

import sqlalchemy as sa
from flask import g, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from gridgov.rules.privacy import mask_text
from gridgov.storage.models.accounts import SavedView
from gridgov.storage.queries.areas import get_area_names, get_item_names
from gridgov.storage.queries.orders import (
    CALL_SORT,
    DEFAULT_SORT,
    PAGE_ROWS,
    SORTS,
    count_orders,
    find_item_names,
    list_orders,
)
from web.features.orders.blueprint import blueprint
from web.features.orders.facts import BULK_ACTIONS
from web.features.orders.filters import (
    NAMES,
    ListRequest,
    list_choices,
    make_conditions,
    read_filter,
    say_filter,
)
from web.features.orders.live import find_newest_change
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading, writing

TABS = (
    "",
    "to_dispatch",
    "review",
    "unanswered",
    "due_soon",
    "overdue",
    "to_call_back",
    "not_reached",
)
"""Views above the list; the first is everything in the window of time."""
CALL_TABS = ("to_call_back", "not_reached")
"""Those of people to be called: due first, with the tries so far."""
TAB_COUNT_MAX = 9_999
VIEWS_MAX = 30
KEPT = (*NAMES, "window", "unit", "sort")


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


def make_facts(asked: ListRequest) -> dict[str, Any]:
    """Return what the rows need."""
    is_calls = asked.args.get("clock", "") in CALL_TABS
    sort = request.args.get("sort", "")
    if sort.removeprefix("-") not in SORTS:
        sort = CALL_SORT if is_calls else DEFAULT_SORT
    page = request.args.get("page", "1")
    shown = list_orders(
        reading(),
        asked.chosen,
        sort=sort,
        page=int(page) if page.isdecimal() and len(page) < 5 and int(page) else 1,
    )
    return {
        "asked": asked,
        "shown": shown,
        "page": int(page) if page.isdecimal() and len(page) < 5 and int(page) else 1,
        "sort": sort,
        "is_calls": is_calls,
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


def find_filter_names(asked: ListRequest) -> dict[str, str]:
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


@blueprint.post("/views")
@permission(Permission.ORDERS_READ)
def save_view() -> BaseResponse:
    """Keep the filter of the list under a name; the same name again replaces it."""
    name = mask_text(request.form.get("name", "")).strip()[:80]
    query = {key: mask_text(request.form[key])[:200] for key in KEPT if request.form.get(key)}
    if name:
        with writing() as session:
            mine = sa.select(SavedView).where(
                SavedView.account_id == g.visitor.account_id, SavedView.page == "orders"
            )
            known = {view.name: view for view in session.scalars(mine)}
            if name in known:
                known[name].query = query
            elif len(known) < VIEWS_MAX:
                session.add(
                    SavedView(
                        account_id=g.visitor.account_id,
                        page="orders",
                        name=name,
                        query=query,
                        created_at=get_service().get_now(),
                    )
                )
    return redirect(to("orders.index", **query))


@blueprint.post("/views/<int:view_id>/delete")
@permission(Permission.ORDERS_READ)
def delete_view(view_id: int) -> BaseResponse:
    """Forget a saved view of one's own."""
    with writing() as session:
        session.execute(
            sa.delete(SavedView).where(
                SavedView.id == view_id, SavedView.account_id == g.visitor.account_id
            )
        )
    return redirect(to("orders.index"))
