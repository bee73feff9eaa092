"""The history of boundary sets.

In go sets of areas with the day they are valid from; out come the set in force on a day and the register of
what was loaded, checked, accepted, activated and replaced. Nothing is ever deleted.
"""

from geodata.versions.register import BoundarySet, Step, VersionState, find_versions
from geodata.versions.store import VersionStore

__all__ = ["BoundarySet", "Step", "VersionState", "VersionStore", "find_versions"]
