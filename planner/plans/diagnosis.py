"""Diagnosis of one street: every figure with its number, window, interval, rank and what it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from planner.plans.items import ItemLevels
from planner.plans.plan_text import load_words, say
from planner.plans.record import Plan
from planner.plans.similar import SimilarStreets
from planner.plans.street_indicators import RATES, CityFigures

MOST_ITEMS = 8

PER = 10_000
"""Residents to whom a rate refers."""

INTERVAL = 0.95

SEASON_MONTHS = 24
"""A season is told from so many whole months on."""


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
        Why it is not stated: ``few`` (with n), ``short`` (the history does not reach back), ``unknown`` (the pack does
        not say), ``no_data`` (nothing is kept of it), or empty.
    low, high
        95 % interval; None where there is none.
    rank, ranked
        Place among how many, 1 is most (of rates: best); None where it has none.
    peers
        Median of the streets of similar structure; None where too few of them have the figure.
    """

    key: str
    value: float | None
    n: int
    window: str
    note: str = ""
    low: float | None = None
    high: float | None = None
    rank: int | None = None
    ranked: int | None = None
    peers: float | None = None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything that is said about a street before a cure is proposed.

    Parameters
    ----------
    figures
        See :class:`Figure`.
    months
        Month, orders, and what the street would have if it followed the city's months.
    hours
        Orders by hour of the day, of the year.
    items, details
        Commonest level-1 items with their shares here and in the city; commonest items of the lowest level.
    trend
        ``direction`` (up, flat, down), ``change`` of the year against the year before, ``text``; ``note`` where the
        history is short.
    season
        ``index`` of the twelve months (1 is usual), ``peaks``, ``text``; ``note`` where the history is short.
    similar
        Streets of similar structure: ``code name``, and by what.
    hotspots
        Number of hotspots by scale and pattern.
    previous
        What has become of the plan before: its number, and of each task baseline, persons since, and whether a task of
        this plan continues it; None without one.
    """

    figures: tuple[Figure, ...]
    months: tuple[tuple[str, int, float], ...]
    hours: tuple[int, ...]
    items: tuple[dict[str, Any], ...]
    details: tuple[dict[str, Any], ...] = ()
    trend: dict[str, Any] = field(default_factory=dict)
    season: dict[str, Any] = field(default_factory=dict)
    similar: dict[str, Any] = field(default_factory=dict)
    hotspots: dict[str, Any] = field(default_factory=dict)
    previous: dict[str, Any] | None = None

    def get(self, key: str) -> Figure:
        """Return a figure by its key."""
        return next(figure for figure in self.figures if figure.key == key)


@dataclass(frozen=True, eq=False, kw_only=True)
class CityView:
    """What diagnoses of one city have in common.

    Parameters
    ----------
    figures
        Counts of all streets.
    rates
        Of the year, by unit (``street_indicators.make_year_rates``).
    units
        Unit that answers for each street.
    residents
        By street code; None where the pack does not say.
    similar
        Streets of similar structure.
    levels
        Names of items.
    names
        Of areas.
    callbacks_min
        Fewer valid callbacks: no rate is stated.
    trend_orders_min
        A trend or season from fewer orders is not stated.
    peak_ratio
        A month of the year with so many times its share is high.
    flow
        By street: ``bounced`` and ``disputed`` orders of the year; None where no moves are kept.
    """

    figures: CityFigures
    rates: pd.DataFrame
    units: Mapping[str, str]
    residents: pd.Series | None
    similar: SimilarStreets
    levels: ItemLevels
    names: Mapping[str, str]
    callbacks_min: int
    trend_orders_min: int
    peak_ratio: float
    flow: pd.DataFrame | None = None


def make_diagnosis(street: str, city: CityView, *, previous: Plan | None = None) -> Diagnosis:
    """Return the diagnosis of a street.

    Parameters
    ----------
    street
        Code of the street, one of those counted.
    city
        The figures of all streets.
    previous
        The plan before, if there is one.
    """
    similar = city.similar.find(street)
    return Diagnosis(
        figures=(
            *_make_volume(street, city, similar),
            *_make_trends(street, city.figures, city.trend_orders_min),
            *_make_rates(street, city, similar),
            *_make_flow(street, city),
        ),
        months=_make_months(street, city.figures),
        hours=tuple(int(n) for n in city.figures.hours.loc[street]),
        items=_make_items(street, city.figures, city.levels),
        details=_make_details(street, city.figures, city.levels),
        trend=_make_trend(street, city.figures, city.trend_orders_min),
        season=_make_season(street, city.figures, city.trend_orders_min, city.peak_ratio),
        similar={
            "by": list(city.similar.by),
            "streets": [{"code": code, "name": city.names.get(code, code)} for code in similar],
        },
        previous=None if previous is None else {"plan_no": previous.plan_no, "tasks": []},
    )


def _median(values: pd.Series, similar: list[str]) -> float | None:
    """Return the median of similar streets, None where fewer than half of them have the figure."""
    known = values.reindex(similar).dropna()
    return round(float(known.median()), 4) if len(known) * 2 >= max(len(similar), 2) else None


def _make_volume(street: str, city: CityView, similar: list[str]) -> list[Figure]:
    """Return how much, what share and which rank."""
    figures = city.figures
    counts, year = figures.counts["window"], figures.counts["year"]
    n, total = int(counts[street]), int(counts.sum())
    rank = int((counts > n).sum()) + 1
    repeated = figures.repeated.loc[street]
    named = int(repeated["named"])
    shares = figures.repeated["repeated"] / figures.repeated["named"].where(
        figures.repeated["named"] > 0
    )
    return [
        Figure(
            key="orders",
            value=n,
            n=n,
            window="window",
            rank=rank,
            ranked=len(counts),
            peers=_median(counts.astype(float), similar),
        ),
        _make_per_10k(street, year, city, similar),
        Figure(key="city_share", value=n / total if total else None, n=total, window="window"),
        Figure(key="rank", value=rank, n=len(counts), window="window"),
        Figure(
            key="repeat_share",
            value=float(repeated["repeated"]) / named if named else None,
            n=named,
            window="year",
            note="" if named else "few",
            peers=_median(shares, similar),
        ),
    ]


def _make_per_10k(street: str, year: pd.Series, city: CityView, similar: list[str]) -> Figure:
    """Return orders of the year per 10,000 residents with the exact Poisson interval (Garwood, 1936)."""
    n = int(year[street])
    people = None if city.residents is None else city.residents.reindex(year.index)
    own = None if people is None else people[street]
    if people is None or own is None or pd.isna(own) or own <= 0:
        return Figure(key="per_10k", value=None, n=n, window="year", note="unknown")
    rates = PER * year / people.where(people > 0)
    low = chi2.ppf((1 - INTERVAL) / 2, 2 * n) / 2 if n else 0.0
    high = chi2.ppf((1 + INTERVAL) / 2, 2 * n + 2) / 2
    return Figure(
        key="per_10k",
        value=round(PER * n / float(own), 2),
        n=n,
        window="year",
        low=round(float(PER * low / own), 2),
        high=round(float(PER * high / own), 2),
        rank=int((rates > rates[street]).sum()) + 1,
        ranked=int(rates.notna().sum()),
        peers=_median(rates, similar),
    )


def _make_trends(street: str, city: CityFigures, least: int) -> list[Figure]:
    """Return the change against the window before and the same days of the year before."""
    trends = []
    for key, now_name, name, window in (
        ("change_before", "window", "before", "window"),
        ("change_year", "window", "year_ago", "window"),
        ("change_12m", "year", "last_year", "year"),
    ):
        now, then = (int(city.counts.loc[street, one]) for one in (now_name, name))
        note = "short" if not city.covered[name] else "few" if then < least else ""
        trends.append(
            Figure(
                key=key, value=None if note else now / then - 1, n=then, window=window, note=note
            )
        )
    return trends


def _make_rates(street: str, city: CityView, similar: list[str]) -> list[Figure]:
    """Return the three rates of the street's office over the year, or why there is none."""
    units = pd.Series(city.units).reindex(city.figures.counts.index)
    table = city.rates.reindex(units.fillna("")).set_axis(units.index)
    row = table.loc[street]
    n = 0 if pd.isna(row["callbacks"]) else int(row["callbacks"])
    few = n < max(city.callbacks_min, 1)
    enough = table["callbacks"] >= max(city.callbacks_min, 1)
    made = []
    for key in RATES:
        rates = table[f"{key}_rate"].where(enough)
        value = row[f"{key}_rate"]
        unsaid = few or pd.isna(value)
        made.append(
            Figure(
                key=f"{key}_rate",
                value=None if unsaid else float(value),
                n=n,
                window="year",
                note="few" if unsaid else "",
                low=None if unsaid else round(float(row[f"{key}_low"]), 4),
                high=None if unsaid else round(float(row[f"{key}_high"]), 4),
                rank=None if unsaid else int((rates > value).sum()) + 1,
                ranked=None if unsaid else int(rates.notna().sum()),
                peers=_median(rates, similar),
            )
        )
    return made


