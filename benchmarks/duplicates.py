"""Issues found on sample cities against the truth: pairwise and B-cubed precision and recall; speed; weights.

python -m benchmarks.duplicates [--cases 21:20000 22:20000] [--work DIR] [--json FILE]    seed:appeals
python -m benchmarks.duplicates --cases 11:40000 12:40000 31:200000 --fit    print weights for duplicate_constants.py
python -m benchmarks.duplicates --cases 21:20000 --speed 200000 1000000      seconds on so many orders

Goal: precision at least 0.95 at recall at least 0.9. B-cubed (Bagga & Baldwin 1998) is the mean over appeals
of the share of its issue that belongs there, and of its true issue that is found; it weighs every appeal alike, whereas
pairs weigh an issue by the square of its size.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import load_city
from gridgov.reading.appeals import read_appeals
from gridgov.rules.catalogue import Catalogue
from gridgov.rules.issues.find import compare_appeals, find_issues, make_points, order_appeals
from gridgov.rules.issues.probability import Pairs
from gridgov.rules.issues.weights import FEATURES
from gridgov.sample.writer import write_sample

METRIC_CRS = "EPSG:4548"
FITTED_TO_OTHERS = [name for name in FEATURES if name != "unplaced"]
FITTED_TO_PERSON = [name for name in FEATURES if name not in {"address", "crowd", "text"}]
"""A crowd of others, or other words, say nothing about one person's calls; unplaced strangers are never compared."""
M_PER_DEG = 111_320.0


def make_case(folder: Path, seed: int, appeals: int) -> tuple[pd.DataFrame, Catalogue]:
    """Return the orders of a sample city with ``issue_no group`` of the truth; kept in `folder` for the next run."""
    target, kept = folder / f"{seed}-{appeals}", folder / f"{seed}-{appeals}.parquet"
    if not (target / "city.toml").is_file():
        write_sample(target, appeals=appeals, seed=seed)
    city = load_city(target)
    assert city.catalogue is not None
    if not kept.is_file():
        read = read_appeals(city, target / "appeals.parquet", salt="benchmark")
        as_of = read.appeals["received_at"].max().ceil("D")
        run_pipeline(city, read.appeals, as_of=as_of).orders.to_parquet(kept)
    truth = pd.read_parquet(target / "truth.parquet")
    truth["group"] = name_groups(truth, json.loads((target / "planted.json").read_text()))
    truth = truth[["appeal_no", "issue_no", "group"]]
    return pd.read_parquet(kept).merge(truth, on="appeal_no"), city.catalogue


def name_groups(truth: pd.DataFrame, planted: dict[str, Any]) -> pd.Series:
    """Return hotspot, dense compound, planted otherwise, one caller or other for every appeal."""
    group = pd.Series("other", index=truth.index)
    for decoy in planted["decoys"]:
        if decoy["kind"] == "dense_compound":
            dy = (truth["lat"] - decoy["lat"]) * M_PER_DEG
            dx = (truth["lon"] - decoy["lon"]) * M_PER_DEG * np.cos(np.radians(decoy["lat"]))
            group[np.hypot(dx, dy) <= decoy["radius_m"]] = "dense compound"
    group[truth["planted_id"] != ""] = "planted otherwise"
    group[truth["hotspot_id"] != ""] = "hotspot"
    size = truth.groupby("issue_no")["issue_no"].transform("size")
    group[(size >= 20) & (truth["planted_id"] == "")] = "one caller"
    return group


def measure(found: pd.Series, true: pd.Series) -> dict[str, float]:
    """Return pairwise and B-cubed precision and recall of groups."""
    both = found.astype(str) + " " + true.astype(str)
    common, ours, theirs = (s.groupby(s).transform("size") for s in (both, found, true))

    def count(groups: pd.Series) -> int:
        sizes = groups.value_counts()
        return int((sizes * (sizes - 1) // 2).sum())

    return {
        "appeals": len(found),
        "true_pairs": count(true),
        "pair_precision": count(both) / max(count(found), 1),
        "pair_recall": count(both) / max(count(true), 1),
        "b3_precision": float((common / ours).mean()),
        "b3_recall": float((common / theirs).mean()),
    }


def find(orders: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """Return the issue of each order."""
    found = find_issues(
        orders, metric_crs=METRIC_CRS, level1=make_level1(orders, catalogue), names=catalogue.names
    )
    return orders["appeal_no"].map(found.appeals.set_index("appeal_no")["issue_no"])


def make_level1(orders: pd.DataFrame, catalogue: Catalogue) -> dict[str, str]:
    """Return item → level 1."""
    codes = pd.Series(orders["item_code"].dropna().unique(), dtype="str")
    return dict(zip(codes, catalogue.find_top(codes), strict=True))


def label_pairs(orders: pd.DataFrame, catalogue: Catalogue) -> tuple[Pairs, np.ndarray]:
    """Return the compared pairs and whether each is truly one issue."""
    frame = order_appeals(orders)
    points = make_points(frame, metric_crs=METRIC_CRS, level1=make_level1(orders, catalogue))
    pairs = compare_appeals(frame, points)
    issue = frame["issue_no"].to_numpy()
    return pairs, issue[pairs.left] == issue[pairs.right]


def fit(cases: list[tuple[pd.DataFrame, Catalogue]]) -> None:
    """Print the weights that logistic regression finds on labelled pairs."""
    labelled = [label_pairs(*case) for case in cases]
    features = np.concatenate([pairs.features for pairs, _ in labelled])
    one = np.concatenate([pairs.one_person for pairs, _ in labelled])
    same = np.concatenate([own for _, own in labelled])
    for name, rows, used in (
        ("weights_others", ~one, FITTED_TO_OTHERS),
        ("weights_one_person", one, FITTED_TO_PERSON),
    ):
        columns = [FEATURES.index(feature) for feature in used]
        model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=5000)
        model.fit(features[rows][:, columns], same[rows])
        told = [
            f"{feature} {weight:.2f}" for feature, weight in zip(used, model.coef_[0], strict=True)
        ]
        print(f'"{name}": {told},')
        print(f"    # {int(rows.sum()):,} pairs, {int(same[rows].sum()):,} of them one issue")


def grow(orders: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return `n` orders at the same places with times drawn anew: as dense as a city of so many appeals."""
    out = orders.iloc[np.resize(np.arange(len(orders)), n)].reset_index(drop=True)
    out["received_at"] = out["received_at"].to_numpy()[rng.permutation(n)]
    copy = (np.arange(n) // len(orders)).astype(str)
    return out.assign(
        appeal_no=out["appeal_no"] + "-" + copy, person_key=out["person_key"] + "-" + copy
    )


def main() -> None:
    """Print tables and, with --json, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=["21:20000", "22:20000"])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--speed", type=int, nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        cases = [make_case(work, *map(int, case.split(":"))) for case in options.cases]
    if options.fit:
        fit(cases)
    rows: list[dict[str, Any]] = []
    for case, (orders, catalogue) in zip(options.cases, cases, strict=True):
        found = find(orders, catalogue)
        groups = [("all", orders.index), *orders.groupby("group").groups.items()]
        for name, own in groups:
            row = measure(found.loc[own], orders.loc[own, "issue_no"])
            rows.append({"case": case, "group": name} | row)
    print(pd.DataFrame(rows).round(4).to_string(index=False))
    for n in options.speed:
        large = grow(cases[0][0], n, np.random.default_rng(0))
        start = time.perf_counter()
        find(large, cases[0][1])
        rows.append({"orders": n, "seconds": round(time.perf_counter() - start, 1)})
        print(f"{n:,} orders: {rows[-1]['seconds']} s")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
