"""What the cells of a city may be measured by: residents of its compounds and communities, and its known addresses."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.territory import Territory
from gridgov.pack.city import City
from planner.hotspots import count_addresses, spread_residents

MOST_UNLISTED = 0.2
"""Share of a city's residents that a list of its compounds may lack. Assumed."""

ADDRESS_SOURCES = {"addresses": ("address", "number"), "named_places": ("place",)}
"""Kinds of gazetteer sources whose rows are points that people call about: front doors, and schools, markets, parks."""


def add_exposures(
    cells: pd.DataFrame, city: City, metric_crs: str, *, orders: NDArray[np.float64]
) -> pd.DataFrame:
    """Return cells with those of :data:`~planner.hotspots.cell_places.EXPOSURE_COLUMNS` that the city knows.

    Parameters
    ----------
    cells
        Columns ``x_m y_m community_code``.
    city
        Its gazetteer tells compounds with residents, named places and front doors; its communities tell residents.
    metric_crs
        CRS of the centres.
    orders
        Of each cell, shape (cells,).
    """
    found = {}
    homes = [one.frame for one in city.sources if "residents" in one.frame]
    if homes:
        every = pd.concat(homes, ignore_index=True)
        residents = pd.to_numeric(every["residents"], errors="coerce").to_numpy(np.float64)
        found["residents"] = spread_residents(
            cells, _find_points(every, metric_crs), residents, orders=orders
        )
    for column, kinds in ADDRESS_SOURCES.items():
        points = [
            _find_points(_leave_out_homes(one.frame), metric_crs)
            for one in city.sources
            if one.kind in kinds and {"lon", "lat"} <= set(one.frame)
        ]
        if points:
            found[column] = count_addresses(cells, np.concatenate(points))
    communities = city.layers.get("communities")
    if communities is not None and "population" in communities:
        population = communities.set_index("community_code")["population"].astype("float64")
        found["community_residents"] = _map_communities(cells, population)
        if homes:
            unlisted = find_unlisted(every, population, city.territory)
            found["unlisted_residents"] = _map_communities(cells, unlisted)
    return cells.assign(**found)


def find_unlisted(homes: pd.DataFrame, population: pd.Series, territory: Territory) -> pd.Series:
    """Return the residents of communities that no listed compound holds, by community code; 0 where the list is poor.

    A list that lacks some compounds says nothing of where their people live. Where it lacks most it is no list of the
    places where people live, and nothing follows from what it lacks.

    Parameters
    ----------
    homes
        Rows with ``lon lat residents``, EPSG:4326.
    population
        Residents by community code.
    territory
        Says in which community a row lies.
    """
    lon, lat, residents = (
        pd.to_numeric(homes[name], errors="coerce").to_numpy(np.float64)
        for name in ("lon", "lat", "residents")
    )
    known = np.isfinite(lon) & np.isfinite(lat) & (residents > 0)
    communities = territory.judge(lon[known], lat[known])["community_code"]
    listed = pd.Series(residents[known]).groupby(communities.to_numpy()).sum()
    unlisted = (population - listed.reindex(population.index, fill_value=0.0)).clip(lower=0.0)
    is_list = unlisted.sum() <= MOST_UNLISTED * population.sum()
    return unlisted if is_list else unlisted * 0.0


def _leave_out_homes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows that are no compounds with residents, which count by these."""
    if "residents" not in rows.columns:
        return rows
    return rows[~(pd.to_numeric(rows["residents"], errors="coerce") > 0)]


def _map_communities(cells: pd.DataFrame, values: pd.Series) -> NDArray[np.float64]:
    """Return the value of each cell's community, NaN where there is none."""
    return np.asarray(cells["community_code"].map(values).astype("float64"))


def _find_points(rows: pd.DataFrame, metric_crs: str) -> NDArray[np.float64]:
    """Return the points of rows in the plane, shape (n, 2); NaN where there is none."""
    lon, lat = (pd.to_numeric(rows[name], errors="coerce") for name in ("lon", "lat"))
    points = gpd.GeoSeries.from_xy(lon, lat, crs="EPSG:4326").to_crs(metric_crs)
    return np.stack([points.x.to_numpy(), points.y.to_numpy()], axis=1)
