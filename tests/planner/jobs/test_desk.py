import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import planner.documents
from gridgov.rules.constants import make_constant, make_constants
from planner.frames import HOTSPOT_COLUMNS
from planner.jobs.desk import make_plans
from planner.plans.edits import edit_plan
from planner.plans.record import Policy, make_content_hash, make_plan_json, seal_plan

SCHEMA = json.loads(
    (Path(planner.documents.__file__).parent / "plan.schema.json").read_text("utf-8")
)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def find_faults(value, schema, where="plan"):
    """Return what breaks the schema: the keywords that plan.schema.json uses."""
    if "enum" in schema:
        return (
            [] if value in schema["enum"] else [f"{where}: {value!r} is none of {schema['enum']}"]
        )
    kinds = schema.get("type", list(TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return [f"{where}: {value!r} is not {kinds}"]
    faults = []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        faults += [
            f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value
        ]
        if schema.get("additionalProperties") is False:
            faults += [
                f"{where}.{name} is not in the schema" for name in value if name not in known
            ]
        for name, part in known.items():
            if name in value:
                faults += find_faults(value[name], part, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, part in enumerate(value):
            faults += find_faults(part, schema["items"], f"{where}[{number}]")
    return faults


def find_plan(result, kind):
    return next(plan for plan in result.plans for spot in plan.hotspots if spot["kind"] == kind)


def test_the_planted_places_get_hotspots_of_their_kind(small_plans):
    assert sorted(small_plans.hotspots["kind"]) == ["rising", "seasonal", "steady"]
    assert tuple(small_plans.hotspots.columns) == HOTSPOT_COLUMNS


def test_every_governed_street_and_every_hotspot_has_a_plan(small_plans):
    planned = {plan.street["code"] for plan in small_plans.plans}
    governed = small_plans.classes.loc[
        small_plans.classes["street_class"] == "governance", "street_code"
    ]

    assert planned == set(governed) | set(small_plans.hotspots["street_code"])


def test_plans_follow_the_schema(small_plans):
    for plan in small_plans.plans:
        assert find_faults(json.loads(make_plan_json(plan)), SCHEMA) == []


def test_the_schema_test_can_fail(small_plans):
    broken = json.loads(make_plan_json(small_plans.plans[0]))
    broken["revision"] = "one"
    broken["more"] = 1
    del broken["street"]

    assert len(find_faults(broken, SCHEMA)) == 3


def test_the_same_orders_give_the_same_plan(small_city, small_orders, small_plans):
    again = make_plans(small_city, small_orders, as_of=small_orders["received_at"].max().ceil("D"))

    assert [plan.content_hash for plan in again.plans] == [
        plan.content_hash for plan in small_plans.plans
    ]


def test_a_revision_rises_only_with_the_content(small_plans):
    plan = small_plans.plans[0]
    changed = replace(plan, policies=(Policy(text="x", item_code="1", item_name="y", tasks=()),))

    assert seal_plan(plan, previous=plan).revision == 1
    assert seal_plan(changed, previous=plan).revision == 2
    assert make_content_hash(changed) != plan.content_hash


def test_a_task_names_lead_helpers_order_and_evidence(small_plans, small_orders):
    plan = find_plan(small_plans, "steady")
    task = next(task for task in plan.tasks if task.item_code == "010101")
    spot = next(spot for spot in plan.hotspots if spot["hotspot_id"] == task.hotspot_id)

    assert task.lead.unit_code == plan.street["code"]
    assert [party.name for party in task.helpers] == ["市住建委"]
    assert [[duty.duty_code for duty in stage.duties] for stage in task.stages] == [
        [],
        ["U1"],
        ["U2"],
    ]
    assert task.n_evidence == spot["count"]
    inside = small_orders.set_index("order_no").loc[list(task.evidence), "cell_code"]
    assert set(inside) <= set(spot["cells"].split(";"))
    # approved five working days after Thursday 2026-01-01; three to look at the place, two for U1, five for U2
    assert task.start_on == "2026-01-08"
    assert task.due_on == "2026-01-21"
    assert task.proof.orders == task.n_evidence
    assert task.lead_by == "catalogue"


def test_targets_lie_below_the_expectation_and_hold_both_probabilities(small_city, small_orders):
    constants = make_constants([make_constant("planning.target_share", 0.6, "assumed")])
    city = replace(small_city, settings=replace(small_city.settings, constants=constants))
    plans = make_plans(city, small_orders, as_of=small_orders["received_at"].max().ceil("D")).plans
    targets = [task.target for plan in plans for task in plan.tasks]
    judged = [target for target in targets if target.state != "none"]

    assert judged
    for target in judged:
        assert target.threshold < target.expected
        assert target.p_if_nothing <= 0.1
        assert target.p_if_effect >= 0.8
        assert f"不超过 {target.threshold} 人" in target.text
    assert all(target.reason for target in targets if target.state == "none")


def test_a_task_is_the_same_in_the_next_draft_and_edits_survive(
    small_city, small_orders, small_plans
):
    plan = find_plan(small_plans, "steady")
    task = plan.tasks[0]
    edited = edit_plan(
        plan, {f"tasks/{task.task_id}/title": "人工标题"}, by="u1", at="2026-01-02T09:00:00"
    )
    later = small_orders["received_at"].max().ceil("D")
    street = plan.street["code"]
    again = make_plans(
        small_city, small_orders, as_of=later, streets=[street], previous={street: edited}
    ).plans[0]

    assert {one.task_id for one in again.tasks} == {one.task_id for one in plan.tasks}
    assert next(one.title for one in again.tasks if one.task_id == task.task_id) == "人工标题"
    assert again.revision == 2
    assert again.diagnosis["previous"]["plan_no"] == plan.plan_no


def test_every_governed_street_has_tasks_for_half_of_its_excess_or_a_finding(small_plans):
    for plan in small_plans.plans:
        if plan.tasks:
            assert plan.excess.share >= 0.5
        else:
            assert {"no_excess", "no_appeals", "no_model"} & {
                finding.key for finding in plan.findings
            }


def test_a_season_is_cured_before_it_begins(small_plans):
    plan = find_plan(small_plans, "seasonal")
    spot = next(spot for spot in plan.hotspots if spot["kind"] == "seasonal")
    task = next(task for task in plan.tasks if task.hotspot_id == spot["hotspot_id"])
    first = int(spot["months"].split(";")[0])

    assert date.fromisoformat(task.due_on) < date(2026, first, 1)
    assert "冬病夏治" in task.title


def test_gaps_of_the_duty_list_become_policies(small_plans):
    texts = {row.text for plan in small_plans.plans for row in plan.policies}

    assert any("私搭乱建" in text and "无主责单位" in text for text in texts)
    assert any("清运到位" in text and "没有牵头单位" in text for text in texts)


def test_responsibilities_list_every_party_of_every_task(small_plans):
    for plan in small_plans.plans:
        listed = {(row["unit_code"], no) for row in plan.responsibilities for no in row["tasks"]}
        wanted = {
            (party.unit_code, task.task_no)
            for task in plan.tasks
            for party in (task.lead, *task.helpers)
            if party
        }
        assert listed == wanted


def test_figures_are_those_of_the_orders(small_plans, small_orders):
    plan = small_plans.plans[0]
    own = small_orders[small_orders["street_code"] == plan.street["code"]]
    inside = own["received_at"] >= own["received_at"].max().ceil("D") - np.timedelta64(90, "D")
    figures = {figure["key"]: figure for figure in plan.diagnosis["figures"]}

    assert figures["orders"]["value"] == inside.sum()
    assert sum(month[1] for month in plan.diagnosis["months"]) == len(own)
    assert figures["satisfaction_rate"]["value"] == pytest.approx(0.9)
    assert figures["repeat_share"]["value"] == 0


def test_rates_of_few_callbacks_are_not_stated(small_city, small_orders):
    silent = small_orders.assign(
        contacted=small_orders["contacted"].where(small_orders.index < 100)
    )

    plans = make_plans(small_city, silent, as_of=small_orders["received_at"].max().ceil("D")).plans

    figures = {figure["key"]: figure for figure in plans[0].diagnosis["figures"]}
    assert figures["solution_rate"]["value"] is None
    assert figures["solution_rate"]["note"] == "few"


def test_one_day_of_orders_is_enough(small_city, small_orders):
    few = small_orders.nlargest(8, "received_at")

    result = make_plans(small_city, few, as_of=small_orders["received_at"].max().ceil("D"))

    assert result.hotspots.empty
    assert all(plan.hotspots == () for plan in result.plans)
    assert all(find_faults(json.loads(make_plan_json(plan)), SCHEMA) == [] for plan in result.plans)


def test_residents_of_the_pack_put_a_street_under_governance(small_city, small_orders):
    city = replace(small_city, tables={**small_city.tables, "population": make_population()})
    few = small_orders[small_orders["received_at"] >= small_orders["received_at"].max()]
    result = make_plans(city, few, as_of=few["received_at"].max().ceil("D"))
    reasons = result.classes.set_index("street_code")["reason"]
    people = result.classes.set_index("street_code")["population"]
    large = str(small_city.streets["street_code"].iloc[0])
    assert "常住人口250000人（超过200000人）" in reasons[large]
    assert people[large] == 250_000
    assert people.drop(large).isna().all()


def make_population():
    return pd.DataFrame(
        {
            "street_code": ["110101001"],
            "population": ["250000"],
            "valid_from": pd.to_datetime([None]),
            "valid_to": pd.to_datetime([None]),
        }
    )
