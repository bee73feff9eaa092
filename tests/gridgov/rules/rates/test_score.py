"""Scores: weights by date, missing rates, texts that are no weights."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.rates.score import find_weights, make_scores, make_weights
from gridgov.rules.rates.window import make_window_rules

RULES = make_window_rules(make_constants())


def make_city(**values):
    return make_constants(make_constant(f"rates.{k}", v, "assumed") for k, v in values.items())


def make_rates(month="2025-03", callbacks=100, rates=(1.0, 0.8, 0.9)):
    names = ("response_rate", "solution_rate", "satisfaction_rate")
    return pd.DataFrame([dict(zip(names, rates, strict=True))]).assign(
        month=month, callbacks=callbacks
    )


def test_a_score_is_the_weighted_sum():
    row = make_scores(make_rates(), constants=make_city(), rules=RULES).iloc[0]

    assert row["score"] == 88.0  # 100 (0.2 · 1 + 0.4 · 0.8 + 0.4 · 0.9)
    assert row["score_low"] < row["score"] < row["score_high"]


def test_weights_begin_with_the_month_that_begins_after_them():
    constants = make_city(weights=["2025-02-01 10/50/40", "2025-02-20 0/50/50"])

    def score(month):
        return make_scores(make_rates(month), constants=constants, rules=RULES)["score"].iloc[0]

    # March begins on February 19, a day before the second change.
    assert [score(month) for month in ("2025-02", "2025-03", "2025-04")] == [88.0, 86.0, 85.0]


def test_weights_in_force_on_a_day():
    weights = make_weights(make_city(weights=["2025-01-01 10/50/40"]))

    assert find_weights(weights, date(2024, 12, 31)).response == 0.2
    assert find_weights(weights, date(2025, 1, 1)).as_tuple() == (0.1, 0.5, 0.4)


def test_a_missing_rate_leaves_no_score_unless_it_has_no_weight():
    rates = make_rates(rates=(np.nan, 0.8, 0.9))
    missing = make_scores(rates, constants=make_city(), rules=RULES)
    without = make_scores(rates, constants=make_city(weights=["2000-01-01 0/50/50"]), rules=RULES)

    assert missing.isna().all(axis=None)
    assert without["score"].iloc[0] == 85.0


def test_no_callbacks_no_score():
    rates = make_rates(callbacks=0, rates=(np.nan, np.nan, np.nan))

    assert make_scores(rates, constants=make_city(), rules=RULES).isna().all(axis=None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"response_weight": 0.3}, "the three weights sum to 1.1, expected 1"),
        ({"weights": ["2025-01-01 20/40/50"]}, "sums to 110, expected 100"),
        ({"weights": ["2025-02-30 20/40/40"]}, "day is out of range"),
        ({"weights": ["20/40/40"]}, "expected such as '2024-01-01 20/40/40'"),
        ({"weights": ["2025-01-01 20/40/40", "2025-01-01 10/50/40"]}, "found one day twice"),
    ],
)
def test_weights_that_cannot_be_used_are_said(values, words):
    with pytest.raises(ValueError, match=words):
        make_weights(make_city(**values))
