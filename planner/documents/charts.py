"""Charts as ECharts options: data, not code; the page draws them with the local library."""

from collections.abc import Mapping, Sequence
from typing import Any

from planner.plans.plan_text import load_words

INK, QUIET, HUE, GRID = "#1f2933", "#8894a0", "#0b7285", "#e6eaee"

FONT = '"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif'


def make_months_chart(months: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return orders by month as bars, with a line for what the city's months would give the street."""
    words = load_words()["charts"]
    return {
        **_make_base(),
        "legend": {
            "top": 0,
            "right": 0,
            "itemWidth": 14,
            "itemHeight": 8,
            "textStyle": {"fontSize": 11},
        },
        "xAxis": _make_axis([str(month[0]) for month in months]),
        "yAxis": _make_values(words["orders_unit"]),
        "series": [
            {
                "name": words["street"],
                "type": "bar",
                "data": [month[1] for month in months],
                "itemStyle": {"color": HUE},
                "barCategoryGap": "30%",
            },
            {
                "name": words["usual"],
                "type": "line",
                "data": [month[2] for month in months],
                "symbol": "none",
                "lineStyle": {"color": INK, "width": 1.5, "type": "dashed"},
                "itemStyle": {"color": INK},
            },
        ],
    }


def make_hours_chart(hours: Sequence[int]) -> dict[str, Any]:
    """Return orders by hour of the day."""
    words = load_words()["charts"]
    series = {
        "name": words["street"],
        "type": "bar",
        "data": list(hours),
        "itemStyle": {"color": HUE},
    }
    return {
        **_make_base(),
        "xAxis": _make_axis([f"{hour:02d}" for hour in range(24)]),
        "yAxis": _make_values(words["orders_unit"]),
        "series": [{**series, "barCategoryGap": "25%"}],
    }


def make_items_chart(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the share of each item here and in the city, most common on top."""
    words = load_words()["charts"]
    rows = list(reversed(items))
    base = _make_base()
    return {
        **base,
        "grid": {**base["grid"], "left": 6, "right": 26},
        "legend": {
            "top": 0,
            "right": 0,
            "itemWidth": 14,
            "itemHeight": 8,
            "textStyle": {"fontSize": 11},
        },
        "xAxis": _make_values(words["share_unit"]),
        "yAxis": {
            **_make_axis([str(row["name"]) for row in rows]),
            "axisLabel": {"fontSize": 11, "color": INK},
        },
        "series": [
            _make_shares(words["city"], [row["city_share"] for row in rows], "#c3ccd4"),
            _make_shares(words["street"], [row["share"] for row in rows], HUE),
        ],
    }


def _make_shares(name: str, shares: Sequence[float], colour: str) -> dict[str, Any]:
    """Return a row of bars in per cent."""
    values = [round(100 * share, 1) for share in shares]
    return {
        "name": name,
        "type": "bar",
        "data": values,
        "itemStyle": {"color": colour},
        "barGap": "0%",
    }


def _make_base() -> dict[str, Any]:
    """Return what every chart has: no animation, room for labels, one font."""
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": INK},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "grid": {"left": 6, "right": 8, "top": 30, "bottom": 4, "containLabel": True},
    }


def _make_axis(names: list[str]) -> dict[str, Any]:
    """Return an axis of names."""
    return {
        "type": "category",
        "data": names,
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": QUIET}},
        "axisLabel": {"fontSize": 10, "color": QUIET, "hideOverlap": True},
    }


def _make_values(unit: str) -> dict[str, Any]:
    """Return an axis of numbers with its unit."""
    return {
        "type": "value",
        "name": unit,
        "nameTextStyle": {"fontSize": 10, "color": QUIET, "align": "left"},
        "axisLabel": {"fontSize": 10, "color": QUIET},
        "splitLine": {"lineStyle": {"color": GRID}},
    }
