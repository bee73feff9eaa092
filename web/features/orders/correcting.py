"""Correcting an order from its page: the item is chosen, words are put right; what would follow is shown first."""

from typing import Any

from flask import render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import GridgovError, NotFoundError
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.amend import Amendment, amend, preview_amend
from gridgov.services.intake.callers import find_caller_orders
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.order_detail import get_order_detail
from gridgov.storage.queries.orders import find_item_names, find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out, read_seen_version
from web.features.orders.new import MOST_SUGGESTED, find_items
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading

AT = "correct"
"""Where on the order's page what was typed is shown again."""


def read_amendment() -> Amendment:
    """Return what the form says: the item that was chosen, or the one whose name or code was typed."""
    form = request.form
    words = form.get("item_code", "").strip() or form.get("item_words", "").strip()
    return Amendment(
        item_code=words[:200] or None,
        text=form.get("text"),
        address=form.get("address"),
    )


@blueprint.post("/<order_no>/correct")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def correct(order_no: str) -> BaseResponse | tuple[str, int]:
    """Correct item, words and address."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        plan = amend(
            session,
            runtime,
            order_no,
            amendment=read_amendment(),
            actor=get_scope().actor,
            at=get_service().get_now(),
            seen_version=read_seen_version(),
        )
        unit = runtime.city.names.get(plan.after.unit_after, plan.after.unit_after)
        return "success", gettext("orders.corrected", order_no=order_no, unit=unit)

    return carry_out(order_no, AT, step)


@blueprint.post("/<order_no>/correct/preview")
@permission(Permission.ORDERS_ACT)
def preview_correct(order_no: str) -> str:
    """Return what the correction would do: a part of the page."""
    session = reading()
    try:
        plan = preview_amend(
            session, get_runtime(), order_no, amendment=read_amendment(), actor=get_scope().actor
        )
    except NotFoundError:
        raise
    except GridgovError as error:
        return render_template("orders/correct.html", plan=None, problem=error, names={})
    units = {plan.after.unit_before, plan.after.unit_after}
    return render_template(
        "orders/correct.html",
        plan=plan,
        problem=None,
        names=find_unit_names(session, units)
        | find_item_names(session, {plan.amendment.item_code or ""})
        | get_area_names(session, ("street",), codes={plan.place["street_code"] or ""}),
    )


@blueprint.get("/<order_no>/suggest/items")
@permission(Permission.ORDERS_ACT)
def suggest_own_items(order_no: str) -> str:
    """Return items that fit what the person said."""
    session = reading()
    text = get_order_detail(session, order_no).appeal.text or ""
    found: list[dict[str, Any]] = find_items(text, by_model=True) if text else []
    parents = find_item_names(session, {str(row["parent"]) for row in found if row["parent"]})
    return render_template("orders/items.html", found=found[:MOST_SUGGESTED], parents=parents)


@blueprint.post("/new/callers")
@permission(Permission.APPEALS_CREATE)
def callers() -> str:
    """Return what the person of a call has stated before, to those who may see persons: a part of the form."""
    form, session = request.form, reading()
    found = find_caller_orders(
        session,
        phone=form.get("phone", "").strip()[:100],
        name=form.get("name", "").strip()[:200],
    )
    return render_template(
        "orders/callers.html",
        found=found,
        names=find_item_names(session, {row.item_code for row in found} - {None}),
    )
