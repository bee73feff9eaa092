"""One street, one plan: the value that is written, shown, edited and tracked.

A plan is sealed: its content hash covers everything but the revision; the same orders give the same hash, and a new
revision exists only where the content differs. Everything that a document or a page says is in it, so that one
renderer can show it without asking the city again. JSON form: ``planner/documents/plan.schema.json``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from planner.errors import PlannerError

SCHEMA = "gridgov/plan/2"
"""Name and version of the JSON form; a change of meaning raises the number."""

Origin = Literal["draft", "person"]
"""Who wrote a part: the program's draft, or a person."""

TargetState = Literal["set", "pooled", "none"]
"""``set`` for the task alone · ``pooled`` only together with other tasks · ``none``, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """A unit with its name."""

    unit_code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """A street's part of a hotspot that lies over several: orders of it there, 0-1 of all."""

    street_code: str
    name: str
    orders: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Range:
    """From … to … of something that is only roughly known.

    Parameters
    ----------
    low, high
        None where nobody knows.
    unit
        ``workdays`` or ``10k_yuan``.
    status
        ``documented``, ``practice``, ``assumed`` or ``unknown``.
    """

    low: float | None
    high: float | None
    unit: str
    status: str


@dataclass(frozen=True, kw_only=True)
class StageDuty:
    """A duty of the list as it falls on units of the place.

    Parameters
    ----------
    unit_codes, units
        Who does it, by code and by name; empty where nobody holds it.
    days
        Working days of the list; 0 where it says none.
    critical
        Whether it stands on the longest chain.
    waits_for
        Duties that must be done before.
    authority
        The power it needs (权限), empty for none.
    """

    duty_code: str
    name: str
    unit_codes: tuple[str, ...]
    units: tuple[str, ...]
    days: float
    critical: bool
    waits_for: tuple[str, ...]
    authority: str = ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is done at the same time, after the stage before.

    Parameters
    ----------
    number
        From 1 on.
    duties
        Duties of the list; empty for stages that the list does not know.
    kind
        ``verify`` (核实会商), ``consult`` (居民议事), ``firms`` (企业参与), ``duties`` or ``measure``.
    name
        Readable.
    start_on, end_on
        ISO days, working days in between; empty where not dated.
    days
        Working days.
    basis
        Where the length comes from.
    """

    number: int
    duties: tuple[StageDuty, ...] = ()
    kind: str = "duties"
    name: str = ""
    start_on: str = ""
    end_on: str = ""
    days: float = 0.0
    basis: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskMeasure:
    """A measure of the pack's library as it is used in a task.

    Parameters
    ----------
    kind
        ``hardware``, ``service``, ``rule``, ``enforcement``, ``consultation`` or ``publicity``.
    days
        Working days it takes; None where the library does not say, then the plan says so.
    cost
        In 10,000 yuan.
    effect, effect_low, effect_high
        Share by which appeals fall, with its interval; None where unknown.
    status
        Of the effect: ``documented``, ``practice``, ``assumed`` or ``measured``.
    """

    measure_code: str
    name: str
    kind: str
    days: float | None
    cost: Range
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    status: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a person said, personal numbers masked."""

    order_no: str
    received_on: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Why it is a task: every figure is of the same set of appeals, which ``Task.evidence`` names.

    Parameters
    ----------
    orders, persons
        Appeals of the set; persons once.
    expected
        Persons if the place were as its surroundings (for areas: as its peers).
    excess
        ``persons - expected``, at least 0.
    since
        ISO day from which the level has been above the usual one.
    window_start, window_end
        ISO days, both inside.
    p, q
        Of the statistic, and after false-discovery control; None where no test was made.
    pattern, pattern_name
        Course in time, for reading too.
    probability
        Of that pattern, 0-1; None where not judged.
    """

    orders: int
    persons: int
    expected: float
    excess: float
    since: str
    window_start: str
    window_end: str
    p: float | None
    q: float | None
    pattern: str
    pattern_name: str
    probability: float | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a task must reach, and how it is judged.

    Baseline, expectation and result count the same way: distinct persons at the same place about the same item within
    the watch period.

    Parameters
    ----------
    baseline_per_month, target_per_month, usual_per_month
        Persons a month at the place: in as many months before; the most that meets the target (None: no target of its
        own); if the place were as its surroundings.
    weeks
        Length of the watch in weeks, for readers of the first form of plans.
    text, measure
        Readable: what must be reached, how it is counted.
    state
        See :data:`TargetState`.
    watch_months, watch_start, watch_end
        When appeals are counted; ISO days, both inside.
    baseline
        Persons in as many months before; of all that are judged together.
    expected
        Persons in the watch if nothing changes, from the count model; of all that are judged together.
    threshold
        The target is met with at most so many persons, all that are judged together; None: no target.
    planned_effect
        Share by which appeals at the place are to fall.
    p_if_nothing, p_if_effect
        Probability that the target is met if nothing changes, and if the planned effect comes.
    pooled_with
        Task ids judged together with this one (this one included); empty if judged alone.
    reason
        Why the watch is long, the target pooled or missing; empty otherwise.
    """

    baseline_per_month: float
    target_per_month: float | None
    usual_per_month: float
    weeks: int
    text: str
    measure: str
    state: TargetState = "set"
    watch_months: int = 0
    watch_start: str = ""
    watch_end: str = ""
    baseline: float = 0.0
    expected: float = 0.0
    threshold: int | None = None
    planned_effect: float = 0.0
    p_if_nothing: float | None = None
    p_if_effect: float | None = None
    pooled_with: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to cure at one place.

    Parameters
    ----------
    task_no
        Number in the plan, T01 the most urgent.
    task_id
        The same in every later draft for the same place and problem.
    hotspot_id
        The hotspot it cures; empty for a whole street.
    kind
        ``item`` (a problem at a place), ``place`` (more of everything at a place), ``area`` (a problem in a street).
    title, place
        Readable.
    item_code, item_name, item_level
        The problem; level 1 to 3 is the lowest that the set of appeals really shares.
    scene_code, scene_name
        Scene of the duty list, empty where there is none.
    lon, lat, radius_m
        Centre, EPSG:4326, and the radius that holds nine tenths of the appeals.
    cells, outline
        Cell codes; GeoJSON geometry, EPSG:4326, None for a task of a whole street.
    evidence
        Order numbers, newest first, at most as many as the plan shows; ``n_evidence`` is how many there are.
    proof
        Why.
    quotes
        Two or three typical appeals.
    lead, lead_by
        Who answers; None where nobody is named. ``catalogue``, ``first_receiver`` or ``area`` (a city without duties).
    helpers
        Who must help.
    superior, superior_reason
        Who must decide above them; ``districts``, ``undecided`` or ``levels``.
    authority
        Powers that must be brought (人到权到).
    joint_streets
        Streets of a joint task with their parts, the leading one first; empty for one street.
    measures
        What is to be done, from the pack's library.
    consultation, firms
        Residents' consultation (议事) and the firms' part, empty where the scene has none.
    stages, duty_codes
        Who acts when.
    start_on, due_on, due_basis
        ISO days; where the dates come from.
    latest_start_on
        For seasonal ones: a later start misses the season; else empty.
    effort, cost
        Ranges.
    confidence, confidence_reasons
        ``high``, ``medium`` or ``low``.
    target
        What it must reach.
    urgency
        Rank within the plan, 1 first; ``urgency_reason`` says why.
    faults
        What is wrong with the duty list here.
    origin
        Who wrote it.
    lineage
        Ids of tasks of the plan before that it continues; more than one is a merge.
    """

    task_no: str
    hotspot_id: str
    title: str
    place: str
    item_code: str
    item_name: str
    lon: float
    lat: float
    radius_m: float
    evidence: tuple[str, ...]
    n_evidence: int
    lead: Party | None
    helpers: tuple[Party, ...]
    stages: tuple[Stage, ...]
    duty_codes: tuple[str, ...]
    start_on: str
    due_on: str
    due_basis: str
    target: Target
    faults: tuple[str, ...]
    task_id: str = ""
    kind: str = "item"
    item_level: int = 3
    scene_code: str = ""
    scene_name: str = ""
    cells: tuple[str, ...] = ()
    outline: dict[str, Any] | None = None
    proof: Proof | None = None
    quotes: tuple[Quote, ...] = ()
    lead_by: str = ""
    superior: Party | None = None
    superior_reason: str = ""
    authority: tuple[str, ...] = ()
    joint_streets: tuple[Share, ...] = ()
    measures: tuple[TaskMeasure, ...] = ()
    consultation: str = ""
    firms: str = ""
    latest_start_on: str = ""
    effort: Range | None = None
    cost: Range | None = None
    confidence: str = ""
    confidence_reasons: tuple[str, ...] = ()
    urgency: int = 0
    urgency_reason: str = ""
    origin: Origin = "draft"
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ItemExcess:
    """What a street has of an item beside what its peers would have.

    Parameters
    ----------
    item_code, item_name
        Level 2.
    persons, expected, low, high
        Of the year: observed, expected from the structure, and the 90 % interval of what chance alone gives.
    p
        Probability of so many or more by chance.
    verdict
        ``excess``, ``frequent`` (many, but no more than expected), ``usual`` or ``fewer``.
    excess
        ``persons - expected`` where the verdict is excess, or what hotspots exceed by; else 0.
    explained
        How much of it tasks of the plan cover.
    task_ids
        Those tasks.
    """

    item_code: str
    item_name: str
    persons: int
    expected: float
    low: float
    high: float
    p: float
    verdict: str
    excess: float
    explained: float
    task_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Excess:
    """How much of what a street has too much of the plan's tasks explain.

    Parameters
    ----------
    total, explained
        Persons of the year over expectation, all items; share is ``explained / total``, None where nothing exceeds.
    items
        Items with an excess first, then the most frequent ones.
    """

    total: float
    explained: float
    share: float | None
    items: tuple[ItemExcess, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A sentence with its figures that stands where a task might be expected.

    Parameters
    ----------
    key
        ``no_excess``, ``no_appeals``, ``no_population``, ``no_callbacks``, ``no_duties``, ``more_tasks`` …
    text
        Readable.
    figures
        The numbers in it.
    """

    key: str
    text: str
    figures: dict[str, float | int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Untreated:
    """A hotspot that is no task, with why.

    Parameters
    ----------
    reason
        ``ended``, ``institution``, ``batch``, ``one_day``, ``other_street`` (joint task of another street) or
        ``later`` (over the number of tasks).
    """

    hotspot_id: str
    name: str
    reason: str
    text: str
    orders: int
    persons: int
    window_start: str
    window_end: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What somebody above the street should decide, from evidence.

    Parameters
    ----------
    key
        ``no_lead``, ``no_scene``, ``no_duties``, ``unheld``, ``circle``, ``low_solution``, ``bounces``, ``raised`` …
    text
        The problem with its figures.
    draft
        Draft of the decision.
    decided_by
        Who should decide.
    figures
        The evidence in numbers.
    tasks
        ``task_no`` of the tasks that it concerns.
    """

    text: str
    item_code: str
    item_name: str
    tasks: tuple[str, ...]
    key: str = ""
    draft: str = ""
    decided_by: Party | None = None
    figures: dict[str, float | int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change that a person made to a draft.

    Parameters
    ----------
    path
        What was changed: ``tasks/<task_id>/<field>``, ``tasks/<task_id>`` (a task added or removed) or a field of the
        plan's texts, ``notes/<key>``.
    before
        What the draft said.
    after
        What the person wrote; None: removed.
    by, at
        Key of the person, ISO time.
    state
        ``applied`` · ``draft_changed``: applied, but the draft underneath has changed since (``draft_now``) ·
        ``orphan``: its task is no longer in the draft; the words are kept here.
    draft_now
        What the draft says now.
    """

    path: str
    before: Any
    after: Any
    by: str
    at: str
    state: Literal["applied", "draft_changed", "orphan"] = "applied"
    draft_now: Any = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan for one street and one period.

    Parameters
    ----------
    city, street, period, source
        Facts for the title page and the footnotes. ``street``: ``code name district_code district_name class
        class_name class_reason class_month class_decided population``; ``period``: ``start end year_start as_of``.
    diagnosis
        Figures, months, hours, items and more (:mod:`planner.plans.diagnosis`).
    hotspots
        Rows of the frame of hotspots, as plain values, with ``series`` and ``evidence``.
    tasks, responsibilities, policies
        The three lists.
    assumed
        Constants used that nobody has documented: name, value, source.
    excess
        What the street has too much of, and how much of it the tasks explain.
    findings
        What else must be said, among it why there is no task.
    untreated
        Hotspots that are no task, with why.
    notes
        Texts that a person wrote for the document, by key.
    edits
        What people changed in the draft.
    revision
        Number from 1.
    content_hash
        SHA-256 of the content.
    """

    city: dict[str, Any]
    street: dict[str, Any]
    period: dict[str, Any]
    source: dict[str, Any]
    diagnosis: dict[str, Any]
    hotspots: tuple[dict[str, Any], ...]
    tasks: tuple[Task, ...]
    responsibilities: tuple[dict[str, Any], ...]
    policies: tuple[Policy, ...]
    assumed: tuple[dict[str, Any], ...]
    excess: Excess | None = None
    findings: tuple[Finding, ...] = ()
    untreated: tuple[Untreated, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    revision: int = 1
    content_hash: str = ""
    schema: str = SCHEMA

    @property
    def plan_no(self) -> str:
        """Return the public number: street, last day of the period, revision."""
        return f"{self.street['code']}-{self.period['end']}-r{self.revision}"


def seal_plan(plan: Plan, *, previous: Plan | None = None) -> Plan:
    """Return `plan` with its hash, and the revision after `previous` where the content differs."""
    content_hash = make_content_hash(plan)
    if previous is None:
        return replace(plan, revision=1, content_hash=content_hash)
    changed = previous.content_hash != content_hash
    return replace(plan, revision=previous.revision + changed, content_hash=content_hash)


def make_content_hash(plan: Plan) -> str:
    """Return the SHA-256 of everything but revision and hash, as hexadecimal text."""
    content = asdict(replace(plan, revision=0, content_hash=""))
    text = json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def make_plan_json(plan: Plan) -> str:
    """Return the plan as JSON, UTF-8, two spaces, a last newline."""
    content = {"plan_no": plan.plan_no, **asdict(plan)}
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read_plan(content: Mapping[str, Any] | str) -> Plan:
    """Return the plan of its JSON form, text or parsed.

    Raises
    ------
    PlannerError
        It is no plan of :data:`SCHEMA`: another version, or a field is missing or unknown.
    """
    parsed: Mapping[str, Any] = json.loads(content) if isinstance(content, str) else content
    found = parsed.get("schema")
    if found != SCHEMA:
        raise PlannerError(
            f"plan of schema {found!r}; expected {SCHEMA}: draft the plan again from its orders"
        )
    values = {name: value for name, value in parsed.items() if name != "plan_no"}
    made: Plan = build_value(Plan, values, "plan")
    return made


def build_value(kind: Any, value: Any, where: str) -> Any:
    """Return a value of a type of this module from plain JSON values.

    Raises
    ------
    PlannerError
        A field is missing, unknown, or no object; `where` says which.
    """
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise PlannerError(f"{where}: found {value!r}, expected an object")
        hints = _find_hints(kind)
        unknown = sorted(set(value) - set(hints))
        needed = {one.name for one in fields(kind) if _is_needed(one)}
        missing = sorted(needed - set(value))
        if unknown or missing:
            told = [f"unknown field {name}" for name in unknown]
            told += [f"field {name} is missing" for name in missing]
            raise PlannerError(f"{where}: {'; '.join(told)}")
        return kind(
            **{
                name: build_value(hints[name], one, f"{where}.{name}")
                for name, one in value.items()
            }
        )
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType) and value is not None:
        return build_value(next(one for one in inner if one is not type(None)), value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(build_value(inner[0], one, f"{where}[{at}]") for at, one in enumerate(value))
    return value


def _is_needed(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


@cache
def _find_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
