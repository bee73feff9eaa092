"""Accounts with their role and unit, their sessions and saved views."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.rules.orders.transitions import Role
from gridgov.storage.models.base import Base, Code, Id
from gridgov.storage.types import BigId, Json, Word


class Account(Base):
    """Somebody who may sign in."""

    __tablename__ = "accounts"

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(Word(Role))
    unit_code: Mapped[Code]
    person_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Stands for this person in the log and in the rules of a second person."""
    password_hash: Mapped[str | None]
    password_given: Mapped[bool] = mapped_column(default=False)
    """Whether somebody else knows the password: it must be changed before anything else is done."""
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Time step of the last code used: no code is taken twice."""
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    email: Mapped[str | None]
    language: Mapped[str] = mapped_column(sa.String(8), default="zh_CN")
    active: Mapped[bool] = mapped_column(default=True)
    wrong_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]


class AccountSession(Base):
    """A sign-in; the cookie holds a random token of which only the hash is kept."""

    __tablename__ = "account_sessions"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    account_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(sa.String(64), default="")


class RequestCount(Base):
    """How often something was done in a span of time; kept here so that it holds across processes."""

    __tablename__ = "request_counts"

    key: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    """What is limited and for whom, such as ``sign_in:address:10.0.0.1``."""
    span: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    """Number of the span since 1970."""
    count: Mapped[int]
    until: Mapped[datetime] = mapped_column(index=True)


class SavedView(Base):
    """A list's filter under a name."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("account_id", "page", "name"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("accounts.id"))
    page: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(80))
    query: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
