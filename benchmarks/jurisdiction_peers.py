"""Other ways to find the area of a point, each as its own documentation would do it.

Each peer is a function of a prepared input that returns the position of the lowest area, -1 for none.
What a peer can prepare once (geometry objects of points, views, prepared polygons) is prepared and
not measured.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

IntArray = npt.NDArray[np.int64]
SEDONA_QUERY = (
    "SELECT p.id, a.position FROM points p JOIN areas a ON ST_Intersects(a.geometry, p.geometry)"
)


@dataclass
class Input:
    """Areas in the order of their codes, and points."""

    areas: npt.NDArray[np.object_]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]

    @cached_property
    def points(self) -> npt.NDArray[np.object_]:
        return shapely.points(self.x, self.y)

    @cached_property
    def point_frame(self) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame({"id": np.arange(len(self.x))}, geometry=self.points, crs=4326)

    @cached_property
    def area_frame(self) -> gpd.GeoDataFrame:
        areas = self.areas.copy()
        return gpd.GeoDataFrame({"position": np.arange(len(areas))}, geometry=areas, crs=4326)

    @cached_property
    def sedona(self) -> Any:
        import sedonadb  # noqa: PLC0415 - only where it is installed

        engine = sedonadb.connect()
        engine.sql("SET datafusion.execution.target_partitions = 2").execute()
        engine.sql("SET sedona.spatial_join.execution_mode = 'prepare_build'").execute()
        engine.create_data_frame(self.point_frame).to_memtable().to_view("points", overwrite=True)
        engine.create_data_frame(self.area_frame).to_memtable().to_view("areas", overwrite=True)
        return engine

    def lowest(self, point: IntArray, area: IntArray) -> IntArray:
        """Return the lowest area of each point from pairs."""
        found = np.full(len(self.x), len(self.areas))
        np.minimum.at(found, point, area)
        found[found == len(self.areas)] = -1
        return found


def join_with_geopandas(data: Input) -> tuple[IntArray, IntArray]:
    """``geopandas.sjoin(predicate="within")``."""
    pairs = gpd.sjoin(data.point_frame, data.area_frame, predicate="within")
    return pairs["id"].to_numpy(), pairs["position"].to_numpy()


def join_with_shapely(data: Input) -> tuple[IntArray, IntArray]:
    """STRtree over boxes, pairs sorted by area, prepared ``intersects_xy``: the best way known."""
    shapely.prepare(data.areas)
    tree = shapely.STRtree(data.areas)
    point, area = tree.query(data.points)
    order = np.argsort(area, kind="stable")
    point, area = point[order], area[order]
    limits = np.searchsorted(area, np.arange(len(data.areas) + 1))
    hit = np.empty(len(point), dtype=bool)
    for position, shape in enumerate(data.areas):
        part = slice(limits[position], limits[position + 1])
        hit[part] = shapely.intersects_xy(shape, data.x[point[part]], data.y[point[part]])
    return point[hit], area[hit]


def join_with_sedona(data: Input) -> tuple[IntArray, IntArray]:
    """SedonaDB, a spatial join with prepared areas, 2 partitions."""
    table = data.sedona.sql(SEDONA_QUERY).to_arrow_table()
    return table["id"].to_numpy(), table["position"].to_numpy()


PEERS: dict[str, Callable[[Input], tuple[IntArray, IntArray]]] = {
    "geopandas sjoin(within)": join_with_geopandas,
    "shapely, best way": join_with_shapely,
}
if importlib.util.find_spec("sedonadb") and importlib.util.find_spec("geoarrow"):
    PEERS["SedonaDB"] = join_with_sedona
