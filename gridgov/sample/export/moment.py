"""The sample's export as it was at a moment: what had not come in, been answered or been closed is not there yet."""

from datetime import datetime

import pandas as pd

RECEIVED, CONTACTED, CLOSED = "受理时间", "首次联系时间", "办结时间"
ANSWERS = ("是否联系", "是否解决", "满意度")
"""What the person said; the sample's callbacks follow when an order is closed."""
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def cut_export(table: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    """Return the rows received up to `moment`, without what happened later; rows with unreadable times stay.

    Parameters
    ----------
    table
        The sample's export, all times as text.
    moment
        Naive, in the city's time, as the export has it.
    """
    received = _read(table[RECEIVED])
    kept = table[~(received > moment)].copy()
    for name in (CONTACTED, CLOSED):
        later = _read(kept[name]) > moment
        kept.loc[later, name] = ""
        if name == CLOSED:
            kept.loc[later, list(ANSWERS)] = ""
    return kept.reset_index(drop=True)


def _read(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values, format=TIME_FORMAT, errors="coerce")
