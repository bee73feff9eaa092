"""Windows: noon to noon, from the 19th, without gap or overlap over year ends, leap days and summer time."""

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.errors import GridgovError
from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.rates.window import (
    find_days,
    find_first_day,
    find_months,
    make_day,
    make_month,
    make_window_rules,
)

BEIJING, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
RULES = make_window_rules(make_constants())


def make_rules(**values):
    return make_window_rules(
        make_constants(make_constant(f"rates.{k}", v, "assumed") for k, v in values.items())
    )


def make_times(*texts, zone=BEIJING):
    return pd.Series(pd.DatetimeIndex(texts).tz_localize(zone)).astype(f"datetime64[us, {zone}]")


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [
        ("2025-03", "2025-02-19 12:00", "2025-03-19 12:00"),
        ("2025-01", "2024-12-19 12:00", "2025-01-19 12:00"),
        ("2024-03", "2024-02-19 12:00", "2024-03-19 12:00"),
    ],
)
def test_months_start_at_noon_of_the_19th_before(month, start, end):
    window = make_month(month, RULES, BEIJING)

    assert window.start_at == pd.Timestamp(start, tz=BEIJING)
    assert window.end_at == pd.Timestamp(end, tz=BEIJING)


def test_the_month_with_a_leap_day_is_a_day_longer():
    def count(month):
        window = make_month(month, RULES, BEIJING)
        return (window.end_at - window.start_at).days

    assert (count("2024-03"), count("2025-03")) == (29, 28)


def test_edges_belong_to_the_later_window():
    times = make_times(
        "2024-12-19 11:59:59.999999", "2024-12-19 12:00", "2025-01-19 11:59", "2025-01-19 12:00"
    )

    assert find_months(times, RULES).tolist() == ["2024-12", "2025-01", "2025-01", "2025-02"]
    assert find_days(times, RULES).tolist() == [
        "2024-12-18",
        "2024-12-19",
        "2025-01-18",
        "2025-01-19",
    ]


def test_the_leap_day_runs_noon_to_noon():
    times = make_times(
        "2024-02-29 11:00", "2024-02-29 12:00", "2024-03-01 11:59", "2024-03-01 12:00"
    )

    assert find_days(times, RULES).tolist() == [
        "2024-02-28",
        "2024-02-29",
        "2024-02-29",
        "2024-03-01",
    ]
    assert make_day(date(2024, 2, 29), RULES, BEIJING).end_at == times[3]


def test_other_cities_have_other_rules():
    rules = make_rules(day_starts_at="00:00", month_starts_on_day=1, month_starts_in="same")
    times = make_times("2024-12-31 23:59", "2025-01-01 00:00", zone=NEW_YORK)

    assert find_months(times, rules).tolist() == ["2024-12", "2025-01"]
    assert find_days(times, rules).tolist() == ["2024-12-31", "2025-01-01"]
    assert find_first_day("2025-01", rules) == date(2025, 1, 1)


def test_a_day_may_be_named_by_its_end():
    rules = make_rules(day_named_by="end")

    assert find_days(make_times("2025-03-04 12:00"), rules).tolist() == ["2025-03-05"]
    assert make_day(date(2025, 3, 5), rules, BEIJING).start_at == make_times("2025-03-04 12:00")[0]


def test_days_with_a_change_to_summer_time_have_23_and_25_hours():
    rules = make_rules(day_starts_at="02:30")
    hours = [
        (window.end_at - window.start_at).total_seconds() / 3600
        for day in (date(2025, 3, 8), date(2025, 11, 1), date(2025, 11, 2))
        for window in [make_day(day, rules, NEW_YORK)]
    ]

    # 02:30 does not exist on March 9 (moved to 03:00) and falls after the change on November 2.
    assert hours == [23.5, 25.0, 24.0]


def test_missing_times_have_no_window():
    times = pd.Series([pd.NaT, pd.Timestamp("2025-03-01")]).dt.tz_localize(BEIJING)

    assert find_months(times, RULES).isna().tolist() == [True, False]
    assert find_months(times[:1], RULES).isna().all()
    assert find_days(times[:1], RULES).isna().all()


@pytest.mark.parametrize("text", ["2025-13", "2025", "März", "2025-1", "0000-01"])
def test_what_is_no_month_is_said(text):
    with pytest.raises(GridgovError, match="expected a month such as '2025-03'"):
        make_month(text, RULES, BEIJING)


@pytest.mark.parametrize(
    ("name", "value"),
    [("day_starts_at", "25:00"), ("day_named_by", "middle"), ("month_starts_in", "next")],
)
def test_rules_that_cannot_be_read_are_said(name, value):
    with pytest.raises(ValueError, match=rf"rates\.{name}: found '{value}', expected"):
        make_rules(**{name: value})


@settings(max_examples=30, deadline=None)
@given(
    st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2040-12-31")),
    st.sampled_from([BEIJING, NEW_YORK]),
    st.integers(1, 28),
    st.sampled_from(["same", "previous"]),
)
def test_every_time_lies_in_the_month_and_day_of_its_name(at, zone, day, month):
    rules = make_rules(month_starts_on_day=day, month_starts_in=month)
    moment = pd.Timestamp(at, tz="UTC").tz_convert(zone)
    times = pd.Series([moment]).astype(f"datetime64[us, {zone}]")

    window = make_month(find_months(times, rules)[0], rules, zone)
    assert window.start_at <= moment < window.end_at
    noon = make_day(date.fromisoformat(find_days(times, rules)[0]), rules, zone)
    assert noon.start_at <= moment < noon.end_at
