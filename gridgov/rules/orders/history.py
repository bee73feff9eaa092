"""Orders from a city's own history: where each stands by what the export says of its handling.

The words are those of the order table: only the person's answer closes an order, so one that the unit ended and about
which nobody gave a valid answer rests as replied (DOMAIN.md section 1).
"""

import numpy as np
import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.dispatch import Route
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.rates.callbacks import NO, PART, YES, check_callbacks

HISTORY_COLUMNS = (
    "state",
    "state_at",
    "outcome",
    "called_at",
    "answer",
    "replied_at",
    "overdue_at",
    "is_called",
)
"""``state`` :class:`~gridgov.rules.orders.transitions.OrderState` value · ``state_at`` aware, since when · ``outcome``
one of ``open solved partly unsolved`` · ``called_at`` aware or missing, when the person was asked ·
``answer`` to "solved?":
``true partly false`` or missing · ``replied_at`` aware or missing, when the unit ended it · ``overdue_at`` the deadline
of those that have missed it and are not replied · ``is_called`` whether anybody asked the person."""

_CLOSED = {
    YES: (OrderState.CLOSED_SOLVED, "solved", "true"),
    PART: (OrderState.CLOSED_PARTLY, "partly", "partly"),
    NO: (OrderState.CLOSED_UNSOLVED, "unsolved", "false"),
}
"""Answer to "solved?" → state, outcome, word."""


def find_history(
    orders: pd.DataFrame, *, desk_code: str, as_of: pd.Timestamp, constants: Constants
) -> pd.DataFrame:
    """Return where each order stands, :data:`HISTORY_COLUMNS` on the index of `orders`.

    Parameters
    ----------
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    desk_code
        Unit of the hotline's desk: what lies there, or needs a person's look, is not dispatched yet.
    as_of
        Moment of the judgement, aware.
    constants
        ``rates.answers_needed``.
    """
    checked = check_callbacks(orders, as_of=as_of, constants=constants)
    answered = checked["valid"] & checked["solved"].isin(list(_CLOSED))
    asked = orders[["contacted", "solved", "satisfied"]].notna().any(axis=1)
    ended = orders["closed_at"].where(orders["closed_at"].notna(), orders["contacted_at"])
    ended = ended.where(ended.notna(), orders["received_at"])
    table: list[tuple[pd.Series, str, str, str | None]] = [
        (answered & (checked["solved"] == code), state.value, outcome, word)
        for code, (state, outcome, word) in _CLOSED.items()
    ]
    # As in the intake of one appeal: what a person must look at first is not dispatched yet.
    at_desk = orders["review"] | orders["route"].isin([Route.DISPATCHER, Route.DESK])
    at_desk |= orders["unit_code"] == desk_code
    table += [
        (orders["closed_at"].notna(), OrderState.REPLIED.value, "open", None),
        (orders["contacted_at"].notna() & ~at_desk, OrderState.CONTACTED.value, "open", None),
        (at_desk, OrderState.RECEIVED.value, "open", None),
    ]
    rows = [rows.to_numpy(dtype=bool) for rows, *_ in table]
    default = OrderState.DISPATCHED.value

    def choose(position: int, otherwise: str | None) -> pd.Series:
        words = np.array([*(line[position] for line in table), otherwise], dtype=object)
        at = np.argmax(np.stack([*rows, np.ones(len(orders), dtype=bool)]), axis=0)
        return pd.Series(words[at], index=orders.index, dtype="str")

    replied = orders["closed_at"].where(orders["closed_at"].notna(), ended.where(answered))
    late = replied.isna() & (orders["due_at"] < as_of)
    return pd.DataFrame(
        {
            "state": choose(1, default),
            "state_at": ended,
            "outcome": choose(2, "open"),
            "called_at": ended.where(asked),
            "answer": choose(3, None),
            "replied_at": replied,
            "overdue_at": orders["due_at"].where(late),
            "is_called": asked,
        }
    )[list(HISTORY_COLUMNS)]
