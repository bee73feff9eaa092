"""Whom a whistle call must bring together, in which order, and who is above them all.

An answer that a street can act on: lead, helpers, stages, the critical path, the latest report-in per unit,
the smallest set of units that covers all duties, the lowest common superior, and what is wrong with the
duty list there. A faulty list never blocks the answer; the fault is part of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gridgov.rules.constants import Constant, Constants, make_constants
from gridgov.rules.duties import (
    Cover,
    DutyFault,
    DutyGraph,
    DutyItem,
    Schedule,
    Unit,
    find_item,
    find_scene_faults,
    find_smallest_cover,
    find_street,
    make_schedule,
)

MINUTES_PER_DAY = 24 * 60
UNDECIDED = frozenset(
    {"unheld", "no_lead", "two_leads", "circle", "unknown_unit", "unit_out_of_force"}
)
"""Faults that leave open who acts: the superior must decide."""


@dataclass(frozen=True, kw_only=True)
class PlannedDuty:
    """One duty of the scene as it falls on units of the place.

    Parameters
    ----------
    leads, helpers
        Unit codes; no lead where the list has none that exists.
    days, starts_day, ends_day, slack_days
        Days after the call; slack is how much later it may start without delaying the whole.
    stage
        From 1 on.
    waits_for
        Duties of the scene that must be done before.
    waits_outside
        Duties of other scenes that must be done before.
    joint
        Whether it stands in a circle and so must be done together with the others of it.
    critical
        Whether it lies on the critical path.
    """

    duty_code: str
    name: str
    authority: str
    leads: tuple[str, ...]
    helpers: tuple[str, ...]
    days: float
    stage: int
    starts_day: float
    ends_day: float
    slack_days: float
    waits_for: tuple[str, ...]
    waits_outside: tuple[str, ...]
    joint: bool
    critical: bool

    @property
    def holders(self) -> tuple[str, ...]:
        """Return leads and helpers, each once."""
        return tuple(dict.fromkeys((*self.leads, *self.helpers)))


@dataclass(frozen=True, kw_only=True)
class CalledUnit:
    """One unit that the whistle calls.

    Parameters
    ----------
    role
        ``lead`` if it leads any of its duties here, else ``helper``.
    stage
        The first stage in which it is needed.
    duties, authorities
        What it must do here, and which power it must bring (人到权到).
    report_in_min
        Latest report-in, minutes after the call: the rule's time after its first duty can begin.
    slack_days
        How much later it could begin without delaying the whole.
    needed
        Whether it belongs to the smallest set that covers all duties.
    """

    unit_code: str
    name: str
    role: str
    stage: int
    duties: tuple[str, ...]
    authorities: tuple[str, ...]
    report_in_min: int
    slack_days: float
    needed: bool


@dataclass(frozen=True, kw_only=True)
class Superior:
    """The lowest unit above all that are involved.

    Parameters
    ----------
    unit_code, name
        Empty where they have none in common.
    needed
        Whether the matter must be raised to it now; else only if the call fails.
    reason
        ``districts``, ``undecided`` or ``levels``.
    """

    unit_code: str
    name: str
    needed: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class WhistlePlan:
    """The answer; :func:`gridgov.rules.whistles.sentences.tell_plan` says it in sentences.

    Parameters
    ----------
    lead, lead_by
        Unit that leads, and why: ``catalogue`` or ``first_receiver``.
    helpers
        All other units involved, the street left out.
    duties
        In the order of stages.
    stages
        Duty codes by stage.
    critical, total_days
        The longest chain of waiting and its days.
    calls
        Units to call besides the street itself, by stage.
    smallest
        Smallest set of units that covers all duties that anybody holds, the street counted.
    superior
        None where street and district can settle it among themselves.
    report_in
        The rule of report-in with its status.
    faults
        What is wrong with the duty list of the scene.
    """

    item: DutyItem
    street: Unit
    on_date: date
    scene_name: str
    lead: str
    lead_by: str
    helpers: tuple[str, ...]
    duties: tuple[PlannedDuty, ...]
    stages: tuple[tuple[str, ...], ...]
    critical: tuple[str, ...]
    total_days: float
    calls: tuple[CalledUnit, ...]
    smallest: Cover
    superior: Superior | None
    report_in: Constant
    faults: tuple[DutyFault, ...]


def whistle_for(
    graph: DutyGraph,
    item: str,
    street: str,
    *,
    on_date: date | None = None,
    constants: Constants | None = None,
) -> WhistlePlan:
    """Return whom a street must call for an item.

    Parameters
    ----------
    graph
        The duty list; where `on_date` lies in another version of it, that version is used.
    item, street
        Codes, names, or parts of a name that only one has.
    on_date
        Default: the graph's day.
    constants
        Rules of the city; ``dispatch.report_in_minutes`` is used.

    Raises
    ------
    UnknownEntryError
        Item or street is not known on that day, or fits several.
    """
    day = graph.on_date if on_date is None else on_date
    graph = graph.at(day)
    asked, place = find_item(graph, item), find_street(graph, street)
    scene = graph.scenes.get(asked.scene_code)
    codes = scene.duties if scene else ()
    schedule = make_schedule(graph.graph, codes, {c: graph.duties[c].known_days for c in codes})
    faults = tuple(find_scene_faults(graph, asked.scene_code, schedule.circles))
    duties = _plan_duties(graph, place, schedule)
    lead, lead_by = _find_lead(graph, asked, place)
    rule = (constants or make_constants()).get("dispatch.report_in_minutes")
    smallest = find_smallest_cover(
        {d.duty_code: d.holders for d in duties},
        {d.duty_code: d.leads[0] for d in duties if d.leads},
    )
    involved = _find_involved(duties, _find_listed(graph, asked, place, lead))
    calls = _make_calls(
        graph, [u for u in involved if u != place.unit_code], duties, smallest, rule
    )
    return WhistlePlan(
        item=asked,
        street=place,
        on_date=day,
        scene_name=scene.name if scene else "",
        lead=lead,
        lead_by=lead_by,
        helpers=tuple(u for u in involved if u not in {lead, place.unit_code}),
        duties=duties,
        stages=schedule.stages,
        critical=schedule.critical,
        total_days=schedule.total_days,
        calls=calls,
        smallest=smallest,
        superior=_find_superior(graph, [place.unit_code, *involved], faults),
        report_in=rule,
        faults=faults,
    )


def _plan_duties(graph: DutyGraph, place: Unit, schedule: Schedule) -> tuple[PlannedDuty, ...]:
    joint = {member for circle in schedule.circles for member in circle.members}
    return tuple(
        _plan_duty(graph, place, schedule, code=code, joint=code in joint)
        for stage in schedule.stages
        for code in stage
    )


def _plan_duty(
    graph: DutyGraph, place: Unit, schedule: Schedule, *, code: str, joint: bool
) -> PlannedDuty:
    duty, timing = graph.duties[code], schedule.timings[code]
    before = sorted(graph.graph.predecessors(code))
    leads = _resolve(graph, duty.leads, place)
    return PlannedDuty(
        duty_code=code,
        name=duty.name,
        authority=duty.authority,
        leads=leads,
        helpers=tuple(u for u in _resolve(graph, duty.helpers, place) if u not in leads),
        days=duty.known_days,
        stage=timing.stage,
        starts_day=timing.starts_day,
        ends_day=timing.ends_day,
        slack_days=timing.slack_days,
        waits_for=timing.waits_for,
        waits_outside=tuple(b for b in before if b not in schedule.timings),
        joint=joint,
        critical=code in schedule.critical,
    )


def _resolve(graph: DutyGraph, units: Iterable[str], place: Unit) -> tuple[str, ...]:
    """Return the units of the place, each once, without those that are not in force."""
    found = (graph.resolve(unit, place) for unit in units)
    return tuple(dict.fromkeys(unit for unit in found if unit in graph.units))


def _find_lead(graph: DutyGraph, item: DutyItem, place: Unit) -> tuple[str, str]:
    """Return the item's lead; where its duty is unclear the street answers as first receiver (DOMAIN 1)."""
    named = _resolve(graph, [item.lead], place)
    return (named[0], "catalogue") if named else (place.unit_code, "first_receiver")


