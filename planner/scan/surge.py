"""Where a surge is: the prospective permutation scan over the last days of one item."""

from datetime import date

import numpy as np
import pandas as pd

from planner.scan.input import (
    ScanError,
    ScanInput,
    ScanModel,
    TimeUnit,
    make_edges,
    make_permutation_expectation,
)
from planner.scan.search import ScanOptions, scan

HISTORY_DAYS = 91
"""Days that say how many are usual at a place: thirteen weeks, each weekday as often."""


def locate_surge(
    counts: pd.DataFrame,
    centres: pd.DataFrame,
    *,
    last_on: date,
    longest_days: int = 14,
    history_days: int = HISTORY_DAYS,
    replicates: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Say in which areas the appeals of the last days gather, beyond what area and day alone explain.

    A surge of the whole city raises no area above the others, and none is named then.

    Parameters
    ----------
    counts
        ``area_code`` · ``on`` date · ``count`` of one item; days outside the history are left out.
    centres
        ``x_m y_m`` in a metric CRS, by area code.
    last_on
        The last day that is looked at.
    longest_days
        A surge that began earlier is none any more.
    history_days
        Days before `last_on`, itself inside.
    replicates, seed
        Of the scan.

    Returns
    -------
    pandas.DataFrame
        :data:`planner.scan.search.CLUSTER_COLUMNS`; ``locations`` are area codes.

    Raises
    ------
    ScanError
        If an area has no centre, or `centres` holds what is no number.
    """
    first = (pd.Timestamp(last_on) - pd.Timedelta(days=history_days - 1)).date()
    inside = counts[(counts["on"] >= first) & (counts["on"] <= last_on) & (counts["count"] > 0)]
    codes = tuple(str(code) for code in centres.index)
    row = pd.Index(codes).get_indexer(inside["area_code"])
    if (row < 0).any():
        missing = sorted(set(inside["area_code"][row < 0]))
        raise ScanError(
            f"{len(missing)} areas have counts but no centre: {', '.join(missing[:5])}."
        )
    xy = centres[["x_m", "y_m"]].to_numpy(dtype=np.float64)
    if not np.isfinite(xy).all():
        raise ScanError("A centre of an area is no number; leave areas without an outline out.")
    edges = make_edges(first, last_on, TimeUnit.DAY)
    table = np.zeros((len(codes), len(edges) - 1), dtype=np.int64)
    column = (pd.to_datetime(inside["on"]) - pd.Timestamp(first)).dt.days.to_numpy()
    np.add.at(table, (row, column), inside["count"].to_numpy(dtype=np.int64))
    data = ScanInput(
        model=ScanModel.PERMUTATION,
        locations=codes,
        xyz=np.column_stack([xy, np.zeros(len(xy))]),
        edges=edges,
        counts=table,
        expected=make_permutation_expectation(table),
    )
    options = ScanOptions(
        is_prospective=True,
        max_duration=min(longest_days, len(edges) - 1),
        replicates=replicates,
        seed=seed,
    )
    return scan(data, options)
