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
        Sentence for people; ``{item}`` is the item, ``{unit}`` the unit's name.
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
        "属紧急警情，立即移交{unit}并保持三方通话（双向联动）",
    ),
    _rule("consultation", Route.DESK, "desk", "属咨询，由{unit}直接答复"),
    _ask("unplaced", Route.DISPATCHER, "desk", "地点不明，转{unit}人工核实地点"),
    _rule("lead_platform", Route.PLATFORM, "lead", "{item}由平台企业负责，直派{unit}"),
    _rule("lead_enterprise", Route.ENTERPRISE, "lead", "{item}由公共服务企业负责，直派{unit}"),
    _rule(
        "exception",
        Route.JOINT,
        "exception",
        "位置在特殊管理区域内，由{unit}办理，不按街道界线派单",
    ),
    _rule("lead_joint", Route.JOINT, "lead", "{item}由联合机制负责，派{unit}"),
    _rule("lead_department", Route.DEPARTMENT, "lead", "{item}由部门主责，直派{unit}"),
    _rule("lead_fixed_street", Route.STREET, "lead", "{item}指定由{unit}办理"),
    _rule("lead_fixed_district", Route.DISTRICT, "lead", "{item}指定由{unit}办理"),
    _rule("lead_district district_known", Route.DISTRICT, "district", "{item}由区级主责，派{unit}"),
    _rule("lead_street street_known", Route.STREET, "street", "{item}由属地街道主责，直派{unit}"),
    _rule(
        "lead_none unclear_supervise street_known",
        Route.SUPERVISE,
        "street",
        "{item}职责不清，{unit}办理并由督查跟进（督查跟进办）",
    ),
    _rule(
        "lead_none unclear_raise district_known",
        Route.RAISE,
        "district",
        "{item}职责不清且涉及单位多，提级由{unit}统筹（提级统筹办）",
    ),
    _rule(
        "lead_none unclear_whistle street_known",
        Route.WHISTLE,
        "street",
        "{item}无主责单位，由{unit}吹哨召集有关单位（吹哨报到办）",
    ),
    _rule(
        "lead_none street_known",
        Route.FIRST_RECEIVER,
        "street",
        "{item}职责不清，{unit}首接负责，不得以地域以外的理由退单（首接负责办）",
    ),
    _ask(
        "street_known",
        Route.FIRST_RECEIVER,
        "street",
        "事项未定，先由属地{unit}首接负责，待人工选定事项",
    ),
    _ask(
        "district_known",
        Route.RAISE,
        "district",
        "只知所在区，街道不明，由{unit}统筹确定承办街道",
    ),
    _ask("", Route.DISPATCHER, "desk", "位置不在任何已知街道内，转{unit}人工派单"),
)
"""Rules in order: the first whose facts all hold decides (DOMAIN 1). The last one always holds."""

NEEDS_PLACE = frozenset({"street", "district"})
"""Targets that the place decides: there an unsure place needs a person."""

ITEM_ROUTES = frozenset({"", "direct", *Route})
"""What the catalogue's column ``route`` may say; it decides for emergency, desk and the four unclear ways."""
