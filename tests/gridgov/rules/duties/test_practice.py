"""Amendments: proposed where practice is sure, silent where it is not."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.duties.practice import find_interval, find_practice

UNITS = pd.DataFrame(
    [
        ("A", "甲局", "department"),
        ("B", "乙局", "department"),
        ("C", "丙局", "department"),
        ("s1", "一街", "street"),
        ("s2", "二街", "street"),
    ],
    columns=["unit_code", "name", "kind"],
)
ITEMS = pd.DataFrame(
    {"item_code": ["1", "2"], "level": "3", "name": ["x", "y"], "scene_code": ["S1", "S2"]}
)
DUTIES = pd.DataFrame(
    [("a", "S1", "A", "lead"), ("a", "S1", "B", "helper"), ("b", "S2", "@street", "lead")],
    columns=["duty_code", "scene_code", "unit", "role"],
).assign(days="1", scene_name="场景")


@pytest.fixture
def graph():
    none = pd.DataFrame(columns=["before_duty", "after_duty"])
    return make_duty_graph(UNITS, ITEMS, DUTIES, dependencies=none, on_date=date(2025, 1, 1))


def make_solved(item: str, units: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"unit_code": units})
    return frame.assign(
        item_code=item, street_code="s1", order_no=[f"{item}-{i}" for i in range(len(units))]
    )


def test_helper_that_does_the_work_should_lead(graph):
    (row,) = find_practice(graph, make_solved("1", ["B"] * 18 + ["A"] * 2)).to_dict("records")
    assert (row["solver"], row["listed"], row["change"]) == ("B", ("A",), "helper_to_lead")
    assert (row["solved"], row["of"]) == (18, 20)
    assert "建议将场景“场景”中乙局由配合改为牵头" in row["proposal"]
    assert "20件已解决工单中18件" in row["proposal"]
    assert row["order_nos"][:2] == ("1-0", "1-1")


def test_somebody_not_on_the_list_should_be(graph):
    (row,) = find_practice(graph, make_solved("1", ["C"] * 20)).to_dict("records")
    assert row["change"] == "add_lead"


@pytest.mark.parametrize(
    "units", [["A"] * 20, ["B"] * 9, ["B"] * 11 + ["A"] * 9, [], ["nobody's"] * 3]
)
def test_listed_lead_few_orders_or_a_close_race_change_nothing(graph, units):
    assert find_practice(graph, make_solved("1", units)).empty


def test_streets_are_the_street_of_the_place(graph):
    assert find_practice(graph, make_solved("2", ["s1"] * 10 + ["s2"] * 10)).empty


def test_unknown_items_count_for_nothing(graph):
    assert find_practice(graph, make_solved("no item", ["C"] * 50)).empty


def test_interval_is_wilsons():
    hits, of = np.array([0, 3, 10, 18.0]), np.array([5, 7, 10, 20.0])
    low, high = find_interval(hits, of)
    for i in range(4):
        peer = binomtest(int(hits[i]), int(of[i])).proportion_ci(method="wilson")
        assert low[i] == pytest.approx(peer.low, abs=1e-12)
        assert high[i] == pytest.approx(peer.high, abs=1e-12)
