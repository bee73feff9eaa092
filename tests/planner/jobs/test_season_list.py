"""The pre-season list in plain values: what was planted to come each winter is listed with its latest start."""

import json
from datetime import date
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from gridgov.rules.calendar import make_calendar
from gridgov.rules.catalogue import make_catalogue
from planner.counts import fit_counts, make_daily_counts
from planner.jobs.season_list import make_season_list

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = pd.Timestamp("2026-01-01", tz=ZONE)


def make_orders(years=2):
    rng = np.random.default_rng(1)
    days = pd.date_range(AS_OF - pd.DateOffset(years=years), AS_OF, inclusive="left")
    winter = days.month.isin([11, 12, 1])
    parts = []
    for item, mean in (("1101", np.where(winter, 6.0, 1.0)), ("1201", np.full(len(days), 3.0))):
        at = days.repeat(rng.poisson(mean))
        parts.append(pd.DataFrame({"received_at": at + pd.Timedelta(hours=9), "item_code": item}))
    orders = pd.concat(parts, ignore_index=True)
    streets = rng.choice(["110101001", "110101002"], len(orders))
    persons = [f"p{i}" for i in range(len(orders))]
    return orders.assign(street_code=streets, person_key=persons, kind="complaint")


def make_list(months=24):
    items = [
        ("11", 1, "", "市政"),
        ("1101", 2, "11", "供暖"),
        ("12", 1, "", "市容"),
        ("1201", 2, "12", "垃圾"),
    ]
    table = pd.DataFrame(items, columns=["item_code", "level", "parent_code", "name"])
    catalogue = make_catalogue(table)
    calendar = make_calendar()
    city = SimpleNamespace(
        catalogue=catalogue, tables={}, calendar=calendar, settings=SimpleNamespace(timezone=ZONE)
    )
    orders = make_orders()
    orders = orders[orders["received_at"] >= AS_OF - pd.DateOffset(months=months)]
    daily = make_daily_counts(orders, calendar, as_of=AS_OF.to_pydatetime(), catalogue=catalogue)
    model = fit_counts(daily, calendar, seed=1)
    return make_season_list(city, catalogue, model, as_of=AS_OF.to_pydatetime())


def test_what_comes_each_winter_is_listed_by_name():
    kept = make_list()
    rows = [row for row in kept["rows"] if row["level"] == "city"]
    assert [row["item_name"] for row in rows] == ["供暖"]
    rise = date.fromisoformat(rows[0]["rises_on"])
    assert rise.month in (10, 11)
    assert rows[0]["ratio"] > 1.3
    assert rows[0]["low"] < rows[0]["expected"] < rows[0]["high"]
    assert rows[0]["lead_days"] is None
    json.dumps(kept, allow_nan=False)


def test_less_than_a_year_says_what_is_lacking():
    kept = make_list(months=5)
    assert kept["rows"] == []
    assert "a year" in kept["lacking"]
