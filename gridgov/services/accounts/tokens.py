"""Tokens by which programs sign in: shown once, kept as a hash, with scopes, an end, and a limit of calls."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor
from gridgov.services.accounts.sign_in import Visitor, hash_token
from gridgov.storage.audit import log as audit
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.tokens import ApiToken

PREFIX = "gg_"
"""By which scanners of leaked secrets, and people, know what it is."""
FORM = re.compile(r"gg_[A-Za-z0-9_-]{43}")
HINT_LENGTH = 9
NAME_LENGTH_MAX = 80
DAYS, DAYS_MAX = 90, 366
PER_MINUTE, PER_MINUTE_MAX = 6_000, 10_000_000
USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a token is kept."""


class TokenScope(StrEnum):
    """What a token may be used for; what its account may not, it may not either."""

    PLACES = "places"
    APPEALS_WRITE = "appeals:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PERSONS_READ = "persons:read"
    WHISTLES_READ = "whistles:read"
    WHISTLES_WRITE = "whistles:write"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    FIGURES_READ = "figures:read"


class TokenError(GridgovError):
    """A token cannot be made like this."""


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """What is said of a new token.

    Parameters
    ----------
    name
        What it is for.
    scopes
        What it may be used for.
    days
        After how many it ends.
    per_minute
        Calls that it may make in a minute, by each process of the service.
    """

    name: str
    scopes: Collection[TokenScope]
    days: int = DAYS
    per_minute: int = PER_MINUTE


@dataclass(frozen=True, kw_only=True)
class TokenHolder:
    """Who shows a token, and what the token allows."""

    visitor: Visitor
    token_id: int
    scopes: frozenset[TokenScope]
    per_minute: int
    used_at: datetime | None


def make_token(
    session: Session,
    account: Account,
    new: NewToken,
    *,
    now: datetime,
    actor: Actor | None = None,
    origin: str = "",
) -> str:
    """Return a new token of an account: the only time that it is told.

    Parameters
    ----------
    actor
        Who made it; None: whoever runs the machine.

    Raises
    ------
    TokenError
        It has no name or no scope, or would live too long.
    """
    name = audit.clean_text(new.name).strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        raise TokenError(f"a token's name has 1 to {NAME_LENGTH_MAX} characters, not {len(name)}")
    if not new.scopes:
        raise TokenError(f"a token needs a scope; expected any of {', '.join(TokenScope)}")
    if not 1 <= new.days <= DAYS_MAX:
        raise TokenError(f"a token lives 1 to {DAYS_MAX} days, not {new.days}")
    if not 1 <= new.per_minute <= PER_MINUTE_MAX:
        raise TokenError(f"calls per minute: 1 to {PER_MINUTE_MAX}, not {new.per_minute}")
    token = PREFIX + secrets.token_urlsafe(32)
    scopes = sorted(scope.value for scope in new.scopes)
    kept = ApiToken(
        account_id=account.id,
        name=name,
        token_hash=hash_token(token),
        hint=token[:HINT_LENGTH],
        scopes=scopes,
        per_minute=new.per_minute,
        created_at=now,
        expires_at=now + timedelta(days=new.days),
    )
    session.add(kept)
    session.flush()
    told = {"token_id": kept.id, "scopes": scopes, "expires_at": kept.expires_at}
    _record(session, account, "make_token", told, now=now, actor=actor, origin=origin)
    return token


def list_tokens(session: Session, account_id: int) -> Sequence[ApiToken]:
    """Return the tokens of an account that were not ended, the newest first."""
    query = sa.select(ApiToken).where(
        ApiToken.account_id == account_id, ApiToken.ended_at.is_(None)
    )
    return session.scalars(query.order_by(ApiToken.id.desc()).limit(200)).all()


def end_token(
    session: Session,
    account: Account,
    token_id: int,
    *,
    now: datetime,
    actor: Actor | None = None,
    origin: str = "",
) -> None:
    """End a token of an account; one that has ended stays so.

    Raises
    ------
    NotFoundError
        The account has no such token.
    """
    kept = session.get(ApiToken, token_id)
    if kept is None or kept.account_id != account.id:
        raise NotFoundError("token", str(token_id))
    if kept.ended_at is not None:
        return
    kept.ended_at = now
    told = {"token_id": token_id}
    _record(session, account, "end_token", told, now=now, actor=actor, origin=origin)


def _record(
    session: Session,
    account: Account,
    action: str,
    told: Mapping[str, object],
    *,
    now: datetime,
    actor: Actor | None,
    origin: str,
) -> None:
    """Keep in the log what became of a token of an account."""
    audit.record(
        session,
        at=now,
        action=action,
        subject_kind="account",
        subject_no=account.login,
        before=None,
        after=told,
        actor=actor,
        origin=origin[:64],
    )


def find_holder(session: Session, token: str, *, now: datetime) -> TokenHolder | None:
    """Return who shows a token, None if it ended, expired, never was, or its account is closed."""
    if not FORM.fullmatch(token):
        return None
    row = session.execute(
        sa.select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(
            ApiToken.token_hash == hash_token(token),
            ApiToken.ended_at.is_(None),
            ApiToken.expires_at > now,
            Account.active,
        )
    ).one_or_none()
    if row is None:
        return None
    kept, account = row
    known = {one.value for one in TokenScope}
    return TokenHolder(
        visitor=Visitor(
            session_id=0,
            account_id=account.id,
            login=account.login,
            name=account.name,
            role=account.role,
            unit_code=account.unit_code,
            person_key=account.person_key,
            language=account.language,
            seen_at=now,
            has_code=account.totp_secret is not None,
        ),
        token_id=kept.id,
        scopes=frozenset(TokenScope(one) for one in kept.scopes if one in known),
        per_minute=kept.per_minute,
        used_at=kept.used_at,
    )


def touch_token(session: Session, holder: TokenHolder, *, now: datetime) -> None:
    """Keep that a token was used."""
    session.execute(sa.update(ApiToken).where(ApiToken.id == holder.token_id).values(used_at=now))
