"""The page of those who work outside, and what a phone needs to install it as an app."""

import json

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext

from web.features.field.page import make_points, make_work
from web.features.map import make_point_room
from web.kit.area_outlines import get_base
from web.kit.i18n import TAGS, find_language
from web.kit.maps import get_datum
from web.kit.page_helpers import asset, find_zone
from web.kit.permissions import Permission, permission, public
from web.kit.service import get_scope, get_service, reading

blueprint = Blueprint("field", __name__, url_prefix="/field")
ICON_SIZES = (192, 512)
"""Pixels; what phones ask for before they offer to install a page."""


@blueprint.get("")
@permission(Permission.FIELD_READ)
def index() -> str:
    """Show what waits for the visitor's unit."""
    session, now = reading(), get_service().get_now()
    work = make_work(session, get_scope(), zone=find_zone())
    return render_template(
        "field/index.html",
        work=work,
        rows=work.rows,
        mine=sum(row.is_mine for row in work.rows),
        room=make_point_room(session, make_points(work.rows, now=now), near=True),
        datum=get_datum(get_base()).value,
    )


@blueprint.get("/app.webmanifest")
@public
def manifest() -> Response:
    """Send the app's manifest; browsers ask for it without the account, and it says nothing of anybody."""
    address = url_for("field.index")
    icons = [
        {"src": asset(f"img/app-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in ICON_SIZES
    ]
    told = {
        "id": address,
        "name": gettext("field.app_name"),
        "short_name": gettext("nav.field"),
        "description": gettext("field.app_about"),
        "lang": TAGS[find_language()],
        "start_url": address,
        "scope": url_for("home.index"),
        "display": "standalone",
        "background_color": "#f4f6f8",
        "theme_color": "#0b4f6c",
        "icons": icons,
    }
    return Response(json.dumps(told, ensure_ascii=False), mimetype="application/manifest+json")
