"""The blueprint of the orders pages; the modules beside it add their routes to it."""

from flask import Blueprint
from flask_babel import gettext

blueprint = Blueprint("orders", __name__, url_prefix="/orders")
KINDS = ("consultation", "help", "complaint", "report", "suggestion", "emergency", "praise")
"""Kinds of appeals (DOMAIN 1); a city's export may have words of its own."""


@blueprint.app_template_global("say_kind")
def say_kind(kind: str | None) -> str:
    """Return how people read a kind of appeal: known ones in the page's language, a city's own as they are."""
    return gettext(f"orders.kind.{kind}") if kind in KINDS else (kind or "")
