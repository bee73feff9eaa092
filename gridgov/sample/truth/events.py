"""Every appeal's truth before it is put into words: what, where, when, who, which issue, planted or not."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgov.sample.land.geography import find_communities
from gridgov.sample.land.named_places import Towns
from gridgov.sample.land.slots import M_PER_DEG, SlotKind, Slots, make_slots, scatter
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.planted import make_dense, make_hotspots, make_one_callers
from gridgov.sample.truth.seasons import N_DAYS, choose_storms, make_day_weights, make_seconds

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CALLERS = (0.978, 0.016, 0.005, 0.001)
"""Share of issues that 1, 2, 3, 4 persons call about (assumed)."""
CALLS = (0.94, 0.04, 0.013, 0.005, 0.002)
"""Share of callers who call 1 … 5 times about the same thing (assumed)."""
SAME_PERSON_SHARE = 0.12
"""Of issues that are raised by somebody who raised another one nearby."""
NEAR_BOUNDARY_SHARE = 0.012
NEAR_BOUNDARY_M = 30.0
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Events:
    """All appeals in order of time, and what was planted among them.

    Parameters
    ----------
    frame
        ``seconds`` since the first day, ``item, slot, slot_kind, ref, community`` (true), ``lon lat`` (true, WGS84)
        ``, person, issue, hotspot, one_caller`` (-1: none) ``, near_boundary, call`` (1 for the first of that
        person about that issue).
    hotspots
        See :func:`gridgov.sample.truth.planted.make_hotspots`.
    dense
        Slots of the dense compounds.
    storms
        Days of storms, positions in the history.
    slots
        All slots.
    """

    frame: pd.DataFrame
    hotspots: pd.DataFrame
    dense: IntArray
    storms: IntArray
    slots: Slots


def make_events(
    towns: Towns,
    items: Items,
    n: int,
    *,
    holidays: npt.NDArray[np.datetime64],
    rng: np.random.Generator,
) -> Events:
    """Return exactly `n` appeals."""
    slots, dense = make_dense(make_slots(towns), rng)
    storms = choose_storms(rng)
    hotspots, hot_calls = make_hotspots(slots, items, n, rng)
    one_callers = make_one_callers(slots, items, n, rng)
    hot = _fill_hot(hot_calls, slots, rng)
    lone = _fill_one_callers(one_callers, slots, rng)
    days = make_day_weights(items.months, storms, holidays)
    rest = _make_background(slots, items, n - len(hot) - len(lone), days=days, rng=rng)
    _move_to_boundaries(rest, towns, rng)
    for frame, before in ((hot, rest), (lone, hot)):
        frame["person"] += before["person"].max() + 1
        frame["issue"] += before["issue"].max() + 1
    frame = pd.concat([rest, hot, lone], ignore_index=True)
    frame["seconds"] = frame["day"] * DAY_S + make_seconds(len(frame), rng)
    frame = frame.sort_values("seconds", kind="stable", ignore_index=True)
    frame["call"] = frame.groupby(["issue", "person"]).cumcount() + 1
    usual = np.where(frame["slot"] >= 0, slots.community[frame["slot"]], -1)
    frame["community"] = find_communities(towns.geography, frame["lon"], frame["lat"], guess=usual)
    # Jitter over the city's edge: back to the door.
    outside = np.flatnonzero(frame["community"] < 0)
    back = frame["slot"].to_numpy()[outside]
    frame.loc[outside, "lon"], frame.loc[outside, "lat"] = slots.lon[back], slots.lat[back]
    frame.loc[outside, "community"] = slots.community[back]
    frame["slot_kind"] = np.where(frame["slot"] >= 0, slots.kind[frame["slot"]], SlotKind.FREE)
    frame["ref"] = np.where(frame["slot"] >= 0, slots.ref[frame["slot"]], frame["community"])
    return Events(frame=frame, hotspots=hotspots, dense=dense, storms=storms, slots=slots)


def _make_background(
    slots: Slots,
    items: Items,
    n: int,
    *,
    days: dict[str, FloatArray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return `n` appeals where people live, each issue with its callers and their calls."""
    issue, person = _make_callers(n, rng)
    n_issues = int(issue[-1]) + 1
    slot = draw(slots.weight, n_issues, rng)
    zone = slots.zone[slot]
    item = np.empty(n_issues, np.int64)
    for z in range(3):
        here = np.flatnonzero(zone == z)
        item[here] = draw(items.mix[z], len(here), rng)
    day = np.empty(n_issues, np.int64)
    season = items.frame["season"].to_numpy()[item]
    for name, weight in days.items():
        here = np.flatnonzero(season == name)
        day[here] = draw(weight, len(here), rng)
    lon, lat = scatter(slots, slot, rng, most_m=90.0)
    later = 1 + rng.gamma(1.0, 9.0, n).astype(np.int64)
    later[np.r_[True, np.diff(issue) > 0]] = 0
    # What would fall after the end falls as long before: no heap on the last days.
    called = day[issue] + later
    called = np.where(called < N_DAYS, called, np.maximum(day[issue] - later, 0))
    return pd.DataFrame(
        {
            "item": item[issue],
            "slot": slot[issue],
            "day": called,
            "lon": lon[issue],
            "lat": lat[issue],
            "person": _share_persons(person, issue, slot, rng),
            "issue": issue,
            "hotspot": -1,
            "one_caller": -1,
            "near_boundary": False,
        }
    )


