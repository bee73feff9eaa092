"""What would be expected at a place if it were as its surroundings: where people live is not a hotspot.

For a neighbourhood and a level-1 item the expectation is *how much of everything else* is said there times *the
odds of the item* in the district, in the same window. A dense compound has more of everything, so its expectation
grows with it; a season or a storm raises the odds of the whole district, so it cancels.

The amount of everything else is itself only known from few orders. It is taken as Gamma distributed around the
smoothed intensity of the surroundings and updated with what was counted (Clayton & Kaldor 1987, "Empirical Bayes
estimates of age-standardized relative risks", Biometrics 43), so the count of an item is negative binomial::

    θ ~ Gamma(a, a/m)      m: others expected from the surroundings, a: how alike neighbours are
    θ | n ~ Gamma(a + n, a/m + 1)               n: others counted here
    x | n ~ NB(shape = a + n, mean = odds · (a + n) / (a/m + 1))

Shares also differ from place to place without being a hotspot. Their variance ``1/κ`` (squared coefficient of
variation) is estimated per item from blocks and widens the distribution: ``1/shape = 1/(a + n) + 1/κ``.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage, sparse

from planner.hotspots.cube import BLOCK_M, Cube
from planner.hotspots.persons_per_issue import find_tail

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

ALIKE = 0.5
"""The ``a`` of the Gamma: neighbours are hardly alike (a park beside a tower). Assumed, on the careful side: the
smaller, the longer the tail."""

SMOOTH_M = 600.0
"""Standard deviation of the smoothing of the surroundings. Assumed: a few blocks."""

RASTER_M = 250.0
LARGEST_RASTER = 4_000_000

AREA_WEIGHT = 50.0
"""Orders of an item that an area must have to weigh as much as the area above in its odds. Assumed."""

LADDER = ("district_code", "street_code")
"""Areas from wide to narrow; the odds of each are drawn towards those of the one above (the first: the city)."""

FEWEST_OTHERS = 1e-3
"""Floor for the surroundings' intensity, so that an empty region still has a proper distribution."""

