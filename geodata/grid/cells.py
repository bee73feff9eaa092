"""The unit grid as a value: codes, look-up, geometry on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.areas import AreaIndex
from geodata.crs import STORAGE_CRS, check_metric_crs, from_metric, to_metric
from geodata.errors import GeodataError
from geodata.grid.cell_shapes import CellShapes, DrawnShapes, LatticeShapes
from geodata.grid.codes import (
    LAST_SEQUENCE,
    SEQUENCE_DIGITS,
    make_cell_codes,
    make_cell_prefix,
    make_cell_prefixes,
    split_cell_code,
    split_cell_codes,
)
from geodata.grid.index import PositionArray
from geodata.grid.lay import CellArrays
from geodata.kernels import check_points
from geodata.polygons import check_areal_frame

FloatArray = npt.NDArray[np.float64]

SEQUENCES = LAST_SEQUENCE + 1
FEW = 50
"""Codes up to which each is read by itself; a frame of them would take longer."""

FRAME_COLUMNS = (
    "cell_code",
    "area_code",
    "row",
    "col",
    "side_m",
    "lon",
    "lat",
    "area_m2",
    "valid_from",
    "valid_to",
)
"""``row col`` of the lattice (southward, eastward) in squares of ``side_m``, -1 and NaN for drawn cells ·
``lon lat`` centroid, EPSG:4326 · ``valid_from valid_to`` datetime64, from included, to excluded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Cells in force, and the codes that are retired.

    Attributes
    ----------
    area_codes
        Codes of the areas that the cells belong to, ascending.
    metric_crs
        The metric system of areas and centroids.
    cell_m
        Side of the smallest lattice square; NaN for drawn cells.
    cells
        What is known of each cell, in the order of `codes`.
    shapes
        Where the cells are.
    retired
        Cells no longer in force, :data:`FRAME_COLUMNS`.
    drawn_codes
        Codes of drawn cells, in the order of their positions; None: codes follow from area and sequence.
    """

    area_codes: npt.NDArray[np.str_]
    metric_crs: str
    cell_m: float
    cells: CellArrays
    shapes: CellShapes
    retired: pd.DataFrame
    drawn_codes: pd.Index | None = None

    def __len__(self) -> int:
        """Return the number of cells in force."""
        return len(self.cells.area)

    @cached_property
    def codes(self) -> pd.Index:
        """Code of each cell, unique, in the order of positions; made when first asked for."""
        if self.drawn_codes is not None:
            return self.drawn_codes
        return make_cell_codes(self._prefixes, self.cells.area, self.cells.sequence)

    def take_codes(self, positions: PositionArray) -> pd.api.extensions.ExtensionArray:
        """Return the codes of cells, missing at -1."""
        if self.drawn_codes is not None:
            return self.drawn_codes.array.take(positions, allow_fill=True)
        known = np.flatnonzero(positions >= 0)
        at = positions[known]
        codes = make_cell_codes(self._prefixes, self.cells.area[at], self.cells.sequence[at]).array
        order = np.full(len(positions), -1)
        order[known] = np.arange(len(known))
        return codes.take(order, allow_fill=True)

    def get_code(self, position: int) -> str | None:
        """Return the code of one cell, None at -1."""
        if position < 0:
            return None
        if self.drawn_codes is not None:
            return str(self.drawn_codes[position])
        prefix = make_cell_prefix(self.area_codes[int(self.cells.area[position])])
        return f"{prefix}{int(self.cells.sequence[position]):0{SEQUENCE_DIGITS}d}"

    def locate(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> pd.Categorical:
        """Return the cell code of each point in EPSG:4326, missing where there is none."""
        return pd.Categorical.from_codes(self.locate_positions(lon, lat), dtype=self._dtype)

    def locate_positions(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> PositionArray:
        """Return positions into :attr:`codes`, int32, -1 where no cell is.

        The area decides first (a shared edge belongs to the lowest code), then the square; a point on a
        lattice line belongs to the square north or west of it.
        """
        lon, lat = check_points(lon, lat)
        return self.shapes.locate(lon, lat)

    def locate_in(
        self, areas: PositionArray, lon: npt.ArrayLike, lat: npt.ArrayLike
    ) -> PositionArray:
        """Return positions into :attr:`codes` of points whose area is known.

        Parameters
        ----------
        areas
            Positions into :attr:`area_codes`, int32, -1 = none.
        lon, lat
            Degrees EPSG:4326.
        """
        lon, lat = check_points(lon, lat)
        return self.shapes.locate_in(np.ascontiguousarray(areas, dtype=np.int32), lon, lat)

    def find_positions(self, codes: Sequence[str] | pd.Index | pd.Series) -> PositionArray:
        """Return the positions of cell codes, -1 for a code that is not in force."""
        wanted = pd.Index(codes, dtype="str")
        if self.drawn_codes is not None:
            drawn: PositionArray = self.drawn_codes.get_indexer(wanted).astype(np.int32)
            return drawn
        if len(wanted) <= FEW:
            split = [split_cell_code(code) for code in wanted]
            area = self._prefixes.get_indexer([prefix for prefix, _ in split])
            key = area * SEQUENCES + np.array([sequence for _, sequence in split], dtype=np.int64)
        else:
            parts = split_cell_codes(wanted)
            area = self._prefixes.get_indexer(parts["prefix"])
            key = area * SEQUENCES + parts["sequence"].to_numpy()
        order, keys = self._sorted_keys
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        found: PositionArray = np.where((area >= 0) & (keys[place] == key), order[place], -1)
        return found.astype(np.int32)

    @cached_property
    def _prefixes(self) -> pd.Index:
        return make_cell_prefixes(self.area_codes)

    @cached_property
    def _sorted_keys(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        keys = self.cells.area.astype(np.int64) * SEQUENCES + self.cells.sequence
        order = np.argsort(keys, kind="stable")
        return order, keys[order]

    def geometries(
        self, codes: Sequence[str] | pd.Index | pd.Series | None = None
    ) -> gpd.GeoDataFrame:
        """Return ``cell_code``, ``area_code``, ``area_m2`` and the polygon of cells, EPSG:4326.

        Parameters
        ----------
        codes
            Cells asked for, in this order; all if None.

        Raises
        ------
        GeodataError
            If a code is not in force.
        """
        at = self._require(codes)
        columns = {
            "cell_code": self.take_codes(at),
            "area_code": self._take_area_codes(at),
            "area_m2": self.cells.area_m2[at],
        }
        return gpd.GeoDataFrame(columns, geometry=self.shapes.geometries(at), crs=STORAGE_CRS)

    def take_centers(self, positions: PositionArray) -> tuple[FloatArray, FloatArray]:
        """Return lon, lat (EPSG:4326) of the centroids of cells at positions, which must be in the grid."""
        return from_metric(self.cells.x[positions], self.cells.y[positions], self.metric_crs)

    def centers(self, codes: Sequence[str] | pd.Index | pd.Series | None = None) -> pd.DataFrame:
        """Return ``lon lat`` (EPSG:4326) and ``x y`` (metres) of centroids, indexed by cell code.

        Raises
        ------
        GeodataError
            If a code is not in force.
        """
        at = self._require(codes)
        x, y = self.cells.x[at], self.cells.y[at]
        lon, lat = self.take_centers(at)
        return pd.DataFrame(
            {"lon": lon, "lat": lat, "x": x, "y": y},
            index=pd.Index(self.take_codes(at), name="cell_code"),
        )

    @property
    def area_m2(self) -> FloatArray:
        """Area of each cell in the metric system, in the order of :attr:`codes`."""
        return self.cells.area_m2

    @property
    def side_m(self) -> FloatArray:
        """Side of each cell's lattice square in metres, NaN for drawn cells."""
        if not isinstance(self.shapes, LatticeShapes):
            return np.full(len(self), np.nan)
        return self.shapes.tables.side_m[self.cells.area]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All cells in force as :data:`FRAME_COLUMNS`, one row each, in the order of :attr:`codes`."""
        cells, centers = self.cells, self.centers()
        return pd.DataFrame(
            {
                "cell_code": self.codes,
                "area_code": self._take_area_codes(self._require(None)),
                "row": cells.row,
                "col": cells.column,
                "side_m": self.side_m,
                "lon": centers["lon"].to_numpy(),
                "lat": centers["lat"].to_numpy(),
                "area_m2": cells.area_m2,
                "valid_from": cells.valid_from.astype("datetime64[s]"),
                "valid_to": np.full(len(self), np.datetime64("NaT"), dtype="datetime64[s]"),
            },
            columns=list(FRAME_COLUMNS),
        )

    def _take_area_codes(self, at: PositionArray) -> pd.api.extensions.ExtensionArray:
        known = pd.array(self.area_codes, dtype="str")
        return known.take(self.cells.area[at], allow_fill=True)

    @cached_property
    def _dtype(self) -> pd.CategoricalDtype:
        return pd.CategoricalDtype(self.codes)

    def _require(self, codes: Sequence[str] | pd.Index | pd.Series | None) -> PositionArray:
        if codes is None:
            return np.arange(len(self), dtype=np.int32)
        wanted = pd.Index(codes)
        at = self.find_positions(wanted)
        if (at < 0).any():
            missing = wanted[at < 0].unique()
            shown = ", ".join(map(str, missing[:3]))
            raise GeodataError(
                f"{len(missing)} cell code(s) are not in force in this grid, e.g. {shown}; "
                "expected codes of Grid.codes (retired ones are in Grid.retired)"
            )
        return at

    @classmethod
    def from_cells(
        cls,
        cells: gpd.GeoDataFrame,
        *,
        key: str = "cell_code",
        metric_crs: str,
        area: str | None = None,
    ) -> Self:
        """Return a grid of a city's own cells.

        Parameters
        ----------
        cells
            Polygons in EPSG:4326, one row per cell.
        key
            Column of the cell codes.
        metric_crs
            System for areas and centroids.
        area
            Column of the code of each cell's area; None: what stands before the cell's three digits.

        Raises
        ------
        InvalidDataError
            If the column is missing, codes repeat, or polygons are broken.
        """
        check_areal_frame(cells, key, layer="cells")
        codes = cells[key].astype("str").to_numpy(dtype=object)
        shapes = cells.geometry.to_numpy()
        index = AreaIndex.build(shapes, list(codes), layer="cells")
        order = np.argsort(codes.astype(np.str_), kind="stable")
        names = pd.Index(codes[order], dtype="str", name="cell_code")
        parents = split_cell_codes(names)["area_code"] if area is None else cells[area].iloc[order]
        cell_area, area_codes = pd.factorize(
            parents.astype("str").replace("", pd.NA).to_numpy(dtype=object), sort=True
        )
        return cls(
            drawn_codes=names,
            area_codes=np.asarray(area_codes, dtype=np.str_),
            metric_crs=check_metric_crs(metric_crs),
            cell_m=float("nan"),
            cells=_measure_drawn(shapes[order], cell_area.astype(np.int32), names, metric_crs),
            shapes=DrawnShapes(
                index=index, cell_geometries=shapes[order], cell_area=cell_area.astype(np.int32)
            ),
            retired=make_empty_frame(),
        )


def make_empty_frame() -> pd.DataFrame:
    """Return :data:`FRAME_COLUMNS` without rows."""
    dtypes = ["str", "str", "int64", "int64", *["float64"] * 4, *["datetime64[s]"] * 2]
    return pd.DataFrame(
        {name: pd.Series(dtype=dtype) for name, dtype in zip(FRAME_COLUMNS, dtypes, strict=True)}
    )


def _measure_drawn(
    shapes: npt.NDArray[np.object_], cell_area: PositionArray, codes: pd.Index, metric_crs: str
) -> CellArrays:
    metric = shapely.transform(
        shapes, lambda xy: np.stack(to_metric(xy[:, 0], xy[:, 1], metric_crs), axis=1)
    )
    centre = shapely.centroid(metric)
    nothing = np.full(len(shapes), -1, dtype=np.int32)
    return CellArrays(
        area=cell_area,
        row=nothing,
        column=nothing,
        sequence=split_cell_codes(codes)["sequence"].to_numpy().astype(np.int16),
        area_m2=shapely.area(metric),
        x=shapely.get_x(centre),
        y=shapely.get_y(centre),
        whole=np.zeros(len(shapes), dtype=np.bool_),
        valid_from=np.full(len(shapes), "NaT", dtype="datetime64[D]"),
    )
