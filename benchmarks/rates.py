"""How fast a month's assessment is recomputed from a million orders, in CPU time.

Run: ``python -m benchmarks.rates [ROWS]``. Aim: a few seconds for a million orders of 700 units and a year.
The rates are compared with pandas group sums, which is the peer here.
"""

import sys
import time

import numpy as np
import pandas as pd

from gridgov.rules.constants import make_constants
from gridgov.rules.rates.assessment import judge_orders, make_assessment

UNITS, STREETS, DISTRICTS = 700, 343, 16
NOW = pd.Timestamp("2026-01-01", tz="Asia/Shanghai")


def make_units() -> pd.DataFrame:
    codes = [f"U{i:04d}" for i in range(UNITS)]
    kinds = ["street"] * STREETS + ["district"] * DISTRICTS
    kinds += ["department"] * (UNITS - len(kinds))
    districts = [f"U{STREETS + i % DISTRICTS:04d}" for i in range(STREETS)]
    districts += codes[STREETS : STREETS + DISTRICTS] + [""] * (UNITS - STREETS - DISTRICTS)
    columns = {"unit_code": codes, "name": codes, "kind": kinds, "district_code": districts}
    return pd.DataFrame(columns)


def make_orders(n: int, rng: np.random.Generator) -> pd.DataFrame:
    units = make_units()["unit_code"].to_numpy(dtype=object)
    answered = rng.random(n) < 0.7

    def answer(words: list[object]) -> np.ndarray:
        return np.where(
            answered, np.array(words, dtype=object)[rng.integers(0, len(words), n)], None
        )

    minutes = pd.to_timedelta(rng.integers(0, 365 * 1440, n), unit="min")
    closed = (pd.Timestamp("2025-01-01") + minutes).tz_localize("Asia/Shanghai")
    frame = pd.DataFrame({"order_no": np.char.mod("%010d-1", np.arange(n)), "closed_at": closed})
    frame["unit_code"] = units[rng.integers(0, UNITS, n)]
    frame["contacted"] = pd.array(answer([True, True, False]), dtype="boolean")
    frame["solved"] = pd.array(answer([True, False]), dtype="boolean")
    frame["satisfied"] = answer(["satisfied", "basically", "unsatisfied"])
    frame["received_at"] = frame["closed_at"] - pd.Timedelta(days=2)
    return frame.astype({"order_no": "str", "unit_code": "str", "satisfied": "str"})


def make_callbacks(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return one callback per order, and a second one for every fifth."""
    again = orders.sample(frac=0.2, random_state=1).assign(solved=rng.random() < 0.5)
    frame = pd.concat([orders, again], ignore_index=True)
    return frame.assign(called_at=frame["closed_at"] + pd.Timedelta(hours=1)).drop(
        columns=["closed_at", "unit_code"]
    )


def check(orders: pd.DataFrame, table: pd.DataFrame) -> None:
    valid = orders[orders["solved"].notna()]
    by_unit = valid.groupby("unit_code")["solved"].agg(["sum", "size"])
    mine = table.groupby("unit_code")[["solved", "callbacks"]].sum()
    mine = mine[mine.index.isin(make_units().query("kind != 'district'")["unit_code"])]
    assert (mine.to_numpy() == by_unit.loc[mine.index].to_numpy()).all()


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(1)
    orders, units, constants = make_orders(n, rng), make_units(), make_constants()
    start = time.process_time()
    judged = judge_orders(orders, as_of=NOW, constants=constants)
    middle = time.process_time()
    table = make_assessment(judged.orders, units, constants=constants)
    end = time.process_time()
    check(orders, table)
    print(f"{n:,} orders, {len(table):,} rows of units and months")
    print(f"  judged {middle - start:.2f} s, rates, scores and ranks {end - middle:.2f} s")
    callbacks = make_callbacks(orders, rng)
    start = time.process_time()
    judge_orders(orders, callbacks=callbacks, as_of=NOW, constants=constants)
    print(f"  judged with {len(callbacks):,} callbacks apart {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
