"""What would be expected at a place if it were as its surroundings: where people live is not a hotspot.

Two questions, one chain of areas (community → street → district → city), each drawn towards the one above by the mean
of a Gamma-Poisson, ``(n + a) / (x + a / rate above)`` (Clayton & Kaldor 1987, "Empirical Bayes estimates of
age-standardized relative risks", Biometrics 43).

**How much of everything is to be expected here** (:class:`Surroundings`): the rate per unit of exposure around the
place, the place itself left out, times its exposure. Exposure are residents, else addresses, else cells that hold
appeals at all. Compounds differ; how much is not assumed but read off: the deviation of a lognormal is the smallest
with which no more of all places lie in its upper tail than should (:func:`estimate_spread`).

**How much of one item** (:class:`Background`): the item's share in the street times how much of everything is to be
expected, corrected by how much of *everything else* was counted::

    mean = share · m · (a + n) / (a + (1 - share) · m)

with m expected of everything and n other persons counted. A dense compound has more of everything, so its expectation
grows with it; a season or a storm raises the share in the whole district, so it cancels. Where one item is nearly all
that people call about, n says nothing and m stands alone. Shares also differ from place to place without being a
hotspot; their variance is estimated per item from blocks and widens the distribution.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special

from planner.hotspots.cube import BLOCK_M, Cube
from planner.hotspots.kernels import NODES, WEIGHTS, find_expected, find_mixed_tails

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
TailFinder = Callable[[Ints, Ints, Array, Array, float], Array]

AREA_WEIGHT = 50.0
"""Orders of an item that an area must have to weigh as much as the area above in its share. Assumed."""

LADDER = ("district_code", "street_code")
"""Areas from wide to narrow; the share of each is drawn towards that of the one above (the first: the city)."""

OTHERS_TELL = 4.0
"""Other persons from which what was counted weighs more than what the surroundings let expect. Assumed."""

LEAST_ALIKE = 0.5
"""The `a` of a place where much else was counted: neighbours are then hardly asked. Assumed."""

VARIATION_LIMITS = (0.01, 4.0)
"""Between them the squared coefficient of variation of areas; below, 40 persons would weigh nothing. Assumed."""

LEAST_EVEN = 0.05
"""Share of the rates that each cell alike has at least. Assumed."""

LIVED_SHARE = 0.02
"""Share of what is expected that known residents must explain where people are known to live. Assumed."""

RATE_ROUNDS, CUT_DEVIATIONS = 50, 3.0
"""Rounds in which the rates of exposures are found, and where counts are cut, in deviations. Assumed."""

TAIL_LEVELS, CLEAN_LEVELS = (0.2, 0.1, 0.05, 0.025), (0.2, 0.1, 0.05, 0.025, 0.01)
"""Shares of the upper tail that the spread of places must account for; the second once hotspots are left out."""

SPREAD_SAMPLE = 3000
SPREAD_CLASS = 600
FEWEST_EXPECTED = 0.5
"""Places that are asked for the spread, at most; in a class at least; where so much is expected."""

HIGHEST_LEVEL = 3.0
DEVIATIONS = (
    0.0,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.35,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    1.0,
    1.2,
    1.4,
    1.6,
    1.8,
)
"""Deviations of the logarithm that are tried."""

TAIL_LEFT_OUT = 1e-3
"""Blocks in this upper tail are taken as hotspots and do not widen the distribution of the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Areas:
    """Positions of the areas of the cells: their community, of communities the street, of streets the district."""

    community: Ints
    street_of: Ints
    district_of: Ints

    @property
    def street(self) -> Ints:
        """Return the street of each cell."""
        return self.street_of[self.community]

    @property
    def district(self) -> Ints:
        """Return the district of each cell."""
        return self.district_of[self.street]


