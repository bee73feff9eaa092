"""Candidates for monthly topics (每月一题) as the planner scored them, and what people chose of them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.types import Json


class TopicRow(Base):
    """A candidate of one year and scope, replaced by the next run for them."""

    __tablename__ = "topics"
    __table_args__ = (sa.UniqueConstraint("year", "scope_code", "topic_code"),)

    id: Mapped[Id]
    year: Mapped[int]
    """The year that the topic is for; it is scored on the twelve months before."""
    scope_code: Mapped[str] = mapped_column(sa.String(32), default="")
    """A district's code; empty for the city."""
    topic_code: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str]
    theme_code: Mapped[str] = mapped_column(sa.String(200), default="")
    theme_name: Mapped[str] = mapped_column(default="")
    rank: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """The evidence: ``planner.topics.candidates.TOPIC_COLUMNS``."""
    made_at: Mapped[datetime]


class TopicChoice(Base):
    """What a person decided about a candidate; never changed, a later one follows."""

    __tablename__ = "topic_choices"
    __table_args__ = (sa.Index("ix_topic_choices_year_scope_code", "year", "scope_code"),)

    id: Mapped[Id]
    year: Mapped[int]
    scope_code: Mapped[str] = mapped_column(sa.String(32), default="")
    topic_code: Mapped[str] = mapped_column(sa.String(200))
    is_picked: Mapped[bool]
    month: Mapped[int | None]
    """1-12, for those that were picked."""
    lead_unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    reason: Mapped[str]
    chosen_by: Mapped[str] = mapped_column(sa.String(64))
    chosen_at: Mapped[datetime]
