"""Figures of all streets at once: counted in whole frames, looked up per street."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

SATISFACTION = {"satisfied": 1.0, "basically": None, "unsatisfied": 0.0}
"""What an answer counts; ``basically`` counts what the city's constant says (DOMAIN.md §5)."""

RATES = ("response_rate", "solution_rate", "satisfaction_rate")


@dataclass(frozen=True, kw_only=True)
class Span:
    """A window of time, from included, to excluded, aware."""

    start: datetime
    end: datetime

    def take(self, orders: pd.DataFrame) -> pd.DataFrame:
        """Return the orders received inside."""
        received = orders["received_at"]
        return orders[(received >= self.start) & (received < self.end)]

    def move(self, days: int) -> "Span":
        """Return the same window some days later."""
        return Span(start=self.start + timedelta(days=days), end=self.end + timedelta(days=days))


@dataclass(frozen=True, kw_only=True)
class CityFigures:
    """Counts of every street; frames are indexed by ``street_code`` and 0 where nothing was counted.

    Parameters
    ----------
    window, year
        The plan's window, and the longer one for profiles (both end at the same moment).
    counts
        Columns ``window``, ``before`` (the window before it), ``year_ago`` (the same days a year earlier), ``year``,
        ``history``.
    covered
        For each column of `counts`, whether the orders reach back over all of it.
    months, hours, level1, items
        Orders by month of the history, hour of the day, level-1 item and item (both of the year).
    repeated
        Orders of the year whose person had called about the same item before, and orders with a known person.
    rates
        Columns of :data:`RATES` and ``callbacks``, of the year; missing without a valid callback.
    """

    window: Span
    year: Span
    counts: pd.DataFrame
    covered: dict[str, bool]
    months: pd.DataFrame
    hours: pd.DataFrame
    level1: pd.DataFrame
    items: pd.DataFrame
    repeated: pd.DataFrame
    rates: pd.DataFrame


def make_spans(as_of: datetime, *, window_days: int, year_days: int) -> tuple[Span, Span]:
    """Return the plan's window and the longer one, both ending at `as_of`."""
    window = Span(start=as_of - timedelta(days=window_days), end=as_of)
    return window, Span(start=as_of - timedelta(days=max(year_days, window_days)), end=as_of)


def make_city_figures(
    orders: pd.DataFrame, streets: pd.Index, *, spans: tuple[Span, Span], basically_share: float
) -> CityFigures:
    """Count everything that diagnoses need.

    Parameters
    ----------
    orders
        Orders with ``street_code received_at item_code level1_code person_key contacted solved satisfied``.
    streets
        Codes of all streets of the city, also those without orders.
    spans
        Window and year (:func:`make_spans`).
    basically_share
        What "basically satisfied" counts.
    """
    window, year = spans
    known = orders[orders["street_code"].notna() & (orders["received_at"] < window.end)]
    of_year = year.take(known)
    counts, covered = _count_spans(known, streets, spans)
    return CityFigures(
        window=window,
        year=year,
        counts=counts,
        covered=covered,
        months=_cross(known, known["received_at"].dt.strftime("%Y-%m"), streets),
        hours=_cross(of_year, of_year["received_at"].dt.hour, streets).reindex(
            columns=range(24), fill_value=0
        ),
        level1=_cross(of_year, of_year["level1_code"], streets),
        items=of_year.groupby(["street_code", "item_code"]).size().rename("count").reset_index(),
        repeated=_count_repeated(of_year, streets),
        rates=make_rates(of_year, basically_share=basically_share).reindex(streets),
    )


def make_rates(orders: pd.DataFrame, *, basically_share: float) -> pd.DataFrame:
    """Return the three rates per street (DOMAIN.md §5).

    A callback is valid if it says whether the person was contacted; no valid callback means no rate, not 0 and not 1.

    Returns
    -------
    pandas.DataFrame
        Index ``street_code``; columns of :data:`RATES` (0-1) and ``callbacks``.
    """
    valid = orders[orders["contacted"].notna()]
    worth = {
        name: basically_share if value is None else value for name, value in SATISFACTION.items()
    }
    marks = pd.DataFrame(
        {
            "street_code": valid["street_code"].astype("str"),
            "response_rate": valid["contacted"].astype("float64"),
            "solution_rate": valid["solved"].astype("Float64").fillna(0.0).astype("float64"),
            "satisfaction_rate": valid["satisfied"]
            .astype("object")
            .map(worth)
            .astype("float64")
            .fillna(0.0),
        }
    )
    groups = marks.groupby("street_code")
    return groups[list(RATES)].mean().assign(callbacks=groups.size())


def _count_spans(
    orders: pd.DataFrame, streets: pd.Index, spans: tuple[Span, Span]
) -> tuple[pd.DataFrame, dict[str, bool]]:
    """Return counts per street in each window, and whether the orders reach back that far."""
    window, year = spans
    days = (window.end - window.start).days
    windows = {
        "window": window,
        "before": window.move(-days),
        "year_ago": window.move(-365),
        "year": year,
    }
    counts = {name: _count(span.take(orders), streets) for name, span in windows.items()}
    counts["history"] = _count(orders, streets)
    reaches = len(orders) > 0
    oldest = orders["received_at"].min().date() if reaches else window.end.date()
    covered = {name: reaches and oldest <= span.start.date() for name, span in windows.items()}
    return pd.DataFrame(counts), {**covered, "history": True}


def _count(orders: pd.DataFrame, streets: pd.Index) -> pd.Series:
    """Return orders per street."""
    return orders["street_code"].value_counts().reindex(streets, fill_value=0)


def _cross(orders: pd.DataFrame, by: pd.Series, streets: pd.Index) -> pd.DataFrame:
    """Return orders per street and value of `by`."""
    table = pd.crosstab(orders["street_code"].astype("object"), by.astype("object"))
    return table.reindex(streets, fill_value=0)


def _count_repeated(orders: pd.DataFrame, streets: pd.Index) -> pd.DataFrame:
    """Return per street how many orders repeat one of the same person and item, and how many name a person."""
    named = orders[orders["person_key"].notna() & orders["item_code"].notna()]
    again = named[named.duplicated(["person_key", "item_code"])]
    return pd.DataFrame({"repeated": _count(again, streets), "named": _count(named, streets)})
