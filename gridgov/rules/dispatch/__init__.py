"""Dispatch: who gets an order, how, until when and why.

In come located appeals with item and kind, and the book of a city: units, catalogue, constants, duty list, each in the
versions of their days. Out go unit, route, grade, whether a person must look, sentences that say why, and both
deadlines. One order and a table of them are given to the same rule.
"""

from gridgov.rules.dispatch.book import DispatchBook
from gridgov.rules.dispatch.deadlines import (
    GradeLimit,
    find_deadlines,
    find_states,
    make_deadlines,
    move_deadline,
)
from gridgov.rules.dispatch.decision import Decision, Named, decide, dispatch
from gridgov.rules.dispatch.routes import Route

__all__ = [
    "Decision",
    "DispatchBook",
    "GradeLimit",
    "Named",
    "Route",
    "decide",
    "dispatch",
    "find_deadlines",
    "find_states",
    "make_deadlines",
    "move_deadline",
]
