"""Candidates for topics (每月一题): problems that are frequent, wide, hard, across duties, growing or short of policy.

DOMAIN.md section 7: chosen when frequent, common to many places, hard (long, low solution rate), across duties or
short of policy. How much each counts is not public; the weights are assumed, and how the list changes when each moves
by a fifth is part of the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from planner.errors import PlannerError

Floats = NDArray[np.float64]

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "frequency": 0.28,
        "spread": 0.18,
        "difficulty": 0.30,
        "cross_duty": 0.06,
        "growth": 0.06,
        "policy_gap": 0.12,
    }
)
"""Assumed; a pack may say others."""
MOVE = 0.2
"""By how much a weight moves when the list is tried."""
TOP = 15
"""Length of the list that people discuss: 13 to 27 problems a year were chosen in 2021-2025."""
FEWEST = 30
"""Appeals a year below which a problem is no topic of a city."""
FEWEST_ANSWERS = 5
"""Answers below which a street's solution rate says nothing."""
PRIOR_ANSWERS = 20.0
"""Answers at the city's rate that every problem starts with: three answers do not make it the hardest."""
SEASON_SHARE = 0.40
"""Share of a year's appeals in three months in a row from which a problem is seasonal; even would be 0.25."""
GROWTH_RATIO = 1.25
SURE = 0.01

TOPIC_COLUMNS = (
    "topic_code",
    "persons",
    "persons_before",
    "streets",
    "solution_rate",
    "answers",
    "days",
    "units",
    "bounce_share",
    "growth_ratio",
    "season_share",
    "season_month",
    "low_street_share",
    "is_held",
    *WEIGHTS,
    "score",
    "rank",
    "rank_low",
    "rank_high",
    "cure",
    "lead",
    "best_month",
)
"""Candidates, best first. Evidence: ``persons persons_before`` of the last twelve months and the twelve before, each
once a street and month · ``streets`` that have it · ``solution_rate answers`` · ``days`` median from receipt to end ·
``units`` that its duties need · ``bounce_share`` of its orders · ``growth_ratio`` against all problems together ·
``season_share season_month`` of the strongest three months, the first of them · ``low_street_share`` of the streets
with enough answers, those below the city's rate, missing where none has enough · ``is_held`` whether any unit holds a
duty. Then the parts of the score, 0-1, the score, the rank and between which ranks it moves · ``cure``
:class:`Cure` · ``lead`` one unit or empty · ``best_month`` 1-12 to begin, 0 for any."""


class TopicError(PlannerError):
    """Orders or weights of which no topics can be made."""


class Cure(StrEnum):
    """What kind of cure a problem needs (DOMAIN.md section 7)."""

    SEASON = "season"
    POLICY = "policy"
    GROWTH = "growth"


@dataclass(frozen=True, kw_only=True)
class ItemFacts:
    """What the catalogue and the duty list say of items, frames by ``item_code``.

    Parameters
    ----------
    topics
        Code of the topic that each item belongs to.
    leads
        The unit that leads, empty where it is the street or the district.
    units
        Number of units whose duties it needs; 0 where no unit holds one.
    """

    topics: pd.Series
    leads: pd.Series
    units: pd.Series


def find_topics(
    orders: pd.DataFrame,
    facts: ItemFacts,
    *,
    as_of: pd.Timestamp,
    weights: Mapping[str, float] = WEIGHTS,
    bounces: pd.Series | None = None,
) -> pd.DataFrame:
    """Score the problems of a city or of a district.

    Parameters
    ----------
    orders
        ``order_no item_code street_code received_at closed_at solved person_key`` of problems (praise and consultation
        left out); those of a district for its own topics.
    facts
        Of the items.
    as_of
        Aware; twelve months before it are scored, the twelve before those compared.
    weights
        Of :data:`WEIGHTS`' names, 0 or more, not all 0.
    bounces
        Times an order was passed on, by order number.

    Returns
    -------
    pandas.DataFrame
        :data:`TOPIC_COLUMNS`, best first; empty where no problem has :data:`FEWEST` persons.

    Raises
    ------
    TopicError
        If a weight is unknown or below 0, or all are 0.
    """
    _check_weights(weights)
    rows = orders.assign(topic_code=orders["item_code"].map(facts.topics)).dropna(
        subset=["topic_code", "street_code"]
    )
    start, before = as_of - pd.DateOffset(months=12), as_of - pd.DateOffset(months=24)
    now = rows[(rows["received_at"] >= start) & (rows["received_at"] < as_of)]
    past = rows[(rows["received_at"] >= before) & (rows["received_at"] < start)]
    now, past = _once(now), _once(past)
    table = _gather(now, past, facts, bounces)
    table = table[table["persons"] >= FEWEST]
    if table.empty:
        return pd.DataFrame(columns=list(TOPIC_COLUMNS))
    parts = _score_parts(table)
    table = table.join(parts)
    score = _weigh(parts, weights)
    ranks = _rank_all(parts, weights)
    table["score"] = score
    table["rank"] = ranks[0]
    table["rank_low"], table["rank_high"] = ranks.min(axis=0), ranks.max(axis=0)
    table["cure"] = [_choose_cure(row) for row in table.to_dict("records")]
    table["best_month"] = np.where(
        table["cure"] == Cure.SEASON, (table["season_month"] - 2) % 12 + 1, 0
    )
    ordered = table.reset_index(names="topic_code").sort_values(
        ["rank", "topic_code"], ignore_index=True
    )
    return ordered[list(TOPIC_COLUMNS)]