def _find_listed(graph: DutyGraph, item: DutyItem, place: Unit, lead: str) -> list[str]:
    """Return the lead, and where no scene names anybody the catalogue's helpers without platforms.

    A platform helps only in orders about itself: which one, the order says and the catalogue cannot.
    """
    if item.scene_code in graph.scenes:
        return [lead]
    helpers = _resolve(graph, item.helpers, place)
    return [lead, *(u for u in helpers if graph.units[u].kind != "platform")]


def _find_involved(duties: Iterable[PlannedDuty], listed: Iterable[str]) -> list[str]:
    """Return every unit once, in the order in which the stages need it, then those only listed."""
    leads_first = [u for duty in duties for u in duty.holders]
    return list(dict.fromkeys((*leads_first, *listed)))


def _make_calls(
    graph: DutyGraph,
    units: Iterable[str],
    duties: Iterable[PlannedDuty],
    smallest: Cover,
    rule: Constant,
) -> tuple[CalledUnit, ...]:
    held: dict[str, list[PlannedDuty]] = {}
    for duty in duties:
        for unit in duty.holders:
            held.setdefault(unit, []).append(duty)
    minutes = round(float(str(rule.value)))
    calls = [
        _make_call(graph, unit, held.get(unit, []), minutes=minutes, smallest=smallest)
        for unit in units
    ]
    return tuple(
        sorted(calls, key=lambda call: (call.stage, call.report_in_min, call.role == "helper"))
    )


