"""The main job without a database: appeals in, orders out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geodata.datum import Datum, convert
from geodata.problems import Problem, make_problem_frame
from gridgov.frames import ORDER_COLUMNS
from gridgov.jobs.placing import find_places, join_located, judge_places
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.catalogue import Catalogue, find_catalogue
from gridgov.rules.dispatch import dispatch, find_states, make_deadlines

Classify = Callable[[pd.DataFrame], pd.DataFrame]
"""Appeals without an item → frame ``item_code, item_confidence`` on their index, missing where unsure."""

AGREEMENT_MIN = 0.9
"""Below this agreement with the export's own record something is wrong with the datum or the boundaries."""
AGREEMENT_ROWS_MIN = 100
AGREEMENT_SAMPLE = 20_000


@dataclass(frozen=True, eq=False, kw_only=True)
class PipelineResult:
    """Orders of a set of appeals.

    Parameters
    ----------
    orders
        Frame of ``ORDER_COLUMNS``, one row per appeal, index 0 … n-1 in the order of the appeals; those that
        could not be placed are among them, for a person to look at.
    unlocated
        The orders without a place, with the reason in ``place_problem``.
    problems
        Frame of ``PROBLEM_COLUMNS``: what is wrong with the set as a whole.
    counts
        What a summary says: ``located unlocated orders review street_unknown items_missing routes states``
        and, where the export names streets, ``recorded recorded_agree``.
    catalogue
        The city's items, or those made from the export's own categories.
    seconds
        Stage → seconds.
    """

    orders: pd.DataFrame
    unlocated: pd.DataFrame
    problems: pd.DataFrame
    counts: dict[str, Any]
    catalogue: Catalogue
    seconds: dict[str, float]


def run_pipeline(
    city: City,
    appeals: pd.DataFrame,
    *,
    as_of: pd.Timestamp,
    progress: Progress | None = None,
    classify: Classify | None = None,
) -> PipelineResult:
    """Return the orders of appeals: place, jurisdiction, item, unit, deadlines.

    Parameters
    ----------
    city
        The pack.
    appeals
        Frame of ``APPEAL_COLUMNS``.
    as_of
        Time of the judgement, aware; decides the states that are counted.
    progress
        Told when a stage starts and ends.
    classify
        Gives items to appeals that came without one; without it a person chooses.

    Raises
    ------
    InvalidDataError
        If the pack's layers cannot be compiled.
    """
    clock = StageClock(progress or ignore_progress)
    appeals = appeals.reset_index(drop=True)
    constants = city.settings.constants
    with clock.stage("territory"):
        territory = city.territory
    with clock.stage("places"):
        places = find_places(appeals, _make_locate(city), constants)
    with clock.stage("jurisdiction"):
        judged = judge_places(places, territory.judge, constants)
        orders = join_located(appeals, places, judged)
        orders["boundary_version"] = pd.Series(
            city.boundary_version, index=orders.index, dtype="str"
        )
    with clock.stage("items"):
        orders["item_code"], orders["item_confidence"] = _find_items(orders, classify)
        catalogue = find_catalogue(
            city.catalogue, orders["item_code"].unique(), constants=constants
        )
    with clock.stage("dispatch"):
        decided = dispatch(orders, city.make_book(catalogue))
        orders = pd.concat([orders, decided], axis=1)
    with clock.stage("deadlines"):
        due = make_deadlines(
            orders["received_at"], orders["grade"], city.settings.grades, calendar=city.calendar
        )
        orders = pd.concat([orders, due], axis=1)
    orders["order_no"] = orders["appeal_no"] + "-1"
    orders = orders[list(ORDER_COLUMNS)]
    problems = [*_note_agreement(city, orders), *_note_calendar(city, orders)]
    return PipelineResult(
        orders=orders,
        unlocated=orders[orders["lon"].isna()],
        problems=make_problem_frame(problems),
        counts=_count(city, orders, as_of),
        catalogue=catalogue,
        seconds=clock.seconds,
    )


def _make_locate(city: City) -> Callable[[pd.Series], pd.DataFrame]:
    def locate(addresses: pd.Series) -> pd.DataFrame:
        # The geocoder is compiled only where there is an address to place.
        return city.geocoder.locate(addresses)

    return locate


