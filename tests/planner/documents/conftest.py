"""A plan that has everything a plan can have, and its document."""

from dataclasses import replace

import geopandas as gpd
import pytest
from shapely import box

from planner.documents.make_document import make_document
from planner.documents.street_map import PlanGround
from planner.plans.record import (
    Edit,
    Excess,
    Finding,
    ItemExcess,
    Party,
    Policy,
    Proof,
    Quote,
    Range,
    Share,
    Stage,
    StageDuty,
    TaskMeasure,
    Untreated,
)

STREET = Party(unit_code="110101001", name="东华门街道")
CITY_UNIT = Party(unit_code="D2", name="市城管委")


def make_rich_task(task, *, number):
    """Return a task with every field filled."""
    stages = (
        Stage(
            number=1, kind="verify", name="", start_on="2026-01-05", end_on="2026-01-07", days=3.0
        ),
        Stage(
            number=2,
            duties=(
                StageDuty(
                    duty_code="U1",
                    name="排查登记",
                    unit_codes=("110101001",),
                    units=("东华门街道",),
                    days=2.0,
                    critical=True,
                    waits_for=(),
                ),
                StageDuty(
                    duty_code="U2",
                    name="检验检测",
                    unit_codes=(),
                    units=(),
                    days=0.0,
                    critical=False,
                    waits_for=("U1",),
                ),
            ),
            start_on="2026-01-08",
            end_on="2026-01-20",
        ),
    )
    measure = TaskMeasure(
        measure_code="M1",
        name="增设清运点",
        kind="hardware",
        days=15,
        cost=Range(low=2, high=5, unit="10k_yuan", status="practice"),
        effect=0.3,
        effect_low=0.2,
        effect_high=0.4,
        status="practice",
    )
    return replace(
        task,
        task_no=f"T{number:02d}",
        task_id=f"id{number}",
        proof=Proof(
            orders=84,
            persons=73,
            expected=3.7,
            excess=69.3,
            since="2024-06-01",
            window_start="2024-06-01",
            window_end="2025-08-31",
            p=0.00001,
            q=0.0001,
            pattern="seasonal",
            pattern_name="季节型",
        ),
        quotes=(
            Quote(
                order_no="A000001-1",
                received_on="2025-07-02",
                text="院内<b>私搭乱建</b>，{{ title }} 已反映多次",
            ),
        ),
        lead=STREET,
        lead_by="first_receiver",
        helpers=(CITY_UNIT,),
        superior=CITY_UNIT,
        authority=("行政处罚",),
        joint_streets=(Share(street_code="110101001", name="东华门街道", orders=50, share=0.62),),
        measures=(
            measure,
            replace(measure, measure_code="M2", name="入户宣传", kind="publicity", days=None),
        ),
        consultation="由社区召集居民议事会一次",
        firms="物业企业派员参加",
        stages=stages,
        latest_start_on="2026-05-01",
        effort=Range(low=10, high=20, unit="workdays", status="assumed"),
        cost=Range(low=2, high=5, unit="10k_yuan", status="practice"),
        confidence="high",
        confidence_reasons=("统计显著",),
        faults=("职责 U2 无承担单位",),
        evidence=tuple(f"A{k:06d}-1" for k in range(1, 13)),
        n_evidence=84,
    )


def make_rich_plan(plan, *, tasks=1):
    """Return a plan with every part filled, its one task repeated."""
    own = tuple(make_rich_task(plan.tasks[0], number=number) for number in range(1, tasks + 1))
    item = ItemExcess(
        item_code="0201",
        item_name="垃圾",
        persons=120,
        expected=40.2,
        low=28,
        high=55,
        p=0.0001,
        verdict="excess",
        excess=79.8,
        explained=70,
        task_ids=("id1",),
    )
    return replace(
        plan,
        street=plan.street | {"population": 66_000},
        tasks=own,
        excess=Excess(total=79.8, explained=70.0, share=70 / 79.8, items=(item,)),
        findings=(Finding(key="more_tasks", text="另有两处热点列入下期。"),),
        untreated=(
            Untreated(
                hotspot_id="H9",
                name="某机构批量来电",
                reason="batch",
                text="",
                orders=40,
                persons=1,
                window_start="2025-01-01",
                window_end="2025-02-01",
            ),
        ),
        policies=(
            Policy(
                text="事项“私搭乱建”无主责单位",
                item_code="020102",
                item_name="私搭乱建",
                tasks=("T01",),
                draft="明确由市城管委牵头",
                decided_by=CITY_UNIT,
            ),
        ),
        notes={
            "opening": "现印发给你们。",
            "closing": "本方案由街道工委审议。\n自印发之日起施行。",
        },
        edits=(
            Edit(
                path="tasks/id1/due_on",
                before="2026-06-01",
                after="2026-05-18",
                by="P01",
                at="2026-01-03T10:00:00+08:00",
            ),
        ),
    )


@pytest.fixture(scope="session")
def bare_plan(small_plans):
    """Return a plan as it comes from the small city, with one task."""
    return max(small_plans.plans, key=lambda plan: len(plan.tasks))


@pytest.fixture(scope="session")
def rich_plan(bare_plan):
    return make_rich_plan(bare_plan)


@pytest.fixture(scope="session")
def ground(rich_plan):
    """Return the street, one neighbour on its right, and four cells."""
    code = rich_plan.street["code"]
    streets = gpd.GeoDataFrame(
        {"street_code": [code, "110101099"], "name": [rich_plan.street["name"], "景山街道"]},
        geometry=[box(116.36, 39.88, 116.40, 39.91), box(116.40, 39.88, 116.44, 39.91)],
        crs="EPSG:4326",
    )
    cells = gpd.GeoDataFrame(
        {"count": [1, 2, 5, 9]},
        geometry=[box(116.37 + k * 0.002, 39.89, 116.372 + k * 0.002, 39.892) for k in range(4)],
        crs="EPSG:4326",
    )
    return PlanGround(streets=streets, cells=cells)


@pytest.fixture(scope="session")
def document(rich_plan, ground):
    return make_document(rich_plan, ground)
