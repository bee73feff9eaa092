"""Deadlines of one order are those of the frames, over changes of the clocks and in working time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.rules.calendar import make_calendar
from gridgov.rules.dispatch.deadline_one import find_deadlines, move_deadline
from gridgov.rules.dispatch.deadlines import GradeLimit, make_deadlines, make_limit

CALENDAR = make_calendar([datetime(2024, 10, day).date() for day in range(1, 8)])  # noqa: DTZ001
GRADES = {
    grade: GradeLimit(
        grade=grade, contact=make_limit(contact), final=make_limit(final), clock=clock
    )
    for grade, contact, final, clock in (
        ("2h", "30 min", "2 h", "calendar"),
        ("1.5d", "90 min", "1.5 d", "calendar"),
        ("7d", "24 h", "7 d", "calendar"),
        ("15w", "4 h", "15 d", "working"),
    )
}
instants = st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
zones = st.sampled_from([ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")])


@settings(max_examples=150, deadline=None)
@given(at=instants, zone=zones, grade=st.sampled_from([*GRADES, "other"]))
def test_limits_are_those_of_frames(at: datetime, zone: ZoneInfo, grade: str) -> None:
    times = pd.Series([pd.Timestamp(at)]).dt.tz_convert(str(zone))
    wanted = make_deadlines(times, pd.Series([grade]), GRADES, calendar=CALENDAR).iloc[0]
    contact, due = find_deadlines(at, grade, GRADES, calendar=CALENDAR, zone=zone)
    for found, expected in ((contact, wanted["contact_by"]), (due, wanted["due_at"])):
        assert (found is None and pd.isna(expected)) or found == expected


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
@pytest.mark.parametrize("day", [datetime(2024, 3, 3), datetime(2024, 10, 27)])  # noqa: DTZ001
def test_limits_that_end_in_a_change_of_the_clocks(day: datetime, hour: int) -> None:
    zone = ZoneInfo("America/New_York")
    start = day.replace(hour=hour, minute=30, tzinfo=zone)
    times = pd.Series([pd.Timestamp(start)])
    wanted = make_deadlines(times, pd.Series(["7d"]), GRADES, calendar=CALENDAR)["due_at"].iloc[0]
    assert find_deadlines(start, "7d", GRADES, calendar=CALENDAR, zone=zone)[1] == wanted


@settings(max_examples=150, deadline=None)
@given(
    at=instants,
    zone=zones,
    grade=st.sampled_from(["7d", "15w"]),
    spans=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=1, max_size=3),
)
def test_pauses_one_by_one_are_those_of_frames(
    at: datetime, zone: ZoneInfo, grade: str, spans: list[tuple[int, int]]
) -> None:
    times = pd.Series([pd.Timestamp(at)]).dt.tz_convert(str(zone))
    _, due = find_deadlines(at, grade, GRADES, calendar=CALENDAR, zone=zone)
    rows, last = [], at
    for wait, length in spans:
        begin = last + timedelta(hours=wait)
        last = begin + timedelta(hours=length)
        rows.append({"order_no": 0, "paused_at": begin, "resumed_at": last, "reason": ""})
        due = move_deadline(due, begin, last, limit=GRADES[grade], calendar=CALENDAR, zone=zone)
    pauses = pd.DataFrame(rows)
    for name in ("paused_at", "resumed_at"):
        pauses[name] = pd.to_datetime(pauses[name]).dt.tz_convert(str(zone))
    wanted = make_deadlines(times, pd.Series([grade]), GRADES, calendar=CALENDAR, pauses=pauses)[
        "due_at"
    ].iloc[0]
    assert np.abs((due - wanted).total_seconds()) < 1e-6
