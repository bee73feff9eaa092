"""Today's figures equal what the orders say."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from gridgov.storage.counts.changes import make_key, record_change
from gridgov.storage.counts.sums import compact
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.order_clocks import CLOCKS
from gridgov.storage.queries.today import count_hours, find_last_day, get_today
from tests.gridgov.storage.order_rows import add_orders

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 2, 20, 15, 20, tzinfo=ZONE)
DAY_START = datetime(2026, 2, 20, tzinfo=ZONE)
SOON = timedelta(hours=24)


@pytest.fixture
def orders(session: Session) -> list[Order]:
    made = add_orders(session, 500)
    for at, order in enumerate(made):
        record_change(session, None, make_key(order, ZONE))
        if at == 300:
            session.flush()
            compact(session)
    session.flush()
    return made


def test_figures_count_the_orders(session: Session, orders: list[Order]) -> None:
    found = get_today(session, now=NOW, day_start=DAY_START, soon=SOON)
    day = timedelta(days=1)
    assert found.received == sum(DAY_START <= o.received_at < NOW for o in orders) > 0
    assert found.received_before == sum(
        DAY_START - day <= o.received_at < NOW - day for o in orders
    )
    waiting = [o for o in orders if o.outcome is Outcome.OPEN]
    assert set(found.clocks) == set(CLOCKS)
    assert found.clocks["open"] == len(waiting)
    assert found.clocks["overdue"] == sum(o.due_at < NOW for o in waiting) > 0
    assert found.clocks["due_today"] == sum(NOW <= o.due_at < DAY_START + day for o in waiting)
    assert found.clocks["due_soon"] == sum(NOW <= o.due_at < NOW + SOON for o in waiting)
    assert found.clocks["review"] == sum(o.review for o in waiting)


def test_figures_of_one_unit_are_parts_of_the_whole(session: Session, orders: list[Order]) -> None:
    units = {order.unit_code for order in orders}
    parts = [
        get_today(session, now=NOW, day_start=DAY_START, soon=SOON, unit_codes=frozenset({unit}))
        for unit in sorted(units)
    ]
    whole = get_today(session, now=NOW, day_start=DAY_START, soon=SOON)
    assert sum(part.received for part in parts) == whole.received
    for clock in CLOCKS:
        assert sum(part.clocks[clock] for part in parts) == whole.clocks[clock]


def test_without_orders_everything_is_nought(session: Session) -> None:
    found = get_today(session, now=NOW, day_start=DAY_START, soon=SOON)
    assert found.received == found.received_before == found.calls == found.calls_late == 0
    assert set(found.clocks.values()) == {0}
    assert find_last_day(session) is None


def test_hours_add_up_to_the_day(session: Session, orders: list[Order]) -> None:
    hours = count_hours(session, start=DAY_START, end=NOW)
    assert len(hours) == 16
    today = [o for o in orders if DAY_START <= o.received_at < NOW]
    assert sum(hours) == len(today)
    for order in today:
        assert hours[order.received_at.astimezone(ZONE).hour] > 0
