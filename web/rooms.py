"""The rooms of the pages: one line each, in the order in which they are registered."""

import importlib
from typing import cast

from flask import Blueprint, Flask

ROOMS = (
    "web.features.home.views",
    "web.features.sign_in.account",
    "web.features.sign_in.views",
    "web.features.sign_in.provider",
    "web.features.search.views",
    "web.features.orders.routes",
    "web.features.today.views",
    "web.features.whistles.views",
    "web.features.map.views",
    "web.features.planning.views",
    "web.features.rates.views",
    "web.features.outbox.views",
)
"""Modules with a ``blueprint``."""


def add_rooms(app: Flask) -> None:
    """Register every room."""
    for name in ROOMS:
        app.register_blueprint(cast("Blueprint", importlib.import_module(name).blueprint))
