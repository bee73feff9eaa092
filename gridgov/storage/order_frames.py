"""All orders of the database as one frame, for what looks at the whole city at once."""

from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.duties import TRANSFER_COLUMNS
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Transfer
from gridgov.storage.statement_frames import to_frame

TEXTS = (
    "order_no",
    "item_code",
    "unit_code",
    "grade",
    "route",
    "kind",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "satisfied",
    "outcome",
)
PLACE_TEXTS = ("address", "matched", "place_level", "text", "person_key")
"""What stands with the appeal: hotspots are named and told apart by the first three, plans quote the text."""
TIMES = ("received_at", "contacted_at", "closed_at", "due_at")
_SOLVED = {"true": True, "partly": False, "false": False}
"""Only what was solved wholly counts in the rates of a street's diagnosis."""


def read_order_frame(session: Session, timezone: str | ZoneInfo) -> pd.DataFrame:
    """Return orders with the columns of ``gridgov.frames.ORDER_COLUMNS`` that planning needs, by order number.

    All that a file of orders would have, so that the same history gives the same plan from a file and from here: merged
    and excluded orders are appeals too (``gridgov.rules.indicators``), and ``outcome`` says which they are.

    Parameters
    ----------
    session
        The system's own.
    timezone
        The city's; times are in it.
    """
    names = [*TEXTS, *TIMES, "lon", "lat", "contacted", "solved"]
    chosen = (
        sa.select(
            *(getattr(Order, name) for name in names),
            *(getattr(Appeal, name) for name in (*PLACE_TEXTS, "uncertainty_m")),
        )
        .join(Appeal, Appeal.id == Order.appeal_id)
        .order_by(Order.order_no)
    )
    frame = to_frame(session.execute(chosen), [*names, *PLACE_TEXTS, "uncertainty_m"])
    for name in (*TEXTS, *PLACE_TEXTS):
        frame[name] = frame[name].astype("str")
    for name in TIMES:
        utc = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        frame[name] = utc.dt.tz_convert(str(timezone))
    frame["contacted"] = frame["contacted"].astype("boolean")
    frame["solved"] = frame["solved"].map(_SOLVED).astype("boolean")
    return frame.astype({"lon": "float64", "lat": "float64", "uncertainty_m": "float64"})


def read_bounces(session: Session) -> pd.Series:
    """Return how often each order was passed on from one unit to another, by order number; others are not in it."""
    chosen = (
        sa.select(Order.order_no, sa.func.count(Transfer.id))
        .join(Transfer, Transfer.order_id == Order.id)
        .group_by(Order.order_no)
        .order_by(Order.order_no)
    )
    rows = session.execute(chosen).all()
    return pd.Series(
        [int(n) for _, n in rows],
        index=pd.Index([number for number, _ in rows], dtype="str", name="order_no"),
        name="bounces",
        dtype="int64",
    )


def read_transfers(session: Session, timezone: str | ZoneInfo) -> pd.DataFrame:
    """Return moves of orders between units, by order and time: ``gridgov.rules.duties.bounces.TRANSFER_COLUMNS``.

    Parameters
    ----------
    session
        The system's own.
    timezone
        The city's; times are in it.
    """
    chosen = (
        sa.select(Order.order_no, Transfer.at, Transfer.from_unit_code, Transfer.to_unit_code)
        .join(Transfer, Transfer.order_id == Order.id)
        .order_by(Order.order_no, Transfer.at, Transfer.id)
    )
    frame = to_frame(session.execute(chosen), list(TRANSFER_COLUMNS))
    utc = pd.to_datetime(frame["at"], utc=True).astype("datetime64[us, UTC]")
    texts = {name: frame[name].astype("str") for name in TRANSFER_COLUMNS if name != "at"}
    return frame.assign(**texts, at=utc.dt.tz_convert(str(timezone)))
