"""Named tuples of arrays handed to compiled functions by one pointer instead of by value.

A compiled call copies every array of a tuple that it is given and counts references to each of them, twice. A
geocoder's index is some sixty arrays; on one address these copies cost more than the work itself. A borrowed
tuple is a pointer to the tuple: its fields are read where they are used, and no reference is counted, because
whoever lent it holds the arrays until the call is over.

This stands on parts of numba that it does not promise. With a numba that has them otherwise, or that came later than
those tried, the tuple itself is handed on: the same answers, slower.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numba

from geodata.kernels.tried import is_tried


@numba.extending.register_jitable
def hand_on(thing: Any) -> Any:
    """Return `thing` itself."""
    return thing


def choose_borrow(version: str) -> Callable[[Any], Any]:
    """Return what lends a tuple with this numba: a pointer to it, or :func:`hand_on`."""
    if not is_tried(version):
        return hand_on
    try:
        lending = import_module("geodata.kernels.lending")
        lending.check_numba()
    except (ImportError, AttributeError, TypeError, NotImplementedError):
        return hand_on
    lend: Callable[[Any], Any] = lending.lend
    return lend


borrow: Callable[[Any], Any] = choose_borrow(numba.__version__)
"""Return a named tuple of arrays as a pointer to it; only compiled code can call this.

Borrow what the function was given as an argument, never what it made itself: a local tuple is freed after the last
line that names it, borrowed or not. What is borrowed must not be returned.
"""