def label_areas(cells: pd.DataFrame) -> Areas:
    """Return the areas of cells; a cell outside every community stands for the rest of its street."""
    district, street, community = (fill_codes(cells[name]) for name in (*LADDER, "community_code"))
    codes, _ = pd.factorize(street + "/" + community)
    streets, _ = pd.factorize(street)
    districts, _ = pd.factorize(district)
    first = np.unique(codes, return_index=True)[1]
    first_street = np.unique(streets, return_index=True)[1]
    return Areas(
        community=codes.astype(np.int64),
        street_of=streets[first].astype(np.int64),
        district_of=districts[first_street].astype(np.int64),
    )


def fill_codes(codes: pd.Series) -> pd.Series:
    """Return codes as text, "" where missing."""
    known = codes.astype("object")
    return known.where(known.notna(), "").astype("str")


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """What cells let expect, and what they might besides.

    Parameters
    ----------
    value
        Mean 1, shape (cells,).
    homes
        The part of it that is due to residents known there.
    unlisted
        What is to be added if all residents of the community of whom nobody knows where they live lived in one place
        around the cell.
    """

    value: Array
    homes: Array
    unlisted: Array

    def find_lived(self, near: "sparse.csr_array") -> NDArray[np.bool_]:
        """Return around which cells residents are known; all where none are known at all."""
        if not self.homes.any():
            return np.ones(len(self.value), dtype=bool)
        return np.asarray(near @ self.homes > LIVED_SHARE * (near @ self.value))


def make_exposure(
    cells: pd.DataFrame, counted: Array, *, near: "sparse.csr_array | None" = None
) -> Exposure:
    """Return what each cell lets expect of everything.

    People call about where they live, about the doors and shops of their community, about its roads and about where
    they merely pass: exposure is the mixture of what is known of these under which the persons counted are likeliest
    (:func:`fit_rates`). A cell is there because it holds an order, so that what it lets expect is that of a Poisson
    count which is not 0, ``μ / (1 - exp(-μ))``. Where nothing explains anything all are alike.

    Parameters
    ----------
    cells
        Optional columns :data:`~planner.hotspots.cell_places.EXPOSURE_COLUMNS`.
    counted
        Persons of each cell.
    near
        Which cells lie near which: persons and exposure are compared over neighbourhoods, because a compound is wider
        than a cell; None: cell by cell.
    """
    known = list_exposures(cells)
    rates = fit_rates(counted, known, near=near)
    mean = np.maximum(known @ rates, 1e-9)
    value = _make_mean_one(_fill_listed(mean))
    homes, unlisted = np.zeros(len(cells)), np.zeros(len(cells))
    if np.ptp(_read_exposure(cells, "residents")) > 0:
        homes = value * _read_exposure(cells, "residents") * rates[0] / mean
        if "unlisted_residents" in cells.columns:
            residents, beside = (
                pd.to_numeric(cells[name]).fillna(0.0).to_numpy(np.float64)
                for name in ("residents", "unlisted_residents")
            )
            unlisted = beside * homes.sum() / residents.sum()
    return Exposure(value=value, homes=homes, unlisted=unlisted)


def _fill_listed(mean: Array) -> Array:
    """Return the means of Poisson counts that are known not to be 0."""
    least = np.maximum(mean, 1e-6)
    return np.asarray(least / -np.expm1(-least))


def list_exposures(cells: pd.DataFrame) -> Array:
    """Return all that cells may be measured by, each with mean 1, shape (cells, k); the last: each cell alike.

    Residents; addresses; named places; the residents of the community shared by its cells, by its addresses and by its
    named places.
    """
    found = [_read_exposure(cells, name) for name in ("residents", "addresses", "named_places")]
    if "community_residents" in cells.columns:
        residents = _read_exposure(cells, "community_residents")
        codes = label_areas(cells).community
        for one in (np.ones(len(cells)), *found[1:3]):
            if np.ptp(residents) > 0 or np.ptp(one) > 0:
                whole = np.bincount(codes, weights=one)[codes]
                found.append(_make_mean_one(residents * one / np.maximum(whole, 1e-9)))
    differing = [one for one in found if np.ptp(one) > 0]
    return np.stack([*differing, np.ones(len(cells))], axis=1)


