"""When the duties of a scene can be done: stages, earliest and latest starts, the critical path.

The critical path method (J. E. Kelley and M. R. Walker, Critical-path planning and scheduling, 1959) on the
scene's part of the duty graph. A circle does not stop the answer: its duties form one joint stage, and
inside it the edges that :mod:`gridgov.rules.duties.cycles` says to cut are not waited for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx

from gridgov.rules.duties.cycles import Circle, Links, find_circles


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When one duty can run, in days after the start of the whole.

    Parameters
    ----------
    stage
        From 1 on: all duties of a stage can run side by side.
    starts_day, ends_day
        Earliest start and end.
    slack_days
        How much later it may start without delaying the whole.
    waits_for
        Duties that must be done before, in its own scene.
    """

    stage: int
    starts_day: float
    ends_day: float
    slack_days: float
    waits_for: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Order and timing of a set of duties.

    Parameters
    ----------
    stages
        Duties of each stage, sorted; a circle lies in one stage.
    timings
        Timing by duty.
    critical
        The longest chain of waiting, first duty first.
    total_days
        Its length: nothing can make the whole end earlier.
    circles
        Groups in which each waits for the other.
    """

    stages: tuple[tuple[str, ...], ...]
    timings: Mapping[str, Timing]
    critical: tuple[str, ...]
    total_days: float
    circles: tuple[Circle, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenScene:
    """Duties with their order once every circle is cut.

    Parameters
    ----------
    scene
        As the list says.
    opened
        Without circles: all members of one start once what the group waits for is done.
    order
        Every duty after those it waits for.
    circles
        What was cut.
    """

    scene: Links
    opened: Links
    order: tuple[str, ...]
    circles: tuple[Circle, ...]


def open_scene(graph: Links, duties: Iterable[str], days: Mapping[str, float]) -> OpenScene:
    """Return some duties of a graph without circles; see :func:`make_schedule`."""
    scene: Links = nx.DiGraph()
    scene.add_nodes_from(sorted(duties))
    scene.add_edges_from((a, b) for a in scene for b in sorted(graph.successors(a)) if b in scene)
    circles = find_circles(scene, make_costs(days, scene))
    opened = _cut(scene, circles)
    order = tuple(nx.lexicographical_topological_sort(opened))
    return OpenScene(scene=scene, opened=opened, order=order, circles=tuple(circles))


def find_total_days(opened: OpenScene, days: Mapping[str, float]) -> float:
    """Return the length of the longest chain of waiting, with other days than those it was opened with."""
    return max(_run_forward(opened.opened, opened.order, days).values(), default=0.0)


def make_schedule(graph: Links, duties: Iterable[str], days: Mapping[str, float]) -> Schedule:
    """Return the schedule of some duties of a graph.

    Parameters
    ----------
    graph
        Duty → duty that waits for it; only edges between `duties` count.
    duties
        The duties to do.
    days
        Working time of each in days, 0 or more.
    """
    opened = open_scene(graph, duties, days)
    stages = _find_stages(opened.scene)
    ends = _run_forward(opened.opened, opened.order, days)
    total = max(ends.values(), default=0.0)
    latest = _run_backward(opened.opened, opened.order, days, total)
    stage_of = {duty: number for number, stage in enumerate(stages, 1) for duty in stage}
    timings = {
        duty: Timing(
            stage=stage_of[duty],
            starts_day=ends[duty] - days[duty],
            ends_day=ends[duty],
            slack_days=max(0.0, latest[duty] - (ends[duty] - days[duty])),
            waits_for=tuple(sorted(opened.scene.predecessors(duty))),
        )
        for duty in opened.order
    }
    return Schedule(
        stages=stages,
        timings=timings,
        critical=_find_chain(opened, ends),
        total_days=total,
        circles=opened.circles,
    )


def make_costs(days: Mapping[str, float], duties: Iterable[str]) -> dict[str, float]:
    """Return what it costs that nobody waits for a duty any more: its days, a little where it has none."""
    return {duty: max(days[duty], 1e-3) for duty in duties}


def _find_stages(scene: Links) -> tuple[tuple[str, ...], ...]:
    """Return topological generations of the condensed graph: a circle counts as one."""
    condensed = nx.condensation(scene)
    return tuple(
        tuple(sorted(duty for part in parts for duty in condensed.nodes[part]["members"]))
        for parts in nx.topological_generations(condensed)
    )


def _cut(scene: Links, circles: Iterable[Circle]) -> Links:
    """Return the scene without circles."""
    opened = scene.copy()
    for circle in circles:
        members = set(circle.members)
        before = {b for member in members for b in scene.predecessors(member)} - members
        opened.add_edges_from((b, member) for b in sorted(before) for member in circle.members)
        opened.remove_edges_from(circle.cut)
    return opened


def _run_forward(scene: Links, order: Iterable[str], days: Mapping[str, float]) -> dict[str, float]:
    """Return the earliest end of each duty."""
    ends: dict[str, float] = {}
    for duty in order:
        ready = max((ends[before] for before in scene.predecessors(duty)), default=0.0)
        ends[duty] = ready + days[duty]
    return ends


def _find_chain(opened: OpenScene, ends: Mapping[str, float]) -> tuple[str, ...]:
    """Return a longest chain of waiting, first duty first."""
    chain: list[str] = []
    nodes: Iterable[str] = opened.order
    while found := sorted(nodes):
        duty = max(found, key=lambda d: ends[d])
        chain.append(duty)
        nodes = list(opened.opened.predecessors(duty))
    return tuple(reversed(chain))


def _run_backward(
    scene: Links, order: Iterable[str], days: Mapping[str, float], total: float
) -> dict[str, float]:
    """Return the latest start of each duty that does not delay the whole."""
    starts: dict[str, float] = {}
    for duty in reversed(tuple(order)):
        must_end = min((starts[after] for after in scene.successors(duty)), default=total)
        starts[duty] = must_end - days[duty]
    return starts
