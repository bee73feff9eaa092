"""How often something may be done: counted in the database, so that it holds across threads and processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

import sqlalchemy as sa
from flask import g
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.storage.db import is_postgres, transaction
from gridgov.storage.models.accounts import RequestCount
from web.kit.security import get_address
from web.kit.service import get_service

P = ParamSpec("P")
R = TypeVar("R")
CLEARED_EVERY = 200
"""Every so many new spans, those that are over are deleted."""


class TooOftenError(GridgovError):
    """Somebody did something more often than is allowed.

    Attributes
    ----------
    wait_s
        Seconds until it is allowed again.
    """

    def __init__(self, limit: "Limit", wait_s: int) -> None:
        self.limit, self.wait_s = limit, wait_s
        super().__init__(
            f"{limit.name}: more than {limit.count} times in {limit.span_s} s; wait {wait_s} s, then try again"
        )


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `count` times in a span of `span_s` seconds."""

    name: str
    count: int
    span_s: int


SIGN_IN_BY_ADDRESS = Limit(name="sign_in:address", count=300, span_s=300)
"""A whole hotline may sit behind one address and begin its shift together; guessing one account
is stopped by its own limit and by the lock-out."""
SIGN_IN_BY_LOGIN = Limit(name="sign_in:login", count=20, span_s=300)
CHANGES = Limit(name="changes", count=240, span_s=60)
STATUS = Limit(name="status:address", count=60, span_s=300)
"""A caller's number and secret; a whole office may sit behind one address, and a secret has 58 bits."""
EXPORTS = Limit(name="exports", count=20, span_s=300)


def count_one(session: Session, limit: Limit, who: str, *, now: datetime) -> int:
    """Count one more and return how often it has been in the current span; one statement, no race."""
    span = int(now.timestamp()) // limit.span_s
    until = datetime.fromtimestamp((span + 1) * limit.span_s, tz=UTC)
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(RequestCount).values(
        key=f"{limit.name}:{who}"[:120], span=span, count=1, until=until
    )
    counted = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["key", "span"], set_={"count": RequestCount.count + 1}
        ).returning(RequestCount.count)
    )
    if counted == 1 and span % CLEARED_EVERY == hash(who) % CLEARED_EVERY:
        clear_counts(session, now=now)
    return int(counted or 0)


def clear_counts(session: Session, *, now: datetime) -> None:
    """Delete the counts of spans that are over."""
    session.execute(sa.delete(RequestCount).where(RequestCount.until < now - timedelta(minutes=5)))


def check_limit(limit: Limit, who: str) -> None:
    """Count one more, in a transaction of its own.

    Raises
    ------
    TooOftenError
        It is one too many.
    """
    now = datetime.now(UTC)
    with transaction(get_service().sessions) as session:
        counted = count_one(session, limit, who, now=now)
    if counted > limit.count:
        raise TooOftenError(limit, limit.span_s - int(now.timestamp()) % limit.span_s)


def limited(limit: Limit) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Limit how often one account may call a view; put below ``@permission``."""

    def wrap(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            visitor = g.get("visitor")
            check_limit(limit, get_address() if visitor is None else str(visitor.account_id))
            return view(*args, **kwargs)

        return call

    return wrap
