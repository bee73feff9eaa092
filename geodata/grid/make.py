"""The unit grid: cells of about a hectare with codes that last.

A grid is made from areas (communities, or streets where there are none) by :func:`make_grid`, or taken
from a city's own cells by :meth:`Grid.from_cells`. A cell belongs to one area, the cells of an area
cover it exactly, and a code is never used again.
"""

from datetime import date
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.areas import AreaIndex
from geodata.crs import check_metric_crs
from geodata.errors import GeodataError, InvalidDataError
from geodata.grid.cell_shapes import make_shapes
from geodata.grid.cells import FRAME_COLUMNS, Grid, make_empty_frame
from geodata.grid.codes import (
    cell_code,
    make_cell_codes,
    make_cell_prefix,
    make_cell_prefixes,
    split_cell_codes,
)
from geodata.grid.lay import AreaHistory, CellArrays, lay_cells, project_rings
from geodata.grid.projection import make_fast_projection
from geodata.grid.raster_build import make_raster
from geodata.polygons import check_areal_frame
from geodata.problems import Problem

__all__ = ["CELL_M", "FRAME_COLUMNS", "Grid", "cell_code", "make_grid"]

CELL_M = 100.0
"""Side of a cell: 10,000 m², the classic unit cell (万米单元网格, DOMAIN.md §3)."""


def make_grid(
    areas: gpd.GeoDataFrame,
    *,
    key: str,
    metric_crs: str,
    cell_m: float = CELL_M,
    previous: Grid | None = None,
    valid_from: date | None = None,
    index: AreaIndex | None = None,
) -> Grid:
    """Return the unit grid of areas: a metric lattice clipped to each, numbered N→S and W→E.

    Pieces below a quarter of a square join the neighbour in their area with the longest common border.
    An area with more cells than three digits take gets squares of two, three, … times `cell_m`. The
    lattice hangs on the origin of `metric_crs`, so the cells of an area depend on nothing but itself.

    Parameters
    ----------
    areas
        Polygons in EPSG:4326: communities, or streets where there are none.
    key
        Column of their codes.
    metric_crs
        Projected system in metres.
    cell_m
        Side of a cell, metres.
    previous
        The grid before: cells that stay the same keep code and first day, all codes that it knows are
        never used again, cells that end are listed in ``retired``.
    valid_from
        First day of new cells and end of retired ones; None: not stated.
    index
        The compiled index of the same areas, where it exists already.

    Raises
    ------
    InvalidDataError
        If areas are broken, have no extent, or have no cell numbers left.
    GeodataError
        If `metric_crs` or `cell_m` cannot be used.
    """
    check_areal_frame(areas, key, layer="areas")
    check_metric_crs(metric_crs)
    if not (np.isfinite(cell_m) and cell_m >= 1):
        raise GeodataError(f"cell_m = {cell_m!r}: expected the side of a cell, 1 m or more")
    given = areas[key].astype("str").to_numpy(dtype=object)
    index = index or AreaIndex.build(areas.geometry.to_numpy(), list(given), layer="areas")
    _check_prefixes(index.codes)
    order = np.argsort(given.astype(np.str_), kind="stable")  # as the index has them
    shapes = areas.geometry.to_numpy()[order]
    since = np.datetime64(valid_from, "D") if valid_from else np.datetime64("NaT", "D")
    projection = make_fast_projection(tuple(shapely.total_bounds(shapes)), metric_crs)
    cells, tables = lay_cells(
        index.codes,
        project_rings(shapes, projection),
        projection,
        cell_m=cell_m,
        history=_split_history(previous, cell_m, metric_crs),
        valid_from=since,
    )
    return Grid(
        area_codes=index.codes,
        metric_crs=metric_crs,
        cell_m=cell_m,
        cells=cells,
        shapes=make_shapes(
            index, shapes, cells, tables=tables, raster=make_raster(index, tables, cell_m)
        ),
        retired=_retire(previous, index.codes, cells, since=since),
    )


def _check_prefixes(codes: npt.NDArray[np.str_]) -> None:
    """Refuse areas whose cells would have the same codes (street 110101001, community …001000)."""
    prefixes = pd.Series([make_cell_prefix(code) for code in codes], index=codes)
    clashes = prefixes[prefixes.duplicated(keep=False)].index
    if len(clashes):
        raise InvalidDataError(
            [
                Problem(
                    file="areas",
                    value=", ".join(clashes[:4]),
                    problem="areas whose cells would have the same codes",
                    expected="no community 000 beside its street; remove one of them",
                )
            ]
        )


def _retire(
    previous: Grid | None,
    area_codes: npt.NDArray[np.str_],
    cells: CellArrays,
    *,
    since: np.datetime64,
) -> pd.DataFrame:
    """Return all cells that were in force once and are not any more."""
    if previous is None:
        return make_empty_frame()
    codes = make_cell_codes(make_cell_prefixes(area_codes), cells.area, cells.sequence)
    gone = previous.frame[~previous.codes.isin(codes)].assign(
        valid_to=since.astype("datetime64[s]")
    )
    return pd.concat([previous.retired, gone], ignore_index=True) if len(gone) else previous.retired


def _split_history(previous: Grid | None, cell_m: float, metric_crs: str) -> dict[str, AreaHistory]:
    """Return what is known of each area that ever had cells, by the prefix of their codes."""
    if previous is None:
        return {}
    given = pd.concat(
        [
            split_cell_codes(previous.codes),
            split_cell_codes(pd.Index(previous.retired["cell_code"])),
        ]
    )
    used = {prefix: group.to_numpy() for prefix, group in given.groupby("prefix")["sequence"]}
    same_lattice = previous.cell_m == cell_m and previous.metric_crs == metric_crs
    ends = np.searchsorted(previous.cells.area, np.arange(len(previous.area_codes) + 1))
    prefixes = map(make_cell_prefix, previous.area_codes)
    places = dict(zip(prefixes, pairwise(ends), strict=False)) if same_lattice else {}
    return {
        prefix: _make_history(previous, numbers, places.get(prefix, (0, 0)))
        for prefix, numbers in used.items()
    }


def _make_history(
    previous: Grid, used: npt.NDArray[np.int64], place: tuple[int, int]
) -> AreaHistory:
    part, cells = slice(*place), previous.cells
    known = place[1] > place[0]
    factor = round(previous.side_m[place[0]] / previous.cell_m) if known else 0
    return AreaHistory(
        factor=factor,
        used=used,
        row=cells.row[part].astype(np.int64),
        column=cells.column[part].astype(np.int64),
        sequence=cells.sequence[part].astype(np.int64),
        area_m2=cells.area_m2[part],
        x=cells.x[part],
        y=cells.y[part],
        valid_from=cells.valid_from[part],
    )
