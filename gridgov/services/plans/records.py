"""Rows of plans and tasks for a change: found, their version checked, who stands how to them, logged, told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ConflictError, NotFoundError
from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.needs import Actor
from gridgov.rules.plans.life import Doer, Side
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify
from gridgov.storage.audit import log as audit
from gridgov.storage.models.plans import Plan, PlanTask


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who acts, with the name that others read beside what was done."""

    actor: Actor
    name: str


def get_plan_row(session: Session, plan_no: str, *, seen_version: int | None = None) -> Plan:
    """Return a plan for a change.

    Raises
    ------
    NotFoundError
        There is none, or not for this account.
    ConflictError
        It has changed since `seen_version`.
    """
    row = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no).with_for_update())
    if row is None:
        raise NotFoundError("plan", plan_no)
    if seen_version is not None and row.version != seen_version:
        raise ConflictError("plan", plan_no, seen=seen_version, found=row.version)
    return row


def get_task_row(
    session: Session, plan: Plan, task_no: str, *, seen_version: int | None = None
) -> PlanTask:
    """Return a task of a plan for a change; raises as :func:`get_plan_row`."""
    row = session.scalar(
        sa.select(PlanTask)
        .where(PlanTask.plan_id == plan.id, PlanTask.task_no == task_no)
        .with_for_update()
    )
    number = f"{plan.plan_no} {task_no}"
    if row is None:
        raise NotFoundError("task", number)
    if seen_version is not None and row.version != seen_version:
        raise ConflictError("task", number, seen=seen_version, found=row.version)
    return row


def make_doer(
    runtime: CityRuntime, actor: Actor, street_code: str, *, at: datetime, lead: str = ""
) -> Doer:
    """Return how an account stands to a street's plan, and to a task that `lead` answers for."""
    day = runtime.get_day(at)
    sides = set()
    if actor.unit_code == street_code:
        sides.add(Side.STREET)
    if actor.unit_code in {*runtime.find_superiors(street_code, day), runtime.desk_code}:
        sides.add(Side.ABOVE)
    if lead and actor.unit_code in {lead, *runtime.find_superiors(lead, day)}:
        sides.add(Side.LEAD)
    return Doer(person_key=actor.person_key, role=actor.role, sides=frozenset(sides))


def log_plan(
    session: Session,
    plan: Plan,
    action: str,
    *,
    at: datetime,
    person: Person | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Record a change of a plan or of one of its tasks in the log, under the number of the plan."""
    audit.record(
        session,
        at=at,
        action=f"plan_{action}",
        subject_kind="plan",
        subject_no=plan.plan_no,
        before=before,
        after=after,
        actor=None if person is None else person.actor,
        origin="" if person is not None else "plan",
    )


def say_topic(
    topic: str, facts: Mapping[str, object], *, class_code: str | None = None
) -> Callable[[Language], MessageText]:
    """Return what writes a message of a topic; a class of a street is named in the reader's language."""

    def say(language: Language) -> MessageText:
        named = {} if class_code is None else {"class_name": _say_class(class_code, language)}
        return make_text(topic, {**facts, **named}, language)

    return say


def _say_class(code: str, language: Language) -> str:
    return get_label("class", code, language=language) if code else "—"


def tell(
    session: Session,
    runtime: CityRuntime,
    topic: str,
    plan: Plan,
    *,
    at: datetime,
    unit_codes: tuple[str, ...],
    key: str,
    **facts: object,
) -> None:
    """Tell units of something about a plan; ``street`` and ``plan_no`` are among the facts."""
    known = {
        "street": runtime.city.names.get(plan.street_code, plan.street_code),
        "plan_no": plan.plan_no,
        **facts,
    }
    notify(
        session,
        at=at,
        topic=topic,
        unit_codes=unit_codes,
        say=say_topic(topic, known),
        data={**known, "plan_no": plan.plan_no, "street_code": plan.street_code},
        key=f"{plan.plan_no}:{topic}:{key}",
    )
