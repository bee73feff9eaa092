"""When people call: seasons of items, the week, holidays, the hours of a day, storms and first cold days."""

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FIRST_DAY = np.datetime64("2023-01-01")
AS_OF = np.datetime64("2026-01-01")
"""The sample's history: from the first day to the day before `AS_OF`."""
N_DAYS = int((AS_OF - FIRST_DAY).astype(int))

WEEK = (1.12, 1.08, 1.05, 1.03, 1.02, 0.86, 0.80)
"""Calls on Monday … Sunday against the mean of the week (assumed)."""
HOLIDAY_FACTOR, MAKE_UP_FACTOR = 0.62, 1.0
HEATING_SEASON, NO_SEASON = "heat", "all"
"""Seasons of the content: the one that follows the heating season, and the one of items without any."""
HEATING_STARTS, HEATING_ENDS = (11, 15), (3, 15)
"""Official heating season of the region: 15 November to 15 March."""
STORM_FACTORS = {"flood": 14.0, "rain": 3.0}
"""Seasons of the content that a storm multiplies: a surge in the whole city, and no hotspot."""
STORMS_PER_YEAR = 2
HOURS = (4, 2, 1.5, 1, 1, 2, 5, 12, 26, 34, 33, 26, 19, 22, 28, 29, 27, 23, 19, 19, 18, 15, 11, 7)
"""Calls by hour of the day, relative (assumed)."""


def get_days() -> npt.NDArray[np.datetime64]:
    """Return all days of the history, datetime64[D] (:data:`N_DAYS`,)."""
    return FIRST_DAY + np.arange(N_DAYS)


def choose_storms(rng: np.random.Generator) -> IntArray:
    """Return the days (positions in the history) of big storms: some in each July and August."""
    days = pd.DatetimeIndex(get_days())
    storms = []
    for year in sorted(set(days.year)):
        summer = np.flatnonzero((days.year == year) & days.month.isin([7, 8]))
        storms.append(rng.choice(summer, STORMS_PER_YEAR, replace=False))
    return np.sort(np.concatenate(storms)).astype(np.int64)


def make_day_weights(
    months: dict[str, tuple[float, ...]],
    storms: IntArray,
    holidays: npt.NDArray[np.datetime64],
    workdays: npt.NDArray[np.datetime64] | None = None,
) -> dict[str, FloatArray]:
    """Return season → weight of each day, mean 1.

    Parameters
    ----------
    months
        Season → twelve monthly weights, January first.
    storms
        Days of storms, positions in the history.
    holidays
        Days off, weekends apart.
    workdays
        Weekend days on which people work to make up for holidays.
    """
    days = pd.DatetimeIndex(get_days())
    week = np.array(WEEK)[days.day_of_week]
    if workdays is not None:
        week = np.where(np.isin(get_days(), workdays), MAKE_UP_FACTOR, week)
    week = week * np.where(np.isin(get_days(), holidays), HOLIDAY_FACTOR, 1.0)
    weights = {}
    for season, monthly in months.items():
        weight = week * _interpolate(np.array(monthly), days)
        if season == HEATING_SEASON:
            weight = week * _make_heating(days)
        weight[storms] *= STORM_FACTORS.get(season, 1.0)
        weights[season] = weight / weight.mean()
    return weights


def make_seconds(n: int, rng: np.random.Generator) -> IntArray:
    """Return seconds of a day, int64 (n,), distributed as calls are."""
    share = np.cumsum(HOURS) / np.sum(HOURS)
    hour = np.searchsorted(share, rng.random(n), side="right")
    return (np.minimum(hour, 23) * 3600 + rng.integers(0, 3600, n)).astype(np.int64)


def _interpolate(monthly: FloatArray, days: pd.DatetimeIndex) -> FloatArray:
    """Return a smooth curve through the middles of the months."""
    at = days.day_of_year.to_numpy() / 365.25 * 12 - 0.5
    out: FloatArray = np.interp(at, np.arange(-1, 13), np.r_[monthly[-1], monthly, monthly[0]])
    return out


def _make_heating(days: pd.DatetimeIndex) -> FloatArray:
    """Return weights: high on the first cold days, then falling, almost nothing out of season."""
    key = days.month * 100 + days.day
    start, end = (
        HEATING_STARTS[0] * 100 + HEATING_STARTS[1],
        HEATING_ENDS[0] * 100 + HEATING_ENDS[1],
    )
    on = (key >= start) | (key <= end)
    since = (days.day_of_year.to_numpy() - 319) % 365
    return np.where(on, 1.0 + 2.5 * np.exp(-since / 12.0), 0.03)
