"""Counts kept while writing, so that pages and maps never scan the history.

Writers only insert deltas (``count_deltas``, ``rate_counts``): none waits for another. A job moves deltas into the
tables below it (``storage/counts.compact``); whoever reads adds both up in one statement. A missing code is ``''``
here, because missing values have no place in a key. Days are days of receipt in the city's zone.
"""

from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.models.orders import Outcome
from gridgov.storage.types import Word


class AreaKind(StrEnum):
    """What an area count is of."""

    STREET = "street"
    COMMUNITY = "community"


class Span(StrEnum):
    """How long a span of counts is."""

    DAY = "day"
    MONTH = "month"


class CountDelta(Base):
    """One more or one fewer order of a kind, not yet moved into the sums."""

    __tablename__ = "count_deltas"

    id: Mapped[Id]
    cell_code: Mapped[str] = mapped_column(sa.String(40))
    community_code: Mapped[str] = mapped_column(sa.String(32))
    street_code: Mapped[str] = mapped_column(sa.String(32))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    day: Mapped[date]
    item_code: Mapped[str] = mapped_column(sa.String(200))
    level1_code: Mapped[str] = mapped_column(sa.String(200))
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome, 16))
    n: Mapped[int]


class Tally:
    """Orders by outcome, one column each: a filter by outcome costs nothing and a key has one row."""

    open: Mapped[int] = mapped_column(default=0)
    solved: Mapped[int] = mapped_column(default=0)
    partly: Mapped[int] = mapped_column(default=0)
    unsolved: Mapped[int] = mapped_column(default=0)
    excluded: Mapped[int] = mapped_column(default=0)
    merged: Mapped[int] = mapped_column(default=0)


class CellCount(Tally, Base):
    """The finest counts: cell × day × item × unit. A key may have several rows; their sum counts."""

    __tablename__ = "cell_counts"
    __table_args__ = (
        sa.Index("ix_cell_counts_cell_day", "cell_code", "day"),
        sa.Index("ix_cell_counts_street_day", "street_code", "day"),
        sa.Index("ix_cell_counts_item_day", "item_code", "day"),
    )

    id: Mapped[Id]
    cell_code: Mapped[str] = mapped_column(sa.String(40))
    community_code: Mapped[str] = mapped_column(sa.String(32))
    street_code: Mapped[str] = mapped_column(sa.String(32))
    unit_code: Mapped[str] = mapped_column(sa.String(32))
    day: Mapped[date]
    item_code: Mapped[str] = mapped_column(sa.String(200))
    level1_code: Mapped[str] = mapped_column(sa.String(200))


class AreaCount(Tally, Base):
    """Sums for whole areas, one row a key.

    Rows with ``unit_code = ''`` are totals over units and items, by day and month; streets have rows by unit and
    level-1 item besides. Every order has a unit, so ``''`` is none of them.
    """

    __tablename__ = "area_counts"
    __table_args__ = (
        sa.Index(
            "ix_area_counts_level1",
            "level1_code",
            "span",
            "start_on",
            postgresql_where=sa.text("unit_code <> ''"),
            sqlite_where=sa.text("unit_code <> ''"),
        ),
    )

    kind: Mapped[AreaKind] = mapped_column(Word(AreaKind, 16), primary_key=True)
    unit_code: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    span: Mapped[Span] = mapped_column(Word(Span, 8), primary_key=True)
    start_on: Mapped[date] = mapped_column(primary_key=True)
    level1_code: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)


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
