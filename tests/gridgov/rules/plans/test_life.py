import itertools

import networkx as nx
import pytest

from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import (
    SEALED,
    STEPS,
    Brought,
    Doer,
    LifeError,
    Need,
    PlanAction,
    PlanState,
    Side,
    find_steps,
    take_step,
)
from gridgov.rules.plans.task_life import TASK_STEPS, TaskAction, TaskState

PLANNER = Doer(person_key="p", role=Role.PLANNER, sides=frozenset({Side.STREET}))
OTHER = Doer(person_key="q", role=Role.PLANNER, sides=frozenset({Side.STREET}))
ABOVE = Doer(person_key="s", role=Role.SUPERVISOR, sides=frozenset({Side.ABOVE}))
STRANGER = Doer(person_key="x", role=Role.PLANNER, sides=frozenset())


def go(state, action, doer=PLANNER, **brought):
    return take_step(STEPS, "plan", state, action, doer=doer, brought=Brought(**brought))


def test_the_course_of_a_plan():
    state = PlanState.DRAFT
    for action, doer, brought in (
        (PlanAction.EDIT, PLANNER, {}),
        (PlanAction.SUBMIT, PLANNER, {}),
        (PlanAction.RETURN, OTHER, {"text": "补充依据"}),
        (PlanAction.SUBMIT, PLANNER, {}),
        (PlanAction.APPROVE, OTHER, {"author_keys": frozenset("p")}),
        (PlanAction.START, PLANNER, {}),
        (PlanAction.CLOSE, ABOVE, {"text": "全部办结"}),
    ):
        state = go(state, action, doer, **brought)
    assert state is PlanState.CLOSED


def test_who_wrote_it_may_not_approve_it():
    with pytest.raises(LifeError, match="second person") as caught:
        go(PlanState.SUBMITTED, PlanAction.APPROVE, author_keys=frozenset({"p", "r"}))
    assert caught.value.key == "other_person"


@pytest.mark.parametrize(
    ("state", "action", "doer", "brought", "key"),
    [
        (PlanState.RUNNING, PlanAction.EDIT, PLANNER, {}, "state"),
        (PlanState.DRAFT, PlanAction.APPROVE, ABOVE, {}, "state"),
        (PlanState.DRAFT, PlanAction.SUBMIT, STRANGER, {}, "permit"),
        (PlanState.SUBMITTED, PlanAction.RETURN, ABOVE, {"text": "  "}, "text"),
        (PlanState.DRAFT, PlanAction.REPLACE, PLANNER, {}, "permit"),
        (PlanState.CLOSED, PlanAction.START, PLANNER, {}, "state"),
    ],
)
def test_what_is_refused(state, action, doer, brought, key):
    with pytest.raises(LifeError) as caught:
        go(state, action, doer, **brought)
    assert caught.value.key == key


def test_offers_are_what_is_not_refused():
    for state, action, doer in itertools.product(PlanState, PlanAction, (PLANNER, ABOVE, STRANGER)):
        offered = action in {step.action for step in find_steps(STEPS, state, doer)}
        try:
            go(state, action, doer, text="x")
        except LifeError:
            assert not offered
        else:
            assert offered


@pytest.mark.parametrize(
    ("table", "first"), [(STEPS, PlanState.DRAFT), (TASK_STEPS, TaskState.OPEN)]
)
def test_every_state_can_be_reached(table, first):
    graph = nx.DiGraph((step.source, step.target) for step in table)

    assert nx.descendants(graph, first) | {first} == set(type(first))


def test_sealed_states_have_no_way_back_to_an_open_one():
    graph = nx.DiGraph((step.source, step.target) for step in STEPS)
    for state in SEALED:
        assert not nx.descendants(graph, state) & {PlanState.DRAFT, PlanState.SUBMITTED}
    assert {step.target for step in STEPS if Need.OTHER_PERSON in step.needs} == {
        PlanState.APPROVED
    }


LEAD = Doer(person_key="l", role=Role.HANDLER, sides=frozenset({Side.LEAD}))


def do(state, action, doer, **brought):
    return take_step(TASK_STEPS, "task", state, action, doer=doer, brought=Brought(**brought))


def test_the_course_of_a_task():
    state = do(TaskState.OPEN, TaskAction.ASSIGN, PLANNER, unit_code="D1")
    state = do(state, TaskAction.ACCEPT, LEAD)
    state = do(state, TaskAction.ADVANCE, LEAD, progress_share=0.3, text="已排查")
    state = do(state, TaskAction.ADVANCE, LEAD, progress_share=0.9, text="已整改")
    state = do(state, TaskAction.FINISH, LEAD, text="已办结")
    assert do(state, TaskAction.REOPEN, ABOVE, text="复核未通过") is TaskState.RUNNING


@pytest.mark.parametrize(
    ("state", "action", "doer", "brought", "key"),
    [
        (TaskState.OPEN, TaskAction.ASSIGN, PLANNER, {}, "unit"),
        (TaskState.OPEN, TaskAction.ASSIGN, LEAD, {"unit_code": "D1"}, "permit"),
        (
            TaskState.ACCEPTED,
            TaskAction.ADVANCE,
            LEAD,
            {"text": "x", "progress_share": 1.2},
            "progress",
        ),
        (TaskState.ACCEPTED, TaskAction.ADVANCE, LEAD, {"text": "x"}, "progress"),
        (TaskState.ASSIGNED, TaskAction.DECLINE, LEAD, {}, "text"),
        (
            TaskState.DROPPED,
            TaskAction.ADVANCE,
            LEAD,
            {"text": "x", "progress_share": 0.5},
            "state",
        ),
    ],
)
def test_what_a_task_refuses(state, action, doer, brought, key):
    with pytest.raises(LifeError) as caught:
        do(state, action, doer, **brought)
    assert caught.value.key == key
