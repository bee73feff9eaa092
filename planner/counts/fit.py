"""Fits the model of counts: items of the whole city, then what districts differ by, then what streets differ by.

Each layer takes the one above as its expectation, so a sparse series borrows what it cannot say itself: the city's
items share their week and holidays with the sum of all items; districts and streets have normal priors whose spread is
estimated from all of them (empirical Bayes by expectation-maximisation: B. Efron and C. Morris, 1975, Data analysis
using Stein's estimator and its generalizations, Journal of the American Statistical Association 70(350), 311-319).
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.calendar import WorkCalendar
from planner.counts.basis import Basis, make_basis
from planner.counts.daily import DailyCounts
from planner.counts.model import CountModel, Layer
from planner.counts.newton import (
    Fit,
    find_overdispersion,
    fit_many,
    fit_series,
    weigh_outbreaks,
)
from planner.errors import PlannerError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_DAYS = 28
"""A shorter history shows neither week nor level."""
BLOCK_DAYS = 28
"""Districts and streets are fitted to sums of four weeks, back from the end: the week is the city's."""
CITY_SPREAD = {"level": 0.1, "wave": 0.1, "season": 0.25}
"""How far an item's level drifts per square root of a year, how far it deviates for a while, and how strong its season
is, log scale: what is taken for usual, worth :data:`SPREAD_WEIGHT` columns. Assumed."""
SPREAD_WEIGHT = 4.0
SPREAD_ROUNDS = 5
FIRST_SPREAD = {"intercept": 0.5, "slope": 0.1, "level": 0.1, "season": 0.1}
"""Standard deviations of districts and streets from which the estimation starts."""
POOL_SERIES = 12.0
"""Series of all items that weigh as much as those of one item in its spreads. Assumed."""
ROUNDS = 3
EXCLUDE_COLUMNS = ("street_code", "item_code", "start", "end")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cells:
    """Street × item × day that a fit leaves out, positions, each triple once."""

    street: Ints
    item: Ints
    day: Ints


def fit_counts(
    daily: DailyCounts,
    calendar: WorkCalendar,
    *,
    seed: int,
    exclude: pd.DataFrame | None = None,
) -> CountModel:
    """Fit the model.

    Parameters
    ----------
    daily
        Counts, at least four weeks.
    calendar
        Holidays and make-up workdays, also of the months to come.
    seed
        Kept with the model and used where a draw is asked for without a generator; the fit itself draws nothing.
    exclude
        Windows that the fit must not learn from (of detection, of treatment): ``street_code item_code start end``,
        both days inside; an ``item_code`` that is missing stands for all items.

    Raises
    ------
    PlannerError
        Fewer than four weeks of history, or no day with counts is left.
    """
    if daily.days < FEWEST_DAYS:
        raise PlannerError(
            f"{daily.days} days of counts: a model needs at least {FEWEST_DAYS}; ask again with a longer history"
        )
    left_out = _find_cells(daily, exclude)
    kept = _drop(daily, left_out)
    if not kept.total:
        raise PlannerError("no counts are left to fit: all of them lie in excluded windows")
    make = partial(make_basis, first_day=daily.first_day, days=daily.days, calendar=calendar)
    city_basis = make("city", weather=daily.weather)
    local = {layer: make(layer) for layer in ("district", "street")}
    names = tuple(sorted(set(daily.districts)))
    home = np.array([names.index(code) for code in daily.districts], dtype=np.int64)
    share = daily.exposure / daily.exposure.sum()
    present = _find_present(daily, kept, left_out)
    city, city_alpha = _fit_city(kept, city_basis, present)
    city_mean = _exponent(city.coefficients @ city_basis.columns[: daily.days].T)
    district, street, spreads = _fit_places(
        kept, city_mean, local, home=home, share=share, left_out=left_out
    )
    model = CountModel(
        streets=daily.streets,
        districts=names,
        street_district=home,
        items=daily.items,
        first_day=daily.first_day,
        days=daily.days,
        exposure=daily.exposure,
        exposure_source=daily.exposure_source,
        city=Layer(basis=city_basis.columns, fit=city, variance=np.zeros(0)),
        district=Layer(basis=local["district"].columns, fit=district, variance=spreads[0]),
        street=Layer(basis=local["street"].columns, fit=street, variance=spreads[1]),
        hours=_find_hours(daily),
        works=calendar.is_workday(
            np.arange(city_basis.columns.shape[0], dtype=np.int64)
            + (daily.first_day - pd.Timestamp(0).date()).days
        ),
        missing=daily.missing,
        scale=np.zeros(len(daily.items)),
        alpha_day=np.tile(city_alpha, (3, 1)),
        alpha_month=np.zeros((3, len(daily.items))),
        data_hash=daily.make_hash(),
        seed=seed,
        notes=daily.notes,
    )
    return model.with_dispersion(*_find_dispersion(model, kept, left_out))


