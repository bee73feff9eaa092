"""The demo's plans are at work through the same services as the pages."""

import sqlalchemy as sa

from gridgov.rules.plans import PlanState, TaskState
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.plans import Plan, PlanTask
from tests.web.orders_city import NOW, make_city_desk, seed_city
from tests.web.room_rows import fill_rooms
from web.demo.accounts import add_demo_accounts
from web.demo.plans import play_plans


def test_the_first_street_works_by_its_plan(engine, tmp_path):
    runtime = make_city_desk(tmp_path)
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        fill_rooms(session, runtime)
        add_demo_accounts(session, now=NOW)
        assert play_plans(session, runtime, as_of=NOW) == 1
    with make_sessions(engine)() as session:
        assert session.scalars(sa.select(Plan.state)).all() == [PlanState.RUNNING]
        task = session.scalars(sa.select(PlanTask)).one()
        assert (task.state, task.progress_share) == (TaskState.RUNNING, 0.4)
        assert verify(session) == []
