"""Whistle calls as records (``gridgov.rules.whistles.call``): who was called, who came, what is done."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gridgov.rules.whistles.call import UnitState
from gridgov.storage.models.base import Base, Code, Id, No
from gridgov.storage.types import BigId, Json, Word


class WhistleCall(Base):
    """A street convened the units that must come."""

    __tablename__ = "whistle_calls"
    __table_args__ = (
        sa.Index("ix_whistle_calls_street_blown", "street_code", "blown_at"),
        sa.Index("ix_whistle_calls_closed_at", "closed_at"),
    )

    id: Mapped[Id]
    call_no: Mapped[No] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    unit_code: Mapped[Code]
    """The street's unit that blew."""
    street_code: Mapped[Code]
    item_code: Mapped[str] = mapped_column(sa.String(200))
    cell_code: Mapped[str] = mapped_column(sa.String(40), default="")
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    reason: Mapped[str] = mapped_column(default="")
    blown_at: Mapped[datetime]
    blown_by: Mapped[str] = mapped_column(sa.String(64))
    closed_at: Mapped[datetime | None]
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    """The answer of ``rules.whistle`` by which it was blown: stages, critical path, superior, faults."""

    units: Mapped[list["CalledUnit"]] = relationship(
        order_by="CalledUnit.position", lazy="raise", back_populates="call"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy declares it so


class CalledUnit(Base):
    """One unit in a call (``rules.whistle_call.CalledState``)."""

    __tablename__ = "called_units"
    __table_args__ = (
        sa.UniqueConstraint("call_id", "unit_code"),
        sa.Index("ix_called_units_unit_state", "unit_code", "state"),
    )

    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("whistle_calls.id"))
    position: Mapped[int]
    unit_code: Mapped[Code]
    stage: Mapped[int]
    duties: Mapped[list[Any]] = mapped_column(Json)
    done: Mapped[list[Any]] = mapped_column(Json, default=list)
    state: Mapped[UnitState] = mapped_column(Word(UnitState))
    report_in_by: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    inside: Mapped[bool | None]
    raised_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    street_rating: Mapped[int | None]
    unit_rating: Mapped[int | None]

    call: Mapped[WhistleCall] = relationship(back_populates="units", lazy="raise")
    check_ins: Mapped[list["CheckIn"]] = relationship(order_by="CheckIn.id", lazy="raise")


class CheckIn(Base):
    """Somebody of a called unit says that they are there."""

    __tablename__ = "check_ins"

    id: Mapped[Id]
    called_unit_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("called_units.id"), index=True)
    person_key: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    street_code: Mapped[str] = mapped_column(sa.String(32), default="")
    authority: Mapped[str] = mapped_column(sa.String(8))
    brought: Mapped[list[Any] | None] = mapped_column(Json)
    """Powers that they said they brought; None where nobody asked."""
    accuracy_m: Mapped[float | None]
    is_sure: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    by_name: Mapped[str] = mapped_column(sa.String(80), default="", server_default="")
    note: Mapped[str] = mapped_column(default="", server_default="")
