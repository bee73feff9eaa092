"""The three rates of units (三率), from callbacks only, with intervals; counts that add up from units to districts.

Rates (DOMAIN.md section 5): contacted, solved and satisfied over valid callbacks, "basically satisfied" counting 0.9
[P]. No valid callback: no rate. Everything is computed from whole numbers, so the order of the rows cannot show.

Interval: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the
American Statistical Association 22, 209–212. Where a callback counts in part, the mean of values between 0 and 1 has at
most the variance of a proportion, so the interval is rather too wide than too narrow.
"""

from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from gridgov.rules.constants import Constants
from gridgov.rules.rates.callbacks import PART, YES
from gridgov.rules.rates.constants import ANSWER_NAMES

Floats = npt.NDArray[np.float64]

KEYS = ("month", "unit_code")
JUDGED_COLUMNS = (*KEYS, "valid", "flag", "contacted", "solved", "satisfied", "excluded")
"""Orders judged: window and unit · ``valid … satisfied`` as in ``callbacks.CHECKED_COLUMNS`` · ``excluded`` bool."""

COUNT_COLUMNS = (
    *KEYS,
    "orders",
    "callbacks",
    "excluded",
    "flagged",
    "contacted",
    "solved",
    "partly",
    "satisfied",
    "basically",
)
"""Whole numbers per window and unit: ``orders`` with a window · ``callbacks`` valid and not excluded · ``excluded``
orders · ``flagged`` orders with a callback that was flagged, whether it counts or not · of the callbacks: contacted,
solved, partly solved, satisfied, basically satisfied."""

RATES = ("response", "solution", "satisfaction")
RATE_COLUMNS = (
    *COUNT_COLUMNS,
    *(f"{name}_{part}" for name in RATES for part in ("rate", "low", "high")),
)
"""Counts with each rate and its interval, shares from 0 to 1, NaN without a valid callback."""

QUIET_FLAGS = ("", "no_answer")
"""Flags that are nobody's fault: the callback counts, or nobody was reached."""


class _Question(TypedDict):
    answer: str
    full: str
    part: str | None
    share: str


_QUESTIONS: dict[str, _Question] = {
    "response": {"answer": "contacted", "full": "contacted", "part": None, "share": ""},
    "solution": {
        "answer": "solved",
        "full": "solved",
        "part": "partly",
        "share": "rates.partly_share",
    },
    "satisfaction": {
        "answer": "satisfied",
        "full": "satisfied",
        "part": "basically",
        "share": "rates.basically_share",
    },
}
"""Rate → question, count of those who say yes, count of those who say partly, and how much that counts."""


def make_counts(judged: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers per window and unit, sorted by both.

    Parameters
    ----------
    judged
        Frame of :data:`JUDGED_COLUMNS`, one row per order; rows without a window or a unit count nowhere.
    """
    groups = [pd.factorize(judged[name], sort=True) for name in KEYS]
    (month, months), (unit, units) = groups
    used = (month >= 0) & (unit >= 0)
    place = (month * len(units) + unit)[used]
    size = len(months) * len(units)
    excluded = judged["excluded"].to_numpy(dtype=bool)[used]
    counts_in = judged["valid"].to_numpy(dtype=bool)[used] & ~excluded
    flagged = ~judged["flag"].isin(QUIET_FLAGS).to_numpy(dtype=bool)[used]

    def count(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(place[rows], minlength=size)

    answers = {name: judged[name].to_numpy()[used] for name in ANSWER_NAMES}
    columns = {
        "orders": np.bincount(place, minlength=size),
        "callbacks": count(counts_in),
        "excluded": count(excluded),
        "flagged": count(flagged),
        "contacted": count(counts_in & (answers["contacted"] == YES)),
        "solved": count(counts_in & (answers["solved"] == YES)),
        "partly": count(counts_in & (answers["solved"] == PART)),
        "satisfied": count(counts_in & (answers["satisfied"] == YES)),
        "basically": count(counts_in & (answers["satisfied"] == PART)),
    }
    frame = pd.DataFrame(columns).astype("int64")
    frame.insert(0, "month", pd.Series(np.repeat(np.asarray(months), len(units)), dtype="str"))
    frame.insert(1, "unit_code", pd.Series(np.tile(np.asarray(units), len(months)), dtype="str"))
    return frame[frame["orders"] > 0].reset_index(drop=True)


def add_up(counts: pd.DataFrame, group_of: pd.Series) -> pd.DataFrame:
    """Return counts of groups of units, such as the district of each street.

    Parameters
    ----------
    counts
        Frame of :data:`COUNT_COLUMNS`.
    group_of
        Group by unit code; units without one are left out.
    """
    mapped = counts.assign(unit_code=counts["unit_code"].map(group_of).astype("str"))
    summed = mapped.dropna(subset=["unit_code"]).groupby(list(KEYS), as_index=False).sum()
    return summed[list(COUNT_COLUMNS)].sort_values(list(KEYS), ignore_index=True)


def make_rates(counts: pd.DataFrame, *, constants: Constants) -> pd.DataFrame:
    """Return the three rates with their intervals.

    Parameters
    ----------
    counts
        Frame of :data:`COUNT_COLUMNS`.
    constants
        ``rates.basically_share``, ``rates.partly_share``, ``rates.confidence_level``, ``rates.answers_needed``: a rate
        whose question is not needed of a valid callback has no sure denominator, so there is none.

    Returns
    -------
        Frame of :data:`RATE_COLUMNS` on the index of `counts`.
    """
    rates = counts.loc[:, list(COUNT_COLUMNS)].copy()
    n = counts["callbacks"].to_numpy(dtype=np.float64)
    level = constants.number("rates.confidence_level")
    needed = constants.texts("rates.answers_needed")
    for name, question in _QUESTIONS.items():
        hits = counts[question["full"]].to_numpy(dtype=np.float64)
        if question["part"] is not None:
            part = counts[question["part"]].to_numpy(dtype=np.float64)
            hits = hits + constants.number(question["share"]) * part
        asked = n if question["answer"] in needed else np.zeros_like(n)
        share = np.divide(hits, asked, out=np.full_like(n, np.nan), where=asked > 0)
        low, high = make_wilson_interval(share, asked, level=level)
        rates[f"{name}_rate"], rates[f"{name}_low"], rates[f"{name}_high"] = share, low, high
    return rates


def make_wilson_interval(
    share: npt.ArrayLike, n: npt.ArrayLike, *, level: float
) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of shares, NaN where there are no observations.

    Parameters
    ----------
    share
        Means of values between 0 and 1 (k,).
    n
        Observations (k,).
    level
        Probability that the interval holds, such as 0.95.

    Examples
    --------
    >>> low, high = make_wilson_interval([0.5], [10], level=0.95)
    >>> [round(float(one[0]), 4) for one in (low, high)]
    [0.2366, 0.7634]
    """
    p, n = np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = float(ndtri(0.5 + level / 2))
    size = np.where(n > 0, n, np.nan)
    middle = (p + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))
    # Exact at the ends, where the formula gives 0 and 1 but for rounding.
    low = np.where(p == 0, 0.0, np.maximum(middle - half, 0.0))
    high = np.where(p == 1, 1.0, np.minimum(middle + half, 1.0))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
