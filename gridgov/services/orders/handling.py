"""What people do to orders: every action of the transition table, with all that follows from it.

:func:`act` is the one way in which an order changes its state. It checks the version that the person saw, asks the
rules (``rules.order_states``), writes the order, what hangs on it, the counts, the log and the messages, and never
commits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError, ForbiddenError, GridgovError
from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderChange, apply, find_actions_for
from gridgov.rules.orders.transitions import UNDOABLE, Need, OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.notices.mentions import find_named
from gridgov.services.orders.effects import CHECKS, EFFECTS, Act, find_recipients
from gridgov.services.orders.place import watch_unit
from gridgov.services.orders.rating import counted
from gridgov.services.orders.rows import (
    find_changed,
    find_outcome,
    get_order,
    make_rule_order,
    put_rule_order,
    restore_values,
    take_values,
)
from gridgov.services.outbox import deliver as outbox
from gridgov.storage.audit import log as audit
from gridgov.storage.counts import changes as counts
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order
from gridgov.storage.scope.apply import without_row_scope


@dataclass(frozen=True, kw_only=True)
class ActionView:
    """An action that an account could take now, for a page.

    Parameters
    ----------
    action, target
        What, and to which state it leads; the same where the order stays where it stands.
    needs
        What it must bring.
    reasons
        Reason codes to choose from; empty: any.
    """

    action: OrderAction
    target: OrderState
    needs: tuple[Need, ...]
    reasons: tuple[str, ...]


def find_actions(
    session: Session, runtime: CityRuntime, order_no: str, *, actor: Actor
) -> tuple[ActionView, ...]:
    """Return what an account can do to an order now, in the order of the table.

    Raises
    ------
    NotFoundError
        There is no such order that the session may see.
    """
    order = make_rule_order(get_order(session, order_no), runtime)
    return tuple(
        ActionView(
            action=row.action,
            target=row.find_target(order.state),
            needs=row.needs,
            reasons=runtime.constants.texts(row.reasons) if row.reasons else (),
        )
        for row in find_actions_for(order, actor)
    )


def act(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    action: OrderAction,
    *,
    actor: Actor | None,
    facts: Facts,
    seen_version: int | None = None,
) -> OrderChange:
    """Do something to an order; return the change, flushed and not committed.

    Parameters
    ----------
    session
        Owns the transaction; bound to the account, or the system's own.
    runtime
        The city.
    order_no, action, actor
        Who does what to which order; None is the service itself, which takes only the steps that a date or another
        order brings.
    facts
        What it brings; ``facts.at`` is the moment. ``superior_codes`` are filled in here.
    seen_version
        ``Order.version`` that the person had before their eyes; None: not checked.

    Raises
    ------
    NotFoundError
        There is no such order, or not for this account; or no such order to merge into.
    ConflictError
        Somebody changed the order meanwhile; the transaction must be rolled back.
    OrderActionError
        The rules refuse it.
    UnknownUnitError
        The unit that shall answer is not in force.
    """
    row = get_order(session, order_no, seen_version=seen_version)
    facts = _complete(runtime, facts, by_itself=actor is None)
    change = apply(
        make_rule_order(row, runtime), action, actor=actor, facts=facts, constants=runtime.constants
    )
    step = Act(
        session=session,
        runtime=runtime,
        row=row,
        change=change,
        facts=facts,
        actor=actor,
        unit_before=row.unit_code,
        until_before=row.until,
    )
    for check in CHECKS.get(action, ()):
        check(step)
    seen = row.version
    try:
        with without_row_scope(session), counted(session, runtime, row):
            _write(step)
        with without_row_scope(session):
            bring_along(session, runtime, row, at=facts.at)
    except StaleDataError as error:
        raise ConflictError("order", order_no, seen=seen, found=None) from error
    return change


def undo(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    actor: Actor,
    at: datetime,
    seen_version: int | None = None,
) -> OrderAction:
    """Take back the last step of an order, by who took it, for a few minutes, where nobody has acted on it.

    The order is then what it was before, but for its version; the log keeps both. Returns the step that was taken back.

    Raises
    ------
    NotFoundError, ConflictError
        As :func:`act`.
    ForbiddenError
        There is nothing that this account could take back now; the message says why.
    """
    row = get_order(session, order_no, seen_version=seen_version)
    with without_row_scope(session):
        entry = find_undoable(session, runtime, row, actor=actor, at=at)
        if isinstance(entry, str):
            raise ForbiddenError(f"order {order_no}: {entry}")
        action = OrderAction(entry.action)
        seen = row.version
        try:
            with counted(session, runtime, row):
                before, key = take_values(row), counts.make_key(row, runtime.zone)
                restore_values(row, entry.before or {})
                row.outcome = find_outcome(row.state)
                watch_unit(runtime, row, at=at)
                session.flush()
                counts.record_change(session, key, counts.make_key(row, runtime.zone))
        except StaleDataError as error:
            raise ConflictError("order", order_no, seen=seen, found=None) from error
        was, now = find_changed(before, take_values(row))
        audit.record(
            session,
            at=at,
            action="undo",
            subject_kind="order",
            subject_no=order_no,
            before=was,
            after={**now, "undone": action.value},
            actor=actor,
        )
        facts = {
            "order_no": order_no,
            "unit": runtime.city.names.get(row.unit_code, row.unit_code),
        }
        outbox.notify(
            session,
            at=at,
            topic="undo",
            unit_codes=dict.fromkeys((str(was.get("unit_code") or row.unit_code), row.unit_code)),
            say=partial(make_text, "undo", facts),
            data={"state": row.state.value, "undone": action.value},
            order_no=order_no,
            key=f"{order_no}:{row.version}:undo",
        )
    return action


def find_undoable(
    session: Session, runtime: CityRuntime, row: Order, *, actor: Actor, at: datetime
) -> LogEntry | str:
    """Return the entry of the step that an account may take back now, or why there is none."""
    query = (
        sa.select(LogEntry)
        .where(LogEntry.subject_kind == "order", LogEntry.subject_no == row.order_no)
        .order_by(LogEntry.id.desc())
        .limit(MOST_TOLD)
    )
    # What the watch tells, and what was refused, changes nothing in the order.
    entry = next(
        (one for one in session.scalars(query) if not one.action.startswith(UNCHANGING)), None
    )
    minutes = round(runtime.constants.number("deadlines.undo_minutes"))
    if entry is None or entry.person_key != actor.person_key:
        return "the last step is not this account's; nobody takes back another's"
    if entry.action not in UNDOABLE:
        return (
            f"{entry.action} cannot be taken back; it has an opposite of its own or reached further"
        )
    if at - entry.at > timedelta(minutes=minutes):
        return f"the last step is more than {minutes} minutes old"
    before = entry.before or {}
    followers = sa.select(Order.id).where(Order.merged_into == row.order_no).limit(1)
    reached = (
        before.get("state") == OrderState.WHISTLED
        or {"bounces", "extension_until"} & before.keys()
        or session.scalar(followers) is not None
    )
    return "the last step reached further than this order" if reached else entry


MOST_TOLD = 12
UNCHANGING = ("watch_", "refused")


def record_refusal(
    session: Session, order_no: str, action: str, error: GridgovError, *, actor: Actor, at: datetime
) -> None:
    """Put on record that somebody tried what an order did not allow; the order stays as it was.

    An order that this account does not see is not named in the log.
    """
    query = sa.select(Order.order_no).where(Order.order_no == order_no)
    if session.scalar(query) is None:
        return
    with without_row_scope(session):
        audit.record(
            session,
            at=at,
            action="refused",
            subject_kind="order",
            subject_no=order_no,
            before=None,
            after={"action": action, "problem": mask_text(str(error))[:LONGEST_REFUSAL]},
            actor=actor,
        )


LONGEST_REFUSAL = 500


def _complete(runtime: CityRuntime, facts: Facts, *, by_itself: bool) -> Facts:
    """Return the facts with the units above the one that shall answer, which must be in force if a person names it.

    What was typed goes into the log and into messages, so numbers of people are masked in it.
    """
    at = facts.at.astimezone(runtime.zone)  # days are those of the city, never of UTC
    facts = replace(facts, text=mask_text(facts.text), at=at)
    if not facts.unit_code:
        return facts
    today = runtime.get_day(facts.at)
    if not by_itself:
        runtime.check_unit(facts.unit_code, today)
    return replace(facts, superior_codes=runtime.find_superiors(facts.unit_code, today))


def _write(step: Act) -> None:
    row, session, change = step.row, step.session, step.change
    before, key = take_values(row), counts.make_key(row, step.runtime.zone)
    put_rule_order(row, change.order)
    for effect in EFFECTS.get(change.action, ()):
        effect(step)
    watch_unit(step.runtime, row, at=step.facts.at)
    session.flush()
    counts.record_change(session, key, counts.make_key(row, step.runtime.zone))
    _log(step, before)
    _notify(step)


def bring_along(session: Session, runtime: CityRuntime, row: Order, *, at: datetime) -> None:
    """Let what was merged into an order go where that one goes: to its unit, into what took it in, to a callback.

    So every appellant is called back: whoever's order was merged waits for the same reply and is then asked.
    """
    if row.merged_into:
        main = _find_main(session, row)
        # Who has the order that goes on answers for both, whatever took in the one between.
        moved = main.unit_code != row.unit_code or main.order_no != row.merged_into
        if row.state is OrderState.MERGED and moved:
            _bring(session, runtime, row, OrderAction.FOLLOW_ON, main=main, at=at)
        elif row.state in _WAITING and main.replied_at is None:
            # It was readmitted while the other had gone back to work: both wait for the next reply.
            _bring(session, runtime, row, OrderAction.FOLLOW_BACK, main=main, at=at)
    main = _find_main(session, row) if row.state is OrderState.MERGED else row
    answered = main.replied_at is not None
    query = sa.select(Order).where(Order.merged_into == row.order_no).order_by(Order.id)
    for one in session.scalars(query).all():
        moved = one.unit_code != main.unit_code or one.merged_into != main.order_no
        if one.state is OrderState.MERGED and moved:
            _bring(session, runtime, one, OrderAction.FOLLOW_ON, main=main, at=at)
        if one.state is OrderState.MERGED and answered:
            _bring(session, runtime, one, OrderAction.FOLLOW_REPLY, main=main, at=at)
        elif one.state in _WAITING and not answered:
            _bring(session, runtime, one, OrderAction.FOLLOW_BACK, main=main, at=at)


_WAITING = (OrderState.REPLIED, OrderState.CALLBACK)


def _find_main(session: Session, row: Order) -> Order:
    """Return the order that goes on for one that was merged, over any that were merged between."""
    main = get_order(session, row.merged_into)
    while main.state is OrderState.MERGED:
        main = get_order(session, main.merged_into)
    return main


def _bring(
    session: Session,
    runtime: CityRuntime,
    one: Order,
    action: OrderAction,
    *,
    main: Order,
    at: datetime,
) -> None:
    facts = Facts(
        at=max(at, one.state_at),
        unit_code=main.unit_code if action is OrderAction.FOLLOW_ON else "",
        target_order_no=main.order_no,
        replied_by=main.replied_by,
    )
    act(session, runtime, one.order_no, action, actor=None, facts=facts)


def _log(step: Act, before: dict[str, Any]) -> None:
    change, facts = step.change, step.facts
    was, now = find_changed(before, take_values(step.row))
    said = {
        "reason_code": facts.reason_code,
        "text": mask_text(facts.text),
        "second_person_key": change.second_person_key,
        "answer": facts.answer or "",
        "reference": mask_text(facts.reference),
        "persons": mask_text(facts.persons),
        "ground": facts.ground or "",
    }
    audit.record(
        step.session,
        at=facts.at,
        action=change.action.value,
        subject_kind="order",
        subject_no=change.order_no,
        before=was,
        after={**now, **{name: value for name, value in said.items() if value}},
        actor=step.actor,
        origin="" if step.actor is not None else "service",
    )


def _notify(step: Act) -> None:
    row, change = step.row, step.change
    outbox.notify(
        step.session,
        at=step.facts.at,
        topic=change.action.value,
        unit_codes=find_recipients(step),
        say=partial(_say, row.order_no, change),
        data={
            "state": change.to_state.value,
            "unit_code": change.unit_code,
            "reason_code": change.reason_code,
        },
        order_no=row.order_no,
        key=f"{row.order_no}:{row.version}:{change.action.value}",
    )
    named = find_named(step.session, step.facts.text)
    if named:
        names, code = step.runtime.city.names, step.actor.unit_code if step.actor else ""
        facts = {
            "by": names.get(code, code),
            "where": row.order_no,
            "text": mask_text(step.facts.text),
        }
        outbox.notify(
            step.session,
            at=step.facts.at,
            topic="mention",
            unit_codes=(),
            account_ids=named,
            say=partial(make_text, "mention", facts),
            data=facts,
            order_no=row.order_no,
            key=f"{row.order_no}:{row.version}:mention",
        )


def _say(order_no: str, change: OrderChange, language: Language) -> MessageText:
    facts = {
        "order_no": order_no,
        "action": get_label("action", change.action.value, language=language),
        "state": get_label("state", change.to_state.value, language=language),
    }
    return make_text("handled", facts, language)
