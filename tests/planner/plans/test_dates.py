from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.rules.calendar import WorkCalendar
from planner.plans.dates import (
    StageDays,
    add_months,
    add_working_days,
    date_stages,
    find_season_start,
    make_chain,
    take_working_days,
)
from planner.plans.measures import make_library
from tests.planner.plans.test_measures import make_table

# National Day 2025: 1 to 8 October off, Sunday 28 September and Saturday 11 October worked
CALENDAR = WorkCalendar(
    holidays=frozenset(date(2025, 10, day) for day in range(1, 9)),
    workdays=frozenset({date(2025, 9, 28), date(2025, 10, 11)}),
)
DAYS = StageDays(verify=3, consultation=10, unknown=40)


def count_working_days(first, last):
    """Count by hand, both days included."""
    days = np.arange((first - date(1970, 1, 1)).days, (last - date(1970, 1, 1)).days + 1)
    return int(CALENDAR.is_workday(days).sum())


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2025, 9, 26), 0, date(2025, 9, 26)),
        (date(2025, 9, 26), 1, date(2025, 9, 28)),
        (date(2025, 9, 30), 1, date(2025, 10, 9)),
        (date(2025, 10, 1), 0, date(2025, 10, 9)),
        (date(2025, 10, 10), 2, date(2025, 10, 13)),
    ],
)
def test_working_days_pass_over_holidays_and_count_make_up_days(start, days, end):
    assert add_working_days(CALENDAR, start, days) == end


@given(days=st.integers(1, 120), back=st.integers(0, 60))
def test_the_latest_start_leaves_exactly_the_days_that_are_needed(days, back):
    end = date.fromordinal(date(2025, 12, 31).toordinal() - back)
    start = take_working_days(CALENDAR, end, days)

    assert count_working_days(start, end) == days


@pytest.mark.parametrize(
    ("today", "months", "start"),
    [
        (date(2025, 12, 31), [11, 12, 1, 2], date(2026, 11, 1)),
        (date(2025, 10, 31), [11, 12, 1, 2], date(2025, 11, 1)),
        (date(2025, 12, 31), [6, 7, 8], date(2026, 6, 1)),
        (date(2025, 6, 1), [6, 7, 8], date(2026, 6, 1)),
    ],
)
def test_a_season_over_the_turn_of_the_year_begins_with_its_first_month(today, months, start):
    assert find_season_start(today, months) == start


def test_months_end_where_the_month_is_short():
    assert add_months(date(2025, 1, 31), 1) == date(2025, 2, 28)
    assert add_months(date(2025, 12, 31), -1) == date(2025, 11, 30)
    assert add_months(date(2025, 11, 15), 14) == date(2027, 1, 15)


def test_a_measure_without_a_duration_is_told_and_assumed():
    one = make_library(make_table()).choose("S1")[1]
    chain = make_chain([], [one], DAYS, consultation="", firms="")

    assert one.days is None
    assert one.name in chain.basis
    assert chain.total_days == 3 + 40


def test_stages_follow_each_other_and_residents_are_asked_before():
    measures = make_library(make_table()).choose("S1")[:1]
    chain = make_chain([], measures, DAYS, consultation="议事", firms="企业")
    stages = date_stages(chain, date(2025, 9, 29), CALENDAR)

    assert [stage.kind for stage in stages] == ["verify", "consult", "measure", "firms"]
    assert stages[0].start_on == "2025-09-29"
    assert stages[0].end_on == "2025-10-09"
    for before, after in pairwise(stages[:3]):
        assert before.end_on < after.start_on
    for stage in stages:
        first, last = date.fromisoformat(stage.start_on), date.fromisoformat(stage.end_on)
        assert count_working_days(first, last) == stage.days
