"""The calls of API v1 with their document; registers them with the application."""

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify
from werkzeug.wrappers import Response

from web.features.api import appeals, figures, orders, places, plans, whistles
from web.kit.api import make_document
from web.kit.api.problems import add_root
from web.kit.permissions import public

ROOT = "/api/"
EXTENSION = "gridgov_api_document"
DESCRIPTION = """Appeals, orders and what follows from them, for the other systems of a city.

A call shows a token (`Authorization: Bearer …`) that `gridgov user token` has made. It has the
rights of its account as far as its scopes go, and sees the rows that the account sees. Errors are RFC 9457 problems.
Times are RFC 3339 with an offset, coordinates degrees EPSG:4326, lon before lat.
"""

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


def add_to(app: Flask) -> None:
    """Register the calls and keep their document."""
    add_root(app, ROOT)
    app.extensions[EXTENSION] = make_document(
        app,
        [one.blueprint for one in (places, appeals, orders, whistles, plans, figures)],
        title="gridgov",
        version="1",
        description=DESCRIPTION,
        prefix="V1",
    )
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
@public
def show_document() -> Response:
    """Give the description of all calls (OpenAPI 3.1)."""
    document: dict[str, Any] = current_app.extensions[EXTENSION]
    return jsonify(document)
