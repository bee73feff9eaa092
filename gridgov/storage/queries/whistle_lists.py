"""Whistle calls for lists and maps: who was called, who has come, who is late; and one call with everything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from gridgov.errors import NotFoundError
from gridgov.rules.whistles.call import UnitState
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.statement_frames import to_frame

CallState = Literal["running", "late", "closed", ""]
PRESENT = (UnitState.REPORTED_IN, UnitState.RELEASED)
"""States of a called unit that has come with its power."""
MOST_CALLS = 200
"""Calls that a list or a map shows; of more, those that need somebody first."""

CALL_COLUMNS = (
    "call_no",
    "order_no",
    "unit_code",
    "street_code",
    "item_code",
    "cell_code",
    "lon",
    "lat",
    "blown_at",
    "closed_at",
    "called",
    "present",
    "released",
    "late",
    "next_by",
)
"""``called`` units, of which ``present`` have come with their power, ``released`` may go, ``late`` have not come in
time · ``next_by`` the earliest report-in of a unit that is not there, missing where all are."""


def list_calls(
    session: Session,
    *,
    now: datetime,
    state: CallState = "",
    unit_codes: frozenset[str] | None = None,
    window: tuple[datetime, datetime] | None = None,
) -> pd.DataFrame:
    """Return calls, late ones first, then the newest: :data:`CALL_COLUMNS`; at most :data:`MOST_CALLS`.

    Parameters
    ----------
    now
        Aware.
    state
        Only calls that run, that run and in which a unit is late, or that are closed.
    unit_codes
        Units that blew or were called; None for all that the session sees.
    window
        Begin and end of when they were blown; running calls are listed whenever they were blown.
    """
    counts = _count_units(now)
    call, n = WhistleCall, counts.c
    made: Any = (
        sa.select(
            *(call.call_no, Order.order_no, call.unit_code, call.street_code, call.item_code),
            *(call.cell_code, call.lon, call.lat, call.blown_at, call.closed_at),
            *(n.called, n.present, n.released, n.late, n.next_by),
        )
        .join(Order, Order.id == call.order_id)
        .join(counts, n.call_id == call.id)
        .order_by(
            call.closed_at.is_not(None), (n.late > 0).desc(), call.blown_at.desc(), call.id.desc()
        )
        .limit(MOST_CALLS)
    )
    for condition in _make_conditions(state, unit_codes, window):
        made = made.where(condition)
    if state == "late":
        made = made.where(n.late > 0)
    return to_frame(session.execute(made), CALL_COLUMNS)


def _count_units(now: datetime) -> sa.Subquery:
    """Return the called units of each call by how they stand."""
    away = CalledUnit.state.not_in(PRESENT)
    late = sa.and_(away, CalledUnit.report_in_by < now)
    return (
        sa.select(
            CalledUnit.call_id,
            sa.func.count(CalledUnit.id).label("called"),
            sa.func.count(CalledUnit.id).filter(~away).label("present"),
            sa.func.count(CalledUnit.id)
            .filter(CalledUnit.state == UnitState.RELEASED)
            .label("released"),
            sa.func.count(CalledUnit.id).filter(late).label("late"),
            sa.func.min(sa.case((away, CalledUnit.report_in_by))).label("next_by"),
        )
        .group_by(CalledUnit.call_id)
        .subquery()
    )


def _make_conditions(
    state: CallState,
    unit_codes: frozenset[str] | None,
    window: tuple[datetime, datetime] | None,
) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    closed = WhistleCall.closed_at
    if state in {"running", "late"}:
        found.append(closed.is_(None))
    elif state == "closed":
        found.append(closed.is_not(None))
    if unit_codes is not None:
        codes = sorted(unit_codes)
        called = sa.exists().where(
            CalledUnit.call_id == WhistleCall.id, CalledUnit.unit_code.in_(codes)
        )
        found.append(sa.or_(WhistleCall.unit_code.in_(codes), called))
    if window is not None:
        start, end = window
        inside = sa.and_(WhistleCall.blown_at >= start, WhistleCall.blown_at < end)
        found.append(sa.or_(inside, closed.is_(None)))
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class CallRecord:
    """One call with its order and all that happened to each unit."""

    call: WhistleCall
    order: Order


def get_call_record(session: Session, call_no: str) -> CallRecord:
    """Return a call by its number, in a fixed number of queries.

    Raises
    ------
    NotFoundError
        There is none, or not for this account.
    """
    found = session.execute(
        sa.select(WhistleCall, Order)
        .join(Order, Order.id == WhistleCall.order_id)
        .where(WhistleCall.call_no == call_no)
        .options(
            selectinload(WhistleCall.units).selectinload(CalledUnit.check_ins),
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError("whistle call", call_no)
    return CallRecord(call=found[0], order=found[1])


def count_unit_calls(session: Session, *, start: datetime, end: datetime) -> pd.DataFrame:
    """Return how units answered the calls of a window, most called first.

    Returns
    -------
        ``unit_code calls present late raised rating ratings``: of the ``calls`` to it, those to which it came with its
        power, to which it came too late or not at all in time, and that were raised; mean ``rating`` by the streets
        and how many gave one.
    """
    row = CalledUnit
    came = row.reported_at.is_not(None)
    made = (
        sa.select(
            row.unit_code,
            sa.func.count(row.id).label("calls"),
            sa.func.count(row.id).filter(came).label("present"),
            sa.func.count(row.id)
            .filter(sa.and_(came, row.reported_at > row.report_in_by))
            .label("late"),
            sa.func.count(row.id).filter(row.raised_at.is_not(None)).label("raised"),
            sa.func.avg(row.street_rating).label("rating"),
            sa.func.count(row.street_rating).label("ratings"),
        )
        .join(WhistleCall, WhistleCall.id == row.call_id)
        .where(WhistleCall.blown_at >= start, WhistleCall.blown_at < end)
        .group_by(row.unit_code)
        .order_by(sa.func.count(row.id).desc(), row.unit_code)
    )
    columns = ["unit_code", "calls", "present", "late", "raised", "rating", "ratings"]
    frame = to_frame(session.execute(made), columns)
    frame["rating"] = frame["rating"].astype("float64")
    return frame
