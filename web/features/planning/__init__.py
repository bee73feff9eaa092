"""The planning desk: in come kept runs, plans and reports; out go streets, plans, hotspots and tasks with evidence."""

from web.features.planning.rows import make_plan_rows, make_spot_rows

__all__ = ["make_plan_rows", "make_spot_rows"]
