"""What comes in much more than usual on a day: counts against the same weekdays before, with the chance of it.

A count is compared with the mean of its weekdays before, scaled to how much of the day has passed. Counts of people's
appeals vary more than chance alone would let them, so the spread seen in the weeks before is used where it is wider
than that of the Poisson law; the tail is that of the negative binomial law with this mean and variance. Many items are
looked at, so false discoveries are controlled (Y. Benjamini and Y. Hochberg, 1995, Controlling the false discovery
rate, Journal of the Royal Statistical Society B 57(1), 289-300).
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gridgov.rules.constants import Constants

Floats = npt.NDArray[np.float64]

SURGE_COLUMNS = ("level1_code", "n", "expected", "ratio", "q")
"""``n`` orders so far · ``expected`` of them by now on such a weekday · ``ratio`` of the two · ``q`` after control."""
WEEK = timedelta(days=7)


def find_surges(
    counts: pd.DataFrame, *, on: date, day_share: float, constants: Constants
) -> pd.DataFrame:
    """Return items with more orders than usual, surest first: :data:`SURGE_COLUMNS`.

    Parameters
    ----------
    counts
        ``level1_code day n``: the day itself and at least ``planning.surge_weeks`` weeks before.
    on
        The day.
    day_share
        How much of it has passed, above 0 up to 1.
    constants
        ``planning.surge_weeks``, ``planning.surge_orders_min``, ``planning.surge_q``.

    Raises
    ------
    ValueError
        `day_share` is not above 0 and at most 1.
    """
    if not 0 < day_share <= 1:
        raise ValueError(f"share of the day {day_share}; expected above 0 and at most 1")
    weeks = int(constants.number("planning.surge_weeks"))
    codes, n, before = _take_weekdays(counts, on, weeks)
    mean = before.mean(axis=1)
    spread = before.var(axis=1, ddof=1) if weeks > 1 else mean
    # One order a month is assumed of an item never seen on this weekday, so that a single one is no surge.
    expected = np.maximum(mean, 1 / weeks) * day_share
    variance = np.maximum(spread, mean) * day_share
    p = _find_tail(n, expected, variance)
    found = pd.DataFrame(
        {
            "level1_code": codes,
            "n": n,
            "expected": np.round(expected, 1),
            "ratio": np.round(n / expected, 1),
            "q": stats.false_discovery_control(p) if len(p) else p,
        }
    )
    enough = found["n"] >= constants.number("planning.surge_orders_min")
    kept = found[enough & (found["q"] <= constants.number("planning.surge_q"))]
    return kept.sort_values(["q", "n"], ascending=[True, False], ignore_index=True)


def _take_weekdays(
    counts: pd.DataFrame, on: date, weeks: int
) -> tuple[pd.Index, npt.NDArray[np.int64], Floats]:
    """Return items, their orders of the day, and those of the same weekday in each week before (items, weeks)."""
    days = [on - at * WEEK for at in range(1, weeks + 1)]
    table = counts.pivot_table(
        index="level1_code", columns="day", values="n", aggfunc="sum", fill_value=0
    ).reindex(columns=[on, *days], fill_value=0)
    codes = table.index.astype("str")
    return codes, table[on].to_numpy(dtype=np.int64), table[days].to_numpy(dtype=np.float64)


def _find_tail(n: npt.NDArray[np.int64], expected: Floats, variance: Floats) -> Floats:
    """Return the probability of so many or more."""
    wide = variance > expected * (1 + 1e-9)
    over = np.where(wide, variance - expected, 1.0)
    size = expected**2 / over
    share = size / (size + expected)
    tail = np.where(wide, stats.nbinom.sf(n - 1, size, share), stats.poisson.sf(n - 1, expected))
    clipped: Floats = np.clip(tail, 0.0, 1.0)
    return clipped
