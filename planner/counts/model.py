"""The fitted model: what is to be expected of streets, districts and the city, with how sure that is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from planner.counts.newton import Fit
from planner.errors import PlannerError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CITY = ""
"""Stands for the whole city where a street's or a district's code is asked for."""
LAYERS = ("street", "district", "city")
MONTH_DAYS = 28.0
CHUNK = 2_000_000
LARGEST_LOG_VARIANCE = 2.0
"""A series of which nothing is known does not grow without bound by the mean of its lognormal."""

OWN_COLUMNS = (
    "street_code",
    "item_code",
    "own_mean",
    "own_variance",
    "peers_mean",
    "between_variance",
    "alpha",
)
"""``own_mean own_variance`` what the series' own history lets expect, and the predictive variance of the count ·
``peers_mean`` what its structure lets expect: the rate of the other streets of its district, drawn towards that of the
city, times its exposure; its own counts say nothing in it, so a street in excess stands out ·
``between_variance`` how far streets differ for the same structure (log scale) · ``alpha`` overdispersion of a sum."""

FORECAST_COLUMNS = ("area_code", "item_code", "start", "end", "mean", "median", "low", "high")


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One layer of the fit.

    Parameters
    ----------
    basis
        Columns by day of history and horizon, float64 (T, k).
    fit
        City: (items, k); district and street: (places, items, k).
    variance
        City: empty. Else by item: the mean of the places' level, then the prior variance of each column,
        float64 (items, 1 + k).
    """

    basis: Floats
    fit: Fit
    variance: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Expectation:
    """Counts to be expected, one entry per question.

    Parameters
    ----------
    mean
        Expected count.
    log_variance
        Uncertainty of the mean, log scale.
    alpha
        Overdispersion of the count: Var(y) = mean + alpha mean², at known mean.
    """

    mean: Floats
    log_variance: Floats
    alpha: Floats

    @property
    def variance(self) -> Floats:
        """Return the predictive variance of the count."""
        spread: Floats = self.mean + self.mean**2 * (
            (1.0 + self.alpha) * np.exp(self.log_variance) - 1.0
        )
        return spread

    def tail(self, counts: npt.ArrayLike) -> Floats:
        """Return the probability of so many or more."""
        size, share = self._parameters
        found: Floats = stats.nbinom.sf(np.asarray(counts) - 1, size, share)
        return found

    def quantile(self, level: float) -> Floats:
        """Return the count that is not exceeded with this probability."""
        size, share = self._parameters
        found: Floats = stats.nbinom.ppf(level, size, share)
        return found

    @property
    def _parameters(self) -> tuple[Floats, Floats]:
        """Return size and success share of the negative binomial law with this mean and variance."""
        mean = np.maximum(self.mean, 1e-12)
        over = np.maximum(self.variance - self.mean, 1e-9 * mean)
        size = mean**2 / over
        return size, size / (size + mean)


@dataclass(frozen=True, kw_only=True, eq=False)
class MonthForecast:
    """Counts of one month to come, days both inside; codes and the law's entries area by area, items fastest."""

    start: date
    end: date
    area_code: npt.NDArray[np.object_]
    item_code: npt.NDArray[np.object_]
    law: Expectation


