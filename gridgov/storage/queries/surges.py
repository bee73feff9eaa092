"""The surges that the hourly watch kept last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.journal import JobState
from gridgov.storage.models.plans import Report

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


def put_special_report(session: Session, content: Mapping[str, Any], *, now: datetime) -> None:
    """Keep the draft of a special report; while its surge lasts, each look takes the place of the one before."""
    kind, period = str(content["kind"]), str(content["period"])
    unit_code = str(content["unit_code"])
    row = session.scalar(
        sa.select(Report).where(
            Report.kind == kind, Report.period == period, Report.unit_code == unit_code
        )
    )
    if row is None:
        row = Report(kind=kind, period=period, unit_code=unit_code)
        session.add(row)
    row.content, row.made_at = dict(content), now
    session.flush()