def _make_callers(n: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return the issue and the caller of `n` appeals, both numbered from 0 in order."""
    persons = 1 + draw(np.array(CALLERS), n, rng)
    issue_of_person = np.repeat(np.arange(n), persons)[:n]
    calls = 1 + draw(np.array(CALLS), n, rng)
    person = np.repeat(np.arange(n), calls)[:n]
    return issue_of_person[person], person


def _share_persons(
    person: IntArray, issue: IntArray, slot: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return persons, some of whom raised another issue from the same or a neighbouring place."""
    first = np.r_[True, np.diff(person) > 0]
    place = slot[issue[first]]
    order = np.argsort(place, kind="stable")
    same = np.arange(len(order))
    joined = np.flatnonzero(rng.random(len(order)) < SAME_PERSON_SHARE)
    joined = joined[joined > 0]
    same[order[joined]] = order[joined - 1]
    return same[person]


def _fill_hot(calls: pd.DataFrame, slots: Slots, rng: np.random.Generator) -> pd.DataFrame:
    """Return a hotspot's appeals with points, persons and issues: one place, one item, one month."""
    slot = calls["slot"].to_numpy()
    lon, lat = scatter(slots, slot, rng, most_m=40.0)
    person = calls.groupby(["hotspot", "person"], sort=False).ngroup()
    issue = calls.groupby(["hotspot", "slot", "item", calls["day"] // 30], sort=False).ngroup()
    return calls[["item", "slot", "day", "hotspot"]].assign(
        lon=lon, lat=lat, person=person, issue=issue, one_caller=-1, near_boundary=False
    )


def _fill_one_callers(calls: pd.DataFrame, slots: Slots, rng: np.random.Generator) -> pd.DataFrame:
    lon, lat = scatter(slots, calls["slot"].to_numpy(), rng, most_m=15.0)
    return calls[["item", "slot", "day"]].assign(
        lon=lon,
        lat=lat,
        person=calls["decoy"],
        issue=calls["decoy"],
        hotspot=-1,
        one_caller=calls["decoy"],
        near_boundary=False,
    )


def _move_to_boundaries(frame: pd.DataFrame, towns: Towns, rng: np.random.Generator) -> None:
    """Move some single appeals to within :data:`NEAR_BOUNDARY_M` of a boundary between streets."""
    alone = ~frame.duplicated("issue", keep=False).to_numpy()
    chosen = np.flatnonzero(alone & (rng.random(len(frame)) < NEAR_BOUNDARY_SHARE))
    streets = towns.geography.streets
    points, street = shapely.get_coordinates(streets.geometry.to_numpy(), return_index=True)
    residents = towns.geography.communities.groupby("street_code")["residents"].sum()
    weight = streets["code"].map(residents).to_numpy(float) / np.bincount(street)
    k = draw(weight[street] / weight[street].sum(), len(chosen), rng)
    angle = rng.uniform(0, 2 * np.pi, len(chosen))
    # 28 m and not 30: a metre of the flat-earth step and of rounding must not matter.
    away = rng.uniform(0.5, NEAR_BOUNDARY_M - 2, len(chosen))
    lat = points[k, 1] + away * np.sin(angle) / M_PER_DEG
    lon = points[k, 0] + away * np.cos(angle) / (M_PER_DEG * np.cos(np.radians(lat)))
    kept = find_communities(towns.geography, lon, lat) >= 0
    columns = [frame.columns.get_loc(name) for name in ("lon", "lat", "slot", "near_boundary")]
    for column, value in zip(
        columns, (lon, lat, np.full(len(k), -1), np.ones(len(k), bool)), strict=True
    ):
        frame.iloc[chosen[kept], column] = value[kept]


def draw(weight: FloatArray, n: int, rng: np.random.Generator) -> IntArray:
    """Return `n` positions drawn with probabilities proportional to `weight`, int64 (n,)."""
    total = np.cumsum(weight)
    out: IntArray = np.searchsorted(total, rng.random(n) * total[-1], side="right").clip(
        max=len(weight) - 1
    )
    return out
