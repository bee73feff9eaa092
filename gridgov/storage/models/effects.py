"""What the planner computed of what was done: effects of tasks, and analyses of the whole city kept as documents."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Code, Id
from gridgov.storage.types import Json


class TaskEffect(Base):
    """The effect of a task that is done, as it was judged last; the same task done anew is another row."""

    __tablename__ = "task_effects"
    __table_args__ = (sa.UniqueConstraint("task_id", "done_on"),)

    id: Mapped[Id]
    task_id: Mapped[str] = mapped_column(sa.String(80))
    done_on: Mapped[date]
    plan_no: Mapped[str] = mapped_column(sa.String(80), index=True)
    task_no: Mapped[str] = mapped_column(sa.String(64))
    street_code: Mapped[Code] = mapped_column(index=True)
    title: Mapped[str]
    watch_to: Mapped[date]
    """Last day of the watch."""
    answer: Mapped[str] = mapped_column(sa.String(16))
    """``planner.effect.Answer``."""
    reason: Mapped[str] = mapped_column(sa.String(32), default="")
    """Why it is too early; empty otherwise."""
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """``planner.jobs.done_tasks.make_figures``."""
    judged_at: Mapped[datetime]


class Analysis(Base):
    """An analysis of the whole city as pages show it, replaced by the next one of its kind."""

    __tablename__ = "analyses"

    kind: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    made_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
