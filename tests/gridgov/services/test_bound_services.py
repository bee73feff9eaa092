"""Whistles, callbacks and exclusions by accounts that see only their own: what they do reaches others, what they see
does not."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import ForbiddenError, NotFoundError
from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.load.pack import load_pack
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.exclusions import approve, find_proposals, propose
from gridgov.services.whistles import calls as whistles
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import Message
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import WhistleCall
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.scope.apply import bind, make_scope
from tests.gridgov.services.desks import (
    BOSS,
    CENTRE,
    CITY_CARE,
    CLERK,
    OTHER_CENTRE,
    STREET,
    T0,
    WATER,
    put_order,
)

PEOPLE = (BOSS, CENTRE, CITY_CARE, CLERK, OTHER_CENTRE, WATER)


def at(minutes):
    return T0 + timedelta(minutes=minutes)


@pytest.fixture
def city(sessions, small_runtime):
    """The small city with its people, one order in hand and one replied."""
    with transaction(sessions) as session:
        load_pack(session, small_runtime.city, at=T0)
        for person in PEOPLE:
            session.add(
                Account(
                    login=person.person_key,
                    name=person.person_key,
                    role=person.role,
                    unit_code=person.unit_code,
                    person_key=person.person_key,
                    email=f"{person.person_key}@example.org",
                    created_at=T0,
                )
            )
        put_order(session)
        put_order(session, "O2", state=OrderState.REPLIED, replied_at=T0)
    return sessions


def as_person(sessions, person):
    """Return a session that sees what a person sees."""
    session = sessions()
    account = session.scalars(sa.select(Account).where(Account.login == person.person_key)).one()
    scope = make_scope(
        session,
        account_id=account.id,
        person_key=account.person_key,
        role=account.role,
        unit_code=account.unit_code,
    )
    session.rollback()
    return bind(session, scope)


def do(sessions, person, step):
    with as_person(sessions, person) as session:
        done = step(session)
        session.commit()
        return done


def test_a_call_goes_from_unit_to_unit(city, small_runtime):
    facts = Facts(at=at(1), reason_code="joint_work", text="请到场")
    do(city, CENTRE, lambda s: whistles.blow(s, small_runtime, "O1", actor=CENTRE, facts=facts))
    with city() as session:
        told = session.scalars(
            sa.select(Message.unit_code).where(
                Message.topic == "whistle_blown", Message.account_id.is_not(None)
            )
        )
        assert sorted(told) == ["D01", "E01"]
    # Now the called unit sees the order; a street that was not called sees nothing of it.
    assert do(city, WATER, lambda s: s.scalars(sa.select(Order.order_no)).all()) == ["O1"]
    assert do(city, OTHER_CENTRE, lambda s: s.scalars(sa.select(WhistleCall.id)).all()) == []
    arrival = whistles.Arrival(at=at(10), lon=116.405, lat=39.905)
    for person, unit in ((WATER, "E01"), (CITY_CARE, "D01")):
        do(
            city,
            person,
            lambda s, p=person, u=unit: whistles.check_in(
                s, small_runtime, "O1-W1", u, actor=p, arrival=arrival
            ),
        )
    with pytest.raises(NotFoundError):
        do(
            city,
            OTHER_CENTRE,
            lambda s: whistles.rate_unit(s, "O1-W1", "E01", 1, actor=OTHER_CENTRE, at=at(11)),
        )
    with pytest.raises(ForbiddenError):
        do(
            city,
            WATER,
            lambda s: whistles.release(s, small_runtime, "O1-W1", "E01", actor=WATER, at=at(11)),
        )
    for person, unit, duty in ((WATER, "E01", "D1"), (CITY_CARE, "D01", "D3")):
        do(
            city,
            person,
            lambda s, p=person, u=unit, d=duty: whistles.finish_duty(
                s, "O1-W1", u, d, actor=p, at=at(20)
            ),
        )
        do(
            city,
            CENTRE,
            lambda s, u=unit: whistles.release(
                s, small_runtime, "O1-W1", u, actor=CENTRE, at=at(30)
            ),
        )
    do(
        city,
        WATER,
        lambda s: whistles.rate_street(s, "O1-W1", "E01", 4, actor=WATER, at=at(40)),
    )
    facts = Facts(at=at(50), text="已完成")
    do(
        city,
        CENTRE,
        lambda s: whistles.release_order(s, small_runtime, "O1-W1", actor=CENTRE, facts=facts),
    )
    with city() as session:
        call = session.scalars(sa.select(WhistleCall)).one()
        assert call.closed_at == at(30)


def test_callbacks_and_exclusions_count_whoever_makes_them(city, small_runtime):
    answers = Answers(called_at=at(5), contacted=True, solved="false", satisfied="basically")
    with pytest.raises(NotFoundError):
        do(
            city,
            OTHER_CENTRE,
            lambda s: record_callback(s, small_runtime, "O2", actor=OTHER_CENTRE, answers=answers),
        )
    do(city, CLERK, lambda s: record_callback(s, small_runtime, "O2", actor=CLERK, answers=answers))
    number = do(
        city,
        CENTRE,
        lambda s: (
            propose(s, small_runtime, "O2", actor=CENTRE, reason_code="out_of_duty", at=at(6)).id
        ),
    )
    assert do(city, OTHER_CENTRE, find_proposals) == []
    assert [one.exclusion_id for one in do(city, BOSS, find_proposals)] == [number]
    do(city, BOSS, lambda s: approve(s, small_runtime, number, actor=BOSS, at=at(7)))
    with city() as session:
        (row,) = get_rate_counts(session).to_dict("records")
    assert (row["unit_code"], row["callbacks"], row["excluded"]) == (STREET, 0, 1)
