"""Counts kept while writing, so that pages and maps never scan the history.

Every row is a delta; sums are the counts. Writers only insert, so none waits for another; a job adds old deltas up.
Days are days of receipt in the city's zone.
"""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.models.orders import Outcome
from gridgov.storage.types import Word


class CellCount(Base):
    """Orders by cell, day of receipt, item and outcome."""

    __tablename__ = "cell_counts"
    __table_args__ = (sa.Index("ix_cell_counts_street_day", "street_code", "day"),)

    id: Mapped[Id]
    cell_code: Mapped[str | None] = mapped_column(sa.String(40))
    street_code: Mapped[str | None] = mapped_column(sa.String(32))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    day: Mapped[date]
    item_code: Mapped[str | None] = mapped_column(sa.String(200))
    level1_code: Mapped[str | None] = mapped_column(sa.String(200))
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome, 16))
    n: Mapped[int]


class StreetCount(Base):
    """Orders by street, owner, span (a day or a whole month), level-1 item and outcome."""

    __tablename__ = "street_counts"
    __table_args__ = (
        sa.Index("ix_street_counts_span_start", "span", "start_on", "street_code"),
        sa.Index("ix_street_counts_unit", "unit_code", "span", "start_on"),
    )

    id: Mapped[Id]
    street_code: Mapped[str | None] = mapped_column(sa.String(32))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    span: Mapped[str] = mapped_column(sa.String(5))  # day, month
    start_on: Mapped[date]
    level1_code: Mapped[str | None] = mapped_column(sa.String(200))
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome, 16))
    n: Mapped[int]


class RateCount(Base):
    """Callbacks that count, by unit and assessed month (``rules.rates.make_counts``); an order adds one row."""

    __tablename__ = "rate_counts"
    __table_args__ = (sa.Index("ix_rate_counts_month_unit", "month", "unit_code"),)

    id: Mapped[Id]
    month: Mapped[str] = mapped_column(sa.String(16))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    orders: Mapped[int]
    callbacks: Mapped[int]
    excluded: Mapped[int]
    flagged: Mapped[int]
    contacted: Mapped[int]
    solved: Mapped[int]
    partly: Mapped[int]
    satisfied: Mapped[int]
    basically: Mapped[int]
