"""What the logarithm of an expected count is made of on each day: trend, level, season, week, holidays, weather."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from gridgov.rules.calendar import WorkCalendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

YEAR_DAYS = 365.25
HORIZON_DAYS = 460
"""Days after the history for which the model answers: twelve months from any day of the next quarter."""
LEVEL_STEP_DAYS = {"city": 91.0, "district": 182.0, "street": 182.0}
"""How often the level may turn."""
WAVE_STEP_DAYS = 61.0
"""How long a deviation of the city lasts that then passes: it must not be carried on as a level."""
HARMONICS = {"city": 12, "district": 2, "street": 1}
"""Waves of the yearly season; the shortest of the city's lasts a month, as sharp starts (heating) need."""
DAMPING_DAYS = 365.0
"""A trend is carried on into the future as one that dies away over a year: E. S. Gardner and E. McKenzie, 1985,
Forecasting trends in time series, Management Science 31(10), 1237-1246."""
LONG_HOLIDAY_DAYS = 5
PRIOR_SD = {"slope": 0.05, "weekday": 0.2, "holiday": 0.3, "weather": 0.3}
"""Spread of effects on the log scale that is taken for ordinary before the counts are seen. Assumed."""
CITY_PARTS = ("intercept", "slope", "level", "wave", "season", "weekday", "holiday", "weather")


@dataclass(frozen=True, kw_only=True, eq=False)
class Basis:
    """Columns by day, history and horizon, of one layer of the model.

    Parameters
    ----------
    columns
        float64 (days + horizon, k).
    part
        Name of each column's part, one of :data:`CITY_PARTS`.
    prior_variance
        Before counts are seen, of each column, float64 (k,); of ``level``, ``wave`` and ``season`` for a unit spread.
    """

    columns: Floats
    part: tuple[str, ...]
    prior_variance: Floats

    def find(self, name: str) -> Ints:
        """Return the positions of the columns of a part."""
        return np.array([at for at, part in enumerate(self.part) if part == name], dtype=np.int64)


def make_basis(
    layer: str,
    *,
    first_day: date,
    days: int,
    calendar: WorkCalendar,
    weather: Floats | None = None,
) -> Basis:
    """Return the columns of a layer: ``city``, ``district`` or ``street``.

    A season needs a year of history: with less there are no season columns, with less than two a single wave.
    """
    at = np.arange(days + HORIZON_DAYS, dtype=np.float64)
    numbers = np.arange(days + HORIZON_DAYS, dtype=np.int64) + (
        first_day.toordinal() - date(1970, 1, 1).toordinal()
    )
    groups: list[tuple[str, Floats, Floats]] = [
        ("intercept", np.ones((len(at), 1)), np.array([100.0])),
        ("slope", _make_slope(at, days)[:, None], np.array([PRIOR_SD["slope"] ** 2])),
        _make_level(at, days, LEVEL_STEP_DAYS[layer]),
    ]
    if layer == "city":
        groups.append(_make_waves(at, days))
    waves = HARMONICS[layer] if days >= 2 * 365 else 1 if layer == "street" else 3
    if days >= 365:
        angle = 2 * np.pi * (numbers[:, None] / YEAR_DAYS) * np.arange(1, waves + 1)
        season = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        spread = np.tile(1.0 / np.arange(1, waves + 1) ** 1.5, 2)
        groups.append(("season", season, spread))
    if layer == "city":
        week, free = _make_week(numbers, calendar)
        groups.append(("weekday", week, np.full(week.shape[1], PRIOR_SD["weekday"] ** 2)))
        groups.append(("holiday", free, np.full(free.shape[1], PRIOR_SD["holiday"] ** 2)))
        if weather is not None:
            column = _make_weather(weather, len(at), days)
            groups.append(("weather", column, np.array([PRIOR_SD["weather"] ** 2])))
    return Basis(
        columns=np.concatenate([columns for _, columns, _ in groups], axis=1),
        part=tuple(name for name, columns, _ in groups for _ in range(columns.shape[1])),
        prior_variance=np.concatenate([variance for _, _, variance in groups]),
    )


def _make_slope(at: Floats, days: int) -> Floats:
    """Return years before the end of the history, damped after it."""
    after = np.maximum(at - (days - 1), 0.0)
    damped = DAMPING_DAYS * (1.0 - np.exp(-after / DAMPING_DAYS))
    slope: Floats = (np.minimum(at - (days - 1), 0.0) + damped) / YEAR_DAYS
    return slope


def _make_level(at: Floats, days: int, step: float) -> tuple[str, Floats, Floats]:
    """Return ramps from 0 to 1 over one step each: a random walk, whose future steps nothing has told of yet."""
    last = days - 1
    starts = np.arange(last - np.ceil(last / step) * step, at[-1], step)
    ramps = np.clip((at[:, None] - starts) / step, 0.0, 1.0)
    # Counted from the end of the history, so that the intercept is the level of today.
    ramps -= np.clip((last - starts) / step, 0.0, 1.0)
    return "level", ramps, np.full(len(starts), step / YEAR_DAYS)


def _make_waves(at: Floats, days: int) -> tuple[str, Floats, Floats]:
    """Return tents beside each other, each a deviation that comes and passes."""
    middles = np.arange(
        days - 1 - np.ceil(days / WAVE_STEP_DAYS) * WAVE_STEP_DAYS, at[-1], WAVE_STEP_DAYS
    )
    tents = np.maximum(1.0 - np.abs(at[:, None] - middles) / WAVE_STEP_DAYS, 0.0)
    return "wave", tents, np.ones(len(middles))


def _make_week(numbers: Ints, calendar: WorkCalendar) -> tuple[Floats, Floats]:
    """Return weekdays (Tuesday to Sunday against Monday) of ordinary days, and what holidays change."""
    weekday = (numbers + 3) % 7
    works = calendar.is_workday(numbers)
    off = (weekday < 5) & ~works
    makeup = (weekday >= 5) & works
    free = off | np.isin(numbers, _to_numbers(calendar.holidays))
    week = (weekday[:, None] == np.arange(1, 7)) & ~free[:, None] & ~makeup[:, None]
    runs = _measure_runs(free)
    back = works & ~free & np.r_[False, free[:-1]]
    holiday = np.stack([free, free & (runs >= LONG_HOLIDAY_DAYS), makeup, back], axis=1)
    return week.astype(np.float64), holiday.astype(np.float64)


def _measure_runs(flags: npt.NDArray[np.bool_]) -> Ints:
    """Return for each day the length of the run of equal flags that it lies in."""
    change = np.flatnonzero(np.diff(flags.astype(np.int8))) + 1
    bounds = np.r_[0, change, len(flags)]
    return np.repeat(np.diff(bounds), np.diff(bounds))


def _to_numbers(days: frozenset[date]) -> Ints:
    epoch = date(1970, 1, 1).toordinal()
    return np.array(sorted(day.toordinal() - epoch for day in days), dtype=np.int64)


def _make_weather(weather: Floats, length: int, days: int) -> Floats:
    """Return the weather in units of its spread; what is not known counts as the mean."""
    known = np.full(length, np.nan)
    known[: min(length, len(weather))] = weather[:length]
    seen = known[:days][np.isfinite(known[:days])]
    if len(seen) < 2 or seen.std() == 0:
        return np.zeros((length, 1))
    spread: Floats = np.nan_to_num((known - seen.mean()) / seen.std(), nan=0.0)
    return spread[:, None]
