"""The way in, whether the service is well, the unit chooser of the top line, and the language."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.city import Unit
from web.kit.i18n import LANGUAGES
from web.kit.page_helpers import list_rooms, to
from web.kit.permissions import Permission, permission, public
from web.kit.resumed_forms import read_local
from web.kit.service import get_scope, get_service, reading

blueprint = Blueprint("home", __name__)
MOST_UNITS = 60


@blueprint.get("/")
@permission(Permission.OWN_ACCOUNT)
def index() -> BaseResponse:
    """Lead to the first room that the visitor may enter."""
    rooms = list_rooms()
    return redirect(to(rooms[0].endpoint if rooms else "account.index"))


@blueprint.get("/healthz")
@public
def health() -> Response:
    """Say whether the database answers and a city is loaded; nothing else, because anybody may ask."""
    service = get_service()
    with service.read_sessions() as session:
        session.execute(sa.text("SELECT 1"))
    service.get_city()
    return jsonify(status="ok")


@blueprint.get("/units")
@permission(Permission.OWN_ACCOUNT)
def units() -> str:
    """Return the choices of the unit scope: a fragment for the top line."""
    sought = request.args.get("q", "").strip()[:80]
    page = read_local(request.args.get("page", "")) or "/"
    found = find_units(sought)
    return render_template(
        "parts/units.html", units=found[:MOST_UNITS], more=len(found) > MOST_UNITS, page=page
    )


def find_units(sought: str) -> Sequence[Any]:
    """Return units that the visitor may see, by name or code; without words the highest ones."""
    scope = get_scope()
    query = sa.select(Unit.unit_code, Unit.name, Unit.kind, Unit.path).distinct()
    if not scope.sees_all:
        query = query.where(Unit.unit_code.in_(scope.unit_codes))
    if sought:
        words = f"%{sought.replace('%', '').replace('_', '')}%"
        query = query.where(sa.or_(Unit.name.like(words), Unit.unit_code.like(words)))
    else:
        query = query.where(Unit.kind.in_(("district", "street")))
    return reading().execute(query.order_by(Unit.path).limit(MOST_UNITS + 1)).all()


@blueprint.post("/language")
@permission(Permission.OWN_ACCOUNT)
def choose_language() -> BaseResponse:
    """Keep the language in the account and go back."""
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        with transaction(get_service().sessions) as session:
            session.execute(
                sa.update(Account).where(Account.id == g.visitor.account_id).values(language=chosen)
            )
    return redirect(read_local(request.form.get("next", "")) or "/")


@blueprint.post("/theme")
@public
def choose_theme() -> BaseResponse:
    """Keep light, dark or the system's own in a cookie and go back."""
    chosen = request.form.get("theme", "")
    response = make_response(redirect(read_local(request.form.get("next", "")) or "/"))
    if chosen in {"light", "dark", "auto"}:
        response.set_cookie(
            "gridgov_theme",
            chosen,
            max_age=365 * 86_400,
            samesite="Lax",
            httponly=True,
            secure=get_service().settings.behind_https,
        )
    return response
