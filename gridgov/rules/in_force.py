"""Rows that are in force only for a time: units, items and duties as they were on a past date.

``valid_from`` is the first day in force, ``valid_to`` the last; missing means since ever and until further
notice. One code may have several rows as long as their days do not overlap.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

_FIRST, _LAST = -400_000, 400_000
"""Day numbers (since 1970-01-01) before and after every date that a pack may name."""
_SPAN = 1_000_000


@dataclass(frozen=True, eq=False)
class Versions:
    """Look-up of (code, day) → row of a table, made by :func:`make_versions`."""

    codes: pd.Index
    keys: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    last_days: npt.NDArray[np.int64]

    def find(self, codes: pd.Series, days: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the row in force for each code on its day (n,), -1 where there is none.

        Parameters
        ----------
        codes
            Codes (n,), missing allowed.
        days
            Days since 1970-01-01, one or (n,).
        """
        return self.find_at(find_positions(self.codes, codes), days)

    def find_at(self, owner: npt.NDArray[np.int64], days: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the same for positions in :attr:`codes`, -1 for an unknown code."""
        if not len(self.keys):
            return np.full(owner.shape, -1, dtype=np.int64)
        day = np.asarray(days, dtype=np.int64)
        place = np.searchsorted(self.keys, owner * _SPAN + day - _FIRST, side="right") - 1
        at = np.maximum(place, 0)
        known = (owner >= 0) & (place >= 0) & (self.owners[at] == owner)
        known &= day <= self.last_days[at]
        return np.where(known, self.rows[at], -1)


def find_positions(index: pd.Index, codes: pd.Series) -> npt.NDArray[np.int64]:
    """Return positions in `index`; hashing the few distinct codes once is what makes a million cheap."""
    groups, distinct = pd.factorize(codes)
    known: npt.NDArray[np.int64] = index.get_indexer(pd.Index(distinct, dtype=object))
    found: npt.NDArray[np.int64] = np.append(known, -1)[groups].astype(np.int64)
    return found


def make_versions(table: pd.DataFrame, code: str) -> Versions:
    """Return the look-up for the rows of `table` by its column `code`."""
    first = to_days(table, "valid_from", _FIRST)
    last = to_days(table, "valid_to", _LAST)
    codes = pd.Index(table[code].astype(object).unique())
    owner = codes.get_indexer(table[code].astype(object)).astype(np.int64)
    order = np.lexsort((first, owner))
    return Versions(
        codes=codes,
        keys=(owner * _SPAN + first - _FIRST)[order],
        rows=order.astype(np.int64),
        owners=owner[order],
        last_days=last[order],
    )


def to_days(table: pd.DataFrame, column: str, missing: int) -> npt.NDArray[np.int64]:
    """Return a column of dates as days since 1970-01-01, `missing` where it has none."""
    if column not in table:
        return np.full(len(table), missing, dtype=np.int64)
    days = pd.to_datetime(table[column]).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), missing, days.astype(np.int64)).astype(np.int64)


def find_overlaps(table: pd.DataFrame, code: str) -> npt.NDArray[np.int64]:
    """Return positions of rows whose days overlap those of an earlier row with the same code."""
    first = to_days(table, "valid_from", _FIRST)
    last = to_days(table, "valid_to", _LAST)
    order = np.lexsort((first, table[code].astype(object).factorize()[0]))
    codes = table[code].to_numpy(dtype=object)[order]
    same = codes[1:] == codes[:-1]
    overlaps = same & (first[order][1:] <= last[order][:-1])
    found: npt.NDArray[np.int64] = np.sort(order[1:][overlaps])
    return found


def get_in_force(table: pd.DataFrame, on: date) -> pd.DataFrame:
    """Return the rows in force on a day, as they stand in `table`."""
    day = on.toordinal() - date(1970, 1, 1).toordinal()
    first = to_days(table, "valid_from", _FIRST)
    return table[(first <= day) & (day <= to_days(table, "valid_to", _LAST))]
