"""A plan as a workplace: where it stands and whose turn it is, what changed, tasks to act on, comments, history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from gridgov.errors import ConflictError, GridgovError, NotFoundError
from gridgov.rules.plans.life import PlanAction, PlanState
from gridgov.rules.plans.task_life import TaskAction, find_slips, find_weeks
from gridgov.services.plans.deciding import act_on_plan, comment_on_plan, find_plan_actions
from gridgov.services.plans.tasks import TaskChange, act_on_task, find_task_actions
from gridgov.storage.models.plans import Plan as PlanRow
from gridgov.storage.models.plans import TaskStep
from gridgov.storage.queries.areas import get_item_names, get_unit_names
from gridgov.storage.queries.effects import find_plan_effects
from gridgov.storage.queries.plans import (
    PlanRecord,
    get_evidence,
    get_plan,
    get_task,
    list_comments,
    list_plan_log,
    list_revisions,
    list_task_steps,
    make_dates,
)
from planner.errors import PlannerError
from planner.plans.edits import find_differences
from planner.plans.record import read_plan
from web.features.planning.entry import blueprint, get_person
from web.features.planning.page import make_evidence_rows
from web.kit import limits
from web.kit.page_helpers import find_zone, to
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_service, reading, writing

COURSE = (
    PlanState.DRAFT,
    PlanState.SUBMITTED,
    PlanState.APPROVED,
    PlanState.RUNNING,
    PlanState.CLOSED,
)
"""The way of a plan, as the page shows it."""
SHOWN_DIFFERENCES = 60
WEEKS_SHOWN = 7
"""Weeks before this one in the table of weekly progress."""
TEXT_MOST = 4_000


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs between two revisions, as a reader sees it."""

    what: str
    field: str
    before: str
    after: str


@blueprint.get("/plans/<plan_no>")
@permission(Permission.PLANNING_READ)
def plan(plan_no: str) -> str:
    """Show a plan to work by."""
    session, person, now = reading(), get_person(), get_service().get_now()
    record = get_plan(session, plan_no)
    runtime = get_runtime()
    revisions = list_revisions(session, record.street_code)
    today = now.astimezone(find_zone()).date()
    steps = list_task_steps(session, record.row)
    weeks = find_weeks(today - WEEKS_SHOWN * timedelta(days=7), today)
    effects = find_plan_effects(session, [task["task_id"] for task in record.document["tasks"]])
    tasks = [
        {
            "task": task,
            "effect": effects.get(task["task_id"]),
            "kept": record.tasks.get(task["task_no"], {}),
            "slips": find_task_slips(session, record, task["task_no"], today),
            "last": next(iter(steps.get(task["task_no"], ())), None),
            "weeks": find_week_progress(steps.get(task["task_no"], ()), weeks),
        }
        for task in record.document["tasks"]
    ]
    before = find_before(record, revisions)
    return render_template(
        "planning/plan.html",
        plan=record,
        row=record.row,
        document=record.document,
        course=COURSE,
        actions=find_plan_actions(runtime, record.row, person, at=now),
        tasks=tasks,
        before=before,
        differences=list_differences(before, record.row),
        edits=record.document.get("edits", []),
        comments=list_comments(session, record.street_code),
        log=list_plan_log(session, plan_no),
        revisions=revisions,
        units=get_unit_names(session),
        turn=find_turn(record.row),
        weeks=weeks,
        task_titles={
            one["task_id"]: f"{one['task_no']} {one['title']}" for one in record.document["tasks"]
        },
        say_value=say_value,
    )


def find_week_progress(steps: Sequence[TaskStep], weeks: Sequence[date]) -> list[float | None]:
    """Return the progress that was told last in each week; None where nothing was told."""
    zone = find_zone()
    told: dict[date, float] = {}
    for step in reversed(steps):  # the newest of a week stands last
        day = step.at.astimezone(zone).date()
        told[day - timedelta(days=day.weekday())] = step.progress_share
    return [told.get(week) for week in weeks]


def find_turn(row: PlanRow) -> str:
    """Return whose turn it is, as the key of a text."""
    return f"planning.turn.{row.state.value}"


def find_task_slips(
    session: Session, record: PlanRecord, task_no: str, today: date
) -> tuple[str, ...]:
    """Return why a task of a running plan slips."""
    if record.row.state != PlanState.RUNNING or task_no not in record.tasks:
        return ()
    return find_slips(make_dates(get_task(session, record.row, task_no)), today)


def find_before(record: PlanRecord, revisions: Sequence[PlanRow]) -> PlanRow | None:
    """Return the plan that this one follows: of those made before it, the newest that was approved, else the newest."""
    older = [
        one
        for one in revisions
        if one.id != record.row.id and (one.made_at, one.id) < (record.row.made_at, record.row.id)
    ]
    return next((one for one in older if one.sealed_at), older[0] if older else None)


