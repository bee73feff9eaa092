"""Messages in the app as an inbox: of a person, of a unit; shown and read are on record, and only then has it reached.

Every question names the account or the unit itself: auditor and administrator see every message, and have an inbox of
their own all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.notices import Mode, NoticeChoices, NoticeKind, Way, list_topics
from gridgov.services.outbox.deliver import APP, make_key
from gridgov.storage.models.journal import Message
from gridgov.storage.scope.apply import Scope, without_row_scope

MOST_COUNTED = 100
"""Beyond, the bell says 99+: nobody reads a number of three digits, and counting on costs time at every page."""
MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class UnitEvent:
    """One event of which a unit was told, over all of its people.

    Parameters
    ----------
    newest
        One of its messages.
    told, shown, read
        People who were written to, on whose open page it stood, who opened it.
    shown_at, read_at
        When first, None for never.
    """

    newest: Message
    told: int
    shown: int
    read: int
    shown_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far an event has reached a unit: ``told`` people, the first sight of it, and the first who opened it."""

    told: int = 0
    shown_at: datetime | None = None
    read_at: datetime | None = None

    @property
    def state(self) -> str:
        """Return ``read``, ``shown``, ``sent``, or ``nobody`` where the unit has no account to tell."""
        if self.read_at is not None:
            return "read"
        if self.shown_at is not None:
            return "shown"
        return "sent" if self.told else "nobody"


def is_own(scope: Scope) -> sa.ColumnElement[bool]:
    """Return which messages are in somebody's inbox: their own, and those to their unit as such."""
    unit = sa.and_(Message.account_id.is_(None), Message.unit_code == scope.unit_code)
    return sa.and_(Message.channel == APP, sa.or_(Message.account_id == scope.account_id, unit))


def is_of_kinds(kinds: Iterable[NoticeKind]) -> sa.ColumnElement[bool]:
    """Return which messages are of some kinds; topics that are named nowhere are of orders."""
    wanted = frozenset(kinds)
    if NoticeKind.ORDER in wanted:
        return Message.topic.not_in(list_topics(frozenset(NoticeKind) - wanted))
    return Message.topic.in_(list_topics(wanted))


def count_unread(session: Session, scope: Scope, choices: NoticeChoices) -> int:
    """Return how many messages the bell counts, at most :data:`MOST_COUNTED`."""
    counted = choices.list_kinds(Way.APP, Mode.NOW)
    waiting = (
        sa.select(Message.id)
        .where(is_own(scope), Message.read_at.is_(None), is_of_kinds(counted))
        .limit(MOST_COUNTED)
    )
    return session.scalar(sa.select(sa.func.count()).select_from(waiting.subquery())) or 0


def find_newest(session: Session, scope: Scope) -> int:
    """Return the number of the newest message that nobody has read, 0 for none: by it an open page knows what is new.

    The count does not tell: it stands still where one is read as another comes, and at :data:`MOST_COUNTED`.
    """
    waiting = sa.select(Message.id).where(is_own(scope), Message.read_at.is_(None))
    return session.scalar(waiting.order_by(Message.id.desc()).limit(1)) or 0


def list_notices(
    session: Session,
    scope: Scope,
    *,
    kinds: Iterable[NoticeKind] = tuple(NoticeKind),
    only_unread: bool = False,
    before_id: int | None = None,
    at_most: int = 50,
) -> list[Message]:
    """Return somebody's messages, the newest first.

    Parameters
    ----------
    before_id
        Only older ones than this message; None for the newest.
    """
    query = sa.select(Message).where(is_own(scope), is_of_kinds(kinds))
    if only_unread:
        query = query.where(Message.read_at.is_(None))
    if before_id is not None:
        query = query.where(Message.id < before_id)
    return list(session.scalars(query.order_by(Message.id.desc()).limit(at_most)))


