"""Allocations against brute force, within every limit, and with a true reason for what is left out."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from planner.allocation import (
    AllocationError,
    Limits,
    WhyNot,
    allocate,
    order_by_urgency,
    value_more_capacity,
)


def make_tasks(*rows):
    names = [
        "task_id",
        "unit_code",
        "district_code",
        "benefit",
        "load",
        "months",
        "cost",
        "earliest",
        "latest",
    ]
    return pd.DataFrame(rows, columns=names)


def make_capacity(horizon, **units):
    rows = [(unit, month, amount) for unit, amount in units.items() for month in range(horizon)]
    return pd.DataFrame(rows, columns=["unit_code", "month", "capacity"])


def draw(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (
            f"T{i}",
            rng.choice(["A", "B"]),
            "D",
            float(rng.integers(1, 9)),
            float(rng.integers(1, 3)),
            int(rng.integers(1, 3)),
            float(rng.integers(1, 6)),
            0,
            3,
        )
        for i in range(5)
    ]
    limits = Limits(
        capacity=make_capacity(4, A=2, B=3), horizon=4, budget=9.0, fairness=0.0, gap=0.0
    )
    return make_tasks(*rows), limits


def find_best(tasks, limits):
    """The most that any choice of starts avoids."""
    best = 0.0
    for starts in product(range(-1, limits.horizon), repeat=len(tasks)):
        use, cost, avoided, sound = {}, 0.0, 0.0, True
        for start, task in zip(starts, tasks.itertuples(), strict=True):
            if start < 0:
                continue
            if not task.earliest <= start <= task.latest or start + task.months > limits.horizon:
                sound = False
                break
            cost += task.cost
            avoided += task.benefit * (limits.horizon - start - task.months)
            for month in range(start, start + task.months):
                use[task.unit_code, month] = use.get((task.unit_code, month), 0.0) + task.load
        room = {(r.unit_code, r.month): r.capacity for r in limits.capacity.itertuples()}
        if sound and cost <= limits.budget and all(use[key] <= room[key] for key in use):
            best = max(best, avoided)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_the_answer_is_that_of_brute_force(seed):
    tasks, limits = draw(seed)
    found = allocate(tasks, limits)
    assert found.avoided == pytest.approx(find_best(tasks, limits), abs=1e-3)
    assert found.is_proven
    assert found.bound >= found.avoided - 1e-6


def test_the_same_input_gives_the_same_answer_in_any_order():
    tasks, limits = draw(3)
    one = allocate(tasks, limits)
    two = allocate(tasks.iloc[::-1], limits)
    pd.testing.assert_frame_equal(one.tasks, two.tasks)


def test_each_task_that_is_left_has_its_reason():
    tasks = make_tasks(
        ("first", "A", "D", 9.0, 1.0, 2, 5.0, 0, 3),
        ("full", "A", "D", 1.0, 1.0, 4, 1.0, 0, 0),
        ("dear", "B", "D", 2.0, 1.0, 1, 50.0, 0, 3),
        ("late", "B", "D", 2.0, 1.0, 3, 1.0, 3, 3),
        ("whose", "Z", "D", 2.0, 1.0, 1, 1.0, 0, 3),
    )
    limits = Limits(capacity=make_capacity(4, A=1, B=1), horizon=4, budget=10.0)
    found = allocate(tasks, limits).tasks
    assert found.loc["first", "start"] == 0
    assert tuple(found.loc["full", ["why_not", "lacking"]]) == (WhyNot.CAPACITY, "A")
    assert tuple(found.loc["dear", ["why_not", "lacking"]]) == (WhyNot.BUDGET, "budget")
    assert found.loc["late", "why_not"] == WhyNot.HORIZON
    assert tuple(found.loc["whose", ["why_not", "lacking"]]) == (WhyNot.NO_CAPACITY_KNOWN, "Z")


def test_fairness_keeps_a_part_for_every_district():
    rows = [(f"big{i}", "A", "D1", 10.0, 1.0, 1, 0.0, 0, 3) for i in range(8)]
    rows += [(f"small{i}", "A", "D2", 6.0, 1.0, 1, 0.0, 0, 3) for i in range(8)]
    limits = {"capacity": make_capacity(4, A=2), "horizon": 4}
    greedy = allocate(make_tasks(*rows), Limits(**limits, fairness=0.0))
    fair = allocate(make_tasks(*rows), Limits(**limits, fairness=0.8))

    def chosen(found, name):
        return (found.tasks.loc[found.tasks.index.str.startswith(name), "start"] >= 0).sum()

    assert chosen(greedy, "small") < chosen(fair, "small")
    assert fair.avoided <= greedy.avoided


def test_a_floor_that_cannot_be_reached_is_said_and_stops_nothing():
    tasks = make_tasks(
        ("a", "A", "D1", 10.0, 1.0, 1, 0.0, 0, 3), ("b", "B", "D2", 10.0, 1.0, 1, 100.0, 0, 3)
    )
    found = allocate(tasks, Limits(capacity=make_capacity(4, A=1, B=1), horizon=4, budget=10.0))
    assert found.tasks.loc["a", "start"] == 0
    assert set(found.short) == {"D2"}


def test_one_more_crew_is_worth_what_it_brings():
    tasks = make_tasks(*((f"t{i}", "A", "D", 5.0, 1.0, 1, 0.0, 0, 1) for i in range(4)))
    limits = Limits(capacity=make_capacity(2, A=1), horizon=2, gap=0.0)
    base = allocate(tasks, limits)
    assert base.avoided == pytest.approx(5.0, abs=1e-3)
    more = value_more_capacity(tasks, limits, unit_code="A", more=1, base=base)
    assert more == pytest.approx(5.0, abs=1e-3)
    with pytest.raises(AllocationError, match="Z is known"):
        value_more_capacity(tasks, limits, unit_code="Z", more=1, base=base)


def test_without_capacities_there_is_only_an_order():
    tasks = make_tasks(
        ("b", "A", "D", 1.0, 1.0, 1, 0.0, 0, 9),
        ("a", "A", "D", 5.0, 1.0, 1, 0.0, 0, 9),
        ("soon", "A", "D", 0.5, 1.0, 1, 0.0, 0, 1),
    )
    assert list(order_by_urgency(tasks)["task_id"]) == ["soon", "a", "b"]
    found = allocate(tasks, Limits(capacity=make_capacity(0)))
    assert (found.tasks["start"] == -1).all()
    assert (found.tasks["why_not"] == WhyNot.NO_CAPACITY_KNOWN).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"benefit": -1.0}, "Task t: benefit -1.0"),
        ({"months": 0}, "months at least 1"),
        ({"load": np.nan}, "load nan"),
    ],
)
def test_figures_that_cannot_be_are_refused(change, said):
    tasks = make_tasks(("t", "A", "D", 1.0, 1.0, 1, 0.0, 0, 1)).assign(**change)
    with pytest.raises(AllocationError, match=said):
        allocate(tasks, Limits(capacity=make_capacity(4, A=1)))


def test_limits_and_names_that_cannot_be_are_refused():
    tasks = make_tasks(("t", "A", "D", 1.0, 1.0, 1, 0.0, 0, 1))
    with pytest.raises(AllocationError, match="stands twice"):
        allocate(pd.concat([tasks, tasks]), Limits(capacity=make_capacity(4, A=1)))
    with pytest.raises(AllocationError, match="'cost'"):
        allocate(tasks.drop(columns="cost"), Limits(capacity=make_capacity(4, A=1)))
    with pytest.raises(AllocationError, match="Capacity of A in month 0"):
        allocate(tasks, Limits(capacity=make_capacity(4, A=-1)))
    with pytest.raises(AllocationError, match="Horizon 0"):
        allocate(tasks, Limits(capacity=make_capacity(4, A=1), horizon=0))
