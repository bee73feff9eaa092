"""The Python API: a city in a few lines of a notebook, frames in and frames out.

In come a city pack and files or frames of appeals and orders; out come frames of places, orders, hotspots, surges and
tasks, and the plans themselves. Nothing is written and no database is asked. How it is used: ``docs/python.md``.
"""

from planner.api.facade import City, PlansFound
from planner.api.stages import show_stages

__all__ = ["City", "PlansFound", "show_stages"]
