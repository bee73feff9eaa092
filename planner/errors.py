"""Errors of planner: a class exists only if somebody catches it or its exit differs."""


class PlannerError(Exception):
    """Root of every error that planner raises on purpose."""
