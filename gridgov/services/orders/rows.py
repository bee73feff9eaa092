"""Rows of orders and the values of the rules, both ways; what an order counts as; finding one by its number."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ConflictError, NotFoundError
from gridgov.rules.orders import needs as order_needs
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.city_runtime import CityRuntime
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.types import Instant

OUTCOMES: Mapping[OrderState, Outcome] = MappingProxyType(
    {
        OrderState.CLOSED_SOLVED: Outcome.SOLVED,
        OrderState.CLOSED_PARTLY: Outcome.PARTLY,
        OrderState.CLOSED_UNSOLVED: Outcome.UNSOLVED,
        OrderState.MERGED: Outcome.MERGED,
        OrderState.EXCLUDED: Outcome.EXCLUDED,
    }
)
"""What an order counts as in a state; in every other it is open."""

LOGGED = (
    "state",
    "unit_code",
    "bound_unit_code",
    "until",
    "merged_into",
    "outcome",
    "due_at",
    "contact_by",
    "grade",
    "item_code",
    "cell_code",
    "street_code",
    "route",
    "reasons",
    "review",
    "boundary_version",
    "extension_until",
    "extensions",
    "bounces",
    "handover_no",
    "calls_missed",
    "call_again_at",
    "clock_from",
    "state_at",
    "dispatched_at",
    "contacted_at",
    "replied_at",
    "replied_by",
    "closed_at",
)
"""Columns of an order whose change stands in the log, before and after: enough to take a step back."""


UNSENT = frozenset({OrderState.RECEIVED, OrderState.NEEDS_INFORMATION})
"""States in which nobody beside the desk has the order yet."""


AT_DESK = UNSENT | {OrderState.REOPENED}
"""States in which the desk must name a unit before anybody works."""


def find_outcome(state: OrderState) -> Outcome:
    """Return what an order counts as in a state."""
    return OUTCOMES.get(state, Outcome.OPEN)


def get_order(session: Session, order_no: str, *, seen_version: int | None = None) -> Order:
    """Return an order that the session may see.

    Raises
    ------
    NotFoundError
        There is none.
    ConflictError
        It has been changed since `seen_version`.
    """
    row = session.scalars(sa.select(Order).where(Order.order_no == order_no)).one_or_none()
    if row is None:
        raise NotFoundError("order", order_no)
    if seen_version is not None and row.version != seen_version:
        raise ConflictError("order", order_no, seen=seen_version, found=row.version)
    return row


def make_rule_order(row: Order, runtime: CityRuntime) -> order_needs.OrderFacts:
    """Return an order as the rules know it, with the units above its owner since it got where it is."""
    day = runtime.get_day(row.state_at)
    unit = runtime.get_unit(row.unit_code, day)
    return order_needs.OrderFacts(
        order_no=row.order_no,
        state=row.state,
        at=row.state_at,
        unit_code=row.unit_code,
        desk_code=row.desk_code,
        superior_codes=runtime.find_superiors(row.unit_code, day),
        bound_unit_code=row.bound_unit_code,
        until=row.until,
        merged_into=row.merged_into,
        replied_by=row.replied_by,
        unit_kind=unit.kind,
        unit_district_code=unit.district_code,
        street_code=row.street_code or "",
        due_at=None if row.due_at is None else row.due_at.astimezone(runtime.zone),
        extension_until=row.extension_until,
        extensions=row.extensions,
        facts_changed=row.review and row.state not in UNSENT,
    )


def put_rule_order(row: Order, after: order_needs.OrderFacts) -> None:
    """Write what the rules decided into the row."""
    row.state, row.state_at = after.state, after.at
    row.unit_code = after.unit_code
    row.bound_unit_code = after.bound_unit_code
    row.until, row.merged_into, row.replied_by = after.until, after.merged_into, after.replied_by
    row.extension_until, row.extensions = after.extension_until, after.extensions
    row.outcome = find_outcome(after.state)


def take_values(row: Order) -> dict[str, Any]:
    """Return the columns of :data:`LOGGED`."""
    return {name: getattr(row, name) for name in LOGGED}


def restore_values(row: Order, before: Mapping[str, Any]) -> None:
    """Write what an entry of the log says of the time before it into the row, read back from JSON."""
    kinds = {column.name: column.type for column in Order.__table__.columns}
    for name in LOGGED:
        if name not in before:
            continue
        value = before[name]
        if isinstance(value, str) and isinstance(kinds[name], Instant):
            value = datetime.fromisoformat(value)
        elif isinstance(value, str) and isinstance(kinds[name], sa.Date):
            value = date.fromisoformat(value)
        elif name == "state":
            value = OrderState(value)
        elif name == "outcome":
            value = Outcome(value)
        setattr(row, name, value)


def find_changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs, before and after."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
