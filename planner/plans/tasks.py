"""Candidate + duty graph + library of measures → task: what, where, why, who, in which order, until when.

A candidate is a hotspot of any kind, or an item in excess in a whole street. Title, figures, lead and chain of a task
speak of the same set of appeals. Targets are set afterwards (:mod:`planner.plans.aims`), because several tasks may be
judged together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridgov.errors import UnknownEntryError
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.constants import Constants
from gridgov.rules.duties import DutyGraph
from gridgov.rules.whistles.convene import PlannedDuty, WhistlePlan, whistle_for
from planner.frames import HotspotKind, HotspotScale
from planner.plans.dates import (
    Chain,
    StageDays,
    add_months,
    add_working_days,
    date_stages,
    find_season_start,
    make_chain,
    say_list,
    take_working_days,
)
from planner.plans.items import ItemLevels
from planner.plans.lineage import make_task_id
from planner.plans.measures import CONSULTATION, MeasureLibrary, MixedPart, mix_measures
from planner.plans.plan_text import get_language, load_words, say
from planner.plans.quotes import find_quotes
from planner.plans.record import (
    Party,
    Proof,
    Range,
    Share,
    StageDuty,
    Target,
    Task,
    TaskMeasure,
)

MOST_EVIDENCE = 12
"""Order numbers printed per task; the number of all is beside them."""

OUTLINE_DEGREES = 1e-5
"""About a metre: outlines are simplified to it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TaskRules:
    """What the tasks of a city need beside the hotspot.

    Parameters
    ----------
    graph
        The city's duty list on the day.
    constants, calendar
        Of the city.
    levels
        The catalogue's levels and names.
    library
        Measures by scene.
    names
        Of areas and units by code.
    today
        Last day of the data, the plan's day.
    whistles
        Answers of the duty list so far, by item and street.
    """

    graph: DutyGraph
    constants: Constants
    calendar: WorkCalendar
    levels: ItemLevels
    library: MeasureLibrary
    names: Mapping[str, str]
    today: date
    whistles: dict[tuple[str, str], WhistlePlan | None] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Return a constant of planning."""
        return self.constants.number(f"planning.{name}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """What may become a task.

    Parameters
    ----------
    hotspot_id
        Empty for an item in excess in a street that no hotspot names.
    scale
        ``item``, ``place`` or ``area``.
    street_code
        Of most of its orders.
    item_code, item_level
        What it is about; empty and 0 for everything at a place.
    place
        Readable.
    lon, lat, radius_m, cells, shape
        Where; no cells and no shape for a street.
    evidence
        Exactly its orders: ``order_no received_at item_code cell_code person_key text``.
    persons, expected
        Distinct persons in it, and expected of the surroundings, in the window.
    year_persons, year_excess
        Persons within the last year, and how many of them are over what is expected.
    usual_per_month
        Persons a month if the place were as its surroundings.
    pattern, patterns
        Most probable course; all with their probabilities.
    months
        Of the season.
    window_start, window_end
        Both inside.
    p, q
        Of its test.
    weight
        How much more urgent its pattern makes the same excess.
    shares
        Streets with their parts, the leading one first.
    """

    hotspot_id: str
    scale: str
    street_code: str
    item_code: str
    item_level: int
    place: str
    lon: float
    lat: float
    radius_m: float
    cells: tuple[str, ...]
    shape: shapely.Geometry | None
    evidence: pd.DataFrame
    persons: int
    expected: float
    year_persons: int
    year_excess: float
    usual_per_month: float
    pattern: str
    patterns: Mapping[str, float]
    months: tuple[int, ...]
    window_start: date
    window_end: date
    p: float | None
    q: float | None
    weight: float = 1.0
    shares: tuple[Share, ...] = ()

    @property
    def urgency(self) -> float:
        """Return what a later rank is worth: the year's excess, more where it rises."""
        return self.year_excess * self.weight


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who answers for a task, and what each does.

    Parameters
    ----------
    lead, lead_by, helpers, superior, superior_reason
        As in :class:`~planner.plans.record.Task`.
    duties
        With their earliest times.
    scene_code, scene_name
        Of the item, of the commonest one in a mixed set.
    faults
        Of the duty list.
    """

    lead: Party | None
    lead_by: str
    helpers: tuple[Party, ...] = ()
    superior: Party | None = None
    superior_reason: str = ""
    duties: tuple[tuple[PlannedDuty, StageDuty], ...] = ()
    scene_code: str = ""
    scene_name: str = ""
    faults: tuple[str, ...] = ()


def find_whistle(rules: TaskRules, item_code: str, street_code: str) -> WhistlePlan | None:
    """Return whom the street must call; None where the duty list does not know item or street."""
    key = (item_code, street_code)
    if key not in rules.whistles:
        try:
            rules.whistles[key] = whistle_for(
                rules.graph,
                item_code,
                street_code,
                on_date=rules.today,
                constants=rules.constants,
            )
        except UnknownEntryError:
            rules.whistles[key] = None
    return rules.whistles[key]


def make_task(candidate: Candidate, rules: TaskRules, *, number: int, starts: int) -> Task:
    """Return the task of a candidate, its target still open.

    Parameters
    ----------
    candidate
        What is to be cured.
    rules
        Duty list, calendar, constants, measures.
    number
        From 1, the most urgent first.
    starts
        How many tasks of the plan its lead starts before it; they are spread over months.
    """
    mixed = find_mixed_items(candidate, rules)
    crew = find_crew(candidate, mixed, rules)
    measures = choose_measures(candidate, mixed, rules)
    consultation = _say_consultation(measures)
    firms = _say_firms(crew, rules)
    chain = make_chain(
        crew.duties,
        measures,
        StageDays(
            verify=int(rules.number("verify_days")),
            consultation=int(rules.number("consultation_days")),
            unknown=int(rules.number("task_days")),
        ),
        consultation=consultation,
        firms=firms,
    )
    dates = _find_dates(candidate, chain, rules, starts=starts)
    stages = date_stages(chain, dates.start_on, rules.calendar)
    newest = candidate.evidence.sort_values(["received_at", "order_no"], ascending=False)
    confidence, reasons = _judge_confidence(candidate, rules)
    item_name = rules.levels.name(candidate.item_code) if candidate.item_code else ""
    shown_name = item_name or say_list([rules.levels.name(code) for code in mixed])
    return Task(
        task_no=f"T{number:02d}",
        task_id=make_task_id(
            candidate.street_code,
            candidate.scale,
            _find_group(candidate, rules.levels),
            _find_anchor(candidate),
        ),
        hotspot_id=candidate.hotspot_id,
        kind=candidate.scale,
        title=_make_title(candidate, shown_name, dates),
        place=candidate.place,
        item_code=candidate.item_code,
        item_name=shown_name,
        item_level=candidate.item_level,
        scene_code=crew.scene_code,
        scene_name=crew.scene_name,
        lon=round(candidate.lon, 6),
        lat=round(candidate.lat, 6),
        radius_m=round(candidate.radius_m, 1),
        cells=candidate.cells,
        outline=_make_outline(candidate.shape),
        evidence=tuple(newest["order_no"].astype("str").head(MOST_EVIDENCE)),
        n_evidence=len(newest),
        proof=_make_proof(candidate),
        quotes=find_quotes(newest),
        lead=crew.lead,
        lead_by=crew.lead_by,
        helpers=crew.helpers,
        superior=crew.superior,
        superior_reason=crew.superior_reason,
        authority=tuple(
            dict.fromkeys(shown.authority for _, shown in crew.duties if shown.authority)
        ),
        joint_streets=candidate.shares,
        measures=measures,
        consultation=consultation,
        firms=firms,
        stages=stages,
        duty_codes=tuple(shown.duty_code for _, shown in crew.duties),
        start_on=stages[0].start_on,
        due_on=max(stage.end_on for stage in stages),
        due_basis=chain.basis + dates.note,
        latest_start_on=dates.latest.isoformat() if dates.latest else "",
        effort=_make_effort(chain, crew, measures),
        cost=_make_cost(measures),
        confidence=confidence,
        confidence_reasons=reasons,
        target=make_open_target(candidate),
        urgency=number,
        urgency_reason=say(
            "tasks",
            "urgency",
            excess=f"{candidate.year_excess:.0f}",
            pattern=_name_pattern(candidate.pattern),
            sure=say("tasks", f"sure_{confidence}"),
        ),
        faults=crew.faults,
    )


def choose_measures(
    candidate: Candidate, items: Sequence[str], rules: TaskRules
) -> tuple[TaskMeasure, ...]:
    """Return the measures of a task: of its item, of each of several with its share, and against everything at a place.

    Parameters
    ----------
    candidate
        What is to be cured.
    items
        Its level-3 items that are named (:func:`find_mixed_items`).
    rules
        Duty list and library.
    """
    street, library = candidate.street_code, rules.library
    counts = candidate.evidence["item_code"].astype("object").value_counts()
    total = max(int(counts.sum()), 1)
    parts = []
    for code in items:
        answer = find_whistle(rules, code, street)
        scene = answer.item.scene_code if answer is not None else ""
        measures = library.choose(scene, rules.levels.find_line(code))
        share = 1.0 if candidate.item_level == 3 else int(counts.get(code, 0)) / total
        if measures and share > 0:
            parts.append(MixedPart(name=rules.levels.name(code), share=share, measures=measures))
    is_place = candidate.scale == HotspotScale.PLACE
    general = library.choose_general() if is_place else ()
    return mix_measures(parts, general, most=library.most)


def make_open_target(candidate: Candidate) -> Target:
    """Return a target that nothing has been decided of."""
    return Target(
        baseline_per_month=0.0,
        target_per_month=None,
        usual_per_month=round(candidate.usual_per_month, 2),
        weeks=0,
        text="",
        measure="",
        state="none",
    )


def find_mixed_items(candidate: Candidate, rules: TaskRules) -> tuple[str, ...]:
    """Return the level-3 items that a set is about, the commonest first: one where it is about one.

    Of everything at a place the commonest few; of a mixed item those of a fair share of it, at least one.
    """
    if candidate.item_level == 3:
        return (candidate.item_code,)
    counts = candidate.evidence["item_code"].astype("object").value_counts()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    ranked = ranked[: int(rules.number("mixed_items"))]
    if candidate.scale == HotspotScale.PLACE:
        return tuple(str(code) for code, _ in ranked)
    total = max(int(counts.sum()), 1)
    named = [str(code) for code, n in ranked if n >= rules.number("mixed_share") * total]
    return tuple(named or [str(code) for code, _ in ranked[:1]])


def find_crew(candidate: Candidate, items: Sequence[str], rules: TaskRules) -> Crew:
    """Return who answers for a candidate.

    Of one item the duty list says it. A mixed set is led by the unit that leads most of its appeals, where that is
    ``planning.lead_share`` of them or more, else by the street as the first receiver; the leads of its items help. The
    chain of everything at a place is what its lead convenes. A city without duties knows only the unit of the area.
    """
    street = candidate.street_code
    known = [one for code in items if (one := find_whistle(rules, code, street)) is not None]
    if not known or not rules.graph.duties:
        unit = rules.graph.areas.get(("street", street), street)
        name = rules.graph.name_of(unit)
        party = Party(unit_code=unit, name=rules.names.get(street, name) if name == unit else name)
        return Crew(lead=party, lead_by="area")
    is_place = candidate.scale == HotspotScale.PLACE
    first, share = _find_main(candidate, known, rules)
    is_mixed = is_place or len({one.lead for one in known}) > 1
    if share >= rules.number("lead_share"):
        lead, lead_by = first.lead, "most_appeals" if is_mixed else first.lead_by
    else:
        lead, lead_by = first.street.unit_code, "first_receiver"
    involved = [
        unit for one in known for unit in ((one.lead,) if is_place else (one.lead, *one.helpers))
    ]
    # the street takes part in what another unit leads: the place is its own
    everyone = [
        *involved,
        first.street.unit_code,
        *(share.street_code for share in candidate.shares),
    ]
    helpers = [
        unit for unit in dict.fromkeys(everyone) if unit != lead and unit in rules.graph.units
    ]
    needed = next((one.superior for one in known if one.superior and one.superior.needed), None)
    superior = needed or next((one.superior for one in known if one.superior), None)
    if superior is not None and not superior.unit_code:
        superior = None
    duties = {
        planned.duty_code: (planned, _make_duty(planned, rules))
        for one in known
        for planned in one.duties
        if not is_place
    }
    scene = next((one for one in known if one.scene_name), first)
    return Crew(
        lead=_make_party(lead, rules),
        lead_by=lead_by,
        helpers=tuple(_make_party(unit, rules) for unit in helpers),
        superior=None if superior is None else _make_party(superior.unit_code, rules),
        superior_reason="" if superior is None else superior.reason,
        duties=tuple(sorted(duties.values(), key=lambda pair: (pair[0].stage, pair[0].duty_code))),
        scene_code=scene.item.scene_code,
        scene_name=scene.scene_name,
        faults=()
        if is_place
        else tuple(
            dict.fromkeys(
                fault.text if get_language().startswith("zh") else fault.english
                for one in known
                for fault in one.faults
            )
        ),
    )


def _find_main(
    candidate: Candidate, known: Sequence[WhistlePlan], rules: TaskRules
) -> tuple[WhistlePlan, float]:
    """Return the answer of the duty list for the item of most appeals of the unit that leads most, and its share.

    Every appeal of the set counts, also those whose items are too few to be named.
    """
    counts = candidate.evidence["item_code"].astype("object").value_counts()
    by_lead: dict[str, int] = {}
    first_of: dict[str, WhistlePlan] = {}
    for code, n in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))):
        answer = find_whistle(rules, str(code), candidate.street_code)
        if answer is not None:
            by_lead[answer.lead] = by_lead.get(answer.lead, 0) + int(n)
            first_of.setdefault(answer.lead, answer)
    if not by_lead:
        return known[0], 1.0
    lead = max(by_lead, key=lambda unit: (by_lead[unit], unit))
    return first_of[lead], by_lead[lead] / max(int(counts.sum()), 1)


def _make_party(unit: str, rules: TaskRules) -> Party:
    return Party(unit_code=unit, name=rules.graph.name_of(unit))


def _make_duty(duty: PlannedDuty, rules: TaskRules) -> StageDuty:
    """Return a duty with the names of its units."""
    units = duty.leads or duty.helpers
    return StageDuty(
        duty_code=duty.duty_code,
        name=duty.name,
        unit_codes=units,
        units=tuple(rules.graph.name_of(unit) for unit in units),
        days=duty.days,
        critical=duty.critical,
        waits_for=duty.waits_for,
        authority=duty.authority,
    )


@dataclass(frozen=True, kw_only=True)
class _Dates:
    """Start, latest start of a seasonal task, first month of its season, and what must be told."""

    start_on: date
    latest: date | None = None
    month: int = 0
    note: str = ""


def _find_dates(candidate: Candidate, chain: Chain, rules: TaskRules, *, starts: int) -> _Dates:
    """Return when a task starts: after the plan's approval, spread over months; a seasonal one before its season."""
    approved = rules.today + timedelta(days=1)
    first = add_working_days(rules.calendar, approved, int(rules.number("approval_days")))
    a_month = max(int(rules.number("lead_starts_month")), 1)
    spread = add_months(first, starts // a_month)
    start = add_working_days(rules.calendar, spread, 0)
    if not candidate.months:
        return _Dates(start_on=start)
    needed = math.ceil(chain.total_days)
    season = find_season_start(rules.today, candidate.months)
    note = ""
    while True:
        end = season - timedelta(days=int(rules.number("preseason_days")))
        latest = take_working_days(rules.calendar, end, needed)
        if latest >= first:
            break
        note = load_words()["tasks"]["due_season_late"]
        season = add_months(season, 12)
    early = take_working_days(rules.calendar, latest, int(rules.number("buffer_days")))
    said = say(
        "tasks",
        "due_season",
        months=say_months(str(season.month)),
        lead_days=int(rules.number("preseason_days")),
    )
    return _Dates(
        start_on=max(min(max(early, start), latest), first),
        latest=latest,
        month=season.month,
        note="；" + said + ("；" + note.lstrip("；") if note else ""),
    )


def _make_title(candidate: Candidate, item_name: str, dates: _Dates) -> str:
    """Return what is to be done where."""
    if len(candidate.shares) > 1:
        key = "joint_title"
    elif candidate.scale == HotspotScale.PLACE:
        key = "place_title"
    elif candidate.months:
        key = "season"
    elif candidate.scale == HotspotScale.AREA:
        key = "area_title"
    else:
        key = "watch" if candidate.pattern == HotspotKind.FALLING else "title"
    return say(
        "tasks",
        key,
        place=candidate.place,
        item=item_name,
        items=item_name,
        months=say_months(str(dates.month)) if dates.month else "",
    )


def say_months(months: str) -> str:
    """Return "11;12;1" as people read it."""
    return say_list([say("months", "month", month=month) for month in months.split(";") if month])


def _name_pattern(pattern: str) -> str:
    words = load_words()["kinds"]
    return str(words[pattern]["name"]) if pattern in words else pattern


def _find_group(candidate: Candidate, levels: ItemLevels) -> str:
    """Return the level-2 item of a candidate, its own where it is above."""
    if not candidate.item_code or candidate.item_level < 3:
        return candidate.item_code
    return str(levels.find(pd.Series([candidate.item_code]), 2).iloc[0])


def _find_anchor(candidate: Candidate) -> str:
    """Return the cell with most of a candidate's orders; empty for an area."""
    if candidate.scale == HotspotScale.AREA:
        return candidate.cells[0][:12] if candidate.cells and candidate.shape is not None else ""
    counts = candidate.evidence["cell_code"].dropna().astype("str").value_counts()
    return min(counts.index[counts == counts.iloc[0]], default="") if len(counts) else ""


def _make_outline(shape: shapely.Geometry | None) -> dict[str, Any] | None:
    """Return a shape as GeoJSON with six decimals."""
    if shape is None or shape.is_empty:
        return None
    simple = shapely.set_precision(shapely.simplify(shape, OUTLINE_DEGREES), 1e-6)
    made: dict[str, Any] = shapely.geometry.mapping(simple if not simple.is_empty else shape)
    return {"type": made["type"], "coordinates": _round(made["coordinates"])}


def _round(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_round(one) for one in value]
    return round(float(value), 6)


def _make_proof(candidate: Candidate) -> Proof:
    days = candidate.evidence["received_at"]
    since = max(candidate.window_start, days.min().date()) if len(days) else candidate.window_start
    return Proof(
        orders=len(candidate.evidence),
        persons=candidate.persons,
        expected=round(candidate.expected, 2),
        excess=round(max(candidate.persons - candidate.expected, 0.0), 2),
        since=since.isoformat(),
        window_start=candidate.window_start.isoformat(),
        window_end=candidate.window_end.isoformat(),
        p=candidate.p,
        q=candidate.q,
        pattern=candidate.pattern,
        pattern_name=_name_pattern(candidate.pattern),
        probability=candidate.patterns.get(candidate.pattern),
    )


def _say_consultation(measures: Sequence[TaskMeasure]) -> str:
    named = [one.name for one in measures if one.kind == CONSULTATION]
    return say("tasks", "consultation", measure=say_list(named)) if named else ""


def _say_firms(crew: Crew, rules: TaskRules) -> str:
    parties = [*([crew.lead] if crew.lead else []), *crew.helpers]
    kinds = {"enterprise", "platform"}
    firms = [
        party.name
        for party in parties
        if party.unit_code in rules.graph.units and rules.graph.units[party.unit_code].kind in kinds
    ]
    return say("tasks", "firms", units=say_list(firms)) if firms else ""


def _make_effort(chain: Chain, crew: Crew, measures: Sequence[TaskMeasure]) -> Range:
    """Return working days: along the longest chain, and of all duties and measures one after the other."""
    known = [one.days for one in measures if one.days is not None]
    each = sum(shown.days for _, shown in crew.duties) + sum(known)
    return Range(
        low=round(chain.total_days, 1),
        high=round(max(each, chain.total_days), 1),
        unit="workdays",
        status="practice" if crew.duties and known else "assumed",
    )


def _make_cost(measures: Sequence[TaskMeasure]) -> Range:
    """Return what the measures cost together, unknown where one does not say."""
    lows = [one.cost.low for one in measures]
    highs = [one.cost.high for one in measures]
    if not measures or None in lows or None in highs:
        return Range(low=None, high=None, unit="10k_yuan", status="unknown")
    statuses = [one.cost.status for one in measures]
    order = ("assumed", "practice", "measured", "documented")
    return Range(
        low=round(sum(low for low in lows if low is not None), 2),
        high=round(sum(high for high in highs if high is not None), 2),
        unit="10k_yuan",
        status=min(statuses, key=lambda one: order.index(one) if one in order else 0),
    )


def _judge_confidence(candidate: Candidate, rules: TaskRules) -> tuple[str, tuple[str, ...]]:
    """Return how sure a task is, and why."""
    q, n = 1.0 if candidate.q is None else candidate.q, candidate.persons
    if q <= rules.number("confident_q") and n >= rules.number("confident_persons"):
        mark = "high"
    elif q <= rules.number("fair_q") and n >= rules.number("fair_persons"):
        mark = "medium"
    else:
        mark = "low"
    reasons = [say("tasks", "by_q", q=f"{q:.2g}")] if candidate.q is not None else []
    reasons.append(say("tasks", "by_n", n=candidate.persons))
    months = (candidate.window_end - candidate.window_start).days / 30.4
    reasons.append(say("tasks", "by_span", months=f"{max(months, 1):.0f}"))
    if candidate.scale == HotspotScale.AREA and not candidate.cells:
        reasons.append(say("tasks", "by_place"))
    return mark, tuple(reasons)


def find_radius(lon: np.ndarray, lat: np.ndarray) -> tuple[float, float, float]:
    """Return the median position and the distance in metres that holds nine tenths of the points."""
    if not len(lon):
        return 0.0, 0.0, 0.0
    middle = float(np.median(lon)), float(np.median(lat))
    east = (lon - middle[0]) * 111_320.0 * math.cos(math.radians(middle[1]))
    north = (lat - middle[1]) * 111_320.0
    return *middle, float(np.quantile(np.hypot(east, north), 0.9))
