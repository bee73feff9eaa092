"""The pre-season list against seasons that were planted."""

from datetime import date, timedelta

import numpy as np
import pytest

from gridgov.rules.calendar import make_calendar
from planner.counts import fit_counts
from planner.errors import PlannerError
from planner.seasons import SEASON_COLUMNS, SeasonRules, find_seasons
from planner.seasons.preseason import find_latest_start, find_rises, smooth_year
from tests.planner.counts.conftest import CALENDAR, make_daily

DAYS = 3 * 365
TODAY = date(2025, 12, 31)


def make_seasonal(*, seed=1, n_streets=10):
    """Return counts: item 0 four times as much from 15 November to 15 March, item 1 without a season."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2023-01-01") + np.arange(DAYS)
    key = (
        (days.astype("datetime64[M]").astype(int) % 12 + 1) * 100
        + (days - days.astype("datetime64[M]")).astype(int)
        + 1
    )
    winter = (key >= 1115) | (key <= 315)
    rates = np.ones((n_streets, 2, DAYS)) * np.where(
        np.arange(2)[:, None] == 0, np.where(winter, 1.6, 0.4), 0.8
    )
    return rng.poisson(rates)


@pytest.fixture(scope="module")
def model():
    return fit_counts(make_daily(make_seasonal()), CALENDAR, seed=1)


def test_what_rises_where_when_and_by_how_much(model):
    found = find_seasons(model, today=TODAY, calendar=CALENDAR, lead_days={"I0": 20})
    assert list(found.columns) == list(SEASON_COLUMNS)
    assert set(found["item_code"]) == {"I0"}
    assert set(found["level"]) == {"city", "district", "street"}
    assert (found["level"] == "street").sum() == 10
    city = found[found["level"] == "city"].iloc[0]
    assert abs((city["rises_on"] - date(2026, 11, 15)).days) <= 14
    assert city["ratio"] == pytest.approx(2.0, rel=0.15)
    assert city["expected"] == pytest.approx(10 * 1.6 * 121, rel=0.15)
    assert city["low"] < city["expected"] < city["high"]
    assert city["sure"] > 0.99
    assert not city["is_late"]
    # Twenty working days before, weekends not counted.
    gap = (city["rises_on"] - city["latest_start"]).days
    assert 26 <= gap <= 32


def test_a_start_that_has_passed_is_late_and_unknown_duties_have_none(model):
    late = find_seasons(model, today=TODAY, calendar=CALENDAR, lead_days={"I0": 400})
    assert late["is_late"].all()
    none = find_seasons(model, today=TODAY, calendar=CALENDAR, lead_days={})
    assert none["latest_start"].isna().all()
    assert not none["is_late"].any()


def test_a_season_needs_a_year_and_a_model_that_reaches(model):
    short = fit_counts(make_daily(make_seasonal()[:, :, :300]), CALENDAR, seed=1)
    with pytest.raises(PlannerError, match="needs a year"):
        find_seasons(short, today=date(2023, 10, 28), calendar=CALENDAR, lead_days={})
    with pytest.raises(PlannerError, match="fit it to newer orders"):
        find_seasons(model, today=TODAY + timedelta(days=200), calendar=CALENDAR, lead_days={})


def test_nothing_seasonal_gives_an_empty_list(model):
    rules = SeasonRules(least_ratio=5.0)
    found = find_seasons(model, today=TODAY, calendar=CALENDAR, lead_days={}, rules=rules)
    assert found.empty
    assert list(found.columns) == list(SEASON_COLUMNS)


def test_the_latest_start_counts_working_days():
    plain = make_calendar()
    assert find_latest_start(date(2026, 3, 9), 5, plain) == date(
        2026, 3, 2
    )  # a week, Monday to Monday
    assert find_latest_start(date(2026, 3, 9), 0, plain) == date(2026, 3, 9)
    holiday = make_calendar([date(2026, 3, 4)])
    assert find_latest_start(date(2026, 3, 9), 5, holiday) == date(2026, 2, 27)


def test_a_rise_may_wrap_around_the_end_of_the_year():
    year = np.ones((1, 365))
    year[0, 330:] = year[0, :60] = 4.0
    rises = find_rises(smooth_year(year), 1.3)
    assert 325 <= rises.first[0] <= 330
    assert 94 <= rises.days[0] <= 106
    flat = find_rises(np.ones((1, 365)), 1.3)
    assert flat.days[0] == 0
