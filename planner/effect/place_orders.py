"""Orders by place: those of a task are found without looking at the whole city."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.effect.watches import PlaceTask

ITEM_COLUMNS = ("item_code", "level2_code", "level1_code")
"""A task is about an item of any level."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceOrders:
    """Problems of a city, indexed by cell and street; made by :func:`index_orders`.

    Parameters
    ----------
    frame
        ``street_code cell_code on person_key`` and :data:`ITEM_COLUMNS`, a row an appeal, ``on`` a date.
    cells, streets
        Positions of the rows by code.
    """

    frame: pd.DataFrame
    cells: Mapping[Any, NDArray[np.int64]]
    streets: Mapping[Any, NDArray[np.int64]]

    def take(self, task: PlaceTask) -> pd.DataFrame:
        """Return the orders of a task's place and item, whenever they came, as of its street and item.

        A place over two streets is one place: all of its orders count for the street of the task.
        """
        if task.cells:
            near = [self.cells[cell] for cell in sorted(task.cells) if cell in self.cells]
        else:
            near = [self.streets[task.street_code]] if task.street_code in self.streets else []
        rows = np.sort(np.concatenate(near)) if near else np.zeros(0, dtype=np.int64)
        here = self.frame.iloc[rows]
        if task.item_code:
            same = np.zeros(len(here), dtype=bool)
            for name in ITEM_COLUMNS:
                same |= (here[name] == task.item_code).fillna(value=False).to_numpy(dtype=bool)
            here = here[same]
        return here.assign(street_code=task.street_code, item_code=task.item_code)


def index_orders(frame: pd.DataFrame) -> PlaceOrders:
    """Return the orders of a city by place; columns as :class:`PlaceOrders` says."""
    rows = frame.reset_index(drop=True)
    return PlaceOrders(
        frame=rows,
        cells=rows.groupby("cell_code", observed=True).indices,
        streets=rows.groupby("street_code", observed=True).indices,
    )
