"""Figures are doors: where a count leads, with the same filter; no door where the room behind it does not exist."""

from typing import Any

from flask import current_app

from web.auth import has_permission
from web.frame import to
from web.permissions import Permission


def to_orders(**filters: Any) -> str:
    """Return the address of the orders list with a filter, empty where the visitor has no such list.

    Parameters
    ----------
    filters
        Arguments of the list; None leaves one out.
    """
    if "orders.index" not in current_app.view_functions:
        return ""
    if not has_permission(Permission.ORDERS_READ):
        return ""
    return to("orders.index", **filters)


def to_order(order_no: str) -> str:
    """Return the address of an order's page, empty where there is none for the visitor."""
    if "orders.show" not in current_app.view_functions:
        return ""
    if not has_permission(Permission.ORDERS_READ):
        return ""
    return to("orders.show", order_no=order_no)
