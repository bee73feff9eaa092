"""Daily counts of problems per street and item, each person once per problem and window."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.catalogue import Catalogue
from planner.errors import PlannerError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REPEAT_DAYS = 30
"""A person who calls again about the same item in the same street is counted anew after so many days. Assumed: twice
the longest limit."""

NEEDED = ("received_at", "street_code", "item_code")
GAP_DAYS = 3
"""So many days in a row without any appeal of a busy city are a gap of the export, not silence. Assumed."""
BUSY_PER_DAY = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyCounts:
    """Counts per street, item and day; one entry per count above 0.

    Parameters
    ----------
    streets, districts
        Codes of the streets, sorted, and of each one's district ("" where there are none).
    items
        Codes of the items, sorted.
    first_day, days
        The history: days ``first_day … first_day + days - 1``.
    street, item, day, n
        Positions and counts, int64 (entries,), sorted by street, item and day, each triple once.
    hours
        Counts by item, off day or workday (0, 1) and hour, float64 (items, 2, 24).
    missing
        Days that the export lacks, bool (days,): a busy city says nothing for :data:`GAP_DAYS` days or longer.
    exposure
        What a street's share of an item follows if nothing else is known, float64 (streets,), above 0.
    exposure_source
        ``residents``, ``addresses``, or ``activity``: all counts of the street.
    weather
        A value per day from the first on, also of days to come; NaN where unknown; None without weather.
    notes
        What is lacking, for the reader.
    """

    streets: tuple[str, ...]
    districts: tuple[str, ...]
    items: tuple[str, ...]
    first_day: date
    days: int
    street: Ints
    item: Ints
    day: Ints
    n: Ints
    hours: Floats
    missing: npt.NDArray[np.bool_]
    exposure: Floats
    exposure_source: str
    weather: Floats | None = None
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Return all counts together."""
        return int(self.n.sum())

    def make_hash(self) -> str:
        """Return a hash of everything a model is fitted to: the version of the data."""
        made = hashlib.sha256()
        made.update(
            "\x1f".join([*self.streets, *self.districts, *self.items, str(self.first_day)]).encode()
        )
        for part in (self.street, self.item, self.day, self.n, self.hours, self.exposure):
            made.update(np.ascontiguousarray(part).tobytes())
        made.update(self.missing.tobytes())
        if self.weather is not None:
            made.update(self.weather.tobytes())
        return made.hexdigest()


