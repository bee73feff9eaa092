import numpy as np
import pandas as pd
import pytest

from planner.frames import HOTSPOT_COLUMNS
from planner.hotspots import find_hotspots

LAST = 731.0


def find_near(found, xy, place, item):
    near = np.hypot(*(xy - np.asarray(place)).T) <= found["radius_m"] + 150
    return found[near & (found["level1_code"] == f"{item:02d}")]


@pytest.fixture
def city(invent):
    made = invent(42)
    made.add_background(40_000)
    return made


def test_planted_places_are_found_and_little_else(city, as_of, measure):
    rng = np.random.default_rng(5)
    places = 12_000 + rng.uniform(0, 16_000, (24, 2))
    items = rng.integers(0, 12, 24)
    for number, (place, item) in enumerate(zip(places, items, strict=True)):
        city.plant(place, 40, item=item, first_day=LAST - 90 if number % 2 else 0.0)
    orders, cells = city.make()

    found = find_hotspots(orders, cells, as_of=as_of)

    xy = measure(found)
    hits = [find_near(found, xy, place, item) for place, item in zip(places, items, strict=True)]
    assert np.mean([len(hit) > 0 for hit in hits]) >= 0.9
    explained = pd.concat(hits)["hotspot_id"].nunique()
    assert len(found) - explained <= 0.1 * len(found)
    kinds = [hit["kind"].iloc[0] for hit in hits if len(hit)]
    wanted = [("steady", "rising")[n % 2] for n, hit in enumerate(hits) if len(hit)]
    assert np.mean([kind == want for kind, want in zip(kinds, wanted, strict=True)]) >= 0.8


def test_where_people_live_is_not_a_hotspot(city, as_of):
    for k in range(6):
        city.copy(np.array([14_000.0 + 2_000 * k, 17_000.0]), 400)
    orders, cells = city.make()

    assert len(find_hotspots(orders, cells, as_of=as_of)) <= 1


def test_one_caller_is_no_hotspot(city, as_of):
    for k in range(6):
        place = np.array([14_000.0 + 2_000 * k, 23_000.0])
        near = place + city.rng.normal(0, 40, (80, 2))
        city.add(near, k, city.rng.uniform(0, LAST, 80), person=[f"caller {k}"] * 80)
    orders, cells = city.make()

    assert len(find_hotspots(orders, cells, as_of=as_of)) <= 1


def test_a_storm_over_the_whole_city_is_no_hotspot(city, as_of):
    crowd = city.parts[0]
    taken = crowd.iloc[city.rng.integers(0, len(crowd), 6_000)]
    places = np.clip(taken[["x", "y"]].to_numpy() + city.rng.normal(0, 60, (6_000, 2)), 0, 39_999)
    city.add(places, 3, LAST - city.rng.uniform(1, 4, 6_000))
    orders, cells = city.make()

    assert len(find_hotspots(orders, cells, as_of=as_of)) <= 2


def test_the_same_input_gives_the_same_answer(city, as_of):
    city.plant((20_000, 20_000), 60, item=2)
    orders, cells = city.make()

    first = find_hotspots(orders, cells, as_of=as_of)
    again = find_hotspots(orders.sample(frac=1, random_state=1), cells, as_of=as_of)

    pd.testing.assert_frame_equal(
        pd.DataFrame(first.drop(columns="geometry")), pd.DataFrame(again.drop(columns="geometry"))
    )
    assert first.geometry.normalize().geom_equals_exact(again.geometry.normalize(), 1e-12).all()


def test_figures_can_be_counted_again_from_the_orders(city, as_of):
    city.plant((20_000, 20_000), 60, item=2)
    orders, cells = city.make()

    spot = find_hotspots(orders, cells, as_of=as_of).iloc[0]

    inside = orders[
        orders["cell_code"].isin(spot["cells"].split(";"))
        & (orders["level1_code"] == spot["level1_code"])
    ]
    days = inside["received_at"].dt.date
    inside = inside[(days >= spot["window_start"]) & (days <= spot["window_end"])]
    assert (spot["count"], spot["persons"]) == (len(inside), inside["person_key"].nunique())
    assert spot["ratio"] == pytest.approx(spot["persons"] / spot["expected"], abs=0.01)
    assert spot["n_cells"] == len(spot["cells"].split(";"))
    assert spot["geometry"].area > 0


def test_places_known_only_roughly_do_not_count(city, as_of):
    city.plant((20_000, 20_000), 60, item=2, spread_m=1.0)
    orders, cells = city.make()
    planted = orders["person_key"].isin([f"P{k}" for k in range(40_000, 40_060)])

    found = find_hotspots(
        orders.assign(uncertainty_m=np.where(planted, 800.0, 5.0)), cells, as_of=as_of
    )

    assert "02" not in set(found["level1_code"])


def test_no_orders_give_an_empty_frame_of_the_same_columns(city, as_of):
    orders, cells = city.make()

    found = find_hotspots(orders.iloc[:0], cells, as_of=as_of)

    assert found.empty
    assert set(found.columns) <= set(HOTSPOT_COLUMNS)
    assert found.crs == "EPSG:4326"
