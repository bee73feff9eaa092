"""Coordinate reference systems: storage in EPSG:4326, measuring in the city's metric system.

Axis order is lon, lat (x, y) everywhere, whatever the authority's own order.
"""

from functools import lru_cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from geodata.errors import GeodataError

FloatArray = npt.NDArray[np.float64]

LONGEST_EDGE_DEG = 0.0005
"""Longer edges get vertices before they are projected: 50 m straight in degrees bend by 0.05 mm."""

STORAGE_CRS = "EPSG:4326"


def check_metric_crs(metric_crs: str) -> str:
    """Return `metric_crs` if it is a projected system in metres.

    Raises
    ------
    GeodataError
        If it is not known, not projected, or not in metres.
    """
    crs = parse_crs(metric_crs)
    if not crs.is_projected:
        raise GeodataError(
            f"metric CRS {metric_crs!r} ({crs.name}) is not projected; "
            "expected a system in metres, e.g. EPSG:4548"
        )
    units = {axis.unit_name for axis in crs.axis_info}
    if units != {"metre"}:
        raise GeodataError(
            f"metric CRS {metric_crs!r} is in {', '.join(sorted(units))}; expected metres"
        )
    return metric_crs


def to_metric(
    lon: npt.ArrayLike, lat: npt.ArrayLike, metric_crs: str
) -> tuple[FloatArray, FloatArray]:
    """Return metres ``(x, y)`` in `metric_crs` of degrees in EPSG:4326; NaN stays NaN.

    A point where the projection is not defined becomes NaN.

    Raises
    ------
    GeodataError
        If `metric_crs` is not known.
    """
    return _transform(lon, lat, _get_transformer(STORAGE_CRS, metric_crs))


def from_metric(
    x: npt.ArrayLike, y: npt.ArrayLike, metric_crs: str
) -> tuple[FloatArray, FloatArray]:
    """Return degrees ``(lon, lat)`` in EPSG:4326 of metres in `metric_crs`; NaN stays NaN.

    Raises
    ------
    GeodataError
        If `metric_crs` is not known.
    """
    return _transform(x, y, _get_transformer(metric_crs, STORAGE_CRS))


def project(frame: gpd.GeoDataFrame, metric_crs: str) -> gpd.GeoDataFrame:
    """Return `frame` in `metric_crs`; a frame without a CRS is taken as EPSG:4326.

    Raises
    ------
    GeodataError
        If `metric_crs` is not known.
    """
    crs = parse_crs(metric_crs)
    placed = frame if frame.crs is not None else frame.set_crs(STORAGE_CRS)
    return placed.to_crs(crs)


def divide_long_edges(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return polygons in degrees with vertices on edges longer than :data:`LONGEST_EDGE_DEG`.

    An edge that is straight in degrees is an arc in metres: a vertex that a neighbour has on it would not
    lie on the straight line between its projected ends. The new vertices of an edge are the same floats
    whichever way it is walked, so that neighbours go on sharing it (GEOS's segmentize differs by rounding).
    A frame in a projected system comes back as it is.
    """
    if frame.crs is not None and not frame.crs.is_geographic:
        return frame
    shapes = np.array(frame.geometry.to_numpy(), dtype=object)
    for at in np.flatnonzero(np.isin(shapely.get_type_id(shapes), (3, 6))):
        step = np.abs(np.diff(shapely.get_coordinates(shapes[at]), axis=0))
        if step.size and (step > LONGEST_EDGE_DEG).any():
            parts = [_divide_polygon(part) for part in shapely.get_parts(shapes[at])]
            shapes[at] = (
                parts[0] if shapes[at].geom_type == "Polygon" else shapely.multipolygons(parts)
            )
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _divide_polygon(polygon: shapely.Polygon) -> shapely.Polygon:
    if polygon.is_empty:
        return polygon
    rings = [_divide_ring(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
    return shapely.Polygon(rings[0], rings[1:])


def _divide_ring(xy: FloatArray) -> shapely.LinearRing:
    pieces = np.ceil(np.abs(np.diff(xy, axis=0)).max(axis=1) / LONGEST_EDGE_DEG)
    pieces = np.where(np.isfinite(pieces), np.maximum(pieces, 1), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(pieces)), pieces)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start, end = xy[:-1][edge], xy[1:][edge]
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low = np.where(backwards[:, None], end, start)
    high = np.where(backwards[:, None], start, end)
    steps = np.where(backwards, pieces[edge] - place, place) / pieces[edge]
    points = low + (high - low) * steps[:, None]
    points = np.where((place == 0)[:, None], start, points)
    ring: shapely.LinearRing = shapely.linearrings(np.concatenate([points, xy[-1:]]))
    return ring


def _transform(
    x: npt.ArrayLike, y: npt.ArrayLike, transformer: Transformer
) -> tuple[FloatArray, FloatArray]:
    to_x, to_y = transformer.transform(
        np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    )
    to_x, to_y = np.asarray(to_x, dtype=np.float64), np.asarray(to_y, dtype=np.float64)
    defined = np.isfinite(to_x) & np.isfinite(to_y)  # PROJ answers inf where it has no answer
    return np.where(defined, to_x, np.nan), np.where(defined, to_y, np.nan)


@lru_cache(maxsize=32)
def _get_transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(parse_crs(source), parse_crs(target), always_xy=True)


@lru_cache(maxsize=32)
def parse_crs(text: str) -> CRS:
    """Return the coordinate system of a text such as ``EPSG:4548``.

    Raises
    ------
    GeodataError
        If it is not known.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise GeodataError(
            f"coordinate system {text!r} is not known; expected a code such as EPSG:4548"
        ) from error


def find_utm_crs(lon: float, lat: float) -> str:
    """Return the UTM zone (WGS84) of a point in degrees, without the exceptions of Norway and Svalbard.

    Examples
    --------
    >>> find_utm_crs(116.4, 39.9)
    'EPSG:32650'
    """
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}"
