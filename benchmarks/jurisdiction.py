"""Point → area: peers and ours in turn in one run; medians, ratios, a table and JSON.

    python -m benchmarks.jurisdiction [--points N] [--repeats R] [--json FILE]

Only ratios hold from machine to machine. Peers come from ``pip install --group benchmarks``.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jurisdiction_data import City, make_city, make_edge_points, make_points
from jurisdiction_peers import PEERS, Input

from geodata.areas import AreaIndex, area_probabilities

OURS = "gridgov locate, 2 threads"
TARGETS = {"geopandas sjoin(within)": 90.0, "shapely, best way": 45.0, "SedonaDB": 30.0}
TAKE = "np.take on a 4096² grid, cell known, 2 threads"
TAKE_SIDE = 4096
EDGE_RATE, NEAR_RATE, LOAD_MS, FILE_MB, MEMORY_MB = 5e6, 5e6, 20.0, 40.0, 1024.0
SMALL = 1_000_000
Runs = dict[str, Callable[[], Any]]


def measure(runs: Runs, repeats: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Return median seconds and the last answer of each run, all runs in turn, again and again."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    answers = {}
    for repeat in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            answers[name] = run()
            seconds[name].append(time.perf_counter() - start)
            print(f"  {repeat + 1}/{repeats} {name}: {seconds[name][-1]:.3f} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in seconds.items()}, answers


def make_take(points: int) -> Callable[[], Any]:
    """Return the bare look-up: what no index can beat that answers by a grid of that size."""
    grid = np.random.default_rng(1).integers(0, 343, TAKE_SIDE**2, dtype=np.int32)
    x, y = make_points(points)
    column = np.clip((x - x.min()) / np.ptp(x) * TAKE_SIDE, 0, TAKE_SIDE - 1).astype(np.int64)
    row = np.clip((y - y.min()) / np.ptp(y) * TAKE_SIDE, 0, TAKE_SIDE - 1).astype(np.int64)
    cells, out = row * TAKE_SIDE + column, np.empty(points, dtype=np.int32)
    halves = [slice(0, points // 2), slice(points // 2, points)]

    def take() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda s: np.take(grid, cells[s], out=out[s], mode="clip"), halves))

    return take


def measure_join(city: City, points: int, repeats: int) -> dict[str, Any]:
    """Return rates of peers and ours on the same points, and whether all answers agree."""
    x, y = make_points(points)
    data = Input(city.areas, x, y)
    index = AreaIndex.build(city.areas, city.codes)
    index.locate_positions(x[:10], y[:10])
    _ = data.point_frame, data.area_frame, ("SedonaDB" in PEERS and data.sedona)
    runs: Runs = {name: lambda peer=peer: peer(data) for name, peer in PEERS.items()}
    runs["gridgov locate, 1 thread"] = lambda: index.locate_positions(x, y, threads=1)
    runs[OURS] = lambda: index.locate_positions(x, y, threads=2)
    runs[TAKE] = make_take(points)
    seconds, answers = measure(runs, repeats)
    agree = {name: bool((data.lowest(*answers[name]) == answers[OURS]).all()) for name in PEERS}
    ratios = {name: seconds[name] / seconds[OURS] for name in (*PEERS, TAKE)}
    return {"points": points, "seconds": seconds, "ratios": ratios, "agree": agree}


def measure_with_build(city: City, repeats: int) -> dict[str, Any]:
    """Return seconds for a million points where nothing is prepared but the input."""
    x, y = make_points(SMALL)

    def ours() -> Any:
        return AreaIndex.build(city.areas, city.codes).locate_positions(x, y)

    def start_peer(name: str) -> Callable[[], Any]:
        data = Input(city.areas, x, y)
        _ = data.point_frame, data.area_frame, (name == "SedonaDB" and data.sedona)
        return lambda: PEERS[name](data)

    ours()
    runs: Runs = {name: start_peer(name) for name in PEERS}
    runs["gridgov build and locate"] = ours
    seconds, _ = measure(runs, repeats)
    best = min(seconds[name] for name in PEERS)
    return {"seconds": seconds, "ratio_to_best": best / seconds["gridgov build and locate"]}


def measure_ours(city: City, points: int, repeats: int) -> dict[str, Any]:
    """Return rates for points on edges and near boundaries, certainty, build, file and load."""
    index = AreaIndex.build(city.areas, city.codes)
    x, y = make_points(points)
    edge_x, edge_y = make_edge_points(city, points // 2)
    uncertain = np.random.default_rng(4).choice([15.0, 50.0, 300.0], SMALL)
    path = Path(tempfile.mkdtemp()) / "areas.index"
    index.save(path)
    AreaIndex.build(
        city.areas[:9], city.codes[:9]
    ).prepare_near()  # compiles what is not compiled yet
    index.near(x[:10], y[:10])
    start = time.perf_counter()
    index.prepare_near()
    tree_s = time.perf_counter() - start
    index.near(x[:10], y[:10])
    area_probabilities(index, x[:10], y[:10], 50.0)
    runs: Runs = {
        "build": lambda: AreaIndex.build(city.areas, city.codes),
        "load": lambda: AreaIndex.load(path),
        "edges": lambda: index.locate_positions(edge_x, edge_y),
        "near": lambda: index.near(x, y),
        "certainty": lambda: area_probabilities(index, x[:SMALL], y[:SMALL], uncertain),
    }
    seconds, _ = measure(runs, repeats)
    return {
        "build_s": seconds["build"],
        "tree_s": tree_s,
        "load_ms": seconds["load"] * 1e3,
        "file_mb": path.stat().st_size / 1e6,
        "edge_points_per_s": len(edge_x) / seconds["edges"],
        "near_points_per_s": points / seconds["near"],
        "certainty_points_per_s": SMALL / seconds["certainty"],
    }


def measure_cold_start() -> float:
    """Return seconds of a first build and answer with an empty numba cache, imports not counted."""
    code = (
        "import time, shapely; from geodata.areas.index import AreaIndex; t = time.perf_counter();"
        "i = AreaIndex.build([shapely.box(0, 0, 1, 1)], ['a']); i.locate([0.5], [0.5]);"
        "i.near([0.5], [0.5]); print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(__file__).parent.parent
        environment = os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", code]
        output = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    return float(output)


def measure_memory(points: int) -> float:
    """Return megabytes above the input for many points in chunks, in this process; call it first."""
    city = make_city()
    index = AreaIndex.build(city.areas, city.codes)
    x, y = np.tile(np.column_stack(make_points(SMALL)).T, points // SMALL)
    index.locate_positions(x[:SMALL], y[:SMALL])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = np.zeros(len(index.codes) + 1, dtype=np.int64)
    out = np.empty(10 * SMALL, dtype=np.int32)
    for start in range(0, points, len(out)):
        part = slice(start, min(start + len(out), points))
        found = out[: part.stop - part.start]
        index.locate_positions(x[part], y[part], out=found)
        counts += np.bincount(found + 1, minlength=len(counts))
    assert counts.sum() == points
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def ask_memory() -> float:
    """Return what :func:`measure_memory` says in a process of its own."""
    command = [sys.executable, __file__, "--memory"]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def format_report(result: dict[str, Any]) -> str:
    """Return the results as a Markdown table with targets."""
    join, ours = result["join"], result["ours"]
    rows = [
        (
            name,
            f"{join['points'] / seconds / 1e6:.2f} M/s",
            join["ratios"].get(name),
            TARGETS.get(name),
        )
        for name, seconds in join["seconds"].items()
    ]
    lines = ["| engine | rate | ours is faster by | target |", "|---|---|---|---|"]
    for name, rate, ratio, target in rows:
        shown = "" if ratio is None else f"{ratio:.1f}×" if name != TAKE else f"{ratio:.2f}"
        wanted = "0.60" if name == TAKE else f"{target:.0f}×" if target else ""
        lines.append(f"| {name} | {rate} | {shown} | {wanted} |")
    facts = (
        (
            "1 M points with build, to the best peer",
            f"{result['small']['ratio_to_best']:.1f}×",
            "3×",
        ),
        (
            "points on edges",
            f"{ours['edge_points_per_s'] / 1e6:.1f} M/s",
            f"{EDGE_RATE / 1e6:.0f} M/s",
        ),
        (
            "distance and neighbour",
            f"{ours['near_points_per_s'] / 1e6:.1f} M/s",
            f"{NEAR_RATE / 1e6:.0f} M/s",
        ),
        ("probabilities of streets", f"{ours['certainty_points_per_s'] / 1e6:.2f} M/s", ""),
        ("build", f"{ours['build_s'] * 1e3:.0f} ms", ""),
        ("tree of nearest edges, made once", f"{ours['tree_s'] * 1e3:.0f} ms", ""),
        ("load", f"{ours['load_ms']:.1f} ms", f"{LOAD_MS:.0f} ms"),
        ("file", f"{ours['file_mb']:.1f} MB", f"{FILE_MB:.0f} MB"),
        ("cold start, empty numba cache", f"{result['cold_start_s']:.0f} s", ""),
        (
            "memory above the input, 100 M points",
            f"{result['memory_mb']:.0f} MB",
            f"{MEMORY_MB:.0f} MB",
        ),
        ("all answers agree", str(all(join["agree"].values())), "True"),
    )
    lines += ["", "| what | measured | target |", "|---|---|---|"]
    lines += [f"| {name} | {value} | {target} |" for name, value, target in facts]
    return "\n".join(lines)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print(measure_memory(100 * SMALL))
        return
    city = make_city()
    result = {
        "areas": len(city.areas),
        "vertices": city.vertices,
        "memory_mb": ask_memory(),
        "cold_start_s": measure_cold_start(),
        "join": measure_join(city, arguments.points, arguments.repeats),
        "small": measure_with_build(city, arguments.repeats),
        "ours": measure_ours(city, arguments.points, arguments.repeats),
    }
    print(
        f"{result['areas']} areas, {result['vertices']:,} vertices, {arguments.points:,} points\n"
    )
    print(format_report(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
