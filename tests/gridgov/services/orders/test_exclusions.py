"""Exclusions through the service: two persons, the city's reasons, and a way back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.exclusions import approve, find_proposals, propose, withdraw
from gridgov.services.orders.handling import act
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import Message
from gridgov.storage.models.orders import Exclusion, Order, Outcome
from gridgov.storage.queries.rate_counts import get_rate_counts
from tests.gridgov.services.desks import (
    BOSS,
    CENTRE,
    CLERK,
    DESK,
    OTHER_CENTRE,
    STREET,
    T0,
    put_order,
)

REASON = "out_of_duty"


def at(hours):
    return T0 + timedelta(hours=hours)


def add_account(session, actor):
    session.add(
        Account(
            login=actor.person_key,
            name=actor.person_key,
            role=actor.role,
            unit_code=actor.unit_code,
            person_key=actor.person_key,
            created_at=T0,
        )
    )


@pytest.fixture
def closed(sessions, small_runtime):
    """One closed order of the street, and accounts of those who take part."""
    with transaction(sessions) as session:
        put_order(session, state=OrderState.REPLIED, replied_at=T0)
        for actor in (CENTRE, BOSS):
            add_account(session, actor)
        answers = Answers(called_at=at(1), contacted=True, solved="false", satisfied="unsatisfied")
        record_callback(session, small_runtime, "O1", actor=CLERK, answers=answers)
    return sessions


def start(sessions, runtime, **more):
    facts = {"actor": CENTRE, "reason_code": REASON, "at": at(2)} | more
    with transaction(sessions) as session:
        return propose(session, runtime, "O1", **facts).id


def read_rates(sessions):
    with sessions() as session:
        row = get_rate_counts(session).iloc[0]
        return int(row["callbacks"]), int(row["excluded"])


def test_it_takes_two_and_there_is_a_way_back(closed, small_runtime):
    number = start(closed, small_runtime)
    with closed() as session:
        assert [one.order_no for one in find_proposals(session)] == ["O1"]
        told = session.scalars(sa.select(Message).where(Message.topic == "exclusion_proposed"))
        assert [one.unit_code for one in told] == [DESK]
    assert read_rates(closed) == (1, 0)
    with transaction(closed) as session:
        approve(session, small_runtime, number, actor=BOSS, at=at(3))
    with closed() as session:
        assert find_proposals(session) == []
        assert session.scalars(sa.select(Order.outcome)).one() is Outcome.EXCLUDED
    assert read_rates(closed) == (0, 1)
    with transaction(closed) as session:
        withdraw(session, small_runtime, number, actor=BOSS, reason="mistake", at=at(4))
    with closed() as session:
        assert session.scalars(sa.select(Order.state)).one() is OrderState.REPLIED
        assert verify(session) == []
    assert read_rates(closed) == (1, 0)
    with transaction(closed) as session, pytest.raises(NotFoundError):
        approve(session, small_runtime, number, actor=BOSS, at=at(5))


def test_nobody_approves_alone(closed, small_runtime):
    number = start(closed, small_runtime)
    for actor, error in (
        (CENTRE, "both persons are the same"),
        (OTHER_CENTRE, "the second person is street_centre"),
        (Actor(person_key="x", role=Role.SUPERVISOR, unit_code=STREET), "expected supervisor"),
    ):
        with pytest.raises(OrderActionError, match=error), transaction(closed) as session:
            approve(session, small_runtime, number, actor=actor, at=at(3))
    assert read_rates(closed) == (1, 0)


def test_what_may_not_be_proposed(closed, small_runtime):
    with pytest.raises(GridgovError, match="expected one of out_of_duty"):
        start(closed, small_runtime, reason_code="bad_luck")
    with pytest.raises(OrderActionError):
        start(closed, small_runtime, actor=OTHER_CENTRE)
    start(closed, small_runtime)
    with pytest.raises(GridgovError, match="proposed already"):
        start(closed, small_runtime)


def test_a_proposal_is_withdrawn_by_its_author_or_the_desk(closed, small_runtime):
    number = start(closed, small_runtime)
    with transaction(closed) as session, pytest.raises(ForbiddenError):
        withdraw(session, small_runtime, number, actor=OTHER_CENTRE, reason="no", at=at(3))
    with transaction(closed) as session:
        withdraw(session, small_runtime, number, actor=CENTRE, reason="no", at=at(3))
    start(closed, small_runtime)  # the way is free again


def test_who_left_leaves_no_half_of_an_exclusion(closed, small_runtime):
    number = start(closed, small_runtime)
    with transaction(closed) as session:
        session.execute(sa.update(Account).where(Account.login == "centre").values(active=False))
    with pytest.raises(ForbiddenError, match="no account any more"), transaction(closed) as session:
        approve(session, small_runtime, number, actor=BOSS, at=at(3))


def test_an_exclusion_by_action_alone_is_kept_too(closed, small_runtime):
    with transaction(closed) as session:
        facts = Facts(at=at(2), reason_code=REASON, second=BOSS)
        act(session, small_runtime, "O1", OrderAction.EXCLUDE, actor=CENTRE, facts=facts)
    assert read_rates(closed) == (0, 1)
    with transaction(closed) as session:
        facts = Facts(at=at(3), reason_code="mistake")
        act(session, small_runtime, "O1", OrderAction.READMIT, actor=BOSS, facts=facts)
        assert session.scalars(sa.select(Exclusion.withdrawn_at)).one() == at(3)
    assert read_rates(closed) == (1, 0)