def make_daily_counts(
    orders: pd.DataFrame,
    calendar: WorkCalendar,
    *,
    as_of: datetime,
    persons_once: bool = True,
    catalogue: Catalogue | None = None,
    problem_kinds: frozenset[str] | None = None,
    streets: pd.Series | None = None,
    residents: pd.Series | None = None,
    addresses: pd.Series | None = None,
    first_day: date | None = None,
    weather: pd.Series | None = None,
) -> DailyCounts:
    """Count the problems of orders by street, item and day.

    Parameters
    ----------
    orders
        ``received_at`` (aware, the city's zone), ``street_code``, ``item_code``; where there: ``kind``,
        ``person_key``, ``district_code``, ``level2_code`` (which then is the item). Rows without street or item, and
        those from `as_of` on, do not count.
    calendar
        Tells workdays from days off, for the hour profile.
    as_of
        Aware; the history ends with the day before, or within its day if that is not midnight (the day then does
        not count: it is not over).
    persons_once
        Whether a person's repeats about the same item in the same street within :data:`REPEAT_DAYS` count once.
    catalogue
        Gives each item's level-2 ancestor; without it an item stands for itself.
    problem_kinds
        Kinds that count; None: those of ``gridgov.rules.appeal_kinds``.
    streets
        District code by street code: all streets of the city, also those without orders. None: those of the orders.
    residents, addresses
        Number by street code; the first that knows all streets is the exposure.
    first_day
        Start of the history; None: the day of the first order that counts.
    weather
        Values by day (index of dates), such as mean temperature; days to come allowed.

    Raises
    ------
    PlannerError
        A column is missing, or no order counts.
    """
    lacking = [name for name in NEEDED if name not in orders.columns]
    if lacking:
        raise PlannerError(
            f"orders lack the columns {', '.join(lacking)}: counts need {', '.join(NEEDED)}"
        )
    midnight = pd.Timestamp(as_of).normalize()
    frame = take_problems(orders, until=midnight, catalogue=catalogue, kinds=problem_kinds)
    if frame.empty:
        raise PlannerError(
            f"none of {len(orders)} orders counts: expected problems with street and item before {as_of}"
        )
    if persons_once:
        frame = frame[find_first_calls(frame)]
    first = frame["day"].min() if first_day is None else pd.Timestamp(first_day)
    frame = frame[frame["day"] >= first]
    end = pd.Timestamp(as_of).tz_localize(None).normalize()
    days = int((end - first).days)
    if days < 1 or frame.empty:
        raise PlannerError(f"no whole day lies between {first.date()} and {as_of}")
    codes = _find_streets(frame, streets)
    items = tuple(sorted(frame["item"].unique()))
    street = codes.index.get_indexer(frame["street"])
    known = street >= 0
    frame, street = frame[known], street[known].astype(np.int64)
    item = pd.Index(items).get_indexer(frame["item"]).astype(np.int64)
    day = ((frame["day"] - first).dt.days).to_numpy(dtype=np.int64)
    key, n = np.unique((street * len(items) + item) * days + day, return_counts=True)
    works = calendar.is_workday(_day_numbers(first.date(), days))
    hours = np.zeros((len(items), 2, 24))
    np.add.at(hours, (item, works[day].astype(np.int64), frame["hour"].to_numpy()), 1.0)
    missing = _find_gaps(np.bincount(day, minlength=days))
    exposure, source = _find_exposure(codes.index, residents, addresses, street)
    return DailyCounts(
        streets=tuple(codes.index),
        districts=tuple(codes),
        items=items,
        first_day=first.date(),
        days=days,
        street=key // days // len(items),
        item=key // days % len(items),
        day=key % days,
        n=n.astype(np.int64),
        hours=hours,
        missing=missing,
        exposure=exposure,
        exposure_source=source,
        weather=None if weather is None else _spread_weather(weather, first),
        notes=_make_notes(missing, days, source, lost=int((~known).sum())),
    )


def find_level2(codes: pd.Series, catalogue: Catalogue) -> pd.Series:
    """Return each item's ancestor of level 2; items of level 1, and unknown ones, stand for themselves."""
    table = catalogue.items.drop_duplicates("item_code", keep="last").set_index("item_code")
    level, parent = table["level"].to_dict(), table["parent_code"].to_dict()

    def climb(code: str) -> str:
        for _ in range(len(level)):
            above = parent.get(code, "")
            if level.get(code, 0) <= 2 or above not in level:
                return code
            code = above
        return code

    known = {code: climb(code) for code in codes.dropna().unique()}
    return codes.map(known)


def take_problems(
    orders: pd.DataFrame,
    *,
    until: datetime,
    catalogue: Catalogue | None,
    kinds: frozenset[str] | None,
) -> pd.DataFrame:
    """Return what counts before a moment: ``street item day hour at person district row``, by time.

    ``row`` is the position in `orders`.

    Raises
    ------
    PlannerError
        Times without a zone.
    """
    at = pd.DatetimeIndex(orders["received_at"])
    end = pd.Timestamp(until)
    if at.tz is None or end.tz is None:
        raise PlannerError("times of orders and the moment need a time zone: they have none")
    end = end.tz_convert(at.tz) if end.tz != at.tz else end
    named = "level2_code" in orders.columns
    item = orders["level2_code" if named else "item_code"].astype("object")
    keep = (at < end) & orders["street_code"].notna().to_numpy() & item.notna().to_numpy()
    if "kind" in orders.columns:
        kind = orders["kind"].astype("object")
        keep &= (find_problem_rows(kind) if kinds is None else kind.isin(kinds)).to_numpy()
    chosen, at = orders[keep], at[keep]
    item = item[keep].astype("str")
    if catalogue is not None and not named:
        item = find_level2(item, catalogue)
    local = at.tz_localize(None)
    frame = pd.DataFrame(
        {
            "street": chosen["street_code"].astype("str").to_numpy(),
            "item": item.astype("str").to_numpy(),
            "day": local.normalize().as_unit("s"),
            "hour": np.asarray(local.hour, dtype=np.int64),
            "at": at.as_unit("s").asi8,
            "row": np.flatnonzero(keep),
        }
    )
    for name, column in (("person", "person_key"), ("district", "district_code")):
        if column in chosen.columns:
            frame[name] = chosen[column].astype("object").to_numpy()
        else:
            frame[name] = None
    return frame.sort_values("at", kind="stable", ignore_index=True)


