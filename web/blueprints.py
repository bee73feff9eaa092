"""The features of the pages: one line each, in the order in which they are registered."""

import importlib
from typing import cast

from flask import Blueprint, Flask

FEATURES = (
    "web.features.home.views",
    "web.features.sign_in.account",
    "web.features.sign_in.views",
    "web.features.sign_in.provider",
    "web.features.accounts.views",
    "web.features.search.views",
    "web.features.orders.views",
    "web.features.today.views",
    "web.features.whistles.views",
    "web.features.map.views",
    "web.features.planning.views",
    "web.features.topics.views",
    "web.features.effects.views",
    "web.features.rates.views",
    "web.features.outbox.views",
    "web.features.ogc.views",
    "web.features.inbox.views",
    "web.features.work.views",
    "web.features.status.views",
    "web.features.field.views",
)
"""Modules with a ``blueprint``."""


INTERFACES = ("web.features.api.views", "web.features.open311.views")
"""Modules with an ``add_to``: calls of programs, which register with their description."""


def add_features(app: Flask) -> None:
    """Register every feature."""
    for name in INTERFACES:
        importlib.import_module(name).add_to(app)
    for name in FEATURES:
        app.register_blueprint(cast("Blueprint", importlib.import_module(name).blueprint))
