"""Hotspots, classes and plans in the tables are those that the planner found; the same again adds nothing."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from gridgov.storage.audit.verify import verify
from gridgov.storage.models.plans import PlanTask
from gridgov.storage.queries.plans import get_classes, get_hotspots, get_plan, get_plan_list
from planner.jobs.store import load_planning
from planner.plans.record import make_content_hash
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]


@pytest.fixture
def moment(as_of):
    return as_of.to_pydatetime() if hasattr(as_of, "to_pydatetime") else as_of


def test_what_was_found_is_what_pages_read(session, small_plans, moment):
    counts = load_planning(session, small_plans, as_of=moment)
    session.commit()
    found = get_hotspots(session).set_index("hotspot_no")
    wanted = small_plans.hotspots.set_index("hotspot_id")
    assert counts["hotspots"] == len(wanted) == len(found) > 0
    assert set(found.index) == set(wanted.index)
    for name in ("count", "expected", "q", "lon", "street_code", "name"):
        assert found[name].to_dict() == wanted[name].to_dict(), name
    assert all(found.geometry[no].equals(wanted.geometry[no]) for no in wanted.index)
    assert get_classes(session).empty, "the review of the classes alone proposes them"
    listed = get_plan_list(session)
    assert sorted(listed["street_code"]) == sorted(
        plan.street["code"] for plan in small_plans.plans
    )
    for plan in small_plans.plans:
        record = get_plan(session, plan.plan_no)
        assert record.content_hash == make_content_hash(plan)
        assert sorted(record.tasks) == sorted(task.task_no for task in plan.tasks)
    assert verify(session) == []


def test_the_same_again_adds_nothing_and_a_change_is_a_revision(session, small_plans, moment):
    first = load_planning(session, small_plans, as_of=moment)
    tasks = session.scalar(sa.select(sa.func.count(PlanTask.id)))
    again = load_planning(session, small_plans, as_of=moment)
    assert first["plans"] == len(small_plans.plans)
    assert again == {"hotspots": first["hotspots"], "plans": 0}
    assert session.scalar(sa.select(sa.func.count(PlanTask.id))) == tasks
    plan = small_plans.plans[0]
    other = replace(plan, source={**plan.source, "note": "changed"}, content_hash="")
    changed = replace(small_plans, plans=(other, *small_plans.plans[1:]))
    assert load_planning(session, changed, as_of=moment)["plans"] == 1
    listed = get_plan_list(session).set_index("street_code")
    assert listed.loc[str(plan.street["code"]), "revision"] == 2
