"""Spans of days for which sums are kept: lengths are nested, so that any window is made of few.

A span of ``n`` days begins on a day whose number since 0001-01-01 (which is 1, as ``date.toordinal`` counts) is a
multiple of ``n``. A window of two years is made of at most 38 spans.
"""

from collections.abc import Sequence
from datetime import date, timedelta

LENGTHS = (1, 8, 64)
"""Lengths in days. More of them would make a window of fewer rows, but a city with few orders a day would keep each
order once for every length."""
MONTH = 0
"""Stands for a calendar month where a length is named."""

Span = tuple[int, date]
"""Length and first day."""


def split_window(first_on: date, last_on: date, lengths: Sequence[int] = LENGTHS) -> list[Span]:
    """Return the fewest spans that make up a window, in their order.

    Parameters
    ----------
    first_on, last_on
        Both included.
    lengths
        Ascending from 1, each a multiple of the one before.

    Examples
    --------
    >>> split_window(date(2025, 1, 1), date(2025, 1, 3), (1, 2))
    [(1, datetime.date(2025, 1, 1)), (2, datetime.date(2025, 1, 2))]
    """
    spans, at, end = [], first_on.toordinal(), last_on.toordinal()
    while at <= end:
        length = max(one for one in lengths if at % one == 0 and at + one - 1 <= end)
        spans.append((length, date.fromordinal(at)))
        at += length
    return spans


def split_months(first_on: date, last_on: date) -> list[Span]:
    """Return spans that make up a window, none reaching over the end of a month; whole ones as :data:`MONTH`."""
    month = first_on.replace(day=1)
    spans: list[Span] = []
    while month <= last_on:
        after = find_next_month(month)
        first, last = max(month, first_on), min(after - timedelta(days=1), last_on)
        if (first, last) == (month, after - timedelta(days=1)):
            spans.append((MONTH, month))
        else:
            spans += split_window(first, last)
        month = after
    return spans


def find_next_month(day: date) -> date:
    """Return the first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def write_start(days: str, *, is_postgres: bool, day: str = "day") -> str:
    """Return SQL of the first day of the span that holds a day.

    Parameters
    ----------
    days
        SQL of the length; 0 for the calendar month.
    is_postgres
        PostgreSQL or SQLite.
    day
        SQL of the day.
    """
    if is_postgres:
        month = f"CAST(date_trunc('month', {day}) AS date)"
        start = f"{day} - ({day} - DATE '0001-01-01' + 1) % nullif({days}, 0)"
    else:
        month = f"date({day}, 'start of month')"
        # 1721424.5 is the Julian date of the day before 0001-01-01.
        past = f"CAST(julianday({day}) - 1721424.5 AS INTEGER) % nullif({days}, 0)"
        start = f"date({day}, '-' || ({past}) || ' days')"
    return f"CASE WHEN {days} = {MONTH} THEN {month} ELSE {start} END"
