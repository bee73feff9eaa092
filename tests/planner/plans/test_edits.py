from dataclasses import asdict, replace

import pytest

from planner.errors import PlannerError
from planner.plans.edits import edit_plan, find_differences, merge_edits
from planner.plans.record import make_plan_json, read_plan, seal_plan

WHO = {"by": "u1", "at": "2026-01-05T09:00:00+08:00"}


@pytest.fixture
def draft(small_plans):
    """Return a plan with two tasks with ids."""
    plan = max(small_plans.plans, key=lambda one: len(one.tasks))
    first = plan.tasks[0]
    tasks = (replace(first, task_id="A"), replace(first, task_id="B", task_no="T02", title="乙"))
    return seal_plan(replace(plan, tasks=tasks))


def get_task(plan, task_id):
    return next(task for task in plan.tasks if task.task_id == task_id)


def test_an_edit_survives_a_new_draft_that_says_the_same(draft):
    edited = edit_plan(draft, {"tasks/A/title": "新标题", "notes/summary": "摘要"}, **WHO)
    merged = merge_edits(edited, draft)

    assert get_task(merged, "A").title == "新标题"
    assert merged.notes == {"summary": "摘要"}
    assert {edit.state for edit in merged.edits} == {"applied"}
    assert merge_edits(merged, draft) == merged


def test_where_the_draft_has_changed_the_person_wins_and_it_is_shown(draft):
    edited = edit_plan(draft, {"tasks/A/due_on": "2026-06-30"}, **WHO)
    tasks = tuple(
        replace(task, due_on="2026-04-01") if task.task_id == "A" else task for task in draft.tasks
    )
    merged = merge_edits(edited, replace(draft, tasks=tasks))

    assert get_task(merged, "A").due_on == "2026-06-30"
    assert merged.edits[0].state == "draft_changed"
    assert merged.edits[0].draft_now == "2026-04-01"


def test_words_on_a_task_that_is_gone_are_kept(draft):
    edited = edit_plan(draft, {"tasks/B/title": "改过的"}, **WHO)
    merged = merge_edits(edited, replace(draft, tasks=draft.tasks[:1]))

    assert [task.task_id for task in merged.tasks] == ["A"]
    assert merged.edits[0].state == "orphan"
    assert merged.edits[0].after == "改过的"
    # and it comes back with the task
    assert get_task(merge_edits(merged, draft), "B").title == "改过的"


def test_a_removed_task_stays_removed_and_an_added_one_stays(draft):
    added = {**asdict(get_task(draft, "A")), "title": "人工任务"}
    edited = edit_plan(draft, {"tasks/B": None, "tasks/X": added}, **WHO)
    edited = edit_plan(edited, {"tasks/X/title": "再改"}, **WHO)
    merged = merge_edits(edited, draft)

    assert [task.task_id for task in merged.tasks] == ["A", "X"]
    assert get_task(merged, "X").title == "再改"
    assert get_task(merged, "X").origin == "person"


def test_a_second_change_keeps_what_the_draft_said_first(draft):
    once = edit_plan(draft, {"tasks/A/title": "一"}, **WHO)
    twice = edit_plan(once, {"tasks/A/title": "二"}, **WHO)

    assert twice.edits[0].before == get_task(draft, "A").title
    assert twice.edits[0].after == "二"


def test_an_edited_plan_is_written_and_read_back(draft):
    edited = seal_plan(edit_plan(draft, {"tasks/A/helpers": []}, **WHO), previous=draft)
    again = read_plan(make_plan_json(edited))

    assert edited.revision == 2
    assert make_plan_json(again) == make_plan_json(edited)
    assert get_task(again, "A").helpers == ()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("tasks/Z/title", "no such task; it has A, B"),
        ("tasks/A/n_evidence", "cannot be changed"),
        ("street/name", "expected tasks/"),
    ],
)
def test_what_cannot_be_changed_is_refused(draft, path, told):
    with pytest.raises(PlannerError, match=told):
        edit_plan(draft, {path: "x"}, **WHO)


def test_a_value_that_does_not_fit_is_refused(draft):
    with pytest.raises(PlannerError, match="field name is missing"):
        edit_plan(draft, {"tasks/A/lead": {"unit_code": "D1"}}, **WHO)


def test_differences_name_task_and_field(draft):
    tasks = (replace(draft.tasks[0], due_on="2030-01-01"),)
    found = find_differences(draft, replace(draft, tasks=tasks, notes={"summary": "x"}))

    assert [edit.path for edit in found] == ["tasks/B", "tasks/A/due_on", "notes/summary"]
