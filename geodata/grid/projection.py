"""A metric projection compiled for one region: quintics, micrometres off, no PROJ in the loop.

PROJ projects 2–3 million points a second; the area index answers a hundred million. A map projection is
smooth, so over a tile of two degrees a polynomial of degree five in lon and lat follows it to about
1e-6 m. A city is one tile, and its polynomial is worked out for several points at a time. The error is
measured at build and carried along, and whoever needs more asks PROJ for the doubtful few.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.crs import to_metric
from geodata.errors import GeodataError
from geodata.kernels import inner_kernel, kernel, make_kernel

FloatArray = npt.NDArray[np.float64]
Compiled = tuple[Any, ...]

TILE_DEG = 2.0
MOST_TILES = 32
"""Tiles per axis; a wider region takes wider tiles and carries a larger ``error_m``."""
DEGREE = 5
TERMS = (DEGREE + 1) * (DEGREE + 2) // 2
FIT_NODES = 12
CHECK_NODES = 13
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
        float64, shape (tiles, 2, :data:`TERMS`): x and y as polynomials of the place in the tile (-1 … 1).
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
        project_into((lon.ravel(), lat.ravel()), self.compiled, (x.ravel(), y.ravel()))
        outside = ~(np.isfinite(lon) & np.isfinite(lat))
        x[outside], y[outside] = np.nan, np.nan
        return x, y

    @cached_property
    def compiled(self) -> Compiled:
        """What kernels take: frame, shape, the first tile's polynomials, those of all tiles."""
        coefficients = self.coefficients.view()
        coefficients.flags.writeable = False  # one type for the kernels, compiled once
        first = tuple(tuple(axis) for axis in coefficients[0].tolist())
        return tuple(map(float, self.frame)), tuple(map(int, self.shape)), first, coefficients


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
    """Return the monomials ``u**j v**k`` as columns, by k, then j: the order that the kernel reads."""
    powers = [(j, k) for k in range(DEGREE + 1) for j in range(DEGREE + 1 - k)]
    return np.stack([u**j * v**k for j, k in powers], axis=-1)


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
    """Return the least-squares polynomials at Chebyshev nodes, shape (tiles, 2, terms)."""
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


@make_kernel(inline="always")  # pragma: no cover - compiled
def _evaluate(u, v, c):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Return the polynomial with coefficients `c` by Horner's rule in u within Horner's rule in v."""
    a0 = c[0] + u * (c[1] + u * (c[2] + u * (c[3] + u * (c[4] + u * c[5]))))
    a1 = c[6] + u * (c[7] + u * (c[8] + u * (c[9] + u * c[10])))
    a2 = c[11] + u * (c[12] + u * (c[13] + u * c[14]))
    a3 = c[15] + u * (c[16] + u * c[17])
    a4 = c[18] + u * c[19]
    return a0 + v * (a1 + v * (a2 + v * (a3 + v * (a4 + v * c[20]))))


@inner_kernel  # pragma: no cover - compiled
def _project_tile(points, frame, first, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled: its types are its callers' arrays
    """Project points of a region of one tile: no branch, no look-up, several points at a time."""
    lon, lat = points
    x, y = out
    along_x, along_y = first
    centre_x, centre_y = frame[0] + frame[4], frame[1] + frame[5]
    scale_x, scale_y = 1 / frame[4], 1 / frame[5]
    for i in range(lon.size):
        u, v = (lon[i] - centre_x) * scale_x, (lat[i] - centre_y) * scale_y
        x[i] = _evaluate(u, v, along_x)
        y[i] = _evaluate(u, v, along_y)


@kernel  # pragma: no cover - compiled
def project_into(points, projection, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled: its types are its callers' arrays
    """Write metres of degrees; a point beyond the region takes the nearest tile's polynomial.

    Parameters
    ----------
    points
        Longitudes and latitudes, each of shape (n,).
    projection
        :attr:`FastProjection.compiled`.
    out
        Where x and y go, each of shape (n,); anything where a coordinate is not finite.
    """
    frame, shape, first, coefficients = projection
    if shape[0] * shape[1] == 1:
        _project_tile(points, frame, first, out)
        return
    lon, lat = points
    x, y = out
    for i in range(lon.size):
        column = min(max(lon[i] - frame[0], 0.0) * frame[2], shape[0] - 1.0)
        row = min(max(lat[i] - frame[1], 0.0) * frame[3], shape[1] - 1.0)
        column, row = int(column), int(row)
        u = (lon[i] - frame[0]) / frame[4] - (2 * column + 1)
        v = (lat[i] - frame[1]) / frame[5] - (2 * row + 1)
        tile = coefficients[row * shape[0] + column]
        x[i], y[i] = _evaluate(u, v, tile[0]), _evaluate(u, v, tile[1])
