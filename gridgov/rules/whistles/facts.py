"""A whistle plan as plain facts, for JSON: what a page, an interface or a database keeps of it."""

import json
from dataclasses import asdict
from typing import Any

from gridgov.rules.duties import DutyGraph
from gridgov.rules.whistles import sentences as text
from gridgov.rules.whistles.convene import WhistlePlan


def make_facts(plan: WhistlePlan, graph: DutyGraph) -> dict[str, Any]:
    """Return everything a plan says, with names and sentences; JSON can hold it as it is."""
    facts: dict[str, Any] = asdict(plan)
    facts["lead"] = {"unit_code": plan.lead, "name": graph.name_of(plan.lead), "by": plan.lead_by}
    del facts["lead_by"]
    rule = plan.report_in
    facts["report_in"] = {"minutes": rule.value, "status": rule.status, "source": rule.source}
    facts["helpers"] = [{"unit_code": u, "name": graph.name_of(u)} for u in plan.helpers]
    facts["sentences"] = text.tell_plan(plan, graph)
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str, allow_nan=False))
    return plain
