from dataclasses import replace
from datetime import date, timedelta

import pytest

from gridgov.rules.plans.task_life import TaskDates, TaskState, find_slips, find_weeks

START, DUE = date(2026, 1, 5), date(2026, 3, 2)
TASK = TaskDates(
    state=TaskState.RUNNING, start_on=START, due_on=DUE, told_on=None, progress_share=0.0
)


@pytest.mark.parametrize(
    ("changes", "today", "expected"),
    [
        ({}, date(2026, 1, 6), ()),
        ({}, date(2026, 1, 13), ("silent",)),
        ({"told_on": date(2026, 1, 10)}, date(2026, 1, 13), ()),
        # half of the time has passed
        ({"told_on": date(2026, 2, 1), "progress_share": 0.1}, date(2026, 2, 2), ("behind",)),
        ({"told_on": date(2026, 2, 1), "progress_share": 0.4}, date(2026, 2, 2), ()),
        ({"told_on": date(2026, 3, 2)}, date(2026, 3, 3), ("overdue",)),
        ({"told_on": date(2026, 3, 2)}, DUE, ("behind",)),
        ({"state": TaskState.OPEN}, date(2026, 1, 4), ()),
        ({"state": TaskState.ASSIGNED}, date(2026, 1, 20), ("not_begun",)),
        ({"state": TaskState.ASSIGNED}, date(2026, 4, 1), ("overdue", "not_begun")),
        ({"state": TaskState.DONE}, date(2026, 4, 1), ()),
        ({"state": TaskState.DROPPED}, date(2026, 4, 1), ()),
        ({"start_on": None, "due_on": None}, date(2026, 4, 1), ()),
    ],
)
def test_why_a_task_slips(changes, today, expected):
    assert find_slips(replace(TASK, **changes), today) == expected


def test_weeks_are_their_mondays():
    weeks = find_weeks(date(2026, 1, 7), date(2026, 1, 20))

    assert weeks == [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)]
    assert all(week.weekday() == 0 for week in weeks)
    assert find_weeks(date(2026, 1, 5), date(2026, 1, 5)) == [date(2026, 1, 5)]
    assert weeks[1] - weeks[0] == timedelta(days=7)
