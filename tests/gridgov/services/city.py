"""The small city of the service tests: the pack of ``tests/gridgov/packs.py`` with cells, loaded into a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.orders.disputes import Evidence
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.take_in import NewAppeal, Taken, take_in
from gridgov.services.load.pack import load_pack
from gridgov.services.orders.handling import act

NOW = datetime(2024, 3, 4, 1, tzinfo=UTC)  # a Monday, nine in the morning in the city
DESK, STREET, NEIGHBOUR, DISTRICT = "Q01", "110101001", "110101002", "110101"
INSIDE = (116.405, 39.905)
"""A point in the first street, far from its boundary."""


def make_actor(role: Role, unit: str = DESK, person: str = "") -> Actor:
    return Actor(person_key=person or f"{role}@{unit}", role=role, unit_code=unit)


DISPATCHER = make_actor(Role.DISPATCHER)
CLERK = make_actor(Role.CALLBACK_CLERK)
CENTRE = make_actor(Role.STREET_CENTRE, STREET)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def load(sessions: sessionmaker[Session], runtime: CityRuntime) -> None:
    with sessions.begin() as session:
        load_pack(session, runtime.city, at=NOW)


def take(session: Session, runtime: CityRuntime, **changes: Any) -> Taken:
    values: dict[str, Any] = {
        "received_at": NOW,
        "source": "test",
        "text": "路边摆摊占道，电话13812345678",
        "item_code": "111",
        "lon": INSIDE[0],
        "lat": INSIDE[1],
    }
    return take_in(session, runtime, NewAppeal(**values | changes), now=NOW, origin="test")


def do(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    action: OrderAction,
    actor: Actor,
    *,
    minutes: float,
    seen: int | None = None,
    **facts: Any,
) -> Any:
    return act(
        session,
        runtime,
        order_no,
        action,
        actor=actor,
        facts=Facts(at=at(minutes), **facts),
        seen_version=seen,
    )


def make_evidence(street: str, confidence: float = 0.99) -> Evidence:
    return Evidence(
        lon=116.405,
        lat=39.925,
        street_code=street,
        confidence=confidence,
        boundary_version="1",
        source="现场照片",
    )
