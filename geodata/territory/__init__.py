"""Who is in charge of a place.

In go the layers of one boundary version, then points with their uncertainty; out come street, district,
community, cell and exception of each point, the distance to the next street and the confidence, and what
changes between two versions.
"""

from geodata.territory.build import make_territory
from geodata.territory.changes import CHANGE_COLUMNS, Changes, rejudge
from geodata.territory.judge import NAMED, Territory
from geodata.territory.store import load_territory, save_territory

__all__ = [
    "CHANGE_COLUMNS",
    "NAMED",
    "Changes",
    "Territory",
    "load_territory",
    "make_territory",
    "rejudge",
    "save_territory",
]
