"""A proposal that an order shall not count: by a person, or because its last try to call back reached nobody."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.needs import Actor
from gridgov.services.outbox.deliver import notify
from gridgov.storage.audit import log as audit
from gridgov.storage.models.orders import Exclusion, Order

NO_CALLBACK = "no_valid_callback"
"""Reason of an exclusion that is proposed after the last try to reach the person."""


def find_proposal(session: Session, row: Order) -> Exclusion | None:
    """Return the exclusion of an order that waits for its second person."""
    query = sa.select(Exclusion).where(
        Exclusion.order_id == row.id,
        Exclusion.approved_at.is_(None),
        Exclusion.withdrawn_at.is_(None),
    )
    return session.scalars(query.limit(1)).first()


def add_proposal(
    session: Session, row: Order, *, actor: Actor, reason_code: str, at: datetime
) -> Exclusion:
    """Write a proposal that the rules have allowed, with log and message; flushed and not committed."""
    exclusion = Exclusion(
        order_id=row.id, reason_code=reason_code, proposed_by=actor.person_key, proposed_at=at
    )
    session.add(exclusion)
    log_exclusion(session, row, "propose_exclusion", actor, at, reason_code=reason_code)
    session.flush()
    _tell(session, row, exclusion)
    return exclusion


def log_exclusion(
    session: Session, row: Order, action: str, actor: Actor, at: datetime, **said: Any
) -> None:
    """Put a step of an exclusion into the log."""
    audit.record(
        session,
        at=at,
        action=action,
        subject_kind="order",
        subject_no=row.order_no,
        before=None,
        after=said,
        actor=actor,
    )


def _tell(session: Session, row: Order, exclusion: Exclusion) -> None:
    def say(language: Language) -> MessageText:
        reason = get_label("exclusion_reason", exclusion.reason_code, language=language)
        facts = {"order_no": row.order_no, "reason": reason}
        return make_text("exclusion_proposed", facts, language)

    notify(
        session,
        at=exclusion.proposed_at,
        topic="exclusion_proposed",
        unit_codes=(row.desk_code,),
        say=say,
        data={"reason_code": exclusion.reason_code},
        order_no=row.order_no,
        key=f"exclusion:{exclusion.id}:proposed",
    )
