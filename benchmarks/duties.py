"""How fast the duty graph answers on 5,000 duties and 600 units, in CPU time: other work does not count.

Run: ``python -m benchmarks.duties``. Must reach: a whistle answer under 50 ms, checks under 2 s.
"""

import gc
import time
from datetime import date

import numpy as np
import pandas as pd

from gridgov.rules.duties import check_duties, find_pressure, make_duty_graph
from gridgov.rules.whistles.convene import whistle_for
from gridgov.rules.whistles.sentences import tell_plan

DUTIES, UNITS, STREETS = 5_000, 600, 343
DAY = date(2025, 6, 1)
ANSWERS = 200


def make_tables(rng: np.random.Generator, scene_size: int) -> dict[str, pd.DataFrame]:
    units = pd.DataFrame({"unit_code": [f"U{i:04d}" for i in range(UNITS)]})
    units["name"] = "单位" + units["unit_code"]
    units["kind"] = np.where(np.arange(UNITS) < STREETS, "street", "department")
    units["level"] = np.where(np.arange(UNITS) < STREETS, "street", "city")
    units["parent_code"] = np.where(np.arange(UNITS) == UNITS - 1, "", f"U{UNITS - 1:04d}")
    scene = np.arange(DUTIES) // scene_size
    codes = np.array([f"D{i:05d}" for i in range(DUTIES)])
    lead = pd.DataFrame(
        {
            "duty_code": codes,
            "unit": units["unit_code"].sample(DUTIES, replace=True, random_state=1).to_numpy(),
            "role": "lead",
        }
    )
    lead["scene_code"] = [f"S{s:04d}" for s in scene]
    helper = lead.assign(
        unit=units["unit_code"].sample(DUTIES, replace=True, random_state=2).to_numpy(),
        role="helper",
    )
    duties = pd.concat([lead, helper], ignore_index=True).assign(
        name="职责", days=1, batch=1, authority="处罚"
    )
    before = rng.integers(0, DUTIES, 3 * DUTIES)
    # Nine in ten dependencies stay in the scene and point forward; the rest lead anywhere and make circles.
    near = np.minimum(before + rng.integers(1, scene_size, len(before)), DUTIES - 1)
    after = np.where(rng.random(len(before)) < 0.97, near, rng.integers(0, DUTIES, len(before)))
    pairs = pd.DataFrame({"before_duty": codes[before], "after_duty": codes[after], "reason": ""})
    pairs = pairs[(scene[before] == scene[after]) | (rng.random(len(before)) < 0.1)]
    scenes = sorted(set(lead["scene_code"]))
    items = pd.DataFrame(
        {"item_code": [f"I{s}" for s in scenes], "name": scenes, "scene_code": scenes}
    )
    catalogue = items.assign(level=3, lead=units["unit_code"].iloc[-2])
    return {"units": units, "catalogue": catalogue, "duties": duties, "dependencies": pairs}


def measure(scene_size: int) -> None:
    rng = np.random.default_rng(0)
    tables = make_tables(rng, scene_size)
    start = time.process_time()
    graph = make_duty_graph(
        tables["units"],
        tables["catalogue"],
        tables["duties"],
        dependencies=tables["dependencies"],
        on_date=DAY,
    )
    built = time.process_time() - start
    # A service does the same after start-up: otherwise one answer in some hundred pays 50 ms for collecting
    # the garbage of the imports.
    gc.collect()
    gc.freeze()
    items = rng.choice(list(graph.items), ANSWERS)
    times = []
    for item in items:
        start = time.process_time()
        tell_plan(whistle_for(graph, str(item), "U0001"), graph)
        times.append(time.process_time() - start)
    start = time.process_time()
    faults = check_duties(graph)
    checked = time.process_time() - start
    start = time.process_time()
    find_pressure(graph, dict.fromkeys(graph.items, 10.0))
    pressed = time.process_time() - start
    print(
        f"scenes of {scene_size:>3}: graph {built * 1e3:.0f} ms · whistle median {np.median(times) * 1e3:.1f} ms, "
        f"worst {max(times) * 1e3:.1f} ms · check {checked:.2f} s ({len(faults)} faults) · pressure {pressed:.2f} s"
    )


if __name__ == "__main__":
    for size in (5, 20, 60, 500):
        measure(size)
