"""Callbacks that count, by unit and assessed month, as the rules of the rates take them."""

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.rates import COUNT_COLUMNS, KEYS
from gridgov.storage.models.counts import RateCount


def get_rate_counts(session: Session, *, months: Iterable[str] | None = None) -> pd.DataFrame:
    """Return whole numbers per month and unit: ``rules.rates.COUNT_COLUMNS``, sorted by both.

    Parameters
    ----------
    months
        Only these; None for all.
    """
    names = [name for name in COUNT_COLUMNS if name not in KEYS]
    sums = [sa.func.sum(getattr(RateCount, name)).label(name) for name in names]
    chosen = (
        sa.select(RateCount.month, RateCount.unit_code, *sums)
        .group_by(RateCount.month, RateCount.unit_code)
        .order_by(RateCount.month, RateCount.unit_code)
    )
    if months is not None:
        chosen = chosen.where(RateCount.month.in_(list(months)))
    frame = pd.DataFrame(session.execute(chosen).all(), columns=list(COUNT_COLUMNS))
    frame[names] = frame[names].astype("int64")
    kept = frame[frame["orders"] > 0]
    return kept.astype(dict.fromkeys(KEYS, "str")).reset_index(drop=True)


def list_rate_months(session: Session) -> list[str]:
    """Return the assessed months that have orders, the first one first."""
    chosen = (
        sa.select(RateCount.month)
        .group_by(RateCount.month)
        .having(sa.func.sum(RateCount.orders) > 0)
        .order_by(RateCount.month)
    )
    return list(session.scalars(chosen))
