"""Orders against the log: what a row holds is what its last entries say; nobody changed it beside them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.audit.log import make_plain
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order

SUBJECT = "order"
COMPARED = ("state", "unit_code", "outcome", "item_code", "street_code", "merged_into", "until")
"""Columns of an order that every change of them puts into the log."""
CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class OrderFault:
    """An order that is not as the log left it.

    Parameters
    ----------
    order_no
        Which.
    text
        What was found and what was expected.
    """

    order_no: str
    text: str


def reconcile(session: Session) -> list[OrderFault]:
    """Return every order whose row differs from its entries, has none, or is gone while its entries are there.

    Parameters
    ----------
    session
        Of a snapshot: an order that changes meanwhile would look wrong.
    """
    return [*_check_rows(session), *_check_gone(session)]


def _check_rows(session: Session) -> Iterator[OrderFault]:
    columns = [getattr(Order, name) for name in ("id", "order_no", *COMPARED)]
    last = 0
    while True:
        query = sa.select(*columns).where(Order.id > last).order_by(Order.id).limit(CHUNK)
        rows = session.execute(query).mappings().all()
        if not rows:
            return
        last = rows[-1]["id"]
        told = _read_told(session, [row["order_no"] for row in rows])
        for row in rows:
            yield from _compare(row, told.get(row["order_no"]))


def _read_told(session: Session, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the entries say of each order, the later ones over the earlier."""
    query = (
        sa.select(LogEntry.subject_no, LogEntry.after)
        .where(LogEntry.subject_kind == SUBJECT, LogEntry.subject_no.in_(numbers))
        .order_by(LogEntry.chain, LogEntry.position)
    )
    told: dict[str, dict[str, Any]] = {}
    for number, after in session.execute(query):
        told.setdefault(number, {}).update(after or {})
    return told


def _compare(row: Mapping[Any, Any], told: Mapping[str, Any] | None) -> Iterator[OrderFault]:
    number = str(row["order_no"])
    if told is None:
        yield OrderFault(order_no=number, text="the log has no entry of it")
        return
    for name in COMPARED:
        found = make_plain(row[name])
        if name in told and told[name] != found:
            yield OrderFault(
                order_no=number, text=f"{name}: found {found!r}, the log says {told[name]!r}"
            )


def _check_gone(session: Session) -> Iterator[OrderFault]:
    known = sa.select(Order.order_no)
    query = (
        sa.select(LogEntry.subject_no)
        .where(LogEntry.subject_kind == SUBJECT, LogEntry.subject_no.not_in(known))
        .distinct()
        .order_by(LogEntry.subject_no)
    )
    for number in session.scalars(query):
        yield OrderFault(order_no=number, text="the log has entries of it, the order is gone")
