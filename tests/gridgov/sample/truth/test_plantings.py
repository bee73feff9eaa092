"""What is planted on the scale of the background has the factor, the place and the time that it says."""

import numpy as np
import pandas as pd
import pytest

from gridgov.errors import GridgovError
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


def test_days_of_streets_are_overdispersed_by_a_twentieth(events, usual):
    counts = np.zeros((len(events.background.structure), N_DAYS))
    np.add.at(counts, (usual["street"], usual["day"].clip(upper=N_DAYS - 1)), 1)
    biggest = np.argsort(-counts.sum(axis=1))[:40]
    own = counts[biggest].reshape(40, -1)
    # Weeks, seasons and repeated calls add to it; without chance in the days it would be a tenth of this.
    mean, var = own.mean(axis=1), own.var(axis=1)
    assert 0.03 < np.mean((var - mean) / mean**2) < 0.4


def test_dense_cut_reaches_every_street_or_says_what_it_needs(towns, items):
    cut = make_events(
        towns,
        items,
        75_000,
        holidays=NO_DAYS,
        dense_district="110101",
        rng=np.random.default_rng(1),
    )
    code = towns.geography.communities["street_code"].to_numpy(object)[cut.frame["community"]]
    counts = pd.Series(code).value_counts()
    inside = towns.geography.streets["code"].loc[lambda c: c.str.startswith("110101")]
    assert counts.reindex(inside).min() > 2_300
    with pytest.raises(GridgovError, match="expected at least"):
        make_events(
            towns,
            items,
            20_000,
            holidays=NO_DAYS,
            dense_district="110105",
            rng=np.random.default_rng(1),
        )
