"""What a report of a period says, as one value ready for JSON: figures, tables, and the points that stand out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from gridgov.rules.indicators import find_change
from gridgov.rules.reports.assessed import CITY
from gridgov.rules.reports.counting import (
    OUTCOMES,
    PeriodCounts,
    PeriodFigures,
    ReportScope,
    sum_by,
    sum_tags,
)
from gridgov.rules.reports.periods import KINDS, Period

SCHEMA = "report/2"
RATES = ("response_rate", "solution_rate", "satisfaction_rate")
PER = 10_000
INTERVAL = 0.95
SURE = 3.0
"""A count has changed for sure where the log ratio is so many times its spread. Assumed."""
MOST_POINTS = 3
"""Points of one kind. Assumed."""
MOST_HOTSPOTS = 20
"""Hotspots that a report lists, the surest first. Assumed."""
FEWEST_ANSWERS = 10
"""From fewer answers an item's share of solved ones is not spoken of. Assumed."""


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Names by code.

    Parameters
    ----------
    areas, items
        Names of areas, and of items.
    tags
        Tags of each item (七有五性 and others).
    """

    areas: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def compose_report(
    period: Period,
    scope: ReportScope,
    counts: PeriodCounts,
    *,
    naming: Naming,
    before: PeriodFigures,
    year_before: PeriodFigures,
    assessed: Mapping[str, pd.DataFrame] | None = None,
    callbacks_min: int = 1,
    tasks: Sequence[Mapping[str, Any]] = (),
    hotspots: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what a report says.

    Parameters
    ----------
    period, scope
        When and where.
    counts
        Of the period, of the whole city.
    naming
        Names and tags.
    before, year_before
        The figures of the period before and of the one a year before, of the same scope; those of their own reports
        where there are any, so that a report and the next one agree.
    assessed
        From :func:`~gridgov.rules.reports.assessed.assess_period`.
    callbacks_min
        Fewer valid callbacks: no rate is stated.
    tasks
        Of plans in force: ``street_code task_no title lead state progress due_on is_late``.
    hotspots
        Of the newest analysis: ``street_code name kind item count persons expected``.
    """
    own, rates = counts.take(scope), assessed or {}
    total = {name: int(own.parts[name].sum()) for name in OUTCOMES}
    orders = sum(total.values())
    areas = sum_by(own.parts, scope.part)
    items = sum_by(own.parts, "level1_code")
    tags = sum_tags(own.parts, naming.tags)
    in_scope = _take_tasks(tasks, scope)
    spots = _take_tasks(hotspots, scope)
    figures = [
        _compare("orders", orders, before.orders, year_before.orders),
        *(
            _compare(name, n, before.outcomes.get(name, 0), year_before.outcomes.get(name, 0))
            for name, n in total.items()
        ),
        _make_solved_share(total, before, year_before),
        *_make_per_10k(period, scope, orders),
        *_make_rates(rates, scope, callbacks_min),
        *_make_progress(in_scope, spots, scope),
    ]
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": period.kind,
        "period": period.name,
        "first_on": period.first_on.isoformat(),
        "last_on": period.last_on.isoformat(),
        "scope": {
            "level": scope.level,
            "code": scope.code,
            "name": scope.name,
            "unit_code": scope.unit_code,
        },
        "before": _say_period(period.before, before),
        "year_before": _say_period(period.year_before, year_before),
        "outcomes_total": orders,
        "outcomes": total,
        "figures": figures,
        "areas": _list_rows(areas, naming.areas, before.areas, year_before.areas),
        "items": _list_rows(items, naming.items, before.items, year_before.items),
        "tags": _list_rows(tags, {}, before.tags, year_before.tags),
        "days": {} if period.is_one_day else _list_days(own.days, period),
        "ranking": _list_ranking(rates, scope, KINDS[period.kind].span),
        # A city has hundreds of tasks: its report counts them, those of districts and streets list them.
        "tasks": [] if scope.level == "city" else [dict(one) for one in in_scope],
        "hotspots": [dict(one) for one in spots[:MOST_HOTSPOTS]],
    }
    content["points"] = [
        *_find_low_rates(rates, scope, callbacks_min),
        *_find_rising("area_up", content["areas"]),
        *_find_rising("item_up", content["items"]),
        *_find_unsolved(content["items"], sum_by(counts.parts, "level1_code"), scope),
        *_find_late(in_scope),
    ]
    return content


def _compare(key: str, n: int, before: int, year_before: int) -> dict[str, Any]:
    return {
        "key": key,
        "value": n,
        "before": before,
        "year_before": year_before,
        "change_before": find_change(n, before),
        "change_year": find_change(n, year_before),
    }


def _say_period(period: Period, figures: PeriodFigures) -> dict[str, Any]:
    return {
        "period": period.name,
        "first_on": period.first_on.isoformat(),
        "last_on": period.last_on.isoformat(),
        "is_kept": figures.is_kept,
    }


