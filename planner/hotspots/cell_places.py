"""Where the cells are: what the statistics need of a grid, whichever grid it is."""

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from planner.errors import PlannerError

PLACE_COLUMNS = ("x_m", "y_m", "area_m2", "district_code", "street_code", "community_code")
"""Of each cell: metric centre, area, and the codes of what it lies in (missing where there is none)."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Cells with their centres; polygons only for those asked for.

    Parameters
    ----------
    frame
        Index ``cell_code``, columns :data:`PLACE_COLUMNS`; every cell that holds an order.
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
