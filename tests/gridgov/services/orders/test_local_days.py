"""Days are those of the city: an evening in UTC is the next morning there."""

from datetime import UTC, date, datetime

import pytest

from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.orders.handling import act
from gridgov.storage.db import transaction
from tests.gridgov.services.city import CENTRE, do, load, take
from tests.web.orders_city import make_city_desk

EVENING = datetime(2024, 3, 5, 17, 0, tzinfo=UTC)
"""One o'clock in the morning of the sixth in the city."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("days"))


@pytest.mark.parametrize(
    ("until", "is_taken"), [(date(2024, 3, 6), False), (date(2024, 3, 7), True)]
)
def test_a_pause_lasts_until_a_day_after_todays_in_the_city(sessions, runtime, until, is_taken):
    load(sessions, runtime)
    with transaction(sessions) as session:
        number = take(session, runtime).order_nos[0]
        do(session, runtime, number, OrderAction.ACCEPT, CENTRE, minutes=1)
        do(session, runtime, number, OrderAction.CONTACT, CENTRE, minutes=2)
        do(session, runtime, number, OrderAction.HANDLE, CENTRE, minutes=3)
    facts = Facts(at=EVENING, reason_code="funding", until=until)
    # A day that will do is asked about no more: then the second person is missing.
    wanted = "no second person" if is_taken else "not after 2024-03-06"
    with transaction(sessions) as session, pytest.raises(OrderActionError, match=wanted):
        act(session, runtime, number, OrderAction.SUSPEND, actor=CENTRE, facts=facts)
