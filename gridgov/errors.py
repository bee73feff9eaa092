"""Errors of gridgov: a class exists only if somebody catches it or its exit differs."""

from geodata.problems import Problem


class GridgovError(Exception):
    """Root of every error that gridgov raises on purpose."""


class CityError(GridgovError):
    """A city pack cannot be used; ``problems`` holds every fault of every file.

    Attributes
    ----------
    problems
        All faults, errors and warnings, in the order of the pack's files.
    """

    def __init__(self, city: str, problems: list[Problem]) -> None:
        self.city = city
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
