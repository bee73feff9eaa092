"""Appeals of a period as counts, the same whether they come from rows or from kept sums."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from gridgov.rules.reports.periods import Period

OUTCOMES = ("open", "solved", "partly", "unsolved", "excluded", "merged")
"""What an appeal can count as; together they are all appeals."""
PLACES = ("street_code", "community_code", "level1_code", "item_code")
PART_COLUMNS = (*PLACES, *OUTCOMES)
"""Counts by street, community, level-1 item and item; an empty code where there is none or it is not told apart."""
DAY_COLUMNS = ("street_code", "day", "n")
"""Counts by street and day of receipt."""

Level = Literal["city", "district", "street"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodCounts:
    """Appeals received in a period.

    Parameters
    ----------
    parts
        Frame of :data:`PART_COLUMNS`.
    days
        Frame of :data:`DAY_COLUMNS`.
    """

    parts: pd.DataFrame
    days: pd.DataFrame

    def take(self, scope: "ReportScope") -> "PeriodCounts":
        """Return the counts of the streets of a scope."""
        if scope.streets is None:
            return self
        return PeriodCounts(
            parts=self.parts[self.parts["street_code"].isin(scope.streets)],
            days=self.days[self.days["street_code"].isin(scope.streets)],
        )


@dataclass(frozen=True, kw_only=True)
class ReportScope:
    """Of which area a report is.

    Parameters
    ----------
    level
        ``city``, ``district`` or ``street``.
    code, name
        Of the area; an empty code for the city.
    unit_code
        Unit that answers for it; empty for the city.
    streets
        Its streets; None for all, and for what lies in none.
    residents
        In it, None where the pack does not say.
    """

    level: Level
    code: str
    name: str
    unit_code: str = ""
    streets: frozenset[str] | None = None
    residents: float | None = None

    @property
    def part(self) -> str:
        """Return the column of the areas that its report lists."""
        return "community_code" if self.level == "street" else "street_code"


@dataclass(frozen=True, kw_only=True)
class PeriodFigures:
    """The figures of a period that others are compared with.

    Parameters
    ----------
    orders
        All appeals.
    areas, items, tags
        Appeals by code.
    outcomes
        Appeals by outcome.
    is_kept
        Whether they are those of the report as it was made.
    """

    orders: int
    areas: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    is_kept: bool = False


def count_orders(orders: pd.DataFrame, period: Period) -> PeriodCounts:
    """Count the appeals of a period from rows.

    Parameters
    ----------
    orders
        :data:`PLACES`, ``received_at`` (aware, the city's zone) and ``outcome`` (one of :data:`OUTCOMES`).
    period
        Days of receipt.
    """
    day = orders["received_at"].dt.tz_localize(None).dt.normalize()
    inside = (day >= pd.Timestamp(period.first_on)) & (day <= pd.Timestamp(period.last_on))
    own = orders[inside]
    keys = {name: own[name].astype("object").fillna("").astype(str) for name in PLACES}
    marks = {name: (own["outcome"] == name).astype("int64") for name in OUTCOMES}
    frame = pd.DataFrame({**keys, **marks})
    parts = frame.groupby(list(PLACES), as_index=False, sort=True)[list(OUTCOMES)].sum()
    days = pd.DataFrame({"street_code": keys["street_code"], "day": day[inside].dt.date})
    return PeriodCounts(
        parts=parts,
        days=days.groupby(["street_code", "day"], sort=True).size().rename("n").reset_index(),
    )


def sum_by(parts: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return counts by a code: index the code, ``n`` and :data:`OUTCOMES`, most first."""
    sums = parts.groupby(column)[list(OUTCOMES)].sum()
    sums.insert(0, "n", sums.sum(axis=1))
    kept = sums[sums["n"] != 0].rename_axis("code").reset_index()
    ordered = kept.sort_values(["n", "code"], ascending=[False, True])
    return ordered.set_index("code").astype("int64")


def sum_tags(parts: pd.DataFrame, tags: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Return counts by tag of the item, as :func:`sum_by`; an appeal counts in each tag that its item has."""
    rows = parts[["item_code", *OUTCOMES]].assign(
        tag=[tags.get(code, ()) for code in parts["item_code"]]
    )
    return sum_by(rows.explode("tag").dropna(subset="tag"), "tag")


def make_figures(
    counts: PeriodCounts, scope: ReportScope, tags: Mapping[str, tuple[str, ...]]
) -> PeriodFigures:
    """Return the figures of a scope from counts."""
    own = counts.take(scope).parts
    return PeriodFigures(
        orders=int(own[list(OUTCOMES)].to_numpy().sum()),
        areas=sum_by(own, scope.part)["n"].to_dict(),
        items=sum_by(own, "level1_code")["n"].to_dict(),
        tags=sum_tags(own, tags)["n"].to_dict(),
        outcomes={name: int(own[name].sum()) for name in OUTCOMES},
    )


def read_figures(content: Mapping[str, Any]) -> PeriodFigures:
    """Return the figures of a report as it was made: what a later one compares with is what this one says."""
    return PeriodFigures(
        orders=int(content["outcomes_total"]),
        outcomes=dict(content["outcomes"]),
        is_kept=True,
        **{
            name: {row["code"]: int(row["n"]) for row in content[name]}
            for name in ("areas", "items", "tags")
        },
    )
