"""A surge is placed where its areas are."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.scan import ScanError, locate_surge

LAST = date(2025, 6, 30)


def make_city(rng, *, everywhere=1.0, here=1.0):
    centres = pd.DataFrame(
        {"x_m": rng.uniform(0, 9000, 40), "y_m": rng.uniform(0, 9000, 40)},
        index=[f"A{i:02d}" for i in range(40)],
    )
    near = ((centres - centres.iloc[7]) ** 2).sum(axis=1).nsmallest(3).index
    rows = []
    for back in range(91):
        factor = everywhere if back < 4 else 1.0
        for code in centres.index:
            mean = 0.6 * factor * (here if back < 4 and code in near else 1.0)
            rows.append((code, LAST - timedelta(days=back), rng.poisson(mean)))
    return pd.DataFrame(rows, columns=["area_code", "on", "count"]), centres, set(near)


def test_the_place_of_a_surge_is_named():
    hits = 0
    for seed in range(10):
        counts, centres, near = make_city(np.random.default_rng(seed), here=6.0)
        found = locate_surge(counts, centres, last_on=LAST, seed=seed)
        hits += len(found) > 0 and len(near & set(found["locations"].iloc[0])) >= 2
    assert hits >= 9


def test_a_surge_of_the_whole_city_has_no_place():
    sure = 0
    for seed in range(10):
        counts, centres, _ = make_city(np.random.default_rng(seed), everywhere=4.0)
        found = locate_surge(counts, centres, last_on=LAST, seed=seed)
        sure += len(found) > 0 and found["p_value"].iloc[0] <= 0.05
    assert sure <= 2


def test_what_has_no_centre_is_named():
    counts, centres, _ = make_city(np.random.default_rng(0))
    with pytest.raises(ScanError, match="A05"):
        locate_surge(counts, centres.drop("A05"), last_on=LAST)
    with pytest.raises(ScanError, match="no number"):
        locate_surge(counts, centres * np.nan, last_on=LAST)


def test_no_counts_give_no_place():
    counts, centres, _ = make_city(np.random.default_rng(0))
    assert locate_surge(counts.iloc[:0], centres, last_on=LAST).empty
