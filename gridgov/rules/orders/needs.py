"""What an action on an order must bring: values of one step, and one check per need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal

from gridgov.rules.constants import Constants
from gridgov.rules.orders.disputes import Evidence, Ground, Holder, rule_dispute
from gridgov.rules.orders.transitions import (
    Need,
    OrderAction,
    OrderState,
    Permit,
    Relation,
    Role,
    Transition,
)

Answer = Literal["solved", "partly", "unsolved"]
"""What the person says in a callback about the matter."""

ANSWERED: Mapping[OrderAction, Answer] = MappingProxyType(
    {
        OrderAction.CLOSE_SOLVED: "solved",
        OrderAction.CLOSE_PARTLY: "partly",
        OrderAction.CLOSE_UNSOLVED: "unsolved",
    }
)


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """What the rules must know of one order.

    Parameters
    ----------
    order_no
        Public number.
    state
        Where it stands.
    at
        When it got there, aware.
    unit_code
        Who answers for it; empty before dispatch.
    desk_code
        The hotline that keeps it.
    superior_codes
        Units above the owner.
    bound_unit_code
        Unit that a decision on a dispute has named; it may not dispute again.
    until
        Date of a suspension or supervision.
    merged_into
        Order that goes on instead; it stays named while this one's own callback is due.
    replied_by
        Key of the person who replied.
    unit_kind, unit_district_code
        Of the unit: one of ``rules.dispatch.UNIT_KINDS``, and the district whose unit it is, empty if the city's.
    street_code
        Street in which the order's own place lies, empty where that is not known.
    due_at
        Final deadline, aware; None where its grade has none.
    extension_until, extensions
        Day until which an extension is asked for, None where none is; how many were granted.
    facts_changed
        Whether item, place or boundary speak for another unit than the one that has it.
    """

    order_no: str
    state: OrderState
    at: datetime
    unit_code: str = ""
    desk_code: str = ""
    superior_codes: tuple[str, ...] = ()
    bound_unit_code: str = ""
    until: date | None = None
    merged_into: str = ""
    replied_by: str = ""
    unit_kind: str = ""
    unit_district_code: str = ""
    street_code: str = ""
    due_at: datetime | None = None
    extension_until: date | None = None
    extensions: int = 0
    facts_changed: bool = False


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a person (salted hash), the role of the account, the unit it belongs to."""

    person_key: str
    role: Role
    unit_code: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an action brings; which of it is needed stands in the transition.

    Parameters
    ----------
    at
        When, aware.
    reason_code, text
        Why, and what was said or done.
    unit_code, superior_codes
        Who shall answer for the order now, and the units above that one.
    target_order_no
        Order into which this one is merged.
    until
        Date of a suspension, supervision, extension or conference.
    reference
        Number under which another service has the matter.
    persons
        Who sits in a conference.
    ground, evidence
        Of a dispute.
    answer
        What the person said.
    second
        The second person, who approves.
    replied_by
        Key of the person who replied in the order that goes on, for one that was merged into it.
    """

    at: datetime
    reason_code: str = ""
    text: str = ""
    unit_code: str = ""
    superior_codes: tuple[str, ...] = ()
    target_order_no: str = ""
    until: date | None = None
    reference: str = ""
    persons: str = ""
    ground: Ground | None = None
    evidence: Evidence | None = None
    answer: Answer | None = None
    second: Actor | None = None
    replied_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """An action that is allowed by state and role and must now show what it brings.

    ``actor`` is None where the service itself takes the step.
    """

    order: OrderFacts
    actor: Actor | None
    facts: Facts
    transition: Transition
    constants: Constants


def find_relations(order: OrderFacts, unit_code: str) -> frozenset[Relation]:
    """Return how a unit stands to an order; none where it has nothing to do with it."""
    holds = {
        Relation.DESK: unit_code == order.desk_code,
        Relation.OWNER: unit_code == order.unit_code,
        Relation.SUPERIOR: unit_code in order.superior_codes,
    }
    return frozenset(relation for relation, is_so in holds.items() if is_so and unit_code)


def has_permit(order: OrderFacts, actor: Actor, permits: frozenset[Permit]) -> bool:
    """Tell whether `actor` is one of those permitted."""
    relations = find_relations(order, actor.unit_code)
    return any(role is actor.role and relation in relations for role, relation in permits)


def _check_reason(step: Step) -> str:
    code = step.facts.reason_code.strip()
    if not code:
        return "no reason code was given; expected one"
    name = step.transition.reasons
    if name and code not in step.constants.texts(name):
        known = ", ".join(step.constants.texts(name))
        return f"reason code {code!r} is not known; expected one of {known}"
    return ""


def _check_text(step: Step) -> str:
    return "" if step.facts.text.strip() else "no text was given; say what was asked, said or done"


def _check_unit(step: Step) -> str:
    return "" if step.facts.unit_code else "no unit was given; expected the unit that shall answer"


def _check_other_unit(step: Step) -> str:
    if step.facts.unit_code == step.order.unit_code:
        return f"unit {step.order.unit_code!r} has the order already; expected another unit"
    return _check_unit(step)


def _check_territory(step: Step) -> str:
    """Hear a dispute by the rule of first-receiver responsibility."""
    order, facts = step.order, step.facts
    if order.unit_code == order.bound_unit_code:
        return "a decision has already named this unit; it answers for the order"
    if facts.ground is None:
        return "no ground was given; only territory may be disputed"
    ruling = rule_dispute(
        make_holder(order),
        facts.ground,
        facts.evidence,
        confidence_min=step.constants.number("dispatch.confidence_min"),
    )
    return "" if ruling.admissible else ruling.reasons


def make_holder(order: OrderFacts) -> Holder:
    """Return the unit of an order as the rule of disputes knows it."""
    return Holder(
        unit_code=order.unit_code,
        kind=order.unit_kind,
        district_code=order.unit_district_code,
        street_code=order.street_code,
    )


def _check_date(step: Step) -> str:
    until, today = step.facts.until, step.facts.at.date()
    if until is None:
        return "no date was given; expected the day"
    return "" if until >= today else f"date {until} is before {today}; expected today or later"


def _check_later_date(step: Step, constant: str) -> str:
    """Refuse a date that is not later than today, or later than the constant allows."""
    until, today = step.facts.until, step.facts.at.date()
    if until is None:
        return "no date was given; expected the day until which it lasts"
    if until <= today:
        return f"date {until} is not after {today}; expected a later day"
    latest = today + timedelta(days=round(step.constants.number(constant)))
    if until > latest:
        return (
            f"date {until} is after {latest}, the latest that {constant} allows; "
            "expected an earlier day, to be looked at again when it comes"
        )
    return ""


def _check_suspension_date(step: Step) -> str:
    return _check_later_date(step, "deadlines.suspend_days_max")


def _check_supervision_date(step: Step) -> str:
    return _check_later_date(step, "deadlines.supervise_days_max")


def _check_extension_date(step: Step) -> str:
    order, until = step.order, step.facts.until
    most = round(step.constants.number("deadlines.extensions_max"))
    if order.extension_until is not None:
        return f"an extension until {order.extension_until} is asked for already"
    if order.extensions >= most:
        return f"{order.extensions} extensions were granted already; {most} may be"
    if order.due_at is None:
        return "the order has no deadline to extend"
    due = order.due_at.date()
    if until is None:
        return "no date was given; expected the new day"
    if until <= due:
        return f"date {until} is not after the deadline of {due}; expected a later day"
    latest = due + timedelta(days=round(step.constants.number("deadlines.extension_days_max")))
    if until > latest:
        return f"date {until} is after {latest}, the latest to which {due} may be extended"
    return ""


def _check_extension_asked(step: Step) -> str:
    return "" if step.order.extension_until else "no extension is asked for"


def _check_answer(step: Step) -> str:
    wanted = ANSWERED[step.transition.action]
    if step.facts.answer is None:
        return f"no answer of the person was given; expected a callback with {wanted!r}"
    if step.facts.answer != wanted:
        return f"the person answered {step.facts.answer!r}; expected {wanted!r} for this action"
    return ""


def _check_other_person(step: Step) -> str:
    if step.actor is not None and step.actor.person_key == step.order.replied_by:
        return "who replied may not close; expected another person"
    return ""


def _check_second(step: Step) -> str:
    second = step.facts.second
    if second is None:
        return "no second person approved; expected one"
    if step.actor is not None and second.person_key == step.actor.person_key:
        return "both persons are the same; expected a second one"
    if not has_permit(step.order, second, step.transition.second):
        wanted = tell_permits(step.transition.second)
        return f"the second person is {second.role} of {second.unit_code!r}; expected {wanted}"
    return ""


def _check_target(step: Step) -> str:
    target = step.facts.target_order_no
    if not target:
        return "no order was given into which to merge"
    return "an order cannot be merged into itself" if target == step.order.order_no else ""


def _check_not_at_desk(step: Step) -> str:
    if step.order.unit_code == step.order.desk_code:
        return "the desk itself answered; reopen the order and send it to a unit"
    return ""


def _check_not_bound(step: Step) -> str:
    if step.order.unit_code == step.order.bound_unit_code:
        return f"a decision has named {step.order.unit_code!r}; it answers for the order"
    return ""


def _check_changed_facts(step: Step) -> str:
    if step.order.facts_changed:
        return ""
    return "nothing about the order has changed; first correct its item or its place"


def _check_emergency_unit(step: Step) -> str:
    if step.order.unit_kind == "emergency":
        return ""
    return f"unit {step.order.unit_code!r} is no emergency service"


def _check_reference(step: Step) -> str:
    if step.facts.reference.strip():
        return ""
    return (
        "no number of the other service was given; expected the one under which it has the matter"
    )


def _check_persons(step: Step) -> str:
    return "" if step.facts.persons.strip() else "nobody was named; expected who sits in it"


CHECKS: Mapping[Need, Callable[[Step], str]] = MappingProxyType(
    {
        Need.REASON: _check_reason,
        Need.TEXT: _check_text,
        Need.UNIT: _check_unit,
        Need.OTHER_UNIT: _check_other_unit,
        Need.TERRITORY: _check_territory,
        Need.DATE: _check_date,
        Need.SUSPENSION_DATE: _check_suspension_date,
        Need.SUPERVISION_DATE: _check_supervision_date,
        Need.EXTENSION_DATE: _check_extension_date,
        Need.EXTENSION_ASKED: _check_extension_asked,
        Need.ANSWER: _check_answer,
        Need.OTHER_PERSON: _check_other_person,
        Need.SECOND_PERSON: _check_second,
        Need.TARGET_ORDER: _check_target,
        Need.NOT_AT_DESK: _check_not_at_desk,
        Need.NOT_BOUND: _check_not_bound,
        Need.CHANGED_FACTS: _check_changed_facts,
        Need.EMERGENCY_UNIT: _check_emergency_unit,
        Need.REFERENCE: _check_reference,
        Need.PERSONS: _check_persons,
    }
)
"""Need → what is wrong, empty if nothing is."""


def find_faults(step: Step) -> tuple[str, ...]:
    """Return everything that the step lacks."""
    found = (CHECKS[need](step) for need in step.transition.needs)
    return tuple(fault for fault in found if fault)


def tell_permits(permits: frozenset[Permit]) -> str:
    """Return who is permitted, readable and always in the same order."""
    return " or ".join(sorted(f"{role} of the {relation}" for role, relation in permits))