def _read_exposure(cells: pd.DataFrame, name: str) -> Array:
    """Return one column with mean 1, all 1 where it is absent."""
    if name not in cells.columns:
        return np.ones(len(cells))
    return _make_mean_one(pd.to_numeric(cells[name]).to_numpy(np.float64))


def fit_rates(counted: Array, exposures: Array, *, near: "sparse.csr_array | None" = None) -> Array:
    """Return the rates of several exposures under which the counts are likeliest, none negative.

    The scaling of a Poisson sum's rates, ``θ ← θ · Σ x y/μ / Σ x`` (Dempster, Laird & Rubin 1977, 4.1), for counts that
    are not 0. Counts far above what is expected are cut, so that hotspots do not tell what is usual.

    Parameters
    ----------
    counted
        Persons of each cell, shape (n,).
    exposures
        Shape (n, k); the last gets at least :data:`LEAST_EVEN` of all.
    near
        As in :func:`make_exposure`.
    """
    k = exposures.shape[1]
    total = float(counted.sum())
    if k == 1 or total <= 0:
        return np.append(np.zeros(k - 1), 1.0)
    around = counted if near is None else near @ counted
    rates = np.full(k, total / len(counted) / k / 2.0)
    for _ in range(RATE_ROUNDS):
        mean = np.maximum(exposures @ rates, 1e-6)
        listed = exposures * (_fill_listed(mean) / mean)[:, None]
        nearby = listed if near is None else np.asarray(near @ listed)
        mean = np.maximum(nearby @ rates, 1e-9)
        usual = np.minimum(around, mean + CUT_DEVIATIONS * np.sqrt(mean + (mean / 2) ** 2))
        rates = rates * ((usual / mean) @ nearby) / np.maximum(nearby.sum(axis=0), 1e-9)
        rates[-1] = max(rates[-1], LEAST_EVEN * rates.sum())
    return np.asarray(rates)


def _make_mean_one(values: Array) -> Array:
    """Return values over their mean; 1 where unknown, and everywhere if the mean is 0 or nothing is known."""
    known = np.isfinite(values) & (values >= 0)
    mean = values[known].mean() if known.any() else 0.0
    return np.where(known, values / mean, 1.0) if mean > 0 else np.ones(len(values))


@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """How much of everything groups of cells let expect, from the rates around them.

    Parameters
    ----------
    areas
        Of the cells.
    exposure
        Of each cell, shape (cells,).
    quiet, quiet_exposure
        Persons of each cell and its exposure where it counts into the rates of its areas.
    above
        Rate of the district of each street.
    alike
        How alike communities of a street, and streets of a district are: the `a` of the Gamma.
    """

    areas: Areas
    exposure: Array
    quiet: Array
    quiet_exposure: Array
    above: Array
    alike: Array

    def expect(self, groups: "sparse.csr_array") -> tuple[Array, Array]:
        """Return expected persons of groups of cells and what is not known about them (variance / mean²)."""
        return find_expected(
            groups.indptr.astype(np.int64),
            groups.indices.astype(np.int64),
            self.exposure,
            self.quiet,
            self.quiet_exposure,
            self.areas.community,
            self.areas.street_of,
            self.above,
            self.alike,
        )


