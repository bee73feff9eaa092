"""Schedules against networkx's longest path, and what slack means."""

import networkx as nx
import numpy as np
import pytest

from gridgov.rules.duties.schedule import make_schedule


def make_dag(seed: int) -> tuple[nx.DiGraph, dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = [f"d{i:02d}" for i in range(12)]
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    for i, a in enumerate(names):
        graph.add_edges_from((a, b) for b in names[i + 1 :] if rng.random() < 0.2)
    return graph, {name: float(rng.integers(0, 20)) / 4 for name in names}


@pytest.mark.parametrize("seed", range(20))
def test_total_is_the_longest_path_and_stages_are_generations(seed):
    graph, days = make_dag(seed)
    weighted = nx.DiGraph()
    weighted.add_nodes_from(graph)
    weighted.add_edges_from((a, b, {"weight": days[b]}) for a, b in graph.edges)
    weighted.add_edges_from(("start", node, {"weight": days[node]}) for node in graph)
    schedule = make_schedule(graph, graph, days)
    assert schedule.total_days == pytest.approx(nx.dag_longest_path_length(weighted))
    assert schedule.stages == tuple(tuple(sorted(g)) for g in nx.topological_generations(graph))
    assert sum(days[d] for d in schedule.critical) == pytest.approx(schedule.total_days)
    assert nx.is_path(graph, schedule.critical)
    assert not schedule.circles


@pytest.mark.parametrize("seed", range(10))
def test_slack_is_how_late_a_duty_may_be(seed):
    graph, days = make_dag(seed)
    schedule = make_schedule(graph, graph, days)
    for duty, timing in schedule.timings.items():
        within = {**days, duty: days[duty] + timing.slack_days}
        beyond = {**days, duty: days[duty] + timing.slack_days + 1}
        assert make_schedule(graph, graph, within).total_days == pytest.approx(schedule.total_days)
        assert make_schedule(graph, graph, beyond).total_days == pytest.approx(
            schedule.total_days + 1
        )


def test_circle_becomes_one_stage_and_what_is_around_it_keeps_its_place():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])
    schedule = make_schedule(graph, graph, {"a": 1.0, "b": 2.0, "c": 5.0, "d": 1.0})
    assert schedule.stages == (("a",), ("b", "c"), ("d",))
    (circle,) = schedule.circles
    assert circle.cut == (("b", "c"),)
    # b no longer precedes c: both can start when a is done, c takes longest, b waits for c.
    assert schedule.total_days == 1 + 5 + 2
    assert schedule.timings["d"].starts_day == 6


def test_only_edges_among_the_duties_count():
    graph = nx.DiGraph([("outside", "a"), ("a", "b")])
    schedule = make_schedule(graph, ["a", "b"], {"a": 1.0, "b": 1.0})
    assert schedule.stages == (("a",), ("b",))
    assert make_schedule(graph, [], {}).total_days == 0
