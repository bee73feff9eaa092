"""Rates: against counting by hand, against Wilson's formula and scipy, and the same bytes from any order of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from gridgov.errors import GridgovError
from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.rates.assessment import ASSESSMENT_COLUMNS, judge_orders, make_assessment
from gridgov.rules.rates.three_rates import (
    COUNT_COLUMNS,
    RATE_COLUMNS,
    add_up,
    make_counts,
    make_rates,
    make_wilson_interval,
)

CONSTANTS = make_constants()
NOW = pd.Timestamp("2025-06-01", tz="Asia/Shanghai")
UNITS = pd.DataFrame(
    [
        ("110101", "东城区", "district", "110101"),
        ("110102", "西城区", "district", "110102"),
        ("110101001", "甲街道", "street", "110101"),
        ("110101002", "乙街道", "street", "110101"),
        ("110102001", "丙街道", "street", "110102"),
        ("D01", "城管委", "department", ""),
    ],
    columns=["unit_code", "name", "kind", "district_code"],
)


def make_judged(*rows):
    columns = ["unit_code", "valid", "contacted", "solved", "satisfied", "excluded"]
    return pd.DataFrame(rows, columns=columns).assign(month="2025-03", flag="")


def make_orders(rng, n):
    codes = UNITS["unit_code"].to_numpy()
    closed = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 120 * 24, n), unit="h")
    answered = rng.random(n) < 0.8

    def answer(*values):
        return np.where(
            answered, np.array(values, dtype=object)[rng.integers(0, len(values), n)], None
        )

    frame = pd.DataFrame(
        {
            "order_no": [f"A{i:06d}" for i in range(n)],
            "unit_code": codes[rng.integers(0, len(codes), n)],
            "closed_at": pd.DatetimeIndex(closed).tz_localize("Asia/Shanghai").as_unit("us"),
            "contacted": answer(True, True, False),
            "solved": answer(True, False),
            "satisfied": answer("satisfied", "basically", "unsatisfied"),
        }
    )
    return frame.astype({"contacted": "boolean", "solved": "boolean"})


def assess(orders, constants=CONSTANTS, **options):
    judged = judge_orders(orders, as_of=NOW, constants=constants, **options)
    return make_assessment(judged.orders, UNITS, constants=constants)


def test_rates_by_hand():
    judged = make_judged(
        ("U", True, 2, 2, 2, False),
        ("U", True, 2, 2, 1, False),
        ("U", True, 2, 0, 0, False),
        ("U", True, 0, 1, 2, False),
        ("U", True, 2, 2, 2, True),
        ("U", False, -1, -1, -1, False),
    )

    rates = make_rates(make_counts(judged), constants=CONSTANTS).iloc[0]

    assert tuple(rates.index) == RATE_COLUMNS
    assert (rates["orders"], rates["callbacks"], rates["excluded"]) == (6, 4, 1)
    assert rates["response_rate"] == 3 / 4
    assert rates["solution_rate"] == 2 / 4
    assert rates["satisfaction_rate"] == (2 + 0.9 * 1) / 4


def test_constants_of_the_pack_count():
    constants = make_constants(
        [
            make_constant("rates.basically_share", 0.5, "documented"),
            make_constant("rates.partly_share", 0.25, "assumed"),
        ]
    )
    judged = make_judged(("U", True, 2, 1, 1, False), ("U", True, 2, 2, 2, False))

    rates = make_rates(make_counts(judged), constants=constants).iloc[0]

    assert (rates["solution_rate"], rates["satisfaction_rate"]) == (1.25 / 2, 1.5 / 2)


def test_no_valid_callback_no_rate():
    judged = make_judged(("U", False, -1, -1, -1, False), ("V", True, 2, 2, 2, True))

    rates = make_rates(make_counts(judged), constants=CONSTANTS)

    assert rates["callbacks"].tolist() == [0, 0]
    assert rates.filter(regex="_(rate|low|high)$").isna().all(axis=None)


def test_what_is_not_asked_has_no_rate():
    constants = make_constants(
        [make_constant("rates.answers_needed", ["solved", "satisfied"], "practice")]
    )
    rates = make_rates(make_counts(make_judged(("U", True, -1, 2, 2, False))), constants=constants)

    assert np.isnan(rates["response_rate"].iloc[0])
    assert rates["solution_rate"].iloc[0] == 1.0


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_intervals_are_those_of_scipy(level):
    n = np.repeat([1, 2, 7, 30, 4000], 3)
    hits = np.array([0, 1, 1, 0, 1, 2, 0, 3, 7, 0, 29, 30, 1, 2000, 4000])

    low, high = make_wilson_interval(hits / n, n, level=level)

    known = [
        binomtest(int(k), int(m)).proportion_ci(level, method="wilson")
        for k, m in zip(hits, n, strict=True)
    ]
    np.testing.assert_allclose(low, [one.low for one in known], atol=1e-12)
    np.testing.assert_allclose(high, [one.high for one in known], atol=1e-12)


def test_wilson_by_hand():
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    low, high = make_wilson_interval(
        [81 / 263, 15 / 148, 0.0, 1 / 29], [263, 148, 20, 29], level=0.95
    )

    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_rates_equal_those_counted_one_by_one():
    rng = np.random.default_rng(3)
    n = 4000
    judged = pd.DataFrame(
        {
            "month": rng.choice(["2025-01", "2025-02"], n),
            "unit_code": rng.choice(["U", "V", "W"], n),
            "valid": rng.random(n) < 0.7,
            "flag": rng.choice(["", "future", "no_answer"], n),
            "contacted": rng.choice([0, 2], n),
            "solved": rng.choice([0, 1, 2], n),
            "satisfied": rng.choice([0, 1, 2], n),
            "excluded": rng.random(n) < 0.05,
        }
    )

    rates = make_rates(make_counts(judged), constants=CONSTANTS)

    assert tuple(rates.columns[: len(COUNT_COLUMNS)]) == COUNT_COLUMNS
    for row in rates.to_dict("records"):
        own = [
            one
            for one in judged.to_dict("records")
            if (one["month"], one["unit_code"]) == (row["month"], row["unit_code"])
        ]
        used = [one for one in own if one["valid"] and not one["excluded"]]
        share = sum({2: 1, 1: 0.9, 0: 0}[one["satisfied"]] for one in used) / len(used)
        assert row["orders"] == len(own)
        assert row["excluded"] == sum(one["excluded"] for one in own)
        assert row["flagged"] == sum(one["flag"] == "future" for one in own)
        assert row["solution_rate"] == sum(one["solved"] == 2 for one in used) / len(used)
        assert row["satisfaction_rate"] == pytest.approx(share, abs=1e-12)


def test_counts_add_up_to_districts():
    frame = make_counts(make_judged(*[(u, True, 2, 2, 2, False) for u in ("S1", "S2", "S2", "X")]))

    summed = add_up(frame, pd.Series({"S1": "D", "S2": "D"}))

    assert summed[["unit_code", "orders", "solved"]].to_numpy().tolist() == [["D", 3, 3]]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_rows_in_any_order_give_the_same_bytes(seed):
    rng = np.random.default_rng(seed)
    orders = make_orders(rng, 400)
    few = make_constants([make_constant("rates.callbacks_min", 3, "assumed")])

    first = assess(orders, few)
    again = assess(orders.iloc[rng.permutation(len(orders))], few)

    assert tuple(first.columns) == ASSESSMENT_COLUMNS
    assert first.to_csv() == again.to_csv()
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_a_district_stands_for_its_streets_and_itself():
    table = assess(make_orders(np.random.default_rng(1), 2000))
    march = table[table["month"] == "2025-03"].set_index("unit_code")
    orders = make_orders(np.random.default_rng(1), 2000)
    start, end = (pd.Timestamp(f"2025-0{m}-19 12:00", tz="Asia/Shanghai") for m in (2, 3))
    inside = orders[(orders["closed_at"] >= start) & (orders["closed_at"] < end)]

    assert march.loc["110101", "orders"] == inside["unit_code"].str.startswith("110101").sum()
    assert march.loc["110101001", "orders"] == (inside["unit_code"] == "110101001").sum()
    assert march.loc["D01", "group"] == "departments"


def test_times_in_the_future_and_before_the_appeal_do_not_count():
    orders = make_orders(np.random.default_rng(2), 3).assign(
        unit_code="D01", contacted=True, solved=True, satisfied="satisfied"
    )
    orders["received_at"] = orders["closed_at"] - pd.Timedelta(days=1)
    orders.loc[0, "closed_at"] = pd.Timestamp("9998-01-01", tz="Asia/Shanghai")
    orders.loc[1, "received_at"] = orders.loc[1, "closed_at"] + pd.Timedelta(seconds=1)

    judged = judge_orders(orders, as_of=NOW, constants=CONSTANTS).orders

    assert judged["flag"].tolist() == ["future", "before_receipt", ""]
    assert judged["valid"].tolist() == [False, False, True]
    # A year that was mistyped must not open windows for the centuries between.
    assert judged["month"].isna().tolist() == [True, True, False]


def test_orders_that_come_twice():
    orders = make_orders(np.random.default_rng(4), 6)
    other = orders.iloc[[1]].assign(unit_code="elsewhere")

    judged = judge_orders(
        pd.concat([orders, orders.iloc[[0]], other]), as_of=NOW, constants=CONSTANTS
    )

    assert judged.conflicting == ("A000001",)
    assert sorted(judged.orders["order_no"]) == [f"A{i:06d}" for i in (0, 2, 3, 4, 5)]


def test_callbacks_kept_apart_from_the_orders():
    orders = make_orders(np.random.default_rng(5), 3)[["order_no", "unit_code", "closed_at"]]
    calls = pd.DataFrame(
        {
            "order_no": ["A000000", "A000000", "A000001", "X"],
            "called_at": pd.to_datetime(["2025-05-02", "2025-05-01", "2025-05-03", "2025-05-03"]),
            "contacted": True,
            "solved": [False, True, None, True],
            "satisfied": "basically",
        }
    )
    calls["called_at"] = calls["called_at"].dt.tz_localize("Asia/Shanghai")

    judged = judge_orders(orders, callbacks=calls, as_of=NOW, constants=CONSTANTS)

    assert judged.unknown_callbacks == 1
    assert judged.orders["flag"].tolist() == ["contradicting", "incomplete", "no_answer"]
    assert judged.orders["solved"].tolist() == [0, -1, -1]


def test_a_missing_column_is_named():
    with pytest.raises(GridgovError, match="orders: column solved is missing"):
        assess(make_orders(np.random.default_rng(0), 3).drop(columns="solved"))


def test_no_orders_at_all():
    assert assess(make_orders(np.random.default_rng(0), 0)).empty
