"""Diagnosis of one street: every figure with its number, window and what it is compared with."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from planner.plans.street_indicators import RATES, CityFigures

FEWEST_BEFORE = 10
"""A trend from fewer orders than this is not stated. Assumed."""

MOST_ITEMS = 8


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure.

    Parameters
    ----------
    key
        Name for the templates and the JSON.
    value
        The figure; None where it is not stated.
    n
        The number of orders behind it (for rates: valid callbacks).
    window
        ``window``, ``year`` or ``history``.
    note
        Why it is not stated: ``few`` (with n), ``short`` (the history does not reach back), or empty.
    """

    key: str
    value: float | None
    n: int
    window: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything that is said about a street before a cure is proposed."""

    figures: tuple[Figure, ...]
    months: tuple[tuple[str, int, float], ...]
    hours: tuple[int, ...]
    items: tuple[dict[str, Any], ...]
    details: tuple[dict[str, Any], ...] = field(default=())

    def get(self, key: str) -> Figure:
        """Return a figure by its key."""
        return next(figure for figure in self.figures if figure.key == key)


def make_diagnosis(
    street: str, city: CityFigures, *, names: dict[str, str], callbacks_min: int
) -> Diagnosis:
    """Return the diagnosis of a street.

    Parameters
    ----------
    street
        Code of the street, one of those counted.
    city
        The figures of all streets.
    names
        Item code → name.
    callbacks_min
        Fewer valid callbacks: no rate is stated.
    """
    return Diagnosis(
        figures=(
            *_make_volume(street, city),
            *_make_trends(street, city),
            *_make_rates(street, city, callbacks_min),
        ),
        months=_make_months(street, city),
        hours=tuple(int(n) for n in city.hours.loc[street]),
        items=_make_items(street, city, names),
        details=_make_details(street, city, names),
    )


def _make_volume(street: str, city: CityFigures) -> list[Figure]:
    """Return how much, what share and which rank."""
    counts = city.counts["window"]
    n, total = int(counts[street]), int(counts.sum())
    rank = int((counts > n).sum()) + 1
    repeated = city.repeated.loc[street]
    named = int(repeated["named"])
    return [
        Figure(key="orders", value=n, n=n, window="window"),
        Figure(key="city_share", value=n / total if total else None, n=total, window="window"),
        Figure(key="rank", value=rank, n=len(counts), window="window"),
        Figure(
            key="repeat_share",
            value=float(repeated["repeated"]) / named if named else None,
            n=named,
            window="year",
            note="" if named else "few",
        ),
    ]


def _make_trends(street: str, city: CityFigures) -> list[Figure]:
    """Return the change against the window before and the same days of the year before."""
    now = int(city.counts.loc[street, "window"])
    trends = []
    for key, name in (("change_before", "before"), ("change_year", "year_ago")):
        then = int(city.counts.loc[street, name])
        note = "short" if not city.covered[name] else "few" if then < FEWEST_BEFORE else ""
        trends.append(
            Figure(
                key=key, value=None if note else now / then - 1, n=then, window="window", note=note
            )
        )
    return trends


def _make_rates(street: str, city: CityFigures, callbacks_min: int) -> list[Figure]:
    """Return the three rates, or why there is none."""
    row = city.rates.loc[street]
    n = 0 if pd.isna(row["callbacks"]) else int(row["callbacks"])
    few = n < max(callbacks_min, 1)
    return [
        Figure(
            key=key,
            value=None if few else float(row[key]),
            n=n,
            window="year",
            note="few" if few else "",
        )
        for key in RATES
    ]


def _make_months(street: str, city: CityFigures) -> tuple[tuple[str, int, float], ...]:
    """Return month, orders, and what the street would have if it followed the city's months."""
    months = city.months
    share = months.loc[street].sum() / max(months.to_numpy().sum(), 1)
    usual = months.sum(axis=0) * share
    return tuple(
        (str(month), int(months.loc[street, month]), round(float(usual[month]), 1))
        for month in months.columns
    )


def _make_items(
    street: str, city: CityFigures, names: dict[str, str]
) -> tuple[dict[str, Any], ...]:
    """Return the commonest level-1 items with their shares here and in the city."""
    here, everywhere = city.level1.loc[street], city.level1.sum(axis=0)
    n, total = max(int(here.sum()), 1), max(int(everywhere.sum()), 1)
    top = here[here > 0].sort_values(ascending=False, kind="stable").head(MOST_ITEMS)
    return tuple(
        {
            "level1_code": str(code),
            "name": names.get(str(code), str(code)),
            "count": int(count),
            "share": round(count / n, 4),
            "city_share": round(float(everywhere[code]) / total, 4),
            "ratio": round(float(np.float64(count / n) / (everywhere[code] / total)), 2),
        }
        for code, count in top.items()
    )


def _make_details(
    street: str, city: CityFigures, names: dict[str, str]
) -> tuple[dict[str, Any], ...]:
    """Return the commonest items of the lowest level."""
    own = city.items[city.items["street_code"] == street].sort_values(
        ["count", "item_code"], ascending=[False, True]
    )
    pairs = own.head(MOST_ITEMS)[["item_code", "count"]].itertuples(index=False, name=None)
    return tuple(
        {"item_code": str(code), "name": names.get(str(code), str(code)), "count": int(n)}
        for code, n in pairs
    )
