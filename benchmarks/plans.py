"""Plans against what was planted: tasks or findings, excess explained, majority street, item, lead, targets.

``python -m benchmarks.plans [--seed 3] [--appeals 200000] [--dense 110105] [--city FOLDER]`` makes a sample city (or
takes one with its ``appeals.parquet``), runs it to plans in memory and prints each figure with what it must reach.
"""

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.progress import ignore_progress
from gridgov.reading.appeals import read_appeals
from gridgov.sample.writer import write_sample
from planner.documents.pages import write_pages
from planner.jobs.desk import PlanningResult, make_plans
from planner.plans.make import GOVERNED
from planner.plans.record import Plan, Task
from planner.plans.targets import Outlook, TargetLimits, Watch, find_target
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


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--appeals", type=int, default=200_000)
    parser.add_argument("--dense", default="")
    parser.add_argument("--city", type=Path)
    parser.add_argument("--every", action="store_true", help="a plan for every street of the city")
    parser.add_argument("--pages", action="store_true", help="also write all plans, timed")
    given = parser.parse_args()
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
        show_cover(result)
        show_places(result, orders, city)
        show_planted(result, planted, city)
        show_targets(result)
        if given.pages:
            write_all(result, city, Path(made))
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
    chance, success = simulate(judged)
    show("  met though nothing changes (at most 10 %)", f"{chance:.1%} of {DRAWS} draws each")
    show("  met with the planned effect (at least 80 %)", f"{success:.1%}")
    chance, success = simulate_known()
    show("  known levels, new history each: met by chance", f"{chance:.1%} (at most 10 %)")
    show("  known levels: met with the effect", f"{success:.1%} (at least 80 %)")


def simulate(targets: list[Any]) -> tuple[float, float]:
    """Return how often Poisson futures at the stated expectation meet the targets, without and with the effect."""
    rng = np.random.default_rng(1)
    if not targets:
        return 0.0, 1.0
    chance = [(rng.poisson(one.expected, DRAWS) <= one.threshold).mean() for one in targets]
    success = [
        (rng.poisson(one.expected * (1 - one.planned_effect), DRAWS) <= one.threshold).mean()
        for one in targets
    ]
    return float(np.mean(chance)), float(np.mean(success))


def simulate_known() -> tuple[float, float]:
    """Return the same for places whose true level is known: a history drawn, a target set, a future drawn."""
    rng = np.random.default_rng(2)
    limits = TargetLimits(miss_share=0.1, hit_share=0.8)
    chance, success = [], []
    for level in rng.uniform(4, 40, DRAWS):
        watches = tuple(
            Watch(
                months=m,
                start=date(2026, 1, 1),
                end=date(2026, 12, 31),
                baseline=round(level * m),
                seen=int(rng.poisson(level * 24)),
                seen_exposure=24.0,
                exposure=float(m),
            )
            for m in range(3, 13)
        )
        seen = watches[0].seen
        outlook = Outlook(
            watches=tuple(replace(one, seen=seen) for one in watches),
            effect=0.35,
            usual_per_month=0.3,
        )
        found = find_target([outlook], limits, rng)
        if found.threshold is not None:
            chance.append(rng.poisson(level * found.watch.months) <= found.threshold)
            success.append(rng.poisson(0.65 * level * found.watch.months) <= found.threshold)
    return float(np.mean(chance)), float(np.mean(success))


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
