"""The dispatch rule for one case, written without arrays: what a desk asks, and the judge of the fast one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gridgov.rules.catalogue import Item
from gridgov.rules.dispatch.book import DispatchBook, find_lead_kind, find_unclear_route
from gridgov.rules.dispatch.reasons import (
    FIRM,
    NO_STREET,
    SEPARATOR,
    UNSURE_ITEM,
    say_distance,
    say_grade,
)
from gridgov.rules.dispatch.routes import RULES, Route, Rule


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who gets one order, how, and why."""

    unit_code: str
    route: str
    grade: str
    review: bool
    reasons: str


def dispatch_one(case: Mapping[str, Any], book: DispatchBook, on: date) -> Decision:
    """Return the decision for one case.

    Parameters
    ----------
    case
        ``CASE_COLUMNS`` of :mod:`gridgov.rules.dispatch.judge_orders` by name; None or absent where missing.
    book
        Units, catalogue and constants of the city.
    on
        Day whose units and catalogue are used.
    """
    item = _find_item(case, book, on)
    facts = _make_facts(case, book, item, on=on)
    rule = next(rule for rule in RULES if rule.when <= facts)
    wanted = _find_unit(case, book, (rule, item))
    retired = not book.is_in_force(wanted, on)
    unsure_place = _is_unsure_place(case, book, rule)
    unsure_item = _is_unsure_item(case, book, (rule, item))
    grade = (item.grade if item else "") or book.constants.text("dispatch.default_grade")
    sentences = [
        *_say_place(case, book, "unplaced" in facts),
        rule.reason.format(
            item=f"“{item.name}”" if item else "该事项",
            unit=book.unit_names.get(wanted, "有关单位"),
        ),
        _say_neighbour(case, book) if unsure_place else "",
        UNSURE_ITEM if unsure_item else "",
        FIRM if case.get("channel") in book.constants.texts("dispatch.firm_channels") else "",
        f"{book.unit_names.get(wanted, '承办单位')}不在册或已停用，转人工派单" if retired else "",
        say_grade(book.grades[grade]) if grade in book.grades else "",
    ]
    return Decision(
        unit_code=book.find_first("desk") if retired else wanted,
        route=Route.DISPATCHER.value if retired else rule.route.value,
        grade=grade,
        review=rule.review or retired or unsure_place or unsure_item or "unplaced" in facts,
        reasons=SEPARATOR.join(sentence for sentence in sentences if sentence),
    )


def _find_item(case: Mapping[str, Any], book: DispatchBook, on: date) -> Item | None:
    code = case.get("item_code")
    try:
        return book.catalogue.get(code, on) if code else None
    except KeyError:
        return None


def _make_facts(
    case: Mapping[str, Any], book: DispatchBook, item: Item | None, *, on: date
) -> set[str]:
    lead = find_lead_kind(book, item.lead) if item else ""
    row = _as_row(item) if item else {}
    period = int(book.find_periods(on.toordinal() - date(1970, 1, 1).toordinal()))
    route = find_unclear_route(book, row, period=period) if item else ""
    kind = case.get("kind") or (item.kind if item else "")
    constants = book.constants
    known = {name for name in ("street", "district") if case.get(f"{name}_code")}
    names = {"@street": "street", "@district": "district"}
    fixed = {"street": "fixed_street", "district": "fixed_district"}
    said = {
        "emergency": kind in constants.texts("dispatch.emergency_kinds")
        or "emergency" in {route, lead},
        "consultation": kind in constants.texts("dispatch.consultation_kinds")
        or "desk" in {route, lead},
        "exception": bool(case.get("exception_code")),
        "unplaced": case.get("lon") is None and not known,
        **{f"{name}_known": True for name in known},
        f"lead_{names.get(lead) or fixed.get(lead) or lead}": bool(lead),
        f"unclear_{route}": bool(route),
    }
    return {name for name, holds in said.items() if holds}


def _as_row(item: Item) -> dict[str, str]:
    return {
        "route": item.route,
        "lead": item.lead,
        "tags": ";".join(item.tags),
        "helpers": ";".join(item.helpers),
        "scene_code": item.scene_code,
    }


def _find_unit(
    case: Mapping[str, Any], book: DispatchBook, chosen: tuple[Rule, Item | None]
) -> str:
    rule, item = chosen
    lead = item.lead if item else ""
    own_emergency = bool(lead) and find_lead_kind(book, lead) == "emergency"
    return {
        "emergency": lead if own_emergency else book.find_first("emergency"),
        "desk": book.find_first("desk"),
        "exception": book.exception_units.get(case.get("exception_code") or "", ""),
        "lead": lead,
        "street": case.get("street_code") or "",
        "district": case.get("district_code") or "",
    }[rule.target]


def _is_unsure_place(case: Mapping[str, Any], book: DispatchBook, rule: Rule) -> bool:
    confidence = case.get("confidence")
    if confidence is None or confidence >= book.constants.number("dispatch.confidence_min"):
        return False
    if rule.target == "district":
        neighbour = case.get("neighbour_code")
        districts = book.streets["district_code"].to_dict()
        across = districts.get(neighbour)
        return isinstance(across, str) and across != case.get("district_code")
    return rule.target == "street"


def _is_unsure_item(
    case: Mapping[str, Any], book: DispatchBook, chosen: tuple[Rule, Item | None]
) -> bool:
    rule, item = chosen
    confidence = case.get("item_confidence")
    low = book.constants.number("dispatch.item_confidence_min")
    answered = rule.route in {Route.EMERGENCY, Route.DESK}
    return (confidence is not None and confidence < low) or (item is None and not answered)


def _say_place(case: Mapping[str, Any], book: DispatchBook, unplaced: bool) -> list[str]:  # noqa: FBT001 - private
    sentences = []
    radius = case.get("uncertainty_m")
    if case.get("matched") and radius is not None:
        sentences.append(f"按地址“{case['matched']}”定位，误差约 {round(radius)} 米")
    street, metres = case.get("street_code"), case.get("boundary_m")
    if street:
        far = "" if metres is None else say_distance(round(metres))
        sentences.append(f"位置在{book.streets['name'].get(street, '')}内{far}")
    elif not unplaced:
        sentences.append(NO_STREET)
    return sentences


def _say_neighbour(case: Mapping[str, Any], book: DispatchBook) -> str:
    names = book.streets["name"]
    other = names.get(case.get("neighbour_code"))
    either = names.get(case.get("street_code"), "") + (f"或{other}" if other else "")
    return f"可能属于{either}（前者把握 {round(case['confidence'] * 100)}%），请人工核对"
