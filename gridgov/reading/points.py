"""Coordinates of an export → degrees in EPSG:4326 inside the city's extent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.datum import Datum, convert
from gridgov.reading.faults import RowFaults

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_SHARE = 0.5
"""With more than this share of points outside, the file as a whole is suspect."""
SLIGHT_SHARE = 0.005
"""A wrong datum moves points by 300–700 m: in a large city only few cross its border, but more than this."""
SAMPLE = 20_000


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
    _note_datum(raw_x, raw_y, (usable, outside), rules, faults)
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


def _note_datum(
    x: Floats, y: Floats, masks: tuple[Bools, Bools], rules: PointRules, faults: RowFaults
) -> None:
    """Say so where many points are outside, and which datum would fit."""
    usable, outside = masks
    count = int(usable.sum())
    share = outside.sum() / count if count else 0.0
    if count < 10 or share < SLIGHT_SHARE:
        return
    step = max(1, count // SAMPLE)
    at = np.flatnonzero(usable)[::step]
    shares = {}
    for datum in (Datum.WGS84, Datum.GCJ02, Datum.BD09):
        moved = convert(x[at], y[at], source=datum, target=Datum.WGS84)
        shares[datum] = 1.0 - find_inside(rules.extent, *moved).mean()
    best = min(shares, key=lambda datum: shares[datum])
    fits = best != rules.datum and shares[best] < share / 4
    if not fits and share < MOST_SHARE:
        return
    expected = (
        f'with datum {best} only {shares[best]:.1%} would be outside: check [appeals] datum = "{best}"'
        if fits
        else "no known datum fits: is this another city's file, or are its columns mixed up?"
    )
    faults.whole(
        f"{share:.1%} of {count} points lie outside the city when read as {rules.datum}",
        expected,
        field="lon lat",
        value=str(rules.datum),
    )
