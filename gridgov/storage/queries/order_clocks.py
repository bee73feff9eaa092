"""When an open order is due, late or waiting: one meaning for figures, lists, maps and the watch."""

from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.models.orders import Order, Outcome

CLOCKS = (
    "open",
    "unanswered",
    "overdue",
    "due_soon",
    "due_today",
    "contact_overdue",
    "to_dispatch",
    "review",
    "to_call_back",
    "not_reached",
)
"""Names under which pages ask for these orders."""

ORDERS = cast("sa.Table", Order.__table__)
STOPPED = (OrderState.SUSPENDED,)
"""States in which the final clock stands still."""


def make_clocks(
    *, now: datetime, day_end: datetime, soon: timedelta
) -> dict[str, sa.ColumnElement[bool]]:
    """Return name of :data:`CLOCKS` → condition on the table of orders.

    Parameters
    ----------
    now
        Aware.
    day_end
        End of today in the city's zone, aware.
    soon
        What counts as due soon.

    Notes
    -----
    The final clock runs until the unit has replied: an order that waits for its callback is open, but not late.
    """
    is_open = ORDERS.c.outcome == Outcome.OPEN
    unanswered = sa.and_(is_open, ORDERS.c.replied_at.is_(None))
    answered = sa.and_(is_open, ORDERS.c.state.in_((OrderState.REPLIED, OrderState.CALLBACK)))
    running = sa.and_(unanswered, ORDERS.c.state.not_in(STOPPED))
    found: dict[str, Any] = {
        "open": is_open,
        "unanswered": unanswered,
        "overdue": sa.and_(running, ORDERS.c.due_at < now),
        "due_soon": sa.and_(running, ORDERS.c.due_at >= now, ORDERS.c.due_at < now + soon),
        "due_today": sa.and_(running, ORDERS.c.due_at >= now, ORDERS.c.due_at < day_end),
        "contact_overdue": sa.and_(
            unanswered, ORDERS.c.contacted_at.is_(None), ORDERS.c.contact_by < now
        ),
        "to_dispatch": sa.and_(
            is_open,
            ORDERS.c.state.in_(
                (OrderState.RECEIVED, OrderState.NEEDS_INFORMATION, OrderState.REOPENED)
            ),
        ),
        "review": sa.and_(is_open, ORDERS.c.review.is_(True)),
        # Who was not reached is to be called again when the time of the next try has come.
        "to_call_back": sa.and_(
            answered, sa.or_(ORDERS.c.calls_missed == 0, ORDERS.c.call_again_at <= now)
        ),
        "not_reached": sa.and_(answered, ORDERS.c.calls_missed > 0),
    }
    return {name: found[name] for name in CLOCKS}
