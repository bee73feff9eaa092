"""Point → area, exact and at the speed of memory.

In go polygons with codes, then degrees in EPSG:4326; out come for each point the lowest code of the areas
that hold it, how far the nearest boundary is, what lies across it, and how probable each area is when the
point itself is uncertain.
"""

from geodata.areas.build import find_only_area
from geodata.areas.certainty import SIGMAS, area_probabilities
from geodata.areas.index import DEFAULT_CAP_M, AreaIndex
from geodata.areas.kernels import locate_points
from geodata.areas.store import IndexFileError

__all__ = [
    "DEFAULT_CAP_M",
    "SIGMAS",
    "AreaIndex",
    "IndexFileError",
    "area_probabilities",
    "find_only_area",
    "locate_points",
]
