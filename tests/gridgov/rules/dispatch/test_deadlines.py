"""Deadlines against dates counted by hand, brute force minute by minute, and the laws of clocks."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.rules.calendar import DAY_US, MINUTE_US, make_calendar, make_work_hours
from gridgov.rules.dispatch.deadlines import (
    DEFAULT_GRADES,
    ClockState,
    GradeLimit,
    find_deadlines,
    find_states,
    make_deadlines,
    make_limit,
    move_deadline,
)

BEIJING, BOSTON = "Asia/Shanghai", "America/New_York"
CALENDAR = make_calendar(
    holidays=[date(2024, 1, 1), date(2024, 2, 9), date(2024, 2, 12), date(2024, 10, 1)],
    workdays=[date(2024, 2, 4), date(2024, 2, 18)],
    hours=make_work_hours(["09:00-12:00", "13:30-18:00"]),
)


def due(start: str, limit: str, clock: str = "calendar", zone: str = BEIJING) -> str:
    """Return the deadline of one order, after checking that a table says the same."""
    at = pd.Timestamp(start, tz=zone)
    one = make_limit(limit)
    grades = {"x": GradeLimit(grade="x", contact=one, final=one, clock=clock)}
    rules = {"grades": grades, "calendar": CALENDAR}
    found = find_deadlines(at.to_pydatetime(), "x", zone=ZoneInfo(zone), **rules).due_at
    many = make_deadlines(pd.Series([at] * 2), pd.Series(["x", "y"]), **rules)["due_at"]
    assert many[0] == found
    assert pd.isna(many[1])
    return str(found)


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("2023-12-31 23:30", "2 h", "2024-01-01 01:30:00+08:00"),  # over the end of a year
        ("2024-02-28 10:00", "24 h", "2024-02-29 10:00:00+08:00"),  # leap day
        ("2023-02-28 10:00", "24 h", "2023-03-01 10:00:00+08:00"),  # none
        ("2024-02-23 10:00", "7 d", "2024-03-01 10:00:00+08:00"),
        ("2024-12-20 08:00", "15 d", "2025-01-04 08:00:00+08:00"),
    ],
)
def test_calendar_time(start, limit, expected):
    assert due(start, limit) == expected


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        # Clocks go forward on 2024-03-10 at 02:00 and back on 2024-11-03 at 02:00.
        ("2024-03-09 10:00", "24 h", "2024-03-10 11:00:00-04:00"),  # hours elapse
        ("2024-03-09 10:00", "1 d", "2024-03-10 10:00:00-04:00"),  # days keep the wall clock
        ("2024-03-09 02:30", "1 d", "2024-03-10 03:00:00-04:00"),  # 02:30 does not exist
        ("2024-11-02 01:30", "1 d", "2024-11-03 01:30:00-05:00"),  # 01:30 twice: the second
    ],
)
def test_summer_time(start, limit, expected):
    assert due(start, limit, zone=BOSTON) == expected


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("2024-01-02 10:00", "2 h", "2024-01-02 12:00:00+08:00"),
        ("2024-01-02 11:00", "2 h", "2024-01-02 14:30:00+08:00"),  # lunch does not count
        ("2023-12-29 17:00", "2 h", "2024-01-02 10:00:00+08:00"),  # weekend and New Year's Day
        ("2024-02-08 17:00", "2 h", "2024-02-13 10:00:00+08:00"),  # holiday Friday to Monday
        ("2024-02-03 09:00", "1 h", "2024-02-04 10:00:00+08:00"),  # Sunday worked instead
        (
            "2024-01-03 09:00",
            "1 d",
            "2024-01-03 18:00:00+08:00",
        ),  # ends with the day, not next morning
        ("2024-01-03 10:00", "1 d", "2024-01-04 10:00:00+08:00"),
        ("2024-01-06 10:00", "1 d", "2024-01-08 18:00:00+08:00"),  # received on Saturday
    ],
)
def test_working_time(start, limit, expected):
    assert due(start, limit, "working") == expected


def brute_force(start: datetime, minutes: int) -> datetime:
    """Count minute by minute."""
    at = start
    while minutes:
        day = at.date()
        works = (day.weekday() < 5 and day not in CALENDAR.holidays) or day in CALENDAR.workdays
        clock = at.time()
        if works and any(span.start <= clock < span.end for span in CALENDAR.hours):
            minutes -= 1
        at += timedelta(minutes=1)
    return at


@given(st.integers(0, 76 * 24 * 60), st.integers(1, 60 * 30))
@settings(max_examples=40, deadline=None)
def test_working_time_equals_counting_minutes(after, minutes):
    start = datetime.fromisoformat("2023-12-20") + timedelta(minutes=after)
    at = np.array([start], dtype="datetime64[us]").astype(np.int64)
    found = CALENDAR.add(at, minutes * MINUTE_US).astype("datetime64[us]")[0]
    assert found == np.datetime64(brute_force(start, minutes), "us")


@given(st.lists(st.integers(0, 400 * 24 * 60), min_size=1, max_size=20), st.integers(1, 20_000))
@settings(max_examples=60, deadline=None)
def test_adding_work_and_measuring_it_are_inverse(starts, minutes):
    at = np.array(starts, dtype=np.int64) * MINUTE_US + 19_700 * DAY_US
    end = CALENDAR.add(at, minutes * MINUTE_US)
    assert (CALENDAR.between(at, end) == minutes * MINUTE_US).all()
    assert (np.diff(end[np.argsort(at)]) >= 0).all(), "who comes later is not due earlier"


def test_grades_and_missing():
    received = pd.Series(
        pd.to_datetime(["2024-01-02 10:00", "2024-01-02 10:00", None])
    ).dt.tz_localize(BEIJING)
    grade = pd.Series(["24h", "never", "2h"], dtype="str")
    found = make_deadlines(received, grade, DEFAULT_GRADES, calendar=CALENDAR)
    assert str(found["contact_by"][0]) == "2024-01-02 12:00:00+08:00"
    assert str(found["due_at"][0]) == "2024-01-03 10:00:00+08:00"
    assert found.loc[[1, 2]].isna().all(axis=None)


def paused_due(clock: str, *spans: tuple[str, str], zone: str = BEIJING) -> str:
    limit = GradeLimit(grade="x", contact=make_limit("1 h"), final=make_limit("2 d"), clock=clock)
    options = {"calendar": CALENDAR, "zone": ZoneInfo(zone)}
    received = pd.Timestamp("2024-01-02 10:00", tz=zone).to_pydatetime()
    found = find_deadlines(received, "x", {"x": limit}, **options).due_at
    for begin, end in spans:
        at = [pd.Timestamp(time, tz=zone).to_pydatetime() for time in (begin, end)]
        found = move_deadline(found, *at, limit=limit, **options)
    return f"{found:%m-%d %H:%M}"


def test_pauses_stop_the_final_clock():
    assert paused_due("calendar") == "01-04 10:00"
    assert paused_due("calendar", ("2024-01-03 00:00", "2024-01-04 12:00")) == "01-05 22:00"
    # One after the deadline does not count; a second one may begin in the time the first one added.
    assert paused_due("calendar", ("2024-01-20 00:00", "2024-01-21 00:00")) == "01-04 10:00"
    chained = (("2024-01-03 00:00", "2024-01-04 00:00"), ("2024-01-05 00:00", "2024-01-06 00:00"))
    assert paused_due("calendar", *chained) == "01-06 10:00"


def test_pauses_in_working_time():
    # Paused Wednesday 10:00 with a whole day left, resumed Friday 10:00: due Monday 10:00.
    assert paused_due("working", ("2024-01-03 10:00", "2024-01-05 10:00")) == "01-08 10:00"
    # A pause of nights and weekends only changes nothing.
    assert paused_due("working", ("2024-01-02 18:00", "2024-01-03 09:00")) == "01-04 10:00"


@given(
    st.integers(0, 76 * 24 * 60), st.lists(st.integers(1, 3000), max_size=3), st.integers(1, 9999)
)
@settings(max_examples=30, deadline=None)
def test_a_pause_takes_away_its_working_minutes_and_gives_them_back(after, waits, length):
    limit = GradeLimit(
        grade="x", contact=make_limit("1 h"), final=make_limit("2 d"), clock="working"
    )
    options = {"calendar": CALENDAR, "zone": ZoneInfo(BEIJING)}
    at = datetime(2023, 12, 20, tzinfo=ZoneInfo(BEIJING)) + timedelta(minutes=after)
    due_at = find_deadlines(at, "x", {"x": limit}, **options).due_at
    paused = 0
    for wait in waits:
        start = at + timedelta(minutes=wait)
        at = start + timedelta(minutes=length)
        if start < due_at:
            paused += worked(start, at)
        due_at = move_deadline(due_at, start, at, limit=limit, **options)
    received = datetime(2023, 12, 20, tzinfo=ZoneInfo(BEIJING)) + timedelta(minutes=after)
    assert worked(received, due_at) == 2 * CALENDAR.day_us + paused


def worked(start: datetime, end: datetime) -> int:
    wall = [
        np.array([at.replace(tzinfo=None)], dtype="datetime64[us]").astype(np.int64)
        for at in (start, end)
    ]
    return int(CALENDAR.between(*wall)[0])


def test_states():
    as_of = pd.Timestamp("2024-01-10 10:00", tz=BEIJING)
    rows = [
        ("2024-01-10 09:00", "2024-01-10 11:00", None, ClockState.RUNNING),
        ("2024-01-10 08:00", "2024-01-10 10:20", None, ClockState.DUE_SOON),
        ("2024-01-10 08:00", "2024-01-10 09:59", None, ClockState.OVERDUE),
        ("2024-01-10 08:00", "2024-01-10 09:59", "2024-01-10 09:59", ClockState.MET),
        ("2024-01-10 08:00", "2024-01-10 09:30", "2024-01-10 09:59", ClockState.MISSED),
        (
            "2024-01-10 08:00",
            "2024-01-10 12:30",
            "2024-01-10 12:00",
            ClockState.RUNNING,
        ),  # not yet known
    ]
    frame = pd.DataFrame(rows, columns=["start", "due", "done", "state"])
    times = {c: pd.to_datetime(frame[c]).dt.tz_localize(BEIJING) for c in ("start", "due", "done")}
    found = find_states(
        times["start"], times["due"], times["done"], as_of=as_of, due_soon_share=0.2
    )
    assert found.tolist() == frame["state"].tolist()
    held = find_states(
        times["start"],
        times["due"],
        times["done"],
        as_of=as_of,
        due_soon_share=0.2,
        paused=pd.Series([True] * len(frame)),
    )
    assert held[2] == ClockState.PAUSED
    assert held[3] == ClockState.MET


@pytest.mark.parametrize("text", ["", "7", "soon", "-2 h", "0 d", "2 weeks"])
def test_limits_that_are_none(text):
    with pytest.raises(ValueError, match="expected a limit"):
        make_limit(text)
