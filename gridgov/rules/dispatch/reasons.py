"""Sentences that say why an order went where it went: Chinese, for the people who get it."""

from collections.abc import Mapping
from typing import Any

from gridgov.rules.catalogue import Item
from gridgov.rules.constants import STATUS_TEXT
from gridgov.rules.dispatch.deadlines import GradeLimit, Limit
from gridgov.rules.dispatch.routes import Rule

BOUNDARY_CAP_M = 200
"""Distances to the boundary are exact up to here; beyond it the sentence says 'more than'."""

SEPARATOR = "；"
_UNIT_TEXT = {"min": "分钟", "h": "小时", "d": "天"}


def say_limit(limit: Limit) -> str:
    """Return a limit as people say it: ``24 小时``."""
    return f"{limit.amount:g} {_UNIT_TEXT[limit.unit]}"


def say_grade(grade: GradeLimit) -> str:
    """Return the two limits of a grade, and how sure they are unless documented."""
    clock = "工作时间" if grade.clock == "working" else ""
    text = f"{clock}{say_limit(grade.contact)}内联系，{clock}{say_limit(grade.final)}内办结"
    return text if grade.status == "documented" else f"{text}（{STATUS_TEXT[grade.status]}）"


def say_distance(metres: int) -> str:
    """Return how far the boundary is."""
    if metres >= BOUNDARY_CAP_M:
        return f"，距边界 {BOUNDARY_CAP_M} 米以上"
    return f"，距边界 {metres} 米"


NO_STREET = "位置在城市范围内，但不在任何已知街道内"
UNSURE_ITEM = "事项把握不足，请人工选定"
FIRM = "企业热线诉求，与群众诉求并行办理"


def say_address(case: Mapping[str, Any]) -> str:
    """Return by which words of the address the place was found, empty for a point that was given."""
    radius = case.get("uncertainty_m")
    if not case.get("matched") or radius is None:
        return ""
    return f"按地址“{case['matched']}”定位，误差约 {round(radius)} 米"


def say_street(case: Mapping[str, Any], names: Mapping[str, str], *, placed: bool) -> str:
    """Return in which street the place lies and how far its boundary is.

    Nothing is said to lie in a street where the circle of what is known reaches over its boundary.
    """
    street, metres = case.get("street_code"), case.get("boundary_m")
    radius = case.get("uncertainty_m")
    if not street:
        return NO_STREET if placed else ""
    name = names.get(street, "")
    if metres is None:
        return f"位置在{name}内" if radius is None else f"地址所写为{name}，未定位到具体地点"
    far = say_distance(round(metres))
    if radius is not None and radius > metres:
        return f"位置大致在{name}{far}，误差范围越过边界，可能属于相邻街道"
    return f"位置在{name}内{far}"


def say_unit(rule: Rule, item: Item | None, unit: str | None) -> str:
    """Return why this unit: the sentence of the rule."""
    return rule.reason.replace("{item}", f"“{item.name}”" if item else "该事项").replace(
        "{unit}", "有关单位" if unit is None else unit
    )


def say_neighbour(case: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return which other street it may be."""
    other = names.get(case.get("neighbour_code") or "")
    either = names.get(case.get("street_code") or "", "") + (f"或{other}" if other else "")
    return f"可能属于{either}（前者把握 {round(case['confidence'] * 100)}%），请人工核对"


def say_retired(unit: str | None) -> str:
    """Return that the unit is not there any more."""
    return f"{'承办单位' if unit is None else unit}不在册或已停用，转人工派单"
