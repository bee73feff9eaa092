"""Who of a unit has an order or a task in hand: given by the unit's own, told to the person, on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.services.attachments.subjects import LOG_KINDS, Subject, SubjectKind, get_subject
from gridgov.services.outbox.deliver import notify
from gridgov.storage.audit import log as audit
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.work import Assignment
from gridgov.storage.scope.apply import without_row_scope

GIVERS = frozenset({Role.STREET_CENTRE, Role.HANDLER, Role.SUPERVISOR, Role.DISPATCHER})
"""Roles of a unit that say who of it does the work; everybody may take it themselves [A]."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody of a unit to whom work can go."""

    account_id: int
    name: str
    role: Role


def list_members(session: Session, kind: str, no: str) -> list[Member]:
    """Return the people of the unit that has a thing.

    Raises
    ------
    NotFoundError
        It is not there for this account.
    """
    return _list_people(session, get_subject(session, kind, no))


def _list_people(session: Session, subject: Subject) -> list[Member]:
    query = sa.select(Account.id, Account.name, Account.role).where(
        Account.unit_code == subject.unit_code, Account.active
    )
    with without_row_scope(session):
        rows = session.execute(query.order_by(Account.name, Account.id)).all()
    return [Member(account_id=row.id, name=row.name, role=row.role) for row in rows]


def find_hand(session: Session, kind: str, no: str) -> Assignment | None:
    """Return who has a thing in hand, None for nobody; raises as :func:`list_members`."""
    subject = get_subject(session, kind, no)
    query = (
        sa.select(Assignment)
        .where(
            Assignment.subject_kind == subject.kind.value,
            Assignment.subject_no == subject.no,
            Assignment.ended_at.is_(None),
            # An order that went to another unit is in nobody's hand there.
            Assignment.unit_code == subject.unit_code,
        )
        .order_by(Assignment.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def list_in_hand(session: Session, account_id: int) -> Sequence[Assignment]:
    """Return what somebody has in hand, the newest first."""
    query = sa.select(Assignment).where(
        Assignment.account_id == account_id, Assignment.ended_at.is_(None)
    )
    return session.scalars(query.order_by(Assignment.id.desc())).all()


def assign(
    session: Session,
    kind: str,
    no: str,
    account_id: int | None,
    *,
    actor: Actor,
    by_name: str,
    own_account_id: int,
    at: datetime,
) -> Assignment | None:
    """Give a thing to somebody of its unit, or to nobody; return the row, flushed.

    Parameters
    ----------
    account_id
        Who shall have it; None takes it back from whoever has it.
    by_name, own_account_id
        Who gives it.

    Raises
    ------
    NotFoundError
        It is not there for this account.
    ForbiddenError
        It is another unit's, or the role may only take it for itself.
    GridgovError
        The person is not of this unit.
    """
    subject = get_subject(session, kind, no)
    if subject.kind is SubjectKind.CALL:
        raise GridgovError(f"whistle call {no}: a call goes to units, not to persons")
    if actor.unit_code != subject.unit_code:
        raise ForbiddenError(f"{kind} {no}: is {subject.unit_code}'s, who alone says who does it")
    if actor.role not in GIVERS and account_id not in {own_account_id, None}:
        raise ForbiddenError(f"{kind} {no}: role {actor.role} may take it, not give it to others")
    people = {one.account_id: one for one in _list_people(session, subject)}
    if account_id is not None and account_id not in people:
        raise GridgovError(
            f"{kind} {no}: account {account_id} is nobody of unit {subject.unit_code}"
        )
    before = find_hand(session, kind, no)
    if before is not None and before.account_id == account_id:
        return before
    with without_row_scope(session):
        session.execute(
            sa.update(Assignment)
            .where(
                Assignment.subject_kind == subject.kind.value,
                Assignment.subject_no == subject.no,
                Assignment.ended_at.is_(None),
            )
            .values(ended_at=at)
        )
        made = None
        if account_id is not None:
            made = Assignment(
                subject_kind=subject.kind.value,
                subject_no=subject.no,
                order_id=subject.order_id,
                plan_task_id=subject.plan_task_id,
                account_id=account_id,
                name=people[account_id].name[:80],
                unit_code=subject.unit_code,
                assigned_by=actor.person_key,
                assigned_at=at,
            )
            session.add(made)
        session.flush()
        audit.record(
            session,
            at=at,
            action="assign",
            subject_kind=LOG_KINDS[subject.kind],
            subject_no=subject.log_no,
            before=None if before is None else {"name": before.name},
            after={"name": made.name if made else "", "subject": subject.no},
            actor=actor,
        )
        if made is not None and account_id != own_account_id:
            facts = {"by": by_name, "no": subject.no}
            plan_no = subject.log_no if subject.kind is SubjectKind.TASK else None
            notify(
                session,
                at=at,
                topic="assigned",
                unit_codes=(),
                account_ids=(made.account_id,),
                say=partial(make_text, "assigned", facts),
                data=facts | ({"plan_no": plan_no} if plan_no else {}),
                order_no=subject.order_no,
                key=f"{subject.no}:assigned:{made.id}",
            )
    return made
