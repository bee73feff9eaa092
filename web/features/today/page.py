"""What the page of today shows: figures, rates of the running month, surges, calls, the day by the hour."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.rules.constants import Constants
from gridgov.rules.indicators import find_change
from gridgov.storage.queries.map_counts import CountFilter, count_days
from gridgov.storage.queries.surges import get_surges
from gridgov.storage.queries.today import TodayFigures, count_hours, get_today
from web.features.orders import SOON
from web.features.rates import make_trend
from web.kit.auth import has_permission
from web.kit.links import to_orders
from web.kit.page_helpers import to
from web.kit.permissions import Permission

TREND_DAYS = 30
RATE_MONTHS = 13
SURGES_SHOWN = 12
REPORTED = 12
"""So many surges have a special report (``planner.jobs.surge_watch``)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TodayView:
    """Everything of the page.

    Parameters
    ----------
    day, passed_share
        Today in the city, and how much of it has passed.
    figures
        Counts of orders and calls.
    same_day_before
        Orders of the same weekday 52 weeks ago up to the same share of the day, None where there were none.
    change_before, change_year
        Against yesterday up to now, and against that day; shares, None from too few.
    rates
        Rows of the last assessed months of the units in view together, the newest last.
    surges, surges_at
        Items that come in much more than is to be expected by now, as the hourly watch found them, and its time of
        day; empty before its first look of the day.
    hours, days
        Charts.
    """

    day: Any
    passed_share: float
    figures: TodayFigures
    same_day_before: int | None
    change_before: float | None
    change_year: float | None
    rates: list[dict[str, Any]]
    surges: list[dict[str, Any]]
    surges_at: str
    hours: dict[str, Any]
    days: dict[str, Any]


def make_today(
    session: Session,
    constants: Constants,
    *,
    now: datetime,
    zone: ZoneInfo,
    unit_codes: frozenset[str] | None,
) -> TodayView:
    """Return the page of a moment."""
    local = now.astimezone(zone)
    day_start = datetime.combine(local.date(), time(), tzinfo=zone)
    share = max((local - day_start) / timedelta(days=1), 1 / 1440)
    figures = get_today(session, now=now, day_start=day_start, soon=SOON, unit_codes=unit_codes)
    year_day = local.date() - timedelta(weeks=52)  # the same weekday
    then = CountFilter(first_on=year_day, last_on=year_day, unit_codes=unit_codes)
    year_ago = round(int(count_days(session, then).iloc[0]) * share)
    surges, surges_at = find_kept_surges(session, local, unit_codes)
    return TodayView(
        day=local.date(),
        passed_share=share,
        figures=figures,
        same_day_before=year_ago or None,
        change_before=find_change(figures.received, figures.received_before),
        change_year=find_change(figures.received, year_ago),
        rates=make_trend(session, constants, unit_codes=unit_codes)[-RATE_MONTHS:],
        surges=surges,
        surges_at=surges_at,
        hours=_make_hours(session, day_start, local, unit_codes),
        days=_make_days(session, local, unit_codes),
    )


def find_kept_surges(
    session: Session, local: datetime, unit_codes: frozenset[str] | None
) -> tuple[list[dict[str, Any]], str]:
    """Return the surges that the watch kept last of what the visitor answers for, and the time of its look.

    A look of another day says nothing about today.
    """
    kept = get_surges(session)
    if kept is None:
        return [], ""
    moment = datetime.fromisoformat(kept["moment"]).astimezone(local.tzinfo)
    if moment.date() != local.date():
        return [], ""
    rows = [
        row
        | {
            "name": row["item_name"]
            if row["level"] == "city"
            else f"{row['area_name']} · {row['item_name']}",
            "link": to("planning.surge", surge_no=row["surge_no"])
            if at < REPORTED and row.get("surge_no") and has_permission(Permission.PLANNING_READ)
            else "",
        }
        for at, row in enumerate(kept["surges"])
        if unit_codes is None or row["unit_code"] in unit_codes
    ]
    return rows[:SURGES_SHOWN], f"{moment:%H:%M}"


def _make_hours(
    session: Session, day_start: datetime, local: datetime, unit_codes: frozenset[str] | None
) -> dict[str, Any]:
    before = day_start - timedelta(days=1)
    own = count_hours(session, start=day_start, end=local, unit_codes=unit_codes)
    last = count_hours(session, start=before, end=day_start, unit_codes=unit_codes)
    return {
        "x": [f"{hour:02d}" for hour in range(24)],
        "unit": gettext("maps.unit"),
        "series": [
            {"name": gettext("today.today"), "values": [*own, *[None] * (24 - len(own))]},
            {
                "name": gettext("today.yesterday"),
                "values": last[:24],
                "kind": "line",
                "dashed": True,
                "tone": "suspended",
            },
        ],
    }


def _make_days(
    session: Session, local: datetime, unit_codes: frozenset[str] | None
) -> dict[str, Any]:
    today = local.date()
    first = today - timedelta(days=TREND_DAYS - 1)
    own = count_days(session, CountFilter(first_on=first, last_on=today, unit_codes=unit_codes))
    weeks = timedelta(weeks=52)
    before = count_days(
        session, CountFilter(first_on=first - weeks, last_on=today - weeks, unit_codes=unit_codes)
    )
    links = [to_orders(window=f"{day}..{day}") for day in own.index]
    return {
        "x": [f"{pd.Timestamp(day):%m-%d}" for day in own.index],
        "unit": gettext("maps.unit"),
        "links": links if all(links) else None,
        "series": [
            {"name": gettext("today.this_year"), "values": own.tolist()},
            {
                "name": gettext("today.last_year"),
                "values": before.tolist(),
                "kind": "line",
                "dashed": True,
                "tone": "suspended",
            },
        ],
    }
