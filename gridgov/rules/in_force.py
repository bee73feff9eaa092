"""Rows that are in force only for a time: units, items and duties as they were on a past date.

``valid_from`` is the first day in force, ``valid_to`` the last; missing means since ever and until further
notice. One code may have several rows as long as their days do not overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _LAST = -400_000, 400_000
"""Day numbers (since 1970-01-01) before and after every date that a pack may name."""


class _Span(NamedTuple):
    """First and last day on which a row is in force."""

    first: int
    last: int
    row: int


@dataclass(frozen=True)
class Versions:
    """Look-up of (code, day) → row of a table, made by :func:`make_versions`."""

    spans: Mapping[str, tuple[_Span, ...]]

    def find(self, code: str, day: int) -> int | None:
        """Return the row in force for a code on a day since 1970-01-01, None where there is none."""
        for span in self.spans.get(code, ()):
            if span.first <= day <= span.last:
                return span.row
        return None


def make_versions(table: pd.DataFrame, code: str) -> Versions:
    """Return the look-up for the rows of `table` by its column `code`."""
    first = to_days(table, "valid_from", _FIRST).tolist()
    last = to_days(table, "valid_to", _LAST).tolist()
    spans: dict[str, tuple[_Span, ...]] = {}
    for row, name in enumerate(table[code].tolist()):
        spans[name] = (*spans.get(name, ()), _Span(first[row], last[row], row))
    return Versions(spans)


def find_change_days(*tables: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the days since 1970-01-01 from which other rows of the tables are in force, ascending."""
    days = [
        *(to_days(table, "valid_from", _LAST) for table in tables),
        *(to_days(table, "valid_to", _LAST - 1) + 1 for table in tables),
    ]
    found: npt.NDArray[np.int64] = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *days]))
    kept: npt.NDArray[np.int64] = found[found != _LAST]
    return kept


def find_positions(index: pd.Index, codes: pd.Series) -> npt.NDArray[np.int64]:
    """Return positions in `index`; hashing the few distinct codes once is what makes a million cheap."""
    groups, distinct = pd.factorize(codes)
    known: npt.NDArray[np.int64] = index.get_indexer(pd.Index(distinct, dtype=object))
    found: npt.NDArray[np.int64] = np.append(known, -1)[groups].astype(np.int64)
    return found


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
    day = on.toordinal() - EPOCH
    first = to_days(table, "valid_from", _FIRST)
    return table[(first <= day) & (day <= to_days(table, "valid_to", _LAST))]
