"""What happened and what must still happen: the log and its chains, signed roots and receipts, messages, imports."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.types import BigId, Json


class LogEntry(Base):
    """One change: who, when, what, before and after, from where. Rows are only added; the database refuses the rest.

    ``hash`` covers all other columns but ``id`` and the hash of the entry before it in its chain
    (``storage/audit.py``).
    """

    __tablename__ = "log_entries"
    __table_args__ = (
        sa.UniqueConstraint("chain", "position"),
        sa.Index("ix_log_entries_subject", "subject_kind", "subject_no", "id"),
        sa.Index("ix_log_entries_at", "at"),
    )

    id: Mapped[Id]
    chain: Mapped[int] = mapped_column(sa.SmallInteger)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(sa.String(40))
    subject_kind: Mapped[str] = mapped_column(sa.String(16))  # order, account, boundary, plan, …
    subject_no: Mapped[str] = mapped_column(sa.String(80))
    person_key: Mapped[str] = mapped_column(sa.String(64))  # empty: the system
    role: Mapped[str] = mapped_column(sa.String(32), default="")
    unit_code: Mapped[str] = mapped_column(sa.String(32), default="")
    origin: Mapped[str] = mapped_column(sa.String(64), default="")  # address, command or job
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class LogHead(Base):
    """Last position and hash of each chain: an entry cut off at the end is missed here."""

    __tablename__ = "log_heads"

    chain: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class Message(Base):
    """The outbox: one row per recipient, written with the change, delivered at least once."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index(
            "ix_messages_waiting",
            "not_before",
            "id",
            postgresql_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
            sqlite_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
        ),
        sa.Index("ix_messages_account_unread", "account_id", "read_at"),
        sa.Index("ix_messages_unit", "unit_code", "id"),
        sa.Index("ix_messages_account", "account_id", "id"),
        sa.Index("ix_messages_order", "order_no"),
    )

    id: Mapped[Id]
    message_key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    """The same event to the same recipient has the same key, so a repeated job adds nothing."""
    event_key: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    """The same for every recipient of an event."""
    channel: Mapped[str] = mapped_column(sa.String(8))  # app, email, webhook
    topic: Mapped[str] = mapped_column(sa.String(32))
    account_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("accounts.id"))
    unit_code: Mapped[str | None] = mapped_column(sa.String(32))
    address: Mapped[str | None]  # e-mail address or webhook URL
    subject: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    order_no: Mapped[str | None] = mapped_column(sa.String(80))
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    delivered_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    shown_at: Mapped[datetime | None]
    """When an open page first showed it; only then has a message in the app reached somebody."""
    read_at: Mapped[datetime | None]


class Webhook(Base):
    """Where to tell another system of a topic."""

    __tablename__ = "webhooks"

    id: Mapped[Id]
    unit_code: Mapped[str] = mapped_column(sa.String(32), index=True)
    topic: Mapped[str] = mapped_column(sa.String(32))
    url: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)


class ImportRun(Base):
    """A file that is being or has been taken in; a second start goes on after the last batch."""

    __tablename__ = "import_runs"
    __table_args__ = (sa.UniqueConstraint("source", "file_hash"),)

    id: Mapped[Id]
    source: Mapped[str] = mapped_column(sa.String(40))
    file_name: Mapped[str]
    file_hash: Mapped[str] = mapped_column(sa.String(64))
    rows_read: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class ImportBatch(Base):
    """One committed batch of an import, written in the batch's own transaction."""

    __tablename__ = "import_batches"

    run_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("import_runs.id"), primary_key=True)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rows: Mapped[int]
    added: Mapped[int]
    known: Mapped[int]
    done_at: Mapped[datetime]


class JobState(Base):
    """When a job last did its work, and up to where."""

    __tablename__ = "job_states"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    done_at: Mapped[datetime]
    value: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class NoticeSetting(Base):
    """The choices of one account (``gridgov.rules.notices.NoticeChoices``); without a row, the defaults."""

    __tablename__ = "notice_settings"

    account_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    chosen: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    digest_hour: Mapped[int] = mapped_column(sa.SmallInteger, default=8)
    """Hour of the city's day at which the digest is sent."""
    webhook_url: Mapped[str] = mapped_column(default="")
    digested_at: Mapped[datetime | None]
    """Up to when messages were gathered into a digest."""


class SignedRoot(Base):
    """The Merkle root over one day's heads, entries and appeals, signed; each names the one before."""

    __tablename__ = "signed_roots"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(unique=True)
    statement: Mapped[dict[str, Any]] = mapped_column(Json)
    hash: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of the statement as it is signed."""
    signature: Mapped[str] = mapped_column(sa.String(128))


class Receipt(Base):
    """One appeal's leaf in a root, and the way up."""

    __tablename__ = "receipts"

    appeal_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("appeals.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(sa.ForeignKey("signed_roots.number"), index=True)
    leaf_index: Mapped[int]
    leaf: Mapped[dict[str, Any]] = mapped_column(Json)
    path: Mapped[bytes]


class CallerSecret(Base):
    """The hash of the words by which the caller of an appeal asks for it; a new one ends the one before."""

    __tablename__ = "caller_secrets"

    appeal_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("appeals.id"), primary_key=True, autoincrement=False
    )
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    made_by: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[datetime]
