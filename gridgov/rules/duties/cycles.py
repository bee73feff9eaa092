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
from heapq import heapify, heappop, heappush
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
        """Look for a cut cheaper than :attr:`best` that holds `cut`; what is found is kept in :attr:`best`."""
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
    """Return the nodes so that little of the edges' cost points backwards."""
    order = _Order(edges, costs)
    head: list[str] = []
    tail: list[str] = []
    while order.alive:
        if order.sinks:
            order.take(order.sinks.pop(), tail)
        elif order.sources:
            order.take(order.sources.pop(), head)
        else:
            order.take_heaviest(head)
    return head + tail[::-1]


class _Order:
    """Nodes not yet placed, with what still goes out of them and into them."""

    def __init__(self, edges: set[Edge], costs: Mapping[str, float]) -> None:
        self.costs = costs
        self.after: dict[str, list[str]] = {node: [] for edge in sorted(edges) for node in edge}
        self.before: dict[str, list[str]] = {node: [] for node in self.after}
        for a, b in sorted(edges):
            if a != b:
                self.after[a].append(b)
                self.before[b].append(a)
        self.alive = set(self.after)
        self.outs = {node: len(after) for node, after in self.after.items()}
        self.ins = {node: len(before) for node, before in self.before.items()}
        self.inflow = {n: sum(costs[b] for b in before) for n, before in self.before.items()}
        self.sinks = [node for node in self.after if not self.outs[node]]
        self.sources = [node for node in self.after if not self.ins[node]]
        self.heap = [(self._weigh(node), node) for node in self.after]
        heapify(self.heap)

    def _weigh(self, node: str) -> float:
        """Return inflow less outflow: the lowest goes first."""
        return round(self.inflow[node] - self.outs[node] * self.costs[node], 9)

    def take(self, node: str, to: list[str]) -> None:
        """Place a node, if it is not yet, and update its neighbours."""
        if node not in self.alive:
            return
        self.alive.discard(node)
        to.append(node)
        for after in self.after[node]:
            self.ins[after] -= 1
            self.inflow[after] -= self.costs[node]
            self._update(after, self.ins[after], self.sources)
        for before in self.before[node]:
            self.outs[before] -= 1
            self._update(before, self.outs[before], self.sinks)

    def _update(self, node: str, left: int, ready: list[str]) -> None:
        if node in self.alive:
            heappush(self.heap, (self._weigh(node), node))
            if not left:
                ready.append(node)

    def take_heaviest(self, to: list[str]) -> None:
        """Place the node with the most outflow over inflow; stale entries of the heap are passed over."""
        while self.heap:
            weight, node = heappop(self.heap)
            if node in self.alive and weight == self._weigh(node):
                self.take(node, to)
                return
