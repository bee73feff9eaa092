"""A metric projection compiled for one region: piecewise cubics, micrometres off, no PROJ in the loop.

PROJ projects 2–3 million points a second; the area index answers tens of millions. A map projection is
smooth, so over a tile of a quarter of a degree a cubic in lon and lat follows it to about 1e-5 m. The
error is measured at build and carried along, and whoever needs more asks PROJ for the doubtful few.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from geodata.crs import to_metric
from geodata.errors import GeodataError

FloatArray = npt.NDArray[np.float64]

TILE_DEG = 0.25
MOST_TILES = 128
"""Tiles per axis; a wider region takes wider tiles and carries a larger ``error_m``."""
TERMS = 10
FIT_NODES = 6
CHECK_NODES = 7
ERROR_MARGIN = 4.0
"""Factor on the largest error seen at the check nodes: the maximum lies between them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FastProjection:
    """Compiled projection of a region of lon, lat (EPSG:4326) to metres.

    Attributes
    ----------
    metric_crs
        The metric system that it follows.
    frame
        ``(west, south, 1 / tile width, 1 / tile height, half width, half height)`` in degrees, float64.
    shape
        ``(columns, rows)`` of tiles.
    coefficients
        float64, shape (tiles, 2, :data:`TERMS`): x and y as cubics of the place in the tile (-1 … 1).
    error_m
        Bound on the distance to PROJ's answer inside the region, in metres.
    """

    metric_crs: str
    frame: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]
    coefficients: FloatArray
    error_m: float

    def project(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return metres ``(x, y)`` of degrees inside the region; NaN stays NaN."""
        lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
        x, y = np.empty_like(lon), np.empty_like(lat)
        _project_many((lon, lat), self.frame, self.shape, self.coefficients, (x, y))
        return x, y


def make_fast_projection(
    bounds: tuple[float, float, float, float], metric_crs: str
) -> FastProjection:
    """Fit `metric_crs` over `bounds` = (west, south, east, north) in degrees of EPSG:4326.

    Raises
    ------
    GeodataError
        If the system is not known, or is not defined everywhere inside `bounds`.
    """
    west, south, east, north = bounds
    columns, width = _divide(east - west)
    rows, height = _divide(north - south)
    frame = (west, south, 1 / width, 1 / height, width / 2, height / 2)
    centre_lon = west + (np.arange(columns * rows) % columns + 0.5) * width
    centre_lat = south + (np.arange(columns * rows) // columns + 0.5) * height
    centres = (np.asarray(centre_lon, np.float64), np.asarray(centre_lat, np.float64))
    half = (width / 2, height / 2)
    coefficients = _fit(centres, half, metric_crs)
    error_m = _measure(centres, half, metric_crs, coefficients=coefficients)
    return FastProjection(
        metric_crs=metric_crs,
        frame=frame,
        shape=(columns, rows),
        coefficients=coefficients,
        error_m=error_m,
    )


def _divide(span: float) -> tuple[int, float]:
    """Return the number of tiles and their width that cover `span` degrees."""
    count = min(MOST_TILES, max(1, int(np.ceil(span / TILE_DEG))))
    return count, max(span, 1e-9) / count


def _terms(u: FloatArray, v: FloatArray) -> FloatArray:
    """Return the monomials of total degree ≤ 3 as columns, in the order that the kernel reads."""
    one = np.ones_like(u)
    columns = [one, u, v, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v]
    return np.stack(columns, axis=-1)


def _sample(
    centres: tuple[FloatArray, FloatArray], half: tuple[float, float], nodes: FloatArray, crs: str
) -> tuple[FloatArray, FloatArray]:
    """Return the terms of a node pattern and PROJ's answer there, shape (tiles, nodes, 2)."""
    u, v = (array.ravel() for array in np.meshgrid(nodes, nodes))
    lon = centres[0][:, None] + u * half[0]
    lat = centres[1][:, None] + v * half[1]
    found = np.stack(to_metric(lon, lat, crs), axis=-1)
    if not np.isfinite(found).all():
        raise GeodataError(
            f"metric CRS {crs!r} is not defined at some places of the areas "
            f"(lon {lon.min():.3f}…{lon.max():.3f}, lat {lat.min():.3f}…{lat.max():.3f}); "
            "expected a system for this city, and coordinates in the order lon, lat"
        )
    return _terms(u, v), found


def _fit(centres: tuple[FloatArray, FloatArray], half: tuple[float, float], crs: str) -> FloatArray:
    """Return the least-squares cubics at Chebyshev nodes, shape (tiles, 2, terms)."""
    nodes = np.cos(np.pi * (np.arange(FIT_NODES) + 0.5) / FIT_NODES)
    terms, found = _sample(centres, half, nodes, crs)
    middle = found.mean(axis=1, keepdims=True)  # fit small numbers, add the large one back
    solved = np.einsum("tn,knc->kct", np.linalg.pinv(terms), found - middle)
    solved[:, :, 0] += middle[:, 0, :]
    return np.ascontiguousarray(solved)


def _measure(
    centres: tuple[FloatArray, FloatArray],
    half: tuple[float, float],
    crs: str,
    *,
    coefficients: FloatArray,
) -> float:
    """Return the bound on the error, from nodes that the fit has not seen (the tiles' rims among them)."""
    terms, found = _sample(centres, half, np.linspace(-1, 1, CHECK_NODES), crs)
    off = np.einsum("nt,kct->knc", terms, coefficients) - found
    ulp = np.spacing(np.abs(found).max()) * TERMS
    return float(np.hypot(off[..., 0], off[..., 1]).max() * ERROR_MARGIN + ulp)


@njit(cache=True, inline="always")  # pragma: no cover - compiled
def project_one(
    lon: float,
    lat: float,
    frame: tuple[float, float, float, float, float, float],
    shape: tuple[int, int],
    coefficients: FloatArray,
) -> tuple[float, float]:
    """Return metres of one point; a point beyond the region takes the nearest tile's cubic."""
    column = min(max(int((lon - frame[0]) * frame[2]), 0), shape[0] - 1)
    row = min(max(int((lat - frame[1]) * frame[3]), 0), shape[1] - 1)
    u = (lon - frame[0]) / frame[4] - (2 * column + 1)
    v = (lat - frame[1]) / frame[5] - (2 * row + 1)
    a = coefficients[row * shape[0] + column, 0]
    b = coefficients[row * shape[0] + column, 1]
    uu, uv, vv = u * u, u * v, v * v
    x = a[0] + (a[1] * u + a[2] * v + (a[3] * uu + a[4] * uv + a[5] * vv))
    x += uu * (a[6] * u + a[7] * v) + vv * (a[8] * u + a[9] * v)
    y = b[0] + (b[1] * u + b[2] * v + (b[3] * uu + b[4] * uv + b[5] * vv))
    y += uu * (b[6] * u + b[7] * v) + vv * (b[8] * u + b[9] * v)
    return x, y


@njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _project_many(
    points: tuple[FloatArray, FloatArray],
    frame: tuple[float, float, float, float, float, float],
    shape: tuple[int, int],
    coefficients: FloatArray,
    out: tuple[FloatArray, FloatArray],
) -> None:
    lon, lat = points[0].ravel(), points[1].ravel()
    x, y = out[0].ravel(), out[1].ravel()
    for i in range(lon.size):
        if np.isfinite(lon[i]) and np.isfinite(lat[i]):
            x[i], y[i] = project_one(lon[i], lat[i], frame, shape, coefficients)
        else:
            x[i], y[i] = np.nan, np.nan
