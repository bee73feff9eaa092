"""What people do to orders from the pages: a form for each action of the transition table, callbacks, many at once."""

from typing import Any

from flask import redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.handling import act, record_refusal, undo
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out, read_seen_version, refuse
from web.features.orders.facts import BULK_ACTIONS, BULK_MAX, read_facts, say_problem
from web.kit import limits
from web.kit.i18n import label
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, writing

CONTACTED = {"true": True, "false": False}


@blueprint.post("/<order_no>/act/<action>")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def take_action(order_no: str, action: str) -> BaseResponse | tuple[str, int]:
    """Do one action to one order; what is refused comes back with everything that was typed."""
    chosen = _read_action(action)
    try:
        # A second person's sign-in counts wrong tries in a transaction of its own, before the change begins.
        facts = read_facts(get_runtime(), chosen, request.form)
    except GridgovError as error:
        return refuse(order_no, chosen, error)

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        act(
            session,
            runtime,
            order_no,
            chosen,
            actor=get_scope().actor,
            facts=facts,
            seen_version=read_seen_version(),
        )
        done = label("action", chosen.value)
        return "success", gettext("orders.done", order_no=order_no, action=done)

    return carry_out(order_no, chosen, step)


def _read_action(text: str) -> OrderAction:
    try:
        return OrderAction(text)
    except ValueError as error:
        raise NotFoundError("action", text) from error


@blueprint.post("/<order_no>/undo")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def take_back(order_no: str) -> BaseResponse | tuple[str, int]:
    """Take back one's own last step."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        undone = undo(
            session,
            runtime,
            order_no,
            actor=get_scope().actor,
            at=get_service().get_now(),
            seen_version=read_seen_version(),
        )
        return "success", gettext(
            "orders.undone", order_no=order_no, action=label("action", undone.value)
        )

    return carry_out(order_no, OrderAction.RECALL, step)


@blueprint.post("/bulk")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def bulk() -> BaseResponse | str | tuple[str, int]:
    """Do one step to several orders: first shown for a check, then each in a transaction of its own."""
    chosen = _read_action(request.form.get("action", ""))
    if chosen not in BULK_ACTIONS.get(get_scope().role, ()):
        raise NotFoundError("action", chosen.value)
    numbers = list(dict.fromkeys(request.form.getlist("order_no")))[:BULK_MAX]
    if not numbers:
        return redirect(to("orders.index"))
    versions = {number: request.form.get(f"version_{number}", "") for number in numbers}
    if request.form.get("sure") != "yes":
        return render_template(
            "orders/bulk.html",
            action=chosen,
            versions=versions,
            results=None,
            units=_needs_unit(chosen),
        )
    results = [_try_one(number, chosen, versions[number]) for number in numbers]
    return render_template(
        "orders/bulk.html", action=chosen, versions=versions, results=results, units=False
    )


def _needs_unit(action: OrderAction) -> bool:
    return action is OrderAction.DISPATCH


def _try_one(order_no: str, action: OrderAction, seen: str) -> dict[str, Any]:
    runtime = get_runtime()
    try:
        facts = read_facts(runtime, action, request.form)
        with writing() as session:
            act(
                session,
                runtime,
                order_no,
                action,
                actor=get_scope().actor,
                facts=facts,
                seen_version=int(seen) if seen.isdecimal() else None,
            )
    except GridgovError as error:
        with writing() as session:
            record_refusal(
                session,
                order_no,
                action.value,
                error,
                actor=get_scope().actor,
                at=get_service().get_now(),
            )
        return {"order_no": order_no, "problem": say_problem(error), "detail": str(error)}
    return {"order_no": order_no, "problem": "", "detail": ""}


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
        not_reached=form.get("not_reached", "").strip()[:32],
        note=form.get("note", "").strip()[:4000],
    )

    def record(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        called = record_callback(
            session,
            runtime,
            order_no,
            actor=get_scope().actor,
            answers=answers,
            seen_version=read_seen_version(),
        )
        if called.flag == "no_answer" and answers.not_reached:
            zone = get_service().get_city().zone
            if called.call_again_at is None:
                return "warning", gettext("orders.missed_last", order_no=order_no)
            again = called.call_again_at.astimezone(zone)
            return "warning", gettext("orders.missed", order_no=order_no, at=f"{again:%m-%d %H:%M}")
        if called.counts:
            return "success", gettext("orders.called", order_no=order_no)
        return "warning", gettext("orders.called_incomplete", order_no=order_no)

    return carry_out(order_no, OrderAction.CALL_BACK, record)
