"""The pre-season list: what rises in the year to come, where, when, by how much, and the latest day to start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.calendar import WorkCalendar
from planner.counts import CountModel
from planner.errors import PlannerError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

YEAR = 365
_LEVELS = ("city", "district", "street")
SMOOTHED_DAYS = 15
SEASON_COLUMNS = (
    "level",
    "area_code",
    "item_code",
    "rises_on",
    "peaks_on",
    "ends_on",
    "expected",
    "low",
    "high",
    "usual",
    "ratio",
    "sure",
    "lead_days",
    "latest_start",
    "is_late",
)
"""``rises_on ends_on`` days between which :attr:`SeasonRules.least_ratio` times the mean of the year comes in or more,
``peaks_on`` its highest day (weeks and holidays apart) · ``expected`` counts in it, ``low high`` its 80 % interval ·
``usual`` those of as many ordinary days of the year, ``ratio`` of the two · ``sure`` the probability that more than
usual comes · ``lead_days`` working days of the duties, missing where none are known · ``latest_start`` the last day
on which they can start and be done before the rise · ``is_late`` that day has passed."""


@dataclass(frozen=True, kw_only=True)
class SeasonRules:
    """What counts as a season.

    Parameters
    ----------
    least_ratio
        Times the mean of the year. Assumed.
    fewest
        Counts above the usual, by level. Assumed.
    least_sure
        Probability that more than usual comes. Assumed.
    shortest_days, longest_days
        A shorter rise is a holiday's, a longer one a trend.
    """

    least_ratio: float = 1.3
    fewest: Mapping[str, float] = field(
        default_factory=lambda: {"street": 5.0, "district": 20.0, "city": 50.0}
    )
    least_sure: float = 0.9
    shortest_days: int = 14
    longest_days: int = 240


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rises:
    """The largest rise of each series: position of its first day, days, and highest day; (n,)."""

    first: Ints
    days: Ints
    peak: Ints


def find_seasons(
    model: CountModel,
    *,
    today: date,
    calendar: WorkCalendar,
    lead_days: Mapping[str, float],
    rules: SeasonRules | None = None,
) -> pd.DataFrame:
    """Return the pre-season list, the next to start first: :data:`SEASON_COLUMNS`.

    Parameters
    ----------
    model
        Of counts of a year at least.
    today
        The day asked; the year to come starts with it.
    calendar
        Working days, for the latest day to start.
    lead_days
        Working days by item (:func:`planner.seasons.find_lead_days`).
    rules
        What counts as a season.

    Raises
    ------
    PlannerError
        Less than a year of counts, or the model does not reach a year from today on.
    """
    if not model.has_season:
        raise PlannerError(
            f"{model.days} days of counts show no season: a season list needs a year, better two"
        )
    wanted = rules or SeasonRules()
    end = today + timedelta(days=YEAR - 1)
    if today < model.first_day or end > model.horizon_end:
        raise PlannerError(
            f"the count model answers up to {model.horizon_end}, the year from {today} on ends {end}: "
            "fit it to newer orders"
        )
    days = model.expect_days(today, end).mean
    n_items = len(model.items)
    in_districts = np.zeros((len(model.districts), n_items, YEAR))
    np.add.at(in_districts, model.street_district, days)
    frames = []
    for level, areas, values in (
        ("city", ("",), in_districts.sum(axis=0)[None]),
        ("district", model.districts, in_districts),
        ("street", model.streets, days),
    ):
        if level != "city" and areas == ("",):
            continue
        flat = values.reshape(-1, YEAR)
        busy = np.flatnonzero(flat.sum(axis=1) > wanted.fewest[level])
        frames.append(
            _list_rises(
                model, flat[busy], busy, level=level, areas=areas, today=today, rules=wanted
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    frame["lead_days"] = frame["item_code"].map(lead_days).astype("float64")
    frame["latest_start"] = [
        None if np.isnan(lead) else find_latest_start(rises, lead, calendar)
        for rises, lead in zip(frame["rises_on"], frame["lead_days"], strict=True)
    ]
    frame["is_late"] = [start is not None and start < today for start in frame["latest_start"]]
    due = [
        rise if start is None else start
        for rise, start in zip(frame["rises_on"], frame["latest_start"], strict=True)
    ]
    order = ["due", "rises_on", "rank", "item_code", "area_code"]
    frame = frame.assign(due=due, rank=[_LEVELS.index(level) for level in frame["level"]])
    return frame.sort_values(order, ignore_index=True)[list(SEASON_COLUMNS)]


def find_latest_start(rises_on: date, lead_days: float, calendar: WorkCalendar) -> date:
    """Return the last day from which so many working days pass before the rise."""
    needed = int(np.ceil(lead_days))
    epoch = date(1970, 1, 1)
    last = (rises_on - epoch).days
    back = np.arange(last - 1, last - 2 * needed - 60, -1, dtype=np.int64)
    if needed == 0:
        return rises_on
    works = np.cumsum(calendar.is_workday(back))
    at = int(np.searchsorted(works, needed))
    if at >= len(back):
        raise PlannerError(
            f"the calendar has too few working days before {rises_on} for {lead_days} days of duties"
        )
    return epoch + timedelta(days=int(back[at]))


def _list_rises(
    model: CountModel,
    flat: Floats,
    series: Ints,
    *,
    level: str,
    areas: tuple[str, ...],
    today: date,
    rules: SeasonRules,
) -> pd.DataFrame:
    """Return the seasons of the series of one level."""
    smooth = smooth_year(flat)
    rises = find_rises(smooth, rules.least_ratio)
    mean = flat.mean(axis=1)
    fits = (rises.days >= rules.shortest_days) & (rises.days <= rules.longest_days)
    # A rise that wraps around the year's end starts in it and is asked for up to the end of the year's answer.
    within = np.minimum(rises.days, YEAR - rises.first)
    part = within / np.maximum(rises.days, 1)
    total = np.concatenate([np.zeros((len(flat), 1)), np.cumsum(np.tile(flat, 2), axis=1)], axis=1)
    row = np.arange(len(flat))
    expected = total[row, rises.first + rises.days] - total[row, rises.first]
    usual = mean * rises.days
    kept = np.flatnonzero(fits & (expected - usual >= rules.fewest[level]) & (part > 0))
    code = np.array(areas, dtype=object)[series[kept] // len(model.items)]
    item = np.array(model.items, dtype=object)[series[kept] % len(model.items)]
    first = np.datetime64(today) + rises.first[kept]
    law = model.expect(code, item, first, first + within[kept] - 1)
    scale = expected[kept] / np.maximum(law.mean, 1e-9)
    frame = pd.DataFrame(
        {
            "level": level,
            "area_code": code,
            "item_code": item,
            "rises_on": [today + timedelta(days=int(at)) for at in rises.first[kept]],
            "peaks_on": [today + timedelta(days=int(at)) for at in rises.peak[kept]],
            "ends_on": [
                today + timedelta(days=int(at + n) - 1)
                for at, n in zip(rises.first[kept], rises.days[kept], strict=True)
            ],
            "expected": expected[kept],
            "low": law.quantile(0.1) * scale,
            "high": law.quantile(0.9) * scale,
            "usual": usual[kept],
            "ratio": expected[kept] / np.maximum(usual[kept], 1e-9),
            "sure": law.tail(np.floor(usual[kept] / scale) + 1),
        }
    )
    return frame[frame["sure"] >= rules.least_sure]


def smooth_year(values: Floats) -> Floats:
    """Return means of a fortnight around each day, the year taken for a circle; (n, 365)."""
    half = SMOOTHED_DAYS // 2
    round_ = np.concatenate([values[:, -half:], values, values[:, :half]], axis=1)
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(round_, axis=1)], axis=1)
    smooth: Floats = (total[:, SMOOTHED_DAYS:] - total[:, :-SMOOTHED_DAYS]) / SMOOTHED_DAYS
    return smooth


def find_rises(smooth: Floats, least_ratio: float) -> _Rises:
    """Return of each year (n, 365), a circle, the run above so many times its mean that holds most above the mean."""
    n = len(smooth)
    mean = smooth.mean(axis=1)
    first, days, peak = (np.zeros(n, dtype=np.int64) for _ in range(3))
    high = smooth >= least_ratio * mean[:, None]
    for row in np.flatnonzero(high.any(axis=1) & ~high.all(axis=1)):
        starts = np.flatnonzero(high[row] & ~np.roll(high[row], 1))
        ends = np.flatnonzero(~high[row] & np.roll(high[row], 1))
        stops = ends[np.searchsorted(ends, starts, side="right") % len(ends)]
        length = (stops - starts) % YEAR
        above = np.r_[0.0, np.cumsum(np.tile(smooth[row] - mean[row], 2))]
        best = int(np.argmax(above[starts + length] - above[starts]))
        first[row], days[row] = starts[best], length[best]
        inside = (starts[best] + np.arange(length[best])) % YEAR
        peak[row] = starts[best] + int(np.argmax(smooth[row, inside]))
    return _Rises(first=first, days=days, peak=peak)
