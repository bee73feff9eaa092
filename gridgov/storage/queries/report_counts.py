"""Counts as reports need them: since when there are any, and those of a period by street, community and item."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.reports import Period, PeriodCounts
from gridgov.storage.models.counts import AreaCount, AreaKind, CountDelta
from gridgov.storage.queries.count_sources import (
    OUTCOMES,
    PART_CODES,
    CountFilter,
    find_part_sources,
    find_street_day_sources,
)
from gridgov.storage.statement_frames import to_frame


def find_first_day(session: Session) -> date | None:
    """Return the first day of receipt that anything is counted for, None where nothing is."""
    kept = sa.select(sa.func.min(AreaCount.start_on)).where(
        AreaCount.kind == AreaKind.STREET, AreaCount.days == 1
    )
    fresh = sa.select(sa.func.min(CountDelta.day))
    days = [day for query in (kept, fresh) if (day := session.scalar(query)) is not None]
    return min(days, default=None)


def count_period(session: Session, period: Period, *, is_fine: bool) -> PeriodCounts:
    """Return the counts of a period, as ``gridgov.rules.reports.count_orders`` makes them of rows.

    Parameters
    ----------
    is_fine
        Whether communities and items are told apart; else their codes are empty.
    """
    chosen = CountFilter(first_on=period.first_on, last_on=period.last_on)
    both = sa.union_all(*find_part_sources(session, chosen, is_fine=is_fine)).subquery()
    codes = [both.c[name] for name in PART_CODES]
    sums = [sa.func.sum(both.c[name]).label(name) for name in OUTCOMES]
    parts = to_frame(
        session.execute(sa.select(*codes, *sums).group_by(*codes)), [*PART_CODES, *OUTCOMES]
    )
    parts = parts.astype({**dict.fromkeys(PART_CODES, "str"), **dict.fromkeys(OUTCOMES, "int64")})
    parts = parts[(parts[list(OUTCOMES)] != 0).any(axis=1)]
    daily = sa.union_all(*find_street_day_sources(session, chosen)).subquery()
    keys = (daily.c.street_code, daily.c.day)
    days = to_frame(
        session.execute(sa.select(*keys, sa.func.sum(daily.c.n)).group_by(*keys)),
        ["street_code", "day", "n"],
    ).astype({"street_code": "str", "n": "int64"})
    return PeriodCounts(
        parts=parts.sort_values(list(PART_CODES), ignore_index=True),
        days=days[days["n"] != 0].sort_values(["street_code", "day"], ignore_index=True),
    )
