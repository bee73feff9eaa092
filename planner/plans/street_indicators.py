"""Figures of all streets at once: counted in whole frames, looked up per street."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.rates.assessment import assess_counts, judge_orders
from gridgov.rules.rates.handlers import find_excluded, find_handlers
from gridgov.rules.rates.three_rates import make_counts

RATES = ("response", "solution", "satisfaction")


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
class Spans:
    """The plan's window, and the year for profiles, rates and excess; both end at the same moment."""

    window: Span
    year: Span


@dataclass(frozen=True, kw_only=True)
class CityFigures:
    """Counts of every street; frames are indexed by ``street_code`` and 0 where nothing was counted.

    Parameters
    ----------
    window, year
        See :class:`Spans`.
    counts
        Columns ``window``, ``before`` (the window before it), ``year_ago`` (the same days a year earlier), ``year``,
        ``last_year`` (the year before it), ``history``.
    covered
        For each column of `counts`, whether the orders reach back over all of it.
    months, hours, level1, items
        Orders by month of the history, hour of the day, level-1 item and item (both of the year).
    repeated
        Orders of the year whose person had called about the same item before, and orders with a known person.
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

    @cached_property
    def item_rows(self) -> Mapping[str, npt.NDArray[np.intp]]:
        """Return the positions of each street's rows in :attr:`items`."""
        found: Mapping[str, npt.NDArray[np.intp]] = self.items.groupby(
            self.items["street_code"].astype("object")
        ).indices
        return found


def make_spans(as_of: datetime, *, window_days: int, year_days: int) -> Spans:
    """Return the plan's window and the longer one, both ending at `as_of`."""
    window = Span(start=as_of - timedelta(days=window_days), end=as_of)
    year = Span(start=as_of - timedelta(days=max(year_days, window_days)), end=as_of)
    return Spans(window=window, year=year)


def make_city_figures(orders: pd.DataFrame, streets: pd.Index, spans: Spans) -> CityFigures:
    """Return the figures of every street.

    Parameters
    ----------
    orders
        ``street_code received_at item_code level1_code person_key``.
    streets
        Codes of all streets of the city, also those without orders.
    spans
        Window and year (:func:`make_spans`).
    """
    window, year = spans.window, spans.year
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
    )


def make_year_rates(
    of_year: pd.DataFrame, units: pd.DataFrame, *, as_of: datetime, constants: Constants
) -> pd.DataFrame:
    """Return the three rates of every unit over a year, by the rules of the monthly assessment.

    Parameters
    ----------
    of_year
        Orders of the year with their answers.
    units
        Of the city: ``unit_code name kind district_code``.
    as_of
        Callbacks from this moment on do not count.
    constants
        ``rates.*``.

    Returns
    -------
    pandas.DataFrame
        Index ``unit_code``; ``callbacks rank ranked score`` and for each of :data:`RATES` ``_rate _low _high``.
    """
    moment = pd.Timestamp(as_of)
    known = of_year.reindex(columns=list(dict.fromkeys((*of_year.columns, "closed_at"))))
    known["closed_at"] = known["closed_at"].astype(known["received_at"].dtype)
    unit = find_handlers(known, units["unit_code"])
    called = known["called_at" if "called_at" in known else "closed_at"]
    judged = judge_orders(
        known.assign(unit_code=unit, called_at=called),
        as_of=moment,
        constants=constants,
        excluded=find_excluded(known),
    ).orders
    # the year of receipt as one window; the name of its last month keeps the weights of that day
    judged["month"] = f"{(moment - pd.Timedelta(days=1)):%Y-%m}"
    table = assess_counts(make_counts(judged), units, constants=constants)
    return table.set_index("unit_code")


def _count_spans(
    orders: pd.DataFrame, streets: pd.Index, spans: Spans
) -> tuple[pd.DataFrame, dict[str, bool]]:
    """Return counts per street in each window, and whether the orders reach back that far."""
    window, year = spans.window, spans.year
    days = (window.end - window.start).days
    windows = {
        "window": window,
        "before": window.move(-days),
        "year_ago": window.move(-365),
        "year": year,
        "last_year": year.move(-(year.end - year.start).days),
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