def _find_solved_share(outcomes: Mapping[str, int]) -> tuple[float | None, int]:
    answered = sum(outcomes.get(name, 0) for name in ("solved", "partly", "unsolved"))
    return (outcomes.get("solved", 0) / answered if answered else None), answered


def _make_solved_share(
    total: Mapping[str, int], before: PeriodFigures, year_before: PeriodFigures
) -> dict[str, Any]:
    value, n = _find_solved_share(total)
    return {
        "key": "solved_share",
        "value": value,
        "n": n,
        "before": _find_solved_share(before.outcomes)[0],
        "year_before": _find_solved_share(year_before.outcomes)[0],
    }


def _make_per_10k(period: Period, scope: ReportScope, orders: int) -> list[dict[str, Any]]:
    """Return appeals per 10,000 residents with the exact Poisson interval (Garwood, 1936), of months and years."""
    people = scope.residents
    if KINDS[period.kind].span not in {"month", "year"} or not people or not people > 0:
        return []
    low = chi2.ppf((1 - INTERVAL) / 2, 2 * orders) / 2 if orders else 0.0
    high = chi2.ppf((1 + INTERVAL) / 2, 2 * orders + 2) / 2
    return [
        {
            "key": "per_10k",
            "value": round(PER * orders / people, 2),
            "n": orders,
            "low": round(float(PER * low / people), 2),
            "high": round(float(PER * high / people), 2),
        }
    ]


def _get_unit(table: pd.DataFrame | None, unit_code: str) -> dict[str, Any]:
    if table is None or table.empty:
        return {}
    own = table[table["unit_code"] == unit_code]
    return {} if own.empty else {str(key): _plain(value) for key, value in own.iloc[0].items()}


def _make_rates(
    assessed: Mapping[str, pd.DataFrame], scope: ReportScope, callbacks_min: int
) -> list[dict[str, Any]]:
    """Return callbacks, the three rates with intervals, score and rank, beside those before."""
    if not assessed:
        return []
    rows = {name: _get_unit(table, scope.unit_code) for name, table in assessed.items()}
    counted = {name: int(row.get("callbacks") or 0) for name, row in rows.items()}
    least = max(callbacks_min, 1)

    def tell(name: str, key: str) -> Any:
        return rows[name].get(key) if counted[name] >= least else None

    made: list[dict[str, Any]] = [
        _compare("callbacks", counted["now"], counted["before"], counted["year_before"])
    ]
    for key in RATES:
        stem = key.removesuffix("_rate")
        made.append(
            {
                "key": key,
                "value": tell("now", key),
                "n": counted["now"],
                "before": tell("before", key),
                "year_before": tell("year_before", key),
                "low": tell("now", f"{stem}_low"),
                "high": tell("now", f"{stem}_high"),
                "note": "" if tell("now", key) is not None else "few",
            }
        )
    if rows["now"].get("rank") is not None:
        made.append(
            {
                "key": "score",
                "value": rows["now"].get("score"),
                "n": counted["now"],
                "before": rows["before"].get("score"),
                "year_before": rows["year_before"].get("score"),
            }
        )
        made.append(
            {
                "key": "score_rank",
                "value": rows["now"].get("rank"),
                "n": rows["now"].get("ranked"),
                "before": rows["before"].get("rank"),
                "year_before": rows["year_before"].get("rank"),
            }
        )
    return made


def _make_progress(
    tasks: Sequence[Mapping[str, Any]], spots: Sequence[Mapping[str, Any]], scope: ReportScope
) -> list[dict[str, Any]]:
    if scope.level == "city" and not tasks and not spots:
        return []
    return [
        {"key": "hotspots", "value": len(spots)},
        {"key": "tasks", "value": len(tasks)},
        {"key": "tasks_done", "value": sum(one["state"] == "done" for one in tasks)},
        {"key": "tasks_late", "value": sum(bool(one["is_late"]) for one in tasks)},
    ]


def _take_tasks(
    rows: Sequence[Mapping[str, Any]], scope: ReportScope
) -> Sequence[Mapping[str, Any]]:
    if scope.streets is None:
        return rows
    return [one for one in rows if one["street_code"] in scope.streets]


