"""Probabilities of streets against the normal distribution and against Monte Carlo."""

import numpy as np
import pytest
import shapely
from scipy.stats import norm

from geodata.areas import SIGMAS, AreaIndex, area_probabilities
from geodata.areas.certainty import make_offsets
from geodata.areas.near_grid import degree_lengths
from tests.geodata.areas.jurisdiction_layers import make_codes, make_coverage

HALVES = AreaIndex.build([shapely.box(116, 39, 117, 40), shapely.box(117, 39, 118, 40)], ["a", "b"])
EAST_M, NORTH_M = degree_lengths(39.5)


def test_the_circle_holds_ninety_percent():
    offsets = make_offsets(10_000)
    assert (np.hypot(*offsets.T) < SIGMAS).mean() == pytest.approx(0.9, abs=1e-3)
    assert offsets.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert offsets.std(axis=0) == pytest.approx([1, 1], abs=2e-3)


def test_a_straight_boundary_is_the_normal_distribution():
    metres = np.linspace(0, 500, 501)
    found = area_probabilities(HALVES, 117 - metres / EAST_M, np.full(501, 39.5), 200.0)
    np.testing.assert_allclose(found.confidence, norm.cdf(metres * SIGMAS / 200), atol=2e-3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1) + found.outside, 1.0)
    near = metres < 300
    assert (found.positions[near] == [0, 1]).all()


def test_streets_agree_with_monte_carlo():
    rng = np.random.default_rng(4)
    shapes = make_coverage(np.random.default_rng(12))
    scale = [400 / EAST_M, 400 / NORTH_M]
    shapes = shapely.transform(shapes, lambda xy: xy * scale + [116.5, 39.5])
    index = AreaIndex.build(shapes, make_codes(len(shapes)))
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = rng.uniform([west, south], [east, north], (150, 2)).T
    radius = rng.choice([20.0, 100.0, 500.0, 3_000.0], 150)
    found = area_probabilities(index, x, y, radius, candidates=len(shapes))
    own = index.locate_positions(x, y)
    errors = []
    for i in range(len(x)):
        noise = rng.normal(size=(50_000, 2)) * radius[i] / SIGMAS
        mx, my = degree_lengths(y[i])
        hits = index.locate_positions(x[i] + noise[:, 0] / mx, y[i] + noise[:, 1] / my)
        shares = np.bincount(hits + 1, minlength=len(shapes) + 1) / len(hits)
        errors.append(abs(found.confidence[i] - shares[own[i] + 1]))
        assert found.outside[i] == pytest.approx(shares[0], abs=0.04)
        for position, probability in zip(found.positions[i], found.probabilities[i], strict=True):
            if position >= 0:
                assert probability == pytest.approx(shares[position + 1], abs=0.04)
    assert max(errors) < 0.03
    assert np.mean(errors) < 0.005


def test_an_exact_place_is_certain_and_an_unknown_one_is_not_judged():
    found = area_probabilities(HALVES, [116.5, 116.5, 115.0], [39.5] * 3, [0.0, np.nan, 10.0])
    assert found.confidence[0] == 1.0
    assert np.isnan(found.confidence[1:]).all()
    assert found.positions.tolist() == [[0, -1], [0, -1], [-1, -1]]
    assert list(found.outside[[0, 2]]) == [0.0, 1.0]


def test_no_place_has_no_probability():
    found = area_probabilities(HALVES, [np.nan, np.inf], [39.5, 39.5], 50.0)
    assert np.isnan(found.confidence).all()
    assert (found.positions == -1).all()


def test_at_the_edge_of_the_city_the_rest_is_outside():
    found = area_probabilities(HALVES, [116.0], [39.5], 100.0)
    assert found.confidence[0] == pytest.approx(0.5, abs=1e-9)
    assert found.outside[0] == pytest.approx(0.5, abs=1e-9)


def test_three_streets_at_a_corner():
    index = AreaIndex.build(
        [shapely.box(0, 0, 1, 1), shapely.box(0, 1, 1, 2), shapely.box(1, 0, 2, 2)], ["a", "b", "c"]
    )
    found = area_probabilities(index, [1.0], [1.0], 100.0, candidates=3)
    shares = dict(zip(found.positions[0].tolist(), found.probabilities[0], strict=True))
    assert shares[2] == pytest.approx(0.5, abs=0.03)
    assert shares[0] == pytest.approx(0.25, abs=0.03)
    assert shares[1] == pytest.approx(0.25, abs=0.03)


def test_threads_change_nothing():
    x = np.random.default_rng(1).uniform(116.9, 117.1, 50_000)
    one = area_probabilities(HALVES, x, np.full(len(x), 39.5), 500.0, threads=1)
    two = area_probabilities(HALVES, x, np.full(len(x), 39.5), 500.0, threads=3)
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


@pytest.mark.parametrize(
    ("radius", "options"), [(-1.0, {}), (1.0, {"candidates": 0}), (1.0, {"samples": 7})]
)
def test_impossible_wishes_are_refused(radius, options):
    with pytest.raises(ValueError, match="expected"):
        area_probabilities(HALVES, [116.5], [39.5], radius, **options)
