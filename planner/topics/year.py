"""The year of topics: twelve months, each with one theme and two or three problems."""

from dataclasses import dataclass

import pandas as pd

MONTHS = 12
MOST_A_MONTH = 3


@dataclass(frozen=True, kw_only=True)
class MonthTheme:
    """One month of the year.

    Parameters
    ----------
    month
        1-12.
    theme
        Code of the level-1 problem that its topics share; empty for a month without one.
    topics
        Codes, best first.
    """

    month: int
    theme: str
    topics: tuple[str, ...]


def make_topic_year(topics: pd.DataFrame, themes: pd.Series) -> tuple[MonthTheme, ...]:
    """Spread picked topics over a year: seasonal ones in the month before their season, the others where room is.

    Parameters
    ----------
    topics
        ``topic_code rank best_month``, those that were picked.
    themes
        Theme by topic code.

    Returns
    -------
    tuple of MonthTheme
        Twelve; a month takes topics of one theme, at most :data:`MOST_A_MONTH`. Topics for which no month is left stand
        in none of them.
    """
    months: dict[int, list[str]] = {month: [] for month in range(1, MONTHS + 1)}
    theme_of: dict[int, str] = {}
    ordered = topics.sort_values(["rank", "topic_code"])
    for is_seasonal in (True, False):
        for row in ordered[(ordered["best_month"] > 0) == is_seasonal].itertuples():
            theme = str(themes.get(row.topic_code, ""))
            month = _find_month(months, theme_of, theme, int(row.best_month))
            if month:
                months[month].append(str(row.topic_code))
                theme_of[month] = theme
    return tuple(
        MonthTheme(month=month, theme=theme_of.get(month, ""), topics=tuple(codes))
        for month, codes in months.items()
    )


def _find_month(
    months: dict[int, list[str]], theme_of: dict[int, str], theme: str, wanted: int
) -> int:
    """Return the month for a topic: that of its theme, else an empty one, near the wanted one; 0 for none."""
    near = sorted(months, key=lambda month: ((wanted - month) % MONTHS if wanted else 0, month))
    fitting = [m for m in near if theme_of.get(m) == theme and len(months[m]) < MOST_A_MONTH]
    empty = [m for m in near if not months[m]]
    if wanted:
        # Never after the season has begun: at most two months earlier than the best one.
        early = [m for m in fitting + empty if (wanted - m) % MONTHS <= 2]
        if early:
            return early[0]
    return (fitting + empty or [0])[0]
