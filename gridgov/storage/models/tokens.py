"""What programs sign in with, and what was answered to them, so that a repeated call is answered alike."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.types import BigId, Json


class ApiToken(Base):
    """A token of an account: a program that shows it has the account's rights, as far as its scopes go."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    """What it is for, in the words of whoever made it."""
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """The token itself is shown once and kept nowhere."""
    hint: Mapped[str] = mapped_column(sa.String(16))
    """Its first signs, by which people tell tokens apart."""
    scopes: Mapped[list[Any]] = mapped_column(Json)
    per_minute: Mapped[int]
    """Calls that it may make in a minute."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class KeptAnswer(Base):
    """What a call with an idempotency key was answered."""

    __tablename__ = "kept_answers"

    call_key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    """Hash of the account and the key that its program chose."""
    asked: Mapped[str] = mapped_column(sa.String(64))
    """Hash of what was asked under it."""
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    headers: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[datetime] = mapped_column(index=True)
