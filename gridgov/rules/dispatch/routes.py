"""The table that decides who gets an order: routes, facts, rules in order. No code decides beside it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Route(StrEnum):
    """How an order goes to its unit."""

    EMERGENCY = "emergency"
    DESK = "desk"
    JOINT = "joint"
    STREET = "street"
    DISTRICT = "district"
    DEPARTMENT = "department"
    ENTERPRISE = "enterprise"
    PLATFORM = "platform"
    FIRST_RECEIVER = "first_receiver"
    WHISTLE = "whistle"
    RAISE = "raise"
    SUPERVISE = "supervise"
    DISPATCHER = "dispatcher"


UNCLEAR_ROUTES = (Route.FIRST_RECEIVER, Route.WHISTLE, Route.RAISE, Route.SUPERVISE)
"""The four ways of an order whose duty is unclear (DOMAIN 1)."""

UNIT_KINDS = (
    "street",
    "district",
    "department",
    "enterprise",
    "platform",
    "desk",
    "emergency",
    "joint",
)

Target = Literal["emergency", "desk", "exception", "lead", "street", "district"]

FACTS = (
    "emergency",
    "consultation",
    "exception",
    "unplaced",
    "street_known",
    "district_known",
    "lead_street",
    "lead_district",
    "lead_department",
    "lead_enterprise",
    "lead_platform",
    "lead_fixed_street",
    "lead_fixed_district",
    "lead_joint",
    "lead_none",
    "unclear_first_receiver",
    "unclear_whistle",
    "unclear_raise",
    "unclear_supervise",
)
"""What a rule may ask; each is true or false of every case."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the table: where all of `when` hold, the order takes `route` to `target`.

    Parameters
    ----------
    when
        Names of :data:`FACTS` that must all be true.
    route
        How the order goes.
    target
        Whose code becomes the unit.
    reason
        Key of the sentence for people in ``data/dispatch_texts.csv``.
    review
        Whether a person must look whatever else is true.
    """

    when: frozenset[str]
    route: Route
    target: Target
    reason: str
    review: bool = False


def _rule(when: str, route: Route, target: Target, reason: str) -> Rule:
    return Rule(when=frozenset(when.split()), route=route, target=target, reason=reason)


def _ask(when: str, route: Route, target: Target, reason: str) -> Rule:
    return Rule(
        when=frozenset(when.split()), route=route, target=target, reason=reason, review=True
    )


RULES = (
    _rule(
        "emergency",
        Route.EMERGENCY,
        "emergency",
        "rule_emergency",
    ),
    _rule("consultation", Route.DESK, "desk", "rule_consultation"),
    _ask("unplaced", Route.DISPATCHER, "desk", "rule_unplaced"),
    _rule("lead_platform", Route.PLATFORM, "lead", "rule_platform"),
    _rule("lead_enterprise", Route.ENTERPRISE, "lead", "rule_enterprise"),
    _rule(
        "exception",
        Route.JOINT,
        "exception",
        "rule_exception",
    ),
    _rule("lead_joint", Route.JOINT, "lead", "rule_joint"),
    _rule("lead_department", Route.DEPARTMENT, "lead", "rule_department"),
    _rule("lead_fixed_street", Route.STREET, "lead", "rule_fixed_street"),
    _rule("lead_fixed_district", Route.DISTRICT, "lead", "rule_fixed_district"),
    _rule("lead_district district_known", Route.DISTRICT, "district", "rule_district"),
    _rule("lead_street street_known", Route.STREET, "street", "rule_street"),
    _rule(
        "lead_none unclear_supervise street_known",
        Route.SUPERVISE,
        "street",
        "rule_supervise",
    ),
    _rule(
        "lead_none unclear_raise district_known",
        Route.RAISE,
        "district",
        "rule_raise",
    ),
    _rule(
        "lead_none unclear_whistle street_known",
        Route.WHISTLE,
        "street",
        "rule_whistle",
    ),
    _rule(
        "lead_none street_known",
        Route.FIRST_RECEIVER,
        "street",
        "rule_first_receiver",
    ),
    _ask(
        "street_known",
        Route.FIRST_RECEIVER,
        "street",
        "rule_no_item",
    ),
    _ask(
        "district_known",
        Route.RAISE,
        "district",
        "rule_no_street",
    ),
    _ask("", Route.DISPATCHER, "desk", "rule_outside"),
)
"""Rules in order: the first whose facts all hold decides (DOMAIN 1). The last one always holds."""

NEEDS_PLACE = frozenset({"street", "district"})
"""Targets that the place decides: there an unsure place needs a person."""

ITEM_ROUTES = frozenset({"", "direct", *Route})
"""What the catalogue's column ``route`` may say; it decides for emergency, desk and the four unclear ways."""
