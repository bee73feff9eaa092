"""Errors of geodata: a class exists only if somebody catches it or its exit differs."""

from geodata.problems import Problem


class GeodataError(Exception):
    """Root of every error that geodata raises on purpose."""


class InvalidDataError(GeodataError):
    """Input files are wrong; ``problems`` holds every fault found, not only the first.

    Attributes
    ----------
    problems
        All faults, in the order in which they were found.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UndeclaredSystemError(InvalidDataError):
    """Nothing says in which system a layer is: neither its file nor who reads it."""
