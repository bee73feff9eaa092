"""Who looked at a person's data and who took a file away: on record in the log, like every change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.orders.needs import Actor
from gridgov.storage.audit import log as audit
from gridgov.storage.models.journal import LogEntry

ACCOUNT, PERSON, EXPORT = "account", "person", "export"
SECURITY_KINDS = (ACCOUNT, PERSON, EXPORT)
"""Subjects of the log that are about who did or saw what, and change nothing that a page shows."""

EVENTS = (
    *("sign_in", "sign_in_wrong", "lock_account", "sign_out", "view_person", "export"),
    *("add_account", "set_password", "code_on", "code_off", "reset_code"),
    *("enable_account", "disable_account", "make_token", "end_token"),
)
"""What such entries say was done."""


def record_view(
    session: Session, order_no: str, *, actor: Actor, origin: str, now: datetime
) -> None:
    """Put on record that somebody was shown the person of an order."""
    _record(session, "view_person", (PERSON, order_no), actor=actor, origin=origin, now=now)


def record_export(
    session: Session,
    name: str,
    asked: Mapping[str, Any],
    *,
    actor: Actor,
    origin: str,
    now: datetime,
) -> None:
    """Put on record that somebody took a file away.

    Parameters
    ----------
    name
        What was exported, such as ``orders.export_csv``.
    asked
        Which part of it; no words that somebody typed.
    """
    _record(
        session, "export", (EXPORT, name[:80]), actor=actor, origin=origin, now=now, after=asked
    )


def _record(
    session: Session,
    action: str,
    subject: tuple[str, str],
    *,
    actor: Actor,
    origin: str,
    now: datetime,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        at=now,
        action=action,
        subject_kind=subject[0],
        subject_no=subject[1],
        before=None,
        after=after,
        actor=actor,
        origin=origin[:64],
    )


def list_events(
    session: Session, *, kind: str = "", subject_no: str = "", limit: int = 200
) -> Sequence[LogEntry]:
    """Return security events, the newest first.

    Parameters
    ----------
    kind
        One of :data:`SECURITY_KINDS`; all if empty.
    subject_no
        Login, order or export; all if empty.
    """
    kinds = (kind,) if kind in SECURITY_KINDS else SECURITY_KINDS
    query = sa.select(LogEntry).where(LogEntry.subject_kind.in_(kinds))
    if subject_no:
        query = query.where(LogEntry.subject_no == subject_no)
    return session.scalars(query.order_by(LogEntry.id.desc()).limit(limit)).all()
