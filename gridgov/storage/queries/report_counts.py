"""Counts as reports need them: since when there are any, and by level-1 item."""

from datetime import date

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.counts import AreaCount, AreaKind, CountDelta, Span
from gridgov.storage.models.orders import Outcome
from gridgov.storage.queries.map_counts import split_span


def find_first_day(session: Session) -> date | None:
    """Return the first day of receipt that anything is counted for, None where nothing is."""
    kept = sa.select(sa.func.min(AreaCount.start_on)).where(
        AreaCount.kind == AreaKind.STREET, AreaCount.span == Span.DAY
    )
    fresh = sa.select(sa.func.min(CountDelta.day))
    days = [day for query in (kept, fresh) if (day := session.scalar(query)) is not None]
    return min(days, default=None)


def count_items(session: Session, first_on: date, last_on: date) -> pd.Series:
    """Return orders by level-1 item of a window of days of receipt, both included; most first, ``""`` for no item."""
    sources = [
        sa.select(CountDelta.level1_code.label("code"), CountDelta.n.label("n")).where(
            CountDelta.day.between(first_on, last_on)
        )
    ]
    total = sum((getattr(AreaCount, one.value) for one in Outcome), sa.literal(0))
    for span, first, last in split_span(first_on, last_on):
        sources.append(
            sa.select(AreaCount.level1_code.label("code"), total.label("n")).where(
                AreaCount.kind == AreaKind.STREET,
                AreaCount.span == span,
                AreaCount.unit_code != "",
                AreaCount.start_on.between(first, last),
            )
        )
    both = sa.union_all(*sources).subquery()
    query = sa.select(both.c.code, sa.func.sum(both.c.n)).group_by(both.c.code)
    counts = pd.DataFrame(session.execute(query).all(), columns=["code", "n"])
    kept = counts[counts["n"] != 0].astype({"code": "str", "n": "int64"})
    ordered = kept.sort_values(["n", "code"], ascending=[False, True])
    return ordered.set_index("code")["n"]
