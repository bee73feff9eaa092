"""What became of an appeal, for who knows its number and secret; its receipt; the signed roots for everybody."""

import json
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from gridgov.errors import NotFoundError
from gridgov.services.receipts.caller_status import (
    AppealStatus,
    find_status,
    list_roots,
    make_receipt,
    make_secret,
)
from gridgov.storage.queries.areas import get_item_names, get_unit_names
from web.kit import limits
from web.kit.permissions import Permission, permission, public
from web.kit.security import get_address
from web.kit.service import get_scope, get_service, writing

blueprint = Blueprint("status", __name__, url_prefix="/status")
LONGEST = 100
Page = str | tuple[str, int]


@blueprint.get("")
@public
def index() -> str:
    """Show the form."""
    return _show()


def _show(found: AppealStatus | None = None, *, problem: str = "", **facts: Any) -> str:
    typed = request.form.get("appeal_no", "")[:LONGEST]
    secret = request.form.get("secret", "")[:LONGEST] if found else ""
    return render_template(
        "status/index.html", found=found, problem=problem, typed=typed, secret=secret, **facts
    )


def _find() -> AppealStatus | None:
    limits.check_limit(limits.STATUS, get_address())
    number, secret = (request.form.get(name, "")[:LONGEST] for name in ("appeal_no", "secret"))
    with get_service().read_sessions() as session:
        try:
            return find_status(session, number, secret)
        except NotFoundError:
            return None


@blueprint.post("")
@public
def ask() -> Page:
    """Show what became of an appeal; what is wrong of number and secret is not said."""
    found = _find()
    if found is None:
        return _show(problem="status.not_found"), 404
    with get_service().read_sessions() as session:
        units, items = get_unit_names(session), get_item_names(session)
    return _show(found, units=units, item=items.get(found.item_code or "", ""))


@blueprint.post("/receipt")
@public
def receipt() -> Response | Page:
    """Send the receipt as a file."""
    found = _find()
    if found is None:
        return _show(problem="status.not_found"), 404
    service = get_service()
    if not found.has_receipt:
        return _show(problem="status.no_receipt"), 404
    with service.read_sessions() as session:
        facts = make_receipt(session, service.settings, found.appeal_id)
    response = Response(
        json.dumps(facts, ensure_ascii=False, indent=1), mimetype="application/json"
    )
    response.headers.set(
        "Content-Disposition", "attachment", filename=f"receipt-{found.appeal_id}.json"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/roots.json")
@public
def roots() -> Response:
    """Send every signed root, for whoever keeps them elsewhere."""
    service = get_service()
    with service.read_sessions() as session:
        return jsonify(list_roots(session, service.settings))


@blueprint.post("/secret/<order_no>")
@permission(Permission.APPEALS_CREATE)
@limits.limited(limits.CHANGES)
def secret(order_no: str) -> str:
    """Make a secret for the caller of an order and show it this once."""
    with writing() as session:
        made = make_secret(session, order_no, actor=get_scope().actor, at=get_service().get_now())
    return render_template("status/secret.html", secret=made, order_no=order_no)
