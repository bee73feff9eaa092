"""Orders made up for storage tests: random, from a seed, with every kind of missing value."""

from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome

START = datetime(2025, 12, 30, 12, tzinfo=UTC)
STREETS = ("110101001", "110101002", "110101003", None)
OUTCOMES = tuple(Outcome)
STATES = {
    Outcome.OPEN: OrderState.DISPATCHED,
    Outcome.SOLVED: OrderState.CLOSED_SOLVED,
    Outcome.PARTLY: OrderState.CLOSED_PARTLY,
    Outcome.UNSOLVED: OrderState.CLOSED_UNSOLVED,
    Outcome.EXCLUDED: OrderState.EXCLUDED,
    Outcome.MERGED: OrderState.MERGED,
}


def make_order(number: int, rng: np.random.Generator, *, days: int = 70) -> Order:
    """Return an order with its appeal, received within `days` from :data:`START`."""
    street = STREETS[rng.integers(len(STREETS))]
    place = {
        "street_code": street,
        "district_code": street and street[:6],
        "community_code": street and f"{street}{rng.integers(1, 4):03d}",
        "cell_code": None,
    }
    if street and rng.random() < 0.9:
        place["cell_code"] = f"{place['community_code']}{rng.integers(1, 6):03d}"
    item = None if rng.random() < 0.05 else f"{rng.integers(1, 4):02d}{rng.integers(1, 30):02d}"
    received = START + timedelta(minutes=int(rng.integers(days * 1440)))
    outcome = OUTCOMES[rng.choice(len(OUTCOMES), p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05])]
    common = {"received_at": received, "kind": "求助", "item_code": item, "lon": 116.4, "lat": 39.9}
    appeal = Appeal(
        source="test",
        appeal_no=f"A{number:06d}",
        text=f"第{number}件 路灯不亮",
        address=f"东街{number % 97}号",
        boundary_version="1",
        created_at=received,
        **common,
        **place,
    )
    return Order(
        order_no=f"A{number:06d}-1",
        appeal=appeal,
        state=STATES[outcome],
        state_at=received,
        unit_code=street or "12345",
        desk_code="12345",
        route="street" if street else "desk",
        grade="7d",
        review=bool(rng.random() < 0.2),
        reasons="",
        due_at=received + timedelta(days=7),
        outcome=outcome,
        level1_code=item and item[:2],
        boundary_version="1",
        **common,
        **place,
    )


def add_orders(session: Session, n: int, *, seed: int = 1, first: int = 0) -> list[Order]:
    """Add `n` orders and flush them."""
    rng = np.random.default_rng(seed)
    made = [make_order(first + at, rng) for at in range(n)]
    session.add_all(made)
    session.flush()
    return made
