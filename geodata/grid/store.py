"""Grids on disk: a folder whose arrays are memory-mapped, so that loading a million cells takes no time."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.areas import AreaIndex, IndexFileError
from geodata.errors import GeodataError
from geodata.grid.cell_shapes import (
    CellShapes,
    DrawnShapes,
    GeometryArray,
    LatticeShapes,
    make_shapes,
)
from geodata.grid.cells import Grid
from geodata.grid.index import LatticeTables
from geodata.grid.lay import CellArrays
from geodata.grid.projection import FastProjection
from geodata.grid.raster import LEAF, UNSURE, CellRaster

FORMAT = 5
CELL_ARRAYS = tuple(field.name for field in fields(CellArrays))
TABLE_ARRAYS = ("side_m", "top", "left", "rows", "columns", "starts", "cells", "tolerance_m")

Areas = tuple[AreaIndex, GeometryArray]


class GridFolderError(GeodataError):
    """A grid folder cannot be used; the message names it and the remedy."""


def save_grid(grid: Grid, folder: Path, *, shared: bool = False) -> None:
    """Write `grid` to `folder`, which must exist.

    Parameters
    ----------
    grid
        The grid.
    folder
        Where to.
    shared
        The index and polygons of its areas stand elsewhere and are given again at loading.
    """
    shapes = grid.shapes
    facts: dict[str, Any] = {"format": FORMAT, "metric_crs": grid.metric_crs, "shared": shared}
    facts |= {"cell_m": grid.cell_m if np.isfinite(grid.cell_m) else None}
    for name in CELL_ARRAYS:
        np.save(folder / f"cell_{name}.npy", getattr(grid.cells, name))
    if isinstance(shapes, LatticeShapes):
        facts |= _save_tables(shapes.tables, folder)
        facts |= {"raster_frame": shapes.raster.frame, "raster_shape": shapes.raster.shape}
        np.save(folder / "raster.npy", shapes.raster.values)
        np.save(folder / "raster_leaves.npy", shapes.raster.leaves)
        polygons = shapes.area_geometries
    else:
        assert isinstance(shapes, DrawnShapes)  # noqa: S101 - the two kinds there are
        facts |= {"kind": "drawn"}
        polygons = shapes.cell_geometries
        pd.DataFrame({"cell_code": grid.codes}).to_parquet(folder / "codes.parquet")
    if not shared:
        shapes.index.save(folder / "index.bin")
        pd.DataFrame({"geometry": shapely.to_wkb(polygons)}).to_parquet(folder / "polygons.parquet")
    facts |= {"area_codes": grid.area_codes.tolist()}
    grid.retired.to_parquet(folder / "retired.parquet")
    (folder / "grid.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load_grid(folder: Path, *, areas: Areas | None = None) -> Grid:
    """Return the grid of a folder that :func:`save_grid` wrote.

    Parameters
    ----------
    folder
        Where from.
    areas
        Index and polygons of the areas, where they were saved elsewhere.

    Raises
    ------
    GridFolderError
        If the folder is not such a folder, is damaged or of another version.
    """
    try:
        facts = json.loads((folder / "grid.json").read_text(encoding="utf-8"))
        if facts.get("format") != FORMAT:
            raise GridFolderError(
                f"{folder} has grid format {facts.get('format')}, this program reads {FORMAT}; "
                "make the grid again"
            )
        return _read_grid(folder, facts, areas)
    except (OSError, ValueError, KeyError, EOFError, TypeError, IndexFileError) as error:
        raise GridFolderError(
            f"{folder} holds no whole grid ({error}); make the grid again"
        ) from error


def _save_tables(tables: LatticeTables, folder: Path) -> dict[str, Any]:
    for name in TABLE_ARRAYS:
        np.save(folder / f"table_{name}.npy", getattr(tables, name))
    projection = tables.projection
    np.save(folder / "coefficients.npy", projection.coefficients)
    return {
        "kind": "lattice",
        "frame": projection.frame,
        "shape": projection.shape,
        "error_m": projection.error_m,
    }


def _map_array(path: Path) -> npt.NDArray[Any]:
    """Return an array of a file, read only where it is touched."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_grid(folder: Path, facts: dict[str, Any], areas: Areas | None) -> Grid:
    cells = CellArrays(**{name: _map_array(folder / f"cell_{name}.npy") for name in CELL_ARRAYS})
    if len({len(getattr(cells, name)) for name in CELL_ARRAYS}) != 1:
        raise ValueError("arrays of different length")
    if not facts["shared"]:
        polygons = pd.read_parquet(folder / "polygons.parquet")["geometry"].to_numpy(dtype=object)
        areas = AreaIndex.load(folder / "index.bin"), shapely.from_wkb(polygons)
    if areas is None:
        raise ValueError("its areas stand elsewhere and were not given")
    drawn = facts["kind"] == "drawn"
    names = pd.read_parquet(folder / "codes.parquet")["cell_code"] if drawn else None
    return Grid(
        area_codes=np.array(facts["area_codes"], dtype=np.str_),
        metric_crs=facts["metric_crs"],
        cell_m=float("nan") if facts["cell_m"] is None else float(facts["cell_m"]),
        cells=cells,
        shapes=_read_shapes(folder, facts, cells, areas=areas),
        retired=pd.read_parquet(folder / "retired.parquet"),
        drawn_codes=None if names is None else pd.Index(names, name="cell_code"),
    )


def _read_shapes(
    folder: Path, facts: dict[str, Any], cells: CellArrays, *, areas: Areas
) -> CellShapes:
    index, polygons = areas
    if facts["kind"] == "drawn":
        return DrawnShapes(index=index, cell_geometries=polygons, cell_area=cells.area)
    projection = FastProjection(
        metric_crs=facts["metric_crs"],
        frame=tuple(facts["frame"]),
        shape=tuple(facts["shape"]),
        coefficients=_map_array(folder / "coefficients.npy"),
        error_m=facts["error_m"],
    )
    arrays = {name: _map_array(folder / f"table_{name}.npy") for name in TABLE_ARRAYS}
    tables = LatticeTables(projection=projection, **arrays)
    raster = CellRaster(
        frame=tuple(facts["raster_frame"]),
        shape=tuple(facts["raster_shape"]),
        values=_map_array(folder / "raster.npy"),
        leaves=_map_array(folder / "raster_leaves.npy"),
    )
    if len(raster.values) != raster.shape[0] * raster.shape[1] + 1:
        raise ValueError("raster of another shape")
    if len(raster.leaves) <= LEAF**2 * (UNSURE - int(raster.values.min())):
        raise ValueError("raster with fewer leaves than it names")
    return make_shapes(index, polygons, cells, tables=tables, raster=raster)
