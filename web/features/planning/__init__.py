"""The planning desk: in come kept runs, plans and reports; out go streets, plans, hotspots and tasks with evidence."""

from web.features.planning.page import find_change
from web.features.planning.rows import make_plan_rows, make_spot_rows

__all__ = ["find_change", "make_plan_rows", "make_spot_rows"]
