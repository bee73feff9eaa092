"""Counts of map views equal what the orders say, whichever sums answer and whether deltas are moved or not."""

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import Role
from gridgov.storage.counts.changes import make_key, record_change
from gridgov.storage.counts.sums import compact
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.map_counts import (
    CountFilter,
    count_area_months,
    count_areas,
    count_days,
)
from gridgov.storage.scope.apply import Scope, bind
from tests.gridgov.storage.order_rows import add_orders

ZONE = ZoneInfo("Asia/Shanghai")
FIRST, LAST = date(2026, 1, 9), date(2026, 3, 5)
N = 400


@pytest.fixture
def orders(session: Session) -> list[Order]:
    """Orders with their counts: two thirds moved into the sums, the rest still deltas."""
    made = add_orders(session, N)
    for at, order in enumerate(made):
        record_change(session, None, make_key(order, ZONE))
        if at == 2 * N // 3:
            session.flush()
            compact(session)
    session.flush()
    return made


def get_day(order: Order) -> date:
    return order.received_at.astimezone(ZONE).date()


def is_counted(order: Order, chosen: CountFilter) -> bool:
    return (
        chosen.first_on <= get_day(order) <= chosen.last_on
        and chosen.street_code in {"", order.street_code}
        and chosen.level1_code in {"", order.level1_code}
        and (not chosen.outcomes or order.outcome in chosen.outcomes)
        and (chosen.unit_codes is None or order.unit_code in chosen.unit_codes)
    )


def count_all(orders: list[Order], kind: str, chosen: CountFilter) -> dict[str, int]:
    column = f"{kind}_code"
    return dict(
        Counter(getattr(order, column) or "" for order in orders if is_counted(order, chosen))
    )


FILTERS = {
    "all": {},
    "item": {"level1_code": "02"},
    "outcome": {"outcomes": (Outcome.SOLVED, Outcome.PARTLY)},
    "unit": {"unit_codes": frozenset({"110101001"})},
    "inside": {"street_code": "110101002"},
    "everything": {
        "level1_code": "01",
        "outcomes": (Outcome.OPEN,),
        "unit_codes": frozenset({"110101003", "12345"}),
    },
}


@pytest.mark.parametrize("kind", ["street", "community", "cell"])
@pytest.mark.parametrize("name", FILTERS)
def test_areas_count_the_orders(
    session: Session, orders: list[Order], kind: str, name: str
) -> None:
    chosen = CountFilter(first_on=FIRST, last_on=LAST, **FILTERS[name])
    found = count_areas(session, kind, chosen)
    assert dict(zip(found["code"], found["n"], strict=True)) == count_all(orders, kind, chosen)
    assert found["n"].is_monotonic_decreasing


@pytest.mark.parametrize("kind", ["street", "cell"])
@pytest.mark.parametrize("name", FILTERS)
def test_months_add_up_to_the_window(
    session: Session, orders: list[Order], kind: str, name: str
) -> None:
    chosen = CountFilter(first_on=FIRST, last_on=LAST, **FILTERS[name])
    months = count_area_months(session, kind, chosen)
    expected = Counter(
        (getattr(order, f"{kind}_code") or "", f"{get_day(order):%Y-%m}")
        for order in orders
        if is_counted(order, chosen)
    )
    found = {(row.code, row.month): row.n for row in months.itertuples()}
    assert found == dict(expected)


@pytest.mark.parametrize("name", FILTERS)
def test_every_day_of_the_window_is_there(session: Session, orders: list[Order], name: str) -> None:
    chosen = CountFilter(first_on=FIRST, last_on=LAST, **FILTERS[name])
    found = count_days(session, chosen)
    assert list(found.index) == [
        FIRST + timedelta(days=at) for at in range((LAST - FIRST).days + 1)
    ]
    expected = Counter(get_day(order) for order in orders if is_counted(order, chosen))
    assert expected
    assert found.to_dict() == {day: expected.get(day, 0) for day in found.index}


def test_a_limited_account_counts_its_own_units_whatever_it_asks_for(
    session: Session, orders: list[Order]
) -> None:
    session.commit()
    own = "110101001"
    bind(
        session,
        Scope(
            account_id=1,
            person_key="p",
            role=Role.STREET_CENTRE,
            unit_code=own,
            unit_codes=(own,),
            sees_all=False,
            sees_personal=True,
        ),
    )
    for asked in (None, frozenset({own, "110101002"})):
        chosen = CountFilter(first_on=FIRST, last_on=LAST, unit_codes=asked)
        expected = count_all(
            orders,
            "street",
            CountFilter(first_on=FIRST, last_on=LAST, unit_codes=frozenset({own})),
        )
        found = count_areas(session, "street", chosen)
        assert dict(zip(found["code"], found["n"], strict=True)) == expected
