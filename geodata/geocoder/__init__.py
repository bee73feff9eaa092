"""Address → point.

In go the sources of a city once, then addresses; out come for each a point, how precisely it is known, the
radius that holds the truth in 90 % of cases (fitted on the city's own addresses), what was matched,
candidates and suggestions, or the reason why there is no place.
"""

from geodata.geocoder.build import Gazetteer, make_gazetteer
from geodata.geocoder.corrections import CORRECTION_COLUMNS, make_corrections
from geodata.geocoder.locate import CORRECTED_RADIUS_M, Geocoder

__all__ = [
    "CORRECTED_RADIUS_M",
    "CORRECTION_COLUMNS",
    "Gazetteer",
    "Geocoder",
    "make_corrections",
    "make_gazetteer",
]
