"""Coordinates of an export → degrees in EPSG:4326 inside the city's extent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.datum import Datum, convert, guess_datum
from gridgov.reading.faults import RowFaults

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST_POINTS = 10
"""Fewer points say nothing about the datum of a file."""


@dataclass(frozen=True, kw_only=True)
class PointRules:
    """How coordinates are read: their datum, and the area in which the city can be."""

    datum: Datum
    extent: Any


def read_points(
    lon: pd.Series, lat: pd.Series, rules: PointRules, faults: RowFaults
) -> tuple[Floats, Floats]:
    """Return lon and lat (n,) in EPSG:4326, NaN where there is no point that can be used.

    Every point given and not used is noted: no number, no place on earth, outside the city. A point that
    lies in the city only when lon and lat change places is used so, and noted.
    """
    x, y = _read_numbers(lon, faults), _read_numbers(lat, faults)
    given = pd.Series(_pair(lon, lat), index=lon.index, name="lon lat")
    half = np.isnan(x) != np.isnan(y)
    faults.rows(given, half, "has only one of lon and lat; not used", expected="both")
    usable = ~np.isnan(x) & ~np.isnan(y)
    zero = usable & (x == 0) & (y == 0)
    faults.rows(given, zero, "0, 0 is a missing point, not a place; not used")
    usable &= ~zero
    raw_x, raw_y = np.where(usable, x, np.nan), np.where(usable, y, np.nan)
    x, y = convert(raw_x, raw_y, source=rules.datum, target=Datum.WGS84)
    inside = find_inside(rules.extent, x, y)
    swapped = _find_swapped(raw_y, raw_x, usable & ~inside, rules)
    if swapped.any():
        faults.rows(
            given, swapped, "lon and lat stand in each other's place; read so", expected="lon, lat"
        )
        new_x, new_y = convert(
            raw_y[swapped], raw_x[swapped], source=rules.datum, target=Datum.WGS84
        )
        x[swapped], y[swapped] = new_x, new_y
    outside = usable & ~inside & ~swapped
    faults.rows(
        given, outside, "lies outside the city; not used", expected="a point inside its extent"
    )
    _note_datum(raw_x, raw_y, outside, rules, faults)
    return np.where(outside, np.nan, x), np.where(outside, np.nan, y)


def find_inside(extent: Any, x: Floats, y: Floats) -> Bools:
    """Tell which points lie in a geometry; NaN does not."""
    if extent is None:
        inside: Bools = ~np.isnan(x)
        return inside
    west, south, east, north = shapely.bounds(extent)
    near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
    found = np.zeros(x.shape, dtype=bool)
    shapely.prepare(extent)
    found[near] = shapely.intersects_xy(extent, x[near], y[near])
    return found


def _read_numbers(values: pd.Series, faults: RowFaults) -> Floats:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    given = values.notna().to_numpy(dtype=bool)
    if not pd.api.types.is_numeric_dtype(values):
        given = given & (values.astype("str").str.strip() != "").to_numpy(dtype=bool)
    wrong = given & (np.isnan(numbers) | (np.abs(numbers) > 180))
    faults.rows(values, wrong, "is no coordinate; not used", expected="degrees such as 116.40738")
    found: Floats = np.where(wrong, np.nan, numbers)
    return found


def _pair(lon: pd.Series, lat: pd.Series) -> pd.Series:
    return lon.astype("str").fillna("") + ", " + lat.astype("str").fillna("")


def _find_swapped(x: Floats, y: Floats, suspects: Bools, rules: PointRules) -> Bools:
    """Tell which suspects lie in the city with lon and lat exchanged (`x` and `y` are, here)."""
    found = np.zeros(x.shape, dtype=bool)
    if rules.extent is None:
        return found
    at = np.flatnonzero(suspects & (np.abs(y) <= 90))
    moved_x, moved_y = convert(x[at], y[at], source=rules.datum, target=Datum.WGS84)
    found[at] = find_inside(rules.extent, moved_x, moved_y)
    return found


def _note_datum(x: Floats, y: Floats, outside: Bools, rules: PointRules, faults: RowFaults) -> None:
    """Say so where the points fit the city better in another datum, or hardly fit it at all."""
    count = int((~np.isnan(x)).sum())
    if rules.extent is None or count < LEAST_POINTS:
        return
    fault = guess_datum(x, y, rules.extent).explain(rules.datum)
    if fault:
        faults.whole(
            fault,
            "check [appeals] datum, lon and lat; or is this another city's file? "
            f"{outside.sum()} of {count} points are not used",
            field="lon lat",
            value=str(rules.datum),
        )