def _find_cells(daily: DailyCounts, exclude: pd.DataFrame | None) -> _Cells:
    """Return the cells of the windows."""
    none = np.zeros(0, dtype=np.int64)
    if exclude is None or exclude.empty:
        return _Cells(street=none, item=none, day=none)
    lacking = [name for name in EXCLUDE_COLUMNS if name not in exclude.columns]
    if lacking:
        raise PlannerError(
            f"windows to exclude lack {', '.join(lacking)}: expected {', '.join(EXCLUDE_COLUMNS)}"
        )
    street = pd.Index(daily.streets).get_indexer(exclude["street_code"].astype("str"))
    named = exclude["item_code"].notna().to_numpy()
    item = pd.Index(daily.items).get_indexer(exclude["item_code"].astype("str"))
    first = pd.Timestamp(daily.first_day)
    start = (pd.to_datetime(exclude["start"]) - first).dt.days.clip(lower=0).to_numpy()
    end = (pd.to_datetime(exclude["end"]) - first).dt.days.clip(upper=daily.days - 1).to_numpy()
    keys = []
    for s, i, has_item, a, b in zip(street, item, named, start, end, strict=True):
        if s < 0 or (has_item and i < 0) or b < a:
            continue
        items = np.array([i]) if has_item else np.arange(len(daily.items))
        rows = (s * len(daily.items) + items)[:, None] * daily.days + np.arange(a, b + 1)
        keys.append(rows.ravel())
    if not keys:
        return _Cells(street=none, item=none, day=none)
    key = np.unique(np.concatenate(keys)).astype(np.int64)
    return _Cells(
        street=key // daily.days // len(daily.items),
        item=key // daily.days % len(daily.items),
        day=key % daily.days,
    )


def _drop(daily: DailyCounts, cells: _Cells) -> DailyCounts:
    """Return the counts without those of some cells."""
    if not len(cells.day):
        return daily
    size = (len(daily.items), daily.days)
    gone = np.isin(
        (daily.street * size[0] + daily.item) * size[1] + daily.day,
        (cells.street * size[0] + cells.item) * size[1] + cells.day,
    )
    return DailyCounts(
        **{
            **{name: getattr(daily, name) for name in DailyCounts.__dataclass_fields__},
            **{name: getattr(daily, name)[~gone] for name in ("street", "item", "day", "n")},
        }
    )


def _find_present(daily: DailyCounts, kept: DailyCounts, cells: _Cells) -> Floats:
    """Return which share of the city's counts the fit sees, (items, days)."""
    present = np.ones((len(daily.items), daily.days))
    if len(cells.day):
        shape = (len(daily.streets), len(daily.items))
        usual = np.zeros(shape)
        np.add.at(usual, (kept.street, kept.item), kept.n.astype(np.float64))
        seen = np.full(shape, float(daily.days))
        np.add.at(seen, (cells.street, cells.item), -1.0)
        usual = (usual + 0.01) / np.maximum(seen, 1.0)
        usual /= usual.sum(axis=0)
        np.add.at(present, (cells.item, cells.day), -usual[cells.street, cells.item])
    seen_share: Floats = np.clip(present, 1e-6, 1.0) * ~daily.missing
    return seen_share


def _exponent(values: Floats) -> Floats:
    made: Floats = np.exp(np.clip(values, -30.0, 30.0))
    return made


