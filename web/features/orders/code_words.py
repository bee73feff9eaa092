"""Words of codes that a city's own data may replace: known ones in the page's language, others as they are."""

from flask_babel import gettext

from web.features.orders.blueprint import blueprint

KINDS = ("consultation", "help", "complaint", "report", "suggestion", "emergency", "praise")
"""Kinds of appeals (DOMAIN 1); a city's export may have words of its own."""


@blueprint.app_template_global("say_kind")
def say_kind(kind: str | None) -> str:
    """Return how people read a kind of appeal."""
    return gettext(f"orders.kind.{kind}") if kind in KINDS else (kind or "")
