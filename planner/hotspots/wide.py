"""The same tests on a wider net: items of level 2 over blocks, for excesses that a few cells do not hold.

A threefold of one level-2 item may need half a kilometre to have twenty persons, and in its level-1 item it is a small
part. So the tests of items are made again over blocks of :data:`SIDE_M` with the items of level 2, in wider
neighbourhoods whose centres lie the further apart the wider they are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.hotspots.areas import AreaCluster, Labels
from planner.hotspots.cube import Cube
from planner.hotspots.detect import Cluster, Net

Ints = NDArray[np.int64]

SIDE_M = 200.0
"""Side of a block. Assumed: four cells."""

ONCE_M = 1000.0
"""A person counts once per item within so much."""

WIDE = Net(
    radii_m=(210.0, 450.0, 900.0),
    spacings_m=(0.0, 400.0, 800.0),
    windows=("history", "years", "quarter"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class WideCube:
    """A cube over blocks with items of level 2.

    Parameters
    ----------
    cube
        Its cells are blocks; ``source`` are positions of entries of the finer cube.
    block_of
        Block of each cell of the finer cube.
    """

    cube: Cube
    block_of: Ints

    def find_cells(self, blocks: Ints) -> Ints:
        """Return the cells of some blocks."""
        return np.flatnonzero(np.isin(self.block_of, blocks))


def make_wide_cube(cube: Cube, labels: Labels, *, left: NDArray[np.bool_]) -> WideCube | None:
    """Return the cube over blocks; None where no order has an item of level 2.

    Parameters
    ----------
    cube, labels
        The counts over cells, areas and items of its entries.
    left
        True for entries that are not of a cluster already found.
    """
    entries = np.flatnonzero((labels.items[1] >= 0) & left)
    if not len(entries):
        return None
    column, row = (
        np.floor(cube.cells[name].to_numpy() / SIDE_M).astype(np.int64) for name in ("x_m", "y_m")
    )
    _, first, block_of = np.unique(
        np.stack([row, column], axis=1), axis=0, return_index=True, return_inverse=True
    )
    block_of = np.asarray(block_of, dtype=np.int64).ravel()
    cells = cube.cells.iloc[_find_busiest(cube, block_of, first)].copy()
    groups = cube.cells.groupby(block_of)
    cells["area_m2"] = groups["area_m2"].sum().to_numpy()
    cells["x_m"] = groups["x_m"].mean().to_numpy()
    cells["y_m"] = groups["y_m"].mean().to_numpy()
    for name in {"residents", "addresses", "named_places"} & set(cells.columns):
        cells[name] = groups[name].sum().to_numpy()
    once = pd.factorize(
        pd.Series(np.floor(cells["x_m"].to_numpy() / ONCE_M)).astype(str)
        + "/"
        + pd.Series(np.floor(cells["y_m"].to_numpy() / ONCE_M)).astype(str)
    )[0].astype(np.int64)
    block = block_of[cube.cell[entries]]
    return WideCube(
        cube=Cube(
            cells=cells,
            items=labels.codes[1],
            edges=cube.edges,
            source=entries,
            cell=block,
            item=labels.items[1][entries],
            period=cube.period[entries],
            person=cube.person[entries],
            block=once[block],
            issue=cube.issue[entries],
        ),
        block_of=block_of,
    )


def _find_busiest(cube: Cube, block_of: Ints, first: Ints) -> Ints:
    """Return of each block the cell with most entries, which gives its codes."""
    counts = np.bincount(cube.cell, minlength=len(block_of))
    order = np.lexsort((-counts, block_of))
    starts = np.searchsorted(block_of[order], np.arange(len(first)))
    return order[starts]


def mark_shares(
    wide: WideCube, labels: Labels, areas: list[AreaCluster]
) -> NDArray[np.bool_] | None:
    """Return where a street's own share of a level-2 item is known to be another, shape (blocks, items)."""
    streets = [one for one in areas if one.scope == "street"]
    if not streets:
        return None
    marked = np.zeros((len(wide.cube.cells), len(wide.cube.items)), dtype=bool)
    codes = wide.cube.cells["street_code"].astype("object").to_numpy()
    for one in streets:
        top = labels.tops[one.level - 1][one.item]
        own = labels.tops[1] == top
        marked[np.ix_(codes == labels.streets[one.area], own)] = True
    return marked


def mark_entries(cube: Cube, wide: WideCube, clusters: list[Cluster], labels: Labels) -> Ints:
    """Return the entries of the finer cube that belong to some clusters of blocks."""
    marked = np.zeros(len(cube.cell), dtype=bool)
    for one in clusters:
        inside = np.isin(wide.block_of[cube.cell], one.cells)
        marked |= inside & (labels.items[1] == one.item)
    return np.flatnonzero(marked)
