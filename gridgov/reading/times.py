"""Times of an export → aware times in the city's zone."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gridgov.reading.faults import RowFaults

MORE_FORMS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日%H时%M分",
    "%Y年%m月%d日",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)
"""Tried after ISO 8601 where the pack names no form; none can be read in two ways."""

_OFFSET = r":.*(?:Z|[+-]\d{2}:?\d{2})$"
"""An offset follows a time of day; the end of a date alone ("2024-05-01") is none."""


@dataclass(frozen=True, kw_only=True)
class TimeRules:
    """How times are read: zone of the city, forms of the pack (none: the usual ones)."""

    zone: ZoneInfo
    forms: tuple[str, ...] = ()


def read_times(values: pd.Series, rules: TimeRules, faults: RowFaults) -> pd.Series:
    """Return aware times (n,) on the index of `values`, missing where the text is none or is no time.

    A time in an hour that the clock skips moves on to the next that exists, a time in an hour that the clock
    repeats is the first one; both are noted. Unreadable values are not noted here: for some columns they
    reject the row.
    """
    zone = str(rules.zone)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(zone).astype(f"datetime64[us, {zone}]")
    if pd.api.types.is_datetime64_any_dtype(values):
        return _localise(values.astype("datetime64[us]"), zone, faults)
    texts = values.astype("str").str.strip()
    offset = _find_offsets(texts)
    times = _localise(_parse(texts.where(~offset), rules.forms), zone, faults)
    if offset.any():
        aware = pd.to_datetime(texts[offset], format="ISO8601", utc=True, errors="coerce")
        times[offset] = aware.dt.tz_convert(zone).astype(times.dtype)
    return times


def _find_offsets(texts: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which times state their offset (by RE2, a tenth of the time of Python's expressions)."""
    array = pa.array(texts, from_pandas=True)
    found = pc.fill_null(pc.match_substring_regex(array, _OFFSET), fill_value=False)
    offsets: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).astype(bool)
    return offsets


def _parse(texts: pd.Series, forms: tuple[str, ...]) -> pd.Series:
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for form in forms or ("ISO8601", *MORE_FORMS):
        left = (found.isna() & texts.notna()).to_numpy(dtype=bool)
        if not left.any():
            break
        parsed = pd.to_datetime(texts[left], format=form, errors="coerce")
        found[left] = parsed.astype("datetime64[us]")
    return found


def _localise(naive: pd.Series, zone: str, faults: RowFaults) -> pd.Series:
    first = np.ones(len(naive), dtype=bool)
    local = naive.dt.tz_localize(zone, nonexistent="NaT", ambiguous=first)
    skipped = (local.isna() & naive.notna()).to_numpy(dtype=bool)
    if skipped.any():
        local = naive.dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=first)
        faults.rows(
            naive, skipped, "falls in an hour that the clock skips; moved to the next that exists"
        )
    second = naive.dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=~first)
    twice = (second != local).to_numpy(dtype=bool) & local.notna().to_numpy(dtype=bool)
    faults.rows(naive, twice, "falls in an hour that the clock repeats; taken as the first")
    return local.astype(f"datetime64[us, {zone}]")
