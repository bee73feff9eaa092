"""Rows of whistle calls hold exactly what the rules say, whatever has happened to the call."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from gridgov.errors import ConflictError, NotFoundError
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.whistles import call as rules
from gridgov.services.whistles.records import get_call, get_order_no, make_value, write_value
from gridgov.storage.db import transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import WhistleCall

T0 = datetime(2025, 6, 1, 8, tzinfo=UTC)
UNITS = ("A", "B", "C", "D")


def add_order(session, order_no="O1"):
    appeal = Appeal(
        source="test", appeal_no=order_no, received_at=T0, boundary_version="v", created_at=T0
    )
    session.add(appeal)
    session.flush()
    order = Order(
        order_no=order_no,
        appeal_id=appeal.id,
        state=OrderState.WHISTLED,
        state_at=T0,
        unit_code="s1",
        desk_code="Q",
        route="whistle",
        grade="7d",
        review=False,
        reasons="",
        received_at=T0,
        boundary_version="v",
    )
    session.add(order)
    session.flush()
    return order


def make_state(unit_code, stage):
    return rules.CalledState(
        unit_code=unit_code,
        stage=stage,
        duties=tuple(f"{unit_code}{n}" for n in range(stage)),
        report_in_by=T0 + timedelta(minutes=30 * stage),
    )


def make_call():
    return rules.WhistleCall(
        call_no="W1",
        order_no="O1",
        street_code="s1",
        item_code="i",
        cell_code="c",
        blown_at=T0,
        units={unit: make_state(unit, stage) for stage, unit in enumerate(UNITS)},
    )


def add_call(session, value):
    order = add_order(session)
    row = WhistleCall(
        call_no=value.call_no,
        order_id=order.id,
        unit_code="s1",
        street_code=value.street_code,
        item_code=value.item_code,
        cell_code=value.cell_code,
        blown_at=value.blown_at,
        blown_by="p",
        plan={},
        units=[],
    )
    session.add(row)
    return write_value(session, row, value)


def check_in(chance, at):
    known = chance.random() < 0.7
    return rules.CheckIn(
        person_key=f"p{chance.randrange(3)}",
        at=at,
        lon=116.4 + chance.random() if known else None,
        lat=39.9 if known else None,
        street_code=chance.choice(["s1", "s2", ""]),
        authority=chance.choice(["full", "none"]),
    )


def take_step(value, chance, at):
    """Return the call after a random step; what the rules refuse leaves it as it was."""
    unit = chance.choice(UNITS)
    steps = (
        lambda: rules.report_in(value, unit, check_in(chance, at)),
        lambda: rules.finish_duty(value, unit, f"{unit}{chance.randrange(3)}"),
        lambda: rules.release(value, unit, at=at),
        lambda: rules.raise_missing(value, now=at),
        lambda: rules.rate_unit(value, unit, chance.randrange(7)),
        lambda: rules.rate_street(value, unit, chance.randrange(1, 6)),
    )
    try:
        return chance.choice(steps)()
    except rules.WhistleCallError:
        return value


@pytest.mark.parametrize("seed", range(4))
def test_any_course_of_a_call_comes_back_as_it_went(sessions, seed):
    chance, value, at = random.Random(seed), make_call(), T0  # noqa: S311 - a walk, no secret
    with transaction(sessions) as session:
        add_call(session, value)
    seen = set()
    for _ in range(40):
        at += timedelta(minutes=chance.randrange(20), microseconds=chance.randrange(1000))
        value = take_step(value, chance, at)
        with transaction(sessions) as session:
            row = get_call(session, "W1")
            version = row.version
            write_value(session, row, value)
            assert row.version == version + 1
        with sessions() as session:
            row = get_call(session, "W1")
            assert make_value(row, get_order_no(session, row)) == value
            assert (row.closed_at is not None) == value.closed
        seen |= {unit.state for unit in value.units.values()}
    assert len(seen) >= 3


def test_who_decides_on_an_older_version_is_told(sessions):
    with transaction(sessions) as session:
        row = add_call(session, make_call())
    with transaction(sessions) as session:
        found = get_call(session, "W1", seen_version=row.version)
        write_value(session, found, rules.raise_missing(make_call(), now=T0 + timedelta(days=1)))
    with sessions() as session, pytest.raises(ConflictError, match="seen version 1, now 2"):
        get_call(session, "W1", seen_version=row.version)
    with sessions() as session, pytest.raises(NotFoundError):
        get_call(session, "W2")
