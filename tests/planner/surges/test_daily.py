from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gridgov.rules.constants import make_constants
from planner.surges.daily import SURGE_COLUMNS, find_surges

ON = date(2025, 11, 21)
CONSTANTS = make_constants()
WEEKS = int(CONSTANTS.number("planning.surge_weeks"))


def make_counts(*rows: tuple[str, int, list[int]]) -> pd.DataFrame:
    """Item, orders on the day, orders on the same weekdays before."""
    return pd.DataFrame(
        [
            {"level1_code": code, "day": ON - timedelta(weeks=week), "n": n}
            for code, today, before in rows
            for week, n in enumerate([today, *before])
        ]
    )


def test_three_times_the_usual_is_a_surge_and_the_usual_is_none() -> None:
    counts = make_counts(
        ("heat", 60, [20, 22, 19, 21, 18, 20, 22, 20]), ("noise", 21, [20] * WEEKS)
    )
    found = find_surges(counts, on=ON, day_share=1.0, constants=CONSTANTS)
    assert list(found.columns) == list(SURGE_COLUMNS)
    assert found["level1_code"].tolist() == ["heat"]
    assert found["ratio"].iloc[0] == pytest.approx(60 / 20.25, abs=0.05)


def test_the_chance_is_that_of_the_poisson_law_where_weeks_vary_no_more() -> None:
    found = find_surges(
        make_counts(("heat", 40, [20] * WEEKS)), on=ON, day_share=1.0, constants=CONSTANTS
    )
    assert found["q"].iloc[0] == pytest.approx(stats.poisson.sf(39, 20), rel=1e-9)


def test_restless_weeks_make_a_surge_less_sure() -> None:
    calm = find_surges(
        make_counts(("a", 60, [20] * WEEKS)), on=ON, day_share=1.0, constants=CONSTANTS
    )
    restless = find_surges(
        make_counts(("a", 60, [2, 38, 5, 35, 20, 1, 39, 20])),
        on=ON,
        day_share=1.0,
        constants=CONSTANTS,
    )
    assert calm["q"].iloc[0] < 1e-6
    assert restless.empty or restless["q"].iloc[0] > calm["q"].iloc[0]


def test_half_a_day_is_compared_with_half_a_day() -> None:
    counts = make_counts(("a", 22, [20] * WEEKS))
    assert find_surges(counts, on=ON, day_share=1.0, constants=CONSTANTS).empty
    early = find_surges(counts, on=ON, day_share=0.25, constants=CONSTANTS)
    assert early["expected"].tolist() == [5.0]


def test_chance_alone_is_rarely_a_surge() -> None:
    random = np.random.default_rng(5)
    rows = [
        (f"i{at}", int(random.poisson(15)), random.poisson(15, WEEKS).tolist())
        for at in range(2_000)
    ]
    found = find_surges(make_counts(*rows), on=ON, day_share=1.0, constants=CONSTANTS)
    assert len(found) <= 2


def test_nothing_counted_is_nothing_found() -> None:
    empty = pd.DataFrame({"level1_code": [], "day": [], "n": []})
    assert find_surges(empty, on=ON, day_share=0.5, constants=CONSTANTS).empty


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_an_impossible_share_of_the_day_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share of the day"):
        find_surges(make_counts(), on=ON, day_share=share, constants=CONSTANTS)
