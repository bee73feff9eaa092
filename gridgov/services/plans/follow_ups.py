"""What follows a rank: talk with the last (末位约谈) and commendation (表彰), from the notice to the result."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import Side
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify
from gridgov.services.plans.records import Person, make_doer, say_topic
from gridgov.storage.audit import log as audit
from gridgov.storage.models.plans import RankFollowUp
from gridgov.storage.scope.apply import without_row_scope

KINDS = ("interview", "commendation")
NOTICED, HELD, CLOSED = "noticed", "held", "closed"
GIVERS = frozenset({Role.SUPERVISOR, Role.PLANNER})
"""Roles above a unit that may call it [A]."""


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Where a unit stood in a month."""

    month: str
    unit_code: str
    rank: int | None = None
    of_units: int | None = None
    score: float | None = None


def give_notice(
    session: Session,
    runtime: CityRuntime,
    rank: Rank,
    kind: str,
    *,
    notice: str,
    due_on: date | None,
    person: Person,
    at: datetime,
) -> RankFollowUp:
    """Give a unit notice that a talk or a commendation follows its rank.

    Raises
    ------
    ForbiddenError
        The account does not stand above the unit.
    GridgovError
        The kind is not known, or the unit has such a notice for the month already.
    """
    if kind not in KINDS:
        raise GridgovError(f"follow-up {kind!r}; expected one of {', '.join(KINDS)}")
    _check_above(runtime, person, rank.unit_code, at)
    row = RankFollowUp(
        kind=kind,
        month=rank.month,
        unit_code=rank.unit_code,
        rank=rank.rank,
        of_units=rank.of_units,
        score=rank.score,
        state=NOTICED,
        notice=mask_text(notice.strip()),
        noticed_at=at,
        due_on=due_on,
        made_by=person.actor.person_key,
    )
    with without_row_scope(session):
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise GridgovError(
                f"{rank.unit_code} has this notice for {rank.month} already; go on with that one"
            ) from error
        _log(session, row, "notice", person, at)
        facts = {
            "unit": runtime.city.names.get(rank.unit_code, rank.unit_code),
            "month": rank.month,
            "due": str(due_on or "—"),
            "text": row.notice or "—",
        }
        topic = f"follow_up_{kind}"
        notify(
            session,
            at=at,
            topic=topic,
            unit_codes=(rank.unit_code,),
            say=say_topic(topic, facts),
            data=facts,
            key=f"follow_up:{kind}:{rank.unit_code}:{rank.month}",
        )
    return row


def record_talk(
    session: Session,
    runtime: CityRuntime,
    number: int,
    *,
    held_on: date,
    persons: str,
    tasks: str,
    person: Person,
    at: datetime,
    seen_version: int,
) -> RankFollowUp:
    """Record who talked when and what was agreed.

    Raises
    ------
    NotFoundError, ConflictError, ForbiddenError
        As elsewhere.
    GridgovError
        Nobody is named, or it is closed.
    """
    row = _get(session, number, seen_version)
    _check_above(runtime, person, row.unit_code, at)
    if row.state == CLOSED:
        raise GridgovError(f"follow-up {number} is closed; its record is kept as it is")
    if not persons.strip():
        raise GridgovError(f"follow-up {number}: nobody is named; write who took part")
    with without_row_scope(session):
        row.state, row.held_on = HELD, held_on
        row.persons, row.tasks = mask_text(persons.strip()), mask_text(tasks.strip())
        _log(session, row, "talk", person, at)
        _flush(session, number)
    return row


def close_follow_up(
    session: Session,
    runtime: CityRuntime,
    number: int,
    *,
    result: str,
    person: Person,
    at: datetime,
    seen_version: int,
) -> RankFollowUp:
    """Close a follow-up with what came of it; raises as :func:`record_talk`."""
    row = _get(session, number, seen_version)
    _check_above(runtime, person, row.unit_code, at)
    if row.state == NOTICED and row.kind == "interview":
        raise GridgovError(f"follow-up {number}: the talk has not been held; record it first")
    if not result.strip():
        raise GridgovError(f"follow-up {number}: no result is given; write what came of it")
    with without_row_scope(session):
        row.state, row.result = CLOSED, mask_text(result.strip())
        _log(session, row, "close", person, at)
        _flush(session, number)
    return row


def _get(session: Session, number: int, seen_version: int) -> RankFollowUp:
    row = session.scalar(sa.select(RankFollowUp).where(RankFollowUp.id == number).with_for_update())
    if row is None:
        raise NotFoundError("follow-up", str(number))
    if row.version != seen_version:
        raise ConflictError("follow-up", str(number), seen=seen_version, found=row.version)
    return row


def _flush(session: Session, number: int) -> None:
    try:
        session.flush()
    except StaleDataError as error:
        raise ConflictError("follow-up", str(number), seen=None, found=None) from error


def _check_above(runtime: CityRuntime, person: Person, unit_code: str, at: datetime) -> None:
    doer = make_doer(runtime, person.actor, unit_code, at=at)
    if person.actor.role not in GIVERS or Side.ABOVE not in doer.sides:
        raise ForbiddenError(
            f"follow-up of {unit_code}: it is for {', '.join(sorted(GIVERS))} of a unit above it, "
            f"not for {person.actor.role} of {person.actor.unit_code}"
        )


def _log(session: Session, row: RankFollowUp, action: str, person: Person, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"follow_up_{action}",
        subject_kind="follow_up",
        subject_no=f"{row.unit_code}:{row.month}:{row.kind}",
        before=None,
        after={
            "state": row.state,
            "held_on": None if row.held_on is None else row.held_on.isoformat(),
            "persons": row.persons,
            "tasks": row.tasks,
            "result": row.result,
        },
        actor=person.actor,
    )
