"""The class of a street is decided by a person, from what the review proposes; every decision stays in the log."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import Side
from gridgov.rules.privacy import mask_text
from gridgov.rules.streets import CLASSES
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify
from gridgov.services.plans.records import Person, make_doer, say_topic
from gridgov.storage.audit import log as audit
from gridgov.storage.models.plans import StreetClassRow
from gridgov.storage.scope.apply import without_row_scope

DECIDERS = frozenset({Role.SUPERVISOR, Role.PLANNER})
"""Roles above a street that may decide its class [A]."""


def may_decide(runtime: CityRuntime, person: Person, street_code: str, *, at: datetime) -> bool:
    """Tell whether an account may decide the class of a street: it must stand above it."""
    doer = make_doer(runtime, person.actor, street_code, at=at)
    return person.actor.role in DECIDERS and Side.ABOVE in doer.sides


def decide_class(
    session: Session,
    runtime: CityRuntime,
    street_code: str,
    month: str,
    *,
    decided: str,
    reason: str,
    person: Person,
    at: datetime,
) -> StreetClassRow:
    """Decide the class of a street from a month on; a decision made anew replaces the one before, which the log keeps.

    Parameters
    ----------
    month
        A month that the review has proposed for (``2025-03``).
    decided
        One of ``CLASSES``, empty for none.
    reason
        Needed where it is not what the rules propose.

    Raises
    ------
    NotFoundError
        The review has proposed nothing for this street and month.
    ForbiddenError
        The account does not stand above the street.
    GridgovError
        The class is not known, or a reason is missing.
    """
    row = session.scalar(
        sa.select(StreetClassRow)
        .where(StreetClassRow.street_code == street_code, StreetClassRow.month == month)
        .with_for_update()
    )
    if row is None:
        raise NotFoundError("class of a street", f"{street_code} {month}")
    if not may_decide(runtime, person, street_code, at=at):
        raise ForbiddenError(
            f"class of street {street_code}: it is decided by {', '.join(sorted(DECIDERS))} of a unit above it, "
            f"not by {person.actor.role} of {person.actor.unit_code}"
        )
    if decided and decided not in CLASSES:
        raise GridgovError(f"class {decided!r}; expected one of {', '.join(CLASSES)}, or none")
    words = mask_text(reason.strip())
    if decided != (row.proposed or "") and not words:
        raise GridgovError(
            f"class of street {street_code}: {decided or 'none'} is not what the rules propose "
            f"({row.proposed or 'none'}); give the reason"
        )
    before = {"decided": row.decided, "reason": row.decided_reason}
    with without_row_scope(session):
        row.decided, row.decided_reason = decided, words
        row.decided_by, row.decided_name, row.decided_at = (
            person.actor.person_key,
            person.name,
            at,
        )
        audit.record(
            session,
            at=at,
            action="class_decide",
            subject_kind="street_class",
            subject_no=f"{street_code}:{month}",
            before=before if before["decided"] is not None else None,
            after={"decided": decided, "proposed": row.proposed or "", "reason": words},
            actor=person.actor,
        )
        facts = {
            "street": runtime.city.names.get(street_code, street_code),
            "month": month,
            "by": person.name,
            "text": words or "—",
        }
        notify(
            session,
            at=at,
            topic="class_decided",
            unit_codes=(street_code,),
            say=say_topic("class_decided", facts, class_code=decided),
            data={**facts, "class": decided},
            key=f"class:{street_code}:{month}:{at.isoformat()}",
        )
    return row
