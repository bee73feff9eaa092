"""Names → things.

In go tables of addresses, places, roads and areas of a city; out come the arrays that the geocoder reads:
names with what bears them, roads with their numbers, areas within areas, names that look or sound alike.
"""

from geodata.gazetteer.array_file import GazetteerFileError
from geodata.gazetteer.records import GazetteerSource

__all__ = ["GazetteerFileError", "GazetteerSource"]
