"""The class of every street (DOMAIN.md section 5): one review of 12 months, for rates, plans and pages alike.

Since May 2019 there are four classes: advanced, improving, rectification and governance. The rules of a month propose
(:mod:`gridgov.rules.streets.class_review`), people decide; what was decided counts, else what is proposed.
"""

from collections.abc import Callable, Iterable
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.order_labels import Language
from gridgov.rules.rates.assessment import judge_orders, make_assessment
from gridgov.rules.rates.handlers import find_excluded, find_handlers
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.streets.class_review import (
    REVIEW_COLUMNS,
    ClassDecision,
    make_measures,
    review_classes,
    sum_months,
)
from gridgov.rules.streets.class_rules import GOVERNANCE

__all__ = [
    "CLASS_COLUMNS",
    "GOVERNANCE",
    "find_month_population",
    "find_street_classes",
    "review_months",
]

FindPopulation = Callable[[date], pd.Series | None]
"""Day → residents by street code; None where nobody says."""

CLASS_COLUMNS = (
    "street_code",
    "month",
    "appeals",
    "rank",
    "population",
    "street_class",
    "proposed",
    "decided",
    "reason",
)
"""One row per street, most appeals first: ``month`` whose review it is, empty where there is none yet · ``appeals`` of
the ``streets.governance_window_months`` up to it · ``rank`` 1 is most, ties share it · ``population`` residents or
missing · ``street_class`` what people decided for the month, else what is proposed; empty for none · ``proposed`` by
the rules · ``decided`` missing where nobody has · ``reason`` in words, with the figures."""


def find_street_classes(
    orders: pd.DataFrame,
    units: pd.DataFrame,
    streets: pd.Index,
    *,
    as_of: pd.Timestamp,
    constants: Constants,
    find_population: FindPopulation,
    decisions: Iterable[ClassDecision] = (),
    language: Language = "zh",
) -> pd.DataFrame:
    """Return the class in which every street is at a moment.

    Parameters
    ----------
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``; of all the history, because leaving a class takes months in a row.
    units
        The city's units: ``unit_code name kind district_code``.
    streets
        Codes of all streets; those without an order are of no class unless somebody decided one.
    as_of
        Aware, in the city's zone; orders from this moment on do not count.
    constants
        ``streets.*`` and ``rates.*``.
    find_population
        Day → residents by street code (``City.find_population``).
    decisions
        What people decided.
    language
        Of the reasons.

    Returns
    -------
        Frame of :data:`CLASS_COLUMNS`. The month is the last assessed one that is over at `as_of`, the first one
        where none is over yet.
    """
    moment = pd.Timestamp(as_of)
    zone = ZoneInfo(str(moment.tzinfo))
    known = orders[orders["received_at"] < moment]
    known = known.reindex(columns=list(dict.fromkeys((*known.columns, "closed_at"))))
    known["closed_at"] = known["closed_at"].astype(known["received_at"].dtype)
    unit = find_handlers(known, units["unit_code"])
    called = known["called_at" if "called_at" in known else "closed_at"]
    judged = judge_orders(
        known.assign(unit_code=unit, called_at=called),
        as_of=moment,
        constants=constants,
        excluded=find_excluded(known),
    )
    appeals = count_appeals(known)
    review = review_months(
        make_assessment(judged.orders, units, constants=constants),
        streets,
        appeals,
        constants=constants,
        find_population=find_population,
        decisions=decisions,
        language=language,
    )
    month = _find_month(review["month"], moment, zone, constants)
    of_month = review[review["month"] == month].set_index("street_code").reindex(streets)
    frame = pd.DataFrame(
        {
            "street_code": pd.Series(streets, dtype="str"),
            "month": month,
            "appeals": _count_window(appeals, month, streets, constants),
            "proposed": of_month["proposed"].fillna("").to_numpy(),
            "decided": of_month["decided"].to_numpy(),
            "reason": of_month["reason"].fillna("").to_numpy(),
        }
    )
    frame["rank"] = frame["appeals"].rank(method="min", ascending=False).astype("int64")
    residents = find_month_population(find_population, pd.Series([month] if month else []))
    people = None if residents is None else residents.droplevel("month")
    frame["population"] = pd.NA if people is None else frame["street_code"].map(people).round()
    frame["population"] = frame["population"].astype("Int64")
    frame["street_class"] = frame["decided"].where(frame["decided"].notna(), frame["proposed"])
    frame = frame.sort_values(["rank", "street_code"], ignore_index=True)
    return frame[list(CLASS_COLUMNS)]


