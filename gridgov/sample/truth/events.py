"""Every appeal's truth before it is put into words: what, where, when, who, which issue, planted or not."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgov.errors import GridgovError
from gridgov.sample.land.geography import find_communities
from gridgov.sample.land.named_places import Towns
from gridgov.sample.land.slots import M_PER_DEG, SlotKind, Slots, make_slots, scatter
from gridgov.sample.truth.background import Background, draw_days, draw_items, make_background
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.planted import (
    APART_DEG,
    make_dense,
    make_hotspots,
    make_one_callers,
)
from gridgov.sample.truth.plantings import Planting, make_plantings
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

BASE_PLANTED = 200_000
"""A sample of so many appeals has all that is planted; a smaller one has less of it."""
BASE_HOTSPOTS = 5_000
"""A sample of so many appeals has all hotspots and lone callers; a smaller one has fewer."""
PLANTED_SHARE = 0.03
"""About what is planted on the scale of the background, of all appeals."""
DENSE_STREET_APPEALS = 3_900
"""Of a dense cut's street, none of which calls less than the usual: about 30 valid callbacks in its thinnest month."""
DENSE_REST_SHARE, DENSE_MOST_EVEN = 0.05, 0.9
"""Share of the rest of the city in a dense cut; share of the district's appeals that may be given out evenly."""


@dataclass(frozen=True, kw_only=True)
class Events:
    """All appeals in order of time, and what was planted among them.

    Parameters
    ----------
    frame
        ``seconds`` since the first day, ``item, slot, slot_kind, ref, community`` (true), ``lon lat`` (true, WGS84)
        ``, person, issue, hotspot, planting, one_caller`` (-1: none) ``, near_boundary, call`` (1 for the first of that
        person about that issue).
    hotspots
        See :func:`gridgov.sample.truth.planted.make_hotspots`.
    dense
        Slots of the dense compounds.
    storms
        Days of storms, positions in the history.
    slots
        All slots.
    planted
        What is planted on the scale of the background.
    background
        What is usual.
    place_residents, community_residents
        Residents of each named place and community, those of the dense compounds among them, float64.
    """

    frame: pd.DataFrame
    hotspots: pd.DataFrame
    dense: IntArray
    storms: IntArray
    slots: Slots
    planted: list[Planting]
    background: Background
    place_residents: FloatArray
    community_residents: FloatArray


def make_events(
    towns: Towns,
    items: Items,
    n: int,
    *,
    holidays: npt.NDArray[np.datetime64],
    workdays: npt.NDArray[np.datetime64] | None = None,
    dense_district: str = "",
    rng: np.random.Generator,
) -> Events:
    """Return exactly `n` appeals, nearly all of them in one district if one is named by its code.

    Raises
    ------
    GridgovError
        If there are too few appeals for every street of that district.
    """
    usual_slots = make_slots(towns)
    cut = cut_to_district(usual_slots, towns, dense_district, n) if dense_district else usual_slots
    slots, dense = make_dense(cut, rng)
    storms = choose_storms(rng)
    days = make_day_weights(items.months, storms, holidays, workdays)
    # A district has less room and fewer streets than the city: a third of the numbers, closer to each other.
    share, apart = (0.35, APART_DEG / 4) if dense_district else (1.0, APART_DEG)
    inside = slots.with_weight(slots.weight * _is_in(towns, slots, dense_district))
    few = min(1.0, n / BASE_HOTSPOTS)
    hotspots, hot_calls = make_hotspots(inside, items, n, rng, apart_deg=apart, share=share * few)
    one_callers = make_one_callers(inside, items, n, rng, share=few)
    left = n - len(hot_calls) - len(one_callers)
    background = make_background(
        round(left * (1 - PLANTED_SHARE)),
        slots,
        towns,
        items,
        days=days,
        least_rate=1.0 if dense_district else 0.0,
        rng=rng,
    )
    drawn_from = background.slots
    planted = make_plantings(
        background,
        items,
        towns.places["type"].to_numpy(object),
        apart_deg=apart / 2,
        centres=hotspots[["lon", "lat"]].to_numpy(float),
        share=min(1.0, (n / BASE_PLANTED) ** 0.5) * (0.6 if dense_district else 1.0),
        rng=rng,
    )
    hot = _fill_hot(hot_calls.assign(planting=-1), slots, rng, most_m=40.0)
    placed = _fill_hot(planted.calls.assign(hotspot=-1), slots, rng, most_m=90.0)
    lone = _fill_one_callers(one_callers, slots, rng)
    extra = len(hot) + len(placed) + len(lone)
    rest = _draw_background(background, drawn_from, n - extra, rng)
    _move_to_boundaries(rest, towns, drawn_from, rng)
    parts = [rest, hot, placed, lone]
    for number in ("person", "issue"):
        # Numbers follow on from the parts before, any of which may be empty in a small city.
        taken = 0
        for part in parts:
            part[number] = part[number].astype(np.int64) + taken
            taken = taken if part.empty else int(part[number].max()) + 1
    frame = pd.concat(parts, ignore_index=True).astype({"person": np.int64, "issue": np.int64})
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
    place_residents, community_residents = _count_residents(towns, usual_slots, slots)
    return Events(
        frame=frame,
        hotspots=hotspots,
        dense=dense,
        storms=storms,
        slots=slots,
        planted=planted.planted,
        background=background,
        place_residents=place_residents,
        community_residents=community_residents,
    )


