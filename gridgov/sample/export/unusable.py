"""Rows that no program can use, as every export has some: spoiled on purpose, and listed exactly."""

from typing import Any

import numpy as np
import pandas as pd

NUMBER, RECEIVED = "工单编号", "受理时间"
POINT = ["经度", "纬度"]

UNUSABLE = {
    "date_far_future": (3, RECEIVED, "3020-05-01 10:00:00"),
    "date_impossible": (3, RECEIVED, "2024-13-45 25:61:00"),
    "date_missing": (3, RECEIVED, ""),
    "number_missing": (3, NUMBER, ""),
    "number_duplicate": (6, NUMBER, None),
    "row_empty": (3, None, ""),
}
"""Fault → how many rows, column, value (None: the number of an earlier row)."""

BEFORE = 50
"""A duplicate has the number of the row so many rows before it; fewer in a small export."""


def break_rows(
    table: pd.DataFrame, frame: pd.DataFrame, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Spoil some ordinary rows of the export and return what was done to which.

    Parameters
    ----------
    table
        The export, changed in place.
    frame
        Its events; rows of hotspots, decoys and boundaries are left alone.
    rng
        Source of randomness.

    Returns
    -------
        ``row`` (in the file, the headings are row 1) ``, field, value, fault``, in order of rows.
    """
    planted = (frame[["hotspot", "planting", "one_caller"]] >= 0).any(axis=1)
    planted |= frame["near_boundary"]
    usual = np.flatnonzero(~planted)
    usual = usual[usual > BEFORE]
    count = sum(number for number, *_ in UNUSABLE.values())
    before = min(BEFORE, len(usual) // count - 1)
    # Apart from each other, so that no duplicate repeats a row that is itself spoiled.
    chosen = rng.permutation(usual[:: before + 1])[:count]
    spoiled, first = [], 0
    for fault, (number, column, value) in UNUSABLE.items():
        rows = np.sort(chosen[first : first + number])
        first += number
        values = table[NUMBER].iloc[rows - before].tolist() if value is None else [value] * number
        _put(table, rows, column, values)
        spoiled += [
            {"row": int(row) + 2, "field": column or "", "value": own, "fault": fault}
            for row, own in zip(rows, values, strict=True)
        ]
    return sorted(spoiled, key=lambda own: own["row"])


def _put(
    table: pd.DataFrame,
    rows: np.ndarray[Any, np.dtype[np.int64]],
    column: str | None,
    values: list[str],
) -> None:
    if column is not None:
        table.loc[rows, column] = values
        return
    for name in table.columns:
        table.loc[rows, name] = np.nan if name in POINT else ""
