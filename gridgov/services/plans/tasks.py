"""Tasks at work: given to a unit and a person, accepted, advanced week by week, finished; what slips is raised."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.plans.life import Brought, LifeError, PlanState, find_steps, take_step
from gridgov.rules.plans.task_life import (
    TASK_STEPS,
    TaskAction,
    TaskState,
    find_slips,
)
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.plans.drafts import flush
from gridgov.services.plans.records import (
    Person,
    get_plan_row,
    get_task_row,
    log_plan,
    make_doer,
    tell,
)
from gridgov.storage.models.plans import Plan, PlanTask, TaskStep
from gridgov.storage.queries.plans import make_dates
from gridgov.storage.scope.apply import without_row_scope

NOTE_MOST = 4_000
TOLD = {
    TaskAction.ASSIGN: "task_assigned",
    TaskAction.DECLINE: "task_declined",
    TaskAction.FINISH: "task_finished",
    TaskAction.REOPEN: "task_reopened",
    TaskAction.DROP: "task_dropped",
}
"""Action → topic of its message."""


@dataclass(frozen=True, kw_only=True)
class TaskChange:
    """What somebody brings to a step of a task.

    Parameters
    ----------
    text
        What was done, or why.
    unit_code, assignee
        Who shall answer: unit, and the name of a person in it.
    progress_share
        0-1, None where it does not change.
    """

    text: str = ""
    unit_code: str = ""
    assignee: str = ""
    progress_share: float | None = None


def find_task_actions(
    runtime: CityRuntime, plan: Plan, task: PlanTask, person: Person, *, at: datetime
) -> tuple[TaskAction, ...]:
    """Return what an account can do to a task now; nothing while its plan does not run."""
    if plan.state != PlanState.RUNNING:
        return ()
    lead = task.lead_unit_code or ""
    doer = make_doer(runtime, person.actor, plan.street_code, at=at, lead=lead)
    return tuple(step.action for step in find_steps(TASK_STEPS, task.state, doer))


def act_on_task(
    session: Session,
    runtime: CityRuntime,
    plan_no: str,
    task_no: str,
    action: TaskAction,
    *,
    person: Person,
    at: datetime,
    change: TaskChange,
    seen_version: int | None = None,
) -> PlanTask:
    """Do something to a task; return its row, flushed.

    Raises
    ------
    NotFoundError, ConflictError, LifeError
        There is no such task for this account, it has changed, or the rules refuse it.
    UnknownUnitError
        The unit that shall answer is not in force.
    """
    plan = get_plan_row(session, plan_no)
    task = get_task_row(session, plan, task_no, seen_version=seen_version)
    what = f"{plan_no} {task_no}"
    if plan.state != PlanState.RUNNING:
        raise LifeError(what, action, "state", f"its plan is {plan.state}; expected running")
    if change.unit_code:
        runtime.check_unit(change.unit_code, runtime.get_day(at))
    words = mask_text(change.text.strip())[:NOTE_MOST]
    lead = task.lead_unit_code or ""
    doer = make_doer(runtime, person.actor, plan.street_code, at=at, lead=lead)
    brought = Brought(text=words, unit_code=change.unit_code, progress_share=change.progress_share)
    target = take_step(TASK_STEPS, what, task.state, action, doer=doer, brought=brought)
    before = _take(task)
    with without_row_scope(session):
        _write(session, task, action, target, change, words, person, at, runtime.get_day(at))
        log_plan(
            session,
            plan,
            f"task_{action}",
            at=at,
            person=person,
            before={"task_no": task_no, **before},
            after={"task_no": task_no, **_take(task), **({"text": words} if words else {})},
        )
        flush(session, plan)
        if topic := TOLD.get(action):
            units = (plan.street_code, lead, change.unit_code)
            tell(
                session,
                runtime,
                topic,
                plan,
                at=at,
                unit_codes=units,
                key=f"{task_no}:{task.version}",
                task=f"{task_no} {task.title}",
                due=str(task.due_on or "—"),
                by=person.name,
                text=words or "—",
            )
    return task


def _write(
    session: Session,
    task: PlanTask,
    action: TaskAction,
    target: TaskState,
    change: TaskChange,
    words: str,
    person: Person,
    at: datetime,
    today: date,
) -> None:
    task.state, task.updated_at, task.told_on = target, at, today
    if action is TaskAction.ASSIGN:
        task.lead_unit_code, task.assignee = change.unit_code, change.assignee.strip()
    if action is TaskAction.DECLINE:
        task.assignee = ""
    if action is TaskAction.FINISH:
        task.progress_share = 1.0
    elif change.progress_share is not None:
        task.progress_share = change.progress_share
    if words:
        task.note = words
    session.add(
        TaskStep(
            plan_task_id=task.id,
            at=at,
            action=action.value,
            by_key=person.actor.person_key,
            by_name=person.name,
            unit_code=person.actor.unit_code,
            progress_share=task.progress_share,
            text=words,
        )
    )


def _take(task: PlanTask) -> dict[str, object]:
    return {
        "state": task.state.value,
        "progress_share": task.progress_share,
        "lead_unit_code": task.lead_unit_code,
        "assignee": task.assignee,
    }


def raise_slips(session: Session, runtime: CityRuntime, *, now: datetime) -> int:
    """Tell of tasks of running plans that slip; return how many slip.

    Each reason is told once a week: to the unit that answers, to the street, and from the second reason on, or where it
    is overdue, to the unit above the street.

    Parameters
    ----------
    session
        The system's own.
    now
        Aware.
    """
    today = runtime.get_day(now)
    rows = session.execute(
        sa.select(Plan, PlanTask)
        .join(PlanTask, PlanTask.plan_id == Plan.id)
        .where(Plan.state == PlanState.RUNNING)
        .order_by(Plan.street_code, PlanTask.task_no)
    ).all()
    slipping = 0
    for plan, task in rows:
        reasons = find_slips(make_dates(task), today)
        if not reasons:
            continue
        slipping += 1
        above = runtime.find_superiors(plan.street_code, today)[:1]
        graver = len(reasons) > 1 or "overdue" in reasons
        units = (task.lead_unit_code or "", plan.street_code, *(above if graver else ()))
        year, week, _ = today.isocalendar()
        tell(
            session,
            runtime,
            f"task_{reasons[0]}",
            plan,
            at=now,
            unit_codes=units,
            key=f"{task.task_no}:{year}-{week:02d}",
            task=f"{task.task_no} {task.title}",
            due=str(task.due_on or "—"),
            progress=f"{100 * task.progress_share:.0f}%",
        )
    return slipping
