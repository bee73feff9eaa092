"""What follows from an action beside the new state: one table of checks, one of effects, one of who is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.jobs.placing import find_point, judge_place
from gridgov.rules.dispatch import Named, find_deadlines, move_deadline
from gridgov.rules.orders.disputes import rule_dispute
from gridgov.rules.orders.needs import ANSWERED, Actor, Facts, make_holder
from gridgov.rules.orders.one_thing import MergePair, MergeSide, find_merge_fault
from gridgov.rules.orders.states import OrderActionError, OrderChange
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.rules.whistles.call import UnitState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.orders.place import (
    PLACED,
    copy_place,
    get_appeal,
    judge,
    put_decision,
    put_place,
    renew_clocks,
)
from gridgov.services.orders.proposals import NO_CALLBACK, add_proposal, find_proposal
from gridgov.services.orders.rows import UNSENT, make_rule_order
from gridgov.storage.models.appeals import Appeal, PinMove
from gridgov.storage.models.orders import (
    Dispute,
    Exclusion,
    Order,
    OrderExtension,
    OrderPause,
    Transfer,
)
from gridgov.storage.models.whistles import CalledUnit, WhistleCall


@dataclass(frozen=True, kw_only=True)
class Act:
    """An action that the rules have allowed, while it is written."""

    session: Session
    runtime: CityRuntime
    row: Order
    change: OrderChange
    facts: Facts
    actor: Actor | None
    unit_before: str
    until_before: date | None = None

    @property
    def person_key(self) -> str:
        """Return who acts, empty for the service itself."""
        return "" if self.actor is None else self.actor.person_key


Effect = Callable[[Act], None]


# --- checks that need the database -------------------------------------------------------------------


def _refuse(step: Act, message: str) -> OrderActionError:
    return OrderActionError(
        make_rule_order(step.row, step.runtime),
        step.change.action,
        step.actor,
        refusal="needs",
        message=message,
    )


def _check_target(step: Act) -> None:
    """Refuse to merge what cannot be one thing, or into an order that does not go on."""
    number = step.facts.target_order_no
    query = sa.select(Order).where(Order.order_no == number)
    target = step.session.scalars(query).one_or_none()
    if target is None:
        raise NotFoundError("order to merge into", number)
    catalogue = step.runtime.city.catalogue
    pair = MergePair(
        order=_describe(step, step.row),
        target=_describe(step, target),
        item_names={} if catalogue is None else catalogue.names,
    )
    fault = find_merge_fault(pair, far_m=step.runtime.constants.number("duplicates.near_most_m"))
    if fault:
        raise _refuse(step, fault)


def _describe(step: Act, row: Order) -> MergeSide:
    query = sa.select(Appeal.uncertainty_m).where(Appeal.id == row.appeal_id)
    return MergeSide(
        order_no=row.order_no,
        state=row.state,
        merged_into=row.merged_into,
        street_code=row.street_code or "",
        level1_code=row.level1_code or "",
        lon=row.lon,
        lat=row.lat,
        uncertainty_m=step.session.scalar(query) or 0.0,
    )


def _check_unit_is_there(step: Act) -> None:
    """Refuse to leave an order with a unit that is in force no more."""
    row, day = step.row, step.runtime.get_day(step.facts.at)
    if not step.runtime.book.is_in_force(row.unit_code, day):
        raise _refuse(step, f"unit {row.unit_code} is not in force on {day}; reassign the order")


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
        raise _refuse(step, f"{', '.join(there)} are still on site; release them first")


_ON_SITE = (UnitState.REPORTED_IN,)
"""Who came without power does nothing there that must be waited for."""

CHECKS: Mapping[OrderAction, tuple[Effect, ...]] = MappingProxyType(
    {
        OrderAction.MERGE: (_check_target,),
        OrderAction.KEEP_UNIT: (_check_unit_is_there,),
        OrderAction.RELEASE_WHISTLE: (_check_nobody_on_site,),
    }
)

# --- effects ------------------------------------------------------------------------------------------


def _dispatch(step: Act) -> None:
    row = step.row
    # What was only proposed before the first dispatch was nobody's order: its clocks go on as they were.
    anew = step.unit_before != row.unit_code and not _is_unsent(step)
    row.dispatched_at = step.facts.at
    _judge_anew(step, get_appeal(step.session, row), "派单员指定", new_unit=anew)
    _transfer(step)


def _is_unsent(step: Act) -> bool:
    return step.change.from_state in UNSENT


def _recall(step: Act) -> None:
    step.row.dispatched_at = None


def _judge_anew(step: Act, appeal: Appeal, by: str, *, new_unit: bool) -> None:
    """Write reasons and route of the unit that has the order now, and its clocks; nothing is left to be looked at."""
    row, runtime, facts = step.row, step.runtime, step.facts
    unit = runtime.city.names.get(row.unit_code, row.unit_code)
    named = Named(unit_code=row.unit_code, sentence=f"经{by}，由{unit}办理")
    grade = row.grade
    put_decision(row, judge(runtime, appeal, row, at=facts.at, named=named))
    row.review = False
    # The catalogue of today may give the item another grade than that of the day of receipt.
    new_grade = row.grade != grade
    if new_unit or new_grade:
        renew_clocks(
            step.session, runtime, row, at=facts.at, new_unit=new_unit, new_grade=new_grade
        )


def _rule(by: str) -> Effect:
    """Return the effect of a decision on who has an order: reasons and clocks are those of the new unit."""

    def effect(step: Act) -> None:
        moved = step.unit_before != step.row.unit_code
        _judge_anew(step, get_appeal(step.session, step.row), by, new_unit=moved)
        if moved:
            step.row.dispatched_at = step.facts.at
        _transfer(step)

    return effect


def _take_evidence(step: Act) -> None:
    """Move the order to where the evidence of an upheld dispute shows it.

    Where the unit that was named is not that of the place shown, the pin stays: the ruling then rests on something
    else, and says so in the reasons.
    """
    evidence = _get_dispute(step).evidence
    if step.unit_before == step.row.unit_code or not evidence:
        return
    if evidence.get("street_code") != step.row.unit_code:
        return
    runtime, row, at = step.runtime, step.row, step.facts.at
    place = find_point(evidence["lon"], evidence["lat"], runtime.constants)
    place |= judge_place(place, lambda: runtime.territory, runtime.constants)
    appeal = get_appeal(step.session, row)
    step.session.add(
        PinMove(
            appeal_id=appeal.id,
            address=appeal.address,
            # The place of this matter; another at the same address is for the geocoder as before.
            address_key=None,
            from_lon=appeal.lon,
            from_lat=appeal.lat,
            lon=evidence["lon"],
            lat=evidence["lat"],
            source="dispute",
            made_by=step.person_key,
            made_at=at,
        )
    )
    put_place(runtime, appeal, place)
    cell = place["cell_code"]
    ensure_cells(step.session, runtime.city, [cell] if cell else [], on=runtime.get_day(at))
    copy_place(appeal, row)


def _take_boundaries(step: Act) -> None:
    """Judge the place of an order by the boundaries in force: a person has decided whose it is now."""
    appeal, runtime = get_appeal(step.session, step.row), step.runtime
    if appeal.boundary_version == runtime.boundary_version or appeal.lon is None:
        return
    place = {name: getattr(appeal, name) for name in PLACED} | {"score": None}
    place |= judge_place(place, lambda: runtime.territory, runtime.constants)
    put_place(runtime, appeal, place)
    copy_place(appeal, step.row)


def _keep_unit(step: Act) -> None:
    _judge_anew(step, get_appeal(step.session, step.row), "派单员核对", new_unit=False)


def _transfer(step: Act) -> None:
    """Record that the order left a unit that had it."""
    moved = step.unit_before != step.row.unit_code
    # What was only proposed before the first dispatch was nobody's order.
    if moved and not _is_unsent(step):
        step.row.bounces += 1
        step.session.add(
            Transfer(
                order_id=step.row.id,
                at=step.facts.at,
                from_unit_code=step.unit_before,
                to_unit_code=step.row.unit_code,
                action=step.change.action.value,
                reason_code=step.facts.reason_code,
                made_by=step.person_key,
            )
        )


def _open_dispute(step: Act) -> None:
    facts, row = step.facts, step.row
    ground = facts.ground or "other"
    ruling = rule_dispute(
        make_holder(make_rule_order(row, step.runtime)),
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
            opened_by=step.person_key,
        )
    )


def _get_dispute(step: Act) -> Dispute:
    query = sa.select(Dispute).where(Dispute.order_id == step.row.id, Dispute.decided_at.is_(None))
    found = step.session.scalars(query.order_by(Dispute.id.desc()).limit(1)).first()
    if found is None:
        raise NotFoundError("open dispute of order", step.row.order_no)
    return found


def _call_conference(step: Act) -> None:
    dispute = _get_dispute(step)
    dispute.conference_at, dispute.conference_on = step.facts.at, step.facts.until
    dispute.persons = mask_text(step.facts.persons)


def _keep_minutes(step: Act) -> None:
    _get_dispute(step).minutes = mask_text(step.facts.text)


def _decide(decision: str) -> Effect:
    def effect(step: Act) -> None:
        dispute = _get_dispute(step)
        dispute.decided_at, dispute.decided_by = step.facts.at, step.person_key
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
    _reached(step)


def _hand_over(step: Act) -> None:
    step.row.handover_no = mask_text(step.facts.reference.strip())
    _contact(step)


def _miss(step: Act) -> None:
    """Count a try that reached nobody and say when the next is due; after the last one a second person decides."""
    row, constants = step.row, step.runtime.constants
    most = round(constants.number("rates.callback_tries_max"))
    row.calls_missed = min(row.calls_missed + 1, most)
    wait = timedelta(hours=constants.number("rates.callback_retry_hours"))
    ended = row.calls_missed >= most
    row.call_again_at = None if ended else step.facts.at + wait * 2 ** (row.calls_missed - 1)
    known = NO_CALLBACK in constants.texts("rates.exclusion_reasons")
    if ended and known and step.actor is not None and find_proposal(step.session, row) is None:
        add_proposal(step.session, row, actor=step.actor, reason_code=NO_CALLBACK, at=step.facts.at)


def _reached(step: Act) -> None:
    step.row.calls_missed, step.row.call_again_at = 0, None


def _ask_extension(step: Act) -> None:
    assert step.facts.until is not None  # noqa: S101 - the rules have asked for it
    step.session.add(
        OrderExtension(
            order_id=step.row.id,
            until=step.facts.until,
            reason_code=step.facts.reason_code,
            text=mask_text(step.facts.text),
            asked_by=step.person_key,
            asked_at=step.facts.at,
        )
    )


def _find_asked(step: Act) -> list[OrderExtension]:
    query = sa.select(OrderExtension).where(
        OrderExtension.order_id == step.row.id, OrderExtension.decided_at.is_(None)
    )
    return list(step.session.scalars(query))


def _grant_extension(step: Act) -> None:
    for asked in _find_asked(step):
        asked.decided_by, asked.decided_at, asked.granted = step.person_key, step.facts.at, True
        asked.due_before = step.row.due_at
        step.row.due_at = find_pause_end(step.runtime, asked.until)
    _forget_warnings(step.row, step)


def _refuse_extension(step: Act) -> None:
    for asked in _find_asked(step):
        asked.decided_by, asked.decided_at, asked.granted = step.person_key, step.facts.at, False


def _drop_extension(step: Act) -> None:
    """Close a question that nobody decided while the order was at work."""
    for asked in _find_asked(step):
        asked.decided_at, asked.granted = step.facts.at, False


def _close(step: Act) -> None:
    step.row.closed_at = step.facts.at
    _reached(step)


def _follow_reply(step: Act) -> None:
    """Take over the reply of the order that goes on."""
    step.row.replied_at, step.row.review = step.facts.at, False


def _pause(step: Act) -> None:
    step.session.add(
        OrderPause(
            order_id=step.row.id, paused_at=step.facts.at, reason_code=step.facts.reason_code
        )
    )


def find_pause_end(runtime: CityRuntime, until: date) -> datetime:
    """Return the moment at which a pause until a day is over: the end of that day in the city."""
    return datetime.combine(until + timedelta(days=1), time(), tzinfo=runtime.zone)


def _resume(step: Act) -> None:
    """End the pause; the final clock goes on with what was left when it began.

    A pause until a day is over with that day, however late somebody comes to say so.
    """
    row, runtime = step.row, step.runtime
    query = sa.select(OrderPause).where(
        OrderPause.order_id == row.id, OrderPause.resumed_at.is_(None)
    )
    limit = runtime.grades.get(row.grade)
    ended = step.facts.at
    if step.until_before is not None:
        ended = min(ended, find_pause_end(runtime, step.until_before))
    for pause in step.session.scalars(query):
        pause.resumed_at = max(ended, pause.paused_at)
        if row.due_at is not None and limit is not None:
            row.due_at = move_deadline(
                row.due_at,
                pause.paused_at,
                pause.resumed_at,
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
    row.contact_by, row.due_at, row.clock_from = due.contact_by, due.due_at, step.facts.at
    row.calls_missed, row.call_again_at = 0, None
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
            proposed_by=step.person_key,
            proposed_at=step.facts.at,
            approved_by=step.facts.second.person_key,
            approved_at=step.facts.at,
        )
    )


def _readmit(step: Act) -> None:
    for exclusion in _find_exclusions(step):
        exclusion.withdrawn_at = step.facts.at


_A = OrderAction

EFFECTS: Mapping[OrderAction, tuple[Effect, ...]] = MappingProxyType(
    {
        _A.DISPATCH: (_take_boundaries, _dispatch),
        _A.RECALL: (_recall,),
        _A.REASSIGN: (_take_boundaries, _rule("派单员改派"), _drop_extension),
        _A.KEEP_UNIT: (_take_boundaries, _keep_unit),
        _A.HAND_OVER: (_hand_over,),
        _A.ANSWER_HANDED_OVER: (_reply,),
        _A.ANSWER_AT_DESK: (_reply,),
        _A.DISPUTE: (_open_dispute,),
        _A.UPHOLD_DISPUTE: (_take_evidence, _rule("异议裁定"), _decide("upheld")),
        _A.REJECT_DISPUTE: (_decide("rejected"),),
        _A.CALL_CONFERENCE: (_call_conference,),
        _A.DECIDE_CONFERENCE: (
            _keep_minutes,
            _take_evidence,
            _rule("异议会商裁定"),
            _decide("conference"),
        ),
        _A.ASSIGN_RAISED: (_rule("提级统筹"), _drop_extension),
        _A.CONTACT: (_contact,),
        _A.ASK_EXTENSION: (_ask_extension,),
        _A.GRANT_EXTENSION: (_grant_extension,),
        _A.REFUSE_EXTENSION: (_refuse_extension,),
        _A.RELEASE_WHISTLE: (_end_whistle,),
        _A.RAISE: (_end_whistle,),
        _A.SUPERVISE: (_end_whistle,),
        _A.SUSPEND: (_pause, _drop_extension),
        _A.RESUME: (_resume,),
        _A.REPLY: (_reply, _drop_extension),
        _A.RETURN_REPLY: (_return_reply,),
        _A.NOT_REACHED: (_miss,),
        _A.REOPEN: (_reopen,),
        _A.MERGE: (_transfer, _drop_extension),
        _A.FOLLOW_ON: (_transfer,),
        _A.FOLLOW_REPLY: (_follow_reply,),
        _A.FOLLOW_BACK: (_return_reply,),
        _A.EXCLUDE: (_exclude, _reached),
        _A.READMIT: (_readmit,),
        **dict.fromkeys(ANSWERED, (_close,)),
    }
)

# --- who is told --------------------------------------------------------------------------------------

_OWNER = frozenset(
    {
        _A.DISPATCH,
        _A.RECALL,
        _A.REASSIGN,
        _A.KEEP_UNIT,
        _A.GRANT_EXTENSION,
        _A.REFUSE_EXTENSION,
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
_SUPERIOR = frozenset({_A.RAISE, _A.CALL_CONFERENCE, _A.ASK_EXTENSION})
_WATCHED = frozenset({OrderState.RAISED, OrderState.SUPERVISED})
"""Where whoever is above the unit follows an order, and hears of what the unit says of it."""
_SAID = frozenset({_A.NOTE, _A.REPLY})


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
    if action in _SUPERIOR or (action in _SAID and step.change.from_state in _WATCHED):
        units += order.superior_codes[:1]
    return dict.fromkeys(units)
