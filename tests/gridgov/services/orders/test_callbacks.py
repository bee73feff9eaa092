"""Callbacks through the service: what closes, what counts, what is flagged, what the rates make of it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import ConflictError, ForbiddenError, GridgovError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.handling import act
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import Message
from gridgov.storage.models.orders import Callback, Order, Outcome
from gridgov.storage.queries.rate_counts import get_rate_counts
from tests.gridgov.services.desks import CENTRE, CLERK, DESK, STREET, T0, put_order

GOOD = {"contacted": True, "solved": "true", "satisfied": "basically"}
BAD = {"contacted": True, "solved": "false", "satisfied": "unsatisfied"}
DISPATCHER = Actor(person_key="dispatcher", role=Role.DISPATCHER, unit_code=DESK)


def at(hours):
    return T0 + timedelta(hours=hours)


def call(sessions, runtime, hours, *, actor=CLERK, seen_version=None, **said):
    with transaction(sessions) as session:
        return record_callback(
            session,
            runtime,
            "O1",
            actor=actor,
            answers=Answers(called_at=at(hours), **said),
            seen_version=seen_version,
        )


def read(sessions):
    with sessions() as session:
        return session.scalars(sa.select(Order)).one()


def read_rates(sessions):
    with sessions() as session:
        frame = get_rate_counts(session)
        assert len(frame) <= 1
        return frame.iloc[0].to_dict() if len(frame) else {}


@pytest.fixture
def replied(sessions, small_runtime):
    """One order to which the street has replied."""
    with transaction(sessions) as session:
        put_order(session)
        facts = Facts(at=at(1), text="已修复")
        act(session, small_runtime, "O1", OrderAction.REPLY, actor=CENTRE, facts=facts)
    return sessions


def test_a_full_answer_closes_and_counts(replied, small_runtime):
    done = call(replied, small_runtime, 2, **GOOD)
    assert (done.state, done.counts, done.flag) == (OrderState.CLOSED_SOLVED, True, "")
    order = read(replied)
    assert (order.outcome, order.called_at, order.closed_at) == (Outcome.SOLVED, at(2), at(2))
    assert (order.contacted, order.solved, order.satisfied) == (True, "true", "basically")
    rates = read_rates(replied)
    assert (rates["unit_code"], rates["month"]) == (STREET, "2025-06")
    found = {n: rates[n] for n in ("orders", "callbacks", "solved", "satisfied", "basically")}
    assert found == {"orders": 1, "callbacks": 1, "solved": 1, "satisfied": 0, "basically": 1}


def test_who_is_not_reached_is_called_again(replied, small_runtime):
    assert call(replied, small_runtime, 2).flag == "no_answer"
    half = call(replied, small_runtime, 3, solved="true")
    assert (half.state, half.flag) == (OrderState.CALLBACK, "incomplete")
    assert call(replied, small_runtime, 4, **BAD).state is OrderState.CLOSED_UNSOLVED
    with replied() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Callback)) == 3


def test_an_answer_that_changes_reopens_and_is_flagged(replied, small_runtime):
    call(replied, small_runtime, 2, **GOOD)
    again = call(replied, small_runtime, 3, **GOOD)
    assert (again.counts, again.state) == (True, OrderState.CLOSED_SOLVED)
    changed = call(replied, small_runtime, 4, **BAD)
    assert (changed.flag, changed.state) == ("contradicting", OrderState.REOPENED)
    assert read(replied).outcome is Outcome.OPEN
    assert read_rates(replied) == {}  # a reopened order is in no month until it is closed again
    with replied() as session:
        told = session.scalars(
            sa.select(Message.unit_code).where(Message.topic == "callback_contradicting")
        )
        assert set(told) == {DESK, STREET}
        assert verify(session) == []


def test_an_answer_from_before_the_reply_closes_nothing(replied, small_runtime):
    call(replied, small_runtime, 2, **GOOD)
    with transaction(replied) as session:
        for hours, action, actor, more in (
            (3, OrderAction.REOPEN, CLERK, {"reason_code": "again"}),
            (4, OrderAction.DISPATCH, DISPATCHER, {"unit_code": STREET}),
            (5, OrderAction.ACCEPT, CENTRE, {}),
            (6, OrderAction.CONTACT, CENTRE, {}),
            (7, OrderAction.HANDLE, CENTRE, {}),
            (8, OrderAction.REPLY, CENTRE, {"text": "再次修复"}),
        ):
            facts = Facts(at=at(hours), **more)
            act(session, small_runtime, "O1", action, actor=actor, facts=facts)
    assert call(replied, small_runtime, 9).state is OrderState.CALLBACK
    done = call(replied, small_runtime, 10, **BAD)
    assert (done.state, done.flag) == (OrderState.CLOSED_UNSOLVED, "contradicting")
    rates = read_rates(replied)
    assert (rates["callbacks"], rates["solved"], rates["flagged"]) == (1, 0, 1)


def test_who_may_not_call_back_is_refused_and_nothing_stays(replied, small_runtime):
    with pytest.raises(OrderActionError, match="cannot call_back"):
        call(replied, small_runtime, 2, actor=CENTRE, **GOOD)
    with pytest.raises(GridgovError, match="solved is 'maybe'; expected one of"):
        call(replied, small_runtime, 2, contacted=True, solved="maybe")
    call(replied, small_runtime, 2)
    with pytest.raises(ForbiddenError):
        call(replied, small_runtime, 3, actor=CENTRE, **GOOD)
    with pytest.raises(ConflictError):
        call(replied, small_runtime, 3, seen_version=1, **GOOD)
    with replied() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Callback)) == 1


def test_an_order_in_hand_is_not_called_back(sessions, small_runtime):
    with transaction(sessions) as session:
        put_order(session)
    with pytest.raises(OrderActionError, match="only when it is replied"):
        call(sessions, small_runtime, 2, **GOOD)
