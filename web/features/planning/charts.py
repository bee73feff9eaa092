"""Charts of a diagnosis as the page's macro takes them: data with words, no drawing."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext


def make_diagnosis_charts(diagnosis: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the charts ``months hours items`` of a plan's diagnosis (``planner.plans.diagnosis``)."""
    return {
        "months": make_months(diagnosis["months"]),
        "hours": make_hours(diagnosis["hours"]),
        "items": make_items(diagnosis["items"]),
    }


def make_months(months: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return orders by month with what the city's months would give the street."""
    return {
        "x": [month[0] for month in months],
        "unit": gettext("maps.unit"),
        "digits": 0,
        "series": [
            {"name": gettext("planning.chart.street"), "values": [month[1] for month in months]},
            {
                "name": gettext("planning.chart.usual"),
                "values": [month[2] for month in months],
                "kind": "line",
                "dashed": True,
            },
        ],
    }


def make_hours(hours: Sequence[int]) -> dict[str, Any]:
    """Return orders by hour of the day."""
    return {
        "x": [f"{hour:02d}" for hour in range(24)],
        "unit": gettext("maps.unit"),
        "series": [{"name": gettext("planning.chart.street"), "values": list(hours)}],
    }


def make_items(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the share of each item here and in the city, in per cent."""
    return {
        "x": [row["name"] for row in items],
        "unit": "%",
        "digits": 1,
        "series": [
            {
                "name": gettext("planning.chart.street"),
                "values": [round(100 * row["share"], 1) for row in items],
            },
            {
                "name": gettext("planning.chart.city"),
                "values": [round(100 * row["city_share"], 1) for row in items],
                "tone": "suspended",
            },
        ],
    }


def make_day_chart(days: Mapping[str, int]) -> dict[str, Any] | None:
    """Return orders by day of a report, None where it is about a single day."""
    if not days:
        return None
    return {
        "x": [day[5:] for day in days],
        "unit": gettext("maps.unit"),
        "series": [{"name": gettext("planning.chart.received"), "values": list(days.values())}],
    }


def make_surge_chart(by_day: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return appeals and expectation of the last days of a surge; rows of day, number and expectation."""
    return {
        "x": [str(row[0])[5:] for row in by_day],
        "unit": gettext("maps.unit"),
        "digits": 1,
        "series": [
            {"name": gettext("planning.chart.received"), "values": [row[1] for row in by_day]},
            {
                "name": gettext("planning.chart.expected"),
                "values": [round(row[2], 1) for row in by_day],
                "kind": "line",
                "dashed": True,
            },
        ],
    }
