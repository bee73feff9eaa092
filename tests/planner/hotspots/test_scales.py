"""Places with more of everything, and items in excess in a whole street."""

import numpy as np
import pandas as pd
import pytest

from planner.hotspots import find_hotspot_orders, find_hotspots, find_to_govern

LAST = 731.0


@pytest.fixture
def even(invent):
    """Return a city of even compounds, 16 districts of streets of 2 x 2 km, 30,000 orders."""
    made = invent(9)
    rng = made.rng
    lattice = np.stack(np.meshgrid(*[np.arange(8_200.0, 24_000.0, 400.0)] * 2), axis=-1)
    homes = lattice.reshape(-1, 2) + rng.uniform(-60, 60, (1_600, 2))
    place = rng.integers(0, len(homes), 30_000)
    item = rng.choice(12, 30_000, p=rng.dirichlet(np.full(12, 6.0)))
    made.homes = homes
    made.add(
        np.clip(homes[place] + rng.normal(0, 60, (30_000, 2)), 0, 39_999),
        item,
        rng.uniform(0, LAST, 30_000),
    )
    return made


def multiply(city, chosen, times):
    """Add each of some orders again, by other persons near by."""
    crowd = city.parts[0][chosen]
    again = crowd.loc[np.repeat(crowd.index, times - 1)]
    near = again[["x", "y"]].to_numpy() + city.rng.normal(0, 30, (len(again), 2))
    city.add(np.clip(near, 0, 39_999), again["item"].to_numpy(), again["day"].to_numpy())


def split_streets(orders, cells):
    """Return orders and cells with streets of 2 x 2 km."""
    frame = cells.frame
    column, row = (
        ((frame[name] - low) // 2_000).astype(int)
        for name, low in (("x_m", 450_000), ("y_m", 4_400_000))
    )
    frame["street_code"] = (column * 100 + row + 110_100_000).astype(str)
    return orders, cells


def test_a_compound_with_eight_times_everything_is_a_place(even, as_of, measure):
    crowd = even.parts[0]
    home = even.homes[820]
    near = np.hypot(crowd["x"] - home[0], crowd["y"] - home[1]) < 90
    multiply(even, near, 8)
    orders, cells = split_streets(*even.make())

    found = find_hotspots(orders, cells, as_of=as_of)

    places = found[found["scale"] == "place"]
    assert len(places) == 1
    spot = places.iloc[0]
    assert np.hypot(*(measure(places)[0] - home)) < 150
    assert (spot["level1_code"], spot["item_code"], spot["item_level"]) == ("", "", 0)
    assert spot["ratio"] > 3
    assert len(found) == 1


def test_residents_explain_a_place(even, as_of):
    crowd = even.parts[0]
    home = even.homes[820]
    multiply(even, np.hypot(crowd["x"] - home[0], crowd["y"] - home[1]) < 90, 8)
    orders, cells = split_streets(*even.make())
    xy = cells.frame[["x_m", "y_m"]].to_numpy() - np.array([450_000.0, 4_400_000.0])
    cells.frame["residents"] = np.where(np.hypot(*(xy - home).T) < 150, 800.0, 100.0)

    assert not (find_hotspots(orders, cells, as_of=as_of)["scale"] == "place").any()


def test_nothing_planted_nothing_found_also_with_one_item(even, as_of):
    orders, cells = split_streets(*even.make())

    assert not len(find_hotspots(orders, cells, as_of=as_of))
    one = orders.assign(level1_code="01", item_code="0101")
    assert not len(find_hotspots(one, cells, as_of=as_of))


def test_an_item_tripled_in_a_street_is_an_area_and_its_orders_are_counted(even, as_of):
    crowd = even.parts[0]
    inside = (crowd["x"] // 2_000 == 8) & (crowd["y"] // 2_000 == 8) & (crowd["item"] == 3)
    multiply(even, inside, 3)
    orders, cells = split_streets(*even.make())
    orders = orders.assign(
        street_code=cells.frame["street_code"].reindex(orders["cell_code"]).to_numpy()
    )

    found = find_hotspots(orders, cells, as_of=as_of)

    assert list(found["scale"]) == ["area"]
    spot = found.iloc[0]
    assert (spot["street_code"], spot["level1_code"]) == ("110100808", "03")
    assert pd.isna(spot["community_code"])
    own = (orders["street_code"] == "110100808") & (orders["level1_code"] == "03")
    pairs = find_hotspot_orders(found, orders, as_of=as_of)
    assert len(pairs) == spot["count"]
    assert set(pairs["row"]) <= set(np.flatnonzero(own))
    every = find_hotspot_orders(found, orders, as_of=as_of, whole_history=True)
    assert len(every) == own.sum()


def test_praise_and_questions_are_no_problems(even, as_of):
    even.plant(even.homes[7], 60, item=5)
    orders, cells = split_streets(*even.make())
    planted = np.arange(len(orders)) >= len(orders) - 60

    asked = orders.assign(kind=np.where(planted, "consultation", "complaint"))

    assert len(find_hotspots(orders.assign(kind="complaint"), cells, as_of=as_of)) == 1
    assert not len(find_hotspots(asked, cells, as_of=as_of))


def test_one_day_and_what_ended_are_not_governed(even, as_of):
    even.plant(even.homes[7], 40, item=5, first_day=700.0, last_day=700.4)
    even.plant(even.homes[300], 60, item=6, first_day=100.0, last_day=300.0)
    orders, cells = split_streets(*even.make())

    found = find_hotspots(orders, cells, as_of=as_of).set_index("level1_code")

    assert found.loc["05", "origin"] == "one day"
    assert bool(found.loc["06", "archived"])
    assert found.loc["06", "kind"] == "ended"
    assert not find_to_govern(found).any()


def test_a_hotspot_over_two_streets_says_so(even, as_of):
    even.plant((16_000.0, 17_000.0), 90, item=2, spread_m=70.0)
    orders, cells = split_streets(*even.make())

    spot = find_hotspots(orders, cells, as_of=as_of).iloc[0]

    shares = dict(part.split(":") for part in spot["street_shares"].split(";"))
    assert set(shares) == {"110100708", "110100808"}
    assert spot["street_code"] == max(shares, key=lambda code: float(shares[code]))
    assert sum(map(float, shares.values())) == pytest.approx(1.0, abs=0.02)