def _make_call(
    graph: DutyGraph, unit: str, held: list[PlannedDuty], *, minutes: int, smallest: Cover
) -> CalledUnit:
    leads = not held or any(unit in duty.leads for duty in held)
    starts_day = min((duty.starts_day for duty in held), default=0.0)
    return CalledUnit(
        unit_code=unit,
        name=graph.name_of(unit),
        role="lead" if leads else "helper",
        stage=min((duty.stage for duty in held), default=1),
        duties=tuple(duty.duty_code for duty in held),
        authorities=tuple(dict.fromkeys(duty.authority for duty in held if duty.authority)),
        report_in_min=minutes + round(starts_day * MINUTES_PER_DAY),
        slack_days=min((duty.starts_day + duty.slack_days for duty in held), default=0.0)
        - starts_day,
        needed=unit in smallest.units,
    )


def _find_superior(
    graph: DutyGraph, units: Iterable[str], faults: Iterable[DutyFault]
) -> Superior | None:
    """Return who is above all units, where they are of several districts or levels or nobody decides."""
    involved = [graph.units[code] for code in dict.fromkeys(units)]
    reasons = {
        "districts": len({unit.district_code for unit in involved} - {""}) > 1,
        "undecided": any(fault.kind in UNDECIDED for fault in faults),
        "levels": len({unit.level for unit in involved}) > 1,
    }
    reason = next((name for name, holds in reasons.items() if holds), None)
    if reason is None:
        return None
    code = find_common_superior(graph, [unit.unit_code for unit in involved])
    return Superior(
        unit_code=code,
        name=graph.name_of(code) if code else "",
        needed=reason != "levels",
        reason=reason,
    )


def find_common_superior(graph: DutyGraph, units: Iterable[str]) -> str:
    """Return the lowest unit that is, or stands above, each of `units`; empty where there is none.

    A unit alone among them has its own parent as superior.
    """
    codes = list(dict.fromkeys(units))
    lines = [graph.find_superiors(code) for code in codes]
    if len(codes) == 1:
        lines = [lines[0][1:]]
    common = set(lines[0]).intersection(*lines[1:]) if lines else set()
    return next((code for code in lines[0] if code in common), "") if common else ""