def list_unit_events(
    session: Session,
    scope: Scope,
    *,
    kinds: Iterable[NoticeKind] = tuple(NoticeKind),
    at_most: int = MOST_SHOWN,
) -> list[UnitEvent]:
    """Return what the visitor's unit was told, the newest first: what none of its people has opened is seen here."""
    event = sa.case((Message.event_key != "", Message.event_key), else_=Message.message_key)
    grouped = (
        sa.select(
            sa.func.max(Message.id).label("id"),
            sa.func.count(Message.id).label("told"),
            sa.func.count(Message.shown_at).label("shown"),
            sa.func.count(Message.read_at).label("read"),
            sa.func.min(Message.shown_at).label("shown_at"),
            sa.func.min(Message.read_at).label("read_at"),
        )
        .where(Message.channel == APP, Message.unit_code == scope.unit_code, is_of_kinds(kinds))
        .group_by(event)
        .order_by(sa.func.max(Message.id).desc())
        .limit(at_most)
    )
    # Colleagues' messages are seen here as numbers; who of them has read what stays theirs.
    with without_row_scope(session):
        rows = session.execute(grouped).all()
        query = sa.select(Message).where(Message.id.in_([row.id for row in rows]))
        messages = {one.id: one for one in session.scalars(query)}
    return [
        UnitEvent(
            newest=messages[row.id],
            told=row.told,
            shown=row.shown,
            read=row.read,
            shown_at=row.shown_at,
            read_at=row.read_at,
        )
        for row in rows
    ]


def mark_shown(session: Session, scope: Scope, *, at: datetime) -> list[Message]:
    """Put on record that what was new stands on an open page now; return it, the newest first.

    Two pages of one person that ask at the same moment share it: each message is returned once.
    """
    new = (
        sa.select(Message)
        .where(is_own(scope), Message.read_at.is_(None), Message.shown_at.is_(None))
        .order_by(Message.id.desc())
        .limit(MOST_SHOWN)
        .with_for_update(skip_locked=True)
    )
    found = list(session.scalars(new))
    for message in found:
        message.shown_at = at
    return found


def mark_read(
    session: Session,
    scope: Scope,
    *,
    at: datetime,
    ids: Sequence[int] | None = None,
    order_no: str | None = None,
) -> int:
    """Put on record that somebody opened messages of theirs; return how many were not read before.

    Parameters
    ----------
    ids, order_no
        These messages, or all about this order; with neither all of the inbox.
    """
    chosen = [is_own(scope), Message.read_at.is_(None)]
    if ids is not None:
        chosen.append(Message.id.in_(ids))
    if order_no is not None:
        chosen.append(Message.order_no == order_no)
    query = (
        sa.update(Message)
        .where(*chosen)
        .values(read_at=at, shown_at=sa.func.coalesce(Message.shown_at, at))
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(query).rowcount)  # type: ignore[attr-defined]  # an UPDATE has a count


def find_reach(
    session: Session, key: str, *, order_no: str | None, unit_codes: Iterable[str]
) -> Mapping[str, Reach]:
    """Return how far an event has reached each of some units.

    Parameters
    ----------
    key
        The event, as it was given to ``outbox.notify``.
    order_no
        The order it is about.
    """
    units = tuple(unit_codes)
    query = (
        sa.select(
            Message.unit_code,
            sa.func.count(Message.account_id).label("told"),
            sa.func.min(Message.shown_at).label("shown_at"),
            sa.func.min(Message.read_at).label("read_at"),
        )
        .where(
            Message.order_no == order_no,
            Message.event_key == make_key("event", key),
            Message.channel == APP,
            Message.unit_code.in_(units),
        )
        .group_by(Message.unit_code)
    )
    with without_row_scope(session):
        rows = session.execute(query).all()
    found = {
        row.unit_code: Reach(told=row.told, shown_at=row.shown_at, read_at=row.read_at)
        for row in rows
    }
    return {code: found.get(code, Reach()) for code in units}
