"""What is counted before and after a task, and on which days."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.effect import PlaceTask
from planner.effect.estimate import EffectError
from planner.effect.watches import count_persons, make_watch, shift_task, surround_task

FIRST = date(2024, 1, 1)


def make_task(**other):
    facts = {
        "task_id": "T1",
        "street_code": "110101001",
        "item_code": "0101",
        "cells": frozenset({"a"}),
        "found_from": date(2025, 1, 1),
        "found_to": date(2025, 3, 31),
        "done_on": date(2025, 6, 1),
        "watch_days": 90,
    }
    return PlaceTask(**(facts | other))


def make_orders(per_day=1, days=800, cell="a"):
    on = [FIRST + timedelta(days=i) for i in range(days) for _ in range(per_day)]
    return pd.DataFrame(
        {
            "street_code": "110101001",
            "item_code": "0101",
            "cell_code": cell,
            "on": on,
            "person_key": pd.Series([f"{cell}{i}" for i in range(len(on))], dtype=object),
        }
    )


def expect_evenly(_street, _item, start, stop):
    return 5.0 * ((stop - start).days + 1)


def test_the_baseline_is_carried_forward_without_the_detection_window():
    orders = make_orders()
    # Three a day while the hotspot was found: they must not count.
    loud = orders[(orders["on"] >= date(2025, 1, 1)) & (orders["on"] <= date(2025, 3, 31))]
    both = pd.concat([orders, loud.assign(person_key=None), loud.assign(person_key=None)])
    watch = make_watch(both, make_task(), expect_evenly, first_on=FIRST)
    assert watch.observed == 90
    assert watch.expected == pytest.approx(90, rel=0.01)
    assert 0 < watch.doubt < 0.1


def test_the_season_of_the_count_model_is_carried_too():
    def expect_summer(_street, _item, start, stop):
        return sum(
            2.0 if day.month in (6, 7, 8) else 1.0 for day in pd.date_range(start, stop).date
        )

    watch = make_watch(make_orders(), make_task(), expect_summer, first_on=FIRST)
    assert watch.expected > 130


def test_a_window_that_covers_all_is_its_own_baseline():
    task = make_task(found_from=FIRST, found_to=date(2025, 5, 31))
    watch = make_watch(make_orders(), task, expect_evenly, first_on=FIRST)
    assert watch.expected == pytest.approx(90, rel=0.01)


def test_a_person_counts_once_and_the_unknown_each():
    orders = make_orders(days=3)
    orders["person_key"] = ["x", "x", None]
    assert count_persons(orders, FIRST, date(2024, 1, 3)) == 2
    assert count_persons(orders, date(2024, 1, 2), date(2024, 1, 3)) == 2
    assert count_persons(orders, date(2024, 2, 1), date(2024, 2, 2)) == 0


def test_only_the_place_and_its_problem_count():
    orders = pd.concat(
        [make_orders(), make_orders(cell="b"), make_orders().assign(item_code="0202")]
    )
    assert make_watch(orders, make_task(), expect_evenly, first_on=FIRST).observed == 90
    whole = make_task(cells=frozenset())
    assert make_watch(orders, whole, expect_evenly, first_on=FIRST).observed == 180


def test_a_task_on_the_first_day_has_no_baseline():
    task = make_task(done_on=FIRST, found_from=FIRST, found_to=FIRST)
    with pytest.raises(EffectError, match="no baseline"):
        make_watch(make_orders(), task, expect_evenly, first_on=FIRST)


def test_a_model_that_expects_nothing_is_said():
    with pytest.raises(EffectError, match="expects nothing of item 0101"):
        make_watch(make_orders(), make_task(), lambda *_: 0.0, first_on=FIRST)


def test_placebos_move_in_time_and_space():
    early = shift_task(make_task(), 180)
    assert early.done_on == make_task().done_on - timedelta(days=180)
    assert early.found_to < early.done_on
    ring = surround_task(make_task(), ["a", "b", "c"])
    assert ring.cells == {"b", "c"}
    orders = pd.concat([make_orders(), make_orders(cell="b", per_day=2)])
    assert np.isclose(make_watch(orders, ring, expect_evenly, first_on=FIRST).observed, 180)
