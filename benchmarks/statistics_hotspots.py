"""Hotspots on cities where the truth is known: what is found, and that nothing is found where nothing is.

    .venv/bin/python -m benchmarks.statistics hotspots planted --seeds 1 --appeals 200000
    .venv/bin/python -m benchmarks.statistics hotspots nulls --runs 30
    .venv/bin/python -m benchmarks.statistics hotspots patterns
    .venv/bin/python -m benchmarks.statistics hotspots time --appeals 1000000

``planted``: a sample city, true points and items (the statistics alone); share of each kind in planted.json that a
reported hotspot meets, and how many reported ones meet nothing planted. ``nulls``: the same city without what was
planted, items shuffled within each street, times shuffled, places mixed within each street, two items at 84/16; the
cases of Boston (``../shared/data/boston``) with items shuffled and at 84/16; one item on uniform points; how many
runs have any hotspot to govern. ``patterns``: planted courses in time, right and calibrated. ``time``: processor
seconds and peak memory of all kinds of hotspots.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.hotspots import make_orders
from gridgov.pack.city import load_city
from gridgov.sample.writer import write_sample
from planner.frames import HotspotKind
from planner.hotspots import Places, find_hotspots, find_patterns, find_to_govern
from planner.jobs.desk import get_grid, make_places

BOSTON = Path("../shared/data/boston")
BOSTON_CRS, SAMPLE_CRS = "EPSG:26986", "EPSG:4548"
ITEM_CODES = ("level1_code", "level2_code", "item_code")
MOST_OF_PERSON = 10
"""Persons who call more often are left out of cities with nothing planted."""


def make_city(seed: int, appeals: int) -> tuple[pd.DataFrame, Places, dict, pd.Timestamp]:
    """Return true orders with ``planted`` (its id, "" where it is background), places, what was planted, the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "city"
        write_sample(folder, appeals=appeals, seed=seed)
        city = load_city(folder)
        orders, as_of = make_orders(city, folder, is_truth=True)
        truth = pd.read_parquet(folder / "truth.parquet").drop_duplicates("appeal_no")
        planted = json.loads((folder / "planted.json").read_text())
    top = city.catalogue.find_top(orders["item_code"].astype("str"))
    marks = [c for c in ("hotspot_id", "planted_id") if c in truth.columns]
    own = truth.set_index("appeal_no")[marks].reindex(orders["appeal_no"]).fillna("").astype(str)
    orders = orders.assign(
        level1_code=top,
        level2_code=orders["item_code"].astype("str").str[:4],
        planted=own.agg("".join, axis=1).to_numpy(),
    )
    orders = orders[orders["cell_code"].notna()].reset_index(drop=True)
    return orders, make_places(orders, get_grid(city), city=city), planted, as_of


def draw_places(frame: pd.DataFrame, crs: str) -> Places:
    """Return cells drawn as squares."""

    def draw(codes: list[str]) -> gpd.GeoSeries:
        x, y = frame.loc[codes, "x_m"].to_numpy(), frame.loc[codes, "y_m"].to_numpy()
        return gpd.GeoSeries(shapely.box(x - 50, y - 50, x + 50, y + 50), crs=crs).to_crs(4326)

    return Places(frame=frame, metric_crs=crs, find_shapes=draw)


def match(planted: pd.DataFrame, found: gpd.GeoDataFrame) -> np.ndarray:
    """Return which planted thing (of item, place, area …) each reported hotspot meets, shape (planted, reported)."""
    here, there = (
        gpd.GeoSeries.from_xy(one["lon"].astype(float), one["lat"], crs=4326).to_crs(SAMPLE_CRS)
        for one in (planted.fillna({"lon": 0.0, "lat": 0.0}), found)
    )
    away = np.hypot(
        here.x.to_numpy()[:, None] - there.x.to_numpy(),
        here.y.to_numpy()[:, None] - there.y.to_numpy(),
    )
    reach = planted["radius_m"].astype(float).fillna(0.0).to_numpy()[:, None]
    level1 = planted["level1_code"].fillna("").astype(str).to_numpy(object)[:, None]
    same = level1 == found["level1_code"].to_numpy(object)
    near = same & (away <= reach + found["radius_m"].to_numpy(float))
    is_area = (found["scale"] == "area").to_numpy()
    street, community = (
        planted[name].astype(str).to_numpy(object)[:, None]
        == found[name].astype(str).to_numpy(object)
        for name in ("street_code", "community_code")
    )
    scale = planted["scale"].to_numpy()[:, None]
    return np.where(
        scale == "street",
        same & street & is_area,
        np.where(scale == "community", same & (community | near), near),
    )


