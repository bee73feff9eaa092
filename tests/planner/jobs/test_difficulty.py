"""Adjusted rates of a city: hard work is no fault, and what no model can say is said."""

import json

import numpy as np
import pandas as pd
import pytest

from planner.jobs.difficulty import make_difficulty_report

HARD, EASY = "020102", "010101"


@pytest.fixture
def year_orders(as_of):
    """Two streets that solve each item equally well; one has mostly hard work. A third works worse at the same."""
    rng = np.random.default_rng(4)
    parts = []
    for unit, hard_share, skill in (
        ("110101001", 0.9, 1.0),
        ("110101002", 0.1, 1.0),
        ("110102001", 0.5, 0.7),
    ):
        is_hard = rng.random(1_500) < hard_share
        chance = np.where(is_hard, 0.4, 0.9) * skill
        parts.append(
            pd.DataFrame(
                {
                    "unit_code": unit,
                    "item_code": np.where(is_hard, HARD, EASY),
                    "solved": rng.random(1_500) < chance,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    days = rng.uniform(1, 300, len(frame))
    frame["solved"] = frame["solved"].astype("boolean").where(rng.random(len(frame)) < 0.9)
    return frame.assign(
        order_no=[f"A{k:06d}-1" for k in range(len(frame))],
        received_at=pd.Timestamp(as_of) - pd.to_timedelta(days, unit="D"),
        route="street",
        community_code=None,
    )


def test_hard_work_is_taken_out_and_poor_work_stays(small_city, year_orders, as_of):
    report = make_difficulty_report(small_city, year_orders, as_of=as_of)
    hard, easy, poor = (report["units"][one] for one in ("110101001", "110101002", "110102001"))
    assert easy["solution_rate"] - hard["solution_rate"] > 0.3, "the official rates differ"
    assert (
        hard["low"] < easy["adjusted_rate"] < hard["high"]
        or easy["low"] < hard["adjusted_rate"] < easy["high"]
    ), "of the same skill"
    assert poor["high"] < min(hard["low"], easy["low"])
    answers = year_orders[year_orders["unit_code"] == "110101001"]["solved"]
    assert hard["n"] == int(answers.notna().sum())
    assert hard["solution_rate"] == pytest.approx(float(answers.mean()), abs=1e-4)
    assert report["odds"][0]["value"] == "0201"
    assert report["odds"][0]["name"] == "垃圾"
    assert report["ece"] < 0.05
    json.dumps(report, allow_nan=False)


def test_a_district_is_its_streets_together(small_city, year_orders, as_of):
    report = make_difficulty_report(small_city, year_orders, as_of=as_of)
    both = report["units"]["110101"]
    assert both["n"] == sum(report["units"][one]["n"] for one in ("110101001", "110101002"))


def test_too_few_answers_are_said(small_city, year_orders, as_of):
    few = year_orders.head(150)
    report = make_difficulty_report(small_city, few, as_of=as_of)
    assert "200" in report["lacking"]
    assert (report["units"], report["odds"]) == ({}, [])
    assert report["n"] == int(few["solved"].notna().sum())


def test_orders_of_other_years_do_not_count(small_city, year_orders, as_of):
    old = year_orders.assign(received_at=year_orders["received_at"] - pd.DateOffset(years=2))
    report = make_difficulty_report(small_city, old, as_of=as_of)
    assert report["n"] == 0
    assert report["lacking"]