def _list_rows(
    table: pd.DataFrame,
    names: Mapping[str, str],
    before: Mapping[str, int],
    year_before: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Return rows by code with what they were before; what has gone down to none is a row too."""
    gone = sorted(code for code, n in before.items() if n and code not in table.index)
    full = table.reindex([*table.index, *gone], fill_value=0)
    return [
        {
            "code": str(code),
            "name": names.get(str(code), str(code)),
            **{name: int(row[name]) for name in ("n", *OUTCOMES)},
            "before": int(before.get(str(code), 0)),
            "year_before": int(year_before.get(str(code), 0)),
            "solved_share": _find_solved_share(row.to_dict())[0],
        }
        for code, row in full.iterrows()
    ]


def _list_days(days: pd.DataFrame, period: Period) -> dict[str, int]:
    counted = days.groupby("day")["n"].sum()
    every = [
        period.first_on + timedelta(days=at)
        for at in range((period.last_on - period.first_on).days + 1)
    ]
    return {day.isoformat(): int(counted.get(day, 0)) for day in every}


def _list_ranking(
    assessed: Mapping[str, pd.DataFrame], scope: ReportScope, span: str
) -> list[dict[str, Any]]:
    """Return the rows of the assessment: all units of the city, else those of the streets that the scope has."""
    table = assessed.get("now")
    if table is None or table.empty:
        return []
    rows = table[table["unit_code"] != CITY]
    if scope.level == "district":
        rows = rows[rows["unit_code"].isin([*(scope.streets or ()), scope.unit_code])]
    elif scope.level == "street":
        groups = rows.loc[rows["unit_code"] == scope.unit_code, "group"]
        own = rows[rows["group"].isin(groups)]
        at = own.index[own["unit_code"] == scope.unit_code]
        # those just above and below in the group
        place = own.index.get_indexer(at)[0] if len(at) else 0
        rows = own.iloc[max(place - 3, 0) : place + 4] if len(at) else own.iloc[:0]
    found = [{str(k): _plain(v) for k, v in row.items()} for row in rows.to_dict("records")]
    if span == "year":
        found = [row | {"rank_before": None} for row in found]
    return found


# --- what stands out ----------------------------------------------------------------------------------


def _find_low_rates(
    assessed: Mapping[str, pd.DataFrame], scope: ReportScope, callbacks_min: int
) -> list[dict[str, Any]]:
    """Return the rates whose whole interval lies below the city's rate."""
    if not scope.unit_code or not assessed:
        return []
    own, city = (_get_unit(assessed.get("now"), code) for code in (scope.unit_code, CITY))
    if int(own.get("callbacks") or 0) < max(callbacks_min, 1):
        return []
    return [
        {
            "key": "rate_low",
            "rate": key,
            "value": own[key],
            "low": own[f"{key.removesuffix('_rate')}_low"],
            "high": own[f"{key.removesuffix('_rate')}_high"],
            "n": int(own["callbacks"]),
            "city": city[key],
        }
        for key in RATES
        if own.get(key) is not None
        and city.get(key) is not None
        and own[f"{key.removesuffix('_rate')}_high"] < city[key]
    ]


def _find_rising(key: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what has grown by more than chance against the period before (log ratio of two Poisson counts)."""
    found = []
    for row in rows:
        n, before = row["n"], row["before"]
        if row["code"] == "" or find_change(n, before) is None or n <= before:
            continue
        if math.log(n / before) > SURE * math.sqrt(1 / n + 1 / before):
            found.append(
                {
                    "key": key,
                    "code": row["code"],
                    "name": row["name"],
                    "n": n,
                    "before": before,
                    "change": find_change(n, before),
                }
            )
    found.sort(key=lambda one: (one["before"] - one["n"], one["code"]))
    return found[:MOST_POINTS]


def _find_unsolved(
    rows: Sequence[Mapping[str, Any]], city: pd.DataFrame, scope: ReportScope
) -> list[dict[str, Any]]:
    """Return the items that are solved least often where that is below the whole by more than chance.

    For the city the whole is all items together, else the same item in the city.
    """
    found = []
    every = {name: int(city[name].sum()) for name in OUTCOMES}
    for row in rows:
        share, answered = _find_solved_share(row)
        if row["code"] == "" or share is None or answered < FEWEST_ANSWERS:
            continue
        code = row["code"]
        whole = (
            every
            if scope.level == "city" or code not in city.index
            else {name: int(city.loc[code, name]) for name in OUTCOMES}
        )
        usual, _n = _find_solved_share(whole)
        if usual is None:
            continue
        spread = math.sqrt(max(usual * (1 - usual), 1e-9) / answered)
        if share < usual - SURE * spread:
            found.append(
                {
                    "key": "item_unsolved",
                    "code": code,
                    "name": row["name"],
                    "value": share,
                    "n": answered,
                    "city": usual,
                }
            )
    found.sort(key=lambda one: (one["value"] - one["city"], one["code"]))
    return found[:MOST_POINTS]


def _find_late(tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    late = [one for one in tasks if one["is_late"]]
    if not late:
        return []
    names = [f"{one['task_no']} {one['title']}" for one in late[:MOST_POINTS]]
    return [{"key": "task_late", "n": len(late), "names": names}]


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it, None for what is missing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value)
    return value.item() if hasattr(value, "item") else value
