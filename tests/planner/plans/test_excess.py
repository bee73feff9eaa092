from datetime import date

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.calendar import WorkCalendar
from planner.counts import fit_counts, make_daily_counts
from planner.plans.excess import Covered, find_city_excess, make_excess
from planner.plans.items import ItemLevels

END = pd.Timestamp("2026-01-01", tz="Asia/Shanghai")
STREETS = [f"s{k:02d}" for k in range(30)]
SPAN = {
    "start": date(2025, 1, 1),
    "end": date(2025, 12, 31),
    "level": 0.05,
    "frequent_share": 0.05,
}


@pytest.fixture(scope="module")
def table():
    """Return the excess of thirty alike streets, one of which has three times as much of one of four items."""
    rng = np.random.default_rng(4)
    parts = []
    for street in STREETS:
        for item, mean in zip("abcd", (300, 120, 60, 40), strict=True):
            n = rng.poisson(mean * (3 if (street, item) == ("s07", "b") else 1))
            parts.append(
                pd.DataFrame(
                    {"street_code": street, "item_code": item, "day": rng.uniform(0, 730, n)}
                )
            )
    orders = pd.concat(parts, ignore_index=True)
    orders["received_at"] = END - pd.to_timedelta(orders.pop("day"), unit="D")
    calendar = WorkCalendar()
    daily = make_daily_counts(orders, calendar, as_of=END.to_pydatetime())
    model = fit_counts(daily, calendar, seed=1)
    return find_city_excess(daily, model, **SPAN)


def test_only_the_street_with_three_times_as_much_exceeds(table):
    found = table[table["verdict"] == "excess"]

    assert found[["street_code", "item_code"]].to_numpy().tolist() == [["s07", "b"]]
    row = found.iloc[0]
    assert row["excess"] == pytest.approx(row["persons"] - row["expected"])
    assert row["high"] < row["persons"]


def test_what_is_merely_frequent_is_no_excess(table):
    most = table[table["item_code"] == "a"]

    assert set(most["verdict"]) <= {"frequent", "usual", "fewer"}
    assert (most["verdict"] == "frequent").mean() > 0.8
    assert most["excess"].sum() == 0


def test_without_counts_there_are_no_rows():
    empty = find_city_excess(None, None, **SPAN)
    assert empty.empty


def make_rows(*rows):
    return pd.DataFrame(
        [
            {
                "street_code": "s",
                "item_code": code,
                "persons": persons,
                "expected": persons - excess,
                "low": 0.0,
                "high": 9.0,
                "p": 0.5,
                "q": 0.5,
                "verdict": "excess" if excess else "usual",
                "excess": float(excess),
            }
            for code, persons, excess in rows
        ]
    )


LEVELS = ItemLevels(above=pd.DataFrame(), names={"a": "甲"})


def test_a_task_at_a_place_explains_no_more_than_the_item_exceeds():
    spots = [Covered(item_code="a", excess=80, is_whole=False, task_id="t1")]
    found = make_excess(make_rows(("a", 90, 50), ("b", 30, 0)), spots, LEVELS)

    assert found.total == 80
    assert found.explained == 80
    assert found.items[0].item_name == "甲"


def test_hotspots_that_are_no_tasks_count_into_the_excess_alone():
    spots = [
        Covered(item_code="a", excess=10, is_whole=False, task_id="t1"),
        Covered(item_code="b", excess=30, is_whole=False),
        Covered(item_code="", excess=20, is_whole=False, task_id="t2"),
    ]
    found = make_excess(make_rows(("a", 90, 40), ("b", 30, 0)), spots, LEVELS)

    assert found.total == 40 + 30 + 20
    assert found.explained == 10 + 20
    assert found.share == pytest.approx(30 / 90, abs=1e-4)
    assert {one.item_code: one.task_ids for one in found.items} == {
        "a": ("t1",),
        "b": (),
        "": ("t2",),
    }


def test_a_task_of_the_whole_street_explains_all_of_its_item():
    spots = [
        Covered(item_code="a", excess=25, is_whole=True, task_id="t1"),
        Covered(item_code="a", excess=10, is_whole=False),
    ]
    assert make_excess(make_rows(("a", 90, 40)), spots, LEVELS).explained == 40


def test_where_nothing_exceeds_there_is_no_share():
    found = make_excess(make_rows(("a", 90, 0)), [], LEVELS)

    assert found.total == 0
    assert found.share is None
    assert [one.item_code for one in found.items] == ["a"]


def test_a_place_of_all_kinds_has_a_name_and_its_own_figures():
    spot = Covered(item_code="", excess=20, is_whole=False, persons=26, task_id="t2")

    (row,) = make_excess(make_rows(("a", 1, 0)).iloc[:0], [spot], LEVELS).items

    assert row.item_name == "各类诉求"
    assert (row.persons, row.expected, row.excess, row.explained) == (26, 6.0, 20.0, 20.0)
    assert row.low <= row.expected <= row.high < row.persons
    assert row.verdict == "excess"
    assert row.p < 0.001