def find_first_calls(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which rows count if a person's repeats within the window do not; rows are in order of time."""
    keep = np.ones(len(frame), dtype=np.bool_)
    rows = np.flatnonzero(frame["person"].notna().to_numpy())
    if not len(rows):
        return keep
    part = frame.iloc[rows]
    group = part.groupby(["person", "street", "item"], sort=False).ngroup().to_numpy()
    at = part["at"].to_numpy()
    span = int(at.max() - at.min()) + 1
    window = REPEAT_DAYS * 86_400
    key = group * (span + window + 1) + (at - at.min())
    order = np.argsort(key, kind="stable")
    key = key[order]
    counted = np.zeros(len(key), dtype=np.bool_)
    # All groups advance together: the next that counts is the first one a window after the last that did.
    now = np.unique(group[order], return_index=True)[1]
    while len(now):
        counted[now] = True
        following = np.searchsorted(key, key[now] + window, side="left")
        inside = following < len(key)
        now, following = now[inside], following[inside]
        now = following[group[order][following] == group[order][now]]
    keep[rows[order[~counted]]] = False
    return keep


def _find_streets(frame: pd.DataFrame, streets: pd.Series | None) -> pd.Series:
    """Return the district code by street code, sorted by street."""
    if streets is not None:
        known = streets.copy()
        known.index = known.index.astype("str")
        return known.astype("object").fillna("").astype("str").sort_index()
    district = frame.groupby("street")["district"].agg(
        lambda values: "" if values.isna().all() else str(values.mode().iloc[0])
    )
    return district.sort_index()


def _find_gaps(total: Ints) -> npt.NDArray[np.bool_]:
    """Tell which days the export lacks."""
    seen = total[total > 0]
    missing = np.zeros(len(total), dtype=np.bool_)
    if not len(seen) or np.median(seen) < BUSY_PER_DAY:
        return missing
    quiet = np.flatnonzero(np.diff(np.r_[0, (total == 0).astype(np.int64), 0]))
    for start, end in zip(quiet[::2], quiet[1::2], strict=True):
        if end - start >= GAP_DAYS:
            missing[start:end] = True
    return missing


def _find_exposure(
    codes: pd.Index, residents: pd.Series | None, addresses: pd.Series | None, street: Ints
) -> tuple[Floats, str]:
    """Return what a street's share follows, and what it is."""
    for name, values in (("residents", residents), ("addresses", addresses)):
        if values is None:
            continue
        known = values.copy()
        known.index = known.index.astype("str")
        numbers = pd.to_numeric(known.reindex(codes), errors="coerce").to_numpy(dtype=np.float64)
        if np.isfinite(numbers).all() and (numbers > 0).all():
            return numbers, name
    return np.bincount(street, minlength=len(codes)).astype(np.float64) + 1.0, "activity"


def _spread_weather(weather: pd.Series, first: pd.Timestamp) -> Floats:
    days = pd.DatetimeIndex(weather.index).tz_localize(None).normalize()
    at = np.asarray((days - first).days, dtype=np.int64)
    spread = np.full(int(at.max(initial=-1)) + 1, np.nan)
    spread[at[at >= 0]] = weather.to_numpy(dtype=np.float64)[at >= 0]
    return spread


def _make_notes(
    missing: npt.NDArray[np.bool_], days: int, source: str, *, lost: int
) -> tuple[str, ...]:
    notes = []
    if missing.any():
        notes.append(
            f"{int(missing.sum())} days without any appeal are taken as a gap of the export"
        )
    if days < 365:
        notes.append(f"{days} days of history: a season needs a year")
    if source == "activity":
        notes.append(
            "residents and addresses of all streets are not known: shares follow all counts"
        )
    if lost:
        notes.append(f"{lost} orders name a street that the city does not have")
    return tuple(notes)


def _day_numbers(first: date, days: int) -> Ints:
    """Return days since 1970-01-01."""
    return np.arange(days, dtype=np.int64) + (first.toordinal() - date(1970, 1, 1).toordinal())
