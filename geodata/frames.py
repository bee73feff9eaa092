"""Column contracts of geodata: one place for the names that frames carry between rooms."""

from enum import StrEnum


class PlaceLevel(StrEnum):
    """How precisely a place is known, from best to worst."""

    POINT = "point"  # coordinates came with the appeal
    NUMBER = "number"  # house number, known or interpolated
    PLACE = "place"  # compound, building or named place
    INTERSECTION = "intersection"
    ROAD = "road"
    COMMUNITY = "community"
    STREET = "street"
    DISTRICT = "district"


PLACE_COLUMNS = ("lon", "lat", "place_level", "uncertainty_m", "matched", "score", "place_problem")
"""Answer of the geocoder, one row per address on the index of the addresses.

``lon lat`` float64 degrees EPSG:4326, NaN where unlocated · ``place_level`` :class:`PlaceLevel` value or
missing · ``uncertainty_m`` float64, radius that holds the true point in 90 % of cases · ``matched`` the
gazetteer entries used, readable · ``score`` 0–1 · ``place_problem`` why there is no place, else missing.
"""

JURISDICTION_COLUMNS = (
    "street_code",
    "district_code",
    "community_code",
    "cell_code",
    "exception_code",
    "boundary_m",
    "neighbour_code",
    "confidence",
)
"""Where a point lies: codes str or missing · ``boundary_m`` float64, distance to the nearest street
boundary in metres, capped · ``neighbour_code`` the street across it, of an uncertain place the most
probable other street · ``confidence`` 0–1, probability that
``street_code`` is right given the uncertainty of the point."""
