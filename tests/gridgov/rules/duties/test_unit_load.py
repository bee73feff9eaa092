"""Pressure against counting every shortest way, and lateness against a list answered by hand."""

from datetime import date
from itertools import permutations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.duties.unit_load import PRESSURE_COLUMNS, find_pressure


def make_graph(rows, pairs, items):
    duties = pd.DataFrame(rows, columns=["duty_code", "scene_code", "unit", "role", "days"])
    units = pd.DataFrame({"unit_code": sorted(set(duties["unit"]) - {"@street"})}, dtype="str")
    units = units.assign(name=units["unit_code"] + "局", kind="department")
    catalogue = pd.DataFrame(items, columns=["item_code", "scene_code"]).assign(level="3", name="x")
    dependencies = pd.DataFrame(pairs, columns=["before_duty", "after_duty"])
    return make_duty_graph(
        units, catalogue, duties, dependencies=dependencies, on_date=date(2025, 1, 1)
    )


def count_ways(graph: nx.DiGraph) -> dict[str, float]:
    """Return for each node the share of shortest ways through it, summed over all pairs of others."""
    through = dict.fromkeys(graph, 0.0)
    for source, target in permutations(graph, 2):
        if nx.has_path(graph, source, target):
            ways = list(nx.all_shortest_paths(graph, source, target))
            for node in graph:
                if node not in {source, target}:
                    through[node] += sum(node in way for way in ways) / len(ways)
    return through


@pytest.mark.parametrize("seed", range(5))
def test_betweenness_is_ways_times_orders_summed_over_units(seed):
    rng = np.random.default_rng(seed)
    codes = [f"d{i}" for i in range(9)]
    unit_of = {code: f"U{rng.integers(0, 3)}" for code in codes}
    pairs = [(a, b) for i, a in enumerate(codes) for b in codes[i + 1 :] if rng.random() < 0.3]
    graph = make_graph(
        [(c, "S", unit_of[c], "lead", "1") for c in codes], pairs, [("1", "S"), ("2", "S")]
    )
    found = find_pressure(graph, {"1": 3, "2": 4}).set_index("unit_code")
    through = count_ways(graph.graph)
    waiting = {c: len(nx.descendants(graph.graph, c)) for c in codes}
    for unit in set(unit_of.values()):
        mine = [c for c in codes if unit_of[c] == unit]
        assert found.loc[unit, "betweenness"] == pytest.approx(7 * sum(through[c] for c in mine))
        assert found.loc[unit, "waiting"] == 7 * sum(waiting[c] for c in mine)
        assert found.loc[unit, "orders"] == 7


LIST = [
    ("a", "S1", "A", "lead", "1"),
    ("b", "S1", "B", "lead", "5"),
    ("c", "S1", "C", "lead", "1"),
    ("c", "S1", "B", "helper", "1"),
    ("d", "S2", "A", "lead", "1"),
    ("d", "S2", "@street", "helper", "1"),
]
PAIRS = [("a", "c"), ("b", "c")]


def test_late_unit_delays_what_its_slack_does_not_take():
    graph = make_graph(LIST, PAIRS, [("1", "S1"), ("2", "S2")])
    found = find_pressure(graph, {"1": 10, "2": 2}, late_days=6).set_index("unit_code")
    # S1: a has 4 days of slack before c, so 6 days late cost 2; S2: all 6.
    assert found.loc["A", "late_order_days"] == 10 * 2 + 2 * 6
    assert found.loc["A", "late_scenes"] == 2
    assert found.loc["B", "late_order_days"] == 10 * 6
    assert (find_pressure(graph, {"1": 10}, late_days=0)["late_order_days"] == 0).all()


def test_single_points_of_failure():
    graph = make_graph(LIST, PAIRS, [("1", "S1"), ("2", "S2")])
    found = find_pressure(graph, {"1": 10, "2": 2}).set_index("unit_code")
    assert found.loc["A", ["sole_duties", "sole_scenes", "sole_orders"]].tolist() == [1, 1, 10]
    assert found["single_point"].to_dict() == {"A": True, "B": True, "C": False, "@street": False}
    assert found.loc["C", "sole_duties"] == 0
    assert found.loc["@street", "name"] == "属地街道（乡镇）"


def test_heaviest_comes_first_and_no_demand_weighs_nothing():
    chain = [
        ("x", "S", "X", "lead", "1"),
        ("y", "S", "Y", "lead", "1"),
        ("z", "S", "Z", "lead", "1"),
    ]
    graph = make_graph(chain, [("x", "y"), ("y", "z")], [("1", "S")])
    assert find_pressure(graph, {"1": 5})["unit_code"].tolist() == ["Y", "X", "Z"]
    quiet = find_pressure(graph, {"other": 5})
    assert quiet["betweenness"].eq(0).all()
    assert quiet["orders"].eq(0).all()


def test_empty_list_and_negative_lateness():
    graph = make_graph([], [], [("1", "S")])
    assert find_pressure(graph, {}).columns.tolist() == list(PRESSURE_COLUMNS)
    with pytest.raises(ValueError, match="expected 0 or more"):
        find_pressure(graph, {}, late_days=-1)


def test_circle_does_not_block():
    graph = make_graph(LIST, [*PAIRS, ("c", "a")], [("1", "S1"), ("2", "S2")])
    assert len(find_pressure(graph, {"1": 1})) == 4
