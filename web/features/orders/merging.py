"""Two orders side by side before one goes into the other: what is alike, what differs, whose callback stays."""

from datetime import datetime
from typing import Any

from flask import render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import NotFoundError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.issues import MERGERS, merge_issues, open_issue, split_issue
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.order_detail import OrderDetail, get_order_detail
from gridgov.storage.queries.orders import find_item_names, find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service, reading

TITLE_LENGTH = 60
COMPARED = ("text", "address", "item", "unit", "street", "received_at", "state", "channel")
"""Lines of the comparison."""


@blueprint.get("/<order_no>/merge")
@permission(Permission.ORDERS_ACT)
def merge(order_no: str) -> str | tuple[str, int]:
    """Show the order beside the one into which it would go; without one, ask for it."""
    session = reading()
    left = get_order_detail(session, order_no)
    number = request.args.get("target", "").strip()[:80]
    problem, right = "", None
    if number:
        try:
            right = get_order_detail(session, number)
        except NotFoundError:
            problem = gettext("orders.merge.no_target", order_no=number)
        if number == order_no:
            problem, right = gettext("orders.merge.itself"), None
    page = render_template(
        "orders/merge.html",
        left=left,
        right=right,
        number=number,
        problem=problem,
        lines=[] if right is None else compare(left, right),
        can_join=get_scope().role in MERGERS,
    )
    return (page, 422) if problem else page


def compare(left: OrderDetail, right: OrderDetail) -> list[dict[str, Any]]:
    """Return line by line what both say, and whether it differs."""
    sides = [_describe(detail) for detail in (left, right)]
    return [
        {
            "name": name,
            "left": sides[0][name],
            "right": sides[1][name],
            "differs": sides[0][name] != sides[1][name],
        }
        for name in COMPARED
    ]


def _describe(detail: OrderDetail) -> dict[str, Any]:
    session, order, appeal = reading(), detail.order, detail.appeal
    names = (
        get_area_names(session, ("street",))
        | find_item_names(session, {order.item_code or ""})
        | find_unit_names(session, {order.unit_code})
    )
    return {
        "text": appeal.text or "",
        "address": appeal.address or "",
        "item": names.get(order.item_code or "", order.item_code or ""),
        "unit": names.get(order.unit_code, order.unit_code),
        "street": names.get(order.street_code or "", order.street_code or ""),
        "received_at": order.received_at,
        "state": order.state,
        "channel": appeal.channel or "",
    }


@blueprint.post("/<order_no>/issue")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def join_issue(order_no: str) -> BaseResponse | tuple[str, int]:
    """Say that two orders are on the same thing: each goes on and is called back, under one issue."""
    target = request.form.get("target_order_no", "").strip()[:80]

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        actor, at = get_scope().actor, get_service().get_now()
        issues = [_get_issue(session, runtime, number, at) for number in (target, order_no)]
        if issues[0] != issues[1]:
            reason = request.form.get("text", "").strip() or gettext("orders.issue.reason")
            merge_issues(session, issues[1], issues[0], actor=actor, at=at, reason=reason)
        return "success", gettext("orders.issue.joined", order_no=order_no, issue_no=issues[0])

    return carry_out(order_no, OrderAction.MERGE, step)


@blueprint.post("/<order_no>/issue/leave")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def leave_issue(order_no: str) -> BaseResponse | tuple[str, int]:
    """Say that an order is about something else than the other orders of its issue."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        detail = get_order_detail(session, order_no)
        if detail.issue is None:
            raise NotFoundError("issue", order_no)
        split_issue(
            session,
            runtime,
            detail.issue.issue_no,
            [order_no],
            actor=get_scope().actor,
            at=get_service().get_now(),
            reason=request.form.get("text", "").strip(),
        )
        return "success", gettext("orders.issue.left", order_no=order_no)

    return carry_out(order_no, OrderAction.SPLIT, step)


def _get_issue(session: Session, runtime: CityRuntime, order_no: str, at: datetime) -> str:
    """Return the number of an order's issue, a new one if it has none."""
    detail = get_order_detail(session, order_no)
    if detail.issue is not None:
        return detail.issue.issue_no
    title = (detail.appeal.text or detail.appeal.address or order_no)[:TITLE_LENGTH]
    actor = get_scope().actor
    return open_issue(session, runtime, [order_no], title=title, actor=actor, at=at).issue_no
