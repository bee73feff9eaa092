"""Orders and what happens to them: transfers, disputes, pauses, issues, callbacks, exclusions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.base import Base, Code, Id, No
from gridgov.storage.types import BigId, Json, Word


class Outcome(StrEnum):
    """What an order counts as."""

    OPEN = "open"
    SOLVED = "solved"
    PARTLY = "partly"
    UNSOLVED = "unsolved"
    EXCLUDED = "excluded"
    MERGED = "merged"


class Order(Base):
    """What a unit must do; one appeal has one order or more.

    The place and the item stand here again, so that lists and counts read one narrow table.
    """

    __tablename__ = "orders"
    __table_args__ = (
        # What lists are filtered by stands in the indexes that sort them, so that a rare item of a large street is
        # found without fetching all of its orders.
        sa.Index(
            "ix_orders_unit_received",
            "unit_code",
            "received_at",
            "id",
            postgresql_include=["street_code", "level1_code", "item_code", "outcome"],
        ),
        sa.Index(
            "ix_orders_street_received",
            "street_code",
            "received_at",
            "id",
            postgresql_include=["unit_code", "level1_code", "item_code", "outcome"],
        ),
        sa.Index("ix_orders_received", "received_at", "id"),
        sa.Index("ix_orders_cell", "cell_code"),
        sa.Index("ix_orders_appeal", "appeal_id"),
        sa.Index(
            "ix_orders_issue",
            "issue_id",
            postgresql_where=sa.text("issue_id IS NOT NULL"),
            sqlite_where=sa.text("issue_id IS NOT NULL"),
        ),
        # Only open orders are watched: these stay small however long the history grows.
        sa.Index(
            "ix_orders_open_due",
            "due_at",
            "unit_code",
            postgresql_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
            sqlite_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
        ),
        sa.Index(
            "ix_orders_unit_open",
            "unit_code",
            "state",
            "due_at",
            # With these, what a day's first page counts is in the index alone.
            postgresql_include=[
                "replied_at",
                "contacted_at",
                "contact_by",
                "review",
                "calls_missed",
                "call_again_at",
            ],
            postgresql_where=sa.text("outcome = 'open'"),
            sqlite_where=sa.text("outcome = 'open'"),
        ),
        sa.Index(
            "ix_orders_open_state",
            "state",
            postgresql_where=sa.text("outcome = 'open'"),
            sqlite_where=sa.text("outcome = 'open'"),
        ),
        sa.Index(
            "ix_orders_emergency",
            "street_code",
            postgresql_where=sa.text("route = 'emergency'"),
            sqlite_where=sa.text("route = 'emergency'"),
        ),
        sa.Index(
            "ix_orders_merged_into",
            "merged_into",
            postgresql_where=sa.text("merged_into <> ''"),
            sqlite_where=sa.text("merged_into <> ''"),
        ),
        sa.Index(
            "ix_orders_open_review",
            "unit_code",
            postgresql_where=sa.text("outcome = 'open' AND review IS TRUE"),
            sqlite_where=sa.text("outcome = 'open' AND review IS 1"),
        ),
    )

    id: Mapped[Id]
    order_no: Mapped[No] = mapped_column(unique=True)
    appeal_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("appeals.id"))
    issue_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("issues.id"))
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes: who comes with an older one has seen an older order."""
    # gridgov.rules.orders.needs.OrderFacts
    state: Mapped[OrderState] = mapped_column(Word(OrderState))
    state_at: Mapped[datetime]
    unit_code: Mapped[Code]
    desk_code: Mapped[Code]
    bound_unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    until: Mapped[date | None]
    merged_into: Mapped[str] = mapped_column(sa.String(80), default="")
    replied_by: Mapped[str] = mapped_column(sa.String(64), default="")
    extension_until: Mapped[date | None]
    """Day until which an extension is asked for and not yet decided."""
    extensions: Mapped[int] = mapped_column(default=0, server_default="0")
    """Extensions that were granted."""
    bounces: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it went from one unit to another."""
    handover_no: Mapped[str] = mapped_column(sa.String(64), default="", server_default="")
    """Number under which an emergency service has it."""
    # dispatch and deadlines
    route: Mapped[str] = mapped_column(sa.String(32))
    grade: Mapped[str] = mapped_column(sa.String(16))
    review: Mapped[bool]
    reasons: Mapped[str]
    dispatched_at: Mapped[datetime | None]
    contact_by: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    clock_from: Mapped[datetime | None]
    """When both clocks began anew, None where that was the receipt."""
    warned_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    """When the watch found it overdue."""
    contacted_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    # evaluation: the callback that counts
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome), default=Outcome.OPEN)
    called_at: Mapped[datetime | None]
    contacted: Mapped[bool | None]
    solved: Mapped[str | None] = mapped_column(sa.String(8))  # true, partly, false
    satisfied: Mapped[str | None] = mapped_column(sa.String(16))
    calls_missed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Callbacks in a row that reached nobody."""
    call_again_at: Mapped[datetime | None]
    """When to try again; None where nobody was missed, or the tries are over."""
    # copies of the appeal's, for lists and counts
    received_at: Mapped[datetime]
    kind: Mapped[str | None]
    item_code: Mapped[str | None] = mapped_column(sa.String(200))
    level1_code: Mapped[str | None] = mapped_column(sa.String(200))
    cell_code: Mapped[str | None] = mapped_column(sa.String(40))
    community_code: Mapped[str | None] = mapped_column(sa.String(32))
    street_code: Mapped[str | None] = mapped_column(sa.String(32))
    district_code: Mapped[str | None] = mapped_column(sa.String(32))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    boundary_version: Mapped[str] = mapped_column(sa.String(64))

    appeal: Mapped[Appeal] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy declares it so


