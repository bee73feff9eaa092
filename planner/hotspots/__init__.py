"""Where problems gather: hotspots of one item, of everything at a place, of one item in a whole area.

In come orders with cell, item and person, and the cells; out comes one frame of hotspots, each with what was expected,
how sure it is, its course in time and where it comes from, and the orders that each is about. What is expected stands
in ``background``, the tests in ``detect`` and ``areas``, the false-discovery control in ``fdr``.
"""

from planner.hotspots.cell_places import Places, count_addresses, spread_residents
from planner.hotspots.detect import Thresholds
from planner.hotspots.find import find_hotspot_orders, find_hotspots, find_to_govern
from planner.hotspots.temporal_patterns import find_patterns

__all__ = [
    "Places",
    "Thresholds",
    "count_addresses",
    "find_hotspot_orders",
    "find_hotspots",
    "find_patterns",
    "find_to_govern",
    "spread_residents",
]