def _fit_city(daily: DailyCounts, basis: Basis, present: Floats) -> tuple[Fit, Floats]:
    """Fit every item of the whole city, with trend, week and holidays of all items as what to expect."""
    counts = np.zeros((len(daily.items), daily.days))
    np.add.at(counts, (daily.item, daily.day), daily.n.astype(np.float64))
    columns = basis.columns[: daily.days]
    shared = np.isin(np.array(basis.part), ["slope", "weekday", "holiday"])
    prior = np.zeros(len(basis.part))
    whole, whole_alpha = _fit_best(
        counts.sum(axis=0), columns, basis, present=present.mean(axis=0), prior=prior, alpha=0.02
    )
    prior[shared] = whole.coefficients[shared]
    fits, alphas = [], []
    for item in range(len(daily.items)):
        fit, alpha = _fit_best(
            counts[item], columns, basis, present=present[item], prior=prior, alpha=whole_alpha
        )
        fits.append(fit)
        alphas.append(alpha)
    return (
        Fit(
            coefficients=np.stack([fit.coefficients for fit in fits]),
            covariance=np.stack([fit.covariance for fit in fits]),
        ),
        np.array(alphas),
    )


def _fit_best(
    counts: Floats, columns: Floats, basis: Basis, *, present: Floats, prior: Floats, alpha: float
) -> tuple[Fit, float]:
    """Return the fit with the spreads of level, waves and season that the counts support, and the overdispersion."""
    used = present > 1e-5
    exposure = np.log(np.maximum(present, 1e-6))
    mean = prior.copy()
    mean[0] = np.log((float(used @ counts) + 0.5) / max(float(used @ present), 1.0))
    fit_one = partial(fit_series, counts, columns, log_exposure=exposure, prior_mean=mean)
    weights = used.astype(np.float64)
    spreads = {name: spread**2 for name, spread in CITY_SPREAD.items()}
    variance = _scale(basis, spreads)
    fit = fit_one(prior_variance=variance, alpha=alpha, weights=weights, start=mean, rounds=8)
    for _ in range(SPREAD_ROUNDS):
        expected = _exponent(columns @ fit.coefficients + exposure)
        alpha = float(
            find_overdispersion(
                counts[used], expected[used], prior=alpha, prior_weight=50.0, axis=None
            )
        )
        weights = used * weigh_outbreaks(counts, expected, alpha)
        squares = (fit.coefficients**2 + np.diag(fit.covariance)) / basis.prior_variance
        for name, usual in CITY_SPREAD.items():
            at = basis.find(name)
            # Columns after the history say nothing: their squares are the prior's own.
            seen = at[np.abs(columns[:, at]).max(axis=0) > 0] if len(at) else at
            total = squares[seen].sum() + SPREAD_WEIGHT * usual**2
            spreads[name] = float(total / (len(seen) + SPREAD_WEIGHT))
        variance = _scale(basis, spreads)
        fit = fit_one(
            prior_variance=variance, alpha=alpha, weights=weights, start=fit.coefficients, rounds=3
        )
    return fit, alpha


def _scale(basis: Basis, spreads: dict[str, float]) -> Floats:
    """Return the prior variance of the columns for given variances of the parts."""
    variance = basis.prior_variance.copy()
    for name, spread in spreads.items():
        variance[basis.find(name)] *= spread
    return variance


