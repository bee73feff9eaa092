"""One street, one plan: the value that is written, shown and tracked.

A plan is fixed: its content hash covers everything but the revision; the same orders give the same hash, and a new
revision exists only where the content differs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

SCHEMA = "gridgov/plan/1"
"""Name and version of the JSON form (``planner/documents/plan.schema.json``); a change of meaning raises the number."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """A unit with its part."""

    unit_code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Duties that can be done at the same time, after those of the stage before."""

    number: int
    duties: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a task must reach, and how it is measured."""

    baseline_per_month: float
    target_per_month: float
    usual_per_month: float
    weeks: int
    text: str
    measure: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to cure at one place.

    Parameters
    ----------
    task_no
        Unique in the plan.
    hotspot_id
        The hotspot it cures.
    title, place
        Readable.
    evidence
        Order numbers, newest first, at most as many as the plan shows; ``n_evidence`` is how many there are.
    lead
        Who answers; None where the duty list names nobody.
    helpers
        Who must help.
    stages
        Who acts first.
    start_on, due_on
        ISO days.
    due_basis
        Where the date comes from.
    target
        What it must reach.
    faults
        What is wrong with the duty list here.
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


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan for one street and one period.

    Parameters
    ----------
    city, street, period, source
        Facts for the title page and the footnotes.
    diagnosis
        Figures, months, hours, items (:mod:`planner.plans.diagnosis`).
    hotspots
        Rows of the frame of hotspots, as plain values, with ``evidence``.
    tasks, responsibilities, policies
        The three lists.
    assumed
        Constants used that nobody has documented: name, value, source.
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
    policies: tuple[dict[str, Any], ...]
    assumed: tuple[dict[str, Any], ...]
    revision: int = 1
    content_hash: str = ""
    schema: str = SCHEMA

    @property
    def plan_no(self) -> str:
        """Return the public number: street, last day of the period, revision."""
        return f"{self.street['code']}-{self.period['end']}-r{self.revision}"


def make_fixed(plan: Plan, *, previous: Plan | None = None) -> Plan:
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
