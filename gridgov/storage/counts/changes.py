"""Counts kept while writing: what an order counts as, and what a change of it adds and takes away.

A writer adds delta rows with the change itself, in the same transaction (:func:`record_change`). The sums that pages
read are made of them by ``storage/count_sums``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.rates.three_rates import COUNT_COLUMNS, KEYS
from gridgov.storage.models.counts import CountDelta, RateCount
from gridgov.storage.models.orders import Outcome


class CountedOrder(Protocol):
    """What counting needs of an order (``models.orders.Order`` has it)."""

    received_at: Any
    cell_code: Any
    community_code: Any
    street_code: Any
    unit_code: Any
    item_code: Any
    level1_code: Any
    outcome: Any


@dataclass(frozen=True, kw_only=True)
class CountKey:
    """What one order counts as; a missing code is empty.

    Parameters
    ----------
    cell_code, community_code, street_code
        Where.
    unit_code
        Who answers for it.
    day
        Of receipt, in the city's zone.
    item_code, level1_code
        What about.
    outcome
        What has come of it.
    """

    cell_code: str
    community_code: str
    street_code: str
    unit_code: str
    day: date
    item_code: str
    level1_code: str
    outcome: Outcome


KEY_COLUMNS = tuple(one.name for one in fields(CountKey))
DELTAS = cast("sa.Table", CountDelta.__table__)


def make_key(order: CountedOrder, timezone: str | ZoneInfo) -> CountKey:
    """Return what an order counts as now.

    Parameters
    ----------
    order
        A row of ``orders``, flushed or not.
    timezone
        The city's, in which days begin.
    """
    zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
    received: datetime = order.received_at
    return CountKey(
        cell_code=order.cell_code or "",
        community_code=order.community_code or "",
        street_code=order.street_code or "",
        unit_code=order.unit_code,
        day=received.astimezone(zone).date(),
        item_code=order.item_code or "",
        level1_code=order.level1_code or "",
        outcome=Outcome(order.outcome or Outcome.OPEN),
    )


def record_change(session: Session, before: CountKey | None, after: CountKey | None) -> None:
    """Add what a change of one order does to the counts.

    Parameters
    ----------
    session
        Its transaction holds the change itself.
    before
        What the order counted as; None for a new one.
    after
        What it counts as now; None where it is gone.
    """
    if before == after:
        return
    rows = [
        {name: getattr(key, name) for name in KEY_COLUMNS} | {"n": n}
        for key, n in ((before, -1), (after, 1))
        if key is not None
    ]
    # Through the table: nobody reads these rows as objects, and intake writes one with each appeal.
    session.connection().execute(sa.insert(DELTAS), rows)


def count_frame(orders: pd.DataFrame, timezone: str | ZoneInfo) -> pd.DataFrame:
    """Return what orders count as, equal ones added up: ``KEY_COLUMNS`` and ``n``.

    Parameters
    ----------
    orders
        Frame with ``received_at`` (aware) and the other columns of :class:`CountedOrder`.
    timezone
        The city's.
    """
    zone = str(timezone)
    keys = {
        name: orders[name].astype("object").fillna("").astype(str)
        for name in KEY_COLUMNS
        if name != "day"
    }
    local = orders["received_at"].dt.tz_convert(zone).dt.tz_localize(None)
    keys["day"] = local.dt.floor("D").astype("datetime64[s]")
    frame = pd.DataFrame(keys)[list(KEY_COLUMNS)]
    counted = frame.groupby(list(KEY_COLUMNS), sort=False).size().rename("n").reset_index()
    counted["n"] = counted["n"].astype(np.int32)
    return counted


RATE_COLUMNS = tuple(name for name in COUNT_COLUMNS if name not in KEYS)
"""Counts of ``rules.rates.COUNT_COLUMNS`` beside month and unit."""


def record_rates(
    session: Session, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    """Add what a change of one order does to the counts of the rates.

    Parameters
    ----------
    session
        Its transaction holds the change itself.
    before, after
        ``month unit_code`` and those of :data:`RATE_COLUMNS` that are not 0, as the order counted and counts now;
        None where it counts in no month.
    """
    if before == after or (before and after and dict(before) == dict(after)):
        return
    for key, sign in ((before, -1), (after, 1)):
        if key is not None:
            session.add(_make_rate_row(key, sign))


def record_rate_rows(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add counts of many orders at once, one mapping as in :func:`record_rates` for each month and unit."""
    session.add_all([_make_rate_row(row, 1) for row in rows])


def _make_rate_row(key: Mapping[str, Any], sign: int) -> RateCount:
    counts = {name: sign * int(key.get(name, 0)) for name in RATE_COLUMNS}
    return RateCount(month=key["month"], unit_code=key["unit_code"], **counts)
