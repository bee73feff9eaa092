"""Plans against what was planted: tasks or findings, excess explained, majority street, item, lead, targets.

``python -m benchmarks.plans [sample] [--seed 3] [--appeals 200000] [--dense 110105] [--city FOLDER] [--every]
[--pages]`` makes a sample city (or takes one with its ``appeals.parquet``), runs it to plans in memory and prints each
figure with what it must reach; ``boston`` does so with Boston's own cases (``../shared/data/boston``); ``worlds`` draws
places whose law is known, sets their targets and draws their futures.
"""

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.progress import ignore_progress
from gridgov.reading.appeals import read_appeals
from gridgov.sample.writer import write_sample
from planner.documents.pages import write_pages
from planner.jobs.desk import PlanningResult, make_plans
from planner.plans.dates import add_months
from planner.plans.make import GOVERNED
from planner.plans.outlook import (
    Course,
    HistoryMonths,
    make_curve,
    make_history,
    make_outlook,
)
from planner.plans.record import Plan, Task
from planner.plans.targets import Outlook, TargetLimits, draw_future, judge_futures
from web.kit.assets import find_assets

NEAR_M = 400.0
"""A task's centre lies within so much of the planted one (or its street is the planted street's, for areas)."""

JUDGED = {("item", "steady"), ("item", "rising"), ("growth", "rising"), ("season", "seasonal")}
"""What is planted at a place and must get a task with the planted lead."""

TOLD = {
    ("item", "ended"),
    ("burst", "ended"),
    ("institution", "steady"),
    ("batch", "single_burst"),
    ("place", "steady"),
    ("area", "steady"),
}
"""What else is told: the first four should get none."""

DRAWS = 500
BOSTON_PACK = Path("tests/real/boston")
BOSTON_DATA = Path("../shared/data/boston")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("sample", "boston", "worlds"), default="sample")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--appeals", type=int, default=200_000)
    parser.add_argument("--dense", default="")
    parser.add_argument("--city", type=Path)
    parser.add_argument("--every", action="store_true", help="a plan for every street of the city")
    parser.add_argument("--pages", action="store_true", help="also write all plans, timed")
    given = parser.parse_args()
    if given.what == "worlds":
        show_worlds()
        return
    if given.what == "boston":
        show_boston()
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.city or Path(made) / "city"
        if given.city is None:
            write_sample(folder, appeals=given.appeals, seed=given.seed, dense=given.dense)
        city = load_city(folder)
        orders = read_orders(city, folder)
        planted = json.loads((folder / "planted.json").read_text("utf-8"))["planted"]
        as_of = orders["received_at"].max().ceil("D")
        started, used = time.monotonic(), time.process_time()
        streets = sorted(city.streets["street_code"].astype("str")) if given.every else None
        result = make_plans(city, orders, as_of=as_of, streets=streets)
        show(
            "plans",
            f"{len(result.plans)} of {len(city.streets)} streets from {len(orders):,} orders",
        )
        show(
            "seconds",
            f"{time.monotonic() - started:.0f} wall, {time.process_time() - used:.0f} processor",
        )
        show("by stage", {name: round(spent, 1) for name, spent in result.seconds.items()})
        if given.pages:
            write_all(result, city, Path(made))
        show_cover(result)
        show_places(result, orders, city)
        show_planted(result, planted, city)
        show_targets(result)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    show("peak memory", f"{peak:.2f} GB (at most 4)")


def read_orders(city: City, folder: Path) -> pd.DataFrame:
    """Return the orders of the sample's appeals, kept beside them for the next time."""
    kept = folder.parent / "run" / "orders.parquet"
    if kept.exists():
        return pd.read_parquet(kept)
    read = read_appeals(city, folder / "appeals.parquet", as_of=None)
    as_of = read.appeals["received_at"].max().ceil("D")
    return run_pipeline(
        city, read.appeals, as_of=as_of, progress=ignore_progress, classify=None
    ).orders


def show(name: str, value: object) -> None:
    """Print one figure."""
    print(f"{name:<44} {value}", flush=True)


def show_cover(result: PlanningResult) -> None:
    """Print whether every governed street has tasks or a finding, and how much is explained."""
    governed = set(result.classes.loc[result.classes["street_class"].isin(GOVERNED), "street_code"])
    plans = {str(plan.street["code"]): plan for plan in result.plans}
    empty = [
        code
        for code in governed
        if code not in plans
        or not (
            plans[code].tasks or {"no_excess", "no_appeals"} & {f.key for f in plans[code].findings}
        )
    ]
    own = [plans[code] for code in sorted(governed & plans.keys())]
    total = sum(plan.excess.total for plan in own if plan.excess)
    explained = sum(plan.excess.explained for plan in own if plan.excess)
    low = [
        p.street["code"]
        for p in own
        if p.excess and p.excess.share is not None and p.excess.share < 0.5
    ]
    show("governed streets", f"{len(governed)}, with tasks {sum(bool(p.tasks) for p in own)}")
    show("  without tasks and finding (0)", len(empty))
    show(
        "  excess explained (at least half)",
        f"{explained:.0f} of {total:.0f} = {explained / max(total, 1):.0%}",
    )
    show("  streets below half (0)", len(low))
    tasks = [task for plan in result.plans for task in plan.tasks]
    show("tasks", f"{len(tasks)}: {dict(Counter(str(task.kind) for task in tasks))}")
    show("  a plan", dict(sorted(Counter(len(plan.tasks) for plan in result.plans).items())))
    show("  without a measure", sum(not task.measures for task in tasks))
    show("  with a lead", f"{sum(task.lead is not None for task in tasks)} of {len(tasks)}")
    show(
        "  starting on the plan's day (0)",
        sum(t.start_on <= p.period["end"] for p in result.plans for t in p.tasks),
    )


