"""Which role may do what in the pages: one table; every route names what it needs, or says that it needs nothing.

What an account may see within a page follows from its unit (``gridgov.storage.scope.apply``); what it may do to one
order from the transition table (``gridgov.rules.orders.transitions``).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from flask import Flask

from gridgov.errors import GridgovError
from gridgov.rules.orders.transitions import Role

View = TypeVar("View", bound=Callable[..., object])

_R = Role
EVERYONE = frozenset(Role)
_DESK = frozenset({_R.OPERATOR, _R.DISPATCHER, _R.CALLBACK_CLERK, _R.SUPERVISOR})
_UNITS = frozenset({_R.STREET_CENTRE, _R.HANDLER, _R.FIELD_STAFF})
_STUDY = frozenset({_R.PLANNER, _R.ANALYST, _R.AUDITOR})


class Permission(StrEnum):
    """What a route may ask for."""

    OWN_ACCOUNT = "own_account"
    TODAY_READ = "today_read"
    ORDERS_READ = "orders_read"
    ORDERS_ACT = "orders_act"
    ORDERS_EXPORT = "orders_export"
    APPEALS_CREATE = "appeals_create"
    WHISTLES_READ = "whistles_read"
    WHISTLES_ACT = "whistles_act"
    FIELD_READ = "field_read"
    MAPS_READ = "maps_read"
    PLANNING_READ = "planning_read"
    PLANS_ACT = "plans_act"
    CLASSES_DECIDE = "classes_decide"
    TOPICS_CHOOSE = "topics_choose"
    RATES_READ = "rates_read"
    WORK_SHARE = "work_share"
    OUTBOX_KEEP = "outbox_keep"
    ACCOUNTS_KEEP = "accounts_keep"
    SECURITY_READ = "security_read"


GRANTS: dict[Permission, frozenset[Role]] = {
    Permission.OWN_ACCOUNT: EVERYONE,
    Permission.TODAY_READ: EVERYONE,
    Permission.ORDERS_READ: _DESK | _UNITS | _STUDY,
    Permission.ORDERS_ACT: _DESK | _UNITS,
    Permission.ORDERS_EXPORT: frozenset(
        {_R.DISPATCHER, _R.SUPERVISOR, _R.STREET_CENTRE, _R.HANDLER} | _STUDY
    ),
    Permission.APPEALS_CREATE: frozenset({_R.OPERATOR, _R.DISPATCHER}),
    Permission.WHISTLES_READ: frozenset({_R.DISPATCHER, _R.SUPERVISOR} | _UNITS | _STUDY),
    Permission.WHISTLES_ACT: frozenset({_R.SUPERVISOR} | _UNITS),
    Permission.FIELD_READ: _UNITS,
    Permission.MAPS_READ: EVERYONE,
    Permission.PLANNING_READ: frozenset({_R.SUPERVISOR, _R.STREET_CENTRE, _R.HANDLER} | _STUDY),
    Permission.PLANS_ACT: frozenset({_R.PLANNER, _R.SUPERVISOR, _R.STREET_CENTRE, _R.HANDLER}),
    Permission.CLASSES_DECIDE: frozenset({_R.PLANNER, _R.SUPERVISOR}),
    Permission.TOPICS_CHOOSE: frozenset({_R.SUPERVISOR, _R.PLANNER, _R.ANALYST}),
    Permission.RATES_READ: frozenset(
        {_R.SUPERVISOR, _R.CALLBACK_CLERK, _R.STREET_CENTRE, _R.HANDLER, _R.ADMINISTRATOR} | _STUDY
    ),
    # Photos may show people: for those alone who may know who it was.
    Permission.WORK_SHARE: _DESK | _UNITS,
    Permission.OUTBOX_KEEP: frozenset({_R.ADMINISTRATOR}),
    Permission.ACCOUNTS_KEEP: frozenset({_R.ADMINISTRATOR}),
    Permission.SECURITY_READ: frozenset({_R.ADMINISTRATOR, _R.AUDITOR}),
}
"""Permission → roles that have it. The roles are documented, who has which page is assumed [A]."""


class UnguardedRouteError(GridgovError):
    """A route states neither a permission nor that it is public."""

    def __init__(self, endpoints: list[str]) -> None:
        self.endpoints = endpoints
        super().__init__(
            f"routes without a permission: {', '.join(endpoints)}; put @permission(…) or @public below their route"
        )


def permission(needed: Permission) -> Callable[[View], View]:
    """Say what a view needs; put below ``@blueprint.route``."""

    def mark(view: View) -> View:
        view.__dict__["permission"] = needed
        return view

    return mark


def public(view: View) -> View:
    """Say that a view needs no account."""
    view.__dict__["permission"] = None
    return view


def is_guarded(view: Callable[..., object]) -> bool:
    """Tell whether a view states what it needs."""
    return "permission" in getattr(view, "__dict__", {})


def find_permission(view: Callable[..., object]) -> Permission | None:
    """Return what a guarded view needs, None if it is public."""
    found = view.__dict__["permission"]
    return None if found is None else Permission(found)


def is_granted(role: Role, needed: Permission) -> bool:
    """Tell whether a role has a permission."""
    return role in GRANTS[needed]


def check_routes(app: Flask) -> Flask:
    """Return `app` if each of its routes states what it needs: an app with an unguarded route does not start.

    Raises
    ------
    UnguardedRouteError
        Some do not.
    """
    open_ones = [name for name, view in app.view_functions.items() if not is_guarded(view)]
    if open_ones:
        raise UnguardedRouteError(sorted(open_ones))
    return app
