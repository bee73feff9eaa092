"""Layers → :class:`geodata.territory.judge.Territory`: which area belongs to which, everything indexed."""

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.areas import AreaIndex
from geodata.errors import InvalidDataError
from geodata.grid import CELL_M, Grid, make_grid
from geodata.polygons import check_areal_frame, keep_polygons
from geodata.problems import Problem
from geodata.territory.exceptions import make_exceptions
from geodata.territory.judge import CAP_M, AreaLayer, PositionArray, Territory

DISTRICT_DIGITS = 6
STREET_DIGITS = 9
"""Leading digits of an official code (DOMAIN.md §3)."""
VERSION_DIGITS = 12


def make_territory(
    streets: gpd.GeoDataFrame,
    *,
    metric_crs: str | None = None,
    version: str = "",
    districts: gpd.GeoDataFrame | None = None,
    communities: gpd.GeoDataFrame | None = None,
    cells: gpd.GeoDataFrame | None = None,
    exceptions: gpd.GeoDataFrame | None = None,
    extent: gpd.GeoDataFrame | shapely.Geometry | None = None,
    cell_m: float = CELL_M,
    previous_grid: Grid | None = None,
    valid_from: date | None = None,
    cap_m: float = CAP_M,
) -> Territory:
    """Return what judges places in one boundary version; all layers are in EPSG:4326.

    Parameters
    ----------
    streets
        ``street_code``, ``geometry``, optional ``name`` and ``district_code``.
    metric_crs
        Metric system of the grid; None or empty: the UTM zone of the streets.
    version
        Name of the boundary version; empty: the first digits of a hash of the content.
    districts
        ``district_code``, ``geometry``. A street without a ``district_code`` gets the one of its code's first six
        digits, else the one it lies in.
    communities
        ``community_code``, ``geometry``, optional ``street_code``; without it the code's first nine digits, else the
        street it lies in.
    cells
        The city's own cells: ``cell_code``, ``geometry``. None: a grid is made of communities, and of streets
        that have none.
    exceptions
        See :func:`geodata.territory.exceptions.make_exceptions`.
    extent
        Where places are accepted, as a layer or one geometry; None: where a street is.
    cell_m, previous_grid, valid_from
        See :func:`geodata.grid.make.make_grid`.
    cap_m
        Distances to a boundary are exact up to here.

    Raises
    ------
    InvalidDataError
        If a layer is broken, or a community belongs to no street.
    """
    drawn_districts = _make_optional(districts, "districts", "district_code")
    street_layer = _make_layer(streets, "streets", "street_code")
    district_codes, parent = _find_districts(street_layer, streets, drawn_districts)
    street_layer = replace(street_layer, parent=parent)
    community_layer = _make_optional(communities, "communities", "community_code")
    if community_layer is not None:
        parent = _find_parents(community_layer, communities, street_layer)
        community_layer = replace(community_layer, parent=parent)
    crs = metric_crs or _guess_metric_crs(streets)
    if cells is not None and len(cells):
        grid = Grid.from_cells(cells, key="cell_code", metric_crs=crs)
    else:
        options = {"cell_m": cell_m, "previous": previous_grid, "valid_from": valid_from}
        grid = _make_cells(street_layer, community_layer, metric_crs=crs, **options)
    areas = pd.Index(grid.area_codes, dtype="str")
    return Territory(
        version=version or hash_streets(street_layer.index),
        streets=street_layer,
        districts=drawn_districts,
        district_codes=district_codes,
        communities=community_layer,
        grid=grid,
        street_cells=_look_up(areas, street_layer.codes),
        community_cells=_look_up(areas, community_layer.codes if community_layer else []),
        exceptions=None if _is_empty(exceptions) else make_exceptions(exceptions),
        extent=None if extent is None else make_extent(extent),
        cap_m=cap_m,
    )


def _is_empty(layer: gpd.GeoDataFrame | None) -> bool:
    return layer is None or layer.empty


def _make_optional(layer: gpd.GeoDataFrame | None, name: str, key: str) -> AreaLayer | None:
    return None if _is_empty(layer) else _make_layer(layer, name, key)


def make_extent(extent: gpd.GeoDataFrame | shapely.Geometry) -> AreaIndex:
    """Return the index of an extent; its polygons may overlap, and are repaired, as only in or out counts.

    Raises
    ------
    InvalidDataError
        If there is no polygon in it, or its CRS is not EPSG:4326.
    """
    if isinstance(extent, shapely.Geometry):
        given = np.array([extent], dtype=object)
    else:
        check_areal_frame(extent, None, layer="extent")
        given = extent.geometry.dropna().to_numpy()
    shapes = keep_polygons(shapely.make_valid(given))
    shapes = shapes[~shapely.is_empty(shapes)]
    return AreaIndex.build(shapes, [f"{row:06d}" for row in range(len(shapes))], layer="extent")


