"""Times of a zone as numbers: int64 microseconds since 1970-01-01, in UTC or as the wall clock shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Micros = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIRST_YEAR, _LAST_YEAR = 1900, 2101
"""Changes of the clocks are looked for between these; before and after, the offset stays."""


@dataclass(frozen=True, eq=False)
class ZoneShifts:
    """Offsets of a zone from UTC.

    Parameters
    ----------
    changes
        When the clocks change, UTC microseconds (n,), ascending.
    offsets
        Wall time less UTC in microseconds before the first change, after it, … (n + 1,).
    """

    changes: Micros
    offsets: Micros

    def to_wall(self, utc: Micros) -> Micros:
        """Return what the wall clock shows."""
        wall: Micros = utc + self.offsets[np.searchsorted(self.changes, utc, side="right")]
        return wall

    def to_utc(self, wall: Micros) -> Micros:
        """Return when the wall clock shows a time: a skipped hour moves on, a repeated one is its second.

        Either choice gives a unit the whole of a limit that ends there, never less.
        """
        # A change takes effect on the wall where the earlier of both readings begins: skipped and repeated
        # hours are read with the offset after it.
        starts = self.changes + np.minimum(self.offsets[:-1], self.offsets[1:])
        at = np.searchsorted(starts, wall, side="right")
        utc = wall - self.offsets[at]
        after = np.concatenate([[np.iinfo(np.int64).min], self.changes])
        found: Micros = np.maximum(utc, after[at])
        return found


@lru_cache(maxsize=16)
def find_shifts(zone: ZoneInfo) -> ZoneShifts:
    """Return the offsets of a zone, from its database: its days are looked at once, the seconds by halving."""
    start = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    days = (datetime(_LAST_YEAR, 1, 1, tzinfo=UTC) - start).days
    changes, offsets = [], [_get_offset(start, zone)]
    for day in range(days):
        after = start + timedelta(days=day + 1)
        offset = _get_offset(after, zone)
        if offset == offsets[-1]:
            continue
        low, high = 0, 86_400
        while high - low > 1:
            middle = (low + high) // 2
            same = _get_offset(after - timedelta(seconds=86_400 - middle), zone) == offsets[-1]
            low, high = (middle, high) if same else (low, middle)
        changes.append((after - timedelta(seconds=86_400 - high) - _EPOCH) // _SECOND)
        offsets.append(offset)
    million = np.int64(1_000_000)
    return ZoneShifts(
        np.array(changes, dtype=np.int64) * million, np.array(offsets, dtype=np.int64) * million
    )


def _get_offset(utc: datetime, zone: ZoneInfo) -> int:
    offset = utc.astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _SECOND
