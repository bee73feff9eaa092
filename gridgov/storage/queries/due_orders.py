"""Orders whose clock has come to a point that somebody must hear of."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.db import is_postgres
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.order_clocks import STOPPED

LONGEST_SPAN = timedelta(days=120)
"""No limit, with pauses and holidays, is longer than this; what is due later is not due soon by any share."""
ENDING = (OrderState.SUPERVISED,)
"""States that last until a date, and longer if nobody ends them."""


def _running() -> list[sa.ColumnElement[bool]]:
    return [
        Order.outcome == Outcome.OPEN,
        Order.replied_at.is_(None),
        Order.state.not_in(STOPPED),
    ]


def _as_number(session: Session, moment: Any) -> sa.ColumnElement[Any]:
    """Return a moment as a number that grows evenly: seconds on PostgreSQL, days on SQLite."""
    if is_postgres(session):
        return sa.func.date_part("epoch", moment)  # unlike extract, not an exact and slow number
    return sa.func.julianday(moment)


def _make_moment(session: Session, end: Any, *, share: float) -> sa.ColumnElement[Any]:
    """Return when `share` of the time from receipt to `end` is left, as a number."""
    last, first = _as_number(session, end), _as_number(session, Order.received_at)
    return last - (last - first) * share


def _make_point(session: Session, at: datetime) -> sa.ColumnElement[Any]:
    """Return a moment as a number to compare with."""
    return _as_number(session, sa.literal(at, Order.received_at.type))


def find_due_soon(
    session: Session, *, now: datetime, share: float, at_most: int
) -> Sequence[Order]:
    """Return open orders of whose time `share` or less is left and of which nobody was warned, the next due first."""
    query = sa.select(Order).where(
        *_running(),
        Order.warned_at.is_(None),
        Order.overdue_at.is_(None),
        Order.due_at >= now,
        Order.due_at <= now + LONGEST_SPAN * share,
        _make_moment(session, Order.due_at, share=share) <= _make_point(session, now),
    )
    return session.scalars(query.order_by(Order.due_at, Order.id).limit(at_most)).all()


def find_overdue(session: Session, *, now: datetime, at_most: int) -> Sequence[Order]:
    """Return open orders whose time is over and of which nobody was told, the longest overdue first."""
    query = sa.select(Order).where(*_running(), Order.overdue_at.is_(None), Order.due_at < now)
    return session.scalars(query.order_by(Order.due_at, Order.id).limit(at_most)).all()


def find_long_overdue(
    session: Session, *, since: datetime, now: datetime, after: timedelta
) -> Sequence[Order]:
    """Return open orders that have become overdue by `after` between `since`, excluded, and `now`."""
    query = sa.select(Order).where(
        *_running(), Order.due_at > since - after, Order.due_at <= now - after
    )
    return session.scalars(query.order_by(Order.due_at, Order.id)).all()


def find_contact_due_soon(
    session: Session, *, since: datetime, now: datetime, share: float
) -> Sequence[Order]:
    """Return orders of whose time to first contact only `share` is left, since `since`, excluded."""
    moment = _make_moment(session, Order.contact_by, share=share)
    query = sa.select(Order).where(
        *_uncontacted(),
        Order.contact_by > now,
        moment > _make_point(session, since),
        moment <= _make_point(session, now),
    )
    return session.scalars(query.order_by(Order.contact_by, Order.id)).all()


def find_contact_overdue(session: Session, *, since: datetime, now: datetime) -> Sequence[Order]:
    """Return orders whose time to first contact has ended between `since`, excluded, and `now`."""
    query = sa.select(Order).where(
        *_uncontacted(), Order.contact_by > since, Order.contact_by <= now
    )
    return session.scalars(query.order_by(Order.contact_by, Order.id)).all()


def _uncontacted() -> list[sa.ColumnElement[bool]]:
    return [
        Order.outcome == Outcome.OPEN,
        Order.contacted_at.is_(None),
        Order.replied_at.is_(None),
    ]


def find_ended(session: Session, *, since: date, today: date) -> Sequence[Order]:
    """Return supervised orders whose last day lies between `since`, included, and `today`, excluded."""
    query = sa.select(Order).where(
        Order.state.in_(ENDING), Order.until >= since, Order.until < today
    )
    return session.scalars(query.order_by(Order.until, Order.id)).all()


def find_pauses_over(session: Session, *, today: date) -> Sequence[str]:
    """Return the numbers of suspended orders whose last day lies before `today`, however long ago."""
    query = sa.select(Order.order_no).where(
        Order.outcome == Outcome.OPEN, Order.state == OrderState.SUSPENDED, Order.until < today
    )
    return session.scalars(query.order_by(Order.until, Order.id)).all()


def mark(session: Session, order_ids: Sequence[int], column: str, *, at: datetime) -> set[int]:
    """Write a moment into `column` of orders that have none there; return those that now have this one.

    Their version stays as it is: a person who looks at the order has seen all that matters to a decision.
    """
    cell = getattr(Order, column)
    query = (
        sa.update(Order)
        .where(Order.id.in_(order_ids), cell.is_(None))
        .values({column: at, "version": Order.version})
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(query))
