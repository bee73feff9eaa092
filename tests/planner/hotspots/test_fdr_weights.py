"""Weights of tests: what they promise and what they prefer."""

import numpy as np
from scipy import stats

from planner.hotspots.fdr_weights import find_size, make_weights


def make_family(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return expected persons and variations of tests, most of which can show nothing."""
    mean = np.exp(rng.normal(-1.5, 1.8, 40_000))
    return mean, rng.uniform(0.01, 0.3, len(mean))


def test_weights_of_all_tests_sum_to_one() -> None:
    mean, variation = make_family(np.random.default_rng(1))
    weights = make_weights([(mean, variation)])
    shares = 1.0 / weights.find_false(np.ones(len(mean)), mean, variation)
    assert abs(shares.sum() - 1.0) < 0.02


def test_at_a_threshold_so_many_false_ones_occur_as_it_says() -> None:
    rng = np.random.default_rng(2)
    mean, variation = make_family(rng)
    weights = make_weights([(mean, variation)])
    counted = [
        (weights.find_false(rng.random(len(mean)), mean, variation) <= 5.0).sum() for _ in range(60)
    ]
    assert 4.3 < np.mean(counted) < 5.7


def test_threefolds_are_found_more_often_than_without_weights() -> None:
    rng = np.random.default_rng(3)
    mean, variation = make_family(rng)
    weights = make_weights([(mean, variation)])
    own = np.flatnonzero((mean > 8) & (mean < 12))
    p = stats.poisson.sf(rng.poisson(3 * mean[own]) - 1, mean[own])
    weighted = (weights.find_false(p, mean[own], variation[own]) <= 1.0).mean()
    alike = (p * len(mean) <= 1.0).mean()
    assert weighted > alike + 0.05


def test_size_follows_the_deviance_where_the_rate_is_known() -> None:
    # 12 against 4: sqrt(2 (12 ln 3 - 8))
    size = find_size(np.array([4.0]), np.array([0.0]))
    assert np.isclose(size[0], np.sqrt(2 * (12 * np.log(3) - 8)))
    assert find_size(np.array([4.0]), np.array([0.5]))[0] < size[0]
