"""Rates and ranking for pages: a month's table by group, the months of one unit, and how each figure is computed."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.constants import Constant, Constants
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.score import Weights, find_weights, make_scores, make_weights
from gridgov.rules.rates.three_rates import make_rates
from gridgov.rules.rates.window import Window as Month
from gridgov.rules.rates.window import find_first_day, make_month, make_window_rules
from gridgov.storage.queries.areas import get_units
from gridgov.storage.queries.rate_counts import get_rate_counts, get_rate_totals, list_rate_months
from gridgov.storage.queries.today import find_last_day
from gridgov.storage.scope.apply import without_row_scope

GROUPS = (
    "streets",
    "inner_districts",
    "outer_districts",
    "districts",
    "departments",
    "enterprises",
    "platforms",
)
SHOWN_CONSTANTS = (
    "rates.response_weight",
    "rates.solution_weight",
    "rates.satisfaction_weight",
    "rates.weights",
    "rates.basically_share",
    "rates.partly_share",
    "rates.answers_needed",
    "rates.callbacks_min",
    "rates.confidence_level",
    "rates.exclusion_reasons",
    "rates.window_by",
    "rates.month_starts_on_day",
    "rates.month_starts_in",
    "rates.day_starts_at",
    "rates.score_decimals",
    "rates.commended_share",
    "rates.interview_share",
    "rates.outcome_units_min",
    "rates.outcome_sure",
)
"""Constants on which the figures of the page stand."""
ALL = "*"
"""Stands for all units together."""


@dataclass(frozen=True, kw_only=True)
class MonthView:
    """One assessed month.

    Parameters
    ----------
    month, months
        The month shown, and all that have orders, the newest first.
    window
        Its begin and end.
    groups
        Groups with units in the month, in the order of :data:`GROUPS`.
    group
        The one shown.
    rows
        Frame of ``assessment.ASSESSMENT_COLUMNS`` of the group as plain values, by rank.
    weights
        Those in force when the month began.
    constants
        Those of :data:`SHOWN_CONSTANTS`.
    """

    month: str
    months: list[str]
    window: Month
    groups: list[str]
    group: str
    rows: list[dict[str, Any]]
    weights: Weights
    constants: list[Constant]


def make_month_view(
    session: Session, constants: Constants, zone: ZoneInfo, *, month: str, group: str
) -> MonthView | None:
    """Return a month, the newest whole one if none is asked for; None where no order has been assessed.

    Where no group is asked for it is the first in which units are ranked.

    The ranking is public (DOMAIN.md section 5), so every account sees every unit's.

    Raises
    ------
    NotFoundError
        There is no such month or group.
    """
    with without_row_scope(session):
        months = list_rate_months(session)
        if not months:
            return None
        chosen = month or find_shown_month(months, find_last_day(session), constants)
        if chosen not in months:
            raise NotFoundError("assessed month", chosen)
        at = months.index(chosen)
        # The month before gives rank and score before.
        counts = get_rate_counts(session, months=months[max(at - 1, 0) : at + 1])
        units = get_units(session)
    table = assess_counts(counts, units, constants=constants)
    table = table[(table["month"] == chosen) & table["group"].notna()]
    groups = [name for name in GROUPS if (table["group"] == name).any()]
    # Who opens the room looks for a ranking: a group in which nobody has callbacks enough shows none.
    ranked = [name for name in groups if table.loc[table["group"] == name, "rank"].notna().any()]
    shown = group or next(iter([*ranked, *groups]), "")
    if shown and shown not in groups:
        raise NotFoundError("group of units", shown)
    rules = make_window_rules(constants)
    return MonthView(
        month=chosen,
        months=months[::-1],
        window=make_month(chosen, rules, zone),
        groups=groups,
        group=shown,
        rows=list_plain(table[table["group"] == shown]),
        weights=find_weights(make_weights(constants), find_first_day(chosen, rules)),
        constants=[constants.get(name) for name in SHOWN_CONSTANTS],
    )


def find_shown_month(months: list[str], last_day: date | None, constants: Constants) -> str:
    """Return the newest month that is over: one that has only begun would rank units by a few days."""
    rules = make_window_rules(constants)
    over = [
        name
        for name, after in pairwise(months)
        if last_day is not None and find_first_day(after, rules) <= last_day
    ]
    return over[-1] if over else months[-1]


def list_plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values, None where one is missing."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def make_trend(
    session: Session,
    constants: Constants,
    *,
    unit_code: str = "",
    unit_codes: frozenset[str] | None = None,
) -> list[dict[str, Any]]:
    """Return rates and scores month by month of one unit, or of several units' callbacks together (None: of all).

    Returns
    -------
        Plain rows of ``rates.RATE_COLUMNS`` and ``score.SCORE_COLUMNS``, the first month first.
    """
    if unit_code:
        with without_row_scope(session):
            counts, units = get_rate_counts(session), get_units(session)
        table = assess_counts(counts, units, constants=constants)
        return list_plain(table[table["unit_code"] == unit_code].sort_values("month"))
    with without_row_scope(session):
        totals = get_rate_totals(session, unit_code=ALL, unit_codes=unit_codes)
    rates = make_rates(totals, constants=constants)
    scores = make_scores(rates, constants=constants, rules=make_window_rules(constants))
    return list_plain(rates.join(scores))


def make_trend_chart(rows: list[dict[str, Any]], *, least: float = 1) -> dict[str, Any]:
    """Return the three rates month by month, per cent, as the page's charts take them.

    Parameters
    ----------
    rows
        Of :func:`make_trend`.
    least
        Fewer valid callbacks: the month shows no rate.
    """
    names = {
        "response": gettext("rates.response"),
        "solution": gettext("rates.solution"),
        "satisfaction": gettext("rates.satisfaction"),
    }
    return {
        "x": [row["month"] for row in rows],
        "unit": "%",
        "digits": 1,
        "series": [
            {
                "name": word,
                "values": [
                    None
                    if row[f"{name}_rate"] is None or row["callbacks"] < least
                    else round(100 * row[f"{name}_rate"], 1)
                    for row in rows
                ],
            }
            for name, word in names.items()
        ],
    }
