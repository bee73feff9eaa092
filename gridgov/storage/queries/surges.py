"""The surges that the hourly watch kept last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gridgov.storage.models.journal import JobState

STATE = "surges"
"""Name of the row."""


def put_surges(session: Session, value: Mapping[str, Any], *, now: datetime) -> None:
    """Keep the surges of a moment in place of those before."""
    state = session.get(JobState, STATE)
    if state is None:
        session.add(JobState(name=STATE, done_at=now, value=dict(value)))
    else:
        state.done_at, state.value = now, dict(value)
    session.flush()


def get_surges(session: Session) -> dict[str, Any] | None:
    """Return what the watch kept last, None before its first look."""
    state = session.get(JobState, STATE)
    return None if state is None else dict(state.value)