def cut_to_district(slots: Slots, towns: Towns, district_code: str, n: int) -> Slots:
    """Return slots of which one district has nearly all weight, and each of its streets enough for its rates.

    Raises
    ------
    GridgovError
        If `n` appeals are too few for that.
    """
    inside = _is_in(towns, slots, district_code)
    street = towns.geography.communities["street_code"].to_numpy(object)[slots.community]
    codes, which = np.unique(street[inside].astype(str), return_inverse=True)
    weight = slots.weight[inside]
    least = DENSE_STREET_APPEALS / (n * (1 - DENSE_REST_SHARE))
    if least * len(codes) > DENSE_MOST_EVEN:
        needed = math.ceil(
            DENSE_STREET_APPEALS * len(codes) / (1 - DENSE_REST_SHARE) / DENSE_MOST_EVEN
        )
        raise GridgovError(
            f"{n} appeals are too few for the {len(codes)} streets of district {district_code}; "
            f"expected at least {needed}"
        )
    share = np.bincount(which, weight) / weight.sum()
    floor = np.zeros(len(codes), bool)
    while (share[~floor] < least).any():
        floor |= share < least
        share[floor] = least
        share[~floor] *= (1 - least * floor.sum()) / share[~floor].sum()
    out = slots.weight.copy()
    own = np.bincount(which, weight)
    out[inside] = weight * (share / own)[which] * (1 - DENSE_REST_SHARE)
    out[~inside] *= DENSE_REST_SHARE / out[~inside].sum()
    return slots.with_weight(out)


def _is_in(towns: Towns, slots: Slots, district_code: str) -> npt.NDArray[np.bool_]:
    if not district_code:
        return np.ones(len(slots.community), bool)
    code = towns.geography.communities["code"].str[:6].to_numpy(object)[slots.community]
    out: npt.NDArray[np.bool_] = (slots.community >= 0) & (code == district_code)
    return out


def _count_residents(towns: Towns, before: Slots, after: Slots) -> tuple[FloatArray, FloatArray]:
    """Return residents of places and communities: where weights were raised, more people live."""
    land = towns.geography.communities
    base = land["residents"].to_numpy(float)
    places = towns.places
    lived = before.weight > 0
    ratio = np.ones(len(lived))
    ratio[lived] = after.weight[lived] / before.weight[lived]
    # Streets of a dense cut that were raised to its least number: against those of their district that were not.
    ratio = ratio[: len(places)]
    street = land["street_code"].iloc[places["community"]].reset_index(drop=True)
    by_street = pd.Series(ratio).groupby(street).median()
    by_district = by_street.groupby(by_street.index.str[:6]).min()
    factor = ratio / street.str[:6].map(by_district).to_numpy(float)
    place = places["residents"].to_numpy(float) * factor
    added = np.bincount(
        places["community"], place - places["residents"].to_numpy(float), minlength=len(base)
    )
    return np.rint(place), np.rint(np.maximum(base + added, 1))


def _draw_background(
    background: Background, slots: Slots, n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return `n` appeals where people live, each issue with its callers and their calls."""
    issue, person = _make_callers(n, rng)
    n_issues = int(issue[-1]) + 1
    slot = draw(slots.weight, n_issues, rng)
    street = background.street[slot]
    item = draw_items(background, street, rng)
    day = draw_days(background, street, item, rng)
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
            "planting": -1,
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


def _fill_hot(
    calls: pd.DataFrame, slots: Slots, rng: np.random.Generator, *, most_m: float
) -> pd.DataFrame:
    """Return a hotspot's appeals with points, persons and issues: one place, one item, one month."""
    slot = calls["slot"].to_numpy()
    lon, lat = scatter(slots, slot, rng, most_m=most_m)
    own = ["hotspot", "planting"]
    person = calls.groupby([*own, "person"], sort=False).ngroup()
    issue = calls.groupby([*own, "slot", "item", calls["day"] // 30], sort=False).ngroup()
    return calls[["item", "slot", "day", *own]].assign(
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
        planting=-1,
        one_caller=calls["decoy"],
        near_boundary=False,
    )


def _move_to_boundaries(
    frame: pd.DataFrame, towns: Towns, slots: Slots, rng: np.random.Generator
) -> None:
    """Move some single appeals to within :data:`NEAR_BOUNDARY_M` of a boundary between streets."""
    alone = ~frame.duplicated("issue", keep=False).to_numpy()
    chosen = np.flatnonzero(alone & (rng.random(len(frame)) < NEAR_BOUNDARY_SHARE))
    streets = towns.geography.streets
    points, street = shapely.get_coordinates(streets.geometry.to_numpy(), return_index=True)
    lived = slots.community >= 0
    of_slot = towns.geography.communities["street_code"].to_numpy(object)[slots.community[lived]]
    residents = pd.Series(slots.weight[lived]).groupby(of_slot).sum()
    weight = streets["code"].map(residents).fillna(0).to_numpy(float) / np.bincount(street)
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
