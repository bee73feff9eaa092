"""On whom everything waits: load of each unit in the duty graph, weighted by what people really call about.

Betweenness (U. Brandes, A faster algorithm for betweenness centrality, 2001) of each duty within its scene,
times the scene's orders, summed over the unit that leads it: pairs of duties whose shortest waiting passes
through the unit, in orders. What a late unit breaks is computed, not estimated: the scene is scheduled again
with its duties longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import networkx as nx
import pandas as pd

from gridgov.rules.duties.checks import find_scene_demand
from gridgov.rules.duties.cycles import Links
from gridgov.rules.duties.graph import DutyGraph, Scene
from gridgov.rules.duties.schedule import find_total_days, open_scene

PRESSURE_COLUMNS = (
    "unit_code",
    "name",
    "scenes",
    "duties",
    "orders",
    "betweenness",
    "waiting",
    "late_days",
    "late_scenes",
    "late_order_days",
    "sole_duties",
    "sole_scenes",
    "sole_orders",
    "single_point",
)
"""One row per unit that holds a duty, heaviest first: ``scenes duties`` it holds · ``orders`` of those scenes ·
``betweenness`` orders × pairs of duties whose waiting passes through it · ``waiting`` orders × duties that
wait for it, directly or not · ``late_days`` assumed · ``late_scenes`` scenes that then end later ·
``late_order_days`` days lost over all orders · ``sole_*`` duties that nobody else holds, their scenes and
orders · ``single_point`` bool, others wait for one of those. Units of the place stay ``@street``, ``@district``."""

MOST_EXACT = 300
"""Duties of one scene up to which betweenness is exact; above, from so many pivots (Brandes and Pich 2007)."""


@dataclass
class _Load:
    scenes: set[str] = field(default_factory=set)
    duties: set[str] = field(default_factory=set)
    late_scenes: set[str] = field(default_factory=set)
    sole: set[str] = field(default_factory=set)
    sole_scenes: set[str] = field(default_factory=set)
    sole_orders: float = 0.0
    orders: float = 0.0
    betweenness: float = 0.0
    waiting: float = 0.0
    late_order_days: float = 0.0
    single_point: bool = False


def find_pressure(
    graph: DutyGraph, demand: Mapping[str, float], *, late_days: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """Return the load of each unit that holds a duty, heaviest first.

    Parameters
    ----------
    graph
        The duty list of a day.
    demand
        Orders per item code; items that the list does not know count for nothing.
    late_days
        By how many days a unit is late with each duty it leads, for the columns ``late_*``.
    seed
        Chooses the pivots of scenes with more than :data:`MOST_EXACT` duties.

    Returns
    -------
    Columns :data:`PRESSURE_COLUMNS`, sorted by ``betweenness``, ``waiting``, ``late_order_days``.

    Raises
    ------
    ValueError
        `late_days` is negative.
    """
    if late_days < 0:
        raise ValueError(f"late_days is {late_days:g}; expected 0 or more")
    loads: dict[str, _Load] = {}
    orders = find_scene_demand(graph, demand)
    for scene in graph.scenes.values():
        _add_scene(loads, graph, scene, orders=orders.get(scene.scene_code, 0.0), seed=seed)
        _add_delays(
            loads, graph, scene, orders=orders.get(scene.scene_code, 0.0), late_days=late_days
        )
    rows = [_make_row(graph, unit, load, late_days) for unit, load in loads.items()]
    frame = pd.DataFrame(rows, columns=list(PRESSURE_COLUMNS))
    by = ["betweenness", "waiting", "late_order_days", "orders"]
    return frame.sort_values([*by, "unit_code"], ascending=[False] * 4 + [True], ignore_index=True)


def _add_scene(
    loads: dict[str, _Load], graph: DutyGraph, scene: Scene, *, orders: float, seed: int
) -> None:
    part: Links = graph.graph.subgraph(scene.duties)
    pivots = MOST_EXACT if len(part) > MOST_EXACT else None
    between = nx.betweenness_centrality(part, k=pivots, normalized=False, seed=seed)
    for code in scene.duties:
        duty = graph.duties[code]
        waiting = len(nx.descendants(part, code))
        for unit in duty.holders:
            load = loads.setdefault(unit, _Load())
            load.orders += orders if scene.scene_code not in load.scenes else 0.0
            load.scenes.add(scene.scene_code)
            load.duties.add(code)
        for unit in duty.leads:
            loads[unit].betweenness += between[code] * orders
            loads[unit].waiting += waiting * orders
        if len(duty.holders) == 1:
            _add_sole(
                loads[duty.holders[0]], scene.scene_code, code, orders=orders, waiting=waiting
            )


def _add_sole(load: _Load, scene: str, duty: str, *, orders: float, waiting: int) -> None:
    load.sole_orders += orders if scene not in load.sole_scenes else 0.0
    load.sole.add(duty)
    load.sole_scenes.add(scene)
    load.single_point |= waiting > 0


def _add_delays(
    loads: dict[str, _Load], graph: DutyGraph, scene: Scene, *, orders: float, late_days: float
) -> None:
    duties = [graph.duties[code] for code in scene.duties]
    days = {duty.duty_code: duty.known_days for duty in duties}
    opened = open_scene(graph.graph, scene.duties, days)
    usual_days = find_total_days(opened, days)
    for unit in dict.fromkeys(lead for duty in duties for lead in duty.leads):
        late = {d.duty_code: d.known_days + late_days for d in duties if unit in d.leads}
        delay = round(find_total_days(opened, {**days, **late}) - usual_days, 9)
        if delay > 0:
            loads[unit].late_scenes.add(scene.scene_code)
            loads[unit].late_order_days += delay * orders


def _make_row(graph: DutyGraph, unit: str, load: _Load, late_days: float) -> dict[str, object]:
    return {
        "unit_code": unit,
        "name": graph.name_of(unit),
        "scenes": len(load.scenes),
        "duties": len(load.duties),
        "orders": load.orders,
        "betweenness": load.betweenness,
        "waiting": load.waiting,
        "late_days": late_days,
        "late_scenes": len(load.late_scenes),
        "late_order_days": load.late_order_days,
        "sole_duties": len(load.sole),
        "sole_scenes": len(load.sole_scenes),
        "sole_orders": load.sole_orders,
        "single_point": load.single_point,
    }
