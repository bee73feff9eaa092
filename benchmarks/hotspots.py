"""How many planted hotspots are found, and how many found ones were not planted; and Gi* beside its peers.

    python -m benchmarks.hotspots --seeds 1 2 3 --appeals 200000

Each seed makes a sample city and runs the pipeline and the hotspots. A planted hotspot counts as found if a reported
one is of the same level-1 item, its centre lies within the planted radius plus its own, and their windows overlap; a
reported one without such a planted one is false. ``--truth`` takes the true points and items instead of the pipeline's
(the statistics alone, without geocoding). ``--peer`` times Gi* against libpysal + esda.
"""

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import read_appeals
from gridgov.sample.writer import write_sample
from planner.hotspots import find_hotspots
from planner.hotspots.gistar import make_gi_star
from planner.jobs.desk import get_grid, make_places, make_thresholds


def make_orders(city: City, folder: Path, *, is_truth: bool) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Return orders and the moment they end."""
    as_of = pd.Timestamp(
        json.loads((folder / "planted.json").read_text())["as_of"], tz=city.settings.timezone
    )
    read = read_appeals(city, folder / "appeals.parquet", as_of=as_of)
    if not is_truth:
        return run_pipeline(city, read.appeals, as_of=as_of).orders, as_of
    truth = (
        pd.read_parquet(folder / "truth.parquet")
        .drop_duplicates("appeal_no")
        .set_index("appeal_no")
    )
    truth = truth.reindex(read.appeals["appeal_no"])
    orders = read.appeals.assign(item_code=truth["item_code"].to_numpy(), uncertainty_m=5.0)
    judged = city.territory.judge(truth["lon"].to_numpy(), truth["lat"].to_numpy())
    for name in ("cell_code", "street_code", "community_code", "district_code"):
        orders[name] = judged[name].to_numpy()
    return orders, as_of


def match(planted: pd.DataFrame, found: pd.DataFrame, metric_crs: str) -> np.ndarray:
    """Return which planted and which reported hotspots belong together, shape (planted, reported)."""
    at = [
        gpd.GeoSeries.from_xy(f["lon"], f["lat"], crs="EPSG:4326").to_crs(metric_crs)
        for f in (planted, found)
    ]
    away = np.hypot(
        *(getattr(at[0], c).to_numpy()[:, None] - getattr(at[1], c).to_numpy() for c in "xy")
    )
    near = away <= planted["radius_m"].to_numpy(float)[:, None] + found["radius_m"].to_numpy(float)
    same = planted["level1_code"].to_numpy(object)[:, None] == found["level1_code"].to_numpy(object)
    start, end = (pd.to_datetime(planted[c]).to_numpy()[:, None] for c in ("start", "end"))
    first, last = (pd.to_datetime(found[c]).to_numpy() for c in ("window_start", "window_end"))
    return near & same & (start <= last) & (end >= first)


def measure(seed: int, appeals: int, *, is_truth: bool) -> tuple[pd.DataFrame, int, int, float]:
    """Return one row per planted hotspot, the number of reported and of false ones, and the seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "city"
        write_sample(folder, appeals=appeals, seed=seed)
        city = load_city(folder)
        orders, as_of = make_orders(city, folder, is_truth=is_truth)
        orders = orders.assign(
            level1_code=city.catalogue.find_top(orders["item_code"].astype("str"))
        )
        start = time.perf_counter()
        places = make_places(orders, get_grid(city))
        found = find_hotspots(orders, places, as_of=as_of, thresholds=make_thresholds(city))
        seconds = time.perf_counter() - start
        planted = pd.DataFrame(json.loads((folder / "planted.json").read_text())["hotspots"])
        hits = match(planted, found, places.metric_crs)
    told = [found["kind"].iloc[row.argmax()] if row.any() else "-" for row in hits]
    return (
        planted.assign(found=hits.any(axis=1), told=told),
        len(found),
        int((~hits.any(axis=0)).sum()),
        seconds,
    )


def time_peer() -> None:
    """Print the seconds of Gi* on a lattice of 316 x 316 by sparse matrix and by libpysal + esda."""
    from esda.getisord import G_Local  # noqa: PLC0415 - the peer is slow to import and only timed on request
    from libpysal.weights import fill_diagonal, lat2W  # noqa: PLC0415

    side = 316
    values = np.random.default_rng(1).poisson(1.0, (side, side)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        weights = fill_diagonal(lat2W(side, side, rook=False))
        peer = G_Local(values.ravel(), weights, transform="B", star=True, permutations=0).Zs
        spent = {"libpysal + esda": time.perf_counter() - start}
    matrix = weights.sparse
    start = time.perf_counter()
    z = make_gi_star(values.ravel(), matrix)
    spent["sparse matrix"] = time.perf_counter() - start
    assert np.abs(z - peer).max() < 1e-10
    print({name: f"{1000 * s:.1f} ms" for name, s in spent.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--appeals", type=int, default=200_000)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--peer", action="store_true")
    options = parser.parse_args()
    if options.peer:
        time_peer()
    parts, reported, false = [], 0, 0
    for seed in options.seeds:
        rows, n, wrong, seconds = measure(seed, options.appeals, is_truth=options.truth)
        parts.append(rows)
        reported, false = reported + n, false + wrong
        recall = rows.groupby("kind")["found"].mean().round(2).to_dict()
        print(
            f"seed {seed}: {n} reported, {wrong} false, {seconds:.1f} s, recall {recall}",
            flush=True,
        )
    every = pd.concat(parts)
    print(f"\nrecall by kind over {len(options.seeds)} seeds of {options.appeals:,} appeals")
    print(every.groupby("kind")["found"].agg(["mean", "size"]))
    print(f"false share {false}/{reported} = {false / max(reported, 1):.3f}\n")
    print(pd.crosstab(every["kind"], every["told"]))


if __name__ == "__main__":
    main()
