"""The watch: what the rules of the clocks say, told once, to the right units, whatever is cut off."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from gridgov.rules.dispatch import find_states
from gridgov.rules.dispatch.deadlines import ClockState
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.orders import watch as deadlines
from gridgov.services.orders.watch import Watched, watch
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order, OrderPause
from tests.gridgov.services.desks import DISTRICT, STREET, T0, put_order

HOUR = timedelta(hours=1)


def read_told(sessions):
    with sessions() as session:
        rows = session.execute(
            sa.select(Message.topic, Message.order_no, Message.unit_code).order_by(Message.id)
        )
        return Counter(tuple(row) for row in rows)


def add_random(session, count, rng):
    """Add orders of all kinds around :data:`T0`."""
    states = (OrderState.HANDLING, OrderState.SUSPENDED, OrderState.REPLIED, OrderState.DISPATCHED)
    for number in range(count):
        state = states[rng.choice(4, p=[0.5, 0.1, 0.1, 0.3])]
        received = T0 - timedelta(minutes=int(rng.integers(12 * 1440)))
        limit = timedelta(hours=float(rng.choice([2, 24, 168, 360])))
        put_order(
            session,
            f"O{number}",
            state=state,
            received_at=received,
            due_at=received + limit if rng.random() < 0.95 else None,
            contact_by=received + limit / 4,
            contacted_at=received + limit / 8 if rng.random() < 0.5 else None,
            replied_at=received if state is OrderState.REPLIED else None,
            until=date(2030, 1, 1) if state is OrderState.SUSPENDED else None,
        )


def judge(session, now):
    """Return order number by state of its final clock, as the rules say."""
    orders = session.scalars(sa.select(Order)).all()
    frame = pd.DataFrame(
        {
            name: pd.to_datetime([getattr(one, name) for one in orders], utc=True)
            for name in ("received_at", "due_at", "replied_at")
        },
        index=[one.order_no for one in orders],
    )
    return find_states(
        frame["received_at"],
        frame["due_at"],
        frame["replied_at"],
        as_of=pd.Timestamp(now),
        due_soon_share=0.2,
        paused=pd.Series([one.state is OrderState.SUSPENDED for one in orders], frame.index),
    )


def test_the_watch_says_what_the_rules_say(sessions, small_runtime, monkeypatch):
    monkeypatch.setattr(deadlines, "BATCH", 7)
    with transaction(sessions) as session:
        add_random(session, 120, np.random.default_rng(3))
    watch(sessions, small_runtime, now=T0)
    with sessions() as session:
        wanted = judge(session, T0)
        found = {
            column: set(
                session.scalars(sa.select(Order.order_no).where(getattr(Order, column) == T0))
            )
            for column in ("warned_at", "overdue_at")
        }
        assert found["overdue_at"] == set(wanted.index[wanted == ClockState.OVERDUE])
        assert found["warned_at"] == set(wanted.index[wanted == ClockState.DUE_SOON])
        assert min(len(numbers) for numbers in found.values()) >= 3
        assert verify(session) == []
        # Marks are no decision: nobody who looks at an order is turned away because of them.
        assert set(session.scalars(sa.select(Order.version))) == {1}
        logged = session.scalar(sa.select(sa.func.count()).select_from(LogEntry))
        assert logged == sum(len(numbers) for numbers in found.values())


def test_each_thing_is_told_once_in_the_course_of_an_order(sessions, small_runtime):
    with transaction(sessions) as session:
        put_order(session, state=OrderState.ACCEPTED)  # contact in 1 day, answer in 7
    for hour in range(9 * 24):
        watch(sessions, small_runtime, now=T0 + hour * HOUR)
    assert read_told(sessions) == {
        ("contact_due_soon", "O1", STREET): 1,
        ("contact_overdue", "O1", STREET): 1,
        ("due_soon", "O1", STREET): 1,
        ("overdue", "O1", STREET): 1,
        ("overdue", "O1", DISTRICT): 1,
        ("overdue_raised", "O1", STREET): 1,
        ("overdue_raised", "O1", DISTRICT): 1,
        ("overdue_raised", "O1", "CITY"): 1,
    }
    with sessions() as session:
        order = session.scalars(sa.select(Order)).one()
        assert order.overdue_at == T0 + 7 * 24 * HOUR + HOUR
        soon = T0 + 7 * 24 * HOUR * 0.8
        assert soon <= order.warned_at < soon + HOUR


def test_a_stop_of_some_days_is_made_up_for(sessions, small_runtime):
    with transaction(sessions) as session:
        put_order(session, state=OrderState.ACCEPTED)
    watch(sessions, small_runtime, now=T0)
    done = watch(sessions, small_runtime, now=T0 + timedelta(days=3))
    assert done == Watched(contact_overdue=1)


def test_a_round_that_was_cut_off_is_done_again_without_telling_twice(
    sessions, small_runtime, monkeypatch
):
    with transaction(sessions) as session:
        put_order(session, state=OrderState.ACCEPTED)
    watch(sessions, small_runtime, now=T0)

    def fail(*_arguments):
        raise RuntimeError

    later = T0 + timedelta(days=9)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(deadlines, "_put_since", fail)
        watch(sessions, small_runtime, now=later)
    told = read_told(sessions)
    assert watch(sessions, small_runtime, now=later).raised == 1  # found again, told already
    assert read_told(sessions) == told
    assert set(told.values()) == {1}


def test_the_end_of_a_suspension_or_supervision_is_told(sessions, small_runtime):
    with transaction(sessions) as session:
        for number, state in enumerate((OrderState.SUSPENDED, OrderState.SUPERVISED)):
            put_order(
                session,
                f"O{number}",
                state=state,
                until=date(2025, 6, 4),
                due_at=None,
                contact_by=None,
            )
    for day in range(5):
        for hour in (1, 12):
            watch(sessions, small_runtime, now=T0 + timedelta(days=day, hours=hour))
    told = read_told(sessions)
    assert told.pop(("resume", "O0", STREET)) == 1
    assert told == {
        (topic, number, unit): 1
        for topic, number in (("pause_ended", "O0"), ("supervision_ended", "O1"))
        for unit in (STREET, DISTRICT)
    }


def test_a_pause_until_a_day_ends_with_it_however_late_the_watch_comes(sessions, small_runtime):
    with transaction(sessions) as session:
        row = put_order(
            session,
            state=OrderState.SUSPENDED,
            until=date(2025, 6, 4),
            due_at=T0 + timedelta(days=3),
        )
        session.add(OrderPause(order_id=row.id, paused_at=T0, reason_code="funding"))
    watch(sessions, small_runtime, now=T0 + timedelta(days=2))  # still the last day of the pause
    with sessions() as session:
        assert session.scalars(sa.select(Order.state)).one() is OrderState.SUSPENDED
    watch(sessions, small_runtime, now=T0 + timedelta(days=14))
    with sessions() as session:
        order = session.scalars(sa.select(Order)).one()
        pause = session.scalars(sa.select(OrderPause)).one()
        assert verify(session) == []
    end = datetime(2025, 6, 4, 16, tzinfo=UTC)  # midnight in the city
    assert (order.state, order.until) == (OrderState.HANDLING, None)
    assert pause.resumed_at == end
    assert order.due_at == T0 + timedelta(days=3) + (end - T0)
    # Its clock runs again, so two weeks later it is overdue, and somebody hears of it in the same round.
    assert order.overdue_at == T0 + timedelta(days=14)
