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


EXPOSURE_COLUMNS = ("residents", "community_residents", "addresses")
"""What a place may be measured by, where it is known: residents of the cell, residents of its community, addresses in
the cell; the first that is there counts."""

HOME_M = 120.0
"""Cells so near to the middle of a compound share its residents. Assumed: half its width."""


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
    cells: pd.DataFrame, homes: NDArray[np.float64], residents: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the residents of each cell: those of each compound shared evenly by the cells near its middle.

    Parameters
    ----------
    cells
        Columns ``x_m y_m``.
    homes
        Middles of compounds in the same plane, metres, shape (n, 2).
    residents
        Of each compound, shape (n,); missing ones count none.
    """
    shared = np.zeros(len(cells))
    known = np.isfinite(residents) & (residents > 0) & np.isfinite(homes).all(axis=1)
    if not len(cells) or not known.any():
        return shared
    tree = spatial.cKDTree(cells[["x_m", "y_m"]].to_numpy(np.float64))
    pairs = tree.sparse_distance_matrix(
        spatial.cKDTree(homes[known]), HOME_M, output_type="ndarray"
    )
    sharing = np.bincount(pairs["j"], minlength=int(known.sum()))
    np.add.at(shared, pairs["i"], (residents[known] / np.maximum(sharing, 1))[pairs["j"]])
    return shared
