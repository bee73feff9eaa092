"""Tasks of plans within capacities of a pack: dated, or why not; without capacities an order and no pretence."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from planner.allocation import AllocationError
from planner.jobs.allocation import ALLOCATION_COLUMNS, allocate_plans, name_month

TODAY = date(2025, 12, 31)


@pytest.fixture(scope="module")
def tasks(small_plans):
    return [task for plan in small_plans.plans for task in plan.tasks if task.lead is not None]


def give(city, *rows):
    table = pd.DataFrame(rows, columns=["unit_code", "month", "capacity"])
    return replace(city, tables={**city.tables, "capacities": table})


def give_all(city, tasks, capacity):
    """Return the city where every lead can do so many tasks at a time in each month of a year."""
    units = sorted({task.lead.unit_code for task in tasks})
    months = [name_month(TODAY, at) for at in range(12)]
    return give(city, *((unit, month, capacity) for unit in units for month in months))


def test_without_capacities_there_is_an_order_and_no_date(small_city, small_plans, tasks):
    made = allocate_plans(small_city, small_plans.plans, today=TODAY)
    assert tuple(made.columns) == ALLOCATION_COLUMNS
    assert sorted(made["task_id"]) == sorted(task.task_id for task in tasks)
    assert made["urgency"].tolist() == list(range(1, len(tasks) + 1))
    assert set(made["start_month"]) == set(made["why_not"]) == {""}
    assert made["one_more_avoids"].isna().all()


def test_with_room_for_all_every_task_starts_in_its_time(small_city, small_plans, tasks):
    city = give_all(small_city, tasks, "50")
    made = allocate_plans(city, small_plans.plans, today=TODAY)
    fits = made[made["why_not"] == ""]
    assert len(fits) > 0
    assert (fits["start_month"] >= fits["earliest_month"]).all()
    assert (fits["start_month"] <= fits["latest_month"]).all()
    assert "capacity" not in set(made["why_not"])


def test_with_little_room_it_says_who_is_short_and_what_one_more_would_bring(
    small_city, small_plans, tasks
):
    city = give_all(small_city, tasks, "0")
    made = allocate_plans(city, small_plans.plans, today=TODAY)
    short = made[made["why_not"] == "capacity"]
    assert len(short) == len(tasks)
    assert short["lacking"].tolist() == short["unit_code"].tolist()
    assert (short["one_more_avoids"].astype(float) >= 0).all()
    best = short[short["benefit"] > 0]["one_more_avoids"].astype(float)
    assert best.max() > 0


def test_a_unit_without_a_row_is_said(small_city, small_plans, tasks):
    others = {task.lead.unit_code for task in tasks}
    city = give(small_city, ("nobody", "2026-01", "3"))
    made = allocate_plans(city, small_plans.plans, today=TODAY)
    assert set(made["why_not"]) == {"no_capacity_known"}
    assert set(made["lacking"]) == others


def test_a_capacity_that_cannot_be_is_an_error(small_city, small_plans, tasks):
    city = give(small_city, (tasks[0].lead.unit_code, "2026-01", "-1"))
    with pytest.raises(AllocationError, match="0 or more"):
        allocate_plans(city, small_plans.plans, today=TODAY)


def test_the_same_again_is_the_same(small_city, small_plans, tasks):
    city = give_all(small_city, tasks, "1")
    first, again = (allocate_plans(city, small_plans.plans, today=TODAY) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_months_are_counted_from_the_plans_own():
    assert [name_month(date(2025, 12, 31), at) for at in (0, 1, 12, 13)] == [
        "2025-12",
        "2026-01",
        "2026-12",
        "2027-01",
    ]
