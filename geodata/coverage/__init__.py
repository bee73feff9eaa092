"""Whether a set of boundaries is whole.

In go one or two layers of areas; out come every overlap, gap, sliver and wrong nesting with its place and
size, and a proposal that mends the small ones.
"""

from geodata.coverage.check import CoverageReport, check_coverage, prepare_polygons
from geodata.coverage.claims import SharedGround, find_shared_ground
from geodata.coverage.repair import RepairProposal, propose_repair

__all__ = [
    "CoverageReport",
    "RepairProposal",
    "SharedGround",
    "check_coverage",
    "find_shared_ground",
    "prepare_polygons",
    "propose_repair",
]
