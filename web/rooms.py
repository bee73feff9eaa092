"""The rooms of the pages: one line each, in the order in which they are registered."""

import importlib
from typing import cast

from flask import Blueprint, Flask

ROOMS = (
    "web.views.home",
    "web.views.account",
    "web.views.sign_in",
    "web.views.provider",
    "web.views.search",
    "web.views.orders.room",
    "web.views.today",
    "web.views.whistles",
    "web.views.maps",
    "web.views.planning",
    "web.views.rates",
    "web.views.outbox",
)
"""Modules with a ``blueprint``."""


def add_rooms(app: Flask) -> None:
    """Register every room."""
    for name in ROOMS:
        app.register_blueprint(cast("Blueprint", importlib.import_module(name).blueprint))
