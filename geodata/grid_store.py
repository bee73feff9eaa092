"""Grids on disk: a folder that loads without building anything again."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from geodata.errors import GeodataError
from geodata.grid_build import CellArrays
from geodata.grid_cells import Grid
from geodata.grid_index import LatticeTables
from geodata.grid_projection import FastProjection
from geodata.grid_shapes import CellShapes, DrawnShapes, LatticeShapes
from geodata.jurisdiction import AreaIndex

FORMAT = 1
TABLE_ARRAYS = ("side_m", "top", "left", "rows", "columns", "starts", "cells", "tolerance_m")


class GridFolderError(GeodataError):
    """A grid folder cannot be used; the message names it and the remedy."""


def save_grid(grid: Grid, folder: Path) -> None:
    """Write `grid` to `folder`, which must exist."""
    shapes = grid.shapes
    facts = {"format": FORMAT, "metric_crs": grid.metric_crs, "cell_m": grid.cell_m}
    arrays = {name.name: getattr(grid.cells, name.name) for name in fields(CellArrays)}
    if isinstance(shapes, LatticeShapes):
        projection = shapes.tables.projection
        facts |= {"kind": "lattice", "frame": projection.frame, "shape": projection.shape}
        facts |= {"error_m": projection.error_m}
        arrays |= {f"table_{name}": getattr(shapes.tables, name) for name in TABLE_ARRAYS}
        arrays |= {"coefficients": projection.coefficients}
        polygons = shapes.area_geometries
    else:
        assert isinstance(shapes, DrawnShapes)  # noqa: S101 - the two kinds there are
        facts |= {"kind": "drawn"}
        polygons = shapes.cell_geometries
    shapes.index.save(folder / "index.bin")
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)
    pd.DataFrame({"geometry": shapely.to_wkb(polygons)}).to_parquet(folder / "polygons.parquet")
    pd.DataFrame({"cell_code": grid.codes}).to_parquet(folder / "codes.parquet")
    pd.DataFrame({"area_code": pd.array(grid.area_codes, dtype="str")}).to_parquet(
        folder / "area_codes.parquet"
    )
    grid.retired.to_parquet(folder / "retired.parquet")
    (folder / "grid.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load_grid(folder: Path) -> Grid:
    """Return the grid of a folder that :func:`save_grid` wrote.

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
        return _read_grid(folder, facts)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise GridFolderError(
            f"{folder} holds no whole grid ({error}); make the grid again"
        ) from error


def _read_grid(folder: Path, facts: dict[str, object]) -> Grid:
    with np.load(folder / "arrays.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    cells = CellArrays(**{name.name: arrays[name.name] for name in fields(CellArrays)})
    polygons = pd.read_parquet(folder / "polygons.parquet")["geometry"].to_numpy(dtype=object)
    area_codes = pd.read_parquet(folder / "area_codes.parquet")["area_code"]
    return Grid(
        codes=pd.Index(pd.read_parquet(folder / "codes.parquet")["cell_code"], name="cell_code"),
        area_codes=area_codes.to_numpy(dtype=np.str_),
        metric_crs=str(facts["metric_crs"]),
        cell_m=float(str(facts["cell_m"])),
        cells=cells,
        shapes=_read_shapes(
            AreaIndex.load(folder / "index.bin"), shapely.from_wkb(polygons), cells,
            (facts, arrays),
        ),
        retired=pd.read_parquet(folder / "retired.parquet"),
    )  # fmt: skip


def _read_shapes(
    index: AreaIndex,
    polygons: "np.typing.NDArray[np.object_]",
    cells: CellArrays,
    stored: tuple[dict[str, object], dict[str, "np.typing.NDArray[np.generic]"]],
) -> CellShapes:
    facts, arrays = stored
    if facts["kind"] == "drawn":
        return DrawnShapes(index=index, cell_geometries=polygons, cell_area=cells.area)
    projection = FastProjection(
        metric_crs=str(facts["metric_crs"]),
        frame=tuple(facts["frame"]),  # type: ignore[arg-type] # JSON keeps the six numbers
        shape=tuple(facts["shape"]),  # type: ignore[arg-type]
        coefficients=arrays["coefficients"],  # type: ignore[arg-type]
        error_m=float(str(facts["error_m"])),
    )
    tables = LatticeTables(
        projection=projection,
        **{name: arrays[f"table_{name}"] for name in TABLE_ARRAYS},  # type: ignore[arg-type]
    )
    return LatticeShapes(
        index=index, tables=tables, area_geometries=polygons, cell_area=cells.area,
        whole=cells.whole,
    )  # fmt: skip
