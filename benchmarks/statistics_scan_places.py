"""Whether the scan names the street where a problem of the whole city gathers.

    .venv/bin/python -m benchmarks.statistics scan_places --seeds 1 --appeals 200000 --times 60

A sample city, true points and items. In a street drawn by its appeals one of the city's twenty most frequent items
brings some persons more over one to three days than usual, spread over the street's communities as its other calls are.
The orders of the item in the last three days, all over the city, are what a surge of the city would be; the scan says
where they gather. Right: most communities of the circle lie in the street. ``none``: the same days with nothing added,
how often a place is named at p <= 0.05.
"""

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks.statistics_hotspots import make_city
from planner.surges.report import SurgePlace, find_surge_place

EXTRA = (5, 8, 12, 20)
SURE = 0.05


def name_street(place: SurgePlace | None, street_of: pd.Series) -> str:
    """Return the street of most communities of a place, "" for none."""
    if place is None:
        return ""
    return str(street_of.reindex(list(place.area_codes)).mode().iloc[0])


def main(arguments: list[str]) -> None:
    """Print how often the street is right, by persons added."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--appeals", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=60)
    options = parser.parse_args(arguments)
    rows = []
    for seed in options.seeds:
        orders, places, _, as_of = make_city(seed, options.appeals)
        orders = orders.assign(item_code=orders["level2_code"])
        orders = orders[orders["community_code"].notna()]
        centres = places.frame.groupby("community_code")[["x_m", "y_m"]].mean()
        street_of = orders.drop_duplicates("community_code").set_index("community_code")[
            "street_code"
        ]
        frequent = orders["item_code"].value_counts().index[:20]
        rng = np.random.default_rng([seed, 41])
        for number in range(options.times):
            item = str(rng.choice(frequent))
            last = pd.Timestamp(as_of).normalize() - pd.Timedelta(days=int(rng.integers(1, 700)))
            same = orders[orders["item_code"] == item]
            began, extra = time.process_time(), int(EXTRA[number % len(EXTRA)])
            seed_row = orders.iloc[int(rng.integers(len(orders)))]
            inside = orders[orders["street_code"] == seed_row["street_code"]]
            added = inside.sample(extra, random_state=int(rng.integers(2**31)), replace=True)
            days = int(rng.integers(1, 4))
            when = last + pd.to_timedelta(rng.uniform(-(days - 1), 1, extra), unit="D")
            added = added.assign(item_code=item, received_at=when)
            for kind, rest in (("planted", pd.concat([same, added])), ("none", same)):
                at = rest["received_at"]
                recent = (at >= last - pd.Timedelta(days=2)) & (at < last + pd.Timedelta(days=1))
                known = rest[at < last + pd.Timedelta(days=1)]
                place = find_surge_place(rest[recent], centres, known, last_on=last.date(), seed=7)
                named = name_street(place, street_of)
                rows.append(
                    {
                        "kind": kind,
                        "extra": extra if kind == "planted" else 0,
                        "right": named == seed_row["street_code"],
                        "named": place is not None and place.p <= SURE,
                        "usual": int(recent.sum()) - (extra if kind == "planted" else 0),
                        "seconds": time.process_time() - began,
                    }
                )
    frame = pd.DataFrame(rows)
    print(
        frame.groupby(["kind", "extra"])
        .agg(
            right=("right", "mean"),
            named=("named", "mean"),
            n=("right", "size"),
            usual=("usual", "median"),
            seconds=("seconds", "median"),
        )
        .round(2)
        .to_string()
    )
