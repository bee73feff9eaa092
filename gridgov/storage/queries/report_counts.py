"""Counts as reports need them: since when there are any, and by level-1 item."""

from datetime import date

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.counts import AreaCount, AreaKind, CountDelta
from gridgov.storage.queries.count_sources import OUTCOMES, CountFilter, Grain, find_sources
from gridgov.storage.statement_frames import to_frame


def find_first_day(session: Session) -> date | None:
    """Return the first day of receipt that anything is counted for, None where nothing is."""
    kept = sa.select(sa.func.min(AreaCount.start_on)).where(
        AreaCount.kind == AreaKind.STREET, AreaCount.days == 1
    )
    fresh = sa.select(sa.func.min(CountDelta.day))
    days = [day for query in (kept, fresh) if (day := session.scalar(query)) is not None]
    return min(days, default=None)


def count_items(session: Session, first_on: date, last_on: date) -> pd.Series:
    """Return orders by level-1 item of a window of days of receipt, both included; most first, ``""`` for no item."""
    chosen = CountFilter(first_on=first_on, last_on=last_on)
    both = sa.union_all(*find_sources(session, "level1", chosen, grain=Grain.WINDOW)).subquery()
    total = sum((both.c[name] for name in OUTCOMES), sa.literal(0))
    query = sa.select(both.c.code, sa.func.sum(total)).group_by(both.c.code)
    counts = to_frame(session.execute(query), ["code", "n"])
    kept = counts[counts["n"] != 0].astype({"code": "str", "n": "int64"})
    ordered = kept.sort_values(["n", "code"], ascending=[False, True])
    return ordered.set_index("code")["n"]
