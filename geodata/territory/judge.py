"""What decides jurisdiction in one boundary version, and the judgement itself.

Order of judgement: the extent (outside it there are no codes) · exceptions by priority · the street by
its exact polygon, the lowest code on a shared edge · district of the street · the community inside that
street · the cell inside that community.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.areas import SIGMAS, AreaIndex, area_probabilities
from geodata.frames import JURISDICTION_COLUMNS
from geodata.grid import Grid
from geodata.polygons import find_lowest_within
from geodata.territory.exceptions import Exceptions

FloatArray = npt.NDArray[np.float64]
PositionArray = npt.NDArray[np.int32]

CAP_M = 200.0
"""Distances to a boundary are exact up to here (issue default; farther is certain for any known place)."""
COMMUNITY_REACH_M = 30.0
"""A point of a street that lies in none of its communities joins the nearest one this close: layers
drawn apart differ by metres along the same edge (ours)."""
DEGREE_M = 111_320.0
SURE_SIGMAS = 4.0
"""A boundary this many standard deviations away leaves less than 0.01 % on its other side."""
NONE = -1

Codes: TypeAlias = pd.api.extensions.ExtensionArray
_NO_CODES = pd.array([], dtype="str")
NAMED = {
    "street_code": "street_name",
    "district_code": "district_name",
    "community_code": "community_name",
    "neighbour_code": "neighbour_name",
}
"""Column of a code → column of its name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AreaLayer:
    """Areas of one kind with their compiled index.

    Attributes
    ----------
    frame
        ``code``, ``name`` and ``geometry`` (EPSG:4326), ascending by code, on a range index.
    index
        Point → row of `frame`.
    parent
        Row of each area's parent in the parent's layer, int32, -1 = none; empty where there is none.
    """

    frame: gpd.GeoDataFrame
    index: AreaIndex
    parent: PositionArray

    @cached_property
    def codes(self) -> pd.api.extensions.ExtensionArray:
        """Codes, ascending."""
        return pd.array(self.frame["code"], dtype="str")

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Tree of the polygons, for the few points that the index alone cannot decide."""
        return shapely.STRtree(self.frame.geometry.to_numpy())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """What points lie in: rows of the layers, -1 = none, and how sure that is; each of shape (n,)."""

    street: PositionArray
    district: PositionArray
    community: PositionArray
    cell: PositionArray
    exception: PositionArray
    boundary_m: FloatArray
    neighbour: PositionArray
    confidence: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Territory:
    """One boundary version of a city, ready to judge; made by ``territory_build.make_territory``.

    Attributes
    ----------
    version
        Name of the boundary version; orders carry it.
    streets
        The offices; the ``parent`` of a street is its row in `districts`.
    districts
        District codes, and polygons where the city gives them.
    communities
        Parts of streets, or None; the ``parent`` is the street.
    grid
        Cells of communities, and of streets that have none; None where no grid is wanted.
    street_cells, community_cells
        Position of each street and community in ``grid.area_codes``, -1 = none.
    exceptions
        What stands above the streets, or None.
    extent
        Where places are accepted, or None: where a street is.
    cap_m
        Distances to a boundary are exact up to here.
    """

    version: str
    streets: AreaLayer
    districts: AreaLayer | None
    district_codes: pd.api.extensions.ExtensionArray
    communities: AreaLayer | None
    grid: Grid | None
    street_cells: PositionArray
    community_cells: PositionArray
    exceptions: Exceptions | None
    extent: AreaIndex | None
    cap_m: float = CAP_M

    def in_extent(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell whether points in EPSG:4326 lie where this city accepts places; NaN does not."""
        index = self.extent or self.streets.index
        inside: npt.NDArray[np.bool_] = index.locate_positions(lon, lat) >= 0
        return inside

    def judge(
        self,
        lon: npt.ArrayLike,
        lat: npt.ArrayLike,
        uncertainty_m: npt.ArrayLike | None = None,
        *,
        names: Mapping[str, Codes] | None = None,
    ) -> pd.DataFrame:
        """Return the jurisdiction of points as ``frames.JURISDICTION_COLUMNS``, with the names of areas if wanted.

        Parameters
        ----------
        lon, lat
            Degrees EPSG:4326, shape (n,); NaN has no jurisdiction. The index of a Series is kept.
        uncertainty_m
            Radius that holds the true point in 90 % of cases, shape (n,) or one number; None: all
            exact; NaN: not known, and then the confidence is not known.
        names
            What :meth:`list_names` made once: a column of :data:`NAMED` for each is added, taken by position.

        Returns
        -------
            A point outside the extent has no codes and no confidence. A point inside it but in no known
            street has at most a district, and the nearest street as ``neighbour_code``. Where the place is
            so uncertain that it may lie in another street, that is the most probable of the others.
            ``boundary_m`` is at most ``cap_m``, which then means "at least".
        """
        index = lon.index if isinstance(lon, pd.Series) else None
        found = self._judge(_as_floats(lon), _as_floats(lat), uncertainty_m)
        places = self._name(found)
        columns = {name: _take(codes, at) for name, (codes, at) in places.items()}
        columns |= {"boundary_m": found.boundary_m, "confidence": found.confidence}
        columns["cell_code"] = (
            _take(_NO_CODES, found.cell) if self.grid is None else self.grid.take_codes(found.cell)
        )
        told = list(JURISDICTION_COLUMNS)
        for code, texts in (names or {}).items():
            columns[NAMED[code]] = _take(texts, places[code][1])
            told.append(NAMED[code])
        return pd.DataFrame(columns, index=index, columns=told)

    def list_names(self, names: Mapping[str, str]) -> dict[str, Codes]:
        """Return for each column of :data:`NAMED` the names of its areas by position, missing where none is known.

        Parameters
        ----------
        names
            Code → name.
        """
        streets, districts = self.streets.codes, self.district_codes
        codes = {
            "street_code": streets,
            "district_code": districts,
            "community_code": self.communities.codes if self.communities else _NO_CODES,
            "neighbour_code": streets,
        }
        return {
            name: pd.array([names.get(code) for code in codes[name]], dtype="str") for name in NAMED
        }

    def judge_point(
        self, lon: float, lat: float, uncertainty_m: float | None = None
    ) -> dict[str, Any]:
        """Return the jurisdiction of one point, ``frames.JURISDICTION_COLUMNS`` by name, None where there is none.

        It is what :meth:`judge` says, without building a frame: for a service that asks many times a second.

        Parameters
        ----------
        lon, lat
            Degrees EPSG:4326.
        uncertainty_m
            Radius that holds the true point in 90 % of cases; None: not known.
        """
        radius = np.nan if uncertainty_m is None else uncertainty_m
        found = self._judge(np.array([lon]), np.array([lat]), radius)
        told: dict[str, Any] = {
            name: _get(codes, at) for name, (codes, at) in self._name(found).items()
        }
        told["cell_code"] = None if self.grid is None else self.grid.get_code(int(found.cell[0]))
        told |= {"boundary_m": _plain(found.boundary_m), "confidence": _plain(found.confidence)}
        return {name: told[name] for name in JURISDICTION_COLUMNS}

    def _judge(
        self, lon: FloatArray, lat: FloatArray, uncertainty_m: npt.ArrayLike | None
    ) -> _Found:
        """Return what points lie in, as positions; the one rule for one point and for many."""
        inside = self.in_extent(lon, lat)
        lon, lat = np.where(inside, lon, np.nan), np.where(inside, lat, np.nan)
        street = self.streets.index.locate_positions(lon, lat)
        near = self.streets.index.near(lon, lat, cap_m=self.cap_m)
        boundary_m = np.minimum(near.boundary_m, self.cap_m)
        community = self._find_communities(lon, lat, street)
        confidence, neighbour = self._weigh(
            (lon, lat), street, boundary_m, near.neighbour, uncertainty_m
        )
        nothing = np.full(len(lon), NONE, dtype=np.int32)
        return _Found(
            street=street,
            district=self._find_districts(lon, lat, street),
            community=community,
            cell=nothing
            if self.grid is None
            else self._find_in_grid(self.grid, (lon, lat), street, community),
            exception=nothing
            if self.exceptions is None
            else self.exceptions.locate_positions(lon, lat),
            boundary_m=boundary_m,
            neighbour=neighbour,
            confidence=confidence,
        )

    def _name(self, found: _Found) -> dict[str, tuple[Codes, PositionArray]]:
        """Return for each column of codes all codes there are, and the positions found among them."""
        return {
            "street_code": (self.streets.codes, found.street),
            "district_code": (self.district_codes, found.district),
            "community_code": (
                self.communities.codes if self.communities else _NO_CODES,
                found.community,
            ),
            "exception_code": (
                self.exceptions.codes if self.exceptions else _NO_CODES,
                found.exception,
            ),
            "neighbour_code": (self.streets.codes, found.neighbour),
        }

    def _find_districts(
        self, lon: FloatArray, lat: FloatArray, street: PositionArray
    ) -> PositionArray:
        """Return rows in `district_codes`: of the street, else of the district's polygon."""
        found = np.where(street >= 0, self.streets.parent[street], NONE).astype(np.int32)
        open_rows = np.flatnonzero((found < 0) & np.isfinite(lon))
        if self.districts is not None and len(open_rows):
            found[open_rows] = self.districts.index.locate_positions(lon[open_rows], lat[open_rows])
        return found

    def _find_communities(
        self, lon: FloatArray, lat: FloatArray, street: PositionArray
    ) -> PositionArray:
        """Return rows of communities, always inside the street that was found."""
        layer = self.communities
        if layer is None:
            return np.full(len(street), NONE, dtype=np.int32)
        found = layer.index.locate_positions(lon, lat)
        wrong = np.flatnonzero((street >= 0) & ((found < 0) | (layer.parent[found] != street)))
        wrong = wrong[self._has_communities[street[wrong]]]
        found[street < 0] = NONE
        if len(wrong):
            points = shapely.points(lon[wrong], lat[wrong])
            inside = find_lowest_within(layer.tree, layer.parent, street[wrong], points)
            lost = np.flatnonzero(inside < 0)
            inside[lost] = _find_nearest_within(layer, street[wrong[lost]], points[lost])
            found[wrong] = inside
        return found

    @cached_property
    def _has_communities(self) -> npt.NDArray[np.bool_]:
        parents = self.communities.parent if self.communities else np.empty(0, dtype=np.int32)
        return np.isin(np.arange(len(self.streets.frame)), parents)

    def _find_in_grid(
        self,
        grid: Grid,
        points: tuple[FloatArray, FloatArray],
        street: PositionArray,
        community: PositionArray,
    ) -> PositionArray:
        lon, lat = points
        area = np.where(street >= 0, self.street_cells[street], NONE)
        if self.communities is not None:
            area = np.where(community >= 0, self.community_cells[community], area)
        found = grid.locate_in(area.astype(np.int32), lon, lat)
        strange = np.flatnonzero((street >= 0) & (area < 0))
        if grid.drawn_codes is not None and len(strange):
            # Drawn cells whose codes do not tell their area: the polygon alone decides.
            found[strange] = grid.locate_positions(lon[strange], lat[strange])
        return found

    def _weigh(
        self,
        points: tuple[FloatArray, FloatArray],
        street: PositionArray,
        seen: FloatArray,
        neighbour: PositionArray,
        uncertainty_m: npt.ArrayLike | None,
    ) -> tuple[FloatArray, PositionArray]:
        """Return the probability that each street is right, NaN where there is none, and the other street.

        That is the one across the nearest boundary; where the place may well lie in another one, the most
        probable of the others: at a corner, or beyond the cap, the nearest boundary does not tell it.
        """
        confidence = np.where(street >= 0, 1.0, np.nan)
        if uncertainty_m is None:
            return confidence, neighbour
        radius = np.broadcast_to(_as_floats(uncertainty_m), street.shape)
        open_rows = np.flatnonzero((street >= 0) & ~(seen >= SURE_SIGMAS * radius / SIGMAS))
        if len(open_rows):
            lon, lat = points[0][open_rows], points[1][open_rows]
            found = area_probabilities(self.streets.index, lon, lat, radius[open_rows])
            confidence[open_rows] = found.confidence
            first, second = found.positions.T
            other = np.where(first == street[open_rows], second, first)
            other = np.where(found.probabilities[:, 0] > 0, other, NONE)  # NaN: nothing is known
            neighbour = neighbour.copy()
            neighbour[open_rows] = np.where(other >= 0, other, neighbour[open_rows])
        return confidence, neighbour


