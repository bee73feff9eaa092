"""What people do to orders: every action of the transition table, with all that follows from it.

:func:`act` is the one way in which an order changes its state. It checks the version that the person saw, asks the
rules (``rules.order_states``), writes the order, what hangs on it, the counts, the log and the messages, and never
commits.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError
from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderChange, apply, find_actions_for
from gridgov.rules.orders.transitions import Need, OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.effects import CHECKS, EFFECTS, Act, find_recipients
from gridgov.services.orders.rating import counted
from gridgov.services.orders.rows import (
    find_changed,
    get_order,
    make_rule_order,
    put_rule_order,
    take_values,
)
from gridgov.services.outbox import deliver as outbox
from gridgov.storage.audit import log as audit
from gridgov.storage.counts import changes as counts
from gridgov.storage.scope.apply import without_row_scope


@dataclass(frozen=True, kw_only=True)
class ActionView:
    """An action that an account could take now, for a page.

    Parameters
    ----------
    action, target
        What, and to which state it leads.
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
            target=row.target,
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
    actor: Actor,
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
        Who does what to which order.
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
    facts = _complete(runtime, facts)
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
    )
    for check in CHECKS.get(action, ()):
        check(step)
    seen = row.version
    try:
        with without_row_scope(session), counted(session, runtime, row):
            _write(step)
    except StaleDataError as error:
        raise ConflictError("order", order_no, seen=seen, found=None) from error
    return change


def _complete(runtime: CityRuntime, facts: Facts) -> Facts:
    """Return the facts with the units above the one that shall answer, which must be in force.

    What was typed goes into the log and into messages, so numbers of people are masked in it.
    """
    facts = replace(facts, text=mask_text(facts.text))
    if not facts.unit_code:
        return facts
    today = runtime.get_day(facts.at)
    runtime.check_unit(facts.unit_code, today)
    return replace(facts, superior_codes=runtime.find_superiors(facts.unit_code, today))


def _write(step: Act) -> None:
    row, session, change = step.row, step.session, step.change
    before, key = take_values(row), counts.make_key(row, step.runtime.zone)
    put_rule_order(row, change.order)
    for effect in EFFECTS.get(change.action, ()):
        effect(step)
    session.flush()
    counts.record_change(session, key, counts.make_key(row, step.runtime.zone))
    _log(step, before)
    _notify(step)


def _log(step: Act, before: dict[str, Any]) -> None:
    change, facts = step.change, step.facts
    was, now = find_changed(before, take_values(step.row))
    said = {
        "reason_code": facts.reason_code,
        "text": mask_text(facts.text),
        "second_person_key": change.second_person_key,
        "answer": facts.answer or "",
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


def _say(order_no: str, change: OrderChange, language: Language) -> MessageText:
    facts = {
        "order_no": order_no,
        "action": get_label("action", change.action.value, language=language),
        "state": get_label("state", change.to_state.value, language=language),
    }
    return make_text("handled", facts, language)
