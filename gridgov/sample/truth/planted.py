"""What is planted: hotspots of six kinds, and decoys that a careful reader must not take for hotspots."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.sample.land.slots import M_PER_DEG, SlotKind, Slots
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.seasons import N_DAYS, NO_SEASON

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BASE_APPEALS = 200_000
"""The sizes below are those of a sample of so many appeals."""
GROWTH = 0.6
"""A hotspot grows with the number of appeals to this power: few appeals must still show it."""
FEWEST = 14
APART_DEG = 0.022
"""About 2 km: between any two planted things, where the city has room."""
RADIUS_M = (110.0, 240.0)
ZONE_SHARES = (0.5, 0.3, 0.2)
"""Of hotspots in town, suburb and country."""
OTHER_ITEM_SHARE = 0.2
"""Of a hotspot's appeals that name another item of the same level 1."""
RETURNING_SHARE = 0.15
"""Of a hotspot's appeals that come from somebody who called about it before."""

HOTSPOT_ITEM_KINDS = ("complaint", "report")
"""Nobody's question or idea makes a hotspot, and nothing that goes to a desk or a platform does."""

ONE_CALLER = (3, 60)
"""Decoy: so many persons who each call so often about one place."""
DENSE_COMPOUNDS, DENSE_FACTOR, DENSE_MOST = 3, 40.0, 0.006
"""Decoy: so many compounds where so many times more people live than in the usual one, but at most so large a share."""

Curve = Callable[[int, np.random.Generator], tuple[IntArray, int, int]]
"""Number of appeals, randomness → their days, first day, last day."""


@dataclass(frozen=True, kw_only=True)
class HotspotKind:
    """How a kind of hotspot runs in time, how many there are and how many appeals each has."""

    count: int
    appeals: tuple[int, int]
    curve: Curve


