"""The demo's working day, played with the small city: each story ends in its state, through the services' own rules."""

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import BY_STATE, OrderState
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import at, take
from tests.web.orders_city import make_city_desk, seed_city
from web.demo.accounts import add_demo_accounts
from web.demo.work import STEPS, play_day, read_stories

ENDS = {
    "suspended": OrderState.SUSPENDED,
    "raised": OrderState.RAISED,
    "supervised": OrderState.SUPERVISED,
    "exclusion": OrderState.REPLIED,
    "closed": OrderState.CLOSED_SOLVED,
    "handling": OrderState.HANDLING,
}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("demo"))


def test_every_step_of_the_file_is_one_the_rules_know():
    known = {action.value for _, action in BY_STATE} | set(STEPS)
    for steps in read_stories().values():
        assert {step.action for step in steps} <= known
        ago = [step.ago_min for step in steps]
        assert ago == sorted(ago, reverse=True)
        assert all(step.role is not None or step.action == "report_in" for step in steps)


def test_stories_end_in_their_states_and_the_log_is_whole(engine, runtime):
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        for item in ("111", "112"):
            take(session, runtime, item_code=item, appeal_no=f"model-{item}")
        add_demo_accounts(session, now=at(0))
        played = play_day(session, runtime, as_of=at(60 * 24))
    # The small city has models for two stories at most; a model is used once.
    assert 1 <= len(played) <= 2
    with make_sessions(engine)() as session:
        states = set(session.scalars(sa.select(Order.state)))
        for name in played:
            assert ENDS.get(name, OrderState.WHISTLED) in states
        assert verify(session) == []
