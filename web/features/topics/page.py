"""What the topics' pages show: candidates as rows, the year as twelve months, what a choice needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridgov.services.topics import TopicEntry

CITY = ""
PARTS = ("frequency", "spread", "difficulty", "cross_duty", "growth", "policy_gap")
"""Parts of the score, in the order in which pages show them."""


@dataclass(frozen=True, kw_only=True)
class MonthView:
    """A month of the year with the topics that were picked for it."""

    month: int
    entries: tuple[TopicEntry, ...]


def make_months(entries: Sequence[TopicEntry]) -> list[MonthView]:
    """Return the twelve months with what was picked, best first."""
    picked = [one for one in entries if one.choice is not None and one.choice.is_picked]
    return [
        MonthView(
            month=month,
            entries=tuple(one for one in picked if one.choice and one.choice.month == month),
        )
        for month in range(1, 13)
    ]


def propose_month(entry: TopicEntry, months: Sequence[MonthView]) -> int:
    """Return the month that the form offers: that of the last choice, the best one, else the emptiest."""
    if entry.choice is not None and entry.choice.month:
        return entry.choice.month
    best = int(entry.row.figures.get("best_month") or 0)
    if best:
        return best
    return min(months, key=lambda view: (len(view.entries), view.month)).month


def make_season_months(figures: Mapping[str, Any]) -> list[int]:
    """Return the three months in which a seasonal problem is strongest, none for others."""
    if figures.get("cure") != "season":
        return []
    first = int(figures["season_month"])
    return [(first + step - 1) % 12 + 1 for step in range(3)]
