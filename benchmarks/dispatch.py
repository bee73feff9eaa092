"""Dispatch decisions and deadlines per second, in processor time, of a table and one by one.

Run: ``python -m benchmarks.dispatch [--cases 1000000] [--json]``. Goal: 1 million decisions in at most 20 s
of processor time; many are given to one rule, so the answers for a table and for one case are the same by making.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd

from gridgov.rules.calendar import make_calendar
from gridgov.rules.catalogue import make_catalogue
from gridgov.rules.constants import make_constants
from gridgov.rules.dispatch import DispatchBook, decide, dispatch, make_deadlines
from gridgov.rules.dispatch.book import UNIT_COLUMNS
from gridgov.rules.dispatch.deadlines import DEFAULT_GRADES

STREETS, ITEMS, ONE_BY_ONE = 343, 2640, 2000
KINDS = ("department", "enterprise", "platform")


def make_book(rng: np.random.Generator) -> DispatchBook:
    """Return a city of the size of Beijing: 343 streets, 233 other units, 2,640 items."""
    codes = [f"1101{n // 22:02}{n % 22:03}" for n in range(STREETS)]
    districts = sorted({code[:6] for code in codes})
    units = [(code, f"第{code}街道", "street") for code in codes]
    units += [(code, f"第{code}区", "district") for code in districts]
    units += [(f"U{n:03}", f"单位{n}", KINDS[n % 3]) for n in range(233)]
    units += [("110", "公安", "emergency"), ("desk", "坐席", "desk"), ("J1", "联合机制", "joint")]
    frame = pd.DataFrame(units, columns=["unit_code", "name", "kind"])
    frame = frame.reindex(columns=list(UNIT_COLUMNS))
    leads = rng.choice(["@street", "@district", "", *(f"U{n:03}" for n in range(60))], ITEMS)
    items = {
        "item_code": [f"I{n:04}" for n in range(ITEMS)],
        "level": 3,
        "name": [f"事项{n}" for n in range(ITEMS)],
        "grade": rng.choice(["2h", "24h", "7d", "15d"], ITEMS),
        "lead": leads,
        "helpers": rng.choice(["", "U001", "U001;U002;U003;U004"], ITEMS),
    }
    streets = pd.DataFrame(
        {"name": frame["name"][:STREETS].to_numpy(), "district_code": [c[:6] for c in codes]}
    )
    return DispatchBook(
        units=frame,
        catalogue=make_catalogue(pd.DataFrame(items)),
        constants=make_constants(),
        streets=streets.set_axis(codes),
        exception_units={"X1": "J1"},
    )


def make_cases(book: DispatchBook, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return random located appeals."""

    def pick(values: list[str | None], shares: list[float] | None = None) -> pd.Series:
        return pd.Series(rng.choice(np.array(values, dtype=object), count, p=shares), dtype="str")

    street = pick([*book.streets.index])
    start = pd.Timestamp("2023-01-01").value // 1000
    received = pd.Series(start + rng.integers(0, 2 * 365 * 86_400_000_000, count)).astype(
        "datetime64[us]"
    )
    known = rng.random(count) < 0.98
    return pd.DataFrame(
        {
            "received_at": received.dt.tz_localize("Asia/Shanghai"),
            "channel": pick(["热线", "企业热线"], [0.95, 0.05]),
            "kind": pick(["投诉", "咨询", "紧急", None], [0.8, 0.1, 0.01, 0.09]),
            "lon": np.where(known, 116.4, np.nan),
            "place_level": "point",
            "uncertainty_m": rng.uniform(5, 500, count),
            "matched": pick([None, "和平里小区"], [0.67, 0.33]),
            "item_code": pick([*book.catalogue.items["item_code"], None]),
            "item_confidence": rng.uniform(0.5, 1, count),
            "street_code": street.where(known),
            "district_code": street.str[:6].where(known),
            "exception_code": pick([None, "X1"], [0.99, 0.01]),
            "boundary_m": rng.uniform(0, 260, count),
            "neighbour_code": pick([*book.streets.index]),
            "confidence": rng.uniform(0.5, 1, count),
        }
    )


def measure(run: Callable[[], object], times: int) -> float:
    """Return the median seconds of processor time of some runs."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    book = make_book(rng)
    cases = make_cases(book, given.cases, rng)
    decided = dispatch(cases, book)
    calendar = make_calendar()
    few = cases.head(ONE_BY_ONE)
    rows = few.astype(object).where(few.notna(), None).to_dict("records")
    one_s = measure(lambda: [decide(row, book, row["received_at"].date()) for row in rows], 3)
    dispatch_s = measure(lambda: dispatch(cases, book), given.runs)
    due_s = measure(
        lambda: make_deadlines(
            cases["received_at"], decided["grade"], DEFAULT_GRADES, calendar=calendar
        ),
        given.runs,
    )
    answer = {
        "cases": given.cases,
        "dispatch_s": round(dispatch_s, 2),
        "dispatch_per_s": round(given.cases / dispatch_s),
        "deadlines_s": round(due_s, 2),
        "one_by_one_per_s": round(ONE_BY_ONE / one_s),
        "review_share": round(float(decided["review"].mean()), 3),
        "python": platform.python_version(),
        "pandas": pd.__version__,
    }
    if given.json:
        print(json.dumps(answer, indent=2))
    else:
        print("\n".join(f"{name:24} {value}" for name, value in answer.items()))


if __name__ == "__main__":
    main()
