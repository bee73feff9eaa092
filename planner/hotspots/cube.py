"""Counts per cell, period and level-1 item; persons and issues counted once.

A person who calls sixty times about one thing is one person: inside one window, the orders of one person about one
level-1 item within one block of :data:`BLOCK_M` count once.

Several persons who call about the same thing raise one issue 问题点位 (DOMAIN.md §2): orders about the same item in the
same cell belong to one issue as long as no pause between them is longer than :data:`PAUSE_DAYS`. Issues, not calls, are
what can be independent of each other.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from planner.errors import PlannerError
from planner.frames import COUNTED_COLUMNS, CUBE_COLUMNS

Ints = NDArray[np.int64]

BLOCK_M = 500.0
"""Side of the block inside which repeats by one person count as one issue. Assumed: the reach of a compound."""

PAUSE_DAYS = 30
"""After a longer silence the same complaint at the same place is a new issue. Assumed: twice the longest deadline."""

LONGEST_HISTORY = 60
"""Periods kept at most; older orders are not counted. Five years of months."""


@dataclass(frozen=True, kw_only=True)
class Cube:
    """A sparse cube: one entry per counted order, codes replaced by positions.

    Parameters
    ----------
    cells
        Frame on the index ``cell_code`` (sorted), columns :data:`~planner.hotspots.cell_places.PLACE_COLUMNS`.
    items
        Level-1 codes, sorted.
    edges
        Starts of the periods and the end of the last, aware, length P + 1; a period is a month back from the end.
    source
        Position of each entry in the frame that was counted, by time of receipt.
    cell, item, period, person, block, issue
        Positions (the last three: labels), shape (n,).
    """

    cells: pd.DataFrame
    items: tuple[str, ...]
    edges: pd.DatetimeIndex
    source: Ints
    cell: Ints
    item: Ints
    period: Ints
    person: Ints
    block: Ints
    issue: Ints

    @property
    def n_periods(self) -> int:
        """Return the number of periods P."""
        return len(self.edges) - 1

    def find_first(self, periods: Ints) -> Ints:
        """Return the entries inside `periods` that count: the first of each person, item and block."""
        inside = np.flatnonzero(np.isin(self.period, periods))
        keys = (self.person[inside] * len(self.items) + self.item[inside]) * (
            self.block.max(initial=0) + 1
        )
        _, first = np.unique(keys + self.block[inside], return_index=True)
        kept: Ints = inside[np.sort(first)]
        return kept

    def find_persons(self, entries: Ints) -> Ints:
        """Return of some entries the first of each person and block, whatever it is about."""
        keys = self.person[entries] * (self.block.max(initial=0) + 1) + self.block[entries]
        _, first = np.unique(keys, return_index=True)
        kept: Ints = entries[np.sort(first)]
        return kept

    def find_issues(self, entries: Ints) -> Ints:
        """Return of some entries the first of each issue."""
        _, first = np.unique(self.issue[entries], return_index=True)
        return entries[np.sort(first)]

    def make_counts(self, entries: Ints) -> "sparse.csr_array":
        """Return the number of entries per cell and item; shape (cells, items)."""
        shape = (len(self.cells), len(self.items))
        return sparse.csr_array(
            (np.ones(len(entries)), (self.cell[entries], self.item[entries])), shape=shape
        )

    def make_frame(self) -> pd.DataFrame:
        """Return the cube as a frame with the columns :data:`~planner.frames.CUBE_COLUMNS`."""
        entries = pd.DataFrame(
            {"cell": self.cell, "period": self.period, "item": self.item, "person": self.person}
        )
        groups = entries.groupby(["cell", "period", "item"], sort=True)["person"]
        counts = groups.agg(count="size", persons="nunique").reset_index()
        counts["cell_code"] = self.cells.index.to_numpy()[counts["cell"]]
        counts["level1_code"] = np.array(self.items, dtype=object)[counts["item"]]
        counts["period"] = self.edges[counts["period"].to_numpy()]
        return counts[list(CUBE_COLUMNS)]


def make_cube(counted: pd.DataFrame, cells: pd.DataFrame, *, as_of: datetime) -> Cube:
    """Count orders per cell, month and level-1 item.

    Parameters
    ----------
    counted
        Columns :data:`~planner.frames.COUNTED_COLUMNS`; ``received_at`` aware.
    cells
        Index ``cell_code``, columns :data:`~planner.hotspots.cell_places.PLACE_COLUMNS`; every cell that is counted.
    as_of
        The moment looked back from; orders from then on stay out. Periods are months back from it.

    Raises
    ------
    PlannerError
        A column is missing, or a counted cell has no centre.
    """
    missing = [name for name in COUNTED_COLUMNS if name not in counted.columns]
    if missing:
        raise PlannerError(
            f"orders lack the columns {', '.join(missing)}: expected {', '.join(COUNTED_COLUMNS)}"
        )
    edges = make_edges(counted["received_at"], as_of)
    moments = pd.DatetimeIndex(counted["received_at"]).as_unit("us").asi8
    period = np.searchsorted(edges.as_unit("us").asi8, moments, side="right") - 1
    usable = counted["cell_code"].notna() & counted["level1_code"].notna() & (period >= 0)
    rows = np.flatnonzero(usable.to_numpy() & (period < len(edges) - 1))
    rows = rows[np.argsort(moments[rows], kind="stable")]
    kept = counted.iloc[rows]
    used = cells.loc[_get_centres(kept, cells)].sort_index()
    codes, items = pd.factorize(kept["level1_code"], sort=True)
    position = used.index.get_indexer(kept["cell_code"])
    return Cube(
        cells=used,
        items=tuple(str(code) for code in items),
        edges=edges,
        source=rows,
        cell=position.astype(np.int64),
        item=codes.astype(np.int64),
        period=period[rows].astype(np.int64),
        person=_label_persons(kept["person_key"]),
        block=_label_blocks(used)[position],
        issue=_label_issues(position, kept["item_code"], moments[rows]),
    )


def _get_centres(kept: pd.DataFrame, cells: pd.DataFrame) -> pd.Index:
    """Return the distinct cell codes, or raise where one has no centre."""
    codes = pd.Index(kept["cell_code"].unique())
    unknown = codes[cells.index.get_indexer(codes) < 0]
    if len(unknown):
        raise PlannerError(
            f"{len(unknown)} cells have no centre, the first is {unknown[0]}: give the grid they are of"
        )
    return codes


def make_edges(received: pd.Series, as_of: datetime) -> pd.DatetimeIndex:
    """Return month steps back from `as_of` until the first order is inside, oldest first; aware."""
    end = pd.Timestamp(as_of).tz_convert(received.dt.tz)
    oldest = received[received < end].min()
    edges = [end, end - pd.DateOffset(months=1)]
    while len(edges) <= LONGEST_HISTORY and oldest < edges[-1]:
        edges.append(end - pd.DateOffset(months=len(edges)))
    return pd.DatetimeIndex(edges[::-1])


def _label_persons(keys: pd.Series) -> Ints:
    """Return one label per person; each missing key is a person of its own."""
    codes, known = pd.factorize(keys)
    labels: Ints = codes.astype(np.int64)
    absent = labels < 0
    labels[absent] = len(known) + np.arange(absent.sum())
    return labels


def _label_blocks(cells: pd.DataFrame) -> Ints:
    """Return one label per block of :data:`BLOCK_M`."""
    column = np.floor(cells["x_m"].to_numpy() / BLOCK_M).astype(np.int64)
    row = np.floor(cells["y_m"].to_numpy() / BLOCK_M).astype(np.int64)
    pairs = np.stack([row, column], axis=1)
    return np.asarray(np.unique(pairs, axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def _label_issues(cell: NDArray[np.intp], item: pd.Series, moments: Ints) -> Ints:
    """Return one label per issue; `moments` are microseconds and ascend."""
    things = cell.astype(np.int64) * (item.nunique() + 2) + pd.factorize(item)[0]
    order = np.argsort(things, kind="stable")
    pause = np.diff(moments[order], prepend=moments[:1]) > PAUSE_DAYS * 86_400_000_000
    other = np.diff(things[order], prepend=things[:1]) != 0
    labels = np.empty(len(things), dtype=np.int64)
    labels[order] = np.cumsum(pause | other)
    return labels
