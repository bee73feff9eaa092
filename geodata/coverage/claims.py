"""Ground that several areas claim: an index gives it to the lowest code, and whoever asks should be told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geodata.polygons import HARMLESS_M2, METRES_PER_DEGREE, keep_polygons

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedGround:
    """What pairs of areas have in common.

    Parameters
    ----------
    lower, higher
        Codes of each pair, in their order.
    shapes
        Polygons (n,) in EPSG:4326 that both claim.
    """

    lower: tuple[str, ...]
    higher: tuple[str, ...]
    shapes: Geometries

    def find_others(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, own: npt.NDArray[np.object_]
    ) -> npt.NDArray[np.object_]:
        """Return the lowest code (n,) beside `own` that claims each point, None where none does.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326, shape (n,).
        own
            Code that each point has, None where it has none.
        """
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        others = np.full(len(x), None, dtype=object)
        for lower, higher, shape in zip(self.lower, self.higher, self.shapes, strict=True):
            west, south, east, north = shapely.bounds(shape)
            near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
            shapely.prepare(shape)
            for at in near[shapely.intersects_xy(shape, x[near], y[near])]:
                claims = {lower, higher, others[at]} - {own[at], None}
                if own[at] is not None and claims:
                    others[at] = min(claims)
        return others


def find_shared_ground(geometry: Geometries, codes: Sequence[str]) -> SharedGround:
    """Return the ground that any two of the areas claim, but for what is below :data:`HARMLESS_M2`.

    Parameters
    ----------
    geometry
        Sound polygons (n,) in EPSG:4326.
    codes
        Code of each.
    """
    shapes = np.asarray(geometry, dtype=object)
    try:
        # A sound coverage is known by its edges, without an overlay of every pair of neighbours.
        suspects = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))
    except shapely.errors.GEOSException:
        suspects = np.arange(len(shapes))
    suspect, other = shapely.STRtree(shapes).query(shapes[suspects], predicate="intersects")
    pairs = np.sort(np.column_stack([suspects[suspect], other]), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    common = keep_polygons(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    south = shapely.bounds(common).reshape(-1, 4)[:, 1]
    area_m2 = shapely.area(common) * METRES_PER_DEGREE**2 * np.cos(np.radians(np.nan_to_num(south)))
    kept = np.flatnonzero(area_m2 > HARMLESS_M2)
    names = [sorted((str(codes[one]), str(codes[two]))) for one, two in pairs[kept]]
    return SharedGround(
        lower=tuple(low for low, _ in names),
        higher=tuple(high for _, high in names),
        shapes=common[kept],
    )
