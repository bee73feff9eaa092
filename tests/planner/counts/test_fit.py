"""The fit against rates that are known, and against what bad input leaves to say."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.counts import fit_counts
from planner.errors import PlannerError
from tests.planner.counts.conftest import CALENDAR, make_city, make_daily


def make_day(at):
    return date(2023, 1, 1) + timedelta(days=int(at))


def test_rates_of_weeks_seasons_holidays_and_streets_are_found(city, model):
    month = slice(2 * 365 + 200, 2 * 365 + 290)
    frame = model.expect_by_street_item(make_day(month.start), make_day(month.stop - 1))
    true = city.rates[:, :, month].sum(axis=2)
    own = frame["own_mean"].to_numpy().reshape(true.shape)
    dense = true > 50
    assert np.abs(np.log(own / true))[dense].max() < 0.25
    assert abs(own.sum() / true.sum() - 1) < 0.05
    # A holiday and a Sunday in the city, and the season's high and low.
    for day in (date(2024, 10, 3), date(2024, 6, 2), date(2024, 1, 15), date(2024, 7, 15)):
        at = (day - date(2023, 1, 1)).days
        found = model.expect("", ["I0", "I1"], day, day).mean
        assert found == pytest.approx(city.rates[:, :2, at].sum(axis=0), rel=0.25)


def test_history_and_expectation_have_the_same_sum(city, model):
    expected = model.expect("", list(model.items), model.first_day, model.last_day).mean
    assert expected == pytest.approx(city.counts.sum(axis=(0, 2)), rel=0.01)


def test_streets_add_up_to_districts_and_these_to_the_city(model):
    window = (date(2026, 1, 1), date(2026, 2, 28))
    streets = model.expect(list(model.streets), "I0", *window).mean
    districts = model.expect(list(model.districts), "I0", *window).mean
    city = model.expect("", "I0", *window).mean
    by_district = np.bincount(model.street_district, weights=streets)
    assert by_district == pytest.approx(districts, rel=1e-12)
    assert districts.sum() == pytest.approx(city[0], rel=1e-12)


def test_a_sparse_series_borrows_what_it_cannot_say(city):
    """A street without any count is expected to have few, not none; its season is the city's."""
    counts = city.counts.copy()
    counts[5] = 0
    model = fit_counts(make_daily(counts, exposure=city.exposure), CALENDAR, seed=1)
    winter = model.expect("S05", "I0", date(2025, 1, 1), date(2025, 1, 31)).mean[0]
    summer = model.expect("S05", "I0", date(2025, 7, 1), date(2025, 7, 31)).mean[0]
    assert 0 < winter < 0.2 * city.rates[5, 0, 731:762].sum()
    assert winter / summer == pytest.approx(np.exp(1.6), rel=0.4)


def test_peers_say_what_a_street_in_excess_does_not(city):
    counts = city.counts.copy()
    rng = np.random.default_rng(8)
    counts[4, 1] = rng.poisson(city.rates[4, 1] * 4)
    model = fit_counts(make_daily(counts, exposure=city.exposure), CALENDAR, seed=1)
    frame = model.expect_by_street_item(date(2025, 9, 1), date(2025, 11, 30))
    row = frame.set_index(["street_code", "item_code"]).loc[("S04", "I1")]
    days = slice(974, 1065)
    assert row["own_mean"] == pytest.approx(counts[4, 1, days].sum(), rel=0.25)
    structure = city.exposure[4] * city.time[1, days].sum()
    assert row["peers_mean"] == pytest.approx(structure, rel=0.5)
    assert 0.05 < row["between_variance"] < 1


def test_excluded_windows_teach_nothing(city):
    """Ten times as much in a treated window leaves no trace if the window is left out."""
    counts = city.counts.copy()
    counts[2, 1, 1000:1060] *= 10
    window = pd.DataFrame(
        {
            "street_code": ["S02"],
            "item_code": ["I1"],
            "start": [make_day(1000)],
            "end": [make_day(1059)],
        }
    )
    ask = ("S02", "I1", make_day(1000), make_day(1059))
    daily = make_daily(counts, exposure=city.exposure)
    blind = fit_counts(daily, CALENDAR, seed=1, exclude=window).expect(*ask).mean[0]
    clean = fit_counts(make_daily(city.counts, exposure=city.exposure), CALENDAR, seed=1)
    assert blind == pytest.approx(clean.expect(*ask).mean[0], rel=0.15)
    whole = window.assign(item_code=None)
    assert fit_counts(daily, CALENDAR, seed=1, exclude=whole).expect(*ask).mean[0] < 2 * blind


def test_predictions_hold_their_intervals():
    """Of counts drawn with overdispersion, about four in five lie between the tenth and the ninetieth part."""
    city = make_city(seed=5, days=3 * 365 + 92, level=2.0, alpha=0.15, n_streets=30)
    known = city.counts[:, :, : 3 * 365]
    model = fit_counts(make_daily(known, exposure=city.exposure), CALENDAR, seed=1)
    after = city.counts[:, :, 3 * 365 :].sum(axis=2)
    window = (make_day(3 * 365), make_day(3 * 365 + 91))
    inside = []
    for item in range(3):
        found = model.expect(list(model.streets), f"I{item}", *window)
        inside.append(
            (after[:, item] >= found.quantile(0.1)) & (after[:, item] <= found.quantile(0.9))
        )
    assert 0.7 <= np.mean(inside) <= 0.95


def test_a_missing_month_is_not_silence(city):
    counts = city.counts.copy()
    gap = np.zeros(counts.shape[2], dtype=bool)
    gap[500:531] = True
    counts[:, :, gap] = 0
    model = fit_counts(make_daily(counts, exposure=city.exposure, missing=gap), CALENDAR, seed=1)
    full = city.rates[:, 0, 500:531].sum()
    assert model.expect("", "I0", make_day(500), make_day(530)).mean[0] == pytest.approx(
        full, rel=0.2
    )


def test_one_giant_count_moves_the_rest_little(city):
    counts = city.counts.copy()
    counts[0, 1, 700] = 5000
    model = fit_counts(make_daily(counts, exposure=city.exposure), CALENDAR, seed=1)
    far = model.expect("", "I1", make_day(900), make_day(990)).mean[0]
    assert far == pytest.approx(city.rates[:, 1, 900:991].sum(), rel=0.25)


def test_less_than_a_year_has_no_season_and_says_so(city):
    model = fit_counts(
        make_daily(city.counts[:, :, :200], exposure=city.exposure), CALENDAR, seed=1
    )
    assert not model.has_season
    found = model.expect(list(model.streets), "I1", make_day(200), make_day(260))
    assert np.isfinite(found.variance).all()


@pytest.mark.parametrize(
    ("fill", "days", "says"),
    [(1, 20, "20 days of counts: a model needs at least 28"), (0, 60, "no counts are left")],
)
def test_what_cannot_be_fitted_is_named(fill, days, says):
    with pytest.raises(PlannerError, match=says):
        fit_counts(make_daily(np.full((2, 1, days), fill)), CALENDAR, seed=1)


def test_single_counts_are_enough_for_an_answer():
    """One street, one item, one count a month: a defined answer without NaN."""
    counts = np.zeros((1, 1, 400), dtype=np.int64)
    counts[0, 0, ::30] = 1
    model = fit_counts(make_daily(counts, districts=1), CALENDAR, seed=1)
    found = model.expect("S00", "I0", make_day(400), make_day(429))
    assert 0.4 < found.mean[0] < 2.5
    assert np.isfinite(found.variance).all()
    assert not model.forecast(12).isna().any(axis=None)
