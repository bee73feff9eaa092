"""What people add to orders, calls and tasks while they work: files, and who of a unit has it in hand."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.types import BigId


class Attachment(Base):
    """A file with an order, a whistle call or a task; its bytes lie outside, under their hash.

    An order's number for orders, a call's for calls (with the duty, where it is about one), a plan's and a task's for
    tasks. ``order_id`` or ``plan_task_id`` says who may see it.
    """

    __tablename__ = "attachments"
    __table_args__ = (sa.Index("ix_attachments_subject", "subject_kind", "subject_no", "id"),)

    id: Mapped[Id]
    file_no: Mapped[str] = mapped_column(sa.String(36), unique=True)
    """Random, or the number that a phone gave it before it was sent: sent twice it is kept once."""
    subject_kind: Mapped[str] = mapped_column(sa.String(8))
    subject_no: Mapped[str] = mapped_column(sa.String(160))
    order_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    plan_task_id: Mapped[int | None] = mapped_column(
        BigId, sa.ForeignKey("plan_tasks.id"), index=True
    )
    kind: Mapped[str] = mapped_column(sa.String(8))
    name: Mapped[str] = mapped_column(sa.String(120))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    added_by: Mapped[str] = mapped_column(sa.String(64))
    by_name: Mapped[str] = mapped_column(sa.String(80))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    added_at: Mapped[datetime]
    removed_by: Mapped[str | None] = mapped_column(sa.String(64))
    removed_at: Mapped[datetime | None]


class Assignment(Base):
    """Who of a unit has an order or a task in hand; the last row that has not ended counts."""

    __tablename__ = "assignments"
    __table_args__ = (
        sa.Index("ix_assignments_subject", "subject_kind", "subject_no", "id"),
        sa.Index("ix_assignments_account", "account_id", "ended_at"),
    )

    id: Mapped[Id]
    subject_kind: Mapped[str] = mapped_column(sa.String(8))
    subject_no: Mapped[str] = mapped_column(sa.String(160))
    order_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    plan_task_id: Mapped[int | None] = mapped_column(
        BigId, sa.ForeignKey("plan_tasks.id"), index=True
    )
    account_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    assigned_by: Mapped[str] = mapped_column(sa.String(64))
    assigned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
