"""What follows from an action beside the new state: one table of checks, one of effects, one of who is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.dispatch import find_deadlines, move_deadline
from gridgov.rules.orders.disputes import rule_dispute
from gridgov.rules.orders.needs import ANSWERED, Actor, Facts
from gridgov.rules.orders.states import OrderActionError, OrderChange
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.rules.whistles.call import UnitState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.rows import make_rule_order
from gridgov.storage.models.orders import Dispute, Exclusion, Order, OrderPause, Transfer
from gridgov.storage.models.whistles import CalledUnit, WhistleCall


@dataclass(frozen=True, kw_only=True)
class Act:
    """An action that the rules have allowed, while it is written."""

    session: Session
    runtime: CityRuntime
    row: Order
    change: OrderChange
    facts: Facts
    actor: Actor
    unit_before: str


Effect = Callable[[Act], None]


# --- checks that need the database -------------------------------------------------------------------


def _check_target(step: Act) -> None:
    """Refuse to merge into an order that is no order of its own any more."""
    number = step.facts.target_order_no
    query = sa.select(Order.state).where(Order.order_no == number)
    state = step.session.scalars(query).one_or_none()
    if state is None:
        raise NotFoundError("order to merge into", number)
    if state in {OrderState.MERGED, OrderState.EXCLUDED}:
        raise OrderActionError(
            make_rule_order(step.row, step.runtime),
            step.change.action,
            step.actor,
            refusal="needs",
            message=f"order {number} is {state} itself; expected one that goes on",
        )


def _check_nobody_on_site(step: Act) -> None:
    """Refuse to end a whistle while somebody whom it called is there (事不完、人不走)."""
    query = (
        sa.select(CalledUnit.unit_code)
        .join(WhistleCall, WhistleCall.id == CalledUnit.call_id)
        .where(WhistleCall.order_id == step.row.id, CalledUnit.state.in_(_ON_SITE))
        .order_by(CalledUnit.unit_code)
    )
    there = list(step.session.scalars(query))
    if there:
        raise OrderActionError(
            make_rule_order(step.row, step.runtime),
            step.change.action,
            step.actor,
            refusal="needs",
            message=f"{', '.join(there)} are still on site; release them first",
        )


_ON_SITE = (UnitState.REPORTED_IN, UnitState.POWERLESS)

CHECKS: Mapping[OrderAction, tuple[Effect, ...]] = MappingProxyType(
    {
        OrderAction.MERGE: (_check_target,),
        OrderAction.RELEASE_WHISTLE: (_check_nobody_on_site,),
    }
)

# --- effects ------------------------------------------------------------------------------------------


def _dispatch(step: Act) -> None:
    step.row.dispatched_at = step.facts.at
    step.row.review = False
    _transfer(step)


def _transfer(step: Act) -> None:
    """Record that the order left a unit that had it."""
    moved = step.unit_before != step.row.unit_code
    # What was only proposed before the first dispatch was nobody's order.
    if moved and step.change.from_state not in {OrderState.RECEIVED, OrderState.NEEDS_INFORMATION}:
        step.session.add(
            Transfer(
                order_id=step.row.id,
                at=step.facts.at,
                from_unit_code=step.unit_before,
                to_unit_code=step.row.unit_code,
                action=step.change.action.value,
                reason_code=step.facts.reason_code,
                made_by=step.actor.person_key,
            )
        )


def _open_dispute(step: Act) -> None:
    facts, row = step.facts, step.row
    ground = facts.ground or "other"
    ruling = rule_dispute(
        row.unit_code,
        ground,
        facts.evidence,
        confidence_min=step.runtime.constants.number("dispatch.confidence_min"),
    )
    step.session.add(
        Dispute(
            order_id=row.id,
            unit_code=row.unit_code,
            ground=ground,
            text=mask_text(facts.text),
            evidence={} if facts.evidence is None else asdict(facts.evidence),
            ruling={name: value for name, value in asdict(ruling).items() if name != "evidence"},
            opened_at=facts.at,
            opened_by=step.actor.person_key,
        )
    )


def _get_dispute(step: Act) -> Dispute:
    query = sa.select(Dispute).where(Dispute.order_id == step.row.id, Dispute.decided_at.is_(None))
    found = step.session.scalars(query.order_by(Dispute.id.desc()).limit(1)).first()
    if found is None:
        raise NotFoundError("open dispute of order", step.row.order_no)
    return found


def _call_conference(step: Act) -> None:
    _get_dispute(step).conference_at = step.facts.at


def _decide(decision: str) -> Effect:
    def effect(step: Act) -> None:
        dispute = _get_dispute(step)
        dispute.decided_at, dispute.decided_by = step.facts.at, step.actor.person_key
        dispute.decision, dispute.to_unit_code = decision, step.row.unit_code

    return effect


def _contact(step: Act) -> None:
    step.row.contacted_at = step.row.contacted_at or step.facts.at


def _end_whistle(step: Act) -> None:
    """Close the calls of the order: whoever has not come need not come any more, and is not looked for."""
    query = sa.select(WhistleCall).where(
        WhistleCall.order_id == step.row.id, WhistleCall.closed_at.is_(None)
    )
    for call in step.session.scalars(query):
        call.closed_at = step.facts.at


def _reply(step: Act) -> None:
    step.row.replied_at = step.facts.at


def _return_reply(step: Act) -> None:
    step.row.replied_at = None


def _close(step: Act) -> None:
    step.row.closed_at = step.facts.at


def _pause(step: Act) -> None:
    step.session.add(
        OrderPause(
            order_id=step.row.id, paused_at=step.facts.at, reason_code=step.facts.reason_code
        )
    )


def _resume(step: Act) -> None:
    """End the pause; the final clock goes on with what was left when it began."""
    row, runtime = step.row, step.runtime
    query = sa.select(OrderPause).where(
        OrderPause.order_id == row.id, OrderPause.resumed_at.is_(None)
    )
    limit = runtime.grades.get(row.grade)
    for pause in step.session.scalars(query):
        pause.resumed_at = step.facts.at
        if row.due_at is not None and limit is not None:
            row.due_at = move_deadline(
                row.due_at,
                pause.paused_at,
                step.facts.at,
                limit=limit,
                calendar=runtime.calendar,
                zone=runtime.zone,
            )
    _forget_warnings(row, step)


def _forget_warnings(row: Order, step: Act) -> None:
    if row.due_at is None or row.due_at > step.facts.at:
        row.warned_at = row.overdue_at = None


def _reopen(step: Act) -> None:
    """Start both clocks anew: what was due before the first answer says nothing about the second [A]."""
    row, runtime = step.row, step.runtime
    due = find_deadlines(
        step.facts.at, row.grade, runtime.grades, calendar=runtime.calendar, zone=runtime.zone
    )
    row.contact_by, row.due_at = due.contact_by, due.due_at
    row.contacted_at = row.replied_at = row.closed_at = None
    row.warned_at = row.overdue_at = None


def _find_exclusions(step: Act) -> list[Exclusion]:
    query = sa.select(Exclusion).where(
        Exclusion.order_id == step.row.id,
        Exclusion.approved_at.is_not(None),
        Exclusion.withdrawn_at.is_(None),
    )
    return list(step.session.scalars(query))


def _exclude(step: Act) -> None:
    """Keep the exclusion beside the rates, where it was not proposed before (``services.exclusions``)."""
    if _find_exclusions(step) or step.facts.second is None:
        return
    step.session.add(
        Exclusion(
            order_id=step.row.id,
            reason_code=step.facts.reason_code,
            proposed_by=step.actor.person_key,
            proposed_at=step.facts.at,
            approved_by=step.facts.second.person_key,
            approved_at=step.facts.at,
        )
    )


def _readmit(step: Act) -> None:
    for exclusion in _find_exclusions(step):
        exclusion.withdrawn_at = step.facts.at


EFFECTS: Mapping[OrderAction, tuple[Effect, ...]] = MappingProxyType(
    {
        OrderAction.DISPATCH: (_dispatch,),
        OrderAction.ANSWER_AT_DESK: (_reply,),
        OrderAction.DISPUTE: (_open_dispute,),
        OrderAction.UPHOLD_DISPUTE: (_decide("upheld"), _transfer),
        OrderAction.REJECT_DISPUTE: (_decide("rejected"),),
        OrderAction.CALL_CONFERENCE: (_call_conference,),
        OrderAction.DECIDE_CONFERENCE: (_decide("conference"), _transfer),
        OrderAction.ASSIGN_RAISED: (_transfer,),
        OrderAction.CONTACT: (_contact,),
        OrderAction.RELEASE_WHISTLE: (_end_whistle,),
        OrderAction.SUSPEND: (_pause,),
        OrderAction.RESUME: (_resume,),
        OrderAction.REPLY: (_reply,),
        OrderAction.RETURN_REPLY: (_return_reply,),
        OrderAction.REOPEN: (_reopen,),
        OrderAction.EXCLUDE: (_exclude,),
        OrderAction.READMIT: (_readmit,),
        **dict.fromkeys(ANSWERED, (_close,)),
    }
)

# --- who is told --------------------------------------------------------------------------------------

_A = OrderAction
_OWNER = frozenset(
    {
        _A.DISPATCH,
        _A.UPHOLD_DISPUTE,
        _A.REJECT_DISPUTE,
        _A.CALL_CONFERENCE,
        _A.DECIDE_CONFERENCE,
        _A.RETURN_RAISED,
        _A.ASSIGN_RAISED,
        _A.SUPERVISE,
        _A.END_SUPERVISION,
        _A.RESUME,
        _A.RETURN_REPLY,
        _A.REOPEN,
        _A.MERGE,
        _A.READMIT,
        *ANSWERED,
    }
)
_DESK = frozenset(
    {
        _A.DISPUTE,
        _A.SUSPEND,
        _A.REPLY,
        _A.SPLIT,
        _A.EXCLUDE,
        _A.CALL_CONFERENCE,
        _A.GIVE_INFORMATION,
    }
)
_SUPERIOR = frozenset({_A.RAISE, _A.CALL_CONFERENCE})


def find_recipients(step: Act) -> Iterable[str]:
    """Return the units that must know: whoever has the order, loses it, keeps it or stands above."""
    action, order = step.change.action, step.change.order
    units = []
    if action in _OWNER:
        units.append(order.unit_code)
        if step.unit_before != order.unit_code and action is not _A.DISPATCH:
            units.append(step.unit_before)
    if action in _DESK:
        units.append(order.desk_code)
    if action in _SUPERIOR:
        units += order.superior_codes[:1]
    return dict.fromkeys(units)
