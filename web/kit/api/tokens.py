"""Who calls: found by the token of the request, asked before every view that is marked with ``@by_token``.

A token is looked up at most every :data:`KEPT_S`, so that a service that is asked a thousand times a second does not
ask the database as often; one that was ended is refused after so long.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from flask import g, request

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.services.accounts.sign_in import hash_token
from gridgov.services.accounts.tokens import (
    USED_EVERY,
    TokenHolder,
    TokenScope,
    find_holder,
    touch_token,
)
from gridgov.storage.db import transaction
from web.kit.limits import Limit, TooOftenError
from web.kit.service import Service

View = TypeVar("View", bound=Callable[..., object])

KEPT_S = 2.0
MOST_KEPT = 10_000
MINUTE_S = 60
MARK = "token_scope"


class TokenNeededError(GridgovError):
    """The call needs a token, and there is none or it does not hold (any more)."""

    def __init__(self) -> None:
        super().__init__(
            "no valid token: send 'Authorization: Bearer TOKEN' with a token that has neither expired nor been ended"
        )


@dataclass(frozen=True, kw_only=True)
class TokenMark:
    """What a view says of tokens.

    Parameters
    ----------
    scope
        What a token needs.
    cookie_reads
        Whether reading is open to a browser that is signed in, too.
    field
        Where a form or an address may bring the token; empty: only the header brings it.
    """

    scope: TokenScope
    cookie_reads: bool = False
    field: str = ""


def by_token(
    scope: TokenScope, *, cookie_reads: bool = False, field: str = ""
) -> Callable[[View], View]:
    """Say that a view is called with a token of a scope, and not with a cookie; put below ``@permission``.

    Parameters
    ----------
    cookie_reads
        Let pages of ours read here too (maps); changes always need a token, because they have no CSRF check.
    field
        Name under which a form or an address may bring the token instead of the header.
    """

    def mark(view: View) -> View:
        view.__dict__[MARK] = TokenMark(scope=scope, cookie_reads=cookie_reads, field=field)
        return view

    return mark


def find_mark(view: Callable[..., object] | None) -> TokenMark | None:
    """Return what a view says of tokens, None for a page."""
    found = getattr(view, "__dict__", {}).get(MARK)
    return found if isinstance(found, TokenMark) else None


def read_token(mark: TokenMark) -> str:
    """Return the token of this request: of the header, else of the field that the view names."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    if not mark.field:
        return ""
    return request.form.get(mark.field, "") or request.args.get(mark.field, "")


@dataclass(kw_only=True)
class TokenCache:
    """Holders by token, and how often each called in this minute."""

    holders: dict[str, tuple[float, TokenHolder | None]] = field(default_factory=dict)
    calls: dict[int, tuple[int, int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, service: Service, token: str) -> TokenHolder:
        """Return who shows a token.

        Raises
        ------
        TokenNeededError
            It does not hold.
        """
        key = hash_token(token)
        until, holder = self.holders.get(key, (0.0, None))
        if until < time.monotonic():
            now = datetime.now(UTC)
            with service.read_sessions() as session:
                holder = find_holder(session, token, now=now)
            if holder is not None and (holder.used_at is None or now - holder.used_at > USED_EVERY):
                with transaction(service.sessions) as session:
                    touch_token(session, holder, now=now)
            if len(self.holders) >= MOST_KEPT:
                self.holders.clear()
            self.holders[key] = (time.monotonic() + KEPT_S, holder)
        if holder is None:
            raise TokenNeededError
        return holder

    def count(self, holder: TokenHolder) -> None:
        """Count a call.

        Raises
        ------
        TooOftenError
            It is one too many in this minute.
        """
        now = int(time.time())
        with self.lock:
            minute, n = self.calls.get(holder.token_id, (0, 0))
            n = n + 1 if minute == now // MINUTE_S else 1
            self.calls[holder.token_id] = (now // MINUTE_S, n)
        wait_s = MINUTE_S - now % MINUTE_S
        left = max(holder.per_minute - n, 0)
        g.rate_headers = {
            "RateLimit-Limit": str(holder.per_minute),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(wait_s),
        }
        if n > holder.per_minute:
            limit = Limit(name="token", count=holder.per_minute, span_s=MINUTE_S)
            raise TooOftenError(limit, wait_s)


def check_scope(holder: TokenHolder, scope: TokenScope) -> None:
    """Raise if a token does not have a scope.

    Raises
    ------
    ForbiddenError
        It does not.
    """
    if scope not in holder.scopes:
        raise ForbiddenError(f"this token does not have the scope {scope}, which this call needs")


def has_scope(scope: TokenScope) -> bool:
    """Tell whether the token of this request has a scope; a browser's visitor has all that its role allows."""
    holder: TokenHolder | None = g.get("holder")
    return holder is None or scope in holder.scopes
