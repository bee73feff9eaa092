"""Monthly ranking in groups, compared with the month before; who is commended, who is called in (末位约谈).

Groups are documented: all streets; inner and outer districts; departments (DOMAIN.md section 5 [D]). Who is commended
or called in is assumed [A]: shares of a group, only where the group is large enough and the interval of the score does
not hold the score of the whole group, so that chance alone calls nobody in.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from gridgov.rules.constants import Constants

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "street": "streets",
        "district": "districts",
        "department": "departments",
        "enterprise": "enterprises",
        "platform": "platforms",
    }
)
"""Kind of unit → group in which it is ranked; other kinds are not ranked."""

RANKING_COLUMNS = (
    "group",
    "rank",
    "ranked",
    "group_score",
    "rank_before",
    "score_before",
    "score_change",
    "outcome",
)
"""``group`` or missing · ``rank`` 1 is best, ties share it, missing below the smallest n · ``ranked`` units with a rank
in group and month · ``group_score`` of all their callbacks together · the month before, missing where it has no rank ·
``score_change`` points · ``outcome`` ``commended``, ``interview`` or empty."""


def find_groups(units: pd.DataFrame, *, constants: Constants) -> pd.Series:
    """Return the group of each unit by its code, missing where it is not ranked.

    Parameters
    ----------
    units
        Frame with ``unit_code kind``.
    constants
        ``rates.inner_districts``.
    """
    last = units.drop_duplicates("unit_code", keep="last").set_index("unit_code")
    groups = last["kind"].map(GROUPS).astype("str")
    inner = constants.texts("rates.inner_districts")
    if inner:
        names = np.where(groups.index.isin(inner), "inner_districts", "outer_districts")
        groups = groups.where(groups != "districts", pd.Series(names, index=groups.index))
    return groups.astype("str")


def make_ranking(scores: pd.DataFrame, groups: pd.Series, *, constants: Constants) -> pd.DataFrame:
    """Return ranks, the month before and what follows, on the index of `scores`.

    Parameters
    ----------
    scores
        Frame with ``month unit_code callbacks score score_low score_high``, one row per month and unit.
    groups
        Group by unit code.
    constants
        ``rates.callbacks_min``, ``rates.*_share`` of outcomes, ``rates.outcome_units_min``, ``rates.outcome_sure``.

    Returns
    -------
        Frame of :data:`RANKING_COLUMNS`.
    """
    frame = scores[["month", "unit_code", "callbacks", "score", "score_low", "score_high"]].copy()
    frame["group"] = frame["unit_code"].map(groups).astype("str")
    enough = frame["callbacks"] >= constants.number("rates.callbacks_min")
    counted = enough & frame["score"].notna() & frame["group"].notna()
    chosen = frame[counted]
    by = chosen.groupby(["month", "group"])
    frame["rank"] = by["score"].rank(method="min", ascending=False)
    frame["from_last"] = by["score"].rank(method="min", ascending=True)
    frame["ranked"] = by["score"].transform("size")
    frame["group_score"] = _make_group_scores(chosen, constants)
    frame["outcome"] = _find_outcomes(frame, constants)
    before = _find_before(frame)
    frame["rank_before"], frame["score_before"] = before["rank"], before["score"]
    decimals = int(constants.number("rates.score_decimals"))
    change = frame["score"].where(counted) - frame["score_before"]
    frame["score_change"] = change.round(decimals)
    whole = ["rank", "ranked", "rank_before"]
    frame[whole] = frame[whole].astype("Int64")
    return frame[list(RANKING_COLUMNS)]


def _make_group_scores(chosen: pd.DataFrame, constants: Constants) -> pd.Series:
    """Return the score of each group's callbacks together, on the rows with a rank."""
    # Sorted first: the sum of floats depends on their order, and the rows may come in any.
    rows = chosen.sort_values(["month", "group", "unit_code"])
    points = (rows["score"] * rows["callbacks"]).groupby([rows["month"], rows["group"]])
    n = rows["callbacks"].groupby([rows["month"], rows["group"]])
    mean = points.transform("sum") / n.transform("sum")
    return mean.round(int(constants.number("rates.score_decimals")))


def _find_outcomes(frame: pd.DataFrame, constants: Constants) -> pd.Series:
    """Return who is commended and who is called in; nobody is both."""
    size = frame["ranked"].fillna(0)
    large = size >= constants.number("rates.outcome_units_min")
    any_one = constants.number("rates.outcome_sure") < 1
    above = any_one | (frame["score_low"] > frame["group_score"])
    below = any_one | (frame["score_high"] < frame["group_score"])
    top = _count_places(size, constants.number("rates.commended_share"))
    last = _count_places(size, constants.number("rates.interview_share"))
    best = large & (frame["rank"] <= top) & above
    worst = large & (frame["from_last"] <= last) & below
    words = np.select([best & ~worst, worst & ~best], ["commended", "interview"], default="")
    return pd.Series(words, index=frame.index, dtype="str")


def _count_places(size: pd.Series, share: float) -> pd.Series:
    """Return how many places a share of a group is: at least one, none where the share is 0."""
    if share <= 0:
        return size * 0
    return np.floor(size * share + 1e-9).clip(lower=1)


def _find_before(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rank and score of each unit a calendar month before, missing where it had no rank."""
    ranked = frame[frame["rank"].notna()]
    keys = pd.MultiIndex.from_arrays([_count_months(ranked["month"]), ranked["unit_code"]])
    asked = pd.MultiIndex.from_arrays([_count_months(frame["month"]) - 1, frame["unit_code"]])
    table = ranked[["rank", "score"]].set_index(keys)
    return table.reindex(asked).set_index(frame.index)


def _count_months(names: pd.Series) -> pd.Series:
    codes, distinct = pd.factorize(names)
    counts = [int(name[:4]) * 12 + int(name[5:7]) for name in distinct]
    return pd.Series(np.array([*counts, -1])[codes], index=names.index)
