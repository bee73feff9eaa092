"""Spans make up any window exactly once, in the fewest pieces; their SQL begins where they begin."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gridgov.storage.counts.spans import (
    LENGTHS,
    MONTH,
    find_next_month,
    split_months,
    split_window,
    write_start,
)
from gridgov.storage.db import is_postgres

DAYS = st.dates(date(1, 1, 1), date(9000, 1, 1))
WIDTHS = st.integers(0, 1500)


def list_days(spans: list[tuple[int, date]]) -> list[date]:
    days = []
    for length, start in spans:
        end = find_next_month(start) if length == MONTH else start + timedelta(days=length)
        days += [start + timedelta(days=at) for at in range((end - start).days)]
    return days


@pytest.mark.parametrize("lengths", [LENGTHS, (1, 2, 4), (1,)])
@given(first=DAYS, width=WIDTHS)
def test_spans_are_each_day_of_the_window_once(
    lengths: tuple[int, ...], first: date, width: int
) -> None:
    last = first + timedelta(days=width)
    wanted = [first + timedelta(days=at) for at in range(width + 1)]
    spans = split_window(first, last, lengths)
    assert list_days(spans) == wanted
    assert all(start.toordinal() % length == 0 for length, start in spans)
    assert list_days(split_months(first, last)) == wanted


@given(first=DAYS, width=WIDTHS)
def test_a_window_is_made_of_few(first: date, width: int) -> None:
    spans = split_window(first, first + timedelta(days=width))
    assert len(spans) <= 4 * 7 + width // LENGTHS[-1]


def test_no_span_reaches_into_the_next_month() -> None:
    spans = split_months(date(2024, 1, 30), date(2024, 4, 1))
    assert spans == [
        (1, date(2024, 1, 30)),
        (1, date(2024, 1, 31)),
        (MONTH, date(2024, 2, 1)),
        (MONTH, date(2024, 3, 1)),
        (1, date(2024, 4, 1)),
    ]
    assert split_window(date(2024, 2, 2), date(2024, 2, 1)) == []


@pytest.mark.parametrize("day", [date(1969, 12, 31), date(2000, 2, 29), date(2026, 11, 25)])
def test_the_database_begins_spans_on_the_same_day(session: Session, day: date) -> None:
    postgres = is_postgres(session)
    value = f"DATE '{day}'" if postgres else f"'{day}'"
    for length in (MONTH, *LENGTHS):
        made = write_start(str(length), is_postgres=postgres, day=value)
        found = session.scalar(sa.text(f"SELECT {made}"))
        start = day.replace(day=1)
        if length != MONTH:
            start = date.fromordinal(day.toordinal() - day.toordinal() % length)
        assert str(found) == str(start), length
