import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from planner.hotspots.background import (
    Areas,
    estimate_spread,
    find_spread,
    fit_rates,
    make_exposure,
    make_surroundings,
    widen_by_spread,
)
from planner.hotspots.cell_places import count_addresses, spread_residents


def make_cells(n, **columns):
    frame = pd.DataFrame(
        {
            "x_m": np.arange(n) * 100.0,
            "y_m": 0.0,
            "district_code": "D",
            "street_code": [f"S{k // 40}" for k in range(n)],
            "community_code": [f"C{k // 10}" for k in range(n)],
        }
    )
    return frame.assign(**columns)


def test_a_place_is_judged_without_itself():
    community = np.repeat([0, 1], 5).astype(np.int64)
    areas = Areas(community=community, street_of=np.array([0, 0]), district_of=np.array([0]))
    quiet = np.array([100.0, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    around = make_surroundings(areas, np.ones(10), quiet)

    groups = sparse.csr_array(np.eye(10))
    first, _ = around.expect(groups)
    quiet[0] = 1000.0
    again, _ = make_surroundings(areas, np.ones(10), quiet).expect(groups)

    # only how alike communities are, and the district's rate, know of the giant
    assert first[0] < 12
    assert again[0] < 60
    assert first[6] == pytest.approx(2.0, rel=1.0)


def test_the_spread_of_places_is_read_off():
    rng = np.random.default_rng(3)
    for deviation in (0.0, 0.3, 0.8):
        rate = np.exp(rng.normal(-(deviation**2) / 2, deviation, 4_000)) * 12.0
        counted = rng.poisson(rate).astype(float)

        variation = find_spread(counted, np.full(4_000, 12.0), np.zeros(4_000))

        assert np.sqrt(np.log1p(variation)) == pytest.approx(deviation, abs=0.11)


def test_a_few_hotspots_do_not_widen_the_spread():
    rng = np.random.default_rng(4)
    counted = rng.poisson(12.0, 6_000).astype(float)
    counted[::150] *= 8

    spread = estimate_spread(counted, np.full(6_000, 12.0), np.zeros(6_000))

    assert spread.apply(np.array([12.0]), np.zeros(1))[1][0] < 0.1


def test_exposure_follows_residents_only_where_they_explain():
    rng = np.random.default_rng(5)
    residents = rng.lognormal(5, 1, 400)
    cells = make_cells(400, residents=residents)

    explains = make_exposure(
        cells, rng.poisson(residents / residents.mean() * 20).astype(float)
    ).value
    nothing = make_exposure(cells, rng.poisson(20, 400).astype(float)).value

    assert np.corrcoef(explains, residents)[0, 1] > 0.99
    assert np.ptp(explains) > 1.0
    assert np.ptp(nothing) < 0.1 * np.ptp(explains)


@pytest.mark.parametrize("column", ["residents", "community_residents", "addresses"])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_nobody_known_leaves_cells_alike(column, value):
    exposure = make_exposure(make_cells(30, **{column: value}), np.ones(30))

    assert np.array_equal(exposure.value, np.ones(30))
    assert exposure.find_lived(sparse.csr_array(np.eye(30))).all()


def test_residents_of_a_compound_are_shared_by_the_cells_around():
    cells = make_cells(6)

    shared = spread_residents(
        cells, np.array([[100.0, 0.0], [9_000.0, 0.0]]), np.array([300.0, 50.0])
    )

    beside = np.exp(-0.5 * (100.0 / 55.0) ** 2)
    assert shared.sum() == pytest.approx(300.0)
    assert shared[0] == shared[2] == pytest.approx(beside * shared[1])
    assert shared[3:].tolist() == [0.0, 0.0, 0.0]


def test_residents_lie_where_the_orders_of_their_compound_do():
    held = np.array([0.0, 0.0, 90.0, 0.0, 0.0, 0.0])

    shared = spread_residents(
        make_cells(6), np.array([[100.0, 0.0]]), np.array([300.0]), orders=held
    )

    assert shared.sum() == pytest.approx(300.0)
    assert shared[2] > 250.0


def test_people_are_known_to_live_where_residents_are_known():
    rng = np.random.default_rng(6)
    residents = np.where(np.arange(400) % 2 == 0, rng.uniform(100.0, 300.0, 400), 0.0)
    counted = rng.poisson(residents / 10.0 + 3.0).astype(float)

    exposure = make_exposure(make_cells(400, residents=residents), counted)

    lived = exposure.find_lived(sparse.csr_array(np.eye(400)))
    assert np.array_equal(lived, residents > 0)


def test_unlisted_residents_are_told_in_the_measure_of_homes():
    rng = np.random.default_rng(7)
    residents = rng.uniform(100.0, 300.0, 400)
    cells = make_cells(400, residents=residents, unlisted_residents=200.0)

    exposure = make_exposure(cells, rng.poisson(residents / 10.0).astype(float))

    # all of a usual cell's residents again are as much as homes explain of a usual cell
    assert np.ptp(exposure.unlisted) == 0.0
    assert exposure.unlisted[0] == pytest.approx(exposure.homes.mean() * 200.0 / residents.mean())
    assert 0.6 < exposure.unlisted[0] < 1.1


def test_addresses_count_in_the_nearest_cell_if_it_is_near():
    points = np.array([[10.0, 5.0], [60.0, 0.0], [101.0, 0.0], [900.0, 0.0], [np.nan, 1.0]])

    assert count_addresses(make_cells(3), points).tolist() == [1.0, 2.0, 0.0]
    assert count_addresses(make_cells(3), points[:0]).tolist() == [0.0, 0.0, 0.0]


def test_rates_are_those_of_all_cells_though_only_cells_with_orders_are_listed():
    rng = np.random.default_rng(8)
    exposures = np.stack([rng.gamma(0.5, 2.0, 30_000), np.ones(30_000)], axis=1)
    counted = rng.poisson(exposures @ [0.8, 0.3]).astype(float)
    listed = counted > 0

    rates = fit_rates(counted[listed], exposures[listed])

    assert rates == pytest.approx([0.8, 0.3], rel=0.05)


def test_hotspots_do_not_tell_the_rates():
    rng = np.random.default_rng(9)
    exposures = np.stack([rng.gamma(0.5, 2.0, 30_000), np.ones(30_000)], axis=1)
    counted = rng.poisson(exposures @ [3.0, 2.0]).astype(float)
    counted[::100] += 200.0

    assert fit_rates(counted, exposures) == pytest.approx([3.0, 2.0], rel=0.15)


def test_places_whose_people_are_unknown_do_not_widen_the_others():
    rng = np.random.default_rng(10)
    expected, none = np.full(4_000, 10.0), np.zeros(4_000)
    lived = np.arange(4_000) % 2 == 0
    rate = np.where(lived, 10.0, 10.0 * rng.lognormal(-0.32, 0.8, 4_000))
    counted = rng.poisson(rate).astype(float)

    _, apart = widen_by_spread(counted, expected, none, lived=lived)
    _, together = widen_by_spread(counted, expected, none, lived=np.ones(4_000, dtype=bool))

    assert apart[lived].max() < 0.1 < together.min()
    assert np.sqrt(np.log1p(apart[~lived].max())) == pytest.approx(0.8, abs=0.15)