def _find_items(orders: pd.DataFrame, classify: Classify | None) -> tuple[pd.Series, pd.Series]:
    """Return item codes and how sure they are: 1 where the appeal came with its item."""
    codes = orders["item_code"].astype("str")
    sure = pd.Series(np.where(codes.notna(), 1.0, np.nan), index=orders.index)
    missing = codes.isna()
    if classify is not None and missing.any():
        found = classify(orders[missing])
        codes = codes.fillna(found["item_code"].astype("str").reindex(codes.index))
        sure = sure.fillna(found["item_confidence"].reindex(codes.index))
    return codes, sure


def _count(city: City, orders: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, Any]:
    located = int(orders["lon"].notna().sum())
    states = find_states(
        orders["received_at"],
        orders["due_at"],
        orders["closed_at"],
        as_of=as_of,
        due_soon_share=city.settings.constants.number("deadlines.due_soon_share"),
    )
    counts: dict[str, Any] = {
        "located": located,
        "unlocated": len(orders) - located,
        "orders": len(orders),
        "review": int(orders["review"].sum()),
        "street_unknown": int((orders["lon"].notna() & orders["street_code"].isna()).sum()),
        "items_missing": int(orders["item_code"].isna().sum()),
        "routes": {str(k): int(n) for k, n in orders["route"].value_counts().items()},
        "states": {str(k): int(n) for k, n in states.value_counts().items()},
    }
    named = _find_recorded(city, orders)
    if named.any():
        agree = (orders["street_code"] == orders["unit_recorded"])[named]
        counts |= {"recorded": int(named.sum()), "recorded_agree": int(agree.sum())}
    return counts


def _find_recorded(city: City, orders: pd.DataFrame) -> pd.Series:
    """Tell which located orders have a street of the city in the export's own record."""
    return orders["unit_recorded"].isin(city.streets["street_code"]) & orders["lon"].notna()


def _note_agreement(city: City, orders: pd.DataFrame) -> list[Problem]:
    """Say so where the streets found and those recorded differ much, and which datum would fit.

    A wrong datum moves points by 300–700 m: too little to fall out of a city, enough to be in the wrong
    street. The export's own record shows it.
    """
    rows = _find_recorded(city, orders) & (orders["place_level"] == "point")
    chosen = orders[rows]
    if len(chosen) < AGREEMENT_ROWS_MIN:
        return []
    share = float((chosen["street_code"] == chosen["unit_recorded"]).mean())
    if share >= AGREEMENT_MIN:
        return []
    chosen = chosen.iloc[:: max(1, len(chosen) // AGREEMENT_SAMPLE)]
    declared = city.settings.appeals.datum
    raw = convert(chosen["lon"], chosen["lat"], source=Datum.WGS84, target=declared)
    shares = {}
    for datum in (Datum.WGS84, Datum.GCJ02, Datum.BD09):
        moved = convert(*raw, source=datum, target=Datum.WGS84)
        street = city.territory.judge(*moved)["street_code"].to_numpy(dtype=object)
        shares[datum] = float((street == chosen["unit_recorded"].to_numpy(dtype=object)).mean())
    best = max(shares, key=lambda datum: shares[datum])
    better = shares[best] > share + 0.05
    return [
        Problem(
            file="appeals",
            field="unit_recorded",
            value=f"{share:.1%}",
            problem=f"only {share:.1%} of points lie in the street that the export names",
            expected=(
                f'read as {best} it would be {shares[best]:.1%}: check [appeals] datum = "{best}"'
                if better
                else "the same boundaries and codes as the export; no other datum fits better"
            ),
            severity="warning",
        )
    ]


def _note_calendar(city: City, orders: pd.DataFrame) -> list[Problem]:
    """Say so where limits run in working time through years without a single holiday."""
    working = {name for name, one in city.settings.grades.items() if one.clock == "working"}
    due = orders.loc[orders["grade"].isin(working), "due_at"].dropna()
    missing = sorted({int(year) for year in due.dt.year.unique()} - city.calendar.years())
    return [
        Problem(
            file="holidays",
            field="date",
            value=str(year),
            problem="the calendar has no holiday in this year, so only weekends are free",
            expected="rows of this year in the holidays table",
            severity="warning",
        )
        for year in missing
    ]