def _check_weights(weights: Mapping[str, float]) -> None:
    unknown = sorted(set(weights) - set(WEIGHTS))
    if unknown:
        raise TopicError(f"Unknown weight {unknown[0]!r}; known are {', '.join(WEIGHTS)}.")
    wrong = [name for name, value in weights.items() if not value >= 0]
    if wrong or not sum(weights.values()):
        raise TopicError(f"Weights must be 0 or more and not all 0; found {dict(weights)}.")


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Return orders with each person once per topic, street and month."""
    rows = rows.assign(month=rows["received_at"].dt.year * 12 + rows["received_at"].dt.month)
    known = rows["person_key"].notna()
    first = ~rows.duplicated(["topic_code", "street_code", "month", "person_key"])
    return rows[~known | first]


def _gather(
    now: pd.DataFrame, past: pd.DataFrame, facts: ItemFacts, bounces: pd.Series | None
) -> pd.DataFrame:
    """Return the evidence of each topic, index: topic."""
    groups = now.groupby("topic_code", sort=True)
    table = groups.agg(persons=("order_no", "size"), streets=("street_code", "nunique"))
    table["persons_before"] = past.groupby("topic_code").size().reindex(table.index, fill_value=0)
    answered = now[now["solved"].notna()].assign(yes=lambda f: f["solved"].astype(float))
    city = float(answered["yes"].mean()) if len(answered) else np.nan
    told = (
        answered.groupby("topic_code")["yes"]
        .agg(["sum", "size"])
        .reindex(table.index, fill_value=0)
    )
    table["answers"] = told["size"].astype(int)
    table["solution_rate"] = (told["sum"] + PRIOR_ANSWERS * city) / (told["size"] + PRIOR_ANSWERS)
    days = (now["closed_at"] - now["received_at"]).dt.total_seconds() / 86_400
    table["days"] = days.groupby(now["topic_code"]).median().reindex(table.index)
    table["units"] = (
        now["item_code"]
        .map(facts.units)
        .groupby(now["topic_code"])
        .max()
        .reindex(table.index)
        .fillna(0)
    )
    table["is_held"] = table["units"] > 0
    passed = (
        now["order_no"].map(bounces).fillna(0) > 0
        if bounces is not None
        else now["order_no"].isna()
    )
    table["bounce_share"] = passed.groupby(now["topic_code"]).mean()
    whole = (table["persons"].sum() + 1) / (table["persons_before"].sum() + 1)
    known = table["persons_before"].sum() > 0
    # A few appeals on both sides keep small numbers from growing without bound.
    table["growth_ratio"] = (
        (table["persons"] + 10) / (table["persons_before"] * whole + 10) if known else 1.0
    )
    months = pd.crosstab(now["topic_code"], now["received_at"].dt.month)
    season = _find_seasons(months.reindex(index=table.index, columns=range(1, 13), fill_value=0))
    table["season_share"], table["season_month"] = season["share"], season["month"]
    table["low_street_share"] = _find_low_streets(answered, city).reindex(table.index)
    by_street = pd.crosstab(now["topic_code"], now["street_code"]).reindex(table.index)
    table["evenness"] = _find_evenness(by_street) / max(by_street.shape[1], 1)
    table["lead"] = _find_leads(now, facts).reindex(table.index).fillna("")
    return table


def _find_seasons(months: pd.DataFrame) -> pd.DataFrame:
    """Return ``share month`` of the strongest three months in a row, the year being a ring; `month` is the first."""
    counts = months.to_numpy(dtype=np.float64)
    three = counts + np.roll(counts, -1, axis=1) + np.roll(counts, -2, axis=1)
    first = three.argmax(axis=1)
    share = three.max(axis=1) / counts.sum(axis=1)
    return pd.DataFrame({"share": share, "month": first + 1}, index=months.index)


def _find_low_streets(answered: pd.DataFrame, city: float) -> pd.Series:
    """Return, of the streets with enough answers, the share whose rate is below the city's."""
    by_street = answered.groupby(["topic_code", "street_code"])["yes"].agg(["mean", "size"])
    enough = by_street[by_street["size"] >= FEWEST_ANSWERS]
    return (enough["mean"] < city).groupby("topic_code").mean()


