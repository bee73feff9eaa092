"""Duty lists as a graph: who must do what for a scene, in which order, and what is wrong with the lists.

In come units, duties, dependencies and the catalogue of a day; out go the duties of an item at a place with their
schedule, and faults: duties that nobody holds, two leads, circles, one unit on which all waits, orders that bounce.
Each check is a module of its own; what others call is named here.
"""

from gridgov.rules.duties.bounces import (
    TRANSFER_COLUMNS,
    Bounces,
    find_bounces,
    find_place_units,
    find_solvers,
)
from gridgov.rules.duties.checks import DutyFault, check_duties, find_scene_faults
from gridgov.rules.duties.cover import Cover, find_smallest_cover
from gridgov.rules.duties.graph import (
    DEPENDENCY_COLUMNS,
    DUTY_COLUMNS,
    DutyGraph,
    DutyItem,
    Unit,
    make_duty_graph,
)
from gridgov.rules.duties.lookup import find_code, find_item, find_street
from gridgov.rules.duties.practice import find_practice
from gridgov.rules.duties.problems import duty_problems
from gridgov.rules.duties.schedule import Schedule, make_schedule
from gridgov.rules.duties.unit_load import find_pressure

__all__ = [
    "DEPENDENCY_COLUMNS",
    "DUTY_COLUMNS",
    "TRANSFER_COLUMNS",
    "Bounces",
    "Cover",
    "DutyFault",
    "DutyGraph",
    "DutyItem",
    "Schedule",
    "Unit",
    "check_duties",
    "duty_problems",
    "find_bounces",
    "find_code",
    "find_item",
    "find_place_units",
    "find_practice",
    "find_pressure",
    "find_scene_faults",
    "find_smallest_cover",
    "find_solvers",
    "find_street",
    "make_duty_graph",
    "make_schedule",
]
