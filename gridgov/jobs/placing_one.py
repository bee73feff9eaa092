"""Where one appeal lies: the rules of ``placing`` for a single row, without building frames of one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS, PlaceLevel
from geodata.geocoder.locate import Geocoder
from geodata.territory.judge import Territory
from gridgov.jobs.placing import AREA_ONLY, NAMED_AREAS, NO_PLACE
from gridgov.rules.constants import Constants

NOWHERE: dict[str, Any] = dict.fromkeys((*PLACE_COLUMNS, *JURISDICTION_COLUMNS))


def find_point(lon: float, lat: float, constants: Constants) -> dict[str, Any]:
    """Return the place of a point that is given, EPSG:4326, ``PLACE_COLUMNS`` by name."""
    return {
        "lon": lon,
        "lat": lat,
        "place_level": PlaceLevel.POINT.value,
        "uncertainty_m": constants.number("dispatch.point_uncertainty_m"),
        "matched": None,
        "score": 1.0,
        "place_problem": None,
    }


def find_address(address: str | None, get_geocoder: Callable[[], Geocoder]) -> dict[str, Any]:
    """Return the place of an address, ``PLACE_COLUMNS`` by name; without one it has no place.

    The geocoder is asked for only where there is an address to place: compiling it takes a while.
    """
    if address is None:
        return dict.fromkeys(PLACE_COLUMNS) | {"place_problem": NO_PLACE}
    return _get_row(get_geocoder().locate(pd.Series([address], dtype="str")))


def judge_place(
    place: dict[str, Any], get_territory: Callable[[], Territory], constants: Constants
) -> dict[str, Any]:
    """Return where a place lies, ``JURISDICTION_COLUMNS`` by name, None where there is nothing to say.

    See :func:`gridgov.jobs.placing.judge_places` for what a place of each level does not say.
    """
    if place["lon"] is None:
        return dict.fromkeys(JURISDICTION_COLUMNS)
    radius = place["uncertainty_m"]
    found = get_territory().judge_point(place["lon"], place["lat"], radius)
    level = place["place_level"]
    for name in AREA_ONLY.get(level, ()):
        found[name] = None
    if radius is not None and radius > constants.number("dispatch.cell_uncertainty_max_m"):
        found["cell_code"] = None
    if level in {*NAMED_AREAS, PlaceLevel.DISTRICT.value}:
        found["boundary_m"] = None
    if found["street_code"] is None:
        found["confidence"] = None
    elif level in NAMED_AREAS and found["confidence"] is not None:
        least = constants.number("dispatch.named_area_confidence")
        found["confidence"] = max(found["confidence"], least)
    return found


def _get_row(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the only row of a frame as plain values."""
    row: dict[str, Any] = {}
    for name in frame.columns:
        value = frame[name].array[0]
        if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN alone
            row[name] = None
        else:
            row[name] = value.item() if isinstance(value, np.generic) else value
    return row