def _find_evenness(by_street: pd.DataFrame) -> pd.Series:
    """Return the effective number of streets: the exponential of the entropy of the shares.

    Few appeals cannot reach many streets; the entropy is corrected for that (Miller 1955, "Note on the bias of
    information estimates"), so that spread does not say again how many there are.
    """
    counts = by_street.to_numpy(dtype=np.float64)
    whole = counts.sum(axis=1, keepdims=True)
    entropy = special.entr(counts / whole).sum(axis=1)
    missing = ((counts > 0).sum(axis=1) - 1) / (2 * whole[:, 0])
    return pd.Series(np.exp(entropy + missing), index=by_street.index)


def _find_leads(now: pd.DataFrame, facts: ItemFacts) -> pd.Series:
    """Return the unit that leads most of a topic's appeals, the lowest code of several."""
    leads = now["item_code"].map(facts.leads).fillna("")
    counts = (
        pd.DataFrame({"topic_code": now["topic_code"], "lead": leads})[leads != ""]
        .value_counts()
        .reset_index(name="n")
    )
    best = counts.sort_values(["topic_code", "n", "lead"], ascending=[True, False, True])
    return best.drop_duplicates("topic_code").set_index("topic_code")["lead"]


def _score_parts(table: pd.DataFrame) -> pd.DataFrame:
    """Return each part of the score, 0-1, by rank among the candidates: no part can drown the others."""

    def rank(values: pd.Series) -> pd.Series:
        return values.fillna(values.median()).fillna(0).rank(pct=True, method="average")

    hard = rank(1 - table["solution_rate"])
    gap = table["low_street_share"].fillna(0.0)
    return pd.DataFrame(
        {
            "frequency": rank(table["persons"]),
            "spread": rank(table["evenness"]),
            "difficulty": 0.7 * hard + 0.3 * rank(table["days"]),
            "cross_duty": 0.5 * rank(table["units"]) + 0.5 * rank(table["bounce_share"]),
            "growth": rank(table["growth_ratio"]),
            "policy_gap": np.where(table["is_held"], 0.5 * gap, gap),
        },
        index=table.index,
    )


def _weigh(parts: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    total = sum(weights.values())
    return sum(
        (parts[name] * (value / total) for name, value in weights.items()),
        start=parts["spread"] * 0.0,
    )


def _rank_all(parts: pd.DataFrame, weights: Mapping[str, float]) -> NDArray[np.int64]:
    """Return ranks: as weighted, then with each weight a fifth down and a fifth up, shape (1 + 2n, candidates)."""
    trials = [weights]
    for name, value in weights.items():
        trials += [{**weights, name: value * (1 - MOVE)}, {**weights, name: value * (1 + MOVE)}]
    return np.array(
        [_weigh(parts, trial).round(12).rank(ascending=False, method="min") for trial in trials]
    ).astype(np.int64)


def _choose_cure(row: Mapping[str, object]) -> Cure:
    """Return what kind of cure the evidence speaks for."""
    persons, before = int(str(row["persons"])), int(str(row["persons_before"]))
    ratio = float(str(row["growth_ratio"]))
    if before and ratio >= GROWTH_RATIO:
        # Of persons + before, `persons` came later; without growth of its own that share follows from all problems.
        share = persons / ratio / (persons / ratio + before)
        if stats.binom.sf(persons - 1, persons + before, share) < SURE:
            return Cure.GROWTH
    if float(str(row["season_share"])) >= SEASON_SHARE:
        return Cure.SEASON
    return Cure.POLICY
