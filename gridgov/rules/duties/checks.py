"""Faults of duty lists that people meet: what is wrong, with whom, and what to do about it.

One table says each kind of fault in both languages; the finders below only find. Only what is in force on
the graph's day is judged.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from gridgov.rules.duties.cycles import Circle, Edge, Links, find_circles
from gridgov.rules.duties.graph import Duty, DutyGraph
from gridgov.rules.duties.schedule import make_costs, open_scene


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """How one kind of fault is said and which table holds it.

    Parameters
    ----------
    table
        Table of the pack where the fault stands.
    field
        Its column.
    text
        For people, Chinese, with the slots of :class:`DutyFault`.
    problem, expected
        For ``gridgov check``.
    """

    table: str
    field: str
    text: str
    problem: str
    expected: str


KINDS: Mapping[str, FaultKind] = {
    "unheld": FaultKind(
        table="duties",
        field="unit",
        text="职责“{duty}”没有单位承担，建议由上一级明确牵头单位",
        problem="nobody holds this duty",
        expected="one lead",
    ),
    "no_lead": FaultKind(
        table="duties",
        field="role",
        text="职责“{duty}”只有配合单位（{units}），没有牵头单位，建议从中明确一家牵头",
        problem="this duty has helpers but no lead",
        expected="one row with role lead",
    ),
    "two_leads": FaultKind(
        table="duties",
        field="role",
        text="职责“{duty}”有多个牵头单位（{units}），建议只保留一家，其余改为配合",
        problem="this duty has several leads",
        expected="one lead, the others as helpers",
    ),
    "unknown_unit": FaultKind(
        table="duties",
        field="unit",
        text="职责“{duty}”的单位“{units}”不存在，建议核对单位编码",
        problem="this duty names a unit that does not exist",
        expected="a unit code of the units table, @street or @district",
    ),
    "unit_out_of_force": FaultKind(
        table="duties",
        field="unit",
        text="职责“{duty}”的单位“{units}”当日已不存续，建议改由承接其职能的单位承担",
        problem="this duty names a unit that is out of force",
        expected="the unit that took over its functions",
    ),
    "two_batches": FaultKind(
        table="duties",
        field="batch",
        text="职责“{duty}”同时列在多个批次（{facts}），建议终止旧批次",
        problem="this duty stands in several batches in force at the same time",
        expected="one batch; end the older one with valid_to",
    ),
    "two_scenes": FaultKind(
        table="duties",
        field="scene_code",
        text="职责“{duty}”同时属于多个场景（{facts}），建议拆成两条职责",
        problem="this duty code stands in several scenes",
        expected="a code of its own in each scene",
    ),
    "bad_role": FaultKind(
        table="duties",
        field="role",
        text="职责“{duty}”的角色“{facts}”无法识别",
        problem="unknown role",
        expected="lead or helper",
    ),
    "bad_days": FaultKind(
        table="duties",
        field="days",
        text="职责“{duty}”没有有效的办理天数，关键路径按0天计算",
        problem="the days of this duty are not a number from 0 on",
        expected="days as a number, such as 0.5 or 3",
    ),
    "circle": FaultKind(
        table="dependencies",
        field="before_duty",
        text="职责互相等待：{facts}，谁都无法先办，建议取消“{cut}”的前置关系",
        problem="duties wait for each other in a circle",
        expected="an order without a circle",
    ),
    "never_needed": FaultKind(
        table="duties",
        field="scene_code",
        text="职责“{duty}”所在场景没有任何事项引用，从来用不到，建议关联事项或删除",
        problem="no item of the catalogue needs this duty",
        expected="an item with this scene_code, or no such duty",
    ),
    "scene_without_duties": FaultKind(
        table="catalogue",
        field="scene_code",
        text="事项{items}指向的场景“{scene}”没有任何职责",
        problem="this item's scene has no duties in force",
        expected="a scene_code of the duties table, or empty",
    ),
    "unknown_duty": FaultKind(
        table="dependencies",
        field="before_duty",
        text="前置关系“{facts}”引用了不存在的职责",
        problem="this dependency names a duty that does not exist on this day",
        expected="two duty codes of the duties table",
    ),
    "unknown_parent": FaultKind(
        table="units",
        field="parent_code",
        text="单位“{units}”的上级“{facts}”不存在",
        problem="this unit's parent does not exist",
        expected="a unit code, or empty for the top",
    ),
    "parent_circle": FaultKind(
        table="units",
        field="parent_code",
        text="单位隶属关系成环：{facts}",
        problem="units stand above each other in a circle",
        expected="a line that ends at the top",
    ),
}


@dataclass(frozen=True, kw_only=True)
class DutyFault:
    """One fault of a duty list.

    Parameters
    ----------
    kind
        Key of :data:`KINDS`.
    scenes, duties, units, items
        Codes of what is concerned; for a circle `duties` are all its members, sorted.
    circle
        The shortest circle, first member not repeated.
    cut
        Edges (before, after) to cut.
    facts
        What was found, readable: batches, the circle by names, a wrong role.
    rows
        Positions in the fault's table.
    text, english
        A sentence with names.
    """

    kind: str
    scenes: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    circle: tuple[str, ...] = ()
    cut: tuple[Edge, ...] = ()
    facts: str = ""
    rows: tuple[int, ...] = ()
    text: str = ""
    english: str = ""


def check_duties(graph: DutyGraph, demand: Mapping[str, float] | None = None) -> list[DutyFault]:
    """Return every fault of a duty list, by kind as in :data:`KINDS`.

    Parameters
    ----------
    graph
        The list as in force on a day.
    demand
        Orders per item code: where circles can be cut in several ways, the cut spares the scenes with
        most orders.
    """
    finders: tuple[Callable[[DutyGraph], Iterable[DutyFault]], ...] = (
        lambda g: (fault for duty in g.duties.values() for fault in find_duty_faults(duty, g)),
        lambda g: find_circle_faults(g, demand or {}),
        _find_never_needed,
        _find_scenes_without_duties,
        _find_dangling,
        _find_parent_faults,
    )
    found = [_say(fault, graph) for finder in finders for fault in finder(graph)]
    order = list(KINDS)
    return sorted(found, key=lambda fault: order.index(fault.kind))


def find_scene_faults(
    graph: DutyGraph, scene_code: str, circles: Iterable[Circle] | None = None
) -> list[DutyFault]:
    """Return the faults of one scene's duties, its circles included; nothing else is searched.

    Parameters
    ----------
    graph
        The list of a day.
    scene_code
        A scene; one without duties has no faults here.
    circles
        The scene's circles where they are already known.
    """
    scene = graph.scenes.get(scene_code)
    if scene is None:
        return []
    duties = [graph.duties[code] for code in scene.duties]
    found = [fault for duty in duties for fault in find_duty_faults(duty, graph)]
    if circles is None:
        days = {duty.duty_code: duty.known_days for duty in duties}
        circles = open_scene(graph.graph, scene.duties, days).circles
    found += [_make_circle_fault(circle, graph) for circle in circles]
    return [_say(fault, graph) for fault in found]


def find_duty_faults(duty: Duty, graph: DutyGraph) -> Iterator[DutyFault]:
    """Return the faults that one duty shows by itself, without :attr:`DutyFault.text`."""
    base = DutyFault(kind="", scenes=duty.scenes, duties=(duty.duty_code,), rows=duty.rows[:1])
    retired = tuple(unit for unit in duty.lost if unit in graph.retired)
    unknown = tuple(unit for unit in duty.lost if unit not in graph.retired)
    if not duty.holders and not duty.lost:
        yield replace(base, kind="unheld")
    elif not duty.leads and not duty.lost:
        yield replace(base, kind="no_lead", units=duty.helpers)
    if len(duty.leads) > 1:
        yield replace(base, kind="two_leads", units=duty.leads, rows=duty.rows)
    if unknown:
        yield replace(base, kind="unknown_unit", units=unknown)
    if retired:
        yield replace(base, kind="unit_out_of_force", units=retired)
    if len(duty.batches) > 1:
        yield replace(base, kind="two_batches", facts="、".join(duty.batches), rows=duty.rows)
    if len(duty.scenes) > 1:
        yield replace(base, kind="two_scenes", facts="、".join(duty.scenes), rows=duty.rows)
    if duty.strange_roles:
        yield replace(base, kind="bad_role", facts="、".join(r or "空" for r in duty.strange_roles))
    if math.isnan(duty.days):
        yield replace(base, kind="bad_days")


def find_circle_faults(graph: DutyGraph, demand: Mapping[str, float]) -> list[DutyFault]:
    """Return a fault for each group of duties that wait for each other, anywhere in the list."""
    orders = find_scene_demand(graph, demand)
    days = {
        code: duty.known_days * (1 + orders.get(duty.scenes[0], 0.0))
        for code, duty in graph.duties.items()
    }
    circles = find_circles(graph.graph, make_costs(days, days))
    return [_make_circle_fault(circle, graph) for circle in circles]


def find_scene_demand(graph: DutyGraph, demand: Mapping[str, float]) -> dict[str, float]:
    """Return orders per scene from orders per item."""
    orders: dict[str, float] = {}
    for item in graph.items.values():
        if item.scene_code:
            orders[item.scene_code] = orders.get(item.scene_code, 0.0) + demand.get(
                item.item_code, 0.0
            )
    return orders


def _make_circle_fault(circle: Circle, graph: DutyGraph) -> DutyFault:
    ring = [graph.duties[code].name for code in (*circle.shortest, circle.shortest[0])]
    edges = zip(circle.shortest, (*circle.shortest[1:], circle.shortest[0]), strict=True)
    rows = tuple(graph.graph.edges[edge]["row"] for edge in edges)
    return DutyFault(
        kind="circle",
        scenes=tuple(
            dict.fromkeys(s for code in circle.members for s in graph.duties[code].scenes)
        ),
        duties=circle.members,
        circle=circle.shortest,
        cut=circle.cut,
        facts=" → ".join(ring),
        rows=rows,
    )


def _find_never_needed(graph: DutyGraph) -> Iterator[DutyFault]:
    """Find duties that no item's scene has and that no needed duty waits for."""
    asked = {item.scene_code for item in graph.items.values()}
    needed = {code for code, duty in graph.duties.items() if asked.intersection(duty.scenes)}
    reversed_graph = graph.graph.reverse(copy=False)
    needed.update(*(nx.descendants(reversed_graph, code) for code in _find_entries(graph, needed)))
    for code, duty in graph.duties.items():
        if code not in needed:
            yield DutyFault(
                kind="never_needed", scenes=duty.scenes, duties=(code,), rows=duty.rows[:1]
            )


