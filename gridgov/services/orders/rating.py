"""What one order counts for in the rates, kept while writing: delta rows in the transaction of the change itself.

Whatever changes an order, its callbacks or its exclusions does so inside :func:`counted`. The figures come from the
rules that judge whole files (``rules.assessment``), so a month read from the counts is the month that ``gridgov rates``
computes from the rows.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.constants import Constants
from gridgov.rules.rates.assessment import judge_orders
from gridgov.rules.rates.exclusions import EXCLUSION_COLUMNS, find_exclusions
from gridgov.rules.rates.three_rates import COUNT_COLUMNS, make_counts
from gridgov.rules.rates.window import find_months, make_window_rules
from gridgov.storage.counts.changes import record_rates
from gridgov.storage.models.orders import Callback, Exclusion, Order

OPEN_KEY = "gridgov_rating"
END_OF_TIME = pd.Timestamp("9999-12-31", tz="UTC").as_unit("us")
"""Moment of the judgement: services write nothing about the future, so all that is written lies in the past. With the
clock of each change a later look at the same rows could see something else than was counted."""
ORDER_TIMES = ("received_at", "due_at", "closed_at", "called_at")
ANSWERS = ("contacted", "solved", "satisfied")


class RateRules(Protocol):
    """What rating needs to know of a city."""

    @property
    def constants(self) -> Constants:
        """Constants of the rules."""

    @property
    def zone(self) -> ZoneInfo:
        """Zone in which days and months begin."""


@contextmanager
def counted(session: Session, rules: RateRules, order: Order) -> Iterator[Order]:
    """Count what happens to an order inside; within another such block for the same order it does nothing.

    Parameters
    ----------
    order
        A row of the session, not yet changed.
    """
    open_now: set[int] = session.info.setdefault(OPEN_KEY, set())
    number = order.id  # after a conflict the row cannot be asked any more
    if number in open_now:
        yield order
        return
    open_now.add(number)
    try:
        before = find_rate_key(session, rules, order)
        yield order
        session.flush()
        record_rates(session, before, find_rate_key(session, rules, order))
    finally:
        open_now.discard(number)


def find_rate_key(session: Session, rules: RateRules, order: Order) -> Mapping[str, Any] | None:
    """Return month, unit and counts of an order as it stands, None where it counts in no month.

    Parameters
    ----------
    order
        A row of the session; what is changed must be flushed.
    """
    by = rules.constants.text("rates.window_by")
    time = getattr(order, by)
    if by != "called_at" and time is None:
        return None
    called = list(session.scalars(sa.select(Callback).where(Callback.order_id == order.id)))
    excluded = list(session.scalars(sa.select(Exclusion).where(Exclusion.order_id == order.id)))
    silent = not called and all(getattr(order, name) is None for name in ANSWERS)
    if silent and not excluded:
        if time is None or (by != "due_at" and time < order.received_at):
            return None
        month = find_months(_make_times([time], rules), make_window_rules(rules.constants))
        return {"month": month.iloc[0], "unit_code": order.unit_code, "orders": 1}
    return _judge(rules, order, called, excluded)


def _judge(
    rules: RateRules, order: Order, called: list[Callback], excluded: list[Exclusion]
) -> dict[str, Any] | None:
    orders = make_orders_frame([order], rules)
    judged = judge_orders(
        orders,
        as_of=END_OF_TIME,
        constants=rules.constants,
        callbacks=make_callbacks_frame([(order.order_no, one) for one in called], rules)
        if called
        else None,
        excluded=find_excluded([(order.order_no, one) for one in excluded], orders, rules),
    )
    counts = make_counts(judged.orders)
    if counts.empty:
        return None
    row = counts.iloc[0]
    return {
        name: row[name] if name in {"month", "unit_code"} else int(row[name])
        for name in COUNT_COLUMNS
    }


def make_orders_frame(orders: list[Order], rules: RateRules) -> pd.DataFrame:
    """Return orders as the rules judge them, times in the city's zone."""
    frame = pd.DataFrame(
        {
            "order_no": [one.order_no for one in orders],
            "unit_code": [one.unit_code for one in orders],
            "contacted": pd.array([one.contacted for one in orders], dtype="boolean"),
            "solved": pd.array([one.solved for one in orders], dtype="str"),
            "satisfied": pd.array([one.satisfied for one in orders], dtype="str"),
        }
    )
    times = {
        name: _make_times([getattr(one, name) for one in orders], rules) for name in ORDER_TIMES
    }
    return frame.assign(**times)


def make_callbacks_frame(callbacks: list[tuple[str, Callback]], rules: RateRules) -> pd.DataFrame:
    """Return callbacks, each given with its order's number, as the rules judge them."""
    rows = [one for _, one in callbacks]
    return pd.DataFrame(
        {
            "order_no": [order_no for order_no, _ in callbacks],
            "called_at": _make_times([one.called_at for one in rows], rules),
            "contacted": pd.array([one.contacted for one in rows], dtype="boolean"),
            "solved": pd.array([one.solved for one in rows], dtype="str"),
            "satisfied": pd.array([one.satisfied for one in rows], dtype="str"),
        }
    )


def find_excluded(
    exclusions: list[tuple[str, Exclusion]], orders: pd.DataFrame, rules: RateRules
) -> pd.Series | None:
    """Return the reason code by order number of the exclusions in force; each is given with its order's number."""
    rows = [(order_no, one) for order_no, one in exclusions if one.withdrawn_at is None]
    if not rows:
        return None
    table = pd.DataFrame(
        {
            "order_no": [order_no for order_no, _ in rows],
            **{
                name: pd.array([getattr(one, name) for _, one in rows], dtype="str")
                for name in ("reason_code", "proposed_by", "approved_by")
            },
            **{
                name: _make_times([getattr(one, name) for _, one in rows], rules)
                for name in ("proposed_at", "approved_at")
            },
        }
    )
    reasons, _ = find_exclusions(
        table[list(EXCLUSION_COLUMNS)],
        orders["order_no"],
        as_of=END_OF_TIME,
        constants=rules.constants,
    )
    return reasons.set_axis(orders["order_no"])


def _make_times(values: list[Any], rules: RateRules) -> pd.Series:
    utc = pd.Series(pd.to_datetime(values, utc=True)).astype("datetime64[us, UTC]")
    return utc.dt.tz_convert(rules.zone)
