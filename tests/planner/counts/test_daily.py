"""What counts: problems, persons once, days before the moment."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.calendar import make_calendar
from gridgov.rules.catalogue import make_catalogue
from planner.counts import make_daily_counts
from planner.counts.daily import REPEAT_DAYS, find_level2
from planner.errors import PlannerError

AS_OF = pd.Timestamp("2025-03-01", tz="Asia/Shanghai")
CALENDAR = make_calendar()


def make_orders(rows):
    frame = pd.DataFrame(
        rows, columns=["received_at", "street_code", "item_code", "person_key", "kind"]
    )
    frame["received_at"] = pd.to_datetime(frame["received_at"]).dt.tz_localize("Asia/Shanghai")
    return frame


def count_by_brute_force(orders):
    """Walk through the orders of each person one by one."""
    last, n = {}, 0
    for row in orders.sort_values("received_at").itertuples():
        if pd.isna(row.person_key):
            n += 1
            continue
        key = (row.person_key, row.street_code, row.item_code)
        if key not in last or row.received_at - last[key] >= pd.Timedelta(days=REPEAT_DAYS):
            last[key] = row.received_at
            n += 1
    return n


def test_a_person_counts_once_per_problem_and_window():
    rng = np.random.default_rng(3)
    n = 400
    orders = make_orders(
        {
            "received_at": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 400 * 86400, n), "s"),
            "street_code": rng.choice(["a", "b"], n),
            "item_code": rng.choice(["1", "2"], n),
            "person_key": rng.choice(["p", "q", "r", None], n),
            "kind": "complaint",
        }
    )
    daily = make_daily_counts(orders, CALENDAR, as_of=AS_OF)
    assert daily.total == count_by_brute_force(orders)
    assert make_daily_counts(orders, CALENDAR, as_of=AS_OF, persons_once=False).total == n


def test_praise_consultation_and_what_is_not_over_stay_out():
    orders = make_orders(
        [
            ("2025-02-01 10:00", "a", "1", None, "complaint"),
            ("2025-02-01 11:00", "a", "1", None, "praise"),
            ("2025-02-02 11:00", "a", "1", None, "咨询"),
            ("2025-03-01 00:00", "a", "1", None, "complaint"),
            ("2025-02-03 23:30", "b", "1", None, "help"),
        ]
    )
    daily = make_daily_counts(orders, CALENDAR, as_of=AS_OF)
    assert daily.first_day == date(2025, 2, 1)
    assert daily.days == 28
    assert list(zip(daily.street, daily.day, daily.n, strict=True)) == [(0, 0, 1), (1, 2, 1)]
    assert daily.hours[0, 1, 23] == 1  # a Monday
    only = make_daily_counts(orders, CALENDAR, as_of=AS_OF, problem_kinds=frozenset({"praise"}))
    assert only.total == 1


def test_items_are_counted_at_level_2():
    catalogue = make_catalogue(
        pd.DataFrame(
            {
                "item_code": ["10", "1001", "100101", "100102"],
                "level": [1, 2, 3, 3],
                "parent_code": ["", "10", "1001", "1001"],
            }
        )
    )
    codes = pd.Series(["100101", "100102", "1001", "10", "99", None])
    assert find_level2(codes, catalogue).tolist()[:5] == ["1001", "1001", "1001", "10", "99"]


def test_a_month_that_the_export_lacks_is_a_gap_and_said():
    days = pd.date_range("2024-01-01", "2024-12-31")
    days = days[days.month != 5]
    orders = make_orders(
        [
            (day + pd.Timedelta(hours=9), "a", "1", None, "complaint")
            for day in days
            for _ in range(8)
        ]
    )
    daily = make_daily_counts(
        orders, CALENDAR, as_of=pd.Timestamp("2025-01-01", tz="Asia/Shanghai")
    )
    assert daily.missing.sum() == 31
    assert any("31 days" in note for note in daily.notes)


def test_exposure_is_residents_then_addresses_then_activity():
    orders = make_orders(
        [("2025-02-01 10:00", code, "1", None, "help") for code in ("a", "a", "b")]
    )
    people = pd.Series({"a": 100, "b": 200})
    for given, source, values in (
        ({"residents": people}, "residents", [100, 200]),
        ({"residents": pd.Series({"a": 0, "b": 5}), "addresses": people}, "addresses", [100, 200]),
        ({"residents": pd.Series({"a": 5})}, "activity", [3, 2]),
    ):
        daily = make_daily_counts(orders, CALENDAR, as_of=AS_OF, **given)
        assert (daily.exposure_source, daily.exposure.tolist()) == (source, values)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"columns": ["street_code"]}, "orders lack the columns street_code"),
        ({"rows": 0}, "none of 0 orders counts"),
    ],
)
def test_what_cannot_be_counted_is_named(change, says):
    orders = make_orders([("2025-02-01 10:00", "a", "1", None, "help")])
    orders = orders.drop(columns=change.get("columns", [])).iloc[: change.get("rows", 1)]
    with pytest.raises(PlannerError, match=says):
        make_daily_counts(orders, CALENDAR, as_of=AS_OF)


def test_the_hash_is_that_of_the_data():
    orders = make_orders([("2025-02-01 10:00", code, "1", None, "help") for code in ("a", "b")])
    one, same = (make_daily_counts(orders, CALENDAR, as_of=AS_OF) for _ in range(2))
    other = make_daily_counts(orders.iloc[:1], CALENDAR, as_of=AS_OF)
    assert one.make_hash() == same.make_hash() != other.make_hash()
