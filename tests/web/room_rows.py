"""What the rooms show, for their tests: a planning result of the small city, saved as the planner saves it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderAction
from gridgov.rules.reports import read_period
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.reports import make_reports
from gridgov.services.whistles import calls as whistles
from gridgov.storage.models.counts import RateCount
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import Report, StreetClassRow
from gridgov.storage.queries.surges import put_special_report
from planner.frames import HOTSPOT_COLUMNS
from planner.jobs.desk import PlanningResult
from planner.jobs.store import load_planning
from planner.plans.record import Party, Plan, Stage, StageDuty, Target, Task, seal_plan
from tests.gridgov.services.city import CENTRE, INSIDE, STREET, at, do, take
from tests.web.orders_city import take_many

AS_OF = datetime(2024, 3, 4, tzinfo=UTC)
SPOT = "H0001"
N = 7
MONTHS = tuple((f"2023-{month:02d}", month, month + 0.5) for month in range(1, 13))


def make_spots(name: str, cells: str) -> gpd.GeoDataFrame:
    """Return one seasonal hotspot around :data:`INSIDE`."""
    row = {
        "hotspot_id": SPOT,
        "kind": "seasonal",
        "level1_code": "1",
        "level1_name": "市容",
        "item_code": "111",
        "item_name": "占道经营",
        "name": name,
        "street_code": STREET,
        "community_code": None,
        "lon": INSIDE[0],
        "lat": INSIDE[1],
        "radius_m": 120.0,
        "cells": cells,
        "n_cells": 1,
        "window_start": date(2024, 1, 1),
        "window_end": date(2024, 3, 3),
        "months": "12;1;2",
        "count": 31,
        "persons": 26,
        "issues": 3,
        "expected": 2.5,
        "ratio": 10.4,
        "z": 8.0,
        "gi": 9.0,
        "p": 1e-9,
        "q": 1e-7,
        "scale": "item",
        "item_level": 3,
        "main_item_code": "111",
        "place_name": "和平小区",
        "street_shares": f"{STREET}:1.00",
        "origin": "",
        "archived": False,
        "patterns": "",
        "geometry": shapely.box(
            INSIDE[0] - 0.001, INSIDE[1] - 0.001, INSIDE[0] + 0.001, INSIDE[1] + 0.001
        ),
    }
    return gpd.GeoDataFrame([row], geometry="geometry", crs="EPSG:4326")[list(HOTSPOT_COLUMNS)]


def make_task(evidence: tuple[str, ...]) -> Task:
    return Task(
        task_no="T01",
        task_id=f"{STREET}-spot",
        hotspot_id=SPOT,
        title="和平小区：治理占道经营",
        place="和平小区周边",
        item_code="111",
        item_name="占道经营",
        lon=INSIDE[0],
        lat=INSIDE[1],
        radius_m=120.0,
        evidence=evidence,
        n_evidence=len(evidence),
        lead=Party(unit_code=STREET, name="东华门街道"),
        helpers=(Party(unit_code="D01", name="城管委"),),
        stages=(
            Stage(
                number=1,
                duties=(
                    StageDuty(
                        duty_code="D1",
                        name="清理",
                        unit_codes=("D01",),
                        units=("城管委",),
                        days=1.0,
                        critical=True,
                        waits_for=(),
                    ),
                ),
            ),
        ),
        duty_codes=("D1",),
        start_on="2024-03-04",
        due_on="2024-03-01",  # past, so that the page says so
        due_basis="按事项时限等级推算",
        target=Target(
            baseline_per_month=4.0,
            target_per_month=2.0,
            usual_per_month=1.0,
            weeks=8,
            text="降至每月 2 件",
            measure="统计同一组网格",
        ),
        faults=("场景没有主责单位",),
    )


def make_plan(spots: gpd.GeoDataFrame, evidence: tuple[str, ...]) -> Plan:
    """Return the plan of the first street."""
    spot = spots.drop(columns="geometry").iloc[0].astype(object).to_dict()
    spot |= {name: str(spot[name]) for name in ("window_start", "window_end")}
    figures = (
        ("orders", 31, 31, "window", ""),
        ("city_share", 0.31, 100, "window", ""),
        ("rank", 1, 4, "window", ""),
        ("repeat_share", 0.1, 30, "year", ""),
        ("change_before", 0.2, 25, "window", ""),
        ("change_year", None, 3, "window", "few"),
        ("response_rate", None, 0, "year", "few"),
        ("solution_rate", 0.8, 40, "year", ""),
        ("satisfaction_rate", 0.7, 40, "year", ""),
    )
    keys = ("key", "value", "n", "window", "note")
    item = {"level1_code": "1", "name": "市容", "count": 31, "share": 1.0, "city_share": 0.5}
    return seal_plan(
        Plan(
            city={"name": "测试市", "synthetic": True},
            street={
                "code": STREET,
                "name": "东华门街道",
                "district_code": "110101",
                "district_name": "东城区",
                "class": "governance",
                "class_name": "治理类",
                "class_reason": "诉求量居前",
            },
            period={"start": "2023-12-05", "end": "2024-03-03", "year_start": "2023-03-05"},
            source={
                "orders_history": 90,
                "orders_year": 60,
                "streets": 4,
                "boundary_version": "1",
            },
            diagnosis={
                "figures": [dict(zip(keys, row, strict=True)) for row in figures],
                "months": MONTHS,
                "hours": tuple(range(24)),
                "items": (item | {"ratio": 2.0},),
                "details": ({"item_code": "111", "name": "占道经营", "count": 31},),
            },
            hotspots=(spot | {"series": [0, 1, 3], "evidence": list(evidence)},),
            tasks=(make_task(evidence),),
            responsibilities=(
                {
                    "unit_code": "D01",
                    "name": "城管委",
                    "role": "helper",
                    "duties": [{"duty_code": "D1", "name": "清理"}],
                    "tasks": ["T01"],
                },
            ),
            policies=(
                {
                    "text": "建议补充职责清单",
                    "item_code": "111",
                    "item_name": "占道经营",
                    "tasks": ["T01"],
                },
            ),
            assumed=(
                {
                    "name": "planning.window_days",
                    "value": 90,
                    "source": "period that a plan looks at",
                },
            ),
        )
    )


def add_planning(
    session: Session, evidence: tuple[str, ...], *, cells: str = "", name: str = "和平小区热点"
) -> str:
    """Save a hotspot, its street's class and plan; return the plan's number."""
    spots = make_spots(name, cells)
    plan = make_plan(spots, evidence)
    session.add(
        StreetClassRow(
            street_code=STREET,
            month=f"{AS_OF:%Y-%m}",
            proposed="governance",
            reasons="诉求量居前",
        )
    )
    empty = gpd.GeoDataFrame({"cell_code": []}, geometry=[], crs="EPSG:4326")
    result = PlanningResult(
        hotspots=spots, plans=(plan,), classes=pd.DataFrame(), cells=empty, seconds={}
    )
    load_planning(session, result, as_of=AS_OF)
    return plan.plan_no


def add_rates(session: Session) -> None:
    """Add two assessed months of three units: one has too few callbacks."""
    rows = ((STREET, 60, 40), ("110101002", 50, 45), ("D01", 12, 10))
    for month in ("2024-01", "2024-02"):
        for unit, callbacks, solved in rows:
            session.add(
                RateCount(
                    month=month,
                    unit_code=unit,
                    orders=callbacks + 3,
                    callbacks=callbacks,
                    excluded=2,
                    flagged=1,
                    contacted=callbacks,
                    solved=solved,
                    partly=2,
                    satisfied=solved - 2,
                    basically=3,
                )
            )


def add_reports(session: Session, runtime: CityRuntime) -> None:
    """Add a weekly and a monthly report of the city and the reviews of a month as ``services.reports`` makes them."""
    for kind, name in (("weekly", "2024-W09"), ("monthly", "2024-03"), ("review", "2024-03")):
        period = read_period(kind, name)
        for scope, content in make_reports(session, runtime, period, now=AS_OF):
            session.add(
                Report(
                    kind=kind,
                    period=name,
                    unit_code=scope.unit_code,
                    content=content,
                    made_at=AS_OF,
                )
            )


SURGE = "20240302-0a1b2c3d"


def make_special(order_nos: list[str], *, unit_code: str = STREET) -> dict[str, Any]:
    """Return a special report as ``planner.jobs.surge_watch`` keeps it."""
    return {
        "schema": "special/1",
        "kind": "special",
        "period": SURGE,
        "unit_code": unit_code,
        "level": "street",
        "area_code": STREET,
        "area_name": "东华门街道",
        "item_code": "11",
        "item_name": "环境",
        "moment": "2024-03-02T15:30:00+08:00",
        "start": "2024-03-01",
        "n": len(order_nos),
        "expected": 0.8,
        "ratio": len(order_nos) / 0.8,
        "p": 2.5e-7,
        "per_quarter": 0.02,
        "by_day": [[f"2024-02-{day}", day % 3, 1.1] for day in range(25, 30)],
        "by_street": [[STREET, len(order_nos)]],
        "place": {
            "area_codes": [f"{STREET}001"],
            "start": "2024-03-01",
            "end": "2024-03-02",
            "observed": 4,
            "expected": 0.3,
            "p": 0.005,
        },
        "terms": [
            {"term": "停水", "n": 4, "share": 0.8, "share_before": 0.01, "is_new": True},
        ],
        "quotes": ["自来水<b>停了</b>，电话1**********"],
        "order_nos": order_nos,
        "names": {STREET: "东华门街道", f"{STREET}001": "东厂社区"},
    }


@dataclass
class Filled:
    """Numbers of what :func:`fill_rooms` made."""

    order_nos: list[str]
    call_no: str
    called_order: str
    plan_no: str


def fill_rooms(session: Session, runtime: CityRuntime) -> Filled:
    """Put something into each room of the loaded city."""
    numbers = take_many(session, runtime, N)
    numbers += [take(session, runtime, appeal_no="far", lon=116.43, lat=39.93).order_nos[0]]
    order_no, call_no = blow(session, runtime, appeal_no="pipe")
    cell = session.scalar(sa.select(Order.cell_code).where(Order.order_no == numbers[0]))
    plan_no = add_planning(session, tuple(numbers[:3]), cells=cell or "")
    add_rates(session)
    add_reports(session, runtime)
    put_special_report(session, make_special(numbers[:3]), now=AS_OF)
    return Filled(order_nos=numbers, call_no=call_no, called_order=order_no, plan_no=plan_no)


def contact_pipe(session: Session, runtime: CityRuntime, **changes) -> str:
    """Take in a burst pipe that the street has and has contacted; return its order's number."""
    order_no = take(session, runtime, item_code="112", **changes).order_nos[0]
    # The catalogue sends burst pipes to the water company: here the street has it and must call.
    session.execute(sa.update(Order).where(Order.order_no == order_no).values(unit_code=STREET))
    session.expire_all()
    do(session, runtime, order_no, OrderAction.ACCEPT, CENTRE, minutes=1)
    do(session, runtime, order_no, OrderAction.CONTACT, CENTRE, minutes=2)
    return order_no


def blow(session: Session, runtime: CityRuntime, **changes) -> tuple[str, str]:
    """Let the street blow the whistle for a burst pipe; return the numbers of order and call."""
    order_no = contact_pipe(session, runtime, **changes)
    facts = Facts(at=at(3), reason_code="joint")
    return order_no, whistles.blow(session, runtime, order_no, actor=CENTRE, facts=facts).call_no
