"""Plans of an earlier run are taken as they were made; what was changed beside the program is refused."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from planner.errors import PlannerError
from planner.jobs.plan_job import check_edits, find_units, read_plans
from planner.plans.edits import edit_plan
from planner.plans.record import make_content_hash, make_plan_json

AT = "2026-01-02T09:00:00"


@pytest.fixture(scope="module")
def plan(small_plans):
    return next(plan for plan in small_plans.plans if plan.tasks)


def edit(plan, field, value):
    changed = edit_plan(
        plan, {f"tasks/{plan.tasks[0].task_id}/{field}": value}, by="planner", at=AT
    )
    return replace(changed, content_hash=make_content_hash(changed))


def write(folder, text):
    file = folder / "plans" / "110101001" / "plan.json"
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    return folder


def test_an_edited_plan_is_read_again(plan, tmp_path):
    edited = edit(plan, "title", "人工标题")
    read = read_plans(write(tmp_path, make_plan_json(edited)))
    assert {code: make_plan_json(one) for code, one in read.items()} == {
        plan.street["code"]: make_plan_json(edited)
    }


def test_a_plan_changed_by_hand_is_refused(plan, tmp_path):
    content = json.loads(make_plan_json(plan))
    content["tasks"][0]["title"] = "手工改的标题"
    folder = write(tmp_path, json.dumps(content, ensure_ascii=False))
    with pytest.raises(PlannerError, match=r"plan\.json: .*changed by hand"):
        read_plans(folder)


def test_edits_that_name_a_unit_out_of_force_are_refused(plan, small_city):
    as_of = pd.Timestamp("2026-01-01", tz=small_city.settings.timezone)
    own = str(small_city.units["unit_code"].iloc[0])
    sound = edit(plan, "lead", {"unit_code": own, "name": "x"})
    check_edits(small_city, {"s": sound}, as_of=as_of)

    gone = edit(
        plan, "helpers", [{"unit_code": own, "name": "x"}, {"unit_code": "E99", "name": ""}]
    )
    with pytest.raises(PlannerError, match=rf"{plan.tasks[0].task_id}/helpers: E99"):
        check_edits(small_city, {"s": gone}, as_of=as_of)

    ended = small_city.units.assign(valid_to=pd.Timestamp("2025-06-30"))
    city = replace(small_city, units=ended)
    with pytest.raises(PlannerError, match="not in force on 2025-12-31"):
        check_edits(city, {"s": sound}, as_of=as_of)


def test_units_are_found_wherever_they_stand():
    task = {"lead": {"unit_code": "A", "name": ""}, "helpers": [{"unit_code": "B"}], "title": "C"}
    assert find_units(task) == ["A", "B"]
    assert find_units("A") == find_units(None) == []
