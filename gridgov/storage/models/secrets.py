"""Secrets that the service made for itself, or the mark by which it knows them again."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base


class KeptSecret(Base):
    """A secret by its name; no role of an account may read it."""

    __tablename__ = "kept_secrets"

    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    value: Mapped[str | None]
    """None where it lies in a file beside the database, or was given in the environment."""
    mark: Mapped[str] = mapped_column(sa.String(64))
    """By which the right one is known: a hash that gives nothing of it away."""
    made_at: Mapped[datetime]