def _make_flow(street: str, city: CityView) -> list[Figure]:
    """Return how many orders bounced and were disputed, where moves are kept."""
    if city.flow is None:
        return []
    counts = city.flow.reindex(city.figures.counts.index).fillna(0)
    return [
        Figure(key=key, value=int(counts.loc[street, key]), n=int(counts[key].sum()), window="year")
        for key in ("bounced", "disputed")
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


def _make_items(street: str, city: CityFigures, levels: ItemLevels) -> tuple[dict[str, Any], ...]:
    """Return the commonest level-1 items with their shares here and in the city."""
    here, everywhere = city.level1.loc[street], city.level1.sum(axis=0)
    n, total = max(int(here.sum()), 1), max(int(everywhere.sum()), 1)
    top = here[here > 0].sort_values(ascending=False, kind="stable").head(MOST_ITEMS)
    return tuple(
        {
            "level1_code": str(code),
            "name": levels.name(str(code)),
            "count": int(count),
            "share": round(count / n, 4),
            "city_share": round(float(everywhere[code]) / total, 4),
            "ratio": round(float(np.float64(count / n) / (everywhere[code] / total)), 2),
        }
        for code, count in top.items()
    )


def _make_details(street: str, city: CityFigures, levels: ItemLevels) -> tuple[dict[str, Any], ...]:
    """Return the commonest items of the lowest level."""
    own = city.items.take(city.item_rows.get(street, np.zeros(0, dtype=np.intp))).sort_values(
        ["count", "item_code"], ascending=[False, True]
    )
    pairs = own.head(MOST_ITEMS)[["item_code", "count"]].itertuples(index=False, name=None)
    return tuple(
        {"item_code": str(code), "name": levels.name(str(code)), "count": int(n)}
        for code, n in pairs
    )


def _make_trend(street: str, city: CityFigures, least: int) -> dict[str, Any]:
    """Return whether the year differs from the year before by more than chance, against the city's own change."""
    if not city.covered["last_year"]:
        return {"direction": "", "change": None, "text": "", "note": "short"}
    now, then = (int(city.counts.loc[street, name]) for name in ("year", "last_year"))
    if then < least:
        return {"direction": "", "change": None, "text": "", "note": "few"}
    # log ratio of two counts, its variance 1/now + 1/then
    ratio, spread = np.log(max(now, 0.5) / then), np.sqrt(1 / max(now, 1) + 1 / then)
    sure = abs(ratio) > 1.96 * spread
    direction = "flat" if not sure else "up" if ratio > 0 else "down"
    return {
        "direction": direction,
        "change": round(now / then - 1, 4),
        "text": say("diagnosis", f"trend_{direction}"),
        "note": "",
    }


def _make_season(street: str, city: CityFigures, least: int, peak: float) -> dict[str, Any]:
    """Return the twelve months against the mean month of their year, and those that are high."""
    inside = [str(month) for month in city.months.columns][-SEASON_MONTHS:]
    if len(inside) < SEASON_MONTHS:
        return {"index": [], "peaks": [], "text": "", "note": "short"}
    own = city.months.loc[street, inside]
    of_month = own.groupby([int(month[5:]) for month in inside]).sum()
    mean = float(of_month.mean())
    if mean < least:
        return {"index": [], "peaks": [], "text": "", "note": "few"}
    index = [round(float(of_month.get(month, 0)) / mean, 2) for month in range(1, 13)]
    # a month of the year is a sum of two: chance alone moves it by 2 / sqrt of it
    limit = max(peak, 1 + 2 / np.sqrt(mean))
    peaks = [month for month, value in enumerate(index, start=1) if value >= limit]
    joiner = load_words()["joiners"]["list"]
    named = str(joiner).join(say("months", "month", month=month) for month in peaks)
    return {
        "index": index,
        "peaks": peaks,
        "text": say("diagnosis", "season_peaks", months=named) if peaks else "",
        "note": "",
    }
