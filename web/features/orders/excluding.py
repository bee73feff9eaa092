"""Exclusions from the order's page: proposed by one person, approved or withdrawn by another."""

from flask import g, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.exclusions import (
    approve,
    check_belongs,
    find_proposals,
    propose,
    withdraw,
)
from gridgov.storage.queries.orders import find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out, read_seen_version
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service, reading

WAITING_MAX = 200


@blueprint.get("/exclusions")
@permission(Permission.ORDERS_READ)
def list_proposals() -> str:
    """Show the exclusions that wait for a second person, the oldest first."""
    session = reading()
    found = find_proposals(session, at_most=WAITING_MAX + 1)
    return render_template(
        "orders/exclusions.html",
        rows=found[:WAITING_MAX],
        more=len(found) > WAITING_MAX,
        own_key=g.visitor.person_key,
        names=find_unit_names(session, {row.unit_code for row in found}),
    )


@blueprint.post("/<order_no>/exclusion")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def propose_exclusion(order_no: str) -> BaseResponse | tuple[str, int]:
    """Propose that an order shall not count."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        propose(
            session,
            runtime,
            order_no,
            actor=get_scope().actor,
            reason_code=request.form.get("reason_code", "").strip(),
            at=get_service().get_now(),
            seen_version=read_seen_version(),
        )
        return "success", gettext("orders.exclusion.proposed", order_no=order_no)

    return carry_out(order_no, OrderAction.EXCLUDE, step)


@blueprint.post("/<order_no>/exclusion/<int:exclusion_id>/approve")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def approve_exclusion(order_no: str, exclusion_id: int) -> BaseResponse | tuple[str, int]:
    """Approve a proposal as the second person."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        check_belongs(session, exclusion_id, order_no)
        approve(session, runtime, exclusion_id, actor=get_scope().actor, at=get_service().get_now())
        return "success", gettext("orders.exclusion.approved", order_no=order_no)

    return carry_out(order_no, OrderAction.EXCLUDE, step)


@blueprint.post("/<order_no>/exclusion/<int:exclusion_id>/withdraw")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def withdraw_exclusion(order_no: str, exclusion_id: int) -> BaseResponse | tuple[str, int]:
    """Take a proposal or an exclusion back."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        check_belongs(session, exclusion_id, order_no)
        withdraw(
            session,
            runtime,
            exclusion_id,
            actor=get_scope().actor,
            reason=request.form.get("reason_code", "").strip()[:64] or "withdrawn",
            at=get_service().get_now(),
        )
        return "success", gettext("orders.exclusion.withdrawn", order_no=order_no)

    return carry_out(order_no, OrderAction.READMIT, step)
