"""Thresholds hold what they state; tails are those of the negative binomial law."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from planner.counts import fit_counts
from planner.errors import PlannerError
from planner.surges import calibrate_alarms
from planner.surges.alarms import find_smallest_tail, find_starts
from planner.surges.series import LONGEST, WINDOWS, find_tail, make_watched
from tests.planner.counts.conftest import CALENDAR, make_city, make_daily

SPAN = 91 + LONGEST - 1
HISTORY = 3 * 365


@pytest.fixture(scope="module")
def clean():
    """A city of 40 streets with three years to learn from and a clean quarter to watch."""
    city = make_city(seed=3, days=HISTORY + SPAN, n_streets=40, level=1.5, alpha=0.05)
    daily = make_daily(city.counts[:, :, :HISTORY], districts=4, exposure=city.exposure)
    model = fit_counts(daily, CALENDAR, seed=1)
    return city, model, calibrate_alarms(model, seed=2)


def count_alarms(model, alarm, series, counts, rng):
    """Watch a quarter by the hour, hours spread evenly, and return the surges that ring."""
    so_far = np.cumsum(rng.multinomial(counts, np.full(24, 1 / 24)), axis=2)
    which, day, hour = np.nonzero(np.diff(so_far, axis=2, prepend=0))
    keep = day >= LONGEST - 1
    which, day, hour = which[keep], day[keep], hour[keep]
    p, _ = find_smallest_tail(
        series,
        which,
        day,
        counts=counts,
        so_far=so_far[which, day, hour].astype(float),
        passed=model.hours[series.item[which], 1, hour],
    )
    rings = p <= alarm.threshold[alarm.group[series.area[which]]]
    return which[rings], (day * 24 + hour)[rings]


def test_false_alarms_of_clean_streets_are_as_rare_as_stated(clean):
    city, model, alarms = clean
    first = model.last_day + timedelta(days=1)
    series = make_watched(model, first, first + timedelta(days=SPAN - 1))["street"]
    counts = city.counts[:, :, HISTORY:].reshape(-1, SPAN)
    rng = np.random.default_rng(1)
    alarm = alarms["street"]
    false = len(find_starts(*count_alarms(model, alarm, series, counts, rng))) / 40
    assert alarm.stated * 0.4 < false < min(alarm.stated * 1.6, 1.0)
    surge = counts.copy()
    dense = np.flatnonzero(series.mean.mean(axis=1) > 6)
    surge[dense, 30:] *= 3
    which, at = count_alarms(model, alarm, series, surge, rng)
    soon = {one for one, hour in zip(which, at, strict=True) if 30 * 24 <= hour < 33 * 24}
    assert len(dense) >= 3
    assert np.isin(dense, list(soon)).mean() >= 0.9


def test_the_series_of_districts_and_city_are_sums(clean):
    _, model, _ = clean
    first = model.last_day + timedelta(days=1)
    watched = make_watched(model, first, first + timedelta(days=13))
    city = watched["street"].mean.reshape(40, 3, -1).sum(axis=0)
    assert watched["city"].mean == pytest.approx(city)
    expected = model.expect("", list(model.items), first, first + timedelta(days=13))
    assert watched["city"].mean.sum(axis=1) == pytest.approx(expected.mean)
    assert watched["city"].log_variance == pytest.approx(expected.log_variance, rel=1e-6)
    assert watched["city"].alpha.shape == (len(WINDOWS), 3)


def test_the_same_seed_gives_the_same_thresholds(clean):
    _, model, alarms = clean
    again = calibrate_alarms(model, seed=2)
    assert all((again[level].threshold == alarms[level].threshold).all() for level in alarms)
    strict = calibrate_alarms(model, seed=2, stated={"street": 0.2})
    assert (strict["street"].threshold < alarms["street"].threshold).all()
    with pytest.raises(PlannerError, match="expected above 0"):
        calibrate_alarms(model, seed=2, stated={"street": 0})


def test_the_tail_is_that_of_the_negative_binomial_law():
    n, mean = np.array([9.0, 30.0, 400.0]), np.array([2.0, 9.0, 200.0])
    tail = find_tail(n, mean, log_variance=np.zeros(3), alpha=np.full(3, 0.05))
    known = stats.nbinom.sf(n - 1, 20, 20 / (20 + mean))
    assert tail == pytest.approx(known)
    assert (find_tail(mean, mean, log_variance=np.zeros(3), alpha=np.full(3, 0.05)) == 1).all()


def test_alarms_of_one_series_within_a_week_are_one_surge():
    which = np.array([0, 0, 0, 1, 0])
    at = np.array([0, 24, 24 + 8 * 24, 30, 25 + 8 * 24])
    assert sorted(find_starts(which, at).tolist()) == [0, 2, 3]