def _as_floats(values: npt.ArrayLike) -> FloatArray:
    if isinstance(values, pd.Series):
        values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def _get(codes: pd.api.extensions.ExtensionArray, at: npt.NDArray[np.integer]) -> str | None:
    """Return the code at the only position, None at -1 or where it is missing."""
    position = int(at[0])
    code = None if position < 0 else codes[position]
    return code if isinstance(code, str) else None


def _plain(values: FloatArray) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None


def _take(
    codes: pd.api.extensions.ExtensionArray, at: npt.NDArray[np.integer]
) -> pd.api.extensions.ExtensionArray:
    """Return codes at positions, missing at -1."""
    return codes.take(at, allow_fill=True)


def _find_nearest_within(
    layer: AreaLayer, street: PositionArray, points: npt.NDArray[np.object_]
) -> PositionArray:
    """Return the nearest area of each point's street within reach, the lowest code of equal ones."""
    found = np.full(len(points), NONE, dtype=np.int32)
    lat = shapely.get_y(points)
    reach = COMMUNITY_REACH_M / DEGREE_M / np.maximum(np.cos(np.radians(lat)), 0.1)
    point, area = layer.tree.query(points, predicate="dwithin", distance=reach)
    fits = layer.parent[area] == street[point]
    point, area = point[fits], area[fits]
    shapes = layer.frame.geometry.to_numpy()
    order = np.lexsort((area, shapely.distance(shapes[area], points[point]), point))
    first = np.unique(point[order], return_index=True)[1]
    found[point[order][first]] = area[order][first]
    return found
