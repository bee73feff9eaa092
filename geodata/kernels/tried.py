"""Versions of numba whose inner parts this folder was tried with."""

FIRST_UNTRIED = (0, 69)
"""Version of numba (major, minor) from which on its inner parts are left alone until somebody has tried."""


def is_tried(version: str) -> bool:
    """Tell whether numba's inner parts may be used in this version."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return (0, 0) < numbers < FIRST_UNTRIED
