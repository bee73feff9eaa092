"""What the planner left in the database: hotspots, classes of streets, plans with the progress of their tasks."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from gridgov.errors import NotFoundError
from gridgov.rules.plans.life import PlanState
from gridgov.rules.plans.task_life import TaskDates, TaskState, find_slips
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import (
    HotspotRow,
    Plan,
    PlanComment,
    PlanTask,
    RankFollowUp,
    Report,
    StreetClassRow,
    TaskStep,
)
from gridgov.storage.statement_frames import to_frame

HOTSPOTS_COLUMNS = (
    "hotspot_no",
    "kind",
    "level1_code",
    "item_code",
    "name",
    "street_code",
    "community_code",
    "lon",
    "lat",
    "radius_m",
    "cells",
    "window_start",
    "window_end",
    "count",
    "expected",
    "q",
    "figures",
)
DONE, DROPPED = TaskState.DONE, TaskState.DROPPED


def find_last_run(session: Session) -> datetime | None:
    """Return the moment from which the newest run of hotspots looked back, None where there is none."""
    return session.scalar(sa.select(sa.func.max(HotspotRow.run_at)))


def get_hotspots(session: Session, *, street_code: str | None = None) -> gpd.GeoDataFrame:
    """Return the hotspots of the newest run: :data:`HOTSPOTS_COLUMNS` and geometry, EPSG:4326, surest first."""
    newest = sa.select(sa.func.max(HotspotRow.run_at)).scalar_subquery()
    columns = [getattr(HotspotRow, name) for name in HOTSPOTS_COLUMNS]
    chosen = (
        sa.select(*columns, HotspotRow.shape)
        .where(HotspotRow.run_at == newest)
        .order_by(HotspotRow.q, HotspotRow.hotspot_no)
    )
    if street_code is not None:
        chosen = chosen.where(HotspotRow.street_code == street_code)
    frame = to_frame(session.execute(chosen), [*HOTSPOTS_COLUMNS, "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")


def get_classes(session: Session) -> pd.DataFrame:
    """Return each street's newest class, by street.

    Returns
    -------
        ``street_code month proposed reasons decided decided_at decided_name decided_reason class``; ``class`` is what a
        person decided, where somebody has, else what the rules propose.
    """
    newest = (
        sa.select(StreetClassRow.street_code, sa.func.max(StreetClassRow.month).label("month"))
        .group_by(StreetClassRow.street_code)
        .subquery()
    )
    row = StreetClassRow
    chosen = (
        sa.select(
            row.street_code,
            row.month,
            row.proposed,
            row.reasons,
            row.decided,
            row.decided_at,
            row.decided_name,
            row.decided_reason,
        )
        .join(newest, sa.and_(newest.c.street_code == row.street_code, newest.c.month == row.month))
        .order_by(row.street_code)
    )
    columns = [column.name for column in chosen.selected_columns]
    frame = to_frame(session.execute(chosen), columns)
    frame["class"] = frame["decided"].where(frame["decided"].notna(), frame["proposed"])
    frame["class"] = frame["class"].fillna("")
    return frame


def get_plan_list(session: Session) -> pd.DataFrame:
    """Return the plan of each street, the one that is worked by or else the newest, with the progress of its tasks.

    Returns
    -------
        ``plan_no street_code period revision made_at tasks done progress late_on``: ``tasks`` without those dropped,
        ``progress`` the mean share from 0 to 1, missing without tasks, ``next_due`` the earliest date of a task that
        is not done.
    """
    newest = choose_newest_plans()
    open_due = sa.case((PlanTask.state.not_in((DONE, DROPPED)), PlanTask.due_on))
    kept = PlanTask.state != DROPPED
    chosen = (
        sa.select(
            Plan.plan_no,
            Plan.street_code,
            Plan.period,
            Plan.revision,
            Plan.made_at,
            sa.func.count(PlanTask.id).filter(kept).label("tasks"),
            sa.func.count(PlanTask.id).filter(PlanTask.state == DONE).label("done"),
            sa.func.avg(PlanTask.progress_share).filter(kept).label("progress"),
            sa.func.min(open_due).label("next_due"),
        )
        .join(newest, newest.c.id == Plan.id)
        .outerjoin(PlanTask, PlanTask.plan_id == Plan.id)
        .group_by(Plan.id)
        .order_by(Plan.street_code)
    )
    return pd.DataFrame(
        session.execute(chosen).all(), columns=[column.name for column in chosen.selected_columns]
    )


def choose_newest_plans() -> sa.Subquery:
    """Return the id of each street's plan: the one that is worked by, else the one made last."""
    place = (
        sa.func.row_number()
        .over(
            partition_by=Plan.street_code,
            order_by=(
                sa.case((Plan.state == PlanState.RUNNING, 0), else_=1),
                Plan.made_at.desc(),
                Plan.revision.desc(),
                Plan.id.desc(),
            ),
        )
        .label("place")
    )
    numbered = sa.select(Plan.id, place).subquery()
    return sa.select(numbered.c.id).where(numbered.c.place == 1).subquery()