def hash_streets(index: AreaIndex) -> str:
    """Return a version name from the content of a layer: equal boundaries, equal name."""
    return sha256(index.content_hash.encode()).hexdigest()[:VERSION_DIGITS]


def _make_layer(layer: gpd.GeoDataFrame, name: str, key: str) -> AreaLayer:
    check_areal_frame(layer, key, layer=name)
    codes = layer[key].astype("str")
    index = AreaIndex.build(layer.geometry.to_numpy(), codes.to_list(), layer=name)
    order = np.argsort(codes.to_numpy(dtype=np.str_), kind="stable")
    names = layer["name"] if "name" in layer.columns else codes
    frame = gpd.GeoDataFrame(
        {"code": codes.to_numpy()[order], "name": names.astype("str").to_numpy()[order]},
        geometry=layer.geometry.to_numpy()[order],
        crs=layer.crs,
    )
    return AreaLayer(frame=frame, index=index, parent=np.empty(0, dtype=np.int32))


def _sorted_column(
    layer: AreaLayer, source: gpd.GeoDataFrame, key: str, *, column: str
) -> pd.Series:
    """Return a column of the source in the order of the layer, all missing where there is none."""
    if column not in source.columns:
        return pd.Series(pd.NA, index=layer.frame.index, dtype="str")
    order = np.argsort(source[key].astype("str").to_numpy(dtype=np.str_), kind="stable")
    values = source[column].astype("str").iloc[order].reset_index(drop=True)
    return values.where(values.str.strip() != "")


def _look_up(known: pd.Index, codes: object) -> PositionArray:
    found: PositionArray = known.get_indexer(pd.Index(codes, dtype="str")).astype(np.int32)
    return found


def _find_districts(
    layer: AreaLayer, streets: gpd.GeoDataFrame, districts: AreaLayer | None
) -> tuple[pd.api.extensions.ExtensionArray, PositionArray]:
    """Return all district codes (those with polygons first) and each street's place among them."""
    named = _sorted_column(layer, streets, "street_code", column="district_code")
    official = pd.Series(layer.codes).str.fullmatch(rf"\d{{{STREET_DIGITS}}}")
    prefix = pd.Series(layer.codes).str[:DISTRICT_DIGITS].where(official)
    codes = named.fillna(prefix)
    drawn = pd.Index(districts.codes if districts else [], dtype="str")
    if districts is not None:
        # A column of names, or digits of a code that is no district, says nothing: look at the map.
        unknown = ~codes.isin(drawn)
        lies_in = _locate_inside(layer, districts)
        seen = pd.Series(drawn.array.take(lies_in, allow_fill=True))
        codes = codes.where(~unknown | seen.isna(), seen)
    everything = drawn.append(pd.Index(codes.dropna().unique(), dtype="str").difference(drawn))
    return pd.array(everything, dtype="str"), _look_up(everything, codes)


def _find_parents(
    layer: AreaLayer, communities: gpd.GeoDataFrame, streets: AreaLayer
) -> PositionArray:
    """Return each community's street: by its column, by its code, by where it lies."""
    known = pd.Index(streets.codes)
    parent = _look_up(
        known, _sorted_column(layer, communities, "community_code", column="street_code")
    )
    by_code = _look_up(known, pd.Series(layer.codes).str[:STREET_DIGITS])
    parent = np.where(parent >= 0, parent, by_code)
    parent = np.where(parent >= 0, parent, _locate_inside(layer, streets))
    lost = np.flatnonzero(parent < 0)
    if len(lost):
        raise InvalidDataError(
            [
                Problem(
                    file="communities",
                    field=f"feature with code {layer.codes[row]}",
                    problem="belongs to no street of the streets layer",
                    expected="a code or column naming its street, or a place inside one",
                )
                for row in lost
            ]
        )
    return parent.astype(np.int32)


def _locate_inside(layer: AreaLayer, parents: AreaLayer) -> PositionArray:
    """Return the parent that holds a point inside each area, -1 = none."""
    points = shapely.point_on_surface(shapely.make_valid(layer.frame.geometry.to_numpy()))
    found: PositionArray = parents.index.locate_positions(
        shapely.get_x(points), shapely.get_y(points)
    )
    return found


def _make_cells(streets: AreaLayer, communities: AreaLayer | None, **options: Any) -> Grid:
    """Return the grid of communities and of the streets that have none; options as for make_grid."""
    if communities is None:
        return make_grid(streets.frame, key="code", index=streets.index, **options)
    bare = ~np.isin(np.arange(len(streets.frame)), communities.parent)
    if not bare.any():
        return make_grid(communities.frame, key="code", index=communities.index, **options)
    areas = pd.concat([communities.frame, streets.frame[bare]], ignore_index=True)
    return make_grid(areas, key="code", **options)


def _guess_metric_crs(streets: gpd.GeoDataFrame) -> str:
    zone: str = streets.estimate_utm_crs().to_string()
    return zone
