"""What a caller is told by a number and a secret: no account, no personal data, and a receipt to keep."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.orders.needs import Actor
from gridgov.services.orders.rows import get_order
from gridgov.services.receipts.seal import get_key
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit import log as audit
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import CallerSecret, Receipt, SignedRoot
from gridgov.storage.models.orders import Order
from gridgov.storage.scope.apply import without_row_scope

SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without those that are taken for each other on the telephone or on paper."""
LENGTH = 12
"""58 bits: with the limit on asking nobody guesses one."""
FORM = "gridgov-receipt/1"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happened to an order, and when."""

    name: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderStatus:
    """An order as its caller sees it.

    Parameters
    ----------
    state
        Its state, for the words of a page.
    unit_code
        Who is responsible.
    due_at
        Until when an answer is promised.
    steps
        In the order of time.
    """

    order_no: str
    state: str
    unit_code: str
    due_at: datetime | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class AppealStatus:
    """An appeal as its caller sees it."""

    appeal_id: int
    appeal_no: str
    received_at: datetime
    item_code: str | None
    orders: tuple[OrderStatus, ...]
    has_receipt: bool


def make_secret(session: Session, order_no: str, *, actor: Actor, at: datetime) -> str:
    """Return a new secret for the caller of an order's appeal, in three groups; only its hash is kept.

    Raises
    ------
    NotFoundError
        There is no such order for this account.
    """
    order = get_order(session, order_no)
    secret = "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
    with without_row_scope(session):
        row = session.get(CallerSecret, order.appeal_id)
        if row is None:
            row = CallerSecret(appeal_id=order.appeal_id)
            session.add(row)
        row.secret_hash = hash_secret(order.appeal_id, secret)
        row.made_by, row.made_at = actor.person_key, at
        session.flush()
        audit.record(
            session,
            at=at,
            action="make_caller_secret",
            subject_kind="order",
            subject_no=order_no,
            before=None,
            after={},
            actor=actor,
        )
    return "-".join(secret[at : at + 4] for at in range(0, LENGTH, 4))


def hash_secret(appeal_id: int, secret: str) -> str:
    """Return the hash of a secret, however it was typed."""
    folded = "".join(sign for sign in secret.upper() if sign in SIGNS)
    return hashlib.sha256(f"{appeal_id}:{folded}".encode()).hexdigest()


def find_status(session: Session, appeal_no: str, secret: str) -> AppealStatus:
    """Return what became of an appeal, for who knows its secret.

    Parameters
    ----------
    session
        The system's own: the caller has no account.

    Raises
    ------
    NotFoundError
        No such number with this secret; which of both is wrong is not said.
    """
    rows = session.execute(
        sa.select(Appeal, CallerSecret.secret_hash)
        .join(CallerSecret, CallerSecret.appeal_id == Appeal.id)
        .where(Appeal.appeal_no == appeal_no.strip())
    ).all()
    for appeal, kept in rows:
        if hmac.compare_digest(kept, hash_secret(appeal.id, secret)):
            return _make_status(session, appeal)
    raise NotFoundError("appeal with this number and secret", appeal_no)


def _make_status(session: Session, appeal: Appeal) -> AppealStatus:
    query = sa.select(Order).where(Order.appeal_id == appeal.id).order_by(Order.id)
    known = sa.select(Receipt.appeal_id).where(Receipt.appeal_id == appeal.id)
    return AppealStatus(
        appeal_id=appeal.id,
        appeal_no=appeal.appeal_no,
        received_at=appeal.received_at,
        item_code=appeal.item_code,
        orders=tuple(_make_order(one) for one in session.scalars(query)),
        has_receipt=session.scalar(known) is not None,
    )


def _make_order(order: Order) -> OrderStatus:
    moments = {
        "received": order.received_at,
        "dispatched": order.dispatched_at,
        "contacted": order.contacted_at,
        "replied": order.replied_at,
        "called_back": order.called_at,
        "closed": order.closed_at,
    }
    steps = [Step(name=name, at=at) for name, at in moments.items() if at is not None]
    return OrderStatus(
        order_no=order.order_no,
        state=order.state.value,
        unit_code=order.unit_code,
        due_at=order.due_at,
        steps=tuple(sorted(steps, key=lambda step: step.at)),
    )


def make_receipt(session: Session, settings: ServiceSettings, appeal_id: int) -> dict[str, Any]:
    """Return the receipt of an appeal: its leaf, the way up, the signed root and the key by which it is checked.

    Raises
    ------
    NotFoundError
        The day of the appeal is not sealed yet.
    """
    row = session.get(Receipt, appeal_id)
    if row is None:
        raise NotFoundError("receipt of appeal", str(appeal_id))
    root = session.get_one(SignedRoot, row.number)
    public = get_key(session, settings).public_key()
    return {
        "form": FORM,
        "leaf": row.leaf,
        "index": row.leaf_index,
        "path": row.path.hex(),
        "statement": root.statement,
        "signature": root.signature,
        "public_key": public.public_bytes_raw().hex(),
    }


def list_roots(session: Session, settings: ServiceSettings) -> dict[str, Any]:
    """Return every signed root, for whoever keeps them elsewhere; no key before the first."""
    roots = session.scalars(sa.select(SignedRoot).order_by(SignedRoot.number)).all()
    key = get_key(session, settings).public_key().public_bytes_raw().hex() if roots else ""
    return {
        "public_key": key,
        "roots": [{"statement": one.statement, "signature": one.signature} for one in roots],
    }
