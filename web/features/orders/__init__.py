"""The orders: list, one order with every action, new appeals, pins, merging, exclusions, export, live changes.

In come filters of the address and forms; out go pages. What may be done is decided by the rules and services.
"""

from web.features.orders.filters import SOON

__all__ = ["SOON"]