def list_differences(before: PlanRow | None, row: PlanRow) -> list[Difference]:
    """Return what changed since the plan before, in words."""
    if before is None:
        return []
    try:
        old, new = read_plan(before.document), read_plan(row.document)
    except PlannerError:
        return []
    titles = {task.task_id: f"{task.task_no} {task.title}" for task in (*old.tasks, *new.tasks)}
    found = []
    for edit in find_differences(old, new)[:SHOWN_DIFFERENCES]:
        parts = edit.path.split("/")
        what = titles.get(parts[1], parts[1]) if parts[0] == "tasks" else gettext("planning.notes")
        found.append(
            Difference(
                what=what,
                field=parts[2] if len(parts) > 2 else "",
                before=say_value(edit.before),
                after=say_value(edit.after),
            )
        )
    return found


def say_value(value: Any) -> str:
    """Return a value of a plan as a line of text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        named = value.get("name") or value.get("text")
        return (
            str(named)
            if named
            else "、".join(f"{key}: {say_value(one)}" for key, one in value.items())
        )
    if isinstance(value, list | tuple):
        return "、".join(say_value(one) for one in value)
    return str(value)


@blueprint.post("/plans/<plan_no>/act/<action>")
@permission(Permission.PLANS_ACT)
@limits.limited(limits.CHANGES)
def take_plan_action(plan_no: str, action: str) -> Response:
    """Do one step of a plan's life; what may be done is decided by the rules, not by the page."""
    chosen = _read(PlanAction, action, "action of a plan")
    with writing() as session:
        act_on_plan(
            session,
            get_runtime(),
            plan_no,
            chosen,
            person=get_person(),
            at=get_service().get_now(),
            text=request.form.get("text", "")[:TEXT_MOST],
            seen_version=read_version(),
        )
    flash(gettext("planning.done", what=plan_no), "success")
    return redirect(to("planning.plan", plan_no=plan_no))


@blueprint.post("/plans/<plan_no>/comments")
@permission(Permission.PLANS_ACT)
@limits.limited(limits.CHANGES)
def comment(plan_no: str) -> Response:
    """Add somebody's words."""
    with writing() as session:
        comment_on_plan(
            session,
            plan_no,
            person=get_person(),
            at=get_service().get_now(),
            text=request.form.get("text", "")[:TEXT_MOST],
            task_id=request.form.get("task_id", ""),
        )
    return redirect(to("planning.plan", plan_no=plan_no, _anchor="comments"))


@blueprint.get("/plans/<plan_no>/tasks/<task_no>")
@permission(Permission.PLANNING_READ)
def task(plan_no: str, task_no: str) -> str:
    """Show a task: what can be done, what was done, and the orders on which it stands."""
    return _show_task(plan_no, task_no)


def _show_task(
    plan_no: str, task_no: str, *, problem: str = "", typed: Mapping[str, str] | None = None
) -> str:
    session, person, now = reading(), get_person(), get_service().get_now()
    record = get_plan(session, plan_no)
    found = [one for one in record.document["tasks"] if one["task_no"] == task_no]
    if not found:
        raise NotFoundError("task", f"{plan_no} {task_no}")
    row = get_task(session, record.row, task_no)
    orders = get_evidence(session, found[0]["evidence"])
    today = now.astimezone(find_zone()).date()
    return render_template(
        "planning/task.html",
        plan=record,
        task=found[0],
        kept=record.tasks.get(task_no),
        row=row,
        effect=find_plan_effects(session, [row.task_id]).get(row.task_id),
        actions=find_task_actions(get_runtime(), record.row, row, person, at=now),
        steps=list_task_steps(session, record.row).get(task_no, []),
        slips=find_task_slips(session, record, task_no, today),
        units=get_unit_names(session),
        rows=make_evidence_rows(
            list(orders.itertuples(index=False)), names=get_item_names(session)
        ),
        hidden=len(found[0]["evidence"]) - len(orders),
        problem_text=problem,
        typed=typed or {},
    )


@blueprint.post("/plans/<plan_no>/tasks/<task_no>/act/<action>")
@permission(Permission.PLANS_ACT)
@limits.limited(limits.CHANGES)
def take_task_action(plan_no: str, task_no: str, action: str) -> Response | tuple[str, int]:
    """Do one step of a task; what is refused comes back with everything that was typed."""
    chosen = _read(TaskAction, action, "action of a task")
    form = request.form
    progress = form.get("progress", "").strip()
    try:
        change = TaskChange(
            text=form.get("text", "")[:TEXT_MOST],
            unit_code=form.get("unit_code", "").strip(),
            assignee=form.get("assignee", "")[:80],
            progress_share=float(progress) / 100 if progress else None,
        )
        with writing() as session:
            act_on_task(
                session,
                get_runtime(),
                plan_no,
                task_no,
                chosen,
                person=get_person(),
                at=get_service().get_now(),
                change=change,
                seen_version=read_version(),
            )
    except (ConflictError, NotFoundError):
        raise
    except (GridgovError, ValueError) as error:
        return _show_task(plan_no, task_no, problem=str(error), typed=form.to_dict()), 422
    flash(gettext("planning.done", what=task_no), "success")
    return redirect(to("planning.task", plan_no=plan_no, task_no=task_no))


def read_version() -> int | None:
    """Return the version that the form was made from."""
    version = request.form.get("version", "")
    return int(version) if version.isdecimal() else None


def _read(words: type[Any], text: str, what: str) -> Any:
    try:
        return words(text)
    except ValueError as error:
        raise NotFoundError(what, text) from error
