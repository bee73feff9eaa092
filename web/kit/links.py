"""Where a count leads: the list of what it counts, with the same filter; nowhere if the visitor has no such list."""

from typing import Any
from urllib.parse import quote

from flask import current_app

from web.kit.auth import has_permission
from web.kit.page_helpers import to
from web.kit.permissions import Permission

MARK = "-code-"
"""Stands for a code in an address that is made once for all rows of a table."""


def fill_in(address: str, code: str) -> str:
    """Return an address with the code of a row in place of :data:`MARK`."""
    return address.replace(MARK, quote(code, safe=""))


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