def _fit_places(
    daily: DailyCounts,
    city_mean: Floats,
    local: dict[str, Basis],
    *,
    home: Ints,
    share: Floats,
    left_out: _Cells,
) -> tuple[Fit, Fit, tuple[Floats, Floats]]:
    """Fit what districts differ by from the city, then streets from their district."""
    days, n_items = daily.days, len(daily.items)
    block = _find_blocks(days)
    n_blocks = int(block.max()) + 1
    n_districts = int(home.max()) + 1
    counts = np.zeros((len(share), n_items, n_blocks))
    np.add.at(counts, (daily.street, daily.item, block[daily.day]), daily.n.astype(np.float64))
    usual = city_mean * ~daily.missing
    of_district = np.zeros(n_districts)
    np.add.at(of_district, home, share)
    blocks = np.add.reduceat(usual, _find_starts(block), axis=1)
    expected: Floats = of_district[:, None, None] * blocks
    if len(left_out.day):
        place = (home[left_out.street], left_out.item, block[left_out.day])
        np.add.at(expected, place, -share[left_out.street] * usual[left_out.item, left_out.day])
    in_districts = np.zeros((n_districts, n_items, n_blocks))
    np.add.at(in_districts, home, counts)
    district, spread = _pool(in_districts, expected, local["district"], daily=daily, block=block)
    drift = _exponent(
        np.einsum("gik,dk->gid", district.coefficients, local["district"].columns[:days])
    )
    usual_of = drift * usual
    blocks_of = np.add.reduceat(usual_of, _find_starts(block), axis=2)
    of_streets: Floats = share[:, None, None] * blocks_of[home]
    if len(left_out.day):
        place = (left_out.street, left_out.item, block[left_out.day])
        lost = usual_of[home[left_out.street], left_out.item, left_out.day]
        np.add.at(of_streets, place, -share[left_out.street] * lost)
    street, street_spread = _pool(counts, of_streets, local["street"], daily=daily, block=block)
    return district, street, (spread, street_spread)


