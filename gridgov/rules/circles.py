"""Circles in which each waits for the other: the shortest one spelled out, and what to cut.

What to cut is a minimum feedback arc set: the cheapest edges without which nobody waits for himself. The
problem is NP-hard (R. M. Karp, Reducibility among combinatorial problems, 1972), but circles of duty lists
are small: branching on the edges of a shortest circle is exact there. Beyond :data:`EXACT_STEPS` the order
of P. Eades, X. Lin and W. F. Smyth (A fast and effective heuristic for the feedback arc set problem, 1993)
is used, and the answer says that it is not proved.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    Links = nx.DiGraph[str]
else:  # networkx's graphs take no type argument at run time
    Links = nx.DiGraph

Edge = tuple[str, str]

EXACT_STEPS = 400
"""Branches tried before the exact search gives up: some tens of milliseconds a group."""
LARGEST_EXACT = 60
"""Edges of a group of circles that the exact search tries at all."""


@dataclass(frozen=True, kw_only=True)
class Circle:
    """A group of nodes in which each waits for every other.

    Parameters
    ----------
    members
        All nodes of the strongly connected group, sorted.
    shortest
        One shortest circle, from its lowest node on, not repeated at the end.
    cut
        Edges whose removal leaves no circle in the group, sorted.
    exact
        Whether no cheaper cut exists.
    """

    members: tuple[str, ...]
    shortest: tuple[str, ...]
    cut: tuple[Edge, ...]
    exact: bool


def find_circles(graph: Links, costs: Mapping[str, float]) -> list[Circle]:
    """Return every group of circles of a graph, by its lowest member.

    Parameters
    ----------
    graph
        Edges lead from a node to one that waits for it.
    costs
        What is lost when others no longer wait for a node; the cut is the cheapest in sum.
    """
    groups = [g for g in nx.strongly_connected_components(graph) if len(g) > 1]
    groups += [
        {node} for node in nx.nodes_with_selfloops(graph) if not any(node in g for g in groups)
    ]
    return [_make_circle(graph, group, costs) for group in sorted(groups, key=min)]


def _make_circle(graph: Links, group: set[str], costs: Mapping[str, float]) -> Circle:
    edges = {(a, b) for a in group for b in graph.successors(a) if b in group}
    following = _make_following(edges)
    shortest = find_shortest_circle(following)
    cut, exact = _find_cut(edges, costs)
    return Circle(
        members=tuple(sorted(group)), shortest=shortest, cut=tuple(sorted(cut)), exact=exact
    )


def _make_following(edges: set[Edge]) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for a, b in sorted(edges):
        following.setdefault(a, []).append(b)
    return following


def find_shortest_circle(following: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return a shortest circle from its lowest node on, empty where there is none."""
    best: tuple[str, ...] = ()
    for start in sorted(following):
        found = _find_way_back(following, start, len(best) - 1 if best else None)
        if found and (not best or len(found) < len(best)):
            best = found
        if len(best) == 1 or _is_ring(following, best):
            break
    at = best.index(min(best)) if best else 0
    return best[at:] + best[:at]


def _is_ring(following: Mapping[str, list[str]], circle: tuple[str, ...]) -> bool:
    """Tell whether nothing but `circle` is there: no shorter one can be found then."""
    return len(circle) == len(following) and all(len(after) == 1 for after in following.values())


def _find_way_back(
    following: Mapping[str, list[str]], start: str, longest: int | None
) -> tuple[str, ...]:
    """Return the shortest circle through `start` of at most `longest` nodes, breadth first."""
    parents: dict[str, str] = {}
    queue = deque([(start, 1)])
    while queue:
        node, depth = queue.popleft()
        if longest is not None and depth > longest:
            return ()
        for after in following.get(node, ()):
            if after == start:
                return _trace(parents, start, node)
            if after not in parents:
                parents[after] = node
                queue.append((after, depth + 1))
    return ()


def _trace(parents: Mapping[str, str], start: str, end: str) -> tuple[str, ...]:
    way = [end]
    while way[-1] != start:
        way.append(parents[way[-1]])
    return tuple(reversed(way))


def _find_cut(edges: set[Edge], costs: Mapping[str, float]) -> tuple[frozenset[Edge], bool]:
    """Return the cheapest edges to cut and whether that is proved."""
    upper = _cut_by_order(edges, costs)
    if len(edges) > LARGEST_EXACT:
        return upper, False
    search = _CutSearch(edges=edges, costs=costs, best=upper, best_cost=_sum(upper, costs))
    search.run(frozenset())
    return search.best, search.steps <= EXACT_STEPS


@dataclass
class _CutSearch:
    """Branch and bound: some edge of a shortest circle must go; try the cheapest first."""

    edges: set[Edge]
    costs: Mapping[str, float]
    best: frozenset[Edge]
    best_cost: tuple[float, int]
    steps: int = 0

    def run(self, cut: frozenset[Edge]) -> None:
        self.steps += 1
        if self.steps > EXACT_STEPS or _sum(cut, self.costs) >= self.best_cost:
            return
        circle = find_shortest_circle(_make_following(self.edges - cut))
        if not circle:
            self.best, self.best_cost = cut, _sum(cut, self.costs)
            return
        ring = list(zip(circle, (*circle[1:], circle[0]), strict=True))
        for edge in sorted(ring, key=lambda e: (self.costs[e[0]], e)):
            self.run(cut | {edge})


def _sum(cut: frozenset[Edge], costs: Mapping[str, float]) -> tuple[float, int]:
    return round(sum(costs[a] for a, _ in cut), 9), len(cut)


def _cut_by_order(edges: set[Edge], costs: Mapping[str, float]) -> frozenset[Edge]:
    """Return the edges that point backwards in the order of Eades, Lin and Smyth, weighted."""
    order = {node: at for at, node in enumerate(_order_nodes(edges, costs))}
    return frozenset((a, b) for a, b in edges if order[a] >= order[b])


def _order_nodes(edges: set[Edge], costs: Mapping[str, float]) -> list[str]:
    graph: Links = nx.DiGraph()
    graph.add_weighted_edges_from((a, b, costs[a]) for a, b in sorted(edges) if a != b)
    graph.add_nodes_from(sorted({node for edge in edges for node in edge}))
    head: list[str] = []
    tail: list[str] = []
    while graph:
        sinks = [n for n in graph if graph.out_degree(n) == 0]
        sources = [n for n in graph if graph.in_degree(n) == 0 and n not in set(sinks)]
        if not sinks and not sources:
            sources = [max(graph, key=lambda n: (_excess(graph, n), n))]
        tail.extend(sinks)
        head.extend(sources)
        graph.remove_nodes_from([*sinks, *sources])
    return head + tail[::-1]


def _excess(graph: Links, node: str) -> float:
    return float(graph.out_degree(node, weight="weight") - graph.in_degree(node, weight="weight"))
