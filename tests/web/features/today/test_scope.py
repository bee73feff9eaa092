"""The line of the year before on the page of today counts the units of who looks, and nobody else's."""

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gridgov.storage.db import transaction
from gridgov.storage.models.orders import Order
from tests.database_fixtures import engine, postgres_template, sessions, sqlite_template
from tests.gridgov.services.city import NOW, load, take
from tests.web.orders_city import make_city_desk
from tests.web.pages import make_pages
from web.features.today.page import make_today

__all__ = ["engine", "postgres_template", "sessions", "sqlite_template"]

ZONE = ZoneInfo("Asia/Shanghai")
LATE = NOW.astimezone(ZONE).replace(hour=23, minute=59)
"""So late that nearly the whole day of the year before is compared."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("today"))


def test_the_year_before_is_that_of_ones_own_units(engine, sessions, runtime):
    load(sessions, runtime)
    then = LATE.replace(hour=9) - timedelta(weeks=52)
    with transaction(sessions) as session:
        for at in range(3):
            take(session, runtime, appeal_no=f"here{at}", received_at=then)
        for at in range(5):
            there = {"lon": 116.43, "lat": 39.93}
            take(session, runtime, appeal_no=f"there{at}", received_at=then, **there)
    with make_pages(engine).test_request_context(), sessions() as session:
        units = Counter(session.scalars(sa.select(Order.unit_code)))
        assert sorted(units.values()) == [3, 5]
        for codes, count in (
            *((frozenset({code}), n) for code, n in units.items()),
            (None, 8),
            (frozenset(), None),
        ):
            constants = runtime.constants
            page = make_today(session, constants, now=LATE, zone=ZONE, unit_codes=codes)
            assert page.same_day_before == count, codes
