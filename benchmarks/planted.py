"""What the sample city plants, by kind and size, and the processor time of writing it.

    .venv/bin/python -m benchmarks.planted [--seed 1] [--sizes default dense million]

For each kind (what, scale, factor, pattern): how many there are, and the median and range of the persons planted and of
the appeals expected without it. ``default`` has 200,000 appeals, ``dense`` the same number nearly all in one district,
``million`` 1,000,000. Below the table: shares of appeals and of callbacks that say how dense the sample is.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridgov.sample.writer import DEFAULT_APPEALS, write_sample

DENSE_DISTRICT = "110101"
SIZES: Mapping[str, tuple[int, str]] = {
    "default": (DEFAULT_APPEALS, ""),
    "dense": (DEFAULT_APPEALS, DENSE_DISTRICT),
    "million": (1_000_000, ""),
}
"""Name → appeals, dense district."""
KIND = ["what", "scale", "factor", "pattern"]


def main(seed: int, sizes: Sequence[str]) -> None:
    """Write each sample and print what is in it."""
    for name in sizes:
        appeals, dense = SIZES[name]
        with tempfile.TemporaryDirectory() as folder:
            city = Path(folder) / "city"
            before = time.process_time()
            write_sample(city, appeals=appeals, seed=seed, dense=dense)
            seconds = time.process_time() - before
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"{name}: {appeals:,} appeals, seed {seed}, {seconds:.1f} s of processor time,",
                end=" ",
            )
            print(f"{peak:.1f} GB at most so far")
            show(city, dense)


def show(city: Path, dense: str) -> None:
    """Print the table of kinds of one sample, and how dense it is."""
    planted = json.loads((city / "planted.json").read_text(encoding="utf-8"))
    print(count_kinds(planted["planted"]).to_string())
    decoys = pd.Series([one["kind"] for one in planted["decoys"]]).value_counts()
    print("decoys beside them:", ", ".join(f"{kind} {n}" for kind, n in decoys.items()))
    truth = pd.read_parquet(
        city / "truth.parquet", columns=["appeal_no", "planted_id", "street_code"]
    )
    table = pd.read_parquet(city / "appeals.parquet", columns=["工单编号", "受理时间", "是否解决"])
    print(f"planted: {(truth['planted_id'] != '').mean():.1%} of the appeals")
    asked = (
        table[table["是否解决"] != ""]
        .drop_duplicates("工单编号")
        .merge(truth, left_on="工单编号", right_on="appeal_no")
    )
    asked = asked[asked["street_code"].str.startswith(dense)]
    month = asked["受理时间"].str[:7]
    callbacks = asked.groupby(["street_code", month]).size().unstack(fill_value=0)
    # The last month's appeals are not yet called back, and the first month is whole.
    least = callbacks.iloc[:, :-1].min(axis=1)
    print(
        f"valid callbacks of a street's thinnest month: least {least.min()}, median {least.median():.0f};"
        f" streets with at least 30 in each month: {(least >= 30).sum()} of {len(least)}\n"
    )


def count_kinds(planted: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per kind: number, and of persons and expected appeals the median, least and most."""
    frame = pd.DataFrame(
        [{name: one[name] for name in (*KIND, "persons", "expected")} for one in planted]
    )
    # What runs in the whole city counts all its appeals as expected and has no persons of its own.
    frame["factor"] = frame["factor"].fillna(0.0)
    groups = frame.groupby(KIND)
    out = groups.size().to_frame("n")
    for name in ("persons", "expected"):
        own = groups[name]
        out[f"{name} median"] = own.median().round(1)
        out[f"{name} range"] = [
            f"{low:g}-{high:g}"
            for low, high in zip(own.min().round(1), own.max().round(1), strict=True)
        ]
    return out.reset_index().replace({"factor": {0.0: ""}})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    chosen = parser.parse_args()
    main(chosen.seed, chosen.sizes)
