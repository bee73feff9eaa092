"""Callbacks from the order's page: what the person said closes the order."""

from flask import request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import Desk
from gridgov.services.orders.callbacks import Answers, record_callback
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out, read_seen_version
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service

CONTACTED = {"true": True, "false": False}


@blueprint.post("/<order_no>/callback")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def record_call(order_no: str) -> BaseResponse | tuple[str, int]:
    """Record a call to the person."""
    form = request.form
    answers = Answers(
        called_at=get_service().get_now(),
        contacted=CONTACTED.get(form.get("contacted", "")),
        solved=form.get("solved", "") or None,
        satisfied=form.get("satisfied", "") or None,
        note=form.get("note", "").strip()[:4000],
    )

    def record(session: Session, desk: Desk) -> tuple[str, str]:
        called = record_callback(
            session,
            desk,
            order_no,
            actor=get_scope().actor,
            answers=answers,
            seen_version=read_seen_version(),
        )
        if called.counts:
            return "success", gettext("orders.called", order_no=order_no)
        return "warning", gettext("orders.called_incomplete", order_no=order_no)

    return carry_out(order_no, OrderAction.CALL_BACK, record)
