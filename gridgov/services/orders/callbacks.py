"""Callbacks (回访): what the person says closes an order; which of several answers counts is up to the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Actor, Answer, Facts, has_permit
from gridgov.rules.orders.transitions import BY_STATE, CLOSED, OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.rules.rates.callbacks import (
    ANSWERS,
    CALLBACK_COLUMNS,
    NO,
    PART,
    YES,
    CallbackFlag,
    check_callbacks,
)
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import act
from gridgov.services.orders.rating import END_OF_TIME, counted, make_callbacks_frame
from gridgov.services.orders.rows import get_order, make_rule_order
from gridgov.services.outbox.deliver import notify
from gridgov.storage.audit import log as audit
from gridgov.storage.models.orders import Callback, Order
from gridgov.storage.scope.apply import without_row_scope

CLOSINGS: dict[int, tuple[OrderAction, OrderState, Answer]] = {
    YES: (OrderAction.CLOSE_SOLVED, OrderState.CLOSED_SOLVED, "solved"),
    PART: (OrderAction.CLOSE_PARTLY, OrderState.CLOSED_PARTLY, "partly"),
    NO: (OrderAction.CLOSE_UNSOLVED, OrderState.CLOSED_UNSOLVED, "unsolved"),
}
"""What "solved?" was answered → how the order closes."""
REOPEN_REASON = "callback"
"""Reason code of an order that is reopened because the person now says something else."""
CONTRADICTIONS = (CallbackFlag.CONTRADICTING, CallbackFlag.CONTRADICTING_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one call brought.

    Parameters
    ----------
    called_at
        When, aware.
    contacted
        Whether the unit had contacted the person; None where that was not answered.
    solved
        ``true``, ``partly``, ``false``, or None.
    satisfied
        ``satisfied``, ``basically``, ``unsatisfied``, or None.
    note
        What else was said; no personal data.
    not_reached
        Why nobody was reached, one of ``rates.not_reached_reasons``; empty where somebody was. With it nothing is
        answered.
    """

    called_at: datetime
    contacted: bool | None = None
    solved: str | None = None
    satisfied: str | None = None
    note: str = ""
    not_reached: str = ""


@dataclass(frozen=True, kw_only=True)
class Called:
    """What a callback did.

    Parameters
    ----------
    callback
        Its row.
    counts
        Whether it is the one that counts.
    flag
        :class:`~gridgov.rules.rates.callbacks.CallbackFlag` value of this call, empty for none.
    state
        Where the order stands now.
    call_again_at
        When to try again to reach somebody, None where that is not to be done.
    """

    callback: Callback
    counts: bool
    flag: str
    state: OrderState
    call_again_at: datetime | None = None


def record_callback(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    actor: Actor,
    answers: Answers,
    seen_version: int | None = None,
) -> Called:
    """Record a call to the person; a full answer closes the order, a new and different one reopens it.

    A call in which not everything was answered leaves the order to be called again. One that reached nobody is recorded
    with its reason and says when the next is due; after the last try the order is proposed for exclusion without a
    valid callback, which a second person decides.

    Raises
    ------
    NotFoundError, ConflictError, OrderActionError
        As :func:`gridgov.services.orders.handling.act`; the order must be replied, in callback or closed.
    ForbiddenError
        The account may not call back.
    GridgovError
        An answer is none of the words above.
    """
    _check_words(answers, runtime)
    row = get_order(session, order_no, seen_version=seen_version)
    facts = Facts(at=answers.called_at)
    with without_row_scope(session), counted(session, runtime, row):
        if row.state in CLOSED | {OrderState.CALLBACK}:
            _check_may_call(runtime, row, actor)
        else:
            act(session, runtime, order_no, OrderAction.CALL_BACK, actor=actor, facts=facts)
        callback = _add(session, row, actor, answers)
        if answers.not_reached:
            return _miss(session, runtime, row, callback, actor=actor)
        return _settle(session, runtime, row, callback, actor=actor)


def _miss(
    session: Session, runtime: CityRuntime, row: Order, callback: Callback, *, actor: Actor
) -> Called:
    """Send an order whose person was not reached back to wait for the next try, or to a decision after the last."""
    _log(session, row, callback, CallbackFlag.NO_ANSWER.value, actor=actor)
    # A closed order that is called once more stays closed: what was said then still holds.
    if row.state is OrderState.CALLBACK:
        facts = Facts(at=callback.called_at, reason_code=callback.not_reached)
        act(session, runtime, row.order_no, OrderAction.NOT_REACHED, actor=actor, facts=facts)
    return Called(
        callback=callback,
        counts=False,
        flag=CallbackFlag.NO_ANSWER.value,
        state=row.state,
        call_again_at=row.call_again_at,
    )


