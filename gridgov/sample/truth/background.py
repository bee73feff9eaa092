"""The ordinary appeals of the city as rates (place × item × day): what is drawn from, and planted against."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.sample.land.named_places import Towns
from gridgov.sample.land.slots import Slots
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.seasons import N_DAYS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STRUCTURE = ("old", "business", "village")
"""What a street is made of: share of old compounds, of business, of villages; each 0 to 1."""
LEANINGS = {
    "old": ("1001", "1003", "1004", "1103", "1107", "1304", "1404", "1405", "2301", "2402"),
    "business": ("1206", "1302", "1602", "1801", "1802", "1803", "2201", "2702", "2703", "1404"),
    "village": ("1301", "1305", "1407", "1604", "2303", "2601", "2603", "2604", "1201"),
}
"""Level-2 items that people call about more often where there is more of it (assumed)."""
LEANING = 1.1
"""Log of how much more often, from none to all of it."""
STREET_ITEM_SD, STREET_RATE_SD, SLOT_SD = 0.12, 0.15, 0.25
"""Spread (sd of the log) of a street's level-2 items, of its calls per resident, and of each place's."""
DAY_VARIANCE, CITY_DAY_VARIANCE = 0.05, 0.001
"""Variance of a street's day about its mean and of the city's: var = mean + 0.05 mean² (negative binomial)."""
TREND, TREND_SD = 0.05, 0.04
"""Growth a year of the city, and how streets differ in it."""
GROWING_ITEMS, GROWING_RATE = 3, 0.55
"""Level-2 items that grow everywhere, and the log of their growth a year."""
TOPICS, TOPIC_FACTOR = 6, 2.5
"""Level-2 items that are frequent in all streets and hard, and how much more frequent."""
PROBLEM_KINDS = ("complaint", "report")
YEAR_DAYS = 365.25


@dataclass(frozen=True, kw_only=True)
class Background:
    """Expected ordinary appeals.

    Parameters
    ----------
    n
        All of them.
    slots
        Places; their weights are shares of `n`.
    street
        Position of each slot's street, -1 outside the city, int64 (slots,).
    mix
        Shares of the items in each street, float64 (streets, items).
    season
        Position of each item's curve in `curves`, int64 (items,).
    curves
        Weight of each day, float64 (curves, days).
    trend, shock
        Factors of each street and day, smooth and random, float64 (streets, days).
    level2
        Level-2 code of each item.
    structure
        Columns :data:`STRUCTURE` and ``rate`` (calls per resident against the city's), one row per street.
    growing, topics
        Level-2 codes of what grows everywhere, and of what is frequent, wide and hard.
    """

    n: int
    slots: Slots
    street: IntArray
    mix: FloatArray
    season: IntArray
    curves: FloatArray
    trend: FloatArray
    shock: FloatArray
    level2: npt.NDArray[np.object_]
    structure: pd.DataFrame
    growing: tuple[str, ...]
    topics: tuple[str, ...]

    def expect(self, slots: IntArray, items: IntArray, start: int, end: int) -> float:
        """Return the expected number of appeals at `slots` about `items` from day `start` to day `end` (included)."""
        street = self.street[slots]
        total = 0.0
        for s in np.unique(street[street >= 0]):
            weight = self.slots.weight[slots[street == s]].sum()
            daily = self.curves * self.trend[s]
            share = daily[:, start : end + 1].sum(axis=1) / daily.sum(axis=1)
            total += weight * float((self.mix[s, items] * share[self.season[items]]).sum())
        return self.n * total


def make_background(
    n: int,
    slots: Slots,
    towns: Towns,
    items: Items,
    *,
    days: dict[str, FloatArray],
    least_rate: float = 0.0,
    rng: np.random.Generator,
) -> Background:
    """Return the rates of `n` appeals: where people live, what kind of street it is, season, trend and chance.

    No street calls less than `least_rate` times the city's rate per resident.
    """
    street, structure = _make_streets(slots, towns, rng)
    structure["rate"] = structure["rate"].clip(lower=least_rate)
    level2 = np.array([code[:4] for code in items.frame["item_code"]], dtype=object)
    growing, topics = _choose_items(items, level2, rng)
    mix = _make_mix(items, level2, structure, towns, rng)
    mix *= np.where(np.isin(level2, topics), TOPIC_FACTOR, 1.0)
    mix /= mix.sum(axis=1, keepdims=True)
    names = list(days)
    t = np.arange(N_DAYS) / YEAR_DAYS
    grown = np.stack([days[name] for name in names]) * np.exp(GROWING_RATE * t)
    curves = np.vstack([np.stack([days[name] for name in names]), grown])
    season = np.array([names.index(name) for name in items.frame["season"]])
    season += np.where(np.isin(level2, growing), len(names), 0)
    growth = rng.normal(TREND, TREND_SD, len(structure))
    city = rng.gamma(1 / CITY_DAY_VARIANCE, CITY_DAY_VARIANCE, N_DAYS)
    own = rng.gamma(1 / DAY_VARIANCE, DAY_VARIANCE, (len(structure), N_DAYS))
    weight = slots.weight * rng.lognormal(0, SLOT_SD, len(slots.weight))
    weight *= np.where(street >= 0, structure["rate"].to_numpy()[street], 0.0)
    return Background(
        n=n,
        slots=slots.with_weight(weight),
        street=street,
        mix=mix,
        season=season,
        curves=curves / curves.mean(axis=1, keepdims=True),
        trend=np.exp(growth[:, None] * t),
        shock=own * city,
        level2=level2,
        structure=structure,
        growing=growing,
        topics=topics,
    )


def draw_items(background: Background, street: IntArray, rng: np.random.Generator) -> IntArray:
    """Return an item for each street given, int64 (n,)."""
    total = np.cumsum(background.mix, axis=1)
    return _draw_by_group(street, lambda s: total[s], rng)


def draw_days(
    background: Background, street: IntArray, item: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return a day for each street and item given, int64 (n,)."""
    curves = len(background.curves)
    daily = background.trend * background.shock
    return _draw_by_group(
        street * curves + background.season[item],
        lambda k: np.cumsum(background.curves[k % curves] * daily[k // curves]),
        rng,
    )


def _draw_by_group(
    group: IntArray, total: Callable[[int], FloatArray], rng: np.random.Generator
) -> IntArray:
    order = np.argsort(group, kind="stable")
    codes, first = np.unique(group[order], return_index=True)
    chance = rng.random(len(group))
    out = np.empty(len(group), np.int64)
    for code, rows in zip(codes, np.split(order, first[1:]), strict=True):
        weights = total(int(code))
        found = np.searchsorted(weights, chance[rows] * weights[-1], side="right")
        out[rows] = np.minimum(found, len(weights) - 1)
    return out


def _make_streets(
    slots: Slots, towns: Towns, rng: np.random.Generator
) -> tuple[IntArray, pd.DataFrame]:
    """Return the street of each slot, and what each street is made of."""
    land = towns.geography
    codes = land.streets["code"]
    of_community = pd.Index(codes).get_indexer(land.communities["street_code"])
    street = np.where(slots.community >= 0, of_community[slots.community], -1)
    residents = land.communities["residents"].to_numpy(float)
    villagers = residents * (land.communities["zone"] == 2).to_numpy()
    village = np.bincount(of_community, villagers) / np.bincount(of_community, residents)
    town = (land.streets["zone"] == 0).to_numpy()
    old = rng.beta(2, np.where(town, 2.0, 4.0)) * (1 - village)
    business = rng.beta(1.5, np.where(town, 3.0, 6.0)) * (1 - village)
    rate = rng.lognormal(0, STREET_RATE_SD, len(codes)) * np.exp(0.3 * (old - old.mean()))
    structure = pd.DataFrame(
        {"old": old, "business": business, "village": village, "rate": rate}, index=codes.to_numpy()
    )
    return street.astype(np.int64), structure


def _make_mix(
    items: Items,
    level2: npt.NDArray[np.object_],
    structure: pd.DataFrame,
    towns: Towns,
    rng: np.random.Generator,
) -> FloatArray:
    zone = towns.geography.streets["zone"].to_numpy()
    lean = np.zeros((len(structure), len(level2)))
    for name in STRUCTURE:
        own = structure[name].to_numpy()
        lean += LEANING * (own - own.mean())[:, None] * np.isin(level2, LEANINGS[name])
    codes, which = np.unique(level2.astype(str), return_inverse=True)
    lean += rng.normal(0, STREET_ITEM_SD, (len(structure), len(codes)))[:, which]
    mix: FloatArray = items.mix[zone] * np.exp(lean)
    return mix


def _choose_items(
    items: Items, level2: npt.NDArray[np.object_], rng: np.random.Generator
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return level-2 codes that grow, and those of topics: usual problems with somebody who leads."""
    words = items.frame
    fit = words["kind"].isin(PROBLEM_KINDS) & (words["route"] == "") & (words["lead"] != "")
    share = pd.Series(items.mix.mean(axis=0) * fit.to_numpy()).groupby(level2).sum()
    usual = sorted(share[(share > share.quantile(0.4)) & (share > 0)].index)
    drawn = rng.choice(np.array(usual, dtype=object), GROWING_ITEMS + TOPICS, replace=False)
    return tuple(sorted(drawn[:GROWING_ITEMS])), tuple(sorted(drawn[GROWING_ITEMS:]))
