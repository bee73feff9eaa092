"""What a street has too much of, and what is merely frequent: observed persons against streets of the same structure.

Expected is what the count model says of the peers (``CountModel.expect_by_street_item``: the rate of the item in the
other streets of the district, drawn towards that of the city, times the street's exposure). Streets of the same
structure differ among themselves; how far is part of the interval and of the test, so that ordinary difference is no
excess. False discoveries are controlled over all streets and items of the city (Benjamini and Hochberg, 1995).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, poisson

from planner.counts import CountModel, DailyCounts, Expectation
from planner.plans.items import ItemLevels
from planner.plans.plan_text import say
from planner.plans.record import Excess, ItemExcess

EXCESS, FREQUENT, USUAL, FEWER = "excess", "frequent", "usual", "fewer"

INTERVAL = 0.9
"""Probability between ``low`` and ``high``."""

MOST_ITEMS = 12
"""Items shown per street: those in excess, then the most frequent."""

EXCESS_COLUMNS = (
    "street_code",
    "item_code",
    "persons",
    "expected",
    "low",
    "high",
    "p",
    "q",
    "verdict",
    "excess",
)
"""One row per street and level-2 item of the year: ``persons`` observed · ``expected`` of peers, with the interval
``low high`` of a street of that structure · ``p`` of so many or more, ``q`` after control · ``verdict`` ``excess``,
``frequent``, ``usual`` or ``fewer`` · ``excess`` persons over the expectation, 0 without the verdict."""


@dataclass(frozen=True, kw_only=True)
class Covered:
    """What one hotspot or task is over its surroundings within the year.

    Parameters
    ----------
    item_code
        Level 2; empty for everything at a place.
    excess
        Persons over what the surroundings would have.
    is_whole
        Whether it is the item in the whole street.
    persons
        Persons of the year in it.
    task_id
        Empty for a hotspot that is no task.
    """

    item_code: str
    excess: float
    is_whole: bool
    persons: int = 0
    task_id: str = ""


def find_city_excess(
    daily: DailyCounts | None,
    model: CountModel | None,
    *,
    start: date,
    end: date,
    level: float,
    frequent_share: float,
) -> pd.DataFrame:
    """Return every street and item against its peers: :data:`EXCESS_COLUMNS`.

    Parameters
    ----------
    daily, model
        What was counted, persons once, and the model fitted to it; None where nothing counts: no rows.
    start, end
        First and last day, both inside the history (a start before it counts from its first day).
    level
        Expected share of false ones among those called an excess.
    frequent_share
        An item of at least so many of a street's persons is frequent.
    """
    if daily is None or model is None:
        return pd.DataFrame(columns=list(EXCESS_COLUMNS))
    first_day = max(start, model.first_day)
    frame = model.expect_by_street_item(first_day, end)
    first, last = ((day - daily.first_day).days for day in (first_day, end))
    inside = (daily.day >= first) & (daily.day <= last)
    counts = np.zeros((len(model.streets), len(model.items)))
    at = pd.Index(model.items).get_indexer(pd.Index(daily.items))
    rows = pd.Index(model.streets).get_indexer(pd.Index(daily.streets))
    np.add.at(counts, (rows[daily.street[inside]], at[daily.item[inside]]), daily.n[inside])
    persons = counts.ravel()
    law = Expectation(
        mean=frame["peers_mean"].to_numpy(),
        log_variance=frame["between_variance"].to_numpy(),
        alpha=frame["alpha"].to_numpy(),
    )
    p = np.clip(law.tail(persons), 0.0, 1.0)
    q = false_discovery_control(p)
    of_street = counts.sum(axis=1).repeat(len(model.items))
    verdict = np.select(
        [
            (q <= level) & (persons > law.mean),
            persons < law.quantile(0.5 - INTERVAL / 2),
            persons >= np.maximum(frequent_share * of_street, 1.0),
        ],
        [EXCESS, FEWER, FREQUENT],
        default=USUAL,
    )
    return pd.DataFrame(
        {
            "street_code": frame["street_code"].astype("str"),
            "item_code": frame["item_code"].astype("str"),
            "persons": persons.astype(np.int64),
            "expected": law.mean,
            "low": law.quantile(0.5 - INTERVAL / 2),
            "high": law.quantile(0.5 + INTERVAL / 2),
            "p": p,
            "q": q,
            "verdict": verdict,
            "excess": np.where(verdict == EXCESS, persons - law.mean, 0.0),
        }
    )


def make_excess(items: pd.DataFrame, covered: Iterable[Covered], levels: ItemLevels) -> Excess:
    """Return how much of a street's excess its tasks explain.

    The excess of an item is what the street has over its peers, or what its hotspots have over their surroundings where
    that is more (a compound can be far over its surroundings though the street as a whole is not). A task of the whole
    street explains all of its item; tasks at places explain what they are over, at most all of it. Places with more of
    everything stand in a row of their own.

    Parameters
    ----------
    items
        Rows of one street of :data:`EXCESS_COLUMNS`.
    covered
        Its hotspots and tasks; those with a ``task_id`` explain.
    levels
        Names.
    """
    spots: dict[str, list[Covered]] = {}
    for one in covered:
        spots.setdefault(one.item_code, []).append(one)
    rows = [
        _make_item(row, spots.pop(str(row["item_code"]), []), levels)
        for row in items.to_dict("records")
    ]
    rows += [
        _make_item(_sum_spots(code, found), found, levels) for code, found in sorted(spots.items())
    ]
    rows.sort(key=lambda row: (-row.excess, -row.persons, row.item_code))
    total = sum(row.excess for row in rows)
    explained = sum(row.explained for row in rows)
    shown = [row for row in rows if row.excess > 0]
    shown += [row for row in rows if row.excess == 0 and row.persons][
        : max(MOST_ITEMS - len(shown), 0)
    ]
    return Excess(
        total=round(total, 1),
        explained=round(explained, 1),
        share=round(explained / total, 4) if total > 0 else None,
        items=tuple(shown),
    )


def _sum_spots(code: str, spots: list[Covered]) -> dict[str, object]:
    """Return a row for what only hotspots tell: their persons, and what their surroundings let expect (Poisson)."""
    excess = sum(one.excess for one in spots)
    persons = sum(one.persons for one in spots)
    expected = max(persons - excess, 0.0)
    return {
        "item_code": code,
        "persons": persons,
        "expected": expected,
        "low": float(poisson.ppf(0.5 - INTERVAL / 2, expected)) if expected > 0 else 0.0,
        "high": float(poisson.ppf(0.5 + INTERVAL / 2, expected)) if expected > 0 else 0.0,
        "p": float(poisson.sf(persons - 1, expected)) if expected > 0 else 0.0,
        "verdict": EXCESS if excess > 0 else USUAL,
        "excess": 0.0,
    }


def _make_item(row: Mapping[str, object], spots: list[Covered], levels: ItemLevels) -> ItemExcess:
    """Return one item with what its hotspots and tasks add."""
    own = float(str(row["excess"]))
    in_places = sum(one.excess for one in spots if not one.is_whole)
    whole = max((one.excess for one in spots if one.is_whole), default=0.0)
    excess = max(own, in_places, whole)
    tasks = [one for one in spots if one.task_id]
    is_whole = any(one.is_whole for one in tasks)
    explained = excess if is_whole else min(excess, sum(one.excess for one in tasks))
    code = str(row["item_code"])
    return ItemExcess(
        item_code=code,
        item_name=levels.name(code) if code else say("places", "everything"),
        persons=int(str(row["persons"])),
        expected=round(float(str(row["expected"])), 1),
        low=float(str(row["low"])),
        high=float(str(row["high"])),
        p=float(f"{float(str(row['p'])):.3g}"),
        verdict=str(row["verdict"]),
        excess=round(excess, 1),
        explained=round(explained, 1),
        task_ids=tuple(dict.fromkeys(one.task_id for one in tasks)),
    )
