"""What a command centre looks at first: what came in, what is due, what is late, which calls run, what surges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.whistles.call import UnitState
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.queries.order_clocks import make_clocks

HERE = frozenset({UnitState.REPORTED_IN, UnitState.RELEASED})
"""States of a called unit that has come with its power."""


@dataclass(frozen=True, kw_only=True)
class TodayFigures:
    """Counts of orders and calls at one moment.

    Parameters
    ----------
    received, received_before
        Of the day up to the moment, and of the day before up to the same time of day.
    clocks
        Open orders by each of ``order_clocks.CLOCKS``.
    calls, calls_late
        Whistle calls that run; those of them in which a unit has not reported in in time.
    """

    received: int
    received_before: int
    clocks: Mapping[str, int]
    calls: int
    calls_late: int


def get_today(
    session: Session,
    *,
    now: datetime,
    day_start: datetime,
    soon: timedelta,
    unit_codes: frozenset[str] | None = None,
) -> TodayFigures:
    """Return the figures of a moment.

    Parameters
    ----------
    now
        Aware.
    day_start
        Begin of the day in the city's zone, aware.
    soon
        What counts as due soon.
    unit_codes
        Units whose orders count; None for all that the session sees.
    """
    passed = now - day_start
    before = day_start - timedelta(days=1)
    calls, late = _count_calls(session, now, unit_codes)
    return TodayFigures(
        received=_count_received(session, day_start, now, unit_codes),
        received_before=_count_received(session, before, before + passed, unit_codes),
        calls=calls,
        calls_late=late,
        clocks=_count_open(
            session,
            make_clocks(now=now, day_end=day_start + timedelta(days=1), soon=soon),
            unit_codes,
        ),
    )


def _of_units(made: Any, column: Any, unit_codes: frozenset[str] | None) -> Any:
    """Return a statement with only the rows of some units, if any are asked for."""
    return made if unit_codes is None else made.where(column.in_(sorted(unit_codes)))


def _count_received(
    session: Session, start: datetime, end: datetime, unit_codes: frozenset[str] | None
) -> int:
    made = sa.select(sa.func.count(Order.id)).where(
        Order.received_at >= start, Order.received_at < end
    )
    return session.scalar(_of_units(made, Order.unit_code, unit_codes)) or 0


def _count_open(
    session: Session,
    clocks: Mapping[str, sa.ColumnElement[bool]],
    unit_codes: frozenset[str] | None,
) -> dict[str, int]:
    """Return the counts of open orders, all from one walk over the index of open ones."""
    counts = [
        sa.func.coalesce(sa.func.sum(sa.case((holds, 1), else_=0)), 0).label(name)
        for name, holds in clocks.items()
    ]
    made = sa.select(*counts).where(Order.outcome == Outcome.OPEN)
    row = session.execute(_of_units(made, Order.unit_code, unit_codes)).one()
    return {name: int(value) for name, value in zip(clocks, row, strict=True)}


def _count_calls(
    session: Session, now: datetime, unit_codes: frozenset[str] | None
) -> tuple[int, int]:
    late = sa.exists().where(
        CalledUnit.call_id == WhistleCall.id,
        CalledUnit.state.not_in(HERE),
        CalledUnit.report_in_by < now,
    )
    made = sa.select(
        sa.func.count(WhistleCall.id),
        sa.func.coalesce(sa.func.sum(sa.case((late, 1), else_=0)), 0),
    ).where(WhistleCall.closed_at.is_(None))
    running, missing = session.execute(_of_units(made, WhistleCall.unit_code, unit_codes)).one()
    return int(running), int(missing)


def count_hours(
    session: Session, *, start: datetime, end: datetime, unit_codes: frozenset[str] | None = None
) -> list[int]:
    """Return orders received in each hour from `start` to `end`, at most a few days."""
    made = sa.select(Order.received_at).where(Order.received_at >= start, Order.received_at < end)
    times: Sequence[datetime] = session.scalars(_of_units(made, Order.unit_code, unit_codes)).all()
    counts = [0] * max(int(-(-(end - start).total_seconds() // 3600)), 0)
    for time in times:
        counts[int((time - start).total_seconds() // 3600)] += 1
    return counts


def find_last_day(session: Session) -> date | None:
    """Return the last day on which an order was received, None without orders."""
    newest = session.scalar(sa.select(sa.func.max(Order.received_at)))
    return None if newest is None else newest.date()
