"""How well texts of a city get their item: learnt on one invented city, judged on the appeals of another.

python -m benchmarks.classify_city [--appeals 60000] [--judged 20000] [--seeds 1] [--work DIR] [--json FILE]

Goal: right level-1 class at least 97 %, right item at least 90 %, calibration error at most 0.03. The judged
city has other people, places, days and issues; only the catalogue and the way people speak are the same. Seconds and
memory are those of learning, with the report of `gridgov train` by five folds in it.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from gridgov.jobs.training import make_report, select_labelled, train_and_judge
from gridgov.pack.city import load_city
from gridgov.reading.appeals import read_appeals
from gridgov.sample.writer import write_sample

FIGURES = ("level1_share", "item_share", "ece", "level1_ece", "surest_share")


def read_labelled(folder: Path, *, appeals: int, seed: int) -> pd.DataFrame:
    """Return ``text item_code level1_code`` of a sample city; kept in `folder` for the next run."""
    target, kept = folder / f"{seed}-{appeals}", folder / f"{seed}-{appeals}-texts.parquet"
    if not kept.is_file():
        write_sample(target, appeals=appeals, seed=seed)
        city = load_city(target)
        assert city.catalogue is not None
        read = read_appeals(city, target / "appeals.parquet", salt="benchmark").appeals
        level1 = city.catalogue.find_top(read["item_code"])
        frame = read.assign(level1_code=level1)[["text", "item_code", "level1_code"]]
        frame.dropna().reset_index(drop=True).to_parquet(kept)
    return pd.read_parquet(kept)


def measure(learnt: pd.DataFrame, judged: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the figures by folds and on the judged texts, as many of each item as they come."""
    start = time.perf_counter()
    classifier, report = train_and_judge(select_labelled(learnt, seed=seed), seed=seed)
    learning_s = time.perf_counter() - start
    start = time.perf_counter()
    suggested = classifier.suggest(judged["text"])
    suggesting_s = time.perf_counter() - start
    figures = make_report(judged, suggested).figures
    return {
        "seed": seed,
        "texts": report.figures["texts"],
        "items": report.figures["items"],
        "learning_s": round(learning_s, 1),
        "texts_per_s": round(len(judged) / suggesting_s),
        "memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "folds": {name: report.figures[name] for name in FIGURES},
        "other city": {name: figures[name] for name in FIGURES},
    }


def main() -> None:
    """Print a table and, with --json, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appeals", type=int, default=60_000)
    parser.add_argument("--judged", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        for seed in range(options.seeds):
            learnt = read_labelled(work, appeals=options.appeals, seed=101 + seed)
            judged = read_labelled(work, appeals=options.judged, seed=201 + seed)
            rows.append(measure(learnt, judged, seed))
            print({name: value for name, value in rows[-1].items() if not isinstance(value, dict)})
            print(pd.DataFrame({name: rows[-1][name] for name in ("folds", "other city")}).T)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
