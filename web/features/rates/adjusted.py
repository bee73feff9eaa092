"""Rates adjusted for difficulty beside the official ones: rows of a group, and what made work hard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridgov.storage.queries.effects import DIFFICULTY, get_analysis

SHOWN_ODDS = 10
"""Problems that are shown at each end: the hardest and the easiest."""
FEWEST_SHOWN = 30
"""Orders below which a problem's odds are left out of the page; the interval would be wider than the figure."""
FEATURES = ("route", "bounces", "season")
"""What an order is described by beside its problem, each with all its values."""


@dataclass(frozen=True, kw_only=True)
class AdjustedView:
    """What the section shows.

    Parameters
    ----------
    start, end, n
        ISO days of the year that counts, and its answers.
    lacking
        Why there is no model; empty where there is one.
    auc, ece
        Of the model.
    rows
        ``unit_code name n solution_rate expected_rate adjusted_rate low high``, the best adjusted first; those with too
        few answers last, by name.
    hard, easy
        Problems with their odds ratios.
    features
        Other features → rows of their values.
    calibration
        Tenths of the orders: ``chance solved n``.
    """

    start: str
    end: str
    n: int
    lacking: str
    auc: float | None
    ece: float | None
    rows: list[dict[str, Any]]
    hard: list[dict[str, Any]]
    easy: list[dict[str, Any]]
    features: dict[str, list[dict[str, Any]]]
    calibration: list[dict[str, Any]]


def find_adjusted_view(
    session: Session, units: Mapping[str, str], *, least: float
) -> AdjustedView | None:
    """Return the section for some units, None where no planning job has run yet.

    Parameters
    ----------
    units
        Code → name of those that the page ranks.
    least
        Answers below which a unit is not rated.
    """
    kept = get_analysis(session, DIFFICULTY)
    return None if kept is None else make_adjusted_view(kept.content, units, least=least)


def make_adjusted_view(
    content: Mapping[str, Any], units: Mapping[str, str], *, least: float
) -> AdjustedView:
    """Return what a kept report (``planner.jobs.difficulty``) shows of some units."""
    found = content["units"]
    rows = [
        {"unit_code": code, "name": name} | found[code]
        for code, name in units.items()
        if code in found
    ]
    rows.sort(
        key=lambda row: (row["n"] < least, -row["adjusted_rate"] if row["n"] >= least else 0.0)
    )
    problems = [
        row
        for row in content["odds"]
        if row["feature"] == "item_group" and row["name"] and row["n"] >= FEWEST_SHOWN
    ]
    half = min(SHOWN_ODDS, len(problems) // 2)
    return AdjustedView(
        start=content["start"],
        end=content["end"],
        n=content["n"],
        lacking=content["lacking"],
        auc=content.get("auc"),
        ece=content.get("ece"),
        rows=rows,
        hard=problems[:half],
        easy=problems[len(problems) - half :][::-1],
        features=_list_features(content["odds"], FEATURES),
        calibration=content["calibration"],
    )


def _list_features(
    odds: Sequence[dict[str, Any]], features: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the values of each feature in the order of their names, features without any left out."""
    made = {
        feature: sorted(
            (row for row in odds if row["feature"] == feature and row["value"]),
            key=lambda row: row["value"],
        )
        for feature in features
    }
    return {feature: rows for feature, rows in made.items() if rows}
