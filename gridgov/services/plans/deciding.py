"""From the draft to the end: submitted, approved by a second person and sealed, started, closed; comments."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.message_text import make_text
from gridgov.rules.plans.life import (
    STEPS,
    Brought,
    LifeError,
    PlanAction,
    PlanState,
    find_steps,
    take_step,
)
from gridgov.rules.plans.sealing import hash_content
from gridgov.rules.plans.task_life import ENDED
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.notices.mentions import find_named
from gridgov.services.outbox.deliver import notify
from gridgov.services.plans.drafts import flush
from gridgov.services.plans.records import Person, get_plan_row, log_plan, make_doer, tell
from gridgov.storage.models.plans import Plan, PlanComment, PlanTask
from gridgov.storage.scope.apply import without_row_scope

TOLD = {
    PlanAction.SUBMIT: "plan_submitted",
    PlanAction.RETURN: "plan_returned",
    PlanAction.APPROVE: "plan_approved",
    PlanAction.START: "plan_started",
    PlanAction.CLOSE: "plan_closed",
}
"""Action → topic of its message."""


@dataclass(frozen=True, kw_only=True)
class OfferedStep:
    """An action that an account could take now, and whether it must bring words."""

    action: PlanAction
    needs_text: bool


def find_plan_actions(
    runtime: CityRuntime, plan: Plan, person: Person, *, at: datetime
) -> tuple[OfferedStep, ...]:
    """Return what an account can do to a plan now; what a second person must do is not offered to its authors."""
    doer = make_doer(runtime, person.actor, plan.street_code, at=at)
    return tuple(
        OfferedStep(action=step.action, needs_text="text" in step.needs)
        for step in find_steps(STEPS, plan.state, doer)
        if "other_person" not in step.needs or person.actor.person_key not in plan.author_keys
    )


def act_on_plan(
    session: Session,
    runtime: CityRuntime,
    plan_no: str,
    action: PlanAction,
    *,
    person: Person,
    at: datetime,
    text: str = "",
    seen_version: int | None = None,
) -> Plan:
    """Do something to a plan; return its row, flushed.

    Parameters
    ----------
    action
        Anything but an edit (:func:`gridgov.services.plans.drafts.edit_draft`) and a replacement.
    text
        Why, or what came of it; numbers of people in it are masked.

    Raises
    ------
    NotFoundError, ConflictError, LifeError
        There is no such plan for this account, it has changed, or the rules refuse it.
    GridgovError
        What is to be sealed is not what its hash says, or what is submitted or approved names a unit out of force.
    """
    row = get_plan_row(session, plan_no, seen_version=seen_version)
    if action in {PlanAction.EDIT, PlanAction.REPLACE}:
        raise LifeError(
            plan_no, action, "state", "it is no step of its own; expected another action"
        )
    words = mask_text(text.strip())
    brought = Brought(text=words, author_keys=frozenset(row.author_keys))
    doer = make_doer(runtime, person.actor, row.street_code, at=at)
    target = take_step(STEPS, plan_no, row.state, action, doer=doer, brought=brought)
    before = {"state": row.state.value}
    with without_row_scope(session):
        if action in {PlanAction.SUBMIT, PlanAction.APPROVE}:
            _check_units(session, runtime, row, at)
        row.state, row.state_at = target, at
        if words or action is PlanAction.SUBMIT:
            row.closing = words
        if action is PlanAction.SUBMIT:
            row.submitted_by = person.actor.person_key
            row.author_keys = sorted({*row.author_keys, person.actor.person_key})
        if action is PlanAction.APPROVE:
            _seal(row, person, at)
        if action is PlanAction.START:
            _take_over(session, row, at, person)
        after = {"state": target.value, "content_hash": row.content_hash}
        if words:
            after["text"] = words
        log_plan(session, row, action.value, at=at, person=person, before=before, after=after)
        flush(session, row)
        if topic := TOLD.get(action):
            units = _find_told(session, runtime, row, action, at)
            tell(
                session,
                runtime,
                topic,
                row,
                at=at,
                unit_codes=units,
                key=f"{row.version}",
                by=person.name,
                text=words or "—",
            )
    return row


def _check_units(session: Session, runtime: CityRuntime, row: Plan, at: datetime) -> None:
    """Refuse a plan whose tasks name units that are no longer, or were never, in force: nobody would answer for them.

    Raises
    ------
    GridgovError
        With every such task and unit.
    """
    day = runtime.get_day(at)
    tasks = session.scalars(
        sa.select(PlanTask).where(PlanTask.plan_id == row.id).order_by(PlanTask.task_no)
    )
    gone = [
        f"{task.task_no} {unit}"
        for task in tasks
        for unit in dict.fromkeys((task.lead_unit_code or "", *task.helper_unit_codes))
        if unit and not runtime.book.is_in_force(unit, day)
    ]
    if gone:
        raise GridgovError(
            f"plan {row.plan_no}: not in force on {day}: {', '.join(gone)}; "
            "return it, choose other units, or draft it again by the duty list of today"
        )


def _seal(row: Plan, person: Person, at: datetime) -> None:
    """Seal what the plan says.

    Raises
    ------
    GridgovError
        Its words are not those of its hash.
    """
    found = hash_content(row.document)
    if found != row.content_hash:
        raise GridgovError(
            f"plan {row.plan_no}: its words have the hash {found[:16]}, its record says {row.content_hash[:16]}; "
            "it was changed beside the program and is not sealed. Draft it again"
        )
    row.approved_by, row.approved_name = person.actor.person_key, person.name
    row.sealed_at = at


def _take_over(session: Session, row: Plan, at: datetime, person: Person) -> None:
    """Close the plan of the street that runs, and go on with those of its tasks that this one continues."""
    running = session.scalars(
        sa.select(Plan)
        .where(
            Plan.street_code == row.street_code, Plan.state == PlanState.RUNNING, Plan.id != row.id
        )
        .with_for_update()
    ).all()
    for old in running:
        known = {
            task.task_id: task
            for task in session.scalars(sa.select(PlanTask).where(PlanTask.plan_id == old.id))
            if task.task_id and task.state not in ENDED
        }
        for task in session.scalars(sa.select(PlanTask).where(PlanTask.plan_id == row.id)):
            before = known.get(task.task_id)
            if before is not None:
                task.state, task.progress_share = before.state, before.progress_share
                task.assignee, task.told_on, task.note = (
                    before.assignee,
                    before.told_on,
                    before.note,
                )
                task.lead_unit_code = before.lead_unit_code or task.lead_unit_code
        old.state, old.state_at = PlanState.CLOSED, at
        old.closing = row.plan_no
        log_plan(
            session,
            old,
            "close",
            at=at,
            person=person,
            before={"state": PlanState.RUNNING.value},
            after={"state": PlanState.CLOSED.value, "followed_by": row.plan_no},
        )


def _find_told(
    session: Session, runtime: CityRuntime, row: Plan, action: PlanAction, at: datetime
) -> tuple[str, ...]:
    """Return whom an action concerns: those above when it is submitted, all leads when it starts, else the street."""
    above = runtime.find_superiors(row.street_code, runtime.get_day(at))
    if action is PlanAction.SUBMIT:
        return (row.street_code, *above[:1])
    if action in {PlanAction.START, PlanAction.CLOSE}:
        leads = session.scalars(
            sa.select(PlanTask.lead_unit_code).where(PlanTask.plan_id == row.id).distinct()
        )
        return (row.street_code, *above[:1], *(code for code in leads if code))
    return (row.street_code,)


def _has_task(session: Session, row: Plan, task_id: str) -> bool:
    """Return whether a plan has the task, now or in the table of what is worked on."""
    if any(task.get("task_id") == task_id for task in row.document.get("tasks", ())):
        return True
    own = sa.select(PlanTask.id).where(PlanTask.plan_id == row.id, PlanTask.task_id == task_id)
    return session.scalar(own.limit(1)) is not None


def comment_on_plan(
    session: Session,
    plan_no: str,
    *,
    person: Person,
    at: datetime,
    text: str,
    task_id: str = "",
) -> PlanComment:
    """Add somebody's words to a plan or one of its tasks.

    Raises
    ------
    NotFoundError
        There is no such plan for this account, or no such task in it.
    GridgovError
        The comment is empty.
    """
    words = mask_text(text.strip())
    if not words:
        raise GridgovError(f"comment on plan {plan_no}: it is empty; write what should be read")
    row = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no))
    if row is None:
        row = get_plan_row(session, plan_no)
    if task_id and not _has_task(session, row, task_id):
        # from a form: anything may stand there
        raise NotFoundError("task", f"{plan_no} {mask_text(task_id)}")
    made = PlanComment(
        street_code=row.street_code,
        plan_no=plan_no,
        task_id=task_id,
        at=at,
        by_key=person.actor.person_key,
        by_name=person.name,
        unit_code=person.actor.unit_code,
        text=words,
    )
    with without_row_scope(session):
        session.add(made)
        session.flush()
        log_plan(session, row, "comment", at=at, person=person, after={"task_id": task_id})
        facts = {"by": person.name, "where": plan_no, "text": words, "plan_no": plan_no}
        notify(
            session,
            at=at,
            topic="mention",
            unit_codes=(),
            account_ids=find_named(session, words),
            say=partial(make_text, "mention", facts),
            data={**facts, "task_id": task_id},
            key=f"{plan_no}:mention:{made.id}",
        )
    return made
