"""Duty lists as a graph: who must do what for a scene, in which order, and what is wrong with the lists.

In come units, duties, dependencies and the catalogue of a day; out go the duties of an item at a place with their
schedule, and faults: duties that nobody holds, two leads, circles, one unit on which all waits, orders that bounce.
Each check is a module of its own and imported by name.
"""
