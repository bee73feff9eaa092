"""Drafts: made by the planner, edited by people, until somebody submits them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError
from gridgov.rules.plans.life import STEPS, Brought, PlanAction, PlanState, take_step
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.plans.records import Person, get_plan_row, log_plan, make_doer
from gridgov.storage.models.plans import Plan, PlanTask
from gridgov.storage.scope.apply import without_row_scope


@dataclass(frozen=True, kw_only=True)
class DraftTask:
    """What the table of tasks keeps of one."""

    task_no: str
    task_id: str
    hotspot_no: str
    title: str
    lead_unit_code: str | None
    helper_unit_codes: tuple[str, ...]
    start_on: date | None
    due_on: date | None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan as the planner hands it over.

    Parameters
    ----------
    street_code, period
        Whose, and for which period (``start/end``).
    document
        ``planner/documents/plan.schema.json`` with its own revision, number and hash.
    tasks
        Its tasks.
    author_keys
        Who wrote words in it.
    """

    street_code: str
    period: str
    document: Mapping[str, Any]
    tasks: tuple[DraftTask, ...]
    author_keys: frozenset[str] = frozenset()

    @property
    def content_hash(self) -> str:
        """Return the hash over what it says."""
        return str(self.document["content_hash"])


def find_newest(session: Session, street_code: str) -> Plan | None:
    """Return the newest plan of a street, locked; None where there is none."""
    return session.scalar(
        sa.select(Plan)
        .where(Plan.street_code == street_code)
        .order_by(Plan.made_at.desc(), Plan.revision.desc(), Plan.id.desc())
        .limit(1)
        .with_for_update()
    )


def put_draft(
    session: Session,
    street_code: str,
    *,
    at: datetime,
    make: Callable[[Plan | None, int], Draft | None],
    period: str,
) -> Plan | None:
    """Save a new draft of a street's plan; return its row, None where nothing is to be saved.

    A plan that waits for a decision is not overtaken. A draft that the new one follows is replaced by it.

    Parameters
    ----------
    session
        The system's own.
    street_code, period
        Whose, for which period.
    at
        The moment from which the planner looked back.
    make
        Newest plan of the street and the revision that the new one gets → the draft, with the words that people wrote
        in the one before; None where it says the same.
    """
    newest = find_newest(session, street_code)
    if newest is not None and newest.state == PlanState.SUBMITTED:
        return None
    last = session.scalar(
        sa.select(sa.func.max(Plan.revision)).where(
            Plan.street_code == street_code, Plan.period == period
        )
    )
    draft = make(newest, (last or 0) + 1)
    if draft is None:
        return None
    row = Plan(
        plan_no=str(draft.document["plan_no"]),
        street_code=street_code,
        period=period,
        revision=int(draft.document["revision"]),
        content_hash=draft.content_hash,
        document=dict(draft.document),
        made_at=at,
        state=PlanState.DRAFT,
        state_at=at,
        author_keys=sorted({*draft.author_keys, *_find_authors(newest, draft)}),
    )
    session.add(row)
    session.flush()
    _put_tasks(session, row, draft.tasks)
    follows = newest if newest is not None and newest.state == PlanState.DRAFT else None
    if follows is not None:
        follows.state, follows.state_at = PlanState.REPLACED, at
        log_plan(session, follows, "replace", at=at, person=None, after={"by": row.plan_no})
    log_plan(
        session,
        row,
        "make",
        at=at,
        person=None,
        before=None if newest is None else {"plan_no": newest.plan_no},
        after={"content_hash": row.content_hash, "tasks": len(draft.tasks)},
    )
    return row


def _find_authors(newest: Plan | None, draft: Draft) -> list[str]:
    """Return who wrote words that the draft carries on from the plan before."""
    return list(newest.author_keys) if newest is not None and draft.document.get("edits") else []


def edit_draft(
    session: Session,
    runtime: CityRuntime,
    plan_no: str,
    draft: Draft,
    *,
    changes: Mapping[str, Any],
    person: Person,
    at: datetime,
    seen_version: int,
) -> Plan:
    """Write what a person changed in a draft.

    Parameters
    ----------
    draft
        The plan with the changes.
    changes
        Path → what was written, for the log.
    seen_version
        Version that the person had before their eyes.

    Raises
    ------
    NotFoundError, ConflictError, LifeError
        There is no such plan, it has changed meanwhile, or it is no draft or not for this account.
    """
    row = get_plan_row(session, plan_no, seen_version=seen_version)
    doer = make_doer(runtime, person.actor, row.street_code, at=at)
    take_step(STEPS, plan_no, row.state, PlanAction.EDIT, doer=doer, brought=Brought())
    before = {"content_hash": row.content_hash}
    with without_row_scope(session):
        row.document = dict(draft.document)
        row.content_hash = draft.content_hash
        row.author_keys = sorted({*row.author_keys, *draft.author_keys, person.actor.person_key})
        _put_tasks(session, row, draft.tasks)
        log_plan(
            session,
            row,
            "edit",
            at=at,
            person=person,
            before=before,
            after={"content_hash": row.content_hash, "changes": dict(changes)},
        )
        flush(session, row)
    return row


def flush(session: Session, row: Plan) -> None:
    """Flush, and say so where somebody was faster.

    Raises
    ------
    ConflictError
        Somebody changed the plan or a task meanwhile.
    """
    number = row.plan_no
    try:
        session.flush()
    except StaleDataError as error:
        raise ConflictError("plan", number, seen=None, found=None) from error


def _put_tasks(session: Session, row: Plan, tasks: Iterable[DraftTask]) -> None:
    """Write the tasks of a draft; those it no longer has go."""
    known = {
        one.task_no: one
        for one in session.scalars(sa.select(PlanTask).where(PlanTask.plan_id == row.id))
    }
    wanted = {task.task_no: task for task in tasks}
    for number in known.keys() - wanted.keys():
        session.delete(known[number])
    for number, task in wanted.items():
        kept = known.get(number)
        if kept is None:
            kept = PlanTask(plan_id=row.id, task_no=number)
            session.add(kept)
        kept.task_id, kept.street_code = task.task_id, row.street_code
        kept.hotspot_no, kept.title = task.hotspot_no, task.title
        kept.lead_unit_code = task.lead_unit_code
        kept.helper_unit_codes = list(task.helper_unit_codes)
        kept.start_on, kept.due_on = task.start_on, task.due_on
    session.flush()
