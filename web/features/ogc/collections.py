"""The collections: who may read them, with which scope of a token, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext

from gridgov.services.accounts.tokens import TokenScope
from web.kit.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A collection of features.

    Parameters
    ----------
    name
        One of ``gridgov.storage.features.sources.NAMES``.
    permission, scope
        What a reader needs.
    is_kept
        Whether its tiles are the same for everybody, so that a process keeps them.
    """

    name: str
    permission: Permission
    scope: TokenScope
    is_kept: bool = False


COLLECTIONS: Mapping[str, Collection] = {
    one.name: one
    for one in (
        Collection(
            name="districts",
            permission=Permission.MAPS_READ,
            scope=TokenScope.PLACES,
            is_kept=True,
        ),
        Collection(
            name="streets", permission=Permission.MAPS_READ, scope=TokenScope.PLACES, is_kept=True
        ),
        Collection(
            name="communities",
            permission=Permission.MAPS_READ,
            scope=TokenScope.PLACES,
            is_kept=True,
        ),
        Collection(
            name="cells", permission=Permission.MAPS_READ, scope=TokenScope.PLACES, is_kept=True
        ),
        Collection(name="orders", permission=Permission.ORDERS_READ, scope=TokenScope.ORDERS_READ),
        Collection(name="hotspots", permission=Permission.MAPS_READ, scope=TokenScope.FIGURES_READ),
        Collection(name="tasks", permission=Permission.PLANNING_READ, scope=TokenScope.PLANS_READ),
    )
}
"""By name, in the order in which they are listed."""


def get_title(name: str) -> str:
    """Return what people call a collection."""
    titles = {
        "districts": gettext("ogc.districts"),
        "streets": gettext("ogc.streets"),
        "communities": gettext("ogc.communities"),
        "cells": gettext("ogc.cells"),
        "orders": gettext("ogc.orders"),
        "hotspots": gettext("ogc.hotspots"),
        "tasks": gettext("ogc.tasks"),
    }
    return str(titles[name])


def get_description(name: str) -> str:
    """Return what a collection holds, in a sentence."""
    told = {
        "districts": gettext("ogc.districts.what"),
        "streets": gettext("ogc.streets.what"),
        "communities": gettext("ogc.communities.what"),
        "cells": gettext("ogc.cells.what"),
        "orders": gettext("ogc.orders.what"),
        "hotspots": gettext("ogc.hotspots.what"),
        "tasks": gettext("ogc.tasks.what"),
    }
    return str(told[name])
