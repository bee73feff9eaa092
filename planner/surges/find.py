"""What comes in much more than is to be expected by now: streets, districts and the city, each hour."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gridgov.rules.catalogue import Catalogue
from planner.counts.daily import find_first_calls, take_problems
from planner.counts.model import CountModel
from planner.errors import PlannerError
from planner.surges.alarms import AlarmLevel, find_smallest_tail
from planner.surges.series import LONGEST, WINDOWS, make_watched

Ints = npt.NDArray[np.int64]

HISTORY_DAYS = LONGEST + 30
"""Days of orders that :func:`make_recent_counts` needs to know who has called before."""

SURGE_COLUMNS = (
    "level",
    "area_code",
    "item_code",
    "start",
    "n",
    "expected",
    "ratio",
    "p",
    "q",
    "per_quarter",
)
"""``level`` street, district or city · ``start`` first day of the window that ends now · ``n`` counts in it,
``expected`` by now, ``ratio`` of the two · ``p`` the chance of so many or more, ``q`` after false-discovery control
over the series of the level · ``per_quarter`` false alarms of the area in a quarter if all such chances were alarms."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RecentCounts:
    """Counts of the last days, the last one not over.

    Parameters
    ----------
    last_on
        The day that runs.
    hour
        Hours of it that have passed, above 0 to 24.
    counts
        By street, item (of the model) and day, int64 (streets, items, days).
    rows
        ``street item day row`` of what was counted: positions of the first two, day of the window, row of the orders.
    unknown
        Items that the model does not know: ``item_code n``.
    """

    last_on: date
    hour: float
    counts: Ints
    rows: pd.DataFrame
    unknown: pd.DataFrame


def make_recent_counts(
    orders: pd.DataFrame,
    model: CountModel,
    *,
    now: datetime,
    persons_once: bool = True,
    catalogue: Catalogue | None = None,
    problem_kinds: frozenset[str] | None = None,
) -> RecentCounts:
    """Count the last days as :func:`planner.counts.make_daily_counts` counts the history.

    Parameters
    ----------
    orders
        Of the last :data:`HISTORY_DAYS` days at least; columns as there.
    model
        Fitted to the history.
    now
        Aware, in the city's zone.
    persons_once, catalogue, problem_kinds
        As for the history.

    Raises
    ------
    PlannerError
        The moment lies after the days that the model answers for, or within its history's first days.
    """
    frame = take_problems(orders, until=now, catalogue=catalogue, kinds=problem_kinds)
    if persons_once and len(frame):
        frame = frame[find_first_calls(frame)]
    local = pd.Timestamp(now).tz_localize(None)
    day = local.normalize()
    first = day - pd.Timedelta(days=LONGEST - 1)
    if first.date() < model.first_day or day.date() > model.horizon_end:
        raise PlannerError(
            f"{day.date()} lies outside of what the count model answers for ({model.first_day} to "
            f"{model.horizon_end}): fit it to newer orders"
        )
    frame = frame[frame["day"] >= first]
    street = pd.Index(model.streets).get_indexer(frame["street"])
    item = pd.Index(model.items).get_indexer(frame["item"])
    known = (street >= 0) & (item >= 0)
    at = ((frame["day"] - first).dt.days).to_numpy(dtype=np.int64)
    counts = np.zeros((len(model.streets), len(model.items), LONGEST), dtype=np.int64)
    np.add.at(counts, (street[known], item[known], at[known]), 1)
    unknown = frame.loc[item < 0, "item"].value_counts().sort_index()
    return RecentCounts(
        last_on=day.date(),
        hour=max((local - day) / pd.Timedelta(hours=1), 1 / 60),
        counts=counts,
        rows=pd.DataFrame(
            {
                "street": street[known],
                "item": item[known],
                "day": at[known],
                "row": frame["row"].to_numpy()[known],
            }
        ),
        unknown=pd.DataFrame({"item_code": unknown.index, "n": unknown.to_numpy()}),
    )


def find_surges(
    model: CountModel, recent: RecentCounts, alarms: dict[str, AlarmLevel]
) -> pd.DataFrame:
    """Return the surges of a moment, surest first: :data:`SURGE_COLUMNS`.

    Parameters
    ----------
    model
        Fitted to the history; the days looked at need not be part of it.
    recent
        Counts of the last days.
    alarms
        Thresholds (:func:`planner.surges.calibrate_alarms`).
    """
    start = recent.last_on - timedelta(days=LONGEST - 1)
    watched = make_watched(model, start, recent.last_on)
    counts = {"street": recent.counts, "city": recent.counts.sum(axis=0)[None]}
    counts["district"] = np.zeros((len(model.districts), *recent.counts.shape[1:]), dtype=np.int64)
    np.add.at(counts["district"], model.street_district, recent.counts)
    by_item = model.find_passed_share(list(model.items), recent.last_on, recent.hour)
    found = []
    for level, alarm in alarms.items():
        series = watched[level]
        of_level = counts[level].reshape(len(series.area), LONGEST)
        which = np.flatnonzero(of_level.any(axis=1))
        if not len(which):
            continue
        passed = by_item[series.item[which]]
        p, window = find_smallest_tail(
            series,
            which,
            np.full(len(which), LONGEST - 1),
            counts=of_level,
            so_far=of_level[which, -1].astype(np.float64),
            passed=passed,
        )
        every = np.ones(len(series.area))
        every[which] = p
        q = stats.false_discovery_control(every)[which]
        kept = p <= alarm.threshold[alarm.group[series.area[which]]]
        days = np.array(WINDOWS)[window[kept]]
        rows = which[kept]
        inside = np.arange(LONGEST) >= (LONGEST - days)[:, None]
        weight = np.ones((len(rows), LONGEST))
        weight[:, -1] = passed[kept]
        n = (of_level[rows] * inside).sum(axis=1)
        expected = (series.mean[rows] * weight * inside).sum(axis=1)
        found.append(
            pd.DataFrame(
                {
                    "level": level,
                    "area_code": np.array(series.areas, dtype=object)[series.area[rows]],
                    "item_code": np.array(model.items, dtype=object)[series.item[rows]],
                    "start": [recent.last_on - timedelta(days=int(one) - 1) for one in days],
                    "n": n,
                    "expected": expected,
                    "ratio": n / np.maximum(expected, 1e-9),
                    "p": p[kept],
                    "q": q[kept],
                    "per_quarter": alarm.find_rate(p[kept], series.area[rows]),
                }
            )
        )
    if not found:
        return pd.DataFrame(columns=list(SURGE_COLUMNS))
    frame = pd.concat(found, ignore_index=True)
    order = ["per_quarter", "p", "level", "area_code", "item_code"]
    return frame.sort_values(order, ignore_index=True)[list(SURGE_COLUMNS)]
