"""Which tasks fit into the capacities that there are, and when.

In come tasks with benefit, load and cost and what units can do a month (:func:`allocate`); out come starts, why not
each of the others, and what one more crew would bring (:func:`value_more_capacity`). Without capacities there is
only an order of urgency (:func:`order_by_urgency`).
"""

from planner.allocation.solve import (
    Allocation,
    AllocationError,
    Limits,
    WhyNot,
    allocate,
    order_by_urgency,
    value_more_capacity,
)

__all__ = [
    "Allocation",
    "AllocationError",
    "Limits",
    "WhyNot",
    "allocate",
    "order_by_urgency",
    "value_more_capacity",
]
