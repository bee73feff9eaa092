"""A slip of the pen in one time moves nothing; rare and quiet files keep all their rows."""

import numpy as np
import pandas as pd
import pytest

from gridgov.reading.strays import find_end, find_strays, to_days

RNG = np.random.default_rng(5)


def make_days(first, last, count):
    low, high = (np.datetime64(day, "D").astype(int) for day in (first, last))
    return np.append(RNG.integers(low, high, count - 1, endpoint=True), high)


def end_of(*parts):
    found = find_end(np.concatenate(parts))
    return str(np.datetime64(found, "D"))


@pytest.mark.parametrize("count", [2, 3, 60, 3_000, 100_000])
@pytest.mark.parametrize("stray", [["2099-01-01"], ["2099-01-01", "2050-06-01"]])
def test_a_year_far_ahead_is_a_slip(count, stray):
    days = make_days("2024-01-01", "2024-12-30", count)
    strays = [np.datetime64(day, "D").astype(int) for day in stray[: count - 1]]
    assert end_of(days, strays) == "2024-12-30"
    assert end_of(days, strays, make_days("1990-01-01", "1990-01-02", 2)[:1]) == "2024-12-30"


@pytest.mark.parametrize("gap_days", [9, 40, 365])
def test_a_year_too_late_is_a_slip_where_rows_come_daily(gap_days):
    days = make_days("2022-01-01", "2024-12-30", 10_000)
    assert end_of(days, days[-1:] + gap_days) == "2024-12-30"


@pytest.mark.parametrize(
    "parts",
    [
        [
            ("2024-05-06", "2024-05-06", 3),
            ("2024-07-01", "2024-07-01", 1),
        ],  # three rows and one more
        [("2018-01-01", "2023-12-30", 20), ("2024-07-01", "2024-07-01", 1)],  # seldom anything
        [
            ("2024-01-01", "2024-05-30", 50_000),
            ("2024-07-01", "2024-07-07", 2_000),
        ],  # a month missing
        [("2019-01-01", "2019-12-30", 5_000), ("2023-01-01", "2023-12-30", 5_000)],  # two exports
        [("2024-05-06", "2024-05-06", 1)],
    ],
)
def test_what_was_received_stays(parts):
    assert end_of(*(make_days(*part) for part in parts)) == parts[-1][1]


def test_days_are_those_of_the_city():
    times = pd.Series(pd.to_datetime(["2024-05-06 15:59Z", "2024-05-06 16:00Z", None]))
    local = times.dt.tz_convert("Asia/Shanghai")
    day = int(np.datetime64("2024-05-06", "D").astype(int))
    assert to_days(local)[:2].tolist() == [day, day + 1]
    assert find_end(to_days(local)) == day + 1
    assert find_strays(local, day).tolist() == [False, True, False]
    assert find_end(to_days(local[2:])) is None
    assert not find_strays(local, None).any()
