"""Hotspots, plans with their life, tasks with their progress, classes of streets, what follows a rank; reports."""

from datetime import date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.rules.plans.life import PlanState
from gridgov.rules.plans.task_life import TaskState
from gridgov.storage.models.base import Base, Code, Id, No
from gridgov.storage.types import BigId, Geom, Json, Word, spatial_index_on


class HotspotRow(Base):
    """A hotspot of one run (``planner.frames.HOTSPOT_COLUMNS``); what the columns leave out is in ``figures``."""

    __tablename__ = "hotspots"
    __table_args__ = (
        sa.UniqueConstraint("run_at", "hotspot_no"),
        spatial_index_on("hotspots", "shape"),
    )

    id: Mapped[Id]
    run_at: Mapped[datetime]
    """The moment from which the run looked back."""
    hotspot_no: Mapped[No]
    kind: Mapped[str] = mapped_column(sa.String(16))
    level1_code: Mapped[str] = mapped_column(sa.String(200))
    item_code: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str]
    street_code: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    community_code: Mapped[str | None] = mapped_column(sa.String(32))
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]
    cells: Mapped[list[Any]] = mapped_column(Json)
    window_start: Mapped[date]
    window_end: Mapped[date]
    count: Mapped[int]
    expected: Mapped[float]
    q: Mapped[float]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    shape: Mapped[shapely.Geometry] = mapped_column(Geom("GEOMETRY"))


class StreetClassRow(Base):
    """The class of a street for a month: the proposal, and a person's decision on it."""

    __tablename__ = "street_classes"
    __table_args__ = (sa.UniqueConstraint("street_code", "month"),)

    id: Mapped[Id]
    street_code: Mapped[Code]
    month: Mapped[str] = mapped_column(sa.String(16))
    proposed: Mapped[str | None] = mapped_column(sa.String(32))
    reasons: Mapped[str] = mapped_column(default="")
    decided: Mapped[str | None] = mapped_column(sa.String(32))
    """Empty text: no class."""
    decided_by: Mapped[str | None] = mapped_column(sa.String(64))
    decided_name: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_reason: Mapped[str] = mapped_column(default="")
    """Why, where it differs from the proposal or changes the class."""


class Plan(Base):
    """A revision of one street's plan for one period; from its approval on the database refuses to change a word."""

    __tablename__ = "plans"
    __table_args__ = (
        sa.UniqueConstraint("street_code", "period", "revision"),
        sa.Index("ix_plans_state", "state", "street_code"),
    )

    id: Mapped[Id]
    plan_no: Mapped[No] = mapped_column(unique=True)
    street_code: Mapped[Code] = mapped_column(index=True)
    period: Mapped[str] = mapped_column(sa.String(32))
    revision: Mapped[int]
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    """``planner.plans.record`` as JSON."""
    made_at: Mapped[datetime]
    state: Mapped[PlanState] = mapped_column(Word(PlanState), default=PlanState.DRAFT)
    state_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every change: who has seen an older one is told so."""
    author_keys: Mapped[list[Any]] = mapped_column(Json, default=list)
    """Who edited or submitted it; none of them may approve it."""
    submitted_by: Mapped[str] = mapped_column(sa.String(64), default="")
    approved_by: Mapped[str] = mapped_column(sa.String(64), default="")
    approved_name: Mapped[str] = mapped_column(default="")
    sealed_at: Mapped[datetime | None]
    closing: Mapped[str] = mapped_column(default="")
    """What was said when it was returned or closed."""
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy declares it so


class PlanTask(Base):
    """A task of a plan, with what has come of it."""

    __tablename__ = "plan_tasks"
    __table_args__ = (sa.UniqueConstraint("plan_id", "task_no"),)

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("plans.id"))
    task_no: Mapped[str] = mapped_column(sa.String(64))
    task_id: Mapped[str] = mapped_column(sa.String(80), default="", index=True)
    """The same in every revision for the same place and problem."""
    street_code: Mapped[str] = mapped_column(sa.String(32), default="")
    hotspot_no: Mapped[str] = mapped_column(sa.String(80), default="")
    title: Mapped[str]
    lead_unit_code: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    helper_unit_codes: Mapped[list[Any]] = mapped_column(Json, default=list)
    start_on: Mapped[date | None]
    due_on: Mapped[date | None]
    state: Mapped[TaskState] = mapped_column(Word(TaskState, 16), default=TaskState.OPEN)
    progress_share: Mapped[float] = mapped_column(default=0.0)
    note: Mapped[str] = mapped_column(default="")
    assignee: Mapped[str] = mapped_column(default="")
    """Name of the person in the unit that answers."""
    told_on: Mapped[date | None]
    """Day of the last step or note."""
    updated_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy declares it so


class TaskStep(Base):
    """What somebody did to a task of a plan, with words and progress; only added."""

    __tablename__ = "plan_task_steps"

    id: Mapped[Id]
    plan_task_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("plan_tasks.id"), index=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(sa.String(16))
    by_key: Mapped[str] = mapped_column(sa.String(64))
    by_name: Mapped[str]
    unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    progress_share: Mapped[float]
    text: Mapped[str] = mapped_column(default="")


class PlanComment(Base):
    """A word of somebody about a plan or one of its tasks; it stays when a newer draft comes."""

    __tablename__ = "plan_comments"
    __table_args__ = (sa.Index("ix_plan_comments_street", "street_code", "at"),)

    id: Mapped[Id]
    street_code: Mapped[Code]
    plan_no: Mapped[No]
    task_id: Mapped[str] = mapped_column(sa.String(80), default="")
    at: Mapped[datetime]
    by_key: Mapped[str] = mapped_column(sa.String(64))
    by_name: Mapped[str]
    unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    text: Mapped[str]


class RankFollowUp(Base):
    """What follows a rank of a month: talk with the last (末位约谈) or commendation (表彰)."""

    __tablename__ = "rank_follow_ups"
    __table_args__ = (sa.UniqueConstraint("month", "unit_code", "kind"),)

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(16))  # interview, commendation
    month: Mapped[str] = mapped_column(sa.String(16))
    unit_code: Mapped[Code] = mapped_column(index=True)
    rank: Mapped[int | None]
    of_units: Mapped[int | None]
    score: Mapped[float | None]
    state: Mapped[str] = mapped_column(sa.String(16), default="noticed")  # noticed, held, closed
    notice: Mapped[str] = mapped_column(default="")
    noticed_at: Mapped[datetime]
    due_on: Mapped[date | None]
    held_on: Mapped[date | None]
    persons: Mapped[str] = mapped_column(default="")
    tasks: Mapped[str] = mapped_column(default="")
    """What was agreed, a line each."""
    result: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str] = mapped_column(sa.String(64))
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy declares it so


class Report(Base):
    """A daily, weekly, monthly or yearly report as it was made (日报告 周分析 月通报 年体检)."""

    __tablename__ = "reports"
    __table_args__ = (sa.UniqueConstraint("kind", "period", "unit_code"),)

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(16))
    period: Mapped[str] = mapped_column(sa.String(32))
    unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[datetime]