def read_planted(planted: dict) -> pd.DataFrame:
    """Return what was planted and can be met by a hotspot, one row each."""
    frame = pd.DataFrame(planted["planted"])
    frame["level1_code"] = frame["level1_code"].where(frame["scale"] != "place", "")
    frame["days"] = (pd.to_datetime(frame["end"]) - pd.to_datetime(frame["start"])).dt.days + 1
    return frame[frame["scale"].isin(["item", "place", "street", "community"])].reset_index(
        drop=True
    )


def run_planted(options: argparse.Namespace) -> None:
    """Print the share of what was planted that is found."""
    for seed in options.seeds:
        orders, places, planted, as_of = make_city(seed, options.appeals)
        start = time.process_time()
        found = find_hotspots(orders, places, as_of=as_of)
        spent = time.process_time() - start
        truth = read_planted(planted)
        hits = match(truth, found)
        truth["found"] = hits.any(axis=1)
        truth["told"] = [found["kind"].iloc[h.argmax()] if h.any() else "-" for h in hits]
        truth["origin"] = [found["origin"].iloc[h.argmax()] if h.any() else "-" for h in hits]
        govern = find_to_govern(found).to_numpy()
        wrong = found[~hits.any(axis=0) & govern]
        print(
            f"seed {seed}: {len(found)} reported, {govern.sum()} to govern, {spent:.1f} s of processor time"
        )
        print(f"  not planted: {wrong['scale'].value_counts().to_dict()}")
        window = truth["days"].where(truth["what"] == "item", 0)
        keys = [
            "what",
            "scale",
            truth["factor"].fillna(0.0),
            window.where(truth["factor"].notna(), 0),
        ]
        told = truth.groupby(keys)
        print(
            told.agg(
                found=("found", "mean"),
                n=("found", "size"),
                persons=("persons", "median"),
                expected=("expected", "median"),
                radius_m=("radius_m", "median"),
            )
            .round(2)
            .to_string()
        )
        met = truth[truth["found"]]
        print(pd.crosstab(met["pattern"], met["told"]).to_string())
        print(pd.crosstab(met["what"], met["origin"]).to_string())


def run_nulls(options: argparse.Namespace) -> None:
    """Print how many runs have any hotspot where there is none."""
    orders, places, _, as_of = make_city(options.seeds[0], options.appeals)
    times = orders.groupby("person_key")["person_key"].transform("size")
    quiet = orders[(orders["planted"] == "") & (times < MOST_OF_PERSON)].reset_index(drop=True)
    sample = (quiet, places, as_of)
    makers: dict[str, tuple[tuple, Callable]] = {
        "nothing planted": (
            sample,
            lambda o, rng: o.sample(frac=0.9, random_state=rng.integers(2**31)),
        ),
        "items shuffled in streets": (
            sample,
            lambda o, rng: _shuffle(o, rng, ITEM_CODES, within="street_code"),
        ),
        "times shuffled": (sample, lambda o, rng: _shuffle(o, rng, ("received_at",))),
        "places mixed in streets": (sample, _mix_places),
        "places mixed, repeats apart": (
            sample,
            lambda o, rng: _shuffle(o, rng, ("cell_code", "community_code"), within="street_code"),
        ),
        "84/16": (sample, _make_two),
    }
    if BOSTON.exists():
        boston = read_boston()
        makers["Boston, items shuffled"] = (
            boston,
            lambda o, rng: _shuffle(o, rng, ("level1_code", "item_code")),
        )
        makers["Boston, 84/16"] = (boston, _make_two)
    for name, (city, make) in makers.items():
        any_found = 0
        for run in range(options.runs):
            made = make(city[0], np.random.default_rng(run))
            found = find_hotspots(made, city[1], as_of=city[2])
            any_found += bool(find_to_govern(found).any()) if len(found) else False
        print(f"{name}: {any_found} of {options.runs} runs with a hotspot to govern", flush=True)
    any_found = 0
    for run in range(options.runs):
        made, cells = make_uniform(np.random.default_rng(run))
        found = find_hotspots(made, draw_places(cells, SAMPLE_CRS), as_of=as_of)
        any_found += len(found) > 0
    print(f"one item on uniform points: {any_found} of {options.runs} runs with a hotspot")