def make_surroundings(
    areas: Areas, exposure: Array, quiet: Array, *, left_out: NDArray[np.bool_] | None = None
) -> Surroundings:
    """Return the rates around every place.

    Parameters
    ----------
    areas, exposure
        Of the cells.
    quiet
        Persons of each cell.
    left_out
        Cells of places already found, which do not count into any rate.
    """
    inside = np.ones(len(quiet)) if left_out is None else (~left_out).astype(np.float64)
    counted, exposed = quiet * inside, exposure * inside
    streets, districts = len(areas.district_of), int(areas.district_of.max(initial=-1)) + 1
    n_street = _sum_areas(areas.street, counted, streets)
    x_street = _sum_areas(areas.street, exposed, streets)
    n_district = _sum_areas(areas.district_of, n_street, districts)
    x_district = _sum_areas(areas.district_of, x_street, districts)
    city = max(counted.sum(), 0.5) / max(exposed.sum(), 1e-9)
    district = _draw(n_district, x_district, city, variation=0.1)
    of_street = _find_variation(n_street, x_street * district[areas.district_of])
    street = _draw(n_street, x_street, district[areas.district_of], variation=of_street)
    n_community = _sum_areas(areas.community, counted, len(areas.street_of))
    x_community = _sum_areas(areas.community, exposed, len(areas.street_of))
    of_community = _find_variation(n_community, x_community * street[areas.street_of])
    return Surroundings(
        areas=areas,
        exposure=exposure,
        quiet=counted,
        quiet_exposure=exposed,
        above=district[areas.district_of],
        alike=np.array([1.0 / of_community, 1.0 / of_street]),
    )


def _sum_areas(area: Ints, values: Array, areas: int) -> Array:
    """Return the sum of the values of each area."""
    return np.bincount(area, values, areas).astype(np.float64)


def _draw(counted: Array, exposed: Array, above: Array | float, *, variation: float) -> Array:
    """Return rates drawn towards those above."""
    return np.asarray((counted + 1.0 / variation) / (exposed + 1.0 / variation / above))


def _find_variation(counted: Array, expected: Array) -> float:
    """Return the squared coefficient of variation between areas beyond chance, by moments."""
    square = float((expected**2).sum())
    if square <= 0:
        return VARIATION_LIMITS[1]
    excess = float(((counted - expected) ** 2 - expected).sum())
    return float(np.clip(excess / square, *VARIATION_LIMITS))


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """How places differ from what their surroundings let expect, in classes by what is expected.

    ``limits`` between the classes; of each ``level``, the factor by which it has more than its surroundings (a place
    that is looked at holds appeals, its surroundings need not), and ``variation``, the squared coefficient of
    variation of a lognormal.
    """

    limits: Array
    level: Array
    variation: Array

    def apply(self, expected: Array, doubt: Array) -> tuple[Array, Array]:
        """Return expected persons and their variation, given what the surroundings say of both."""
        one = np.searchsorted(self.limits, expected)
        return expected * self.level[one], doubt + self.variation[one]