def show_places(result: PlanningResult, orders: pd.DataFrame, city: City) -> None:
    """Print whether each task stands in the street of the majority of its own orders, and names their item."""
    known = orders.drop_duplicates("order_no").set_index("order_no")
    levels = (
        dict(zip(city.catalogue.items["item_code"], city.catalogue.items["level"], strict=True))
        if city.catalogue
        else {}
    )
    right_street = right_item = judged = of_item = 0
    for plan in result.plans:
        for task in plan.tasks:
            own = known.loc[list(task.evidence)]
            judged += 1
            right_street += own["street_code"].value_counts().index[0] == plan.street[
                "code"
            ] or bool(task.joint_streets)
            if task.item_level == 3:
                of_item += 1
                right_item += (
                    bool((own["item_code"] == task.item_code).all())
                    and levels.get(task.item_code, 3) == 3
                )
    show("street of the majority (100 %)", f"{right_street} of {judged}")
    show("level-3 item right (100 %)", f"{right_item} of {of_item}")


def find_match(
    one: Mapping[str, Any], plans: Mapping[str, Plan], level2: Mapping[str, str]
) -> Task | None:
    """Return the task that a planted problem got: about its item, near its place or in its street."""
    for task in (task for plan in plans.values() for task in plan.tasks):
        if one["what"] == "place":
            same = task.kind == "place"
        else:
            same = bool(task.item_code) and (
                task.item_code in {one["item_code"], one["level2_code"], one["level1_code"]}
                or (task.item_level <= 2 and level2.get(task.item_code) == one["level2_code"])
            )
        if not same:
            continue
        if task.kind == "area" and task.task_id.startswith(f"{one['street_code']}-"):
            return task
        east = (task.lon - one["lon"]) * 111_320 * np.cos(np.radians(one["lat"]))
        apart_m = float(np.hypot(east, (task.lat - one["lat"]) * 111_320))
        if task.kind != "area" and apart_m <= max(NEAR_M, task.radius_m):
            return task
    return None


def show_planted(result: PlanningResult, planted: list[Mapping[str, Any]], city: City) -> None:
    """Print which planted problems got a task with the planted lead."""
    plans = {str(plan.street["code"]): plan for plan in result.plans}
    items = (
        city.catalogue.items
        if city.catalogue
        else pd.DataFrame(columns=["item_code", "parent_code"])
    )
    level2 = dict(zip(items["item_code"], items["parent_code"], strict=True))
    for kind in sorted(JUDGED | TOLD):
        own = [
            one
            for one in planted
            if (one["what"], one["pattern"]) == kind and one.get("lon") is not None
        ]
        if not own:
            continue
        found = [(one, find_match(one, plans, level2)) for one in own]
        hits = [(one, task) for one, task in found if task is not None]
        led = sum(
            task.lead is not None and task.lead.unit_code == one["lead_unit"] for one, task in hits
        )
        goal = "with the planted lead, at least 95 %" if kind in JUDGED else ""
        show(f"planted {' '.join(kind)}", f"{len(own)}: task {len(hits)}, lead {led} {goal}")


def show_targets(result: PlanningResult) -> None:
    """Print targets by state, and what simulated futures make of them."""
    targets = [task.target for plan in result.plans for task in plan.tasks]
    show("targets", dict(Counter(target.state for target in targets)))
    judged = [target for target in targets if target.threshold is not None]
    show("  at or above the expectation (0)", sum(one.threshold >= one.expected for one in judged))
    show("  watch, months", dict(sorted(Counter(one.watch_months for one in judged).items())))
    pools = {one.pooled_with for one in judged if one.pooled_with}
    show("  pools of so many tasks", dict(sorted(Counter(len(one) for one in pools).items())))
    chances = [one.p_if_nothing for one in judged if one.p_if_nothing is not None]
    successes = [one.p_if_effect for one in judged if one.p_if_effect is not None]
    if judged:
        show(
            "  stated: highest chance, lowest success", f"{max(chances):.2f}, {min(successes):.2f}"
        )


