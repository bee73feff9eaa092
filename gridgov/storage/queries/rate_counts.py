"""Callbacks that count, by unit and assessed month, as the rules of the rates take them."""

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.rates.three_rates import COUNT_COLUMNS, KEYS
from gridgov.storage.counts.changes import RATE_COLUMNS
from gridgov.storage.models.counts import RateCount
from gridgov.storage.statement_frames import to_frame


def get_rate_counts(session: Session, *, months: Iterable[str] | None = None) -> pd.DataFrame:
    """Return whole numbers per month and unit: ``rules.rates.COUNT_COLUMNS``, sorted by both.

    Parameters
    ----------
    months
        Only these; None for all.
    """
    chosen = (
        sa.select(RateCount.month, RateCount.unit_code, *_make_sums())
        .group_by(RateCount.month, RateCount.unit_code)
        .order_by(RateCount.month, RateCount.unit_code)
    )
    if months is not None:
        chosen = chosen.where(RateCount.month.in_(list(months)))
    return _read(session, chosen)


def get_rate_totals(
    session: Session, *, unit_code: str, unit_codes: frozenset[str] | None = None
) -> pd.DataFrame:
    """Return the same of several units together, one row a month.

    Parameters
    ----------
    unit_code
        What the rows say in ``unit_code``.
    unit_codes
        Whose; None: of all.
    """
    chosen = (
        sa.select(RateCount.month, sa.literal(unit_code), *_make_sums())
        .group_by(RateCount.month)
        .order_by(RateCount.month)
    )
    if unit_codes is not None:
        chosen = chosen.where(RateCount.unit_code.in_(sorted(unit_codes)))
    return _read(session, chosen)


def _make_sums() -> list[sa.ColumnElement[int]]:
    return [sa.func.sum(getattr(RateCount, name)).label(name) for name in RATE_COLUMNS]


def _read(session: Session, chosen: sa.Executable) -> pd.DataFrame:
    frame = to_frame(session.execute(chosen), COUNT_COLUMNS)
    names = list(RATE_COLUMNS)
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
