"""How somebody wants to be told: which kinds by which way, at which hour the digest, to which address."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base
from gridgov.storage.types import BigId, Json


class NoticeSetting(Base):
    """The choices of one account (``gridgov.rules.notices.NoticeChoices``); without a row, the defaults."""

    __tablename__ = "notice_settings"

    account_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    chosen: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    digest_hour: Mapped[int] = mapped_column(sa.SmallInteger, default=8)
    """Hour of the city's day at which the digest is sent."""
    webhook_url: Mapped[str] = mapped_column(default="")
    digested_at: Mapped[datetime | None]
    """Up to when messages were gathered into a digest."""
