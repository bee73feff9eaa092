"""What the cells of a city may be measured by: residents of its compounds and communities, and its known addresses."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.pack.city import City
from planner.hotspots.cell_places import count_addresses, spread_residents

ADDRESS_SOURCES = ("address", "place", "number")
"""Kinds of gazetteer sources whose rows are points that people call about."""


def add_exposures(cells: pd.DataFrame, city: City, metric_crs: str) -> pd.DataFrame:
    """Return cells with those of :data:`~planner.hotspots.cell_places.EXPOSURE_COLUMNS` that the city knows.

    Parameters
    ----------
    cells
        Columns ``x_m y_m community_code``.
    city
        Its gazetteer tells compounds with residents, named places and front doors; its communities tell residents.
    metric_crs
        CRS of the centres.
    """
    found = {}
    homes = [one.frame for one in city.sources if "residents" in one.frame]
    if homes:
        every = pd.concat(homes, ignore_index=True)
        residents = pd.to_numeric(every["residents"], errors="coerce").to_numpy(np.float64)
        found["residents"] = spread_residents(cells, _find_points(every, metric_crs), residents)
    doors = [
        one.frame
        for one in city.sources
        if one.kind in ADDRESS_SOURCES and {"lon", "lat"} <= set(one.frame)
    ]
    if doors:
        points = np.concatenate([_find_points(one, metric_crs) for one in doors])
        found["addresses"] = count_addresses(cells, points)
    communities = city.layers.get("communities")
    if communities is not None and "population" in communities:
        residents = communities.set_index("community_code")["population"]
        of_cells = cells["community_code"].map(residents).astype("float64")
        found["community_residents"] = of_cells.to_numpy()
    return cells.assign(**found)


def _find_points(rows: pd.DataFrame, metric_crs: str) -> NDArray[np.float64]:
    """Return the points of rows in the plane, shape (n, 2); NaN where there is none."""
    lon, lat = (pd.to_numeric(rows[name], errors="coerce") for name in ("lon", "lat"))
    points = gpd.GeoSeries.from_xy(lon, lat, crs="EPSG:4326").to_crs(metric_crs)
    return np.stack([points.x.to_numpy(), points.y.to_numpy()], axis=1)
