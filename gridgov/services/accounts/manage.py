"""Accounts: made, changed and disabled by an administrator; passwords are kept as argon2 hashes only."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session
from zxcvbn import zxcvbn

from gridgov.errors import GridgovError, NotFoundError, UnknownEntryError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.storage.audit.log import record
from gridgov.storage.models.accounts import Account, AccountSession
from gridgov.storage.models.city import Unit

PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 10, 200
"""Length matters more than kinds of characters (NIST SP 800-63B); the upper limit bounds the work of hashing."""
GUESSES_MIN = 10**8
"""Guesses that a password withstands by zxcvbn's count: enough against a stolen slow hash (Wheeler 2016, table 1)."""
JUDGED = 72
"""Characters that are judged: more take zxcvbn long, and nobody's guess is longer."""
FREQUENT = (
    *(
        "woaini",
        "5201314",
        "1314520",
        "1314",
        "520",
        "zhangwei",
        "147258369",
        "qq123456",
        "wang",
        "zhang",
        "chen",
        "yang",
        "zhao",
    ),
    *(
        "huang",
        "zhou",
        "liu",
        "wei",
        "fang",
        "jing",
        "min",
        "hotline",
        "rexian",
        "zhengfu",
        "shimin",
        "gridgov",
    ),
)
"""Parts of passwords frequent among Chinese users and in this work, which zxcvbn's English lists lack (Li et al. 2014,
"A Large-Scale Empirical Analysis of Chinese Web Passwords")."""
LOGIN_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}")
LANGUAGES = ("zh_CN", "en")

HASHER = PasswordHasher()
_NOBODY = HASHER.hash(secrets.token_hex(16))
"""Checked where there is no account, so that the time of an answer does not tell which logins exist."""


class AccountError(GridgovError):
    """An account cannot be made or changed like this."""


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """What an administrator says of a new account.

    Parameters
    ----------
    login
        Name for signing in: letters, digits and ``. _ @ -``, 2 to 64 of them.
    name
        How people read it.
    role, unit_code
        What it may do, and for whom.
    email, language
        Where messages go, and in which language pages are shown.
    oidc_subject
        Who this is at the city's own identity provider.
    """

    login: str
    name: str
    role: Role
    unit_code: str
    email: str = ""
    language: str = "zh_CN"
    oidc_subject: str = ""


def add_account(
    session: Session, new: NewAccount, *, password: str | None, now: datetime
) -> Account:
    """Return a new account, flushed.

    Parameters
    ----------
    password
        None for an account that signs in through the identity provider alone.

    Raises
    ------
    AccountError
        The login is taken or has characters that it may not have, or the password is too weak.
        Whoever signs in with it must change it first: somebody else knows it.
    UnknownEntryError
        There is no such unit.
    """
    check_new_account(session, new)
    if password is None and not new.oidc_subject:
        raise AccountError(
            f"account {new.login!r}: neither a password nor a subject of the provider"
        )
    account = Account(
        login=new.login,
        name=new.name.strip() or new.login,
        role=new.role,
        unit_code=new.unit_code,
        person_key=secrets.token_hex(16),
        password_hash=None if password is None else hash_password(password, login=new.login),
        password_given=password is not None,
        email=new.email or None,
        language=new.language,
        oidc_subject=new.oidc_subject or None,
        active=True,
        wrong_tries=0,
        created_at=now,
    )
    session.add(account)
    session.flush()
    after = {"role": new.role, "unit_code": new.unit_code, "account_id": account.id}
    _record(session, account, "add_account", now=now, after=after)
    return account