def _find_entries(graph: DutyGraph, needed: set[str]) -> list[str]:
    """Return needed duties that wait for one not yet known as needed."""
    return [c for c in needed if any(b not in needed for b in graph.graph.predecessors(c))]


def _find_scenes_without_duties(graph: DutyGraph) -> Iterator[DutyFault]:
    codes = {c: at for at, c in enumerate(graph.tables.catalogue["item_code"])}
    for code, item in graph.items.items():
        if item.scene_code and item.scene_code not in graph.scenes:
            yield DutyFault(
                kind="scene_without_duties",
                scenes=(item.scene_code,),
                items=(code,),
                rows=(codes[code],),
            )


def _find_dangling(graph: DutyGraph) -> Iterator[DutyFault]:
    table = graph.tables.dependencies
    for row in graph.dangling:
        ends = tuple(str(table[name].iat[row]) for name in ("before_duty", "after_duty"))
        unknown = tuple(code for code in ends if code not in graph.duties)
        yield DutyFault(kind="unknown_duty", duties=unknown, facts=" → ".join(ends), rows=(row,))


def _find_parent_faults(graph: DutyGraph) -> Iterator[DutyFault]:
    rows = {c: at for at, c in enumerate(graph.tables.units["unit_code"])}
    parents: Links = nx.DiGraph()
    for code, unit in graph.units.items():
        if unit.parent_code in graph.units:
            parents.add_edge(code, unit.parent_code)
        elif unit.parent_code:
            yield DutyFault(
                kind="unknown_parent", units=(code,), facts=unit.parent_code, rows=(rows[code],)
            )
    for circle in find_circles(parents, dict.fromkeys(parents, 1.0)):
        ring = [graph.name_of(code) for code in (*circle.shortest, circle.shortest[0])]
        yield DutyFault(
            kind="parent_circle",
            units=circle.members,
            circle=circle.shortest,
            facts=" → ".join(ring),
            rows=tuple(rows[code] for code in circle.shortest),
        )


def _say(fault: DutyFault, graph: DutyGraph) -> DutyFault:
    names = {code: graph.duties[code].name for code in _named(fault) if code in graph.duties}
    text = KINDS[fault.kind].text.format(
        duty="、".join(names.get(code, code) for code in fault.duties),
        units="、".join(graph.name_of(code) for code in fault.units),
        items="、".join(f"“{graph.items[code].name}”" for code in fault.items),
        scene="、".join(fault.scenes),
        facts=fault.facts,
        cut="；".join(f"{names[a]}先于{names[b]}" for a, b in fault.cut),
    )
    kind = KINDS[fault.kind]
    about = [names.get(code, code) for code in fault.duties]
    about += [graph.name_of(code) for code in fault.units]
    about += [graph.items[code].name for code in fault.items]
    english = f"{', '.join(about) or fault.facts}: {kind.problem}; expected {kind.expected}"
    return replace(fault, text=text, english=english)


def _named(fault: DutyFault) -> set[str]:
    return {*fault.duties, *(code for edge in fault.cut for code in edge)}
