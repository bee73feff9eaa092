"""The search box of the top line: a number opens its thing; words lead to orders, units, items and areas."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.wrappers import Response as BaseResponse

from geodata.versions import VersionState
from gridgov.storage.models.city import Area, BoundaryVersion, CatalogueItem, Unit
from gridgov.storage.models.orders import Issue, Order
from gridgov.storage.models.whistles import WhistleCall
from gridgov.storage.queries.orders import OrderFilter, count_orders, get_count_max
from gridgov.storage.scope.apply import Scope
from web.kit.auth import has_permission
from web.kit.page_helpers import to
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, reading

blueprint = Blueprint("search", __name__)
MOST_SHOWN = 12
LONGEST = 200
MOST_ORDERS = 9
"""Orders of one appeal among which its number is looked for."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Something that was found: where it leads and how it is called."""

    href: str
    name: str
    note: str


@blueprint.get("/search")
@permission(Permission.TODAY_READ)
def index() -> BaseResponse | str:
    """Open what a number names, else show what the words may mean."""
    sought = " ".join(request.args.get("q", "").split())[:LONGEST]
    if sought:
        address = find_numbered(sought)
        if address is not None:
            return redirect(address)
    groups = find_groups(sought) if sought else []
    return render_template(
        "search/index.html", sought=sought, groups=groups, orders=find_orders(sought)
    )


def find_numbered(sought: str) -> str | None:
    """Return the address of the thing with exactly this number, None if there is none that one may see."""
    if " " in sought:
        return None
    session = reading()
    if has_permission(Permission.ORDERS_READ):
        # An appeal's orders carry its number with a running one; so the one index finds both.
        numbers = [sought, *(f"{sought}-{one}" for one in range(1, MOST_ORDERS + 1))]
        found = session.scalars(
            sa.select(Order.order_no).where(Order.order_no.in_(numbers)).order_by(Order.order_no)
        ).all()
        if len(found) == 1 or sought in found:
            return to("orders.show", order_no=sought if sought in found else found[0])
        if session.scalar(sa.select(Issue.id).where(Issue.issue_no == sought)) is not None:
            return to("orders.index", issue=sought)
    call = sa.select(WhistleCall.call_no).where(WhistleCall.call_no == sought)
    if has_permission(Permission.WHISTLES_READ) and session.scalar(call) is not None:
        return to("whistles.show", call_no=sought)
    return None


def find_orders(sought: str) -> dict[str, Any] | None:
    """Return how many orders of the window speak of it, with the address of their list."""
    if not sought or not has_permission(Permission.ORDERS_READ):
        return None
    window = get_window()
    chosen = OrderFilter(
        unit_codes=get_unit_scope().codes, start=window.start, end=window.end, words=sought
    )
    count, most = count_orders(reading(), chosen), get_count_max(chosen)
    return {
        "count": min(count, most),
        "more": count > most,
        "href": to("orders.index", q=sought, window=window.key),
    }


def find_groups(sought: str) -> list[tuple[str, list[Hit]]]:
    """Return what else the words may mean: (kind, hits), kinds without any left out."""
    scope = get_scope()
    groups = [
        ("units", find_units(sought, scope)),
        ("streets", find_areas(sought, scope)),
        ("items", find_items(sought)),
    ]
    return [(kind, hits) for kind, hits in groups if hits]


def _match(columns: tuple[InstrumentedAttribute[Any], ...], sought: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.contains(sought, autoescape=True) for column in columns))


def find_units(sought: str, scope: Scope) -> list[Hit]:
    """Return units by name or code that the visitor may see; each becomes the scope of the page."""
    query = (
        sa.select(Unit.unit_code, Unit.name)
        .where(_match((Unit.name, Unit.unit_code), sought))
        .distinct()
        .order_by(Unit.unit_code)
        .limit(MOST_SHOWN)
    )
    if not scope.sees_all:
        query = query.where(Unit.unit_code.in_(scope.unit_codes))
    return [
        Hit(href=to("today.index", unit=code), name=name, note=code)
        for code, name in reading().execute(query)
    ]


def find_areas(sought: str, scope: Scope) -> list[Hit]:
    """Return streets by name or code; each opens its cells on the map."""
    if not has_permission(Permission.MAPS_READ):
        return []
    query = (
        sa.select(Area.code, Area.name)
        .join(BoundaryVersion, BoundaryVersion.id == Area.version_id)
        .where(
            BoundaryVersion.state == VersionState.ACTIVE,
            Area.kind == "street",
            _match((Area.name, Area.code), sought),
        )
        .order_by(Area.code)
        .limit(MOST_SHOWN)
    )
    if not scope.sees_all:
        query = query.where(Area.code.in_(scope.unit_codes))
    return [
        Hit(href=to("maps.index", street=code, by="community"), name=name, note=code)
        for code, name in reading().execute(query)
    ]


def find_items(sought: str) -> list[Hit]:
    """Return items of the catalogue by name or code; each opens its orders."""
    if not has_permission(Permission.ORDERS_READ):
        return []
    query = (
        sa.select(CatalogueItem.item_code, CatalogueItem.name)
        .where(
            CatalogueItem.level == 3, _match((CatalogueItem.name, CatalogueItem.item_code), sought)
        )
        .distinct()
        .order_by(CatalogueItem.item_code)
        .limit(MOST_SHOWN)
    )
    return [
        Hit(href=to("orders.index", item=code), name=name, note=code)
        for code, name in reading().execute(query)
    ]
