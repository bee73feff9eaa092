"""Signing in and what follows: lock-out, second factor, and sessions that end."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import (
    HASHER,
    find_account,
    get_actor,
    lock_account,
    verify_password,
)
from gridgov.services.clock import is_stepped_past
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit import log as audit
from gridgov.storage.models.accounts import Account, AccountSession

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is kept: a request a second need not write a row a second."""
CODE_STEP_S = 30
CODE_DRIFT = 1
"""Steps of 30 s by which a code may be early or late (RFC 6238 section 5.2)."""


class SignInOutcome(StrEnum):
    """How a try to sign in ended."""

    DONE = "done"
    CODE_NEEDED = "code_needed"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A try to sign in.

    Parameters
    ----------
    outcome
        How it ended; a disabled account is ``wrong``, like one that does not exist.
    account
        Whose, where there is one.
    locked_until
        When a locked account opens again.
    """

    outcome: SignInOutcome
    account: Account | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who is signed in, as one request knows it."""

    session_id: int
    account_id: int
    login: str
    name: str
    role: Role
    unit_code: str
    person_key: str
    language: str
    seen_at: datetime
    has_code: bool
    password_given: bool = False


def try_password(
    session: Session,
    login: str,
    password: str,
    *,
    settings: ServiceSettings,
    now: datetime,
    address: str = "",
) -> SignIn:
    """Return how a password fares; wrong tries are counted and lock the account.

    Tries for one account wait for each other, so that none is counted as another and none comes in after the lock.
    Locked is said only to who knows the password: others learn nothing of the account.

    Parameters
    ----------
    address
        Where the try comes from, for the log.
    """
    account = find_account(session, login, is_locked=True)
    fits = verify_password(None if account is None else account.password_hash, password)
    if account is None or not account.active:
        return SignIn(outcome=SignInOutcome.WRONG)
    if is_locked(account, settings, now):
        if not fits:
            return SignIn(outcome=SignInOutcome.WRONG)
        return SignIn(outcome=SignInOutcome.LOCKED, locked_until=account.locked_until)
    if not fits:
        _count_wrong(session, account, settings, now, address=address)
        return SignIn(outcome=SignInOutcome.WRONG)
    if account.password_hash is not None and HASHER.check_needs_rehash(account.password_hash):
        account.password_hash = HASHER.hash(password)
    if account.totp_secret is not None:
        return SignIn(outcome=SignInOutcome.CODE_NEEDED, account=account)
    account.wrong_tries, account.locked_until = 0, None
    return SignIn(outcome=SignInOutcome.DONE, account=account)


def try_code(
    session: Session,
    account_id: int,
    code: str,
    *,
    settings: ServiceSettings,
    now: datetime,
    address: str = "",
) -> SignIn:
    """Return how a code of the second factor fares; each is taken once, wrong ones count like passwords."""
    account = lock_account(session, account_id)
    if is_locked(account, settings, now):
        return SignIn(outcome=SignInOutcome.LOCKED, locked_until=account.locked_until)
    step = find_code_step(account.totp_secret or "", code, now=now)
    last = account.totp_step or 0
    if last > int(now.timestamp()) // CODE_STEP_S + CODE_DRIFT:
        last = 0  # No code comes so early: the clock was set back since, and waiting for that step would take as long.
    if step is None or step <= last or not account.active:
        _count_wrong(session, account, settings, now, address=address)
        return SignIn(outcome=SignInOutcome.WRONG)
    account.totp_step = step
    account.wrong_tries, account.locked_until = 0, None
    return SignIn(outcome=SignInOutcome.DONE, account=account)


def is_locked(account: Account, settings: ServiceSettings, now: datetime) -> bool:
    """Tell whether an account is locked; one for longer than any lasts is from before the clock was set back."""
    until, longest = account.locked_until, timedelta(minutes=settings.login_lock_min)
    return until is not None and now < until and not is_stepped_past(until, now, longest)


def find_code_step(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the time step whose code this is, None if it is none of the accepted ones (RFC 6238)."""
    digits = "".join(code.split())
    if not secret or not digits.isdecimal():
        return None
    current = int(now.timestamp()) // CODE_STEP_S
    codes = pyotp.TOTP(secret)
    for step in range(current - CODE_DRIFT, current + CODE_DRIFT + 1):
        if secrets.compare_digest(codes.generate_otp(step), digits):
            return step
    return None


def _count_wrong(
    session: Session, account: Account, settings: ServiceSettings, now: datetime, *, address: str
) -> None:
    account.wrong_tries += 1
    action = "sign_in_wrong"
    if account.wrong_tries >= settings.login_tries:
        account.locked_until = now + timedelta(minutes=settings.login_lock_min)
        account.wrong_tries = 0
        action = "lock_account"
    _record(session, account, action, now=now, address=address, is_known=False)


def _record(
    session: Session,
    account: Account,
    action: str,
    *,
    now: datetime,
    address: str,
    is_known: bool = True,
) -> None:
    """Put a security event on record; who tries a password in vain is nobody that we know."""
    audit.record(
        session,
        at=now,
        action=action,
        subject_kind="account",
        subject_no=account.login,
        before=None,
        after=None,
        actor=get_actor(account) if is_known else None,
        origin=address[:64],
    )


def start_session(
    session: Session, account: Account, *, settings: ServiceSettings, now: datetime, address: str
) -> str:
    """Return the token of a new session; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        AccountSession(
            token_hash=hash_token(token),
            account_id=account.id,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=settings.session_hours),
            address=address[:64],
        )
    )
    account.signed_in_at = now
    _record(session, account, "sign_in", now=now, address=address)
    session.flush()
    return token


def find_visitor(
    session: Session, token: str, *, settings: ServiceSettings, now: datetime
) -> Visitor | None:
    """Return whose session a token is, None if it ended, was left idle, or never was."""
    row = session.execute(
        sa.select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .where(
            AccountSession.token_hash == hash_token(token),
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > now,
            AccountSession.seen_at > now - timedelta(minutes=settings.session_idle_min),
            Account.active,
        )
    ).one_or_none()
    if row is None:
        return None
    kept, account = row
    return Visitor(
        session_id=kept.id,
        account_id=account.id,
        login=account.login,
        name=account.name,
        role=account.role,
        unit_code=account.unit_code,
        person_key=account.person_key,
        language=account.language,
        seen_at=kept.seen_at,
        has_code=account.totp_secret is not None,
        password_given=account.password_given,
    )


def touch_session(session: Session, visitor: Visitor, *, now: datetime) -> None:
    """Keep that a session was used."""
    session.execute(
        sa.update(AccountSession).where(AccountSession.id == visitor.session_id).values(seen_at=now)
    )


def end_session(session: Session, visitor: Visitor, *, now: datetime, address: str = "") -> None:
    """End one session."""
    account = session.get_one(Account, visitor.account_id)
    _record(session, account, "sign_out", now=now, address=address)
    session.execute(
        sa.update(AccountSession)
        .where(AccountSession.id == visitor.session_id)
        .values(ended_at=now)
    )


def hash_token(token: str) -> str:
    """Return what is kept of a token; it is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