def _check_words(answers: Answers, runtime: CityRuntime) -> None:
    if answers.not_reached:
        reasons = runtime.constants.texts("rates.not_reached_reasons")
        if answers.not_reached not in reasons:
            raise GridgovError(
                f"callback: nobody was reached because of {answers.not_reached!r}; "
                f"expected one of {', '.join(reasons)}"
            )
        if (answers.contacted, answers.solved, answers.satisfied) != (None, None, None):
            raise GridgovError("callback: nobody was reached, and yet something was answered")
    for name in ("solved", "satisfied"):
        word = getattr(answers, name)
        if word is not None and word not in ANSWERS[name]:
            known = ", ".join(ANSWERS[name])
            raise GridgovError(f"callback: {name} is {word!r}; expected one of {known}")


def _check_may_call(runtime: CityRuntime, row: Order, actor: Actor) -> None:
    permits = BY_STATE[OrderState.REPLIED, OrderAction.CALL_BACK].who
    if not has_permit(make_rule_order(row, runtime), actor, permits):
        raise ForbiddenError(
            f"order {row.order_no}: {actor.role} of {actor.unit_code} may not call back; "
            "callback clerks of its desk do"
        )


def _add(session: Session, row: Order, actor: Actor, answers: Answers) -> Callback:
    callback = Callback(
        order_id=row.id,
        called_at=answers.called_at,
        contacted=answers.contacted,
        solved=answers.solved,
        satisfied=answers.satisfied,
        not_reached=answers.not_reached,
        note=mask_text(answers.note),
        made_by=actor.person_key,
    )
    session.add(callback)
    session.flush()
    return callback


def _settle(
    session: Session, runtime: CityRuntime, row: Order, callback: Callback, *, actor: Actor
) -> Called:
    """Let the answer that counts close or reopen the order, and copy it onto the order."""
    rows = find_callbacks(session, row)
    checked = judge_callbacks(rows, row, runtime)
    at = [one.id for one in rows].index(callback.id)
    counting = next((n for n, valid in enumerate(checked["valid"]) if valid), None)
    if counting is not None:
        _copy_answers(row, rows[counting])
    if counting == at:
        # Never by an older answer: what was said before the last reply says nothing about it.
        _follow(session, runtime, row, int(checked["solved"].iloc[at]), callback, actor=actor)
    flag = str(checked["flag"].iloc[at])
    _log(session, row, callback, flag, actor=actor)
    if set(checked["flag"]) & {flag.value for flag in CONTRADICTIONS}:
        _tell_contradiction(session, row, callback)
    return Called(callback=callback, counts=counting == at, flag=flag, state=row.state)


def find_callbacks(session: Session, row: Order) -> Sequence[Callback]:
    """Return the callbacks of an order in the order in which they were recorded."""
    query = sa.select(Callback).where(Callback.order_id == row.id).order_by(Callback.id)
    return session.scalars(query).all()


def judge_callbacks(rows: Sequence[Callback], row: Order, runtime: CityRuntime) -> pd.DataFrame:
    """Return what the rules say of an order's callbacks: ``rules.callbacks.CHECKED_COLUMNS``, one row each."""
    frame = make_callbacks_frame([(row.order_no, one) for one in rows], runtime)
    received = pd.Series([row.received_at] * len(rows)).dt.tz_convert(runtime.zone)
    frame["received_at"] = received.astype(frame["called_at"].dtype)
    return check_callbacks(
        frame[list(CALLBACK_COLUMNS)], as_of=END_OF_TIME, constants=runtime.constants
    )


def _copy_answers(row: Order, counting: Callback) -> None:
    row.called_at, row.contacted = counting.called_at, counting.contacted
    row.solved, row.satisfied = counting.solved, counting.satisfied


def _follow(
    session: Session,
    runtime: CityRuntime,
    row: Order,
    solved: int,
    callback: Callback,
    *,
    actor: Actor,
) -> None:
    """Close an order in callback as the person says; reopen a closed one that closed otherwise.

    Only a callback after a new reply may close it again: what changed the person's mind is for the unit to see.
    """
    if solved not in CLOSINGS:  # a city that does not ask whether it is solved
        return
    action, state, answer = CLOSINGS[solved]
    facts = Facts(at=callback.called_at, answer=answer, reason_code=REOPEN_REASON)
    if row.state is OrderState.CALLBACK:
        act(session, runtime, row.order_no, action, actor=actor, facts=facts)
    elif row.state is not state:
        act(session, runtime, row.order_no, OrderAction.REOPEN, actor=actor, facts=facts)


def _log(session: Session, row: Order, callback: Callback, flag: str, *, actor: Actor) -> None:
    said = {
        "contacted": callback.contacted,
        "solved": callback.solved,
        "satisfied": callback.satisfied,
        "flag": flag,
        **({"not_reached": callback.not_reached} if callback.not_reached else {}),
    }
    audit.record(
        session,
        at=callback.called_at,
        action="record_callback",
        subject_kind="order",
        subject_no=row.order_no,
        before=None,
        after=said,
        actor=actor,
    )


def _tell_contradiction(session: Session, row: Order, callback: Callback) -> None:
    notify(
        session,
        at=callback.called_at,
        topic="callback_contradicting",
        unit_codes=(row.desk_code, row.unit_code),
        say=partial(make_text, "callback_contradicting", {"order_no": row.order_no}),
        data={},
        order_no=row.order_no,
        key=f"{row.order_no}:contradicting:{callback.id}",
    )
