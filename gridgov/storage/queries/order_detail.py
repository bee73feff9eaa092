"""One order with everything its page shows, in a fixed number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import (
    Callback,
    Dispute,
    Exclusion,
    Issue,
    Order,
    OrderExtension,
    OrderPause,
    Transfer,
)
from gridgov.storage.models.whistles import WhistleCall
from gridgov.storage.scope.apply import without_row_scope

HISTORY_MOST = 200
NEAR_MOST = 60
"""Candidates that are compared for likeness; nearest in time first."""
NEAR_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class OrderDetail:
    """What is known of one order.

    Parameters
    ----------
    order, appeal
        The rows.
    person
        Who said it, where the session may see that.
    siblings
        Other orders of the same appeal.
    issue, members
        The issue to which the order belongs, and its other orders.
    followers
        Orders that were merged into this one.
    transfers, disputes, pauses, extensions, callbacks, exclusions, calls
        In the order in which they happened.
    history
        Entries of the log about the order, first to last.
    people
        Names of the accounts that acted, by person key.
    """

    order: Order
    appeal: Appeal
    person: AppealPerson | None
    siblings: Sequence[Any]
    issue: Issue | None
    members: Sequence[Any]
    followers: Sequence[Any]
    transfers: Sequence[Transfer]
    disputes: Sequence[Dispute]
    pauses: Sequence[OrderPause]
    extensions: Sequence[OrderExtension]
    callbacks: Sequence[Callback]
    exclusions: Sequence[Exclusion]
    calls: Sequence[WhistleCall]
    history: Sequence[LogEntry]
    people: dict[str, str]


def get_order_detail(session: Session, order_no: str) -> OrderDetail:
    """Return an order with everything about it.

    Raises
    ------
    NotFoundError
        There is no such order, or the session does not see it.
    """
    row = session.execute(
        sa.select(Order, Appeal)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(Order.order_no == order_no)
    ).one_or_none()
    if row is None:
        raise NotFoundError("order", order_no)
    order, appeal = row
    history = _get_history(session, order)
    people = {entry.person_key for entry in history if entry.person_key}
    people |= {(entry.after or {}).get("second_person_key", "") for entry in history} - {""}
    found = {
        name: session.scalars(
            sa.select(model).where(model.order_id == order.id).order_by(model.id)
        ).all()
        for name, model in _OF_ORDER
    }
    return OrderDetail(
        order=order,
        appeal=appeal,
        person=session.scalar(sa.select(AppealPerson).where(AppealPerson.appeal_id == appeal.id)),
        siblings=_get_others(session, order, Order.appeal_id == appeal.id),
        issue=None if order.issue_id is None else session.get(Issue, order.issue_id),
        members=()
        if order.issue_id is None
        else _get_others(session, order, Order.issue_id == order.issue_id),
        followers=_get_others(session, order, Order.merged_into == order.order_no),
        history=history,
        people=_get_people(session, people),
        **found,
    )


_OF_ORDER: tuple[tuple[str, Any], ...] = (
    ("transfers", Transfer),
    ("disputes", Dispute),
    ("pauses", OrderPause),
    ("extensions", OrderExtension),
    ("callbacks", Callback),
    ("exclusions", Exclusion),
    ("calls", WhistleCall),
)


def _get_history(session: Session, order: Order) -> Sequence[LogEntry]:
    newest = (
        sa.select(LogEntry)
        .where(LogEntry.subject_kind == "order", LogEntry.subject_no == order.order_no)
        .order_by(LogEntry.id.desc())
        .limit(HISTORY_MOST)
    )
    return session.scalars(newest).all()[::-1]


def _get_others(session: Session, order: Order, same: sa.ColumnElement[bool]) -> Sequence[Any]:
    columns = (Order.order_no, Order.state, Order.unit_code, Order.received_at, Order.item_code)
    query = sa.select(*columns).where(same, Order.id != order.id)
    return session.execute(query.order_by(Order.received_at, Order.id).limit(NEAR_MOST)).all()


def _get_people(session: Session, keys: set[str]) -> dict[str, str]:
    if not keys:
        return {}
    query = sa.select(Account.person_key, Account.name).where(Account.person_key.in_(keys))
    # Who may see an order may know the names of those who acted on it, and of an account no more than that.
    with without_row_scope(session):
        return dict(session.execute(query).all())


def find_near(session: Session, order: Order, cells: Sequence[str]) -> Sequence[Any]:
    """Return orders near one in place and time, or by the same person, that may be about the same thing.

    Parameters
    ----------
    cells
        The order's cell and those around it.

    Returns
    -------
    Rows with what ``gridgov.rules.issues.find`` compares, and ``order_no state unit_code``; nearest in time first.
    """
    appeal = sa.select(Appeal.person_key).where(Appeal.id == order.appeal_id).scalar_subquery()
    span = timedelta(days=NEAR_DAYS)
    near = [Order.cell_code.in_(list(cells))] if cells else []
    query = (
        sa.select(
            Order.order_no,
            Order.state,
            Order.unit_code,
            Order.grade,
            Order.issue_id,
            Order.item_code,
            Order.received_at,
            Appeal.appeal_no,
            Appeal.lon,
            Appeal.lat,
            Appeal.uncertainty_m,
            Appeal.text,
            Appeal.address,
            Appeal.person_key,
        )
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(
            Order.received_at.between(order.received_at - span, order.received_at + span),
            sa.or_(*near, Appeal.person_key == appeal),
        )
        .order_by(sa.func.abs(Order.id - order.id))
        .limit(NEAR_MOST)
    )
    return session.execute(query).all()
