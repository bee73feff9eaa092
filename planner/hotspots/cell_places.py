"""Where the cells are: what the statistics need of a grid, whichever grid it is."""

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import spatial

from planner.errors import PlannerError

PLACE_COLUMNS = ("x_m", "y_m", "area_m2", "district_code", "street_code", "community_code")
"""Of each cell: metric centre, area, and the codes of what it lies in (missing where there is none)."""


EXPOSURE_COLUMNS = (
    "residents",
    "community_residents",
    "addresses",
    "named_places",
    "unlisted_residents",
)
"""What a place may be measured by, where it is known: residents of the cell, residents of its community, addresses and
named places in the cell; residents of its community of whom nobody knows in which cell they live."""

HOME_M, HOME_DEVIATION_M = 150.0, 55.0
"""Cells so near to the middle of a compound share its residents, the nearer the more (the deviation of a normal law in
each direction). Assumed: most compounds are some 200 m wide."""

ADDRESS_M = 75.0
"""An address belongs to the nearest cell, if its centre is so near: half the diagonal of a cell of 100 m."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Cells with their centres; polygons only for those asked for.

    Parameters
    ----------
    frame
        Index ``cell_code``, columns :data:`PLACE_COLUMNS`, optional :data:`EXPOSURE_COLUMNS`; every cell that holds an
        order.
    metric_crs
        CRS of the centres.
    find_shapes
        Codes → polygons in that order, EPSG:4326.
    """

    frame: pd.DataFrame
    metric_crs: str
    find_shapes: Callable[[list[str]], gpd.GeoSeries]

    def __post_init__(self) -> None:
        missing = [name for name in PLACE_COLUMNS if name not in self.frame.columns]
        if missing:
            raise PlannerError(
                f"cells lack the columns {', '.join(missing)}: expected {', '.join(PLACE_COLUMNS)}"
            )


def spread_residents(
    cells: pd.DataFrame,
    homes: NDArray[np.float64],
    residents: NDArray[np.float64],
    *,
    orders: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the residents of each cell: those of each compound shared by the cells near its middle.

    Where a compound lies around its middle nobody says; its orders do. So the cells share in proportion to theirs and
    to how near they are: a neighbourhood that holds a compound's orders holds its residents too.

    Parameters
    ----------
    cells
        Columns ``x_m y_m``.
    homes
        Middles of compounds in the same plane, metres, shape (n, 2).
    residents
        Of each compound, shape (n,); missing ones count none.
    orders
        Of each cell, of any item; None: alike.
    """
    shared = np.zeros(len(cells))
    known = np.isfinite(residents) & (residents > 0) & np.isfinite(homes).all(axis=1)
    if not len(cells) or not known.any():
        return shared
    tree = spatial.cKDTree(cells[["x_m", "y_m"]].to_numpy(np.float64))
    pairs = tree.sparse_distance_matrix(
        spatial.cKDTree(homes[known]), HOME_M, output_type="ndarray"
    )
    held = np.ones(len(cells)) if orders is None else orders + 1.0
    weight = np.exp(-0.5 * (pairs["v"] / HOME_DEVIATION_M) ** 2) * held[pairs["i"]]
    whole = np.bincount(pairs["j"], weight, minlength=int(known.sum()))
    np.add.at(shared, pairs["i"], weight / whole[pairs["j"]] * residents[known][pairs["j"]])
    return shared


def count_addresses(cells: pd.DataFrame, addresses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many addresses lie in each cell.

    Parameters
    ----------
    cells
        Columns ``x_m y_m``.
    addresses
        Points in the same plane, metres, shape (n, 2); rows that are not finite count nowhere.
    """
    usable = addresses[np.isfinite(addresses).all(axis=1)]
    if not len(cells) or not len(usable):
        return np.zeros(len(cells))
    tree = spatial.cKDTree(cells[["x_m", "y_m"]].to_numpy(np.float64))
    away, nearest = tree.query(usable, distance_upper_bound=ADDRESS_M)
    return np.bincount(nearest[np.isfinite(away)], minlength=len(cells)).astype(np.float64)
