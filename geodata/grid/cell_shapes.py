"""Where cells are and what they look like: from a lattice, or as an authority drew them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely

from geodata.areas import AreaIndex
from geodata.grid.index import LatticeTables, PositionArray
from geodata.grid.lattice import get_hosts
from geodata.grid.lay import CellArrays
from geodata.grid.raster import CellRaster, locate_cells
from geodata.polygons import find_lowest_within, keep_polygons

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
GeometryArray = npt.NDArray[np.object_]

CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))  # (row, column) steps around a square


class CellShapes(Protocol):
    """What a grid asks of its cells."""

    @property
    def index(self) -> AreaIndex:
        """Return the index of the polygons that the cells are cut from, or of the cells."""

    def locate(self, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell position of each point, -1 = none."""

    def locate_in(self, areas: PositionArray, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell position of each point inside an area already known, -1 = none."""

    def geometries(self, positions: PositionArray) -> GeometryArray:
        """Return the polygons of cells in EPSG:4326."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LatticeShapes:
    """Cells cut from a lattice; polygons are made for the cells asked for, and only then.

    Attributes
    ----------
    index
        Point → area.
    tables
        Area and point → cell.
    raster
        Point → cell where no border is near.
    area_geometries
        The areas, EPSG:4326, in the order of `index`.
    cell_area
        Area position of each cell, int32.
    whole
        Whether a cell is one lattice square that no border touches.
    """

    index: AreaIndex
    tables: LatticeTables
    raster: CellRaster
    area_geometries: GeometryArray
    cell_area: PositionArray
    whole: npt.NDArray[np.bool_]

    def locate(self, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell position of each point, -1 = in no area."""
        return locate_cells(self.raster, self.index, self.tables, (lon, lat))

    def locate_in(self, areas: PositionArray, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell position of each point inside its area, -1 = no area."""
        return self.tables.locate(areas, lon, lat)

    def geometries(self, positions: PositionArray) -> GeometryArray:
        """Return the polygons of cells: lattice squares clipped to their area.

        A cell has several parts only where the area's border cuts its squares into several.
        """
        wanted, inverse = np.unique(positions, return_inverse=True)
        cell, row, column = self._find_squares(wanted)
        quads = self._make_quads(self.cell_area[wanted][cell], row, column)
        shapes = _unite(quads, cell, len(wanted))
        cut = np.flatnonzero(~self.whole[wanted])
        borders = self._valid_areas[self.cell_area[wanted[cut]]]
        shapes[cut] = keep_polygons(shapely.intersection(shapes[cut], borders))
        return shapes[inverse]

    @cached_property
    def _valid_areas(self) -> GeometryArray:
        """Areas for overlay: rings that touch themselves are split, the inside stays the same."""
        return keep_polygons(shapely.make_valid(self.area_geometries))

    def _find_squares(self, wanted: PositionArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return (place in `wanted`, lattice row, lattice column) of every square of cells."""
        tables = self.tables
        cells, rows, columns = [], [], []
        for area in np.unique(self.cell_area[wanted]):
            table = get_hosts(tables.cells[tables.starts[area] : tables.starts[area + 1]])
            place = np.searchsorted(wanted, table)
            place[place == len(wanted)] = 0
            hits = np.flatnonzero(wanted[place] == table)
            cells.append(place[hits])
            rows.append(hits // tables.columns[area] + tables.top[area])
            columns.append(hits % tables.columns[area] + tables.left[area])
        empty = [np.empty(0, dtype=np.int64)]
        return (
            np.concatenate(cells or empty),
            np.concatenate(rows or empty),
            np.concatenate(columns or empty),
        )

    def _make_quads(self, areas: PositionArray, row: IntArray, column: IntArray) -> GeometryArray:
        corners = [self.tables.nodes(areas, row + down, column + right) for down, right in CORNERS]
        quads: GeometryArray = shapely.polygons(np.stack(corners, axis=1))
        return quads


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnShapes:
    """Cells as an authority drew them.

    Attributes
    ----------
    index
        Point → cell; its codes are the cell codes, in order of position.
    cell_geometries
        The cells, EPSG:4326.
    cell_area
        Area position of each cell, int32, -1 = not known.
    """

    index: AreaIndex
    cell_geometries: GeometryArray
    cell_area: PositionArray

    def locate(self, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell with the lowest code that holds each point, -1 = none."""
        found: PositionArray = self.index.locate_positions(lon, lat)
        return found

    def locate_in(self, areas: PositionArray, lon: FloatArray, lat: FloatArray) -> PositionArray:
        """Return the cell with the lowest code that holds each point and belongs to its area."""
        found = self.locate(lon, lat)
        belongs = (found >= 0) & (self.cell_area[found] == areas)
        wrong = np.flatnonzero(~belongs & (areas >= 0) & np.isfinite(lon) & np.isfinite(lat))
        found = np.where(belongs, found, -1).astype(np.int32)
        if len(wrong):
            found[wrong] = find_lowest_within(
                self._tree, self.cell_area, areas[wrong], shapely.points(lon[wrong], lat[wrong])
            )
        return found

    def geometries(self, positions: PositionArray) -> GeometryArray:
        """Return the polygons of cells."""
        return self.cell_geometries[positions]

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.cell_geometries)


def make_shapes(
    index: AreaIndex,
    geometries: GeometryArray,
    cells: CellArrays,
    *,
    tables: LatticeTables,
    raster: CellRaster,
) -> LatticeShapes:
    """Return the shapes of cells cut from areas; `geometries` are in the order of `index`."""
    return LatticeShapes(
        index=index,
        tables=tables,
        raster=raster,
        area_geometries=geometries,
        cell_area=cells.area,
        whole=cells.whole,
    )


def _unite(quads: GeometryArray, cell: IntArray, count: int) -> GeometryArray:
    """Return one shape per cell: its square, or the union of its squares."""
    shapes = np.empty(count, dtype=object)
    sizes = np.bincount(cell, minlength=count)
    single = sizes[cell] == 1
    shapes[cell[single]] = quads[single]
    order = np.argsort(cell, kind="stable")
    ends = np.cumsum(sizes)
    for k in np.flatnonzero(sizes > 1):
        shapes[k] = shapely.union_all(quads[order[ends[k] - sizes[k] : ends[k]]])
    return shapes