def _record(
    session: Session,
    account: Account,
    action: str,
    *,
    now: datetime,
    actor: Actor | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    record(
        session,
        at=now,
        action=action,
        subject_kind="account",
        subject_no=account.login,
        before=None,
        after=after,
        actor=actor,
        origin="" if actor is not None else "command",
    )


def get_actor(account: Account) -> Actor:
    """Return an account as the rules and the log know it."""
    return Actor(person_key=account.person_key, role=account.role, unit_code=account.unit_code)


def check_new_account(session: Session, new: NewAccount) -> NewAccount:
    """Return `new` if nothing stands against it.

    Raises
    ------
    AccountError, UnknownEntryError
        As :func:`add_account`.
    """
    if not LOGIN_FORM.fullmatch(new.login):
        raise AccountError(
            f"login {new.login!r}: expected 2 to 64 letters, digits or . _ @ -, first a letter or digit"
        )
    if new.language not in LANGUAGES:
        raise AccountError(f"language {new.language!r}: expected one of {', '.join(LANGUAGES)}")
    if find_account(session, new.login) is not None:
        raise AccountError(f"login {new.login!r} is taken; choose another")
    if session.scalar(sa.select(Unit.id).where(Unit.unit_code == new.unit_code).limit(1)) is None:
        raise UnknownEntryError("unit", new.unit_code, _find_near(session, new), found="not found")
    return new


def _find_near(session: Session, new: NewAccount) -> tuple[str, ...]:
    """Return units whose code begins alike, or one of each kind, each with its name."""
    named = sa.select(Unit.unit_code, sa.func.min(Unit.name)).group_by(Unit.unit_code)
    alike = named.where(Unit.unit_code.startswith(new.unit_code[:4], autoescape=True))
    first = sa.select(sa.func.min(Unit.unit_code)).group_by(Unit.kind).limit(5)
    found = session.execute(alike.order_by(Unit.unit_code).limit(3)).all()
    if not found:
        codes = session.scalars(first).all()
        found = session.execute(
            named.where(Unit.unit_code.in_(codes)).order_by(Unit.unit_code)
        ).all()
    return tuple(f"{code} {name}" for code, name in found)


def find_account(session: Session, login: str, *, is_locked: bool = False) -> Account | None:
    """Return the account of a login, small and capital letters alike, or None.

    Parameters
    ----------
    is_locked
        Whether nobody else may change it until the transaction ends: what is counted or used once needs that.
    """
    query = sa.select(Account).where(sa.func.lower(Account.login) == login.strip().lower())
    return session.scalar(query.with_for_update() if is_locked else query)


def lock_account(session: Session, account_id: int) -> Account:
    """Return an account as it is now; nobody else changes it until the transaction ends."""
    query = sa.select(Account).where(Account.id == account_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def get_account(session: Session, login: str) -> Account:
    """Return the account of a login.

    Raises
    ------
    NotFoundError
        There is none.
    """
    account = find_account(session, login)
    if account is None:
        raise NotFoundError("account", login)
    return account


def list_accounts(session: Session) -> list[Account]:
    """Return all accounts by login."""
    return list(session.scalars(sa.select(Account).order_by(Account.login)))


def set_password(
    session: Session,
    account: Account,
    password: str,
    *,
    now: datetime,
    actor: Actor | None = None,
) -> None:
    """Give an account a new password; its sessions end and a lock is lifted.

    A password that the account's own person did not choose must be changed at the next sign-in.

    Parameters
    ----------
    actor
        Who does it; None for a command on the machine itself.

    Raises
    ------
    AccountError
        The password is too weak, or is the one that must be changed.
    """
    is_own = actor is not None and actor.person_key == account.person_key
    if is_own and account.password_given and verify_password(account.password_hash, password):
        raise AccountError("password: this is the one that was given to you; choose another")
    account.password_hash = hash_password(password, login=account.login)
    account.password_given = not is_own
    account.wrong_tries, account.locked_until = 0, None
    end_sessions(session, account, now=now)
    _record(session, account, "set_password", now=now, actor=actor)


def set_code_secret(
    session: Session, account: Account, secret: str | None, *, step: int | None, now: datetime
) -> None:
    """Turn the second factor on with a secret of which the code of `step` was shown, or off with None."""
    account.totp_secret, account.totp_step = secret, step
    action = "code_off" if secret is None else "code_on"
    _record(session, account, action, now=now, actor=get_actor(account))


def reset_code(
    session: Session, account: Account, *, now: datetime, actor: Actor | None = None
) -> None:
    """Turn off the second factor of a person who lost it; the sessions end, and the log says who did it.

    Parameters
    ----------
    actor
        The administrator; None for a command on the machine itself.

    Raises
    ------
    AccountError
        The account has none, or is the administrator's own: a thief of one factor would take the other.
    """
    if account.totp_secret is None:
        raise AccountError(f"account {account.login!r} has no second factor")
    if actor is not None and actor.person_key == account.person_key:
        raise AccountError("another administrator resets your second factor")
    account.totp_secret, account.totp_step = None, None
    end_sessions(session, account, now=now)
    _record(session, account, "reset_code", now=now, actor=actor)


def disable_account(
    session: Session, account: Account, *, now: datetime, actor: Actor | None = None
) -> None:
    """Close an account; its rows stay, because the log names it.

    Raises
    ------
    AccountError
        It is the administrator's own.
    """
    if actor is not None and actor.person_key == account.person_key:
        raise AccountError("another administrator closes your account")
    account.active = False
    end_sessions(session, account, now=now)
    _record(session, account, "disable_account", now=now, actor=actor)


def enable_account(
    session: Session, account: Account, *, now: datetime, actor: Actor | None = None
) -> None:
    """Open a disabled or locked account again."""
    account.active, account.wrong_tries, account.locked_until = True, 0, None
    _record(session, account, "enable_account", now=now, actor=actor)


def end_sessions(session: Session, account: Account, *, now: datetime) -> None:
    """End every session of an account."""
    session.execute(
        sa.update(AccountSession)
        .where(AccountSession.account_id == account.id, AccountSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def hash_password(password: str, *, login: str) -> str:
    """Return the argon2 hash of a password that is long enough and hard to guess.

    Raises
    ------
    AccountError
        It is too short, too long, contains the login, or is among the first :data:`GUESSES_MIN` guesses: common
        passwords, words with digits, rows of keys, dates.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise AccountError(
            f"password: found {len(password)} characters, expected "
            f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX}"
        )
    if len(set(password)) < 5 or login.lower() in password.lower():
        raise AccountError(
            "password: too easy to guess; expected five different characters or more, without the login"
        )
    judged = zxcvbn(password[:JUDGED], user_inputs=[login, *FREQUENT])
    if judged["guesses"] < GUESSES_MIN:
        raise AccountError(
            "password: too easy to guess; expected one that is not common, such as four words without a link"
        )
    return HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits; takes as long where there is no hash."""
    try:
        fits = HASHER.verify(password_hash or _NOBODY, password[:PASSWORD_LENGTH_MAX])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None
