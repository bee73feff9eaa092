"""What may be done to an order now, and the order after it was done (table: ``order_table``).

Pure: an order is a frozen value, the clock is an argument; every step gives a new order and one row of the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal

from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants, make_constants
from gridgov.rules.orders.needs import (
    ANSWERED,
    Actor,
    Facts,
    OrderFacts,
    Step,
    find_faults,
    has_permit,
    tell_permits,
)
from gridgov.rules.orders.transitions import (
    BY_STATE,
    TRANSITIONS,
    OrderAction,
    OrderState,
    Relation,
    Role,
    Transition,
)

Refusal = Literal["state", "who", "needs"]
"""Why an action was refused: not in this state, not by this account, or something is lacking."""


class OrderActionError(GridgovError):
    """An action that an order does not allow now; the order stays as it was.

    Attributes
    ----------
    order_no, state, action
        What was tried on which order.
    refusal
        Of which kind the refusal is; a page or an API answers each with another status.
    allowed
        Actions that this account could take now.
    """

    def __init__(
        self,
        order: OrderFacts,
        action: OrderAction,
        actor: Actor | None,
        *,
        refusal: Refusal,
        message: str,
    ) -> None:
        self.order_no = order.order_no
        self.state = order.state
        self.action = action
        self.refusal = refusal
        self.allowed = (
            () if actor is None else tuple(row.action for row in find_actions_for(order, actor))
        )
        allowed = ", ".join(self.allowed) or "nothing"
        who = "the service itself" if actor is None else f"{actor.role} of {actor.unit_code!r}"
        super().__init__(
            f"order {order.order_no} is {order.state}, {who} cannot {action}: "
            f"{message}. Possible now for this account: {allowed}"
        )


@dataclass(frozen=True, kw_only=True)
class OrderChange:
    """One row of an order's log, with the order after it.

    Parameters
    ----------
    action, from_state, to_state, at
        What happened when.
    person_key, role, actor_unit_code
        Who did it; empty and None where the service itself did.
    second_person_key
        Who approved it, empty where nobody must.
    unit_code
        Who answers for the order after it.
    reason_code, text, until, target_order_no
        What it brought.
    order
        The order after it.
    """

    order_no: str
    action: OrderAction
    from_state: OrderState
    to_state: OrderState
    at: datetime
    person_key: str
    role: Role | None
    actor_unit_code: str
    second_person_key: str
    unit_code: str
    reason_code: str
    text: str
    until: date | None
    target_order_no: str
    order: OrderFacts


def find_actions(
    state: OrderState, *, role: Role | None = None, relation: Relation | None = None
) -> tuple[Transition, ...]:
    """Return what may be done in a state, in the order of the table.

    Parameters
    ----------
    state
        Where the order stands.
    role, relation
        Only what this role may do, whose unit stands so to the order; None is any.
    """
    return tuple(
        row
        for row in TRANSITIONS
        if state in row.sources
        and any(role in {None, r} and relation in {None, rel} for r, rel in row.who)
    )


def find_actions_for(order: OrderFacts, actor: Actor) -> tuple[Transition, ...]:
    """Return what `actor` may do to `order` now; what each needs is still to be brought."""
    return tuple(row for row in find_actions(order.state) if has_permit(order, actor, row.who))


def apply(
    order: OrderFacts,
    action: OrderAction,
    *,
    actor: Actor | None,
    facts: Facts,
    constants: Constants | None = None,
) -> OrderChange:
    """Return the change that an action makes to an order.

    Parameters
    ----------
    order
        The order; it stays as it is.
    action, actor, facts
        What is done, by whom (None: by the service itself), with what.
    constants
        Of the city: reason codes and the certainty that evidence must have. Default: those of ``constants``.

    Raises
    ------
    OrderActionError
        The table has no such action in this state, this account may not do it, the time lies before the order's last
        change or has no zone, or something that it needs is lacking; everything that lacks is named.
    """
    transition = BY_STATE.get((order.state, action))
    if transition is None:
        sources = sorted(state for state, known in BY_STATE if known is action)
        message = f"this is done only when it is {', '.join(sources)}"
        raise OrderActionError(order, action, actor, refusal="state", message=message)
    if actor is None and not transition.by_itself:
        message = "a person must do this"
        raise OrderActionError(order, action, actor, refusal="who", message=message)
    if actor is not None and not has_permit(order, actor, transition.who):
        message = f"this is for {tell_permits(transition.who)}"
        raise OrderActionError(order, action, actor, refusal="who", message=message)
    fault = _find_time_fault(order, facts)
    if fault:
        raise OrderActionError(order, action, actor, refusal="needs", message=fault)
    step = Step(
        order=order,
        actor=actor,
        facts=facts,
        transition=transition,
        constants=constants or make_constants(),
    )
    faults = find_faults(step)
    if faults:
        raise OrderActionError(order, action, actor, refusal="needs", message="; ".join(faults))
    return _make_change(step)


def _find_time_fault(order: OrderFacts, facts: Facts) -> str:
    if facts.at.tzinfo is None:
        return f"time {facts.at.isoformat()} has no zone; expected an aware time"
    if facts.at < order.at:
        return (
            f"time {facts.at.isoformat()} lies before the last change at {order.at.isoformat()}; "
            "expected a later one"
        )
    return ""


def _put_unit(step: Step) -> dict[str, Any]:
    # A new owner has other superiors, which the caller, who knows the units, gives with it.
    if not step.facts.unit_code or step.facts.unit_code == step.order.unit_code:
        return {}
    return {"unit_code": step.facts.unit_code, "superior_codes": step.facts.superior_codes}


def _bind_unit(step: Step) -> dict[str, Any]:
    return {**_put_unit(step), "bound_unit_code": step.facts.unit_code}


def _keep(step: Step) -> dict[str, Any]:
    """Leave a date and a merger as they are: the order stays where it stands."""
    return {"until": step.order.until, "merged_into": step.order.merged_into}


def _keep_merger(step: Step) -> dict[str, Any]:
    return {"merged_into": step.order.merged_into}


def _follow(step: Step) -> dict[str, Any]:
    """Answer with the order that goes on: who replied there has replied here."""
    return {"merged_into": step.order.merged_into, "replied_by": step.facts.replied_by}


def _put_replier(step: Step) -> dict[str, Any]:
    return {"replied_by": "" if step.actor is None else step.actor.person_key}


EFFECTS: Mapping[OrderAction, Callable[[Step], dict[str, Any]]] = MappingProxyType(
    {
        OrderAction.DISPATCH: _put_unit,
        OrderAction.REASSIGN: _put_unit,
        OrderAction.UPHOLD_DISPUTE: _bind_unit,
        OrderAction.ASSIGN_RAISED: _bind_unit,
        OrderAction.DECIDE_CONFERENCE: _bind_unit,
        OrderAction.REJECT_DISPUTE: lambda step: {"bound_unit_code": step.order.unit_code},
        OrderAction.ANSWER_AT_DESK: lambda step: {
            "unit_code": step.order.desk_code,
            **_put_replier(step),
        },
        OrderAction.REPLY: _put_replier,
        OrderAction.ANSWER_HANDED_OVER: _put_replier,
        **dict.fromkeys((OrderAction.NOTE, OrderAction.KEEP_UNIT), _keep),
        OrderAction.ASK_EXTENSION: lambda step: {
            **_keep(step),
            "extension_until": step.facts.until,
        },
        OrderAction.GRANT_EXTENSION: lambda step: {
            **_keep(step),
            "extension_until": None,
            "extensions": step.order.extensions + 1,
        },
        OrderAction.REFUSE_EXTENSION: lambda step: {**_keep(step), "extension_until": None},
        OrderAction.SUPERVISE: lambda step: {"until": step.facts.until},
        OrderAction.SUSPEND: lambda step: {"until": step.facts.until},
        OrderAction.MERGE: lambda step: {
            **_put_unit(step),
            "merged_into": step.facts.target_order_no,
        },
        OrderAction.FOLLOW_ON: lambda step: {
            **_put_unit(step),
            "merged_into": step.facts.target_order_no,
        },
        OrderAction.FOLLOW_REPLY: _follow,
        OrderAction.FOLLOW_BACK: _keep_merger,
        # Its own callback still belongs to the reply of the order that it went into.
        OrderAction.CALL_BACK: _keep_merger,
        OrderAction.NOT_REACHED: _keep_merger,
        **dict.fromkeys(ANSWERED, _keep_merger),
        OrderAction.EXCLUDE: _keep_merger,
        OrderAction.READMIT: _keep_merger,
    }
)
"""What an action changes beside the state; a date ends with the state that it belongs to, a merger with whatever makes
the order go on by itself again."""


EXTENDABLE = next(row for row in TRANSITIONS if row.action is OrderAction.ASK_EXTENSION).sources
"""Where an extension that was asked for is still to be decided; elsewhere the question falls away."""


def _make_change(step: Step) -> OrderChange:
    order, facts, transition = step.order, step.facts, step.transition
    effect = EFFECTS.get(transition.action)
    changes: dict[str, Any] = {"until": None, "merged_into": ""}
    changes |= {} if effect is None else effect(step)
    target = transition.find_target(order.state)
    if target not in EXTENDABLE:
        changes.setdefault("extension_until", None)
    at = order.at if transition.target is None else facts.at
    after = replace(order, state=target, at=at, **changes)
    return OrderChange(
        order_no=order.order_no,
        action=transition.action,
        from_state=order.state,
        to_state=after.state,
        at=facts.at,
        person_key="" if step.actor is None else step.actor.person_key,
        role=None if step.actor is None else step.actor.role,
        actor_unit_code="" if step.actor is None else step.actor.unit_code,
        second_person_key="" if facts.second is None else facts.second.person_key,
        unit_code=after.unit_code,
        reason_code=facts.reason_code,
        text=facts.text,
        until=after.until,
        target_order_no=after.merged_into,
        order=after,
    )
