"""The demo's plans at work: some run, one waits for a second person, the rest are drafts; by the pages' services."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans import PlanAction, PlanState, TaskAction
from gridgov.services.accounts.manage import find_account, get_actor
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.plans.deciding import act_on_plan
from gridgov.services.plans.records import Person
from gridgov.services.plans.tasks import TaskChange, act_on_task
from gridgov.storage.models.plans import Plan, PlanTask
from web.demo.accounts import PREFIX

COURSES: tuple[tuple[tuple[PlanAction, Role], ...], ...] = (
    (
        (PlanAction.SUBMIT, Role.PLANNER),
        (PlanAction.APPROVE, Role.SUPERVISOR),
        (PlanAction.START, Role.PLANNER),
    ),
    ((PlanAction.SUBMIT, Role.PLANNER),),
    (),
)
"""What the first, second, third … governance street's plan goes through; then from the first again."""
PROGRESS = (0.4, 0.15)
"""Of the first tasks of a running plan; the others wait to be accepted."""


def play_plans(session: Session, runtime: CityRuntime, *, as_of: datetime) -> int:
    """Bring the drafts of streets under governance to work; return how many run.

    Parameters
    ----------
    session
        The system's own; the caller commits. The demo's accounts are there.
    runtime
        The city.
    as_of
        The demo's moment, aware.
    """
    drafts = session.scalars(
        sa.select(Plan).where(Plan.state == PlanState.DRAFT).order_by(Plan.street_code)
    ).all()
    governed = [one for one in drafts if one.document["street"].get("class") == "governance"]
    running = 0
    for number, plan in enumerate(governed):
        for action, role in COURSES[number % len(COURSES)]:
            person = _find_person(session, role)
            act_on_plan(session, runtime, plan.plan_no, action, person=person, at=as_of)
        if plan.state == PlanState.RUNNING:
            running += 1
            _work(session, runtime, plan, as_of)
    return running


def _work(session: Session, runtime: CityRuntime, plan: Plan, as_of: datetime) -> None:
    """Give the tasks to the units that lead them; people there accept the first and report."""
    tasks = session.scalars(
        sa.select(PlanTask).where(PlanTask.plan_id == plan.id).order_by(PlanTask.task_no)
    ).all()
    planner = _find_person(session, Role.PLANNER)
    for number, task in enumerate(tasks):
        lead = task.lead_unit_code
        if not lead:
            continue
        steps = [(TaskAction.ASSIGN, planner, TaskChange(unit_code=lead))]
        if number < len(PROGRESS):
            name = f"{runtime.city.names.get(lead, lead)}经办人"
            actor = Actor(person_key=f"demo:{lead}", role=Role.HANDLER, unit_code=lead)
            told = TaskChange(text="已现场核实，正在实施", progress_share=PROGRESS[number])
            steps += [
                (TaskAction.ACCEPT, Person(actor=actor, name=name), TaskChange()),
                (TaskAction.ADVANCE, Person(actor=actor, name=name), told),
            ]
        for action, person, change in steps:
            act_on_task(
                session,
                runtime,
                plan.plan_no,
                task.task_no,
                action,
                person=person,
                at=as_of,
                change=change,
            )


def _find_person(session: Session, role: Role) -> Person:
    account = find_account(session, f"{PREFIX}{role}")
    if account is None:
        raise GridgovError(f"the demo has no account {PREFIX}{role}; make its accounts first")
    return Person(actor=get_actor(account), name=account.name)
