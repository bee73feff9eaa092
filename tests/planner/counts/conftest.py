"""A small city whose counts are drawn from known rates."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from gridgov.rules.calendar import make_calendar
from planner.counts import DailyCounts, fit_counts

WEEK = np.array([1.12, 1.08, 1.05, 1.03, 1.02, 0.86, 0.8])
HOLIDAYS = [date(year, 10, day) for year in (2022, 2023, 2024, 2025) for day in range(1, 8)]
CALENDAR = make_calendar(HOLIDAYS)


def make_daily(counts, *, districts=3, exposure=None, hours=None, **changes):
    """Return counts of an array (streets, items, days)."""
    n_streets, n_items, days = counts.shape
    street, item, day = np.nonzero(counts)
    profile = np.ones((n_items, 2, 24)) if hours is None else hours
    values = {
        "streets": tuple(f"S{at:02d}" for at in range(n_streets)),
        "districts": tuple(f"D{at % districts}" for at in range(n_streets)),
        "items": tuple(f"I{at}" for at in range(n_items)),
        "first_day": date(2023, 1, 1),
        "days": days,
        "street": street,
        "item": item,
        "day": day,
        "n": counts[street, item, day].astype(np.int64),
        "hours": profile,
        "missing": np.zeros(days, dtype=bool),
        "exposure": np.ones(n_streets) if exposure is None else exposure,
        "exposure_source": "residents",
    }
    return DailyCounts(**(values | changes))


def make_city(*, seed=1, days=3 * 365, n_streets=12, level=1.0, alpha=0.0):
    """Return drawn counts with their rates: weeks, holidays, a season of item 0, growth of item 1, unlike streets."""
    rng = np.random.default_rng(seed)
    at = np.arange(days)
    year = at / 365.25
    exposure = np.exp(rng.normal(0, 0.6, n_streets))
    street = exposure[:, None] * np.exp(rng.normal(0, 0.4, (n_streets, 3)))
    time = np.stack(
        [
            np.exp(0.8 * np.cos(2 * np.pi * (year - 0.05))),
            np.exp(0.25 * (year - year[-1])),
            np.full(days, 0.15),
        ]
    )
    free = np.isin(np.datetime64("2023-01-01") + at, np.array(HOLIDAYS, dtype="datetime64[D]"))
    time = time * np.where(free, 0.6, WEEK[(at + 6) % 7])
    rates = level * street[:, :, None] * time
    shock = rng.gamma(1 / alpha, alpha, rates.shape) if alpha else 1.0
    return SimpleNamespace(
        counts=rng.poisson(rates * shock), rates=rates, exposure=exposure, time=time
    )


@pytest.fixture(scope="session")
def city():
    return make_city()


@pytest.fixture(scope="session")
def model(city):
    return fit_counts(make_daily(city.counts, exposure=city.exposure), CALENDAR, seed=1)
