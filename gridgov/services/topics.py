"""Monthly topics (每月一题): the planner's candidates kept, and what people choose of them, with reasons."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor
from gridgov.storage.audit import log as audit
from gridgov.storage.models.city import Unit
from gridgov.storage.models.topics import TopicChoice, TopicRow

REASON_LENGTH_MAX = 2000


class TopicChoiceError(GridgovError):
    """A choice lacks its reason or month, or names a unit that there is not.

    Attributes
    ----------
    field
        Name of the form's field.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person decides about a candidate.

    Parameters
    ----------
    is_picked
        Whether it becomes a topic.
    reason
        Why; never empty.
    month
        1-12 where picked.
    lead_unit_code
        The one lead; empty where none is named yet.
    """

    is_picked: bool
    reason: str
    month: int | None = None
    lead_unit_code: str = ""


@dataclass(frozen=True, kw_only=True)
class TopicEntry:
    """A candidate with the last choice about it, None where nobody has chosen."""

    row: TopicRow
    choice: TopicChoice | None


def save_topics(
    session: Session,
    rows: list[dict[str, Any]],
    *,
    year: int,
    scope_code: str,
    at: datetime,
) -> int:
    """Save the candidates of a year and scope in place of earlier ones; choices stay.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    rows
        ``topic_code name theme_code theme_name rank figures``.
    year
        The year that the topics are for.
    scope_code
        A district; empty for the city.
    at
        When they were made, aware.
    """
    session.execute(
        sa.delete(TopicRow).where(TopicRow.year == year, TopicRow.scope_code == scope_code)
    )
    session.add_all(TopicRow(year=year, scope_code=scope_code, made_at=at, **row) for row in rows)
    session.flush()
    return len(rows)


def list_years(session: Session) -> list[int]:
    """Return the years that have candidates, newest first."""
    return list(session.scalars(sa.select(TopicRow.year).distinct().order_by(TopicRow.year.desc())))


def list_scopes(session: Session, year: int) -> list[str]:
    """Return the scopes of a year, the city first."""
    chosen = sa.select(TopicRow.scope_code).where(TopicRow.year == year).distinct()
    return sorted(session.scalars(chosen))


def get_topics(session: Session, *, year: int, scope_code: str) -> list[TopicEntry]:
    """Return the candidates, best first, each with the last choice about it."""
    rows = session.scalars(
        sa.select(TopicRow)
        .where(TopicRow.year == year, TopicRow.scope_code == scope_code)
        .order_by(TopicRow.rank, TopicRow.topic_code)
    ).all()
    choices = {choice.topic_code: choice for choice in _list_choices(session, year, scope_code)}
    return [TopicEntry(row=row, choice=choices.get(row.topic_code)) for row in rows]


def get_history(
    session: Session, *, year: int, scope_code: str, topic_code: str
) -> list[TopicChoice]:
    """Return all choices about a candidate, the first first."""
    return [
        choice
        for choice in _list_choices(session, year, scope_code)
        if choice.topic_code == topic_code
    ]


def _list_choices(session: Session, year: int, scope_code: str) -> list[TopicChoice]:
    chosen = (
        sa.select(TopicChoice)
        .where(TopicChoice.year == year, TopicChoice.scope_code == scope_code)
        .order_by(TopicChoice.id)
    )
    return list(session.scalars(chosen))


def choose_topic(
    session: Session,
    choice: Choice,
    *,
    year: int,
    scope_code: str,
    topic_code: str,
    actor: Actor,
    at: datetime,
) -> TopicChoice:
    """Record what a person decides about a candidate.

    Raises
    ------
    NotFoundError
        There is no such candidate.
    TopicChoiceError
        The reason is empty or too long, the month is none, or the lead is no unit.
    """
    known = session.scalar(
        sa.select(TopicRow.id).where(
            TopicRow.year == year,
            TopicRow.scope_code == scope_code,
            TopicRow.topic_code == topic_code,
        )
    )
    if known is None:
        raise NotFoundError("topic", topic_code)
    _check_choice(session, choice)
    row = TopicChoice(
        year=year,
        scope_code=scope_code,
        topic_code=topic_code,
        is_picked=choice.is_picked,
        month=choice.month if choice.is_picked else None,
        lead_unit_code=choice.lead_unit_code if choice.is_picked else "",
        reason=choice.reason.strip(),
        chosen_by=actor.person_key,
        chosen_at=at,
    )
    session.add(row)
    audit.record(
        session,
        at=at,
        action="choose_topic",
        subject_kind="topic",
        subject_no=f"{year}/{scope_code}/{topic_code}"[:80],
        before=None,
        after={
            "is_picked": row.is_picked,
            "month": row.month,
            "lead_unit_code": row.lead_unit_code,
            "reason": row.reason,
        },
        actor=actor,
    )
    session.flush()
    return row


def _check_choice(session: Session, choice: Choice) -> None:
    reason = choice.reason.strip()
    if not reason or len(reason) > REASON_LENGTH_MAX:
        raise TopicChoiceError(
            "reason",
            f"a choice needs a reason of 1 to {REASON_LENGTH_MAX} characters; found {len(reason)}",
        )
    if not choice.is_picked:
        return
    if choice.month is None or not 1 <= choice.month <= 12:
        raise TopicChoiceError("month", f"month {choice.month!r}; expected 1 to 12")
    if choice.lead_unit_code:
        found = session.scalar(
            sa.select(sa.func.count()).where(Unit.unit_code == choice.lead_unit_code)
        )
        if not found:
            raise TopicChoiceError(
                "lead_unit_code",
                f"unit {choice.lead_unit_code!r}: there is none of this code; expected one of the city's units",
            )
