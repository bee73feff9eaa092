"""What is planted on the scale of the background has the factor, the place and the time that it says."""

import numpy as np
import pandas as pd
import pytest

from gridgov.errors import GridgovError
from gridgov.sample.truth.background import CITY_DAY_VARIANCE, DAY_VARIANCE
from gridgov.sample.truth.events import Events, make_events
from gridgov.sample.truth.seasons import N_DAYS

NO_DAYS = np.array([], "datetime64[D]")
SIZE = 200_000


@pytest.fixture(scope="module")
def events(towns, items) -> Events:
    return make_events(towns, items, SIZE, holidays=NO_DAYS, rng=np.random.default_rng(8))


@pytest.fixture(scope="module")
def usual(events: Events) -> pd.DataFrame:
    """Return the appeals that nobody planted, with their street and day."""
    frame = events.frame
    plain = frame[(frame[["hotspot", "planting", "one_caller"]] < 0).all(axis=1)]
    plain = plain[plain["slot"] >= 0]
    return plain.assign(
        street=events.background.street[plain["slot"]], day=plain["seconds"] // 86_400
    )


def test_streets_have_three_times_their_item(events, usual):
    areas = [(k, p) for k, p in enumerate(events.planted) if p.scale == "street"]
    assert len(areas) == 20
    found, expected, planted = 0, 0.0, 0
    for k, area in areas:
        own = usual[(usual["street"] == area.street) & usual["item"].isin(area.items)]
        found += int(own["day"].between(area.start, area.end).sum())
        assert area.expected > 8  # what three times it adds can be told from chance
        expected += area.expected
        planted += int((events.frame["planting"] == k).sum())
    assert found == pytest.approx(expected, abs=5 * np.sqrt(expected))
    assert planted == pytest.approx(2 * expected, abs=5 * np.sqrt(2 * expected))


def test_each_planting_keeps_to_its_slots_items_and_days(events):
    frame = events.frame
    for k, planting in enumerate(events.planted):
        own = frame[frame["planting"] == k]
        day = own["seconds"] // 86_400
        assert day.between(planting.start, planting.end).all()
        assert set(own["item"]) <= set(planting.items)
        if not planting.effect.get("spill_share"):
            assert set(own["slot"]) <= set(planting.slots)
        if planting.what == "batch":
            assert own["person"].nunique() == 1


def test_measures_take_away_what_they_say(events):
    frame = events.frame
    totals = {"works": np.zeros(2), "idle": np.zeros(2)}
    for k, planting in enumerate(events.planted):
        facts = planting.effect
        if planting.what != "measure" or facts["spill_share"]:
            continue
        own = frame[frame["planting"] == k]["seconds"] // 86_400
        after = int((own >= facts["since"]).sum())
        usual_after = facts["expected_after_unchanged"] / planting.factor
        kind = "works" if facts["effect"] else "idle"
        totals[kind] += [after + usual_after, facts["expected_after_unchanged"]]
    assert totals["works"][0] / totals["works"][1] == pytest.approx(0.7, abs=0.15)
    assert totals["idle"][0] / totals["idle"][1] == pytest.approx(1.0, abs=0.15)


def test_praise_and_questions_gather_and_are_no_problems(events, items):
    for what, least in (("praise", 3), ("consultation", 4)):
        own = [(k, p) for k, p in enumerate(events.planted) if p.what == what]
        assert len(own) == least
        for k, planting in own:
            calls = events.frame[events.frame["planting"] == k]
            assert calls["person"].nunique() > 15 > 20 * planting.expected
            words = items.frame.iloc[calls["item"].unique()]
            assert len(words) == 1
            if what == "praise":
                assert words["name"].str.contains("表扬").all()
            else:
                assert set(words["kind"]) == {"consultation"}
                assert planting.end == N_DAYS - 1


def test_days_of_streets_vary_more_than_chance_by_a_twentieth(events, usual):
    background = events.background
    # First calls alone: those who call again come in groups and would add to it.
    first = usual[~usual.duplicated("issue")]
    counts = np.zeros((len(background.structure), N_DAYS))
    np.add.at(counts, (first["street"], first["day"].clip(upper=N_DAYS - 1)), 1)
    mean = np.zeros_like(counts)
    for k, curve in enumerate(background.curves):
        daily = curve * background.trend
        share = background.mix[:, background.season == k].sum(axis=1, keepdims=True)
        mean += share * daily / daily.sum(axis=1, keepdims=True)
    mean *= counts.sum(axis=1, keepdims=True)
    beyond = ((counts - mean) ** 2 - mean).sum() / (mean**2).sum()
    assert beyond == pytest.approx(DAY_VARIANCE + CITY_DAY_VARIANCE, abs=0.01)


def test_dense_cut_reaches_every_street_or_says_what_it_needs(towns, items):
    cut = make_events(
        towns,
        items,
        78_000,
        holidays=NO_DAYS,
        dense_district="110101",
        rng=np.random.default_rng(1),
    )
    code = towns.geography.communities["street_code"].to_numpy(object)[cut.frame["community"]]
    counts = pd.Series(code).value_counts()
    inside = towns.geography.streets["code"].loc[lambda c: c.str.startswith("110101")]
    assert counts.reindex(inside).min() > 2_300
    areas = [planting for planting in cut.planted if planting.what == "area"]
    streets = towns.geography.streets["code"].iloc[[planting.street for planting in areas]]
    assert len(areas) > 4
    assert streets.str.startswith("110101").all()
    with pytest.raises(GridgovError, match="expected at least"):
        make_events(
            towns,
            items,
            20_000,
            holidays=NO_DAYS,
            dense_district="110105",
            rng=np.random.default_rng(1),
        )
