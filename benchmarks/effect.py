"""Effects of tasks where the truth is known: intervals, false successes and power.

    .venv/bin/python -m benchmarks.effect drawn --seeds 200
    .venv/bin/python -m benchmarks.effect sample --seeds 1 2 3 --appeals 200000

``drawn``: each seed draws the days of four hundred places with levels of their own, months that go up and down by
chance, a season and a trend; the ones that stand out in 90 days are found, so that they fall back by themselves; some
get a task that takes away 30 %, as many one that does nothing, the others are left alone. Told: how often the 90 %
interval of the pool holds the truth, how often a task that does nothing is called a success (alone and pooled), the
power that was stated and how often the effect was seen. ``sample``: whole sample cities with their planted measures
(−30 %, none, −30 % of which half moves next door), places found by the real rule, the real count model.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.hotspots import make_orders
from gridgov.pack.city import City, load_city
from gridgov.sample.writer import write_sample
from planner.counts import fit_counts, make_daily_counts
from planner.effect import DoneTask, JudgedCity, PlaceTask, index_orders, judge_tasks
from planner.jobs.desk import get_grid, make_places
from planner.jobs.done_tasks import (
    FoundPlace,
    KeptTask,
    find_earlier_places,
    find_left_alone,
    find_levels,
    find_problems,
    find_rings,
    make_expect,
)

M_PER_DEG = 111_195.0
FIRST, DAYS = date(2023, 1, 1), 1_095
RUN, DELAY, WATCH = 800, 45, 180
PLACES, TASKS = 400, 6
EFFECT = -0.3
PHI = 0.05
STREET, ITEM = "110101001", "010101"


# --- drawn ------------------------------------------------------------------------------------------------


def draw_days(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts by place and day without any task, and the common course of a day."""
    day = np.arange(DAYS)
    course = (1 + 0.3 * np.sin(2 * np.pi * day / 365)) * (1 + 0.1 * day / 365)
    level = rng.lognormal(np.log(0.05), 0.6, PLACES)
    shock = rng.gamma(1 / PHI, PHI, (PLACES, DAYS // 30 + 1))[:, day // 30]
    return rng.poisson(level[:, None] * course * shock), course


def judge_drawn(seed: int) -> JudgedCity:
    """Return what is said of the tasks of one drawn city: ``M-works`` and ``M-idle``."""
    rng = np.random.default_rng(seed)
    counts, course = draw_days(rng)
    window = counts[:, RUN - 90 : RUN].sum(axis=1)
    before = counts[:, : RUN - 90].sum(axis=1) * 90 / (RUN - 90)
    found = np.flatnonzero((window >= 8) & (window > 1.5 * before))
    found = rng.permutation(found)
    works, idle, left = found[:TASKS], found[TASKS : 2 * TASKS], found[2 * TASKS :]
    done = RUN + DELAY
    counts[works, done:] = rng.binomial(counts[works, done:], 1 + EFFECT)
    dates = np.array([FIRST + timedelta(days=int(k)) for k in range(DAYS)], dtype=object)
    place, day = np.nonzero(counts[found])
    n = counts[found][place, day]
    frame = pd.DataFrame(
        {
            "cell_code": np.array([f"c{k}" for k in found], dtype=object)[np.repeat(place, n)],
            "on": dates[np.repeat(day, n)],
            "street_code": STREET,
            "item_code": ITEM,
            "level2_code": ITEM[:4],
            "level1_code": ITEM[:2],
        }
    ).assign(person_key=None)
    total = np.concatenate([[0.0], np.cumsum(course)])

    def expect(_street: str, _item: str, start: date, end: date) -> float:
        return float(total[(end - FIRST).days + 1] - total[(start - FIRST).days])

    def make_place(at: int) -> PlaceTask:
        return PlaceTask(
            task_id=f"T{at}",
            street_code=STREET,
            item_code=ITEM,
            cells=frozenset({f"c{at}"}),
            found_from=dates[RUN - 90],
            found_to=dates[RUN - 1],
            done_on=dates[done],
            watch_days=WATCH,
        )

    tasks = [
        DoneTask(place=make_place(at), planned=1 + EFFECT, measures=(name,))
        for name, own in (("M-works", works), ("M-idle", idle))
        for at in own
    ]
    return judge_tasks(
        index_orders(frame),
        tasks,
        [make_place(at) for at in left],
        expect,
        first_on=FIRST,
        last_on=dates[-1],
        seed=seed,
    )


def tell_drawn(seeds: int) -> dict[str, float]:
    """Return the shares over all seeds."""
    start = time.process_time()
    rows = []
    for seed in range(seeds):
        judged = judge_drawn(seed)
        pools = {one.measure_code: one for one in judged.pools}
        works, idle = (pools[name].verdict for name in ("M-works", "M-idle"))
        alone = [one for one in judged.tasks if one.task.measures == ("M-idle",)]
        rows.append(
            {
                "expected": works.effect.expected,
                "left_alone": judged.tasks[0].verdict.alone.n,
                "factor": judged.tasks[0].verdict.alone.factor,
                "covers": works.effect.low <= 1 + EFFECT <= works.effect.high,
                "idle_covers": idle.effect.low <= 1 <= idle.effect.high,
                "seen": works.answer in ("better", "solved"),
                "power": works.power,
                "false_pooled": idle.answer in ("better", "solved"),
                "false_alone": np.mean([one.answer in ("better", "solved") for one in alone]),
                "ratio": works.effect.ratio,
            }
        )
    frame = pd.DataFrame(rows)
    means = frame.mean().round(3).to_dict()
    return {"seeds": seeds, **means, "cpu_s": round(time.process_time() - start, 1)}


# --- sample -----------------------------------------------------------------------------------------------


def judge_sample(seed: int, appeals: int) -> dict[str, object]:
    """Return what is said of the planted measures of one sample city."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "city"
        write_sample(folder, appeals=appeals, seed=seed)
        city = load_city(folder)
        orders, as_of = make_orders(city, folder, is_truth=True)
        planted = json.loads((folder / "planted.json").read_text())["planted"]
        last = pd.Timestamp(as_of).date() - timedelta(days=1)
        centres = get_grid(city).centers(make_places(orders, get_grid(city)).frame.index)
        kept = [make_planted_task(one, centres) for one in planted if one["what"] == "measure"]
        judged = judge_city(city, orders, kept, as_of=pd.Timestamp(as_of), last_on=last)
    alone = [one.verdict.alone for one in judged.tasks if one.verdict is not None]
    row: dict[str, object] = {
        "seed": seed,
        "left_alone": sorted({one.n for one in alone}),
        "factors": sorted({round(one.factor, 2) for one in alone}),
    }
    for pool in judged.pools:
        verdict = pool.verdict
        if verdict is not None and verdict.effect is not None:
            effect = verdict.effect
            row[pool.measure_code] = (
                f"n {pool.n}, expected {effect.expected:.0f}, ratio {effect.ratio:.2f} "
                f"({effect.low:.2f}-{effect.high:.2f}), power {verdict.power:.2f}, {verdict.answer}"
            )
    moved = [one for one in judged.tasks if "moved" in one.cautions]
    row["moved"] = ", ".join(sorted(one.task.measures[0] for one in moved))
    return row


def make_planted_task(one: dict[str, Any], centres: pd.DataFrame) -> KeptTask:
    """Return a planted measure as a task that was found in the 90 days before and done on its day."""
    effect = one["effect"]
    done = date.fromisoformat(effect["since"])
    dy = (centres["lat"] - one["lat"]) * M_PER_DEG
    dx = (centres["lon"] - one["lon"]) * M_PER_DEG * np.cos(np.radians(one["lat"]))
    cells = frozenset(centres.index[np.hypot(dx, dy) <= one["radius_m"]])
    kind = "idle" if effect["effect"] == 0 else ("spills" if effect["spill_share"] else "works")
    place = PlaceTask(
        task_id=str(one["id"]),
        street_code=str(one["street_code"]),
        item_code=str(one["item_code"])[:4],
        cells=cells,
        found_from=done - timedelta(days=DELAY + 90),
        found_to=done - timedelta(days=DELAY + 1),
        done_on=done,
        watch_days=WATCH,
    )
    return KeptTask(
        task_id=place.task_id,
        task_no="",
        plan_no="",
        title="",
        planned_on=done - timedelta(days=DELAY),
        measures={kind: kind},
        done=DoneTask(place=place, planned=0.7, measures=(kind,)),
    )


def judge_city(
    city: City,
    orders: pd.DataFrame,
    kept: list[KeptTask],
    *,
    as_of: pd.Timestamp,
    last_on: date,
) -> JudgedCity:
    """Return what is said of some tasks, by the job's own steps."""
    levels = find_levels(city, orders)
    problems = find_problems(city, orders, levels, before=as_of)
    streets = city.streets
    daily = make_daily_counts(
        problems,
        city.calendar,
        as_of=as_of.to_pydatetime(),
        streets=pd.Series(
            streets["district_code"].astype(str).to_numpy(),
            index=streets["street_code"].astype(str),
        ),
        residents=city.find_population(last_on),
    )
    model = fit_counts(daily, city.calendar, seed=1)
    past = find_earlier_places(city, problems, run_on=last_on - timedelta(days=DELAY + WATCH - 1))
    worked = [
        FoundPlace(
            street_code=one.done.place.street_code,
            item_code=one.done.place.item_code,
            cells=one.done.place.cells,
            start=last_on,
            end=last_on,
            run_on=last_on,
        )
        for one in kept
    ]
    rings = find_rings(city, problems, [one.done.place.cells for one in kept])
    return judge_tasks(
        index_orders(problems),
        [replace(one.done, ring=ring) for one, ring in zip(kept, rings, strict=True)],
        find_left_alone(past, worked, kept, levels),
        make_expect(model, levels, city),
        first_on=min(problems["on"]),
        last_on=last_on,
        seed=1,
    )


def main() -> None:
    """Read the command line and print figures as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("drawn", "sample"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[200])
    parser.add_argument("--appeals", type=int, default=200_000)
    chosen = parser.parse_args()
    if chosen.what == "drawn":
        print(json.dumps(tell_drawn(chosen.seeds[0])))
        return
    for seed in chosen.seeds:
        print(json.dumps(judge_sample(seed, chosen.appeals), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
