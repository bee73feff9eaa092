"""The model finds what makes orders hard, says so with honest probabilities, and adjusts for it alone."""

import numpy as np
import pandas as pd
import pytest

from planner.difficulty import DifficultyError, adjust_rates, describe_orders, fit_difficulty


def make_orders(seed, n=6000, skill=None):
    """Orders whose answer depends on their item and bounces, and on the skill of their street."""
    rng = np.random.default_rng(seed)
    street = rng.integers(0, 8, n)
    # Streets 0-3 get the hard item far more often.
    hard = rng.random(n) < np.where(street < 4, 0.7, 0.2)
    bounced = rng.random(n) < 0.2
    skills = np.zeros(8) if skill is None else skill
    logit = 1.2 - 1.8 * hard - 0.7 * bounced + skills[street]
    solved = pd.array(rng.random(n) < 1 / (1 + np.exp(-logit)), dtype="boolean")
    solved[rng.random(n) < 0.3] = pd.NA
    orders = pd.DataFrame(
        {
            "order_no": [f"N{i}" for i in range(n)],
            "item_code": np.where(hard, "H1", "E1"),
            "route": "street",
            "received_at": pd.Timestamp("2025-01-01", tz="Asia/Shanghai")
            + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
            "community_code": "c",
            "street": street,
            "solved": pd.Series(solved),
        }
    )
    return orders, pd.Series(bounced.astype(int), index=orders["order_no"])


def fit(orders, bounces):
    groups = pd.Series({"H1": "hard", "E1": "easy"})
    features = describe_orders(orders, item_groups=groups, bounces=bounces)
    return fit_difficulty(features, orders["solved"], seed=1)


def test_what_is_hard_is_found_with_its_odds():
    fitted = fit(*make_orders(1))
    odds = fitted.odds.set_index(["feature", "value"])
    assert odds.loc[("item_group", "hard"), "high"] < 0.6
    ratio = (
        odds.loc[("item_group", "easy"), "odds_ratio"]
        / odds.loc[("item_group", "hard"), "odds_ratio"]
    )
    assert ratio == pytest.approx(np.exp(1.8), rel=0.2)
    assert odds.loc[("bounces", "1"), "odds_ratio"] < 1
    winter = odds.loc[("season", "winter")]
    assert winter["low"] < 1 < winter["high"]
    assert fitted.auc > 0.68


def test_probabilities_mean_what_they_say():
    fitted = fit(*make_orders(2))
    assert fitted.ece < 0.03
    assert fitted.calibration["n"].sum() == len(fitted.chance)


def test_work_is_adjusted_for_and_skill_is_not():
    skill = np.zeros(8)
    skill[2], skill[6] = 0.9, -0.9
    orders, bounces = make_orders(3, n=12_000, skill=skill)
    fitted = fit(orders, bounces)
    rates = adjust_rates(orders["solved"], fitted.chance, orders["street"])
    plain = rates.index.difference([2, 6])
    # Officially streets 0-3 look worse; with the same work they are alike.
    assert rates.loc[[0, 1, 3], "solution_rate"].max() < rates.loc[[4, 5, 7], "solution_rate"].min()
    assert np.ptp(rates.loc[plain, "adjusted_rate"]) < 0.08
    assert rates["adjusted_rate"].idxmax() == 2
    assert rates["adjusted_rate"].idxmin() == 6
    assert (rates["low"] <= rates["adjusted_rate"]).all()
    assert (rates["adjusted_rate"] <= rates["high"]).all()


def test_intervals_hold_the_truth():
    held = []
    for seed in range(12):
        orders, bounces = make_orders(100 + seed, n=3000)
        fitted = fit(orders, bounces)
        rates = adjust_rates(orders["solved"], fitted.chance, orders["street"])
        whole = orders["solved"].mean()
        held += list((rates["low"] <= whole) & (whole <= rates["high"]))
    assert 0.8 < np.mean(held) <= 1.0


def test_nothing_to_learn_from_is_said():
    orders, bounces = make_orders(4, n=100)
    with pytest.raises(DifficultyError, match="200 or more"):
        fit(orders, bounces)
    orders, bounces = make_orders(4, n=1000)
    orders["solved"] = pd.Series([True] * 1000, dtype="boolean")
    with pytest.raises(DifficultyError, match="the same"):
        fit(orders, bounces)


def test_features_that_are_not_known_are_left_out():
    orders, _ = make_orders(5, n=1000)
    features = describe_orders(orders, item_groups=pd.Series(dtype=object))
    fitted = fit_difficulty(features, orders["solved"], seed=1)
    assert set(fitted.odds["feature"]) == {"season"}
    assert adjust_rates(orders["solved"], fitted.chance, pd.Series(None, index=orders.index)).empty
