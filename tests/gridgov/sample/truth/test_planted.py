from collections import Counter

import numpy as np
import pandas as pd
import pytest

from gridgov.sample.land.geography import get_metric
from gridgov.sample.land.slots import make_slots
from gridgov.sample.truth.events import make_events
from gridgov.sample.truth.planted import FEWEST, HOTSPOT_KINDS, make_hotspots

AS_OF = pd.Timestamp("2026-01-01")


@pytest.fixture(scope="module")
def rows(sample):
    rows = sample.truth.merge(
        sample.table[["工单编号", "受理时间"]].drop_duplicates("工单编号"),
        left_on="appeal_no",
        right_on="工单编号",
    )
    rows["received_at"] = pd.to_datetime(rows["受理时间"], errors="coerce")
    rows["level1"] = rows["item_code"].str[:2]
    rows[["x", "y"]] = get_metric(rows["lon"], rows["lat"])
    return rows[rows["received_at"].notna()]


def test_every_kind_is_there_in_its_number(sample):
    kinds = Counter(spot["kind"] for spot in sample.planted["hotspots"])
    assert kinds == {kind: rule.count for kind, rule in HOTSPOT_KINDS.items()}
    streets = {spot["street_code"] for spot in sample.planted["hotspots"]}
    assert len(streets) > 40


def test_a_hotspots_appeals_are_where_when_and_what_it_says(sample, rows):
    for spot in sample.planted["hotspots"]:
        own = rows[rows["hotspot_id"] == spot["id"]]
        assert len(own) == spot["appeals"] >= FEWEST
        assert own["person_no"].nunique() == spot["persons"] > 0.5 * spot["appeals"]
        assert set(own["level1"]) == {spot["level1_code"]}
        assert (own["item_code"] == spot["item_code"]).mean() > 0.4
        away = np.hypot(*(own[["x", "y"]].to_numpy() - get_metric(spot["lon"], spot["lat"])).T)
        assert away.max() < spot["radius_m"] + 45
        assert 100 <= spot["radius_m"] <= 250
        day = own["received_at"].dt.normalize()
        assert day.min() >= pd.Timestamp(spot["start"])
        assert day.max() <= pd.Timestamp(spot["end"])


def test_hotspots_stand_out_of_the_background(sample, rows):
    for spot in sample.planted["hotspots"]:
        away = np.hypot(*(rows[["x", "y"]].to_numpy() - get_metric(spot["lon"], spot["lat"])).T)
        around = rows[(away < 1500) & (away > 300)]
        expected = (around["level1"] == spot["level1_code"]).sum() * 300**2 / (1500**2 - 300**2)
        assert spot["persons"] > 4 * expected + 5


def test_kinds_run_as_they_should(sample, rows):
    for spot in sample.planted["hotspots"]:
        at = rows.loc[rows["hotspot_id"] == spot["id"], "received_at"]
        recent = (at >= AS_OF - pd.Timedelta(days=92)).mean()
        if spot["kind"] == "new":
            assert recent == 1
        elif spot["kind"] == "growing":
            assert (at >= pd.Timestamp("2025-01-01")).mean() > 0.6
        elif spot["kind"] == "ended":
            assert (at < AS_OF - pd.Timedelta(days=190)).all()
        elif spot["kind"] == "seasonal":
            assert at.dt.year.nunique() == 3
            assert at.dt.day_of_year.max() - at.dt.day_of_year.min() < 85
        elif spot["kind"] == "persistent":
            assert at.dt.to_period("Q").nunique() >= 5


def test_decoys_are_what_they_pretend_to_be(sample, rows):
    decoys = {}
    for decoy in sample.planted["decoys"]:
        decoys.setdefault(decoy["kind"], []).append(decoy)
    assert set(decoys) == {"one_caller", "dense_compound", "storm_surge"}
    for lone in decoys["one_caller"]:
        away = np.hypot(*(rows[["x", "y"]].to_numpy() - get_metric(lone["lon"], lone["lat"])).T)
        near = rows[(away < 40) & (rows["item_code"] == lone["item_code"])]
        assert near["person_no"].value_counts().iloc[0] == lone["appeals"] >= 30
    for dense in decoys["dense_compound"]:
        assert dense["persons"] > 0.6 * dense["appeals"]
    storm = decoys["storm_surge"][0]
    wet = rows[rows["item_code"].isin(storm["item_codes"])]
    daily = wet.groupby(wet["received_at"].dt.strftime("%Y-%m-%d")).size()
    assert daily[storm["days"]].mean() > 4 * daily.median()


def test_dense_compounds_have_many_appeals_of_all_items(towns, items):
    events = make_events(
        towns, items, 60_000, holidays=np.array([], "datetime64[D]"), rng=np.random.default_rng(9)
    )
    level1 = items.frame["level1_code"].to_numpy()
    for slot in events.dense:
        own = events.frame[events.frame["slot"] == slot]
        assert len(own) > 20
        assert len(set(level1[own["item"]])) >= 7


@pytest.mark.parametrize(
    ("n", "low", "high"), [(20_000, 14, 40), (200_000, 35, 150), (1_000_000, 90, 400)]
)
def test_hotspots_grow_with_the_sample_but_slower(towns, items, n, low, high):
    _, calls = make_hotspots(make_slots(towns), items, n, np.random.default_rng(2))
    sizes = calls.groupby("hotspot").size()
    assert low <= sizes.min()
    assert sizes.max() <= high
    assert len(calls) < 0.09 * n


def test_issues_and_repeats_agree_with_the_truth(sample):
    truth, planted = sample.truth, sample.planted
    callers = truth.groupby("issue_no")["person_no"].nunique()
    # The few spoiled rows are not in the truth, so it may hold a little less.
    assert abs((callers > 1).sum() - planted["issues"]["groups"]) <= 21
    calls = truth.groupby(["issue_no", "person_no"]).size()
    assert abs((calls > 1).sum() - planted["repeats"]["groups"]) <= 21
    for issue in planted["issues"]["of_many_callers"]:
        assert callers[issue["issue_no"]] >= issue["persons"] - 1 >= 2
    assert 0.03 < (truth["call"] > 1).mean() < 0.2