def _find_blocks(days: int) -> Ints:
    """Return the block of each day; the last ends with the history, the first may be longer."""
    back = (days - 1 - np.arange(days)) // BLOCK_DAYS
    whole = max(days // BLOCK_DAYS, 1)
    block: Ints = whole - 1 - np.minimum(back, whole - 1)
    return block


def _find_starts(block: Ints) -> Ints:
    return np.flatnonzero(np.r_[True, np.diff(block) > 0])


def _pool(
    counts: Floats, expected: Floats, basis: Basis, *, daily: DailyCounts, block: Ints
) -> tuple[Fit, Floats]:
    """Fit (places, items) series of blocks; spreads of the prior by item from all places.

    Returns the fit with coefficients (places, items, k), and the variances of the prior (items, k).
    """
    places, items, n_blocks = counts.shape
    columns = np.add.reduceat(basis.columns[: daily.days], _find_starts(block), axis=0)
    columns /= np.bincount(block)[:, None]
    k = columns.shape[1]
    first = np.array([FIRST_SPREAD[part] for part in basis.part]) ** 2
    unit = np.where(np.isin(basis.part, ["level", "season"]), basis.prior_variance, 1.0)
    variance = np.tile(first, (items, 1))
    mean = np.zeros((items, k))
    flat_counts = counts.reshape(-1, n_blocks)
    flat_expected = np.maximum(expected.reshape(-1, n_blocks), 1e-12)
    weights = np.ones_like(flat_counts)
    alpha = np.full(items, 0.05)
    theta = np.zeros((places * items, k))
    single = places < 2
    for turn in range(ROUNDS):
        fit = fit_many(
            flat_counts,
            flat_expected,
            columns,
            prior_mean=np.tile(mean, (places, 1)),
            prior_variance=np.tile(variance * unit, (places, 1)),
            alpha=np.tile(alpha, places),
            weights=weights,
            start=theta,
            rounds=5 if turn == 0 else 3,
        )
        theta = fit.coefficients
        if turn == ROUNDS - 1:
            break
        shaped = theta.reshape(places, items, k)
        spread = np.diagonal(fit.covariance, axis1=1, axis2=2).reshape(places, items, k)
        if not single:
            mean[:, 0] = shaped[:, :, 0].mean(axis=0)
        squares = ((shaped - mean) ** 2 + spread) / unit
        variance = _update_spreads(squares, basis, places)
        fitted = flat_expected * _exponent(theta @ columns.T)
        by_item = (places, items, n_blocks)
        alpha = find_overdispersion(
            flat_counts.reshape(by_item).transpose(1, 0, 2).reshape(items, -1),
            fitted.reshape(by_item).transpose(1, 0, 2).reshape(items, -1),
            prior=0.03,
            prior_weight=200.0,
            axis=1,
        )
        weights = weigh_outbreaks(flat_counts, fitted, np.tile(alpha, places)[:, None])
    return (
        Fit(
            coefficients=theta.reshape(places, items, k),
            covariance=fit.covariance.reshape(places, items, k, k).astype(np.float32),
        ),
        np.concatenate([mean[:, :1], variance * unit], axis=1),
    )


def _update_spreads(squares: Floats, basis: Basis, places: int) -> Floats:
    """Return the variances of the parts by item: each drawn towards that of all items."""
    part = np.array(basis.part)
    variance = np.empty(squares.shape[1:])
    for name in dict.fromkeys(basis.part):
        at = np.flatnonzero(part == name)
        own = squares[:, :, at].mean(axis=(0, 2))
        pooled = (places * own + POOL_SERIES * own.mean()) / (places + POOL_SERIES)
        variance[:, at] = np.maximum(pooled, 1e-4)[:, None]
    return variance


def _find_hours(daily: DailyCounts) -> Floats:
    """Return the share of a day that has passed at the end of each hour, (items, 2, 24): off days, workdays.

    Items borrow the profile of all items as if 200 counts of it were theirs; that of off days borrows the workdays'.
    """
    whole = daily.hours.sum(axis=0)
    all_days = whole.sum(axis=0) + 0.25
    whole = whole + 100.0 * all_days / all_days.sum()
    profile = whole / whole.sum(axis=1, keepdims=True)
    mixed = daily.hours + 200.0 * profile
    passed: Floats = np.cumsum(mixed / mixed.sum(axis=2, keepdims=True), axis=2)
    return passed


def _find_dispersion(
    model: CountModel, daily: DailyCounts, left_out: _Cells
) -> tuple[Floats, Floats, Floats]:
    """Return the correction of scale (items,) and the overdispersion of days and of months, (3 layers, items) each."""
    n_items, days = len(model.items), model.days
    scale = np.zeros(n_items)
    by_day, by_month = np.zeros((3, n_items)), np.zeros((3, n_items))
    block = _find_blocks(days)
    starts = _find_starts(block)
    n_districts = len(model.districts)
    order = np.argsort(daily.item, kind="stable")
    bounds = np.searchsorted(daily.item[order], np.arange(n_items + 1))
    moments = np.zeros((2, 3, 2, n_items))
    for item in range(n_items):
        rows = order[bounds[item] : bounds[item + 1]]
        counts = np.zeros((len(model.streets), days))
        counts[daily.street[rows], daily.day[rows]] = daily.n[rows]
        mean = model.make_history(item)
        mean[:, model.missing] = 0.0
        cells = left_out.item == item
        mean[left_out.street[cells], left_out.day[cells]] = 0.0
        total = mean.sum()
        scale[item] = np.log((counts.sum() + 0.1) / (total + 0.1))
        mean *= np.exp(scale[item])
        for layer in range(3):
            if layer == 1:
                counts = _sum_by(counts, model.street_district, n_districts)
                mean = _sum_by(mean, model.street_district, n_districts)
            elif layer == 2:
                counts, mean = (part.sum(axis=0, keepdims=True) for part in (counts, mean))
            sums = (
                (counts, mean),
                (np.add.reduceat(counts, starts, axis=1), np.add.reduceat(mean, starts, axis=1)),
            )
            for kind, (seen, usual) in enumerate(sums):
                usable = usual > 0
                weight = weigh_outbreaks(seen, usual, 0.1)[usable]
                gap = (seen[usable] - usual[usable]) ** 2 * weight - usual[usable]
                moments[kind, layer, 0, item] = gap.sum()
                moments[kind, layer, 1, item] = (usual[usable] ** 2).sum()
    for kind, target in enumerate((by_day, by_month)):
        for layer in range(3):
            excess, squares = moments[kind, layer]
            common = max(float(excess.sum() / max(squares.sum(), 1e-9)), 0.0)
            target[layer] = np.maximum((excess + 100.0 * common) / (squares + 100.0), 0.0)
    return scale, np.minimum(by_day, 5.0), np.minimum(by_month, 5.0)


def _sum_by(values: Floats, groups: Ints, n: int) -> Floats:
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, groups, values)
    return total