@dataclass(frozen=True, kw_only=True, eq=False)
class DayExpectation:
    """Expected counts of each day, with the variances of their logarithm by layer at the middle of the window.

    Parameters
    ----------
    mean
        (streets, items, days).
    city, district, street
        (items,), (districts, items), (streets, items).
    """

    mean: Floats
    city: Floats
    district: Floats
    street: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class _Parts:
    """Sums over a window per row of street × item, and the variances of their logarithm by layer, each (n,)."""

    mean: Floats
    city: Floats
    district: Floats
    street: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class CountModel:
    """The model of one city; made by :func:`planner.counts.fit_counts`.

    The expected count of a street is the city's profile of the item, times what its district differs by, times what
    it differs by itself; districts and the city are sums of their streets, so sums agree by construction.

    Parameters
    ----------
    streets, districts, street_district, items
        Codes; ``street_district`` the position of each street's district.
    first_day, days
        The history; answers reach over the horizon of the basis after it.
    exposure, exposure_source
        As in :class:`~planner.counts.DailyCounts`.
    city, district, street
        Layers of the fit.
    hours
        Share of a day's counts that has come in by the end of each hour, (items, 2, 24): off days, workdays.
    works
        Workdays, bool (T,).
    missing
        Days that the export lacked, bool (days,).
    scale
        Correction on the log scale by item, so that history and expectation have the same sum.
    alpha_day, alpha_month
        Overdispersion of days and of four weeks by layer (:data:`LAYERS`) and item, (3, items).
    data_hash, seed
        Of what it was fitted to.
    notes
        What is lacking.
    """

    streets: tuple[str, ...]
    districts: tuple[str, ...]
    street_district: Ints
    items: tuple[str, ...]
    first_day: date
    days: int
    exposure: Floats
    exposure_source: str
    city: Layer
    district: Layer
    street: Layer
    hours: Floats
    works: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]
    scale: Floats
    alpha_day: Floats
    alpha_month: Floats
    data_hash: str
    seed: int
    notes: tuple[str, ...]

    def with_dispersion(self, scale: Floats, by_day: Floats, by_month: Floats) -> "CountModel":
        """Return the model with its scale and overdispersion."""
        return replace(self, scale=scale, alpha_day=by_day, alpha_month=by_month)

    @property
    def last_day(self) -> date:
        """Return the last day of the history."""
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def horizon_end(self) -> date:
        """Return the last day that the model answers for."""
        return self.first_day + timedelta(days=len(self.city.basis) - 1)

    @property
    def has_season(self) -> bool:
        """Tell whether the history was long enough for a yearly season: a year at least."""
        return self.days >= 365

    def expect(
        self, area: npt.ArrayLike, item: npt.ArrayLike, start: object, end: object
    ) -> Expectation:
        """Return what the series' own history lets expect in windows.

        Parameters
        ----------
        area
            Codes of streets or districts, :data:`CITY` for the whole; one or (n,).
        item
            Codes of items, one or (n,).
        start, end
            Days, both inside; one or (n,).

        Raises
        ------
        PlannerError
            An area or an item is not of the model, a window ends before it starts or lies outside of what the model
            answers for.
        """
        areas, items = (np.atleast_1d(np.asarray(part, dtype=object)) for part in (area, item))
        first, last = (np.atleast_1d(self._find_days(part)) for part in (start, end))
        areas, items, first, last = np.broadcast_arrays(areas, items, first, last)
        self._check_windows(first, last)
        at = self._find(self.items, items, "item")
        layer, place = self._find_areas(areas)
        groups = self._members
        sizes = np.array([len(groups[one, which]) for one, which in zip(layer, place, strict=True)])
        if not len(sizes):
            return Expectation(mean=np.zeros(0), log_variance=np.zeros(0), alpha=np.zeros(0))
        street = np.concatenate(
            [groups[one, which] for one, which in zip(layer, place, strict=True)]
        )
        row = np.repeat(np.arange(len(sizes)), sizes)
        parts = self._sum_windows(street, at[row], first[row], last[row])
        mean, variance = self._add_up(parts, row, street, len(sizes))
        alpha = self._find_alpha(layer, at, (last - first + 1).astype(np.float64))
        return Expectation(mean=mean, log_variance=variance, alpha=alpha)

    def expect_by_street_item(self, start: object, end: object) -> pd.DataFrame:
        """Return both kinds of expectation of every street and item in a window: :data:`OWN_COLUMNS`."""
        street, item, first, last = self._make_all(start, end)
        own = self._sum_windows(street, item, first, last)
        variance = own.city + own.district + own.street
        length = float(last[0] - first[0] + 1)
        layer = np.zeros(len(item), dtype=np.int64)
        expectation = Expectation(
            mean=own.mean, log_variance=variance, alpha=self._find_alpha(layer, item, length)
        )
        shape = (len(self.streets), len(self.items))
        return pd.DataFrame(
            {
                "street_code": np.array(self.streets, dtype=object)[street],
                "item_code": np.array(self.items, dtype=object)[item],
                "own_mean": own.mean,
                "own_variance": expectation.variance,
                "peers_mean": self._find_peers(own.mean.reshape(shape)).ravel(),
                "between_variance": np.tile(self.street.variance[:, 1], len(self.streets)),
                "alpha": expectation.alpha,
            }
        )

    def draw(
        self,
        series: pd.DataFrame,
        start: object,
        end: object,
        draws: int,
        rng: np.random.Generator | None = None,
    ) -> npt.NDArray[np.int64]:
        """Draw counts of a window from the predictive law, parameters uncertain.

        Streets of a district, and districts of the city, share what is uncertain about these and their shocks: sums of
        the rows are draws of the sum.

        Parameters
        ----------
        series
            ``street_code`` (of streets) and ``item_code``.
        start, end
            Days, both inside.
        draws
            How many.
        rng
            None: a generator of the model's seed.

        Returns
        -------
            int64 (rows, draws).
        """
        rng = np.random.default_rng(self.seed) if rng is None else rng
        street = self._find(self.streets, series["street_code"].to_numpy(dtype=object), "street")
        item = self._find(self.items, series["item_code"].to_numpy(dtype=object), "item")
        first, last = (np.full(len(street), int(self._find_days(day))) for day in (start, end))
        self._check_windows(first, last)
        if not len(street):
            return np.zeros((0, draws), dtype=np.int64)
        parts = self._sum_windows(street, item, first, last)
        length = float(last[0] - first[0] + 1)
        by_layer = [
            self._find_alpha(np.full(len(item), layer), item, length) for layer in (2, 1, 0)
        ]
        shocks = np.diff(np.maximum.accumulate(np.stack(by_layer), axis=0), axis=0, prepend=0.0)
        district = self.street_district[street]
        log_mean = (
            np.log(np.maximum(parts.mean, 1e-300))[:, None]
            - (parts.city + parts.district + parts.street)[:, None] / 2
        )
        whole = log_mean
        for key, variance, shock in (
            (item, parts.city, shocks[0]),
            (district * len(self.items) + item, parts.district, shocks[1]),
            (street * len(self.items) + item, parts.street, shocks[2]),
        ):
            _, at, group = np.unique(key, return_index=True, return_inverse=True)
            spread = np.log1p(shock[at])
            deviation = np.sqrt(variance[at] + spread)[:, None]
            drawn = rng.standard_normal((len(at), draws)) * deviation - spread[:, None] / 2
            whole = whole + drawn[group]
        return rng.poisson(np.exp(np.clip(whole, -700.0, 40.0))).astype(np.int64)

    def forecast(
        self, months: int, *, level: str = "street", interval: float = 0.8
    ) -> pd.DataFrame:
        """Forecast the calendar months after the history: :data:`FORECAST_COLUMNS`.

        Parameters
        ----------
        months
            1 to 12, from the first whole month after the history on.
        level
            ``street``, ``district`` or ``city``.
        interval
            Probability between ``low`` and ``high``.

        Raises
        ------
        PlannerError
            Another number of months or level.
        """
        frames = []
        for month in self.forecast_months(months, level=level):
            law = month.law
            frames.append(
                pd.DataFrame(
                    {
                        "area_code": month.area_code,
                        "item_code": month.item_code,
                        "start": month.start,
                        "end": month.end,
                        "mean": law.mean,
                        "median": law.quantile(0.5),
                        "low": law.quantile((1 - interval) / 2),
                        "high": law.quantile((1 + interval) / 2),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)[list(FORECAST_COLUMNS)]

    def forecast_months(self, months: int, *, level: str = "street") -> list[MonthForecast]:
        """Return the predictive laws of the calendar months after the history; see :meth:`forecast`."""
        if not 1 <= months <= 12:
            raise PlannerError(f"{months} months: a forecast reaches 1 to 12")
        if level not in LAYERS:
            raise PlannerError(f"level {level!r}: expected one of {', '.join(LAYERS)}")
        layer = LAYERS.index(level)
        group, names = self.find_groups(layer)
        following = pd.Timestamp(self.last_day) + pd.Timedelta(days=1)
        begin = following if following.day == 1 else following + pd.offsets.MonthBegin()
        n_items = len(self.items)
        which = np.tile(np.arange(n_items), len(names))
        made = []
        for at in range(months):
            start = begin + pd.DateOffset(months=at)
            end = start + pd.offsets.MonthEnd(1)
            street, item, first, last = self._make_all(start, end)
            parts = self._sum_windows(street, item, first, last)
            row = group[street] * n_items + item
            mean, variance = self._add_up(parts, row, street, len(names) * n_items)
            length = float(last[0] - first[0] + 1)
            alpha = self._find_alpha(np.full(len(which), layer), which, length)
            made.append(
                MonthForecast(
                    start=start.date(),
                    end=end.date(),
                    area_code=np.repeat(np.array(names, dtype=object), n_items),
                    item_code=np.tile(np.array(self.items, dtype=object), len(names)),
                    law=Expectation(mean=mean, log_variance=variance, alpha=alpha),
                )
            )
        return made

    def find_passed_share(self, item: npt.ArrayLike, day: date, hour: float) -> Floats:
        """Return the share of a day's counts that has usually come in `hour` hours after midnight, (n,).

        Parameters
        ----------
        item
            Codes of items, (n,).
        day
            The day: off days and workdays have profiles of their own.
        hour
            Above 0 to 24, fractions allowed.
        """
        at = self._find(self.items, np.atleast_1d(np.asarray(item, dtype=object)), "item")
        works = int(self.works[int(self._find_days(day))])
        passed = np.concatenate([np.zeros((len(at), 1)), self.hours[at, works]], axis=1)
        low = min(int(hour), 23)
        share: Floats = passed[:, low] + (passed[:, low + 1] - passed[:, low]) * (hour - low)
        return share

    def expect_days(self, start: object, end: object) -> DayExpectation:
        """Return what every street and item lets expect of each day of a window, both days inside.

        Raises
        ------
        PlannerError
            The window ends before it starts or lies outside of what the model answers for.
        """
        first, last = (np.atleast_1d(self._find_days(day)) for day in (start, end))
        self._check_windows(first, last)
        a, b = int(first[0]), int(last[0]) + 1
        own = self.street.basis[a:b]
        around = own.mean(axis=0)
        covariance = self.street.fit.covariance.astype(np.float64)
        of_street = np.minimum((covariance @ around) @ around, LARGEST_LOG_VARIANCE)
        logs = self.street.fit.coefficients @ own.T
        logs += self._log_district[self.street_district, :, a:b]
        logs += (self._log_share[:, None] + of_street / 2)[:, :, None]
        city, district = (layer.basis[a:b].mean(axis=0) for layer in (self.city, self.district))
        return DayExpectation(
            mean=np.exp(np.clip(logs, -40.0, 40.0, out=logs), out=logs),
            city=(self.city.fit.covariance @ city) @ city,
            district=(self.district.fit.covariance.astype(np.float64) @ district) @ district,
            street=of_street,
        )

    def find_overdispersion(self, level: str, days: float) -> Floats:
        """Return alpha of sums over so many days by item, (items,); `level` one of :data:`LAYERS`."""
        layer = np.full(len(self.items), LAYERS.index(level))
        return self._find_alpha(layer, np.arange(len(self.items)), days)

    def make_history(self, item: int) -> Floats:
        """Return the expected counts of one item (position) by street and day of the history, (streets, days)."""
        street = self._describe_street(item, self.days)
        around = self._log_district[self.street_district, item, : self.days]
        made: Floats = np.exp(np.clip(around + street + self._log_share[:, None], -40.0, 40.0))
        return made

    def make_course(self, street: str, items: Iterable[str]) -> Floats:
        """Return the expected count of some items of a street together, day by day from the first one to the horizon.

        Raises
        ------
        PlannerError
            The street or an item is not of the model.
        """
        at = self._find(self.items, np.array(list(items), dtype=object), "item")
        row = int(self._find(self.streets, np.array([street], dtype=object), "street")[0])
        basis = self.street.basis
        covariance = self.street.fit.covariance[row, at].astype(np.float64)
        variance = np.minimum(_find_variances(covariance, basis), LARGEST_LOG_VARIANCE)
        logs = (
            self._log_district[self.street_district[row], at]
            + self.street.fit.coefficients[row, at] @ basis.T
            + variance / 2
            + self._log_share[row]
        )
        return np.asarray(np.exp(np.clip(logs, -40.0, 40.0)).sum(axis=0))

    def _describe_street(self, item: int, days: int) -> Floats:
        """Return what streets differ by, day by day, with half the variance; the variance in steps of a fortnight."""
        basis = self.street.basis[:days]
        difference = self.street.fit.coefficients[:, item] @ basis.T
        points = np.unique(np.r_[np.arange(0, days, 14), days - 1])
        few = basis[points]
        covariance = self.street.fit.covariance[:, item].astype(np.float64)
        variance = np.minimum(((few @ covariance) * few).sum(axis=2), LARGEST_LOG_VARIANCE)
        nearest = np.searchsorted(points, np.arange(days), side="right") - 1
        return np.asarray(difference + variance[:, nearest] / 2)

    @cached_property
    def _log_city(self) -> Floats:
        """Return the log of the expected count of each item and day, (items, T)."""
        basis, fit = self.city.basis, self.city.fit
        variance = _find_variances(fit.covariance, basis)
        return np.asarray(fit.coefficients @ basis.T + variance / 2 + self.scale[:, None])

    @cached_property
    def _log_district(self) -> Floats:
        """Return the log of the expected count of each district, item and day per whole exposure, (G, items, T)."""
        basis, fit = self.district.basis, self.district.fit
        g, n, k = fit.coefficients.shape
        variance = _find_variances(fit.covariance.reshape(-1, k, k).astype(np.float64), basis)
        difference = fit.coefficients @ basis.T + variance.reshape(g, n, -1) / 2
        # A street's share of the whole stands in the exposure of the street, added by its callers.
        return np.asarray(difference + self._log_city)

    @cached_property
    def _log_share(self) -> Floats:
        return np.asarray(np.log(self.exposure / self.exposure.sum()))

    @cached_property
    def _members(self) -> dict[tuple[int, int], Ints]:
        """Return the streets of every area by (layer, position)."""
        members = {(0, at): np.array([at]) for at in range(len(self.streets))}
        for at in range(len(self.districts)):
            members[1, at] = np.flatnonzero(self.street_district == at)
        members[2, 0] = np.arange(len(self.streets))
        return members

    def find_groups(self, layer: int) -> tuple[Ints, tuple[str, ...]]:
        """Return the position of each street's area of a layer, and the areas' codes."""
        if layer == 0:
            return np.arange(len(self.streets)), self.streets
        if layer == 1:
            return self.street_district, self.districts
        return np.zeros(len(self.streets), dtype=np.int64), (CITY,)

    def _find_areas(self, areas: npt.NDArray[np.object_]) -> tuple[Ints, Ints]:
        """Return layer and position of areas."""
        known = {code: (1, at) for at, code in enumerate(self.districts)}
        known |= {code: (0, at) for at, code in enumerate(self.streets)}
        known[CITY] = (2, 0)
        unknown = sorted({str(area) for area in areas if area not in known})
        if unknown:
            raise PlannerError(
                f"the count model knows no area {', '.join(unknown[:5])}: expected a street or district it was "
                "fitted to; fit it again with the streets of today"
            )
        found = np.array([known[area] for area in areas], dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _find(self, known: tuple[str, ...], codes: npt.NDArray[np.object_], what: str) -> Ints:
        at = pd.Index(known).get_indexer(pd.Index(codes.astype(str)))
        if (at < 0).any():
            unknown = sorted({str(code) for code in codes[at < 0]})
            raise PlannerError(
                f"the count model knows no {what} {', '.join(unknown[:5])}: it was fitted to {len(known)} others"
            )
        return np.asarray(at, dtype=np.int64)

    def _find_days(self, days: object) -> Ints:
        """Return positions of days."""
        moments = np.asarray(days, dtype="datetime64[D]")
        return np.asarray((moments - np.datetime64(self.first_day, "D")).astype(np.int64))

    def _check_windows(self, first: Ints, last: Ints) -> None:
        if (last < first).any():
            raise PlannerError(
                "a window ends before it starts: expected start and end, both inside"
            )
        if (first < 0).any() or (last >= len(self.city.basis)).any():
            raise PlannerError(
                f"a window lies outside of {self.first_day} to {self.horizon_end}, for which the count model answers; "
                "fit it to newer orders"
            )

    def _make_all(self, start: object, end: object) -> tuple[Ints, Ints, Ints, Ints]:
        """Return rows of all streets × items with one window."""
        n, k = len(self.streets), len(self.items)
        first, last = (np.full(n * k, int(self._find_days(day))) for day in (start, end))
        self._check_windows(first, last)
        return np.repeat(np.arange(n), k), np.tile(np.arange(k), n), first, last

    def _sum_windows(self, street: Ints, item: Ints, first: Ints, last: Ints) -> _Parts:
        """Return sums of windows per row of street × item."""
        made = _Parts(**{part.name: np.zeros(len(street)) for part in fields(_Parts)})
        for a, b, rows in _find_windows(first, last):
            step = max(CHUNK // (b - a + 1), 1)
            for at in range(0, len(rows), step):
                self._fill_window(made, rows[at : at + step], street, item, a, b)
        return made

    def _fill_window(
        self, made: _Parts, rows: Ints, street: Ints, item: Ints, a: int, b: int
    ) -> None:
        s, i = street[rows], item[rows]
        g = self.street_district[s]
        own = self.street.basis[a : b + 1]
        around = own.mean(axis=0)
        covariance = self.street.fit.covariance[s, i].astype(np.float64)
        of_street = np.minimum((covariance @ around) @ around, LARGEST_LOG_VARIANCE)
        logs = self._log_district[g, i, a : b + 1] + self.street.fit.coefficients[s, i] @ own.T
        made.mean[rows] = np.exp(np.clip(logs, -40.0, 40.0)).sum(axis=1) * np.exp(
            self._log_share[s] + of_street / 2
        )
        around_city = self.city.basis[a : b + 1].mean(axis=0)
        around_district = self.district.basis[a : b + 1].mean(axis=0)
        made.city[rows] = ((self.city.fit.covariance @ around_city) @ around_city)[i]
        made.district[rows] = (
            (self.district.fit.covariance.astype(np.float64) @ around_district) @ around_district
        )[g, i]
        made.street[rows] = of_street

    def _add_up(self, parts: _Parts, row: Ints, street: Ints, n: int) -> tuple[Floats, Floats]:
        """Return means and variances of the logarithm of sums over streets (all of a row have one item)."""
        mean = np.bincount(row, weights=parts.mean, minlength=n)
        whole = np.maximum(mean, 1e-300)[row]
        share = parts.mean / whole
        city = np.bincount(row, weights=share * parts.city, minlength=n)
        own = np.bincount(row, weights=share**2 * parts.street, minlength=n)
        key = row * len(self.districts) + self.street_district[street]
        _, at, group = np.unique(key, return_index=True, return_inverse=True)
        part = np.bincount(group, weights=share)
        district = np.bincount(row[at], weights=part**2 * parts.district[at], minlength=n)
        return np.asarray(mean, dtype=np.float64), np.asarray(city + district + own)

    def _find_alpha(self, layer: Ints, item: Ints, length: Floats | float) -> Floats:
        """Return the overdispersion of sums over `length` days: what days have alone fades, what months have stays."""
        day, month = self.alpha_day[layer, item], self.alpha_month[layer, item]
        lasting = np.minimum(month, day)
        passing = np.maximum(day - lasting, 0.0)
        found: Floats = lasting + passing / np.maximum(length, 1.0)
        return found

    def _find_peers(self, own: Floats) -> Floats:
        """Return what the other streets let expect of each, (streets, items)."""
        share = self.exposure / self.exposure.sum()
        total, whole = own.sum(axis=0), share.sum()
        rest = np.maximum(whole - share, 1e-12)[:, None]
        city_rate = (total - own) / rest
        n = len(self.districts)
        of_district = np.zeros((n, own.shape[1]))
        np.add.at(of_district, self.street_district, own)
        part = np.bincount(self.street_district, weights=share, minlength=n)[self.street_district]
        others = of_district[self.street_district] - own
        # The district's rate is worth as many counts as districts differ little (gamma prior of the same variance).
        strength = 1.0 / np.maximum(self.district.variance[:, 1], 1e-3)
        rate = (others + strength) / (
            np.maximum(part - share, 0.0)[:, None] + strength / np.maximum(city_rate, 1e-12)
        )
        return np.asarray(share[:, None] * rate)


def _find_variances(covariance: Floats, basis: Floats) -> Floats:
    """Return the variance of each series' curve on each day: ``b' C b`` of all at once, one product of matrices.

    Parameters
    ----------
    covariance
        Of the coefficients of each series (n, k, k).
    basis
        Columns by day (T, k).
    """
    k = basis.shape[1]
    pairs = (basis[:, :, None] * basis[:, None, :]).reshape(-1, k * k)
    return np.asarray(covariance.reshape(-1, k * k) @ pairs.T)


def _find_windows(first: Ints, last: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Return each different window with its rows."""
    if not len(first):
        return
    pairs, group = np.unique(np.stack([first, last], axis=1), axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    bounds = np.searchsorted(group.ravel()[order], np.arange(len(pairs) + 1))
    for at, (a, b) in enumerate(pairs):
        yield int(a), int(b), order[bounds[at] : bounds[at + 1]]
