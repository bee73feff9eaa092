"""The pre-season list 冬病夏治 of a city as its page shows it: names, figures and the latest day to start."""

from datetime import datetime
from typing import Any

from gridgov.pack.city import City
from gridgov.rules.catalogue import Catalogue
from planner.counts import CountModel
from planner.errors import PlannerError
from planner.jobs.topics import make_duty_graph_of
from planner.plans.items import make_item_levels
from planner.seasons import find_lead_days, find_seasons

MOST = 500
"""Rows that are kept: the next to start first, as people work."""
DAYS = ("rises_on", "peaks_on", "ends_on", "latest_start")
FIGURES = ("expected", "low", "high", "usual", "ratio", "sure", "lead_days")


def make_season_list(
    city: City, catalogue: Catalogue, model: CountModel, *, as_of: datetime
) -> dict[str, Any]:
    """Return what rises in the year to come.

    Parameters
    ----------
    city
        The pack.
    catalogue
        Gives items their names.
    model
        Of the counts up to `as_of`.
    as_of
        Aware; the year to come starts with its day.

    Returns
    -------
        Plain values: ``rows`` (``planner.seasons.SEASON_COLUMNS`` and ``item_name``, days as ISO text), ``more`` how
        many were left out, ``lacking`` why there is no list, else empty.
    """
    graph = make_duty_graph_of(city, as_of)
    codes = catalogue.items["item_code"].astype(object)
    levels = make_item_levels(catalogue).find(codes, 2).set_axis(codes)
    lead_days = {} if graph is None else find_lead_days(graph, levels, model.items)
    today = as_of.astimezone(city.settings.timezone).date()
    try:
        found = find_seasons(model, today=today, calendar=city.calendar, lead_days=lead_days)
    except PlannerError as error:
        return {"rows": [], "more": 0, "lacking": str(error)}
    rows = []
    for row in found.head(MOST).to_dict("records"):
        plain: dict[str, Any] = {
            name: str(row[name]) for name in ("level", "area_code", "item_code")
        }
        plain |= {name: None if row[name] != row[name] else str(row[name])[:10] for name in DAYS}
        plain |= {name: _round(row[name]) for name in FIGURES}
        plain |= {"is_late": bool(row["is_late"])}
        plain["item_name"] = catalogue.names.get(plain["item_code"], plain["item_code"])
        rows.append(plain)
    return {"rows": rows, "more": max(len(found) - MOST, 0), "lacking": ""}


def _round(value: Any) -> float | None:
    """Return a figure with three digits, None where there is none."""
    return None if value is None or value != value else round(float(value), 3)  # noqa: PLR0124 - NaN
