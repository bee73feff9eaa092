"""Point → area, exact: an immutable index over any set of areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.errors import GeodataError
from geodata.jurisdiction_input import AreaRings, check_areas

FloatArray = npt.NDArray[np.float64]
DEFAULT_CAP_M = 200.0


class IndexFileError(GeodataError):
    """An index file cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, kw_only=True)
class NearBoundary:
    """Distance to the nearest place where the answer changes, and the area behind it.

    Parameters
    ----------
    boundary_m
        Metres, shape (n,); inf beyond the cap, NaN where the point is not finite.
    neighbour
        Position of the area across that boundary, int32, -1 = outside everything or beyond the cap.
    """

    boundary_m: FloatArray
    neighbour: npt.NDArray[np.int32]


class AreaIndex:
    """Index over areas (first version, backed by shapely)."""

    def __init__(self, geometries: npt.NDArray[np.object_], rings: AreaRings) -> None:
        self._shapes = geometries
        self._rings = rings
        self._tree = shapely.STRtree(geometries)

    @classmethod
    def build(
        cls, geometries: npt.ArrayLike, codes: Sequence[str], *, layer: str = "areas"
    ) -> Self:
        """Return an index over polygons in EPSG:4326 with unique codes."""
        shapes = np.asarray(geometries, dtype=object)
        rings = check_areas(shapes, codes, layer=layer)
        return cls(shapes[np.argsort(np.asarray(codes, dtype=np.str_), kind="stable")], rings)

    @property
    def codes(self) -> npt.NDArray[np.str_]:
        """Codes of the areas, ascending."""
        return self._rings.codes

    @property
    def content_hash(self) -> str:
        """SHA-256 of codes and rings."""
        digest = sha256("\0".join(self.codes).encode())
        digest.update(self._rings.xy.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the index to `path`."""
        np.savez(path, wkb=shapely.to_wkb(self._shapes), codes=self.codes)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an index from `path`."""
        with np.load(path, allow_pickle=True) as data:
            return cls.build(shapely.from_wkb(data["wkb"]), list(data["codes"]))

    def locate(
        self, lon: FloatArray, lat: FloatArray, *, threads: int | None = None
    ) -> pd.Categorical:
        """Return the lowest code of the areas that hold each point."""
        return pd.Categorical.from_codes(
            self.locate_positions(lon, lat, threads=threads), self.codes
        )

    def locate_positions(
        self,
        lon: FloatArray,
        lat: FloatArray,
        *,
        threads: int | None = None,
        out: npt.NDArray[np.int32] | None = None,
    ) -> npt.NDArray[np.int32]:
        """Return positions into :attr:`codes`, -1 where no area holds the point."""
        del threads
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        found = np.full(len(x), len(self.codes), dtype=np.int32) if out is None else out
        found[:] = len(self.codes)
        fine = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        point, area = self._tree.query(shapely.points(x[fine], y[fine]), predicate="intersects")
        np.minimum.at(found, fine[point], area.astype(np.int32))
        found[found == len(self.codes)] = -1
        return found

    def near(
        self,
        lon: FloatArray,
        lat: FloatArray,
        *,
        cap_m: float = DEFAULT_CAP_M,
        threads: int | None = None,
    ) -> NearBoundary:
        """Return the distance to the nearest boundary and the area across it, up to `cap_m`."""
        del threads
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        own = self.locate_positions(x, y)
        metres = np.full(len(x), np.inf)
        across = np.full(len(x), -1, dtype=np.int32)
        borders = shapely.boundary(self._shapes)
        for i in np.flatnonzero(np.isfinite(x) & np.isfinite(y)):
            scale = 111_320.0 * np.array([np.cos(np.radians(y[i])), 1.0])
            point = shapely.Point(0, 0)
            candidates = self._tree.query(
                shapely.box(x[i] - 0.01, y[i] - 0.01, x[i] + 0.01, y[i] + 0.01)
            )
            for a in candidates:
                d = point.distance(
                    shapely.transform(borders[a], lambda c: (c - [x[i], y[i]]) * scale)
                )  # noqa: B023
                if a == own[i] or own[i] < 0:
                    metres[i] = min(metres[i], d)
        metres[metres > cap_m] = np.inf
        return NearBoundary(boundary_m=metres, neighbour=across)
