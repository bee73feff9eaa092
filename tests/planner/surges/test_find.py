"""Surges of a moment from orders, their words, and the draft of a report."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.counts import fit_counts, make_daily_counts
from planner.errors import PlannerError
from planner.surges import (
    SURGE_COLUMNS,
    calibrate_alarms,
    find_surges,
    find_terms,
    make_recent_counts,
    make_special_report,
)
from tests.planner.counts.conftest import CALENDAR

ZONE = "Asia/Shanghai"
START = pd.Timestamp("2025-01-01", tz=ZONE)
DAYS = 300
STREETS = [f"1101010{at:02d}" for at in range(1, 9)]


def make_orders(*, surge=False):
    """Return 20 orders a day and street of two items; in a surge, 01 of street 3 comes 40 times more in two days."""
    rng = np.random.default_rng(4)
    days = DAYS + 2
    n = rng.poisson(10, (len(STREETS), 2, days))
    street, item, day = (np.repeat(part.ravel(), n.ravel()) for part in np.indices(n.shape))
    text = np.where(item == 0, "楼上漏水没有人修", "路灯不亮请修")
    frame = pd.DataFrame(
        {
            "received_at": START
            + pd.to_timedelta(day * 86400 + rng.integers(0, 86400, len(day)), "s"),
            "street_code": np.array(STREETS)[street],
            "community_code": np.array(STREETS)[street] + "001",
            "district_code": "110101",
            "item_code": np.array(["01", "02"])[item],
            "text": text,
        }
    )
    if surge:
        at = START + pd.to_timedelta(DAYS * 86400 + np.sort(rng.integers(0, 2 * 86400, 80)), "s")
        more = pd.DataFrame(
            {
                "received_at": at,
                "street_code": STREETS[2],
                "community_code": STREETS[2] + "001",
                "district_code": "110101",
                "item_code": "01",
                "text": [f"云杉里小区自来水发黄，电话1380013{at:04d}" for at in range(80)],
            }
        )
        frame = pd.concat([frame, more])
    frame = frame.sort_values("received_at", ignore_index=True)
    return frame.assign(order_no=[f"O{at}" for at in range(len(frame))])


@pytest.fixture(scope="module")
def known():
    daily = make_daily_counts(make_orders(), CALENDAR, as_of=START + pd.Timedelta(days=DAYS))
    model = fit_counts(daily, CALENDAR, seed=1)
    return model, calibrate_alarms(model, seed=1)


def test_a_surge_is_found_on_its_levels_and_by_the_hour(known):
    model, alarms = known
    orders = make_orders(surge=True)
    late = START + pd.Timedelta(days=DAYS, hours=20)
    recent = make_recent_counts(orders, model, now=late)
    found = find_surges(model, recent, alarms)
    assert list(found.columns) == list(SURGE_COLUMNS)
    best = found[found["level"] == "street"].iloc[0]
    assert (best["area_code"], best["item_code"]) == (STREETS[2], "01")
    assert best["n"] > 2 * best["expected"]
    assert best["per_quarter"] <= 0.7
    assert set(found["item_code"]) == {"01"}
    early = make_recent_counts(orders, model, now=START + pd.Timedelta(days=DAYS, hours=1))
    assert early.counts[:, :, -1].sum() < recent.counts[:, :, -1].sum()
    assert find_surges(model, early, alarms).empty


def test_a_clean_day_has_no_surge(known):
    model, alarms = known
    recent = make_recent_counts(make_orders(), model, now=START + pd.Timedelta(days=DAYS, hours=15))
    assert find_surges(model, recent, alarms).empty


def test_items_and_days_the_model_does_not_know(known):
    model, alarms = known
    orders = make_orders().assign(item_code="77")
    recent = make_recent_counts(orders, model, now=START + pd.Timedelta(days=DAYS, hours=15))
    assert recent.unknown["item_code"].tolist() == ["77"]
    assert find_surges(model, recent, alarms).empty
    with pytest.raises(PlannerError, match="fit it to newer orders"):
        make_recent_counts(orders, model, now=START + pd.Timedelta(days=3000))


def test_the_report_says_where_since_when_in_what_words_and_masks(known):
    model, alarms = known
    orders = make_orders(surge=True)
    now = START + pd.Timedelta(days=DAYS + 1, hours=22)
    recent = make_recent_counts(orders, model, now=now)
    surge = find_surges(model, recent, alarms).query("level == 'street'").iloc[0]
    codes = [code + "001" for code in STREETS]
    centres = pd.DataFrame(
        {"x_m": np.arange(8) * 1000.0, "y_m": np.zeros(8)}, index=pd.Index(codes)
    )
    report = make_special_report(
        surge, orders=orders, model=model, recent=recent, moment=now, centres=centres
    )
    assert report.place is not None
    assert STREETS[2] + "001" in report.place.area_codes
    assert report.by_street == ((STREETS[2], report.n),)
    assert sum(n for _, n, _ in report.by_day[-2:]) >= 80
    assert any("云杉里" in term.term and term.is_new for term in report.terms)
    assert report.quotes
    assert not any("13800" + "13" in quote for quote in report.quotes)
    assert len(report.order_nos) == report.n
    assert report.by_day[-1][0] == date(2025, 1, 1) + timedelta(days=DAYS + 1)
    with pytest.raises(PlannerError, match="expected a row of find_surges"):
        make_special_report(
            pd.Series({"n": 1}), orders=orders, model=model, recent=recent, moment=now
        )


def test_terms_that_jump_and_names_that_are_new():
    before = ["路灯不亮请修", "楼上漏水没有人修", "路灯坏了没有人修"] * 40
    now = ["路灯不亮请修"] * 5 + ["云杉里小区自来水发黄", "云杉里自来水发黄有异味"] * 6
    found = find_terms(now, before).set_index("term")
    assert any("自来水" in term for term in found.index)
    assert found["is_new"].any()
    assert not any("路灯" in term for term in found.index)
    assert find_terms([], before).empty
    assert find_terms(["自来水发黄"] * 2, before).empty  # two texts may name a person
    assert find_terms(now, now).empty