TAIL_LEFT_OUT = 1e-3
"""Blocks in this upper tail are taken as hotspots and do not widen the distribution of the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """The expectation for one window. What is counted are persons.

    Parameters
    ----------
    others
        Persons of all other items over the whole history per cell and item, shape (cells, items).
    density
        The same from the surroundings, per square metre, shape (cells, items).
    odds
        Persons of the item in the window per other person in the whole history, shape (cells, items).
    spread
        ``1/κ`` per item, shape (items,).
    """

    others: Array
    density: Array
    odds: Array
    spread: Array

    @cached_property
    def weighted(self) -> Array:
        """Other persons × odds, shape (items, cells)."""
        return np.ascontiguousarray((self.others * self.odds).T)

    def make_distribution(
        self, cells: Ints, item: int, *, local: tuple[Array, Array], area_m2: Array | float
    ) -> tuple[Array, Array]:
        """Return mean and shape of the negative binomial for neighbourhoods around `cells`.

        Parameters
        ----------
        cells
            Positions of the middle cells, shape (k,).
        item
            Position of the item.
        local
            Sums over each neighbourhood of the other persons and of other persons × their cell's odds (a
            neighbourhood may reach over a district's border), each of shape (k,).
        area_m2
            Area of each neighbourhood.
        """
        others, weighted = local
        around = np.maximum(self.density[cells, item] * area_m2, FEWEST_OTHERS)
        mean = (ALIKE * self.odds[cells, item] + weighted) / (ALIKE / around + 1.0)
        return mean, 1.0 / (1.0 / (ALIKE + others) + self.spread[item])


def make_background(cube: Cube, quiet: Ints) -> Background:
    """Return the background of the whole history.

    Parameters
    ----------
    cube
        The counts.
    quiet
        Entries of the cube, each person once, without those of hotspots already found: these do not count into the
        background of anything.
    """
    counted = np.asarray(cube.make_counts(quiet).todense(), dtype=np.float64)
    others = counted.sum(axis=1, keepdims=True) - counted
    total = others.sum(axis=0)
    odds = np.divide(counted.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)[None, :]
    for name in LADDER:
        codes, areas = pd.factorize(cube.cells[name].fillna(""))
        above = odds[np.unique(codes, return_index=True)[1]] if len(odds) > 1 else odds
        sums = [_sum_groups(values, codes, len(areas)) for values in (counted, others)]
        odds = _draw_odds(sums[0], sums[1], above)[codes]
    background = Background(
        others=others, density=_smooth(cube.cells, others), odds=odds, spread=np.zeros(len(total))
    )
    return replace(background, spread=_estimate_spread(cube.cells, counted, background))


def make_window_background(whole: Background, cube: Cube, quiet: tuple[Ints, Ints]) -> Background:
    """Return the background of one window: the odds of the street, times how the district differs in the window.

    Parameters
    ----------
    whole
        Background of the whole history.
    cube
        The counts.
    quiet
        Entries as in :func:`make_background`, of the window and of the whole history.
    """
    codes, areas = pd.factorize(cube.cells[LADDER[0]].fillna(""))
    others = _sum_groups(whole.others, codes, len(areas))
    odds = []
    for entries in quiet:
        counted = _count_areas(cube, entries, codes, len(areas))
        total = others.sum(axis=0)
        city = np.divide(counted.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
        odds.append(_draw_odds(counted, others, city[None, :]))
    inside, ever = odds
    season = np.divide(inside, ever, out=np.zeros_like(inside), where=ever > 0)
    return replace(whole, odds=whole.odds * season[codes])


def make_profile(cube: Cube, entries: Ints) -> tuple[Ints, Array]:
    """Return each cell's district and the share of each month in what the district counts of an item.

    Returns
    -------
    tuple
        Positions of districts, shape (cells,); shares, shape (months, districts, items), sum 1 over the months. A
        district with few entries is drawn towards the city.
    """
    codes, areas = pd.factorize(cube.cells[LADDER[0]].fillna(""))
    months = np.array(
        [
            _count_areas(cube, entries[cube.period[entries] == month], codes, len(areas))
            for month in range(cube.n_periods)
        ]
    )
    city = months.sum(axis=1, keepdims=True)
    city = (city + 0.5) / (city + 0.5).sum(axis=0)
    share = (months + AREA_WEIGHT * city) / (months.sum(axis=0) + AREA_WEIGHT)
    return codes.astype(np.int64), np.asarray(share)


def _count_areas(cube: Cube, entries: Ints, codes: NDArray[np.intp], areas: int) -> Array:
    """Return entries per area and item, shape (areas, items)."""
    width = len(cube.items)
    flat = codes[cube.cell[entries]] * width + cube.item[entries]
    return np.bincount(flat, minlength=areas * width).reshape(areas, width).astype(np.float64)


def _draw_odds(counted: Array, exposed: Array, above: Array) -> Array:
    """Return the odds of areas, drawn towards those above them, the more the fewer persons there are.

    ``(x + w) / (n + w / odds above)``, the mean of a Gamma-Poisson with `w` = :data:`AREA_WEIGHT`.
    """
    pseudo = AREA_WEIGHT / np.maximum(above, 1e-12)
    return np.asarray(np.where(above > 0, (counted + AREA_WEIGHT) / (exposed + pseudo), 0.0))


def _sum_groups(values: Array, codes: NDArray[np.intp], groups: int) -> Array:
    """Return column sums per group, shape (groups, columns)."""
    member = sparse.csr_array(
        (np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(groups, len(codes))
    )
    return np.asarray(member @ values)


def _smooth(cells: pd.DataFrame, values: Array) -> Array:
    """Return the Gaussian-smoothed density of `values` per square metre at each cell."""
    x, y = cells["x_m"].to_numpy(), cells["y_m"].to_numpy()
    if not len(x):
        return np.zeros_like(values)
    side = max(RASTER_M, np.sqrt((np.ptp(x) + 1) * (np.ptp(y) + 1) / LARGEST_RASTER))
    column = ((x - x.min()) / side).astype(np.int64)
    row = ((y - y.min()) / side).astype(np.int64)
    smooth = np.empty_like(values)
    for item in range(values.shape[1]):
        raster = np.zeros((row.max() + 1, column.max() + 1))
        np.add.at(raster, (row, column), values[:, item])
        blurred = ndimage.gaussian_filter(raster, SMOOTH_M / side, mode="constant", truncate=3.0)
        smooth[:, item] = blurred[row, column] / side**2
    return smooth


def _estimate_spread(cells: pd.DataFrame, persons: Array, background: Background) -> Array:
    """Return ``1/κ`` per item by moments over blocks, the upper tail left out."""
    side = BLOCK_M
    pairs = np.floor(cells[["x_m", "y_m"]].to_numpy() / side)
    _, first, codes = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    codes = np.asarray(codes).ravel()
    counted, exposed = (
        _sum_groups(values, codes, len(first)) for values in (persons, background.others)
    )
    around = np.maximum(background.density[first] * side**2, FEWEST_OTHERS)
    shape = ALIKE + exposed
    mean = background.odds[first] * shape / (ALIKE / around + 1.0)
    usual = (find_tail(counted, mean, shape) > TAIL_LEFT_OUT) & (mean > 0.5)
    excess = np.where(usual, (counted - mean) ** 2 - mean - mean**2 / shape, 0.0).sum(axis=0)
    scale = np.where(usual, mean**2, 0.0).sum(axis=0)
    variance = np.divide(excess, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(np.clip(variance, 0.0, 4.0))