def estimate_spread(
    counted: Array,
    expected: Array,
    doubt: Array,
    *,
    tails: tuple[float, ...] = TAIL_LEVELS,
) -> Spread:
    """Return the smallest spread with which no more places lie in the upper tails than should.

    Quantiles of the body and the shoulder, not moments: a few true hotspots do not move them, and the spread found
    there is carried on into the tail by the lognormal.

    Parameters
    ----------
    counted, expected, doubt
        Persons of places, what was expected, and its uncertainty, shape (k,).
    tails
        See :func:`find_spread`.
    """
    usable = np.flatnonzero(expected >= FEWEST_EXPECTED)
    # every k-th in the order of the cells, which is the same for the same input
    sample = usable[:: max(len(usable) // SPREAD_SAMPLE, 1)]
    classes = int(np.clip(len(sample) // SPREAD_CLASS, 1, 3))
    limits = np.zeros(0)
    if classes > 1:
        limits = np.quantile(expected[sample], np.arange(1, classes) / classes)
    number = np.searchsorted(limits, expected[sample])
    level, variation = np.ones(classes), np.zeros(classes)
    for one in range(classes):
        own = sample[number == one]
        ratio = counted[own].sum() / max(expected[own].sum(), 1e-9)
        level[one] = float(np.clip(ratio, 1.0, HIGHEST_LEVEL))
        variation[one] = find_spread(
            counted[own], expected[own] * level[one], doubt[own], tails=tails
        )
    return Spread(limits=limits, level=level, variation=variation)


def widen_by_spread(
    counted: Array,
    expected: Array,
    doubt: Array,
    *,
    lived: NDArray[np.bool_],
    told: NDArray[np.bool_] | None = None,
    tails: tuple[float, ...] = TAIL_LEVELS,
) -> tuple[Array, Array]:
    """Return expected persons and their variation with how places differ: those where people are known to live apart.

    Where nobody is known to live there may be a compound that no list holds: such places differ more from what is
    expected of them, and must not make the others seem to.

    Parameters
    ----------
    counted, expected, doubt
        As in :func:`estimate_spread`, of all places.
    lived
        Where residents are known, shape (k,); all True where nothing is known of residents.
    told
        Places that tell the spread; None: all.
    tails
        See :func:`find_spread`.
    """
    usable = np.ones(len(counted), dtype=bool) if told is None else told
    mean, variation = expected.copy(), doubt.copy()
    for group in (lived, ~lived):
        own = group & usable
        if (expected[own] >= FEWEST_EXPECTED).sum() < SPREAD_CLASS:
            own = usable
        if group.any():
            spread = estimate_spread(counted[own], expected[own], doubt[own], tails=tails)
            mean[group], variation[group] = spread.apply(expected[group], doubt[group])
    return mean, variation


def find_spread(
    counted: Array,
    expected: Array,
    doubt: Array,
    *,
    tails: tuple[float, ...] = TAIL_LEVELS,
    find_tails: TailFinder | None = None,
) -> float:
    """Return the spread of one class: the smallest deviation of the lognormal that keeps the upper tails.

    Where none does, the one that misses least; e - 1 (a deviation of 1) where there are too few places to tell.

    Parameters
    ----------
    counted, expected, doubt
        Persons of places, what was expected, and its uncertainty, shape (k,).
    tails
        Shares of the upper tail that the spread must account for.
    find_tails
        P(persons >= those counted, at least 1) for positions of places, counts, means and variations; where it is more
        than the last argument, 1. None: each issue brings one person.
    """
    levels = np.array([level for level in tails if level * len(counted) >= 2])
    if not len(levels):
        return float(np.expm1(1.0))
    whole = np.maximum(np.round(counted), 1).astype(np.int64)
    find = find_tails or _find_single_tails
    none_counted, largest = counted <= 0, float(levels.max())
    misses: dict[int, float] = {}

    def misses_at(number: int) -> float:
        """Return how many more lie in the tails than should, in the worst of them."""
        if number not in misses:
            widened = doubt + np.expm1(DEVIATIONS[number] ** 2)
            every = np.arange(len(whole))
            # counts are whole: of those exactly at the tail's edge the part that belongs to it
            beyond = find(every, whole + ~none_counted, expected, widened, largest)
            near = np.flatnonzero(beyond < largest)
            at = np.ones(len(near))
            some = ~none_counted[near]
            own = near[some]
            at[some] = find(own, whole[own], expected[own], widened[own], 1.0)
            inside = (levels - beyond[near, None]) / np.maximum(at - beyond[near], 1e-12)[:, None]
            inside_all = np.clip(inside, 0.0, 1.0).sum(axis=0) / len(whole)
            misses[number] = float((inside_all / levels).max())
        return misses[number]

    if misses_at(0) <= 1.0:
        return 0.0
    low, high = 0, len(DEVIATIONS) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if misses_at(middle) <= 1.0 else (middle, high)
    best = high if misses_at(high) <= 1.0 else min(misses, key=lambda one: (misses[one], one))
    return float(np.expm1(DEVIATIONS[best] ** 2))


def _find_single_tails(
    at: Ints, counted: Ints, expected: Array, variation: Array, limit: float
) -> Array:
    """Return P(persons >= those counted) where each issue brings one person."""
    nobody, none = np.full(len(at), -1), np.zeros((1, 1, 1))
    most = np.full(len(at), limit)
    return np.asarray(
        find_mixed_tails(counted, expected, variation, nobody, none, NODES, WEIGHTS, most)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """The expectation for one window. What is counted are persons.

    Parameters
    ----------
    counted
        Persons of all items over the whole history per cell and item, shape (cells, items).
    share
        Persons of the item in the window per person of any item in the whole history, shape (cells, items).
    spread
        Variance of the shares between places over their square, per item, shape (items,).
    """

    counted: Array
    share: Array
    spread: Array

    @cached_property
    def everything(self) -> Array:
        """Return persons of all items per cell."""
        return np.asarray(self.counted.sum(axis=1))

    @cached_property
    def weighted(self) -> Array:
        """Return persons × share, shape (items, cells)."""
        return np.ascontiguousarray((self.everything[:, None] * self.share).T)

    @cached_property
    def usual(self) -> Array:
        """Return the share of each item in the city, shape (items,)."""
        total = self.counted.sum()
        return np.asarray(self.counted.sum(axis=0) / (total if total > 0 else 1.0))

    def make_distribution(
        self,
        item: int,
        *,
        others: Array,
        share: Array,
        expected: Array,
        variation: Array,
    ) -> tuple[Array, Array]:
        """Return mean and squared coefficient of variation of the persons of one item at some places.

        Parameters
        ----------
        item
            Position of the item.
        others
            Persons of other items counted there in the whole history, shape (k,).
        share
            The item's share around (of the window in the whole history), shape (k,).
        expected, variation
            Persons of any item that the surroundings let expect, and how far places differ from it.
        """
        other_share = np.clip(1.0 - self.usual[item], 0.0, 1.0) * expected
        alike = 1.0 / np.maximum(variation, 1e-3)
        alike = LEAST_ALIKE + np.maximum(alike - LEAST_ALIKE, 0.0) / (
            1.0 + other_share / OTHERS_TELL
        )
        mean = share * expected * (alike + others) / (alike + other_share)
        return mean, 1.0 / (alike + others) + self.spread[item]


def make_background(
    cube: Cube, quiet: Ints, *, own_share: NDArray[np.bool_] | None = None
) -> Background:
    """Return the background of the whole history.

    Parameters
    ----------
    cube
        The counts.
    quiet
        Entries of the cube, each person once, without those of hotspots already found: these do not count into the
        background of anything.
    own_share
        True where a street's own share of an item is known to be another than its surroundings', so that it is not
        drawn towards them, shape (cells, items).
    """
    counted = np.asarray(cube.make_counts(quiet).todense(), dtype=np.float64)
    every = counted.sum(axis=1, keepdims=True)
    total = max(float(every.sum()), 1e-9)
    share = (counted.sum(axis=0) / total)[None, :]
    for name in LADDER:
        codes, areas = pd.factorize(fill_codes(cube.cells[name]))
        above = share[np.unique(codes, return_index=True)[1]] if len(share) > 1 else share
        of_area, in_area = (_sum_groups(values, codes, len(areas)) for values in (counted, every))
        share = _draw_shares(of_area, in_area, above)[codes]
        if own_share is not None and name == LADDER[-1]:
            own = (of_area / np.maximum(in_area, 1.0))[codes]
            share = np.where(own_share, own, share)
    whole = Background(counted=counted, share=share, spread=np.zeros(len(cube.items)))
    return replace(whole, spread=_estimate_spread(cube.cells, whole))


def make_window_background(whole: Background, cube: Cube, quiet: tuple[Ints, Ints]) -> Background:
    """Return the background of a window: that of the whole history, by how the district's share moved.

    Parameters
    ----------
    whole
        Background of the whole history.
    cube
        The counts.
    quiet
        Entries as in :func:`make_background`, of the window and of the whole history.
    """
    codes, areas = pd.factorize(fill_codes(cube.cells[LADDER[0]]))
    every = _sum_groups(whole.everything[:, None], codes, len(areas))
    total = max(float(every.sum()), 1e-9)
    inside, ever = (
        _draw_shares(counted, every, (counted.sum(axis=0) / total)[None, :])
        for counted in (_count_areas(cube, entries, codes, len(areas)) for entries in quiet)
    )
    season = np.divide(inside, ever, out=np.zeros_like(inside), where=ever > 0)
    return replace(whole, share=whole.share * season[codes])


def make_profile(cube: Cube, entries: Ints) -> tuple[Ints, Array]:
    """Return each cell's district and the share of each month in what the district counts of an item.

    Returns
    -------
    tuple
        Positions of districts, shape (cells,); shares, shape (months, districts, items + 1), the last of any item,
        sum 1 over the months. A district with few entries is drawn towards the city.
    """
    codes, areas = pd.factorize(fill_codes(cube.cells[LADDER[0]]))
    months = np.array(
        [
            _count_areas(cube, entries[cube.period[entries] == month], codes, len(areas))
            for month in range(cube.n_periods)
        ]
    )
    months = np.concatenate([months, months.sum(axis=2, keepdims=True)], axis=2)
    city = months.sum(axis=1, keepdims=True)
    city = (city + 0.5) / (city + 0.5).sum(axis=0)
    share = (months + AREA_WEIGHT * city) / (months.sum(axis=0) + AREA_WEIGHT)
    return codes.astype(np.int64), np.asarray(share)


def _count_areas(cube: Cube, entries: Ints, codes: NDArray[np.intp], areas: int) -> Array:
    """Return entries per area and item, shape (areas, items)."""
    width = len(cube.items)
    flat = codes[cube.cell[entries]] * width + cube.item[entries]
    return np.bincount(flat, minlength=areas * width).reshape(areas, width).astype(np.float64)


def _draw_shares(counted: Array, every: Array, above: Array) -> Array:
    """Return the shares of areas, drawn towards those above them, the more the fewer persons there are.

    ``(x + w) / (n + w / share above)``, the mean of a Gamma-Poisson with `w` = :data:`AREA_WEIGHT`.
    """
    pseudo = AREA_WEIGHT / np.maximum(above, 1e-12)
    return np.asarray(np.where(above > 0, (counted + AREA_WEIGHT) / (every + pseudo), 0.0))


def _sum_groups(values: Array, codes: NDArray[np.intp], groups: int) -> Array:
    """Return column sums per group, shape (groups, columns)."""
    member = sparse.csr_array(
        (np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(groups, len(codes))
    )
    return np.asarray(member @ values)


def find_tail(count: Array, mean: Array, shape: Array) -> Array:
    """Return P(X >= count) for the negative binomial with this mean and shape; 1 where count is 0.

    The regularised incomplete beta function at ``mean / (mean + shape)`` (Johnson, Kemp & Kotz 2005, 5.31).
    """
    tail = special.betainc(np.maximum(count, 1e-9), shape, mean / (mean + shape))
    return np.where(count > 0, tail, 1.0)


def _estimate_spread(cells: pd.DataFrame, background: Background) -> Array:
    """Return the variance of shares between blocks over their square, per item, by moments; upper tail left out."""
    pairs = np.floor(cells[["x_m", "y_m"]].to_numpy() / BLOCK_M)
    _, first, codes = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    codes = np.asarray(codes).ravel()
    counted = _sum_groups(background.counted, codes, len(first))
    every = counted.sum(axis=1, keepdims=True)
    share = np.minimum(background.share[first], 1.0 - 1e-6)
    # given all others, an item is expected in the proportion of the shares
    others = every - counted
    mean = share / (1.0 - share) * (LEAST_ALIKE + others)
    shape = LEAST_ALIKE + others
    usual = (find_tail(counted, mean, shape) > TAIL_LEFT_OUT) & (mean > 0.5) & (others >= 1)
    excess = np.where(usual, (counted - mean) ** 2 - mean - mean**2 / shape, 0.0).sum(axis=0)
    scale = np.where(usual, mean**2, 0.0).sum(axis=0)
    variance = np.divide(excess, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(np.clip(variance, 0.0, 4.0))
