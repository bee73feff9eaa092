"""Circles against brute force: the shortest one, and the cheapest cut."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from gridgov.rules.duties.cycles import find_circles, find_shortest_circle


def make_random(seed: int, nodes: int, edges: int) -> nx.DiGraph:
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from(f"n{i:02d}" for i in range(nodes))
    pairs = [(a, b) for a in graph for b in graph if a != b]
    chosen = rng.choice(len(pairs), size=min(edges, len(pairs)), replace=False)
    graph.add_edges_from(pairs[i] for i in chosen)
    return graph


def find_cheapest_cut(graph: nx.DiGraph, costs: dict[str, float]) -> float:
    edges = list(graph.edges)
    sums = {
        cut: sum(costs[a] for a, _ in cut)
        for size in range(len(edges) + 1)
        for cut in combinations(edges, size)
    }
    for cut in sorted(sums, key=sums.get):
        rest = graph.copy()
        rest.remove_edges_from(cut)
        if nx.is_directed_acyclic_graph(rest):
            return sums[cut]
    raise AssertionError


@pytest.mark.parametrize("seed", range(25))
def test_each_group_of_circles_is_found_with_a_shortest_one(seed):
    graph = make_random(seed, 9, 14)
    circles = find_circles(graph, dict.fromkeys(graph, 1.0))
    groups = {frozenset(g) for g in nx.strongly_connected_components(graph) if len(g) > 1}
    assert {frozenset(c.members) for c in circles} == groups
    for circle in circles:
        inside = graph.subgraph(circle.members)
        assert len(circle.shortest) == min(len(c) for c in nx.simple_cycles(inside))
        assert nx.is_simple_path(graph, list(circle.shortest))
        assert graph.has_edge(circle.shortest[-1], circle.shortest[0])
        assert circle.shortest[0] == min(circle.shortest)


@pytest.mark.parametrize("seed", range(20))
def test_cut_is_the_cheapest_that_leaves_no_circle(seed):
    graph = make_random(seed, 6, 11)
    rng = np.random.default_rng(seed)
    costs = {node: float(rng.integers(1, 9)) for node in graph}
    circles = find_circles(graph, costs)
    assert all(circle.exact for circle in circles)
    cut = [edge for circle in circles for edge in circle.cut]
    rest = graph.copy()
    rest.remove_edges_from(cut)
    assert nx.is_directed_acyclic_graph(rest)
    assert sum(costs[a] for a, _ in cut) == pytest.approx(find_cheapest_cut(graph, costs))


def test_large_group_is_cut_without_a_proof():
    graph = make_random(3, 60, 400)
    (circle,) = find_circles(graph, dict.fromkeys(graph, 1.0))
    rest = graph.copy()
    rest.remove_edges_from(circle.cut)
    assert nx.is_directed_acyclic_graph(rest)
    assert not circle.exact


def test_one_long_ring_and_a_node_that_waits_for_itself():
    ring = nx.cycle_graph([f"n{i:04d}" for i in range(3000)], create_using=nx.DiGraph)
    ring.add_edge("self", "self")
    itself, long = sorted(
        find_circles(ring, dict.fromkeys(ring, 1.0)), key=lambda c: len(c.members)
    )
    assert itself.shortest == ("self",)
    assert itself.cut == (("self", "self"),)
    assert len(long.shortest) == 3000
    assert len(long.cut) == 1


def test_no_circle_no_answer():
    assert (
        find_circles(nx.path_graph(4, create_using=nx.DiGraph), dict.fromkeys(range(4), 1.0)) == []
    )
    assert find_shortest_circle({"a": ["b"]}) == ()