class OrderPause(Base):
    """A span in which the final clock stands still, with its reason (挂账 and the like)."""

    __tablename__ = "order_pauses"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    paused_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]
    reason_code: Mapped[str] = mapped_column(sa.String(64))


class Transfer(Base):
    """An order went from one unit to another."""

    __tablename__ = "transfers"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    from_unit_code: Mapped[Code] = mapped_column(index=True)
    to_unit_code: Mapped[Code]
    action: Mapped[str] = mapped_column(sa.String(32))
    reason_code: Mapped[str] = mapped_column(sa.String(64), default="")
    made_by: Mapped[str] = mapped_column(sa.String(64))


class Dispute(Base):
    """A unit says that the place is not its own; with evidence, a conference and a decision."""

    __tablename__ = "disputes"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    unit_code: Mapped[Code]
    ground: Mapped[str] = mapped_column(sa.String(16))
    text: Mapped[str] = mapped_column(default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(Json)
    ruling: Mapped[dict[str, Any]] = mapped_column(Json)
    """What the rule says of it (``gridgov.rules.orders.disputes.Ruling``)."""
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(sa.String(64))
    conference_at: Mapped[datetime | None]
    """When it was called; it sits on ``conference_on`` with ``persons``, and ``minutes`` say what came of it."""
    conference_on: Mapped[date | None]
    persons: Mapped[str] = mapped_column(default="", server_default="")
    minutes: Mapped[str] = mapped_column(default="", server_default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(64))
    decision: Mapped[str | None] = mapped_column(sa.String(16))  # upheld, rejected, conference
    to_unit_code: Mapped[str | None] = mapped_column(sa.String(32))


class OrderFile(Base):
    """A file kept with an order: a photo as evidence, the minutes of a conference."""

    __tablename__ = "order_files"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    kind: Mapped[str] = mapped_column(sa.String(8))  # pdf, png, jpg, docx, xlsx
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes]
    added_by: Mapped[str] = mapped_column(sa.String(64))
    added_at: Mapped[datetime]


class OrderExtension(Base):
    """A later deadline that a unit asked for (延期), and what was decided."""

    __tablename__ = "order_extensions"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    until: Mapped[date]
    reason_code: Mapped[str] = mapped_column(sa.String(64))
    text: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str] = mapped_column(sa.String(64))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[datetime | None]
    granted: Mapped[bool | None]
    due_before: Mapped[datetime | None]


class Issue(Base):
    """Several appeals on the same thing at the same place; members are the orders that name it."""

    __tablename__ = "issues"

    id: Mapped[Id]
    issue_no: Mapped[No] = mapped_column(unique=True)
    title: Mapped[str]
    item_code: Mapped[str | None] = mapped_column(sa.String(200))
    cell_code: Mapped[str | None] = mapped_column(sa.String(40))
    split_from: Mapped[str] = mapped_column(sa.String(80), default="")
    created_at: Mapped[datetime]


class IssueStep(Base):
    """A merge or split (``gridgov.rules.issues.lineage.LineageRecord``); rows are only added."""

    __tablename__ = "issue_steps"

    id: Mapped[Id]
    step: Mapped[str] = mapped_column(sa.String(8))
    issue_no: Mapped[No] = mapped_column(index=True)
    other_no: Mapped[No] = mapped_column(index=True)
    order_nos: Mapped[list[Any]] = mapped_column(Json)
    at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(sa.String(64))
    reason: Mapped[str]


class Callback(Base):
    """A call to the person after the limit; which of several counts is decided by ``rules.callbacks``."""

    __tablename__ = "callbacks"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    called_at: Mapped[datetime]
    contacted: Mapped[bool | None]
    solved: Mapped[str | None] = mapped_column(sa.String(8))
    satisfied: Mapped[str | None] = mapped_column(sa.String(16))
    not_reached: Mapped[str] = mapped_column(sa.String(32), default="", server_default="")
    """Why nobody was reached, empty where somebody was."""
    note: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str] = mapped_column(sa.String(64))


class Exclusion(Base):
    """An order that does not count: reason, who proposed it, who approved it."""

    __tablename__ = "exclusions"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("orders.id"), index=True)
    reason_code: Mapped[str] = mapped_column(sa.String(64))
    proposed_by: Mapped[str] = mapped_column(sa.String(64))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(sa.String(64))
    approved_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
