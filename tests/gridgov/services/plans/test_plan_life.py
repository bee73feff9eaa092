"""A plan from draft to close, with everybody who may and may not, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gridgov.errors import ConflictError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import LifeError, PlanAction, PlanState
from gridgov.rules.plans.task_life import TaskAction, TaskState
from gridgov.services.plans.deciding import act_on_plan, comment_on_plan, find_plan_actions
from gridgov.services.plans.drafts import edit_draft
from gridgov.services.plans.tasks import TaskChange, act_on_task, find_task_actions, raise_slips
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.plans import Plan, PlanComment, PlanTask, TaskStep
from gridgov.storage.scope.apply import Scope, bind
from tests.gridgov.services.plans.lives import (
    BOSS,
    CENTRE,
    DISTRICT,
    OTHER,
    SECOND,
    STRANGER,
    STREET,
    T0,
    WATER,
    WRITER,
    make_draft,
    put,
)


@pytest.fixture
def plan_no(loaded):
    with loaded() as session, session.begin():
        return put(session, make_draft()).plan_no


@pytest.fixture
def act(loaded, runtime):
    """Do a step in a transaction of its own."""

    def do(plan_no, action, person, *, text="", seen=None, days=0):
        with loaded() as session, session.begin():
            row = act_on_plan(
                session,
                runtime,
                plan_no,
                action,
                person=person,
                at=T0 + timedelta(days=days),
                text=text,
                seen_version=seen,
            )
            return row.state, row.version

    return do


@pytest.fixture
def work(loaded, runtime):
    """Do a step of a task in a transaction of its own."""

    def do(plan_no, task_no, action, person, *, days=0, **change):
        with loaded() as session, session.begin():
            row = act_on_task(
                session,
                runtime,
                plan_no,
                task_no,
                action,
                person=person,
                at=T0 + timedelta(days=days),
                change=TaskChange(**change),
            )
            return row.state, row.progress_share

    return do


def run(act, plan_no):
    """Bring a plan from the draft to work."""
    act(plan_no, PlanAction.SUBMIT, WRITER)
    act(plan_no, PlanAction.APPROVE, SECOND)
    act(plan_no, PlanAction.START, CENTRE)


def test_from_draft_to_close(loaded, act, plan_no):
    run(act, plan_no)
    state, _ = act(plan_no, PlanAction.CLOSE, BOSS, text="全部办结")

    with loaded() as session:
        row = session.scalars(sa.select(Plan)).one()
        actions = session.scalars(
            sa.select(LogEntry.action).where(LogEntry.subject_no == plan_no).order_by(LogEntry.id)
        ).all()
        assert verify(session) == []
        assert (row.approved_by, row.approved_name, row.closing) == (
            "second",
            "second君",
            "全部办结",
        )
        assert row.sealed_at == T0
    assert state is PlanState.CLOSED
    assert actions == ["plan_make", "plan_submit", "plan_approve", "plan_start", "plan_close"]


def test_whoever_wrote_or_submitted_it_does_not_approve_it(loaded, runtime, act, plan_no):
    with loaded() as session, session.begin():
        edit_draft(
            session,
            runtime,
            plan_no,
            make_draft(words="乙"),
            changes={"notes/a": "乙"},
            person=SECOND,
            at=T0,
            seen_version=1,
        )
    act(plan_no, PlanAction.SUBMIT, WRITER)
    for person in (SECOND, WRITER):
        with pytest.raises(LifeError, match="second person"):
            act(plan_no, PlanAction.APPROVE, person)
    with loaded() as session:
        row = session.scalars(sa.select(Plan)).one()
        for person, offered in ((SECOND, False), (BOSS, True)):
            found = {one.action for one in find_plan_actions(runtime, row, person, at=T0)}
            assert (PlanAction.APPROVE in found) is offered
    assert act(plan_no, PlanAction.APPROVE, BOSS)[0] is PlanState.APPROVED


def test_two_who_edit_one_plan(loaded, runtime, plan_no):
    def edit(words, seen):
        with loaded() as session, session.begin():
            edit_draft(
                session,
                runtime,
                plan_no,
                make_draft(words=words),
                changes={"words": words},
                person=WRITER,
                at=T0,
                seen_version=seen,
            )

    edit("第一人", 1)
    with pytest.raises(ConflictError) as caught:
        edit("第二人", 1)
    assert (caught.value.seen, caught.value.found) == (1, 2)
    with loaded() as session:
        assert session.scalars(sa.select(Plan)).one().document["words"] == "第一人"


def test_what_is_approved_is_sealed_by_the_database(loaded, act, plan_no):
    act(plan_no, PlanAction.SUBMIT, WRITER)
    act(plan_no, PlanAction.APPROVE, SECOND)
    for change in (
        {"document": {"words": "改"}},
        {"content_hash": "0" * 64},
        {"sealed_at": None},
        {"plan_no": "x"},
    ):
        with loaded() as session, pytest.raises(DBAPIError, match="sealed"):
            session.execute(sa.update(Plan).where(Plan.plan_no == plan_no).values(**change))
    with loaded() as session:
        session.execute(sa.delete(PlanTask))
        with pytest.raises(DBAPIError, match="sealed"):
            session.execute(sa.delete(Plan))


def test_words_changed_beside_the_program_are_not_sealed(loaded, act, plan_no):
    act(plan_no, PlanAction.SUBMIT, WRITER)
    with loaded() as session, session.begin():
        row = session.scalars(sa.select(Plan)).one()
        session.execute(
            sa.update(Plan)
            .values(document={**row.document, "words": "偷改"})
            .where(Plan.id == row.id)
        )
    with pytest.raises(GridgovError, match="changed beside the program"):
        act(plan_no, PlanAction.APPROVE, SECOND)
    with loaded() as session:
        assert session.scalars(sa.select(Plan.state)).one() is PlanState.SUBMITTED


def test_a_new_draft_replaces_the_old_one_but_not_one_that_waits(loaded, act, plan_no):
    later = make_draft(period="2025-03-08/2025-06-07")
    with loaded() as session, session.begin():
        second = put(session, later, days=7).plan_no
    act(second, PlanAction.SUBMIT, WRITER)
    with loaded() as session, session.begin():
        assert put(session, make_draft(period="2025-03-15/2025-06-14"), days=14) is None
    with loaded() as session:
        states = dict(session.execute(sa.select(Plan.plan_no, Plan.state)).all())
    assert states == {plan_no: PlanState.REPLACED, second: PlanState.SUBMITTED}


def test_the_next_plan_goes_on_with_what_it_continues(loaded, act, work, plan_no):
    run(act, plan_no)
    work(plan_no, "T01", TaskAction.ASSIGN, CENTRE, unit_code="E01", assignee="王工")
    work(plan_no, "T01", TaskAction.ACCEPT, WATER)
    work(plan_no, "T01", TaskAction.ADVANCE, WATER, text="过半", progress_share=0.6)
    with loaded() as session, session.begin():
        second = put(session, make_draft(period="2025-03-08/2025-06-07"), days=7).plan_no
    run(act, second)

    with loaded() as session:
        rows = session.execute(
            sa.select(PlanTask, Plan)
            .join(Plan, Plan.id == PlanTask.plan_id)
            .where(Plan.plan_no == second)
        ).all()
        kept = {task.task_no: (task.state, task.progress_share, task.assignee) for task, _ in rows}
        old = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no))
        assert (old.state, old.closing) == (PlanState.CLOSED, second)
    assert kept == {"T01": (TaskState.RUNNING, 0.6, "王工"), "T02": (TaskState.OPEN, 0.0, "")}


def test_a_task_from_hand_to_hand(loaded, runtime, act, work, plan_no):
    with pytest.raises(LifeError, match="its plan is draft"):
        work(plan_no, "T01", TaskAction.ASSIGN, CENTRE, unit_code="E01")
    run(act, plan_no)
    work(
        plan_no,
        "T01",
        TaskAction.ASSIGN,
        CENTRE,
        unit_code="E01",
        assignee="王工",
        text="请抓紧 13800138000",
    )
    with loaded() as session:
        row = session.scalar(sa.select(PlanTask).where(PlanTask.task_no == "T01"))
        plan = session.scalars(sa.select(Plan)).one()
        assert find_task_actions(runtime, plan, row, WATER, at=T0) == (
            TaskAction.ACCEPT,
            TaskAction.DECLINE,
        )
        assert find_task_actions(runtime, plan, row, STRANGER, at=T0) == ()
    with pytest.raises(LifeError):
        work(plan_no, "T01", TaskAction.ACCEPT, STRANGER)
    work(plan_no, "T01", TaskAction.ACCEPT, WATER)
    work(plan_no, "T01", TaskAction.ADVANCE, WATER, text="已排查", progress_share=0.4, days=3)
    assert work(plan_no, "T01", TaskAction.FINISH, WATER, text="完成", days=9) == (
        TaskState.DONE,
        1.0,
    )
    assert (
        work(plan_no, "T01", TaskAction.REOPEN, BOSS, text="复核", days=10)[0] is TaskState.RUNNING
    )

    with loaded() as session:
        steps = session.scalars(sa.select(TaskStep).order_by(TaskStep.id)).all()
        told = set(
            session.execute(
                sa.select(Message.topic, Message.unit_code).where(Message.topic.like("task%"))
            )
        )
        assert verify(session) == []
    assert [one.action for one in steps] == ["assign", "accept", "advance", "finish", "reopen"]
    assert "13800138000" not in steps[0].text
    assert {("task_assigned", "E01"), ("task_finished", STREET)} <= told


def test_what_slips_is_told_once_a_week(loaded, runtime, act, plan_no):
    run(act, plan_no)

    def tell(days):
        with loaded() as session, session.begin():
            return raise_slips(session, runtime, now=T0 + timedelta(days=days))

    def count(topic):
        with loaded() as session:
            return session.scalar(
                sa.select(sa.func.count(Message.id)).where(Message.topic == topic)
            )

    assert tell(3) == 0
    assert tell(9) == 2
    first = count("task_not_begun")
    assert first == 4  # each to its unit and to the street
    assert tell(10) == 2
    assert count("task_not_begun") == first
    tell(16)
    assert count("task_not_begun") == 2 * first
    tell(90)
    with loaded() as session:
        units = set(
            session.scalars(sa.select(Message.unit_code).where(Message.topic == "task_overdue"))
        )
    assert units == {"E01", STREET, DISTRICT}


@pytest.mark.parametrize("words", ["", "  "])
def test_an_empty_comment(loaded, plan_no, words):
    with loaded() as session, pytest.raises(GridgovError, match="empty"):
        comment_on_plan(session, plan_no, person=WRITER, at=T0, text=words)


def test_a_comment_on_a_task_that_the_plan_does_not_have(loaded, plan_no):
    with loaded() as session, session.begin():
        own = session.scalars(sa.select(PlanTask.task_id)).first()
        comment_on_plan(session, plan_no, person=WRITER, at=T0, text="请核实", task_id=own)
    with loaded() as session, pytest.raises(NotFoundError, match=r"138\*+"):
        comment_on_plan(
            session, plan_no, person=WRITER, at=T0, text="请核实", task_id="致电 13812345678"
        )
    with loaded() as session:
        assert session.scalars(sa.select(PlanComment.task_id)).all() == [own]


def make_scope(person, *, sees_all=False):
    actor = person.actor
    return Scope(
        account_id=1,
        person_key=actor.person_key,
        role=actor.role,
        unit_code=actor.unit_code,
        unit_codes=(actor.unit_code,),
        sees_all=sees_all,
        sees_personal=False,
    )


def test_drafts_are_for_the_street_and_what_is_approved_for_all(loaded, runtime, act, plan_no):
    with loaded() as session, session.begin():
        comment_on_plan(session, plan_no, person=WRITER, at=T0, text="请核实")

    def see(person):
        with bind(loaded(), make_scope(person)) as session:
            return (
                len(session.scalars(sa.select(Plan)).all()),
                len(session.scalars(sa.select(PlanTask)).all()),
                len(session.scalars(sa.select(PlanComment)).all()),
            )

    assert see(WRITER) == (1, 2, 1)
    assert see(STRANGER) == (0, 0, 0)
    with bind(loaded(), make_scope(STRANGER)) as session, pytest.raises(NotFoundError):
        act_on_plan(session, runtime, plan_no, PlanAction.SUBMIT, person=STRANGER, at=T0)
    run(act, plan_no)
    assert see(STRANGER) == (1, 2, 0)


def test_a_unit_whose_task_it_is_acts_though_the_street_is_not_its_own(
    loaded, runtime, act, work, plan_no
):
    run(act, plan_no)
    work(plan_no, "T01", TaskAction.ASSIGN, CENTRE, unit_code="E01")
    with bind(loaded(), make_scope(WATER)) as session, session.begin():
        act_on_task(
            session,
            runtime,
            plan_no,
            "T01",
            TaskAction.ACCEPT,
            person=WATER,
            at=T0,
            change=TaskChange(),
        )
    with loaded() as session:
        states = dict(session.execute(sa.select(PlanTask.task_no, PlanTask.state)).all())
    assert states["T01"] is TaskState.ACCEPTED


def test_a_unit_out_of_force_gets_no_task(act, work, plan_no):
    run(act, plan_no)
    with pytest.raises(GridgovError, match="NOBODY"):
        work(plan_no, "T01", TaskAction.ASSIGN, CENTRE, unit_code="NOBODY")


def test_a_plan_that_names_a_unit_out_of_force_is_neither_submitted_nor_approved(
    loaded, act, plan_no
):
    def name(unit):
        with loaded() as session, session.begin():
            task = session.scalar(sa.select(PlanTask).where(PlanTask.task_no == "T02"))
            task.helper_unit_codes = [unit]

    name("E99")
    with pytest.raises(GridgovError, match=r"not in force on 2025-\d\d-\d\d: T02 E99;"):
        act(plan_no, PlanAction.SUBMIT, WRITER)
    name("E01")
    act(plan_no, PlanAction.SUBMIT, WRITER)
    name("E99")
    with pytest.raises(GridgovError, match="T02 E99"):
        act(plan_no, PlanAction.APPROVE, SECOND)
    with loaded() as session:
        row = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no))
        assert (row.state, row.approved_by) == (PlanState.SUBMITTED, "")


def test_a_plan_of_another_street_is_not_submitted_by_its_neighbour(act, plan_no):
    neighbour = replace(STRANGER, actor=replace(STRANGER.actor, role=Role.STREET_CENTRE))
    with pytest.raises(LifeError) as caught:
        act(plan_no, PlanAction.SUBMIT, neighbour)
    assert caught.value.key == "permit"
    assert neighbour.actor.unit_code == OTHER
