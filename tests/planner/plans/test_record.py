import json
from pathlib import Path

import pytest

import planner.documents
from planner.errors import PlannerError
from planner.plans.record import make_plan_json, read_plan
from planner.plans.schema import make_schema_text

SCHEMA_FILE = Path(planner.documents.__file__).parent / "plan.schema.json"


def test_the_schema_shipped_is_that_of_the_dataclasses():
    assert SCHEMA_FILE.read_text("utf-8") == make_schema_text()


def test_a_plan_is_read_back_as_it_was(small_plans):
    for plan in small_plans.plans:
        assert make_plan_json(read_plan(make_plan_json(plan))) == make_plan_json(plan)
        assert read_plan(make_plan_json(plan)).tasks == plan.tasks


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plan: plan.update(schema="gridgov/plan/1"), "gridgov/plan/1"),
        (lambda plan: plan.pop("street"), "field street is missing"),
        (lambda plan: plan["tasks"][0].update(colour="red"), r"tasks\[0\]: unknown field colour"),
        (lambda plan: plan["tasks"][0].update(target=3), r"tasks\[0\]\.target: found 3"),
    ],
)
def test_a_plan_that_is_none_is_refused_with_the_place(small_plans, change, told):
    content = json.loads(make_plan_json(next(plan for plan in small_plans.plans if plan.tasks)))
    change(content)
    with pytest.raises(PlannerError, match=told):
        read_plan(content)
