"""Counts kept while writing, so that pages and maps never scan the history.

Writers only insert deltas (``count_deltas``, ``rate_counts``): none waits for another. A job moves deltas into the
tables below it (``storage/count_sums.compact``); whoever reads adds both up in one statement. A missing code is ``''``
here, because missing values have no place in a key. Days are days of receipt in the city's zone.

Sums stand for spans of days whose lengths are nested (``storage/count_spans``), so that any window is made of few.
Codes are compared byte by byte: the order of a language costs time and means nothing here.
"""

from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id
from gridgov.storage.models.orders import Outcome
from gridgov.storage.types import Word


class AreaKind(StrEnum):
    """What a sum is of."""

    STREET = "street"
    COMMUNITY = "community"
    LEVEL1 = "level1"
    """A level-1 item in the whole city."""


def _bytes(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


class CountDelta(Base):
    """One more or one fewer order of a kind, not yet moved into the sums."""

    __tablename__ = "count_deltas"

    id: Mapped[Id]
    cell_code: Mapped[str] = mapped_column(_bytes(40))
    community_code: Mapped[str] = mapped_column(_bytes(32))
    street_code: Mapped[str] = mapped_column(_bytes(32))
    unit_code: Mapped[str] = mapped_column(_bytes(32))
    day: Mapped[date]
    item_code: Mapped[str] = mapped_column(_bytes(200))
    level1_code: Mapped[str] = mapped_column(_bytes(200))
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
    """The finest counts: cell × day × item × unit."""

    __tablename__ = "cell_counts"
    __table_args__ = (
        sa.Index(
            "ix_cell_counts_street_day",
            "street_code",
            "day",
            # With these, the cells of a street are counted from the index alone.
            postgresql_include=[
                "cell_code",
                "open",
                "solved",
                "partly",
                "unsolved",
                "excluded",
                "merged",
            ],
        ),
        sa.Index("ix_cell_counts_unit_day", "unit_code", "day"),
        sa.Index("ix_cell_counts_item_day", "item_code", "day"),
        sa.Index("ix_cell_counts_level1_day", "level1_code", "day"),
    )

    cell_code: Mapped[str] = mapped_column(_bytes(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    item_code: Mapped[str] = mapped_column(_bytes(200), primary_key=True)
    unit_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)
    # Where a cell lies and what an item belongs to may change; both counts are kept then.
    community_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)
    street_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)
    level1_code: Mapped[str] = mapped_column(_bytes(200), primary_key=True)


class AreaCount(Tally, Base):
    """Sums over all units, only for who sees every order."""

    __tablename__ = "area_counts"

    kind: Mapped[AreaKind] = mapped_column(Word(AreaKind, 16), primary_key=True)
    days: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    """Length of the span; 0 for a calendar month."""
    start_on: Mapped[date] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)
    code: Mapped[str] = mapped_column(_bytes(200), primary_key=True)


class UnitCount(Tally, Base):
    """Sums by unit, street and level-1 item."""

    __tablename__ = "unit_counts"
    __table_args__ = (sa.Index("ix_unit_counts_level1", "level1_code", "days", "start_on"),)

    unit_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)
    days: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    start_on: Mapped[date] = mapped_column(primary_key=True)
    level1_code: Mapped[str] = mapped_column(_bytes(200), primary_key=True)
    street_code: Mapped[str] = mapped_column(_bytes(32), primary_key=True)


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
