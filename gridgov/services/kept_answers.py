"""Calls that are answered once: a repeated one under the same key gets the same answer and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.storage.models.tokens import KeptAnswer
from gridgov.storage.scope.apply import without_row_scope
from gridgov.storage.statements import insert_once

KEPT_DAYS = 7
"""How long an answer is kept: longer than any program tries again."""
ANSWERS = cast("sa.Table", KeptAnswer.__table__)


class KeyReusedError(GridgovError):
    """An idempotency key came again with another call."""

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was used for another call; nothing was changed. Choose a new key for a new call"
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a call was answered: status, body as JSON, and headers that are part of it."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def make_call_key(account_id: int, key: str) -> str:
    """Return the name under which a call is kept: nobody meets another account's."""
    return sha256(f"{account_id}:{key}".encode()).hexdigest()


def claim_call(session: Session, call_key: str, asked: str, *, now: datetime) -> Answer | None:
    """Claim a call in the transaction of `session`; return what was answered where it came before.

    Two that come at the same moment wait for each other; what fails leaves no claim.

    Parameters
    ----------
    asked
        Hash of the whole call.

    Raises
    ------
    KeyReusedError
        Another call came under this key.
    """
    with without_row_scope(session):
        connection = session.connection()
        old = now - timedelta(days=KEPT_DAYS)
        connection.execute(sa.delete(ANSWERS).where(ANSWERS.c.made_at < old))
        values = {
            "call_key": call_key,
            "asked": asked,
            "status": 0,
            "body": {},
            "headers": {},
            "made_at": now,
        }
        once = insert_once(session, ANSWERS, unique=("call_key",), returning="call_key")
        if connection.execute(once, values).scalar_one_or_none() is not None:
            return None
        kept = connection.execute(sa.select(ANSWERS).where(ANSWERS.c.call_key == call_key)).one()
    if kept.asked != asked:
        raise KeyReusedError
    return Answer(status=kept.status, body=kept.body, headers=kept.headers)


def keep_answer(session: Session, call_key: str, answer: Answer) -> None:
    """Keep what a claimed call is answered."""
    with without_row_scope(session):
        session.connection().execute(
            sa.update(ANSWERS)
            .where(ANSWERS.c.call_key == call_key)
            .values(status=answer.status, body=dict(answer.body), headers=dict(answer.headers))
        )
