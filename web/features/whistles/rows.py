"""Whistle calls as rows and points: names instead of codes, one word for how a call stands."""

from datetime import datetime
from typing import Any

import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.storage.queries.areas import get_area_names, get_item_names
from web.kit.page_helpers import format_moment, to

TONES = {
    "late": ("overdue", "clock-exclamation"),
    "waiting": ("soon", "hourglass"),
    "present": ("running", "users"),
    "closed": ("solved", "circle-check"),
}
"""How a call stands → tone and icon: a unit is late, some are still on their way, all are there, all are released."""
POINT_COLUMNS = ("code", "name", "lon", "lat", "tone", "icon", "label", "tips", "href")


def find_standing(row: dict[str, Any]) -> str:
    """Return how a call stands, a key of :data:`TONES`."""
    if row["closed_at"] is not None:
        return "closed"
    if row["late"]:
        return "late"
    return "present" if row["present"] == row["called"] else "waiting"


def make_call_rows(session: Session, calls: pd.DataFrame, *, now: datetime) -> list[dict[str, Any]]:
    """Return calls with names, standing and address.

    Parameters
    ----------
    calls
        Frame of ``whistle_lists.CALL_COLUMNS``.
    now
        Aware.
    """
    if calls.empty:
        return []
    streets, items = get_area_names(session), get_item_names(session)
    rows = []
    for row in _list_rows(calls):
        standing = find_standing(row)
        tone, icon = TONES[standing]
        next_by = row["next_by"]
        rows.append(
            row
            | {
                "street": streets.get(row["street_code"], row["street_code"]),
                "item": items.get(row["item_code"], row["item_code"]),
                "standing": standing,
                "tone": tone,
                "icon": icon,
                "left_s": None if next_by is None else (next_by - now).total_seconds(),
                "href": to("whistles.show", call_no=row["call_no"]),
            }
        )
    return rows


def _list_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values, times as the database gave them."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {
            str(key): value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
            for key, value in row.items()
        }
        for row in plain.to_dict("records")
    ]


def make_call_points(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return those calls whose place is known, as ``web.kit.maps.add_points`` takes them."""
    points = [
        {
            "code": row["call_no"],
            "name": f"{row['street']} · {row['item']}",
            "lon": row["lon"],
            "lat": row["lat"],
            "tone": row["tone"],
            "icon": row["icon"],
            "label": f"{row['present']}/{row['called']}",
            "tips": [
                [gettext("whistles.standing"), gettext(f"whistles.standing.{row['standing']}")],
                [gettext("whistles.blown_at"), format_moment(row["blown_at"]).striptags()],
            ],
            "href": [[gettext("whistles.open_call"), row["href"]]],
        }
        for row in rows
        if row["lon"] is not None and row["lat"] is not None
    ]
    return pd.DataFrame(points, columns=list(POINT_COLUMNS))