def show_worlds() -> None:
    """Print how often targets of places whose law is known are met: a history drawn, targets set, a future drawn."""
    rng = np.random.default_rng(2)
    for name, world in WORLDS.items():
        met = [0, 0]
        judged = tried = 0
        while tried < DRAWS:
            levels = rng.uniform(world.lowest, world.highest, world.tasks)
            futures = [draw_future(make_known_outlook(level, world, rng), rng) for level in levels]
            found = judge_futures(futures, LIMITS)
            tried += 1
            if found.threshold is None:
                continue
            judged += 1
            for at, left in enumerate((1.0, 1.0 - EFFECT)):
                persons = sum(
                    draw_months(level * left, found.watch.months, world.spread, rng).sum()
                    for level in levels
                )
                met[at] += int(persons <= found.threshold)
        chance, success = (one / max(judged, 1) for one in met)
        show(
            f"{name}: targets, chance, success",
            f"{judged} of {tried}, {chance:.1%} (at most 10), {success:.1%} (at least 80)",
        )


@dataclass(frozen=True, kw_only=True)
class World:
    """Places whose law is known.

    Parameters
    ----------
    lowest, highest
        Persons a month, uniform between.
    tasks
        That are judged together.
    months
        Since when the place has been as it is.
    spread
        Variance over mean of a month's persons.
    """

    lowest: float
    highest: float
    tasks: int = 1
    months: int = 24
    spread: float = 1.0


EFFECT = 0.35
LIMITS = TargetLimits(miss_share=0.1, hit_share=0.8)
WORLDS = {
    "steady places": World(lowest=4, highest=40),
    "places of the last quarter": World(lowest=10, highest=40, months=3),
    "places that jump from month to month": World(lowest=4, highest=40, spread=2.0),
    "five small places together": World(lowest=1, highest=5, tasks=5),
    "ten tiny new places together": World(lowest=1, highest=4, tasks=10, months=6),
}
TODAY = date(2025, 12, 31)


def draw_months(
    level: float, months: int, spread: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return persons of so many months."""
    if spread <= 1:
        return rng.poisson(level, months).astype(np.int64)
    return rng.negative_binomial(level / (spread - 1), 1 / spread, months).astype(np.int64)


def make_known_outlook(level: float, world: World, rng: np.random.Generator) -> Outlook:
    """Return what the planner knows of a place after its history."""
    days = []
    for back, n in enumerate(draw_months(level, world.months, world.spread, rng)):
        end = add_months(TODAY, -back)
        length = (end - add_months(TODAY, -back - 1)).days
        days += [end - timedelta(days=int(day)) for day in rng.integers(0, length, n)]
    since = add_months(TODAY, -world.months) + timedelta(days=1)
    stamps = pd.DatetimeIndex(days).tz_localize("Asia/Shanghai")
    history = make_history(
        pd.DataFrame({"received_at": stamps, "person_key": np.arange(len(days)).astype(str)})
    )
    return make_outlook(
        history,
        make_curve(date(2023, 1, 1), np.ones(2000)),
        Course(since=since),
        back=HistoryMonths(recent=6, usual=24, prior=12),
        today=TODAY,
        due_on=date(2026, 3, 31),
        lengths=tuple(range(3, 13)),
        effect=EFFECT,
        usual_per_month=0.3,
        alpha=0.0 if world.spread <= 1 else (world.spread - 1) / level,
    )


def show_boston() -> None:
    """Print the same figures of Boston's own cases: nothing is planted there."""
    city = load_city(BOSTON_PACK)
    read = read_appeals(city, BOSTON_DATA / "cases_2014_2019.csv", as_of=None)
    as_of = pd.Timestamp("2020-01-01", tz=city.settings.timezone)
    orders = run_pipeline(
        city, read.appeals, as_of=as_of, progress=ignore_progress, classify=None
    ).orders
    result = make_plans(city, orders, as_of=as_of)
    show(
        "Boston: plans", f"{len(result.plans)} of {len(city.streets)} wards, {len(orders):,} cases"
    )
    show("by stage", {name: round(spent, 1) for name, spent in result.seconds.items()})
    show_cover(result)
    show_places(result, orders, city)
    show_targets(result)


def write_all(result: PlanningResult, city: City, folder: Path) -> None:
    """Print how long all plans take as HTML, DOCX and XLSX."""
    started, used = time.monotonic(), time.process_time()
    counts = {
        "appeals": {"read": 0, "located": 0, "unlocated": 0, "rejected": 0},
        "orders": 0,
        "review": 0,
        "problems": 0,
        "as_of": "2026-01-01T00:00:00+08:00",
    }
    out = folder / "out"
    out.mkdir()
    write_pages(
        result, city, counts, out, assets_dir=find_assets(), forms=("json", "html", "docx", "xlsx")
    )
    show(
        "written as HTML, DOCX, XLSX",
        f"{time.monotonic() - started:.0f} s wall, {time.process_time() - used:.0f} processor",
    )


if __name__ == "__main__":
    main()