def _persistent(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    return rng.integers(0, N_DAYS, n), 0, N_DAYS - 1


def _new(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    start = N_DAYS - int(rng.integers(55, 86))
    return rng.integers(start, N_DAYS, n), start, N_DAYS - 1


def _growing(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    # Density exp(3.2 t) on t in 0..1, by inversion: the last quarter has about half of all.
    t = np.log1p(rng.random(n) * np.expm1(3.2)) / 3.2
    return np.minimum((t * N_DAYS).astype(np.int64), N_DAYS - 1), 0, N_DAYS - 1


def _seasonal(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    start, length = int(rng.integers(60, 250)), int(rng.integers(55, 80))
    years = N_DAYS // 365
    day = start + rng.integers(0, length, n) + 365 * rng.integers(0, years, n)
    return np.minimum(day, N_DAYS - 1), start, min(start + 365 * (years - 1) + length, N_DAYS) - 1


def _ended(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    end = N_DAYS - int(rng.integers(200, 360))
    return rng.integers(0, end, n), 0, end - 1


def _sporadic(n: int, rng: np.random.Generator) -> tuple[IntArray, int, int]:
    bursts = np.sort(rng.choice(np.arange(N_DAYS - 720, N_DAYS - 20, 45), 6, replace=False))
    day = bursts[rng.integers(0, 6, n)] + rng.integers(0, 9, n)
    return day, int(bursts[0]), int(bursts[-1]) + 8


HOTSPOT_KINDS = {
    "persistent": HotspotKind(count=12, appeals=(80, 150), curve=_persistent),
    "new": HotspotKind(count=12, appeals=(35, 70), curve=_new),
    "growing": HotspotKind(count=7, appeals=(70, 120), curve=_growing),
    "seasonal": HotspotKind(count=7, appeals=(60, 110), curve=_seasonal),
    "ended": HotspotKind(count=7, appeals=(60, 110), curve=_ended),
    "sporadic": HotspotKind(count=6, appeals=(40, 70), curve=_sporadic),
}


def make_dense(slots: Slots, rng: np.random.Generator) -> tuple[Slots, IntArray]:
    """Return slots where a few compounds hold many more people, and which: all items rise alike there."""
    usual = np.flatnonzero(slots.home & (slots.zone < 2))
    weight = slots.weight.copy()
    own = weight[usual] / weight[usual].sum()
    chosen = rng.choice(usual, DENSE_COMPOUNDS, replace=False, p=own)
    # Drawn by weight, so already larger than the usual one by about a half.
    weight[chosen] = np.minimum(weight[chosen] * DENSE_FACTOR / 1.5, DENSE_MOST * weight.sum())
    return slots.with_weight(weight), chosen


def make_hotspots(
    slots: Slots,
    items: Items,
    n_appeals: int,
    rng: np.random.Generator,
    *,
    apart_deg: float = APART_DEG,
    share: float = 1.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the hotspots and their appeals; `share` of the usual number of each kind, `apart_deg` from each other.

    Returns
    -------
        hotspots ``kind, item, lon, lat, radius_m, community, start_day, end_day`` and appeals ``hotspot,
        slot, item, day, person`` (number within the hotspot).
    """
    kinds = [
        kind
        for kind, rule in HOTSPOT_KINDS.items()
        for _ in range(max(1, round(rule.count * share)))
    ]
    centres = _choose_centres(slots, len(kinds), apart_deg, rng)
    scale = (n_appeals / BASE_APPEALS) ** GROWTH
    rows, calls = [], []
    for i, (kind, centre) in enumerate(zip(kinds, centres, strict=True)):
        rule = HOTSPOT_KINDS[kind]
        n = max(FEWEST, round(rng.integers(*rule.appeals) * scale))
        day, start, end = rule.curve(n, rng)
        radius = float(rng.uniform(*RADIUS_M))
        item = _choose_item(items, int(slots.zone[centre]), rng)
        rows.append(
            (
                kind,
                item,
                slots.lon[centre],
                slots.lat[centre],
                radius,
                slots.community[centre],
                start,
                end,
            )
        )
        slot = _choose_near(slots, centre, radius, n=n, rng=rng)
        calls.append(_make_calls(i, slot, _vary_items(items, item, n, rng), np.sort(day), rng))
    columns = ["kind", "item", "lon", "lat", "radius_m", "community", "start_day", "end_day"]
    return pd.DataFrame(rows, columns=columns), pd.concat(calls, ignore_index=True)


def make_one_callers(
    slots: Slots, items: Items, n_appeals: int, rng: np.random.Generator, *, share: float = 1.0
) -> pd.DataFrame:
    """Return the calls of persons who call again and again about one thing: ``decoy, slot, item, day``.

    `share` is that of the usual number of such persons; there is always one.
    """
    persons, usual = ONE_CALLER
    persons = max(1, round(persons * share))
    n = max(30, round(usual * min(1.0, (n_appeals / BASE_APPEALS) ** GROWTH)))
    homes = np.flatnonzero((slots.kind == SlotKind.PLACE) & (slots.zone < 2))
    frames = []
    for i in range(persons):
        slot = int(rng.choice(homes))
        start = int(rng.integers(30, N_DAYS - 260))
        item = _choose_item(items, int(slots.zone[slot]), rng)
        day = np.sort(rng.integers(start, start + 230, n))
        frames.append(pd.DataFrame({"decoy": i, "slot": slot, "item": item, "day": day}))
    return pd.concat(frames, ignore_index=True)


def _choose_centres(slots: Slots, n: int, apart_deg: float, rng: np.random.Generator) -> IntArray:
    """Return places in communities at least so far from each other, in areas of every kind that is there."""
    lived = (slots.kind == SlotKind.PLACE) & (slots.weight > 0)
    by_zone = [np.flatnonzero(lived & (slots.zone == z)) for z in range(3)]
    shares = np.array(ZONE_SHARES) * [len(own) > 0 for own in by_zone]
    zones = np.repeat(np.arange(3), np.rint(shares / shares.sum() * n).astype(int))
    zones = rng.permutation(np.resize(zones, n))
    chosen: list[int] = []
    while len(chosen) < n:
        k = int(rng.choice(by_zone[zones[len(chosen)]]))
        apart = np.hypot(slots.lon[chosen] - slots.lon[k], slots.lat[chosen] - slots.lat[k])
        enough = len(_find_near(slots, k, RADIUS_M[0])) >= 6
        if enough and (apart > apart_deg).all():
            chosen.append(k)
    return np.array(chosen)


def _find_near(slots: Slots, centre: int, radius_m: float) -> IntArray:
    dy = (slots.lat - slots.lat[centre]) * M_PER_DEG
    close = np.flatnonzero(np.abs(dy) < radius_m)
    dx = (slots.lon[close] - slots.lon[centre]) * M_PER_DEG * np.cos(np.radians(slots.lat[centre]))
    near = close[np.hypot(dx, dy[close]) < radius_m]
    out: IntArray = near[slots.community[near] >= 0]
    return out


def _choose_near(
    slots: Slots, centre: int, radius_m: float, *, n: int, rng: np.random.Generator
) -> IntArray:
    """Return `n` slots inside the circle: half of them the middle's own compound or place."""
    near = _find_near(slots, centre, radius_m - 20.0)
    weight = np.where(slots.kind[near] == SlotKind.PLACE, 6.0, 1.0)
    drawn = rng.choice(near, n, p=weight / weight.sum())
    return np.where(rng.random(n) < 0.4, centre, drawn)


def _choose_item(items: Items, zone: int, rng: np.random.Generator) -> int:
    """Return an item that people of such an area do call about, all year round."""
    words = items.frame
    fit = (
        (words["season"] == NO_SEASON)
        & words["kind"].isin(HOTSPOT_ITEM_KINDS)
        & (words["route"] == "")
    )
    share = items.mix[zone] * fit.to_numpy()
    usual = share > np.quantile(share[share > 0], 0.5)
    return int(rng.choice(np.flatnonzero(usual)))


def _vary_items(items: Items, item: int, n: int, rng: np.random.Generator) -> IntArray:
    level1 = items.frame["level1_code"].to_numpy()
    siblings = np.flatnonzero(level1 == level1[item])
    return np.where(rng.random(n) < OTHER_ITEM_SHARE, rng.choice(siblings, n), item)


def _make_calls(
    hotspot: int, slot: IntArray, item: IntArray, day: IntArray, rng: np.random.Generator
) -> pd.DataFrame:
    """Return appeals in order of time; some repeat an earlier caller, with his place and item."""
    n = len(day)
    source = np.arange(n)
    again = (rng.random(n) < RETURNING_SHARE) & (source > 0)
    earlier = (rng.random(n) * source).astype(np.int64)
    for k in np.flatnonzero(again):  # some dozens; each may repeat a repeat
        source[k] = source[earlier[k]]
    return pd.DataFrame(
        {
            "hotspot": hotspot,
            "slot": slot[source],
            "item": item[source],
            "day": day,
            "person": source,
        }
    )
