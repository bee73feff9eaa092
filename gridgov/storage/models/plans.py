"""Hotspots and plans as the planner made them, with the progress of their tasks; reports."""

from datetime import date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Code, Id, No
from gridgov.storage.types import BigId, Geom, Json, spatial_index_on


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
    decided_by: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[datetime | None]


class Plan(Base):
    """A fixed revision of one street's plan for one period; never changed, only followed by another."""

    __tablename__ = "plans"
    __table_args__ = (sa.UniqueConstraint("street_code", "period", "revision"),)

    id: Mapped[Id]
    plan_no: Mapped[No] = mapped_column(unique=True)
    street_code: Mapped[Code] = mapped_column(index=True)
    period: Mapped[str] = mapped_column(sa.String(32))
    revision: Mapped[int]
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    """``planner.plans.record`` as JSON."""
    made_at: Mapped[datetime]


class PlanTask(Base):
    """A task of a plan, with what has come of it."""

    __tablename__ = "plan_tasks"
    __table_args__ = (sa.UniqueConstraint("plan_id", "task_no"),)

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("plans.id"))
    task_no: Mapped[str] = mapped_column(sa.String(64))
    hotspot_no: Mapped[str] = mapped_column(sa.String(80), default="")
    title: Mapped[str]
    lead_unit_code: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    helper_unit_codes: Mapped[list[Any]] = mapped_column(Json, default=list)
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(
        sa.String(16), default="open"
    )  # open, running, done, dropped
    progress_share: Mapped[float] = mapped_column(default=0.0)
    note: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime | None]


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
