"""Times that lie far behind all others: a slip of the pen must not move the moment from which a city is judged."""

import numpy as np
import numpy.typing as npt
import pandas as pd

LEAST_EXPECTED = 20.0
"""Rows that a gap should have held, for each row behind it, before that row is taken for a slip of the pen."""
SHORTEST_SPAN_DAYS = 182.5
"""The pace of a file is taken over at least half a year: a few rows of one day say nothing of the next month."""
_NO_DAY = np.iinfo(np.int64).min
_FIRST_DAY, _LAST_DAY = -40_000, 80_000  # 1860 to 2189: whatever lies beyond is as far off


def to_days(times: pd.Series) -> npt.NDArray[np.int64]:
    """Return the local days of aware times, counted from 1970; missing ones are the least number."""
    walls = times.dt.tz_localize(None).to_numpy()
    days: npt.NDArray[np.int64] = walls.astype("datetime64[D]").astype(np.int64)  # NaT is the least
    return days


def find_end(days: npt.NDArray[np.int64]) -> int | None:
    """Return the last day that belongs to the others, None if there is none.

    A file comes at a pace. Where rows stop and a few stand behind a gap that at the pace of the later half before it
    would have held :data:`LEAST_EXPECTED` times as many, those few are typed wrongly (2099 for 2024). What is
    received after a quiet month, or in a file of a dozen rows, stays.

    Parameters
    ----------
    days
        Days (n,) as of :func:`to_days`.
    """
    known = days[days != _NO_DAY]
    if not len(known):
        return None
    counts = np.bincount(np.clip(known, _FIRST_DAY, _LAST_DAY) - _FIRST_DAY)
    at = np.flatnonzero(counts)
    until = np.cumsum(counts[at])
    middle_row = (len(known) - 1) // 2
    middle = int(np.searchsorted(until, middle_row + 1))
    at, until = at[middle:], until[middle:]
    gaps = np.diff(at)
    kept = until[:-1] - middle_row
    pace = kept / np.maximum(at[:-1] - at[0], SHORTEST_SPAN_DAYS)
    behind = len(known) - until[:-1]
    strays = np.flatnonzero((gaps * pace > LEAST_EXPECTED * behind) & (gaps > 1))
    last = int(strays[0]) if len(strays) else len(at) - 1
    return int(at[last]) + _FIRST_DAY


def find_strays(times: pd.Series, end: int | None) -> npt.NDArray[np.bool_]:
    """Tell which aware times (n,) lie behind the day `end`; missing ones do not."""
    if end is None:
        return np.zeros(len(times), dtype=bool)
    strays: npt.NDArray[np.bool_] = to_days(times) > end
    return strays
