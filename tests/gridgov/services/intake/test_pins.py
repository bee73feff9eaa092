"""A moved pin: place, cell, street, version and orders follow at once, deadlines stay, the unit only where it may."""

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import ConflictError, ForbiddenError, NotFoundError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.checks import IntakeError
from gridgov.services.intake.corrections import apply_corrections, load_corrections
from gridgov.services.intake.pins import move_pin, preview_move, withdraw_pin
from gridgov.services.intake.take_in import NewAppeal, prepare
from gridgov.storage.audit.verify import verify
from gridgov.storage.counts.sums import recount
from gridgov.storage.models.appeals import Appeal, PinMove
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order, Transfer
from tests.gridgov.services.city import (
    CENTRE,
    DISPATCHER,
    NEIGHBOUR,
    NOW,
    STREET,
    at,
    do,
    make_actor,
    take,
)

THERE = {"lon": 116.405, "lat": 39.925}


@pytest.fixture
def order_no(loaded: sessionmaker[Session], runtime: CityRuntime) -> str:
    with loaded.begin() as session:
        return take(session, runtime, appeal_no="A", address="旧鼓楼外大街 5号").order_nos[0]


def test_everything_follows_in_one_transaction(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded() as session:
        before = session.scalars(sa.select(Order)).one()
        plan = preview_move(session, runtime, order_no, **THERE, actor=DISPATCHER)
        assert session.scalars(sa.select(PinMove)).all() == []
    assert (plan.place["street_code"], plan.orders[0].unit_after) == (NEIGHBOUR, NEIGHBOUR)
    with loaded.begin() as session:
        assert move_pin(session, runtime, order_no, **THERE, actor=DISPATCHER, at=at(5)) == plan
    with loaded() as session:
        order = session.scalars(sa.select(Order)).one()
        appeal = session.scalars(sa.select(Appeal)).one()
        transfer = session.scalars(sa.select(Transfer)).one()
        told = session.scalars(
            sa.select(Message.unit_code).where(Message.topic == "move_pin")
        ).all()
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "move_pin")).one()
        assert verify(session) == []
        assert recount(session, runtime.zone).empty
    assert (order.street_code, order.unit_code, order.cell_code) == (
        NEIGHBOUR,
        NEIGHBOUR,
        plan.place["cell_code"],
    )
    assert (appeal.street_code, appeal.place_level, appeal.cell_code) == (
        NEIGHBOUR,
        "point",
        order.cell_code,
    )
    assert (appeal.point.x, appeal.point.y) == (THERE["lon"], THERE["lat"])
    # The person has waited since the receipt; the new unit has its own two hours to call.
    assert (order.due_at, order.contact_by) == (before.due_at, at(5 + 120))
    assert order.version == before.version + 1
    assert (transfer.from_unit_code, transfer.to_unit_code) == (STREET, NEIGHBOUR)
    assert sorted(told) == [STREET, NEIGHBOUR]
    assert (entry.before["street_code"], entry.after["street_code"]) == (STREET, NEIGHBOUR)


def test_the_next_address_goes_there_until_the_pin_is_withdrawn(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    new = NewAppeal(received_at=NOW, text="x", item_code="111", address="旧鼓楼外大街５号")
    with loaded.begin() as session:
        assert prepare(session, runtime, new, now=NOW).place["street_code"] is None
        move_pin(session, runtime, order_no, **THERE, actor=DISPATCHER, at=at(5))
        session.flush()
        assert prepare(session, runtime, new, now=NOW).place["street_code"] == NEIGHBOUR
        assert load_corrections(session)["address"].tolist() == ["旧鼓楼外大街 5号"]
        # Files of appeals are placed by it too.
        city = apply_corrections(session, runtime.city)
        found = city.geocoder.locate(pd.Series(["旧鼓楼外大街5号", "和平小区"]))
        assert found["lat"].round(3).tolist() == [39.925, 39.905]
        pin = session.scalars(sa.select(PinMove.id)).one()
        withdraw_pin(session, pin, actor=DISPATCHER, at=at(6))
        assert prepare(session, runtime, new, now=NOW).place["street_code"] is None
        with pytest.raises(NotFoundError):
            withdraw_pin(session, pin, actor=DISPATCHER, at=at(7))


def test_an_accepted_order_stays_with_its_unit_and_is_looked_at(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        do(session, runtime, order_no, OrderAction.ACCEPT, CENTRE, minutes=1)
        move_pin(session, runtime, order_no, **THERE, actor=DISPATCHER, at=at(5))
        order = session.scalars(sa.select(Order)).one()
        assert (order.state, order.unit_code, order.street_code, order.review) == (
            OrderState.ACCEPTED,
            STREET,
            NEIGHBOUR,
            True,
        )


def test_a_unit_does_not_get_rid_of_an_order_by_moving_its_pin(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        plan = move_pin(session, runtime, order_no, **THERE, actor=CENTRE, at=at(5))
        assert (plan.orders[0].unit_after, plan.orders[0].decision.unit_code) == (STREET, NEIGHBOUR)
        assert session.scalars(sa.select(Transfer)).all() == []


def test_who_may_not_and_what_cannot_be(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded() as session:
        for actor in (make_actor(Role.HANDLER, "D01"), make_actor(Role.ANALYST)):
            with pytest.raises(ForbiddenError, match="may not move"):
                move_pin(session, runtime, order_no, **THERE, actor=actor, at=at(5))
        with pytest.raises(IntakeError, match="in this order"):
            move_pin(session, runtime, order_no, lon=39.925, lat=116.405, actor=CENTRE, at=at(5))
        with pytest.raises(ConflictError):
            move_pin(session, runtime, order_no, **THERE, actor=CENTRE, at=at(5), seen_version=7)
        with pytest.raises(NotFoundError):
            move_pin(session, runtime, "none", **THERE, actor=CENTRE, at=at(5))
        session.commit()
        assert session.scalars(sa.select(PinMove)).all() == []
        assert session.scalars(sa.select(Order.version)).one() == 1