def review_months(
    assessment: pd.DataFrame,
    streets: Iterable[str],
    appeals: pd.Series,
    *,
    constants: Constants,
    find_population: FindPopulation,
    decisions: Iterable[ClassDecision] = (),
    language: Language = "zh",
) -> pd.DataFrame:
    """Return the review of the classes of all months, ``class_review.REVIEW_COLUMNS``.

    Every street is reviewed in every month up to the last assessed one: most appeals and residents make a class
    whether or not anybody was called back.

    Parameters
    ----------
    assessment
        Frame of ``rates.assessment.ASSESSMENT_COLUMNS``.
    streets
        Codes of all streets.
    appeals
        Appeals at the place by (month of receipt, street code).
    constants
        ``streets.*``.
    find_population
        Day → residents by street code.
    decisions
        What people decided.
    """
    assessed = assessment[assessment["group"] == "streets"]
    counted = appeals.index.get_level_values(0).unique()
    months = sorted({*assessed["month"], *counted})
    if not assessed.empty:
        months = [name for name in months if name <= assessed["month"].max()]
    if not months:
        return pd.DataFrame(columns=list(REVIEW_COLUMNS), dtype="str")
    everyone = pd.MultiIndex.from_product(
        [months, sorted({*streets, *assessed["unit_code"]})], names=["month", "unit_code"]
    )
    ranking = assessed.set_index(["month", "unit_code"])[["score_change", "rank", "ranked"]]
    measures = make_measures(
        ranking.reindex(everyone).reset_index(),
        appeals,
        population=find_month_population(find_population, pd.Series(months)),
        constants=constants,
    )
    return review_classes(measures, decisions=decisions, constants=constants, language=language)


def count_appeals(orders: pd.DataFrame) -> pd.Series:
    """Return the orders by (calendar month of receipt, street code of the place); others count nowhere."""
    known = orders[orders["street_code"].notna() & orders["received_at"].notna()]
    month = known["received_at"].dt.strftime("%Y-%m")
    counts: pd.Series = known.groupby([month, known["street_code"].astype("str")]).size()
    return counts.rename_axis(["month", "street_code"])


def find_month_population(find: FindPopulation, months: pd.Series) -> pd.Series | None:
    """Return the residents by (month, street code), as known on the last day of each month's name.

    Parameters
    ----------
    find
        Day → residents by street code.
    months
        Such as ``2025-03``, in any order.
    """
    known = {
        month: people
        for month in sorted(months.unique())
        if (people := find(pd.Period(month, "M").end_time.date())) is not None
    }
    return pd.concat(known, names=["month", "street_code"]) if known else None


def _find_month(
    months: pd.Series, moment: pd.Timestamp, zone: ZoneInfo, constants: Constants
) -> str:
    names = sorted(months.unique())
    rules = make_window_rules(constants)
    over = [name for name in names if make_month(name, rules, zone).end_at <= moment]
    return str((over[-1:] or names[:1] or [""])[0])


def _count_window(
    appeals: pd.Series, month: str, streets: pd.Index, constants: Constants
) -> np.ndarray:
    if not month or appeals.empty:
        return np.zeros(len(streets), dtype=np.int64)
    summed = sum_months(appeals, int(constants.number("streets.governance_window_months")))
    of_month = summed[summed.index.get_level_values(0) == month].droplevel(0)
    counts: np.ndarray = of_month.reindex(streets).fillna(0).to_numpy().astype(np.int64)
    return counts
