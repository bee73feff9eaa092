"""Whether one order may go into another (并单): only what can be one thing, and only into what goes on.

Each appellant keeps a callback of their own whatever was merged (``transitions``); so what is merged wrongly would tell
a person of something else than they called about.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gridgov.rules.orders.transitions import OrderState

GOING_ON = frozenset(
    {
        OrderState.RECEIVED,
        OrderState.NEEDS_INFORMATION,
        OrderState.DISPATCHED,
        OrderState.ACCEPTED,
        OrderState.CONTACTED,
        OrderState.HANDLING,
        OrderState.WHISTLED,
        OrderState.RAISED,
        OrderState.SUPERVISED,
        OrderState.SUSPENDED,
        OrderState.REOPENED,
    }
)
"""States of an order into which another may go: its answer is still to come."""
DEGREE_M = 111_320.0
"""Metres of a degree of latitude."""


@dataclass(frozen=True, kw_only=True)
class MergeSide:
    """What must fit of an order that is merged, or into which one is.

    Parameters
    ----------
    order_no, state, merged_into
        Which, where it stands, and into what it went itself.
    street_code, level1_code
        Street and level-1 item; empty where not known.
    lon, lat, uncertainty_m
        Place, degrees EPSG:4326, with the radius that holds it nine times in ten; None where not known.
    """

    order_no: str
    state: OrderState
    merged_into: str = ""
    street_code: str = ""
    level1_code: str = ""
    lon: float | None = None
    lat: float | None = None
    uncertainty_m: float = 0.0


@dataclass(frozen=True, kw_only=True)
class MergePair:
    """An order, the one into which it would go, and names of items for the words of a refusal."""

    order: MergeSide
    target: MergeSide
    item_names: Mapping[str, str] = field(default_factory=dict)


def find_merge_fault(pair: MergePair, *, far_m: float) -> str:
    """Return why one order cannot go into another, empty where it can.

    Parameters
    ----------
    far_m
        Two exact places further apart are not one; the uncertainty of both is added.
    """
    order, target = pair.order, pair.target
    if target.state is OrderState.MERGED:
        return f"order {target.order_no} is merged itself; merge into {target.merged_into}"
    if target.state not in GOING_ON:
        return (
            f"order {target.order_no} is {target.state}; expected one whose answer is still to come: "
            "let this one go on by itself, under the same issue"
        )
    if order.street_code and target.street_code and order.street_code != target.street_code:
        return (
            f"order {target.order_no} lies in street {target.street_code}, this one in {order.street_code}; "
            "two streets are not one place: correct the place of one first"
        )
    if order.level1_code and target.level1_code and order.level1_code != target.level1_code:
        names = [pair.item_names.get(one.level1_code, one.level1_code) for one in (order, target)]
        return (
            f"this order is of {names[0]}, order {target.order_no} of {names[1]}; "
            "two matters are not one: correct the item of one first"
        )
    apart = _measure(order, target)
    allowed = far_m + order.uncertainty_m + target.uncertainty_m
    if apart is not None and apart > allowed:
        return (
            f"order {target.order_no} is {round(apart)} m away, more than the {round(allowed)} m within which two "
            "places may be one"
        )
    return ""


def _measure(one: MergeSide, other: MergeSide) -> float | None:
    """Return the distance in metres on a plane at the place: exact enough for some kilometres."""
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    east = (other.lon - one.lon) * math.cos(math.radians((one.lat + other.lat) / 2))
    return math.hypot(east, other.lat - one.lat) * DEGREE_M
