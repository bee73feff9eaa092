import numpy as np
import pytest
import shapely

from gridgov.sample.land.geography import METRIC_CRS
from gridgov.sample.truth.events import NEAR_BOUNDARY_M, draw, make_events
from gridgov.sample.truth.seasons import FIRST_DAY, N_DAYS, get_days, make_day_weights

NO_DAYS = np.array([], "datetime64[D]")


@pytest.fixture(scope="module")
def events(towns, items):
    return make_events(towns, items, 60_000, holidays=NO_DAYS, rng=np.random.default_rng(8))


def test_exactly_so_many_in_order_of_time(events):
    frame = events.frame
    assert len(frame) == 60_000
    assert frame["seconds"].is_monotonic_increasing
    assert frame["seconds"].between(0, N_DAYS * 86_400 - 1).all()
    assert (frame["community"] >= 0).all()


def test_truth_is_the_community_of_the_point(events, land):
    frame = events.frame.sample(2000, random_state=1)
    shapes = land.communities.geometry.to_numpy()[frame["community"]]
    assert shapely.intersects_xy(shapes, frame["lon"], frame["lat"]).all()


def test_appeals_follow_the_residents(events, land):
    frame = events.frame[events.frame["hotspot"] < 0]
    district = land.communities["code"].str[:6]
    found = district.iloc[frame["community"]].value_counts(normalize=True)
    lived = land.communities.groupby(district)["residents"].sum()
    expected = lived / lived.sum()
    # Streets differ in how often their residents call, so the districts do a little.
    assert found.reindex(expected.index).to_numpy() == pytest.approx(
        expected.to_numpy(), rel=0.25, abs=0.012
    )


def test_moved_appeals_lie_near_a_boundary(events, land):
    near = events.frame[events.frame["near_boundary"]]
    assert 0.005 < len(near) / len(events.frame) < 0.02
    lines = shapely.boundary(land.streets.to_crs(METRIC_CRS).geometry.to_numpy())
    points = land.communities.iloc[:0].geometry  # only to take over its CRS
    points = type(points)(shapely.points(near["lon"], near["lat"]), crs="EPSG:4326").to_crs(
        METRIC_CRS
    )
    tree = shapely.STRtree(lines)
    _, away = tree.query_nearest(points.to_numpy(), return_distance=True, all_matches=False)
    assert away.max() <= NEAR_BOUNDARY_M


def test_the_last_day_is_no_heap(events):
    daily = np.bincount(events.frame["seconds"] // 86_400, minlength=N_DAYS)
    assert daily[-1] < 1.6 * np.median(daily[-60:])


def test_seasons_weeks_holidays_and_storms(items):
    spring_festival = np.array(["2025-01-29", "2025-01-30"], "datetime64[D]")
    storms = np.array([200])
    weights = make_day_weights(items.months, storms, spring_festival)
    plain = make_day_weights(items.months, NO_DAYS.astype(int), NO_DAYS)
    assert all(weight.mean() == pytest.approx(1) for weight in weights.values())
    days = get_days()
    heating, wet = weights["heat"], weights["flood"]
    november = (days >= np.datetime64("2024-11-15")) & (days < np.datetime64("2024-11-30"))
    july = (days >= np.datetime64("2024-07-01")) & (days < np.datetime64("2024-08-01"))
    assert heating[november].mean() > 30 * heating[july].mean()
    assert (
        heating[november].mean()
        > 1.5
        * heating[
            (days >= np.datetime64("2025-02-10")) & (days < np.datetime64("2025-03-10"))
        ].mean()
    )
    assert wet[200] > 8 * wet[207]
    where = int((spring_festival[0] - FIRST_DAY).astype(int))
    assert weights["all"][where] / plain["all"][where] == pytest.approx(0.62, rel=0.01)
    monday = int((np.datetime64("2025-03-03") - FIRST_DAY).astype(int))
    assert weights["all"][monday] > weights["all"][monday + 6]


def test_draw_follows_the_weights():
    weight = np.array([0.0, 3.0, 0.0, 1.0, 0.0])
    found = np.bincount(draw(weight, 40_000, np.random.default_rng(1)), minlength=5) / 40_000
    assert found == pytest.approx([0, 0.75, 0, 0.25, 0], abs=0.01)
    assert found[[0, 2, 4]].sum() == 0