TASK_COLUMNS = (
    "task_no",
    "task_id",
    "state",
    "progress_share",
    "note",
    "lead_unit_code",
    "assignee",
    "start_on",
    "due_on",
    "told_on",
    "updated_at",
    "version",
)
"""Of a task's row, what pages show."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanRecord:
    """A plan as it was fixed, with what has come of its tasks.

    Parameters
    ----------
    plan_no, street_code, period, revision, content_hash, made_at
        Of the plan.
    document
        Its JSON (``planner/documents/plan.schema.json``).
    tasks
        :data:`TASK_COLUMNS` by task number.
    row
        The plan's row with its life.
    """

    plan_no: str
    street_code: str
    period: str
    revision: int
    content_hash: str
    made_at: datetime
    document: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    row: Plan


def find_plan(session: Session, street_code: str) -> PlanRecord | None:
    """Return the newest plan of a street, None where it has none."""
    newest = choose_newest_plans()
    plan = session.scalar(
        sa.select(Plan).join(newest, newest.c.id == Plan.id).where(Plan.street_code == street_code)
    )
    return None if plan is None else _make_record(session, plan)


def get_plan(session: Session, plan_no: str) -> PlanRecord:
    """Return a plan by its number.

    Raises
    ------
    NotFoundError
        There is none.
    """
    plan = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no))
    if plan is None:
        raise NotFoundError("plan", plan_no)
    return _make_record(session, plan)


def _make_record(session: Session, plan: Plan) -> PlanRecord:
    rows = session.execute(
        sa.select(*(getattr(PlanTask, name) for name in TASK_COLUMNS))
        .where(PlanTask.plan_id == plan.id)
        .order_by(PlanTask.task_no)
    )
    return PlanRecord(
        plan_no=plan.plan_no,
        street_code=plan.street_code,
        period=plan.period,
        revision=plan.revision,
        content_hash=plan.content_hash,
        made_at=plan.made_at,
        document=plan.document,
        tasks={row[0]: dict(zip(TASK_COLUMNS, row, strict=True)) for row in rows},
        row=plan,
    )


def list_revisions(session: Session, street_code: str, *, limit: int = 24) -> list[Plan]:
    """Return the plans of a street, the newest first."""
    chosen = (
        sa.select(Plan)
        .where(Plan.street_code == street_code)
        .order_by(Plan.made_at.desc(), Plan.revision.desc(), Plan.id.desc())
        .limit(limit)
    )
    return list(session.scalars(chosen))


def get_task(session: Session, plan: Plan, task_no: str) -> PlanTask:
    """Return a task of a plan.

    Raises
    ------
    NotFoundError
        There is none.
    """
    task = session.scalar(
        sa.select(PlanTask).where(PlanTask.plan_id == plan.id, PlanTask.task_no == task_no)
    )
    if task is None:
        raise NotFoundError("task", f"{plan.plan_no} {task_no}")
    return task


def list_task_steps(session: Session, plan: Plan) -> dict[str, list[TaskStep]]:
    """Return what was done to the tasks of a plan by task number, the newest first."""
    rows = session.execute(
        sa.select(PlanTask.task_no, TaskStep)
        .join(TaskStep, TaskStep.plan_task_id == PlanTask.id)
        .where(PlanTask.plan_id == plan.id)
        .order_by(TaskStep.at.desc(), TaskStep.id.desc())
    )
    found: dict[str, list[TaskStep]] = {}
    for task_no, step in rows:
        found.setdefault(task_no, []).append(step)
    return found


def list_comments(session: Session, street_code: str, *, limit: int = 100) -> list[PlanComment]:
    """Return what was said about the plans of a street, the newest first."""
    chosen = (
        sa.select(PlanComment)
        .where(PlanComment.street_code == street_code)
        .order_by(PlanComment.at.desc(), PlanComment.id.desc())
        .limit(limit)
    )
    return list(session.scalars(chosen))


def list_plan_log(session: Session, plan_no: str, *, limit: int = 100) -> list[LogEntry]:
    """Return the entries of the log about a plan, the newest first."""
    chosen = (
        sa.select(LogEntry)
        .where(LogEntry.subject_kind == "plan", LogEntry.subject_no == plan_no)
        .order_by(LogEntry.at.desc(), LogEntry.id.desc())
        .limit(limit)
    )
    return list(session.scalars(chosen))


def list_class_log(session: Session, street_code: str) -> list[LogEntry]:
    """Return the decisions on the class of a street, the newest first; only for those who see the whole log."""
    chosen = (
        sa.select(LogEntry)
        .where(
            LogEntry.subject_kind == "street_class",
            LogEntry.subject_no.startswith(f"{street_code}:"),
        )
        .order_by(LogEntry.at.desc(), LogEntry.id.desc())
    )
    return list(session.scalars(chosen))


def list_class_months(session: Session, street_code: str) -> list[StreetClassRow]:
    """Return the classes of a street by month, the newest first."""
    chosen = (
        sa.select(StreetClassRow)
        .where(StreetClassRow.street_code == street_code)
        .order_by(StreetClassRow.month.desc())
    )
    return list(session.scalars(chosen))


def list_follow_ups(session: Session, *, unit_code: str | None = None) -> list[RankFollowUp]:
    """Return what follows ranks, open ones first, then the newest."""
    chosen = sa.select(RankFollowUp).order_by(
        sa.case((RankFollowUp.state == "closed", 1), else_=0),
        RankFollowUp.month.desc(),
        RankFollowUp.unit_code,
    )
    if unit_code is not None:
        chosen = chosen.where(RankFollowUp.unit_code == unit_code)
    return list(session.scalars(chosen))


@dataclass(frozen=True, kw_only=True)
class StreetStanding:
    """Where a street stands with its plans, for those who watch over all of them.

    Parameters
    ----------
    newest, running
        The newest plan that is not replaced, and the one that is worked by; None where there is none.
    tasks, done
        Of the running plan, without those dropped.
    progress
        Mean share of those tasks; None without tasks.
    slips
        Task number → why it slips.
    told_on
        Day of the last word on a task.
    next_due
        Earliest date of a task that is not done.
    """

    street_code: str
    newest: Plan | None
    running: Plan | None
    tasks: int
    done: int
    progress: float | None
    slips: dict[str, tuple[str, ...]]
    told_on: date | None
    next_due: date | None


def list_standings(session: Session, *, today: date) -> dict[str, StreetStanding]:
    """Return where each street with a plan stands, by street code."""
    plans: dict[str, list[Plan]] = {}
    chosen = sa.select(Plan).where(Plan.state != PlanState.REPLACED)
    order = (Plan.made_at.desc(), Plan.revision.desc(), Plan.id.desc())
    # The document is large and not looked at here.
    for plan in session.scalars(chosen.order_by(*order).options(defer(Plan.document))):
        plans.setdefault(plan.street_code, []).append(plan)
    running = {
        code: next((one for one in own if one.state == PlanState.RUNNING), None)
        for code, own in plans.items()
    }
    numbers = [plan.id for plan in running.values() if plan is not None]
    tasks: dict[int, list[PlanTask]] = {}
    for task in session.scalars(
        sa.select(PlanTask).where(PlanTask.plan_id.in_(numbers), PlanTask.state != DROPPED)
    ):
        tasks.setdefault(task.plan_id, []).append(task)
    return {
        code: _make_standing(
            code, own[0], at_work, tasks.get(at_work.id, []) if at_work else [], today
        )
        for code, own in sorted(plans.items())
        for at_work in (running[code],)
    }


def _make_standing(
    code: str, newest: Plan, running: Plan | None, tasks: list[PlanTask], today: date
) -> StreetStanding:
    slips = {task.task_no: find_slips(make_dates(task), today) for task in tasks}
    told = [task.told_on for task in tasks if task.told_on is not None]
    due = [task.due_on for task in tasks if task.due_on is not None and task.state != DONE]
    return StreetStanding(
        street_code=code,
        newest=newest,
        running=running,
        tasks=len(tasks),
        done=sum(task.state == DONE for task in tasks),
        progress=sum(task.progress_share for task in tasks) / len(tasks) if tasks else None,
        slips={number: why for number, why in slips.items() if why},
        told_on=max(told, default=None),
        next_due=min(due, default=None),
    )


def make_dates(task: PlanTask) -> TaskDates:
    """Return what decides whether a task slips."""
    return TaskDates(
        state=task.state,
        start_on=task.start_on,
        due_on=task.due_on,
        told_on=task.told_on,
        progress_share=task.progress_share,
    )


def get_evidence(session: Session, order_nos: list[str]) -> pd.DataFrame:
    """Return the orders behind a task, newest first, as far as the session may see them.

    Returns
    -------
        ``order_no received_at text address state outcome item_code cell_code``.
    """
    chosen = (
        sa.select(
            Order.order_no,
            Order.received_at,
            Appeal.text,
            Appeal.address,
            Order.state,
            Order.outcome,
            Order.item_code,
            Order.cell_code,
        )
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(Order.order_no.in_(order_nos))
        .order_by(Order.received_at.desc(), Order.order_no)
    )
    names = [column.name for column in chosen.selected_columns]
    return to_frame(session.execute(chosen), names)


def list_current_tasks(session: Session) -> list[tuple[str, PlanTask]]:
    """Return the tasks of each street's plan in force that are not dropped, with the street, by both."""
    newest = choose_newest_plans()
    chosen = (
        sa.select(Plan.street_code, PlanTask)
        .join(newest, newest.c.id == Plan.id)
        .join(PlanTask, PlanTask.plan_id == Plan.id)
        .where(PlanTask.state != DROPPED)
        .order_by(Plan.street_code, PlanTask.task_no)
    )
    return [(street, task) for street, task in session.execute(chosen)]


def get_reports(
    session: Session, *, kind: str = "", period: str = "", limit: int = 400
) -> pd.DataFrame:
    """Return reports, newest first: ``kind period unit_code made_at``.

    Parameters
    ----------
    kind, period
        Only these; empty for all.
    limit
        At most so many.
    """
    chosen = sa.select(Report.kind, Report.period, Report.unit_code, Report.made_at)
    if kind:
        chosen = chosen.where(Report.kind == kind)
    if period:
        chosen = chosen.where(Report.period == period)
    chosen = chosen.order_by(
        Report.made_at.desc(), Report.kind, Report.period.desc(), Report.unit_code
    ).limit(limit)
    return pd.DataFrame(
        session.execute(chosen).all(), columns=["kind", "period", "unit_code", "made_at"]
    )


def get_report(session: Session, kind: str, period: str, *, unit_code: str = "") -> dict[str, Any]:
    """Return the content of a report.

    Raises
    ------
    NotFoundError
        There is none.
    """
    found = session.scalar(
        sa.select(Report.content).where(
            Report.kind == kind, Report.period == period, Report.unit_code == unit_code
        )
    )
    if found is None:
        raise NotFoundError("report", f"{kind} {period}")
    return dict(found)
