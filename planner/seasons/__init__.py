"""Seasons: what rises where and when in the year to come, by how much, and when its cure must start at the latest.

In come the fitted :class:`~planner.counts.CountModel` and how long the duties of each item take
(:func:`find_lead_days`); out comes the pre-season list 冬病夏治 of streets, districts and the city
(:func:`find_seasons`).
"""

from planner.seasons.lead_times import find_lead_days
from planner.seasons.preseason import SEASON_COLUMNS, SeasonRules, find_seasons

__all__ = ["SEASON_COLUMNS", "SeasonRules", "find_lead_days", "find_seasons"]