def _shuffle(
    orders: pd.DataFrame, rng: np.random.Generator, names: tuple[str, ...], *, within: str = ""
) -> pd.DataFrame:
    """Return orders with some columns permuted together, within areas or over all."""
    order = np.arange(len(orders))
    groups = orders.groupby(within).indices.values() if within else [order]
    taken = order.copy()
    for one in groups:
        taken[one] = rng.permutation(one)
    moved = {name: orders[name].iloc[taken].array for name in names if name in orders.columns}
    return orders.assign(**moved)


def _mix_places(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return orders with the places of persons permuted within streets; who calls six times stays one person."""
    pairs = orders.groupby(["person_key", "cell_code"], dropna=False, sort=False).ngroup()
    first = orders.loc[~pairs.duplicated().to_numpy()].reset_index(drop=True)
    mixed = _shuffle(first, rng, ("cell_code", "community_code"), within="street_code")
    moved = mixed[["cell_code", "community_code"]].iloc[pairs.to_numpy()].reset_index(drop=True)
    return orders.assign(cell_code=moved["cell_code"], community_code=moved["community_code"])


def _make_two(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return orders of two items, 84 and 16 of a hundred."""
    item = np.where(rng.random(len(orders)) < 0.84, "A", "B")
    kept = orders.drop(columns="level2_code", errors="ignore")
    return kept.assign(level1_code=item, item_code=item)


def make_uniform(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return 60,000 orders of one item on uniform points of 15 x 15 km, and their cells."""
    n = 60_000
    column, row = rng.integers(0, 150, (2, n))
    orders = pd.DataFrame(
        {
            "cell_code": [f"{c:03d}{r:03d}" for c, r in zip(column, row, strict=True)],
            "level1_code": "A",
            "item_code": "A",
            "person_key": [f"P{k}" for k in range(n)],
            "received_at": pd.Timestamp("2024-01-01", tz="Asia/Shanghai")
            + pd.to_timedelta(rng.uniform(0, 731, n), unit="D"),
        }
    )
    codes = orders["cell_code"].drop_duplicates()
    c, r = codes.str[:3].astype(int).to_numpy(), codes.str[3:].astype(int).to_numpy()
    cells = pd.DataFrame(
        {
            "x_m": 450_050.0 + 100 * c,
            "y_m": 4_400_050.0 + 100 * r,
            "area_m2": 10_000.0,
            "district_code": [f"D{k}" for k in c // 75],
            "street_code": [f"S{k}" for k in c // 15 * 10 + r // 15],
            "community_code": None,
        },
        index=pd.Index(codes.to_numpy(), name="cell_code"),
    )
    return orders, cells


def read_boston() -> tuple[pd.DataFrame, Places, pd.Timestamp]:
    """Return Boston's cases with wards as streets and squares of 100 m as cells."""
    cases = pd.read_csv(BOSTON / "cases_2014_2019.csv", dtype=str)
    cases["lon"], cases["lat"] = cases["longitude"].astype(float), cases["latitude"].astype(float)
    cases = cases[cases["lon"].notna() & cases["lat"].notna()].reset_index(drop=True)
    points = gpd.GeoSeries.from_xy(cases["lon"], cases["lat"], crs=4326)
    wards = gpd.read_file(BOSTON / "wards.geojson").to_crs(4326)[["WARD", "geometry"]]
    ward = gpd.sjoin(gpd.GeoDataFrame(geometry=points), wards, how="left")
    cases["street_code"] = ward[~ward.index.duplicated()]["WARD"].to_numpy()
    metric = points.to_crs(BOSTON_CRS)
    column, row = (np.floor(axis / 100).astype(int) for axis in (metric.x, metric.y))
    orders = pd.DataFrame(
        {
            "cell_code": [f"{c}_{r}" for c, r in zip(column, row, strict=True)],
            "level1_code": cases["reason"],
            "item_code": cases["reason"] + "/" + cases["type"],
            "person_key": None,
            "received_at": pd.to_datetime(cases["open_dt"]).dt.tz_localize(
                "America/New_York", ambiguous=True, nonexistent="shift_forward"
            ),
            "street_code": cases["street_code"],
            "district_code": "Boston",
            "community_code": None,
            "address": cases["location"],
            "lon": cases["lon"],
            "lat": cases["lat"],
        }
    )
    orders = orders[orders["street_code"].notna()].reset_index(drop=True)
    first = orders.drop_duplicates("cell_code").set_index("cell_code")
    at = np.array([code.split("_") for code in first.index]).astype(float)
    cells = pd.DataFrame(
        {
            "x_m": at[:, 0] * 100 + 50,
            "y_m": at[:, 1] * 100 + 50,
            "area_m2": 10_000.0,
            "district_code": "Boston",
            "street_code": first["street_code"],
            "community_code": None,
        },
        index=first.index,
    )
    return orders, draw_places(cells, BOSTON_CRS), pd.Timestamp("2020-01-01", tz="America/New_York")


def draw_course(kind: HotspotKind, months: int, rng: np.random.Generator) -> np.ndarray:
    """Return a course of one kind, not of the shapes that are fitted."""
    t = np.arange(months)
    if kind is HotspotKind.RISING:
        if rng.random() < 0.6:
            return np.exp(rng.uniform(2, 4) * (t / months - 1))
        return (t >= months - rng.integers(2, 7)).astype(float)
    if kind is HotspotKind.SEASONAL:
        return ((t - rng.integers(12)) % 12 < rng.integers(2, 5)).astype(float)
    if kind is HotspotKind.BURST:
        end = months - rng.integers(0, 6)
        return ((t < end) & (t >= end - (1 if end == months else rng.integers(1, 3)))).astype(float)
    if kind is HotspotKind.RECURRING:
        return np.isin(t, rng.choice(months, rng.integers(4, 8), replace=False)).astype(float)
    if kind is HotspotKind.FALLING:
        return np.exp(-rng.uniform(1.5, 3) * t / months)
    if kind is HotspotKind.ENDED:
        end = rng.integers(3, months - 7)
        return ((t < end) & (t >= end - rng.integers(1, end + 1))).astype(float)
    return np.ones(months)


def run_patterns(options: argparse.Namespace) -> None:
    """Print how often the pattern is right, how well the probabilities hold, and false rising or ended ones."""
    for months in (24, 36):
        rng = np.random.default_rng(options.seeds[0])
        kinds = [list(HotspotKind)[k] for k in rng.integers(0, len(HotspotKind), 1500)]
        counted, expected = [], []
        for kind in kinds:
            course = draw_course(kind, months, rng)
            usual = rng.choice([0.1, 0.3, 1.0, 2.0]) * rng.gamma(20, 1 / 20, months)
            rate = usual + course / course.sum() * rng.integers(25, 120)
            counted.append(rng.poisson(rate * rng.gamma(15, 1 / 15, months)))
            expected.append(usual)
        verdicts = find_patterns(np.array(counted, dtype=float), np.array(expected))
        right = np.array([v.kind is k for v, k in zip(verdicts, kinds, strict=True)])
        sure = np.array([max(v.probabilities.values()) for v in verdicts])
        bins = np.minimum((sure * 10).astype(int), 9)
        ece = sum(
            abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
            for b in np.unique(bins)
        )
        false = {
            kind.value: np.mean(
                [v.kind is kind for v, k in zip(verdicts, kinds, strict=True) if k is not kind]
            )
            for kind in (HotspotKind.RISING, HotspotKind.ENDED)
        }
        told = ", ".join(f"false {kind} {share:.3f}" for kind, share in false.items())
        print(f"{months} months: right {right.mean():.3f}, ECE {ece:.3f}, {told}")


def run_time(options: argparse.Namespace) -> None:
    """Print processor seconds and peak memory of all kinds of hotspots on one city."""
    orders, places, _, as_of = make_city(options.seeds[0], options.appeals)
    find_hotspots(orders.head(2000), places, as_of=as_of)
    start, wall = time.process_time(), time.perf_counter()
    found = find_hotspots(orders, places, as_of=as_of, tell=lambda step: print(step, flush=True))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(orders):,} orders in {len(places.frame):,} cells: "
        f"{time.process_time() - start:.1f} s of processor time, "
        f"{time.perf_counter() - wall:.1f} s, peak {memory:.1f} GB, {len(found)} hotspots"
    )


PARTS = {"planted": run_planted, "nulls": run_nulls, "patterns": run_patterns, "time": run_time}


def main(arguments: list[str] | None = None) -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--appeals", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args(arguments)
    PARTS[options.part](options)


if __name__ == "__main__":
    main()
