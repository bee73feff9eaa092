import numpy as np
import pytest
from scipy.stats import false_discovery_control

from planner.hotspots.fdr import make_q_values


@pytest.mark.parametrize("method", ["bh", "by"])
def test_equals_scipy(method):
    p = np.random.default_rng(1).uniform(0, 1, 500) ** 3

    q = make_q_values(p, method=method)

    assert np.allclose(q, false_discovery_control(p, method=method), rtol=1e-12)


def test_tests_not_listed_count_into_the_family():
    p = np.array([1e-6, 1e-4, 0.02])

    q = make_q_values(p, tests=1000)

    padded = false_discovery_control(np.concatenate([p, np.ones(997)]))
    assert np.allclose(q, padded[:3])


def test_false_share_stays_below_the_level():
    rng = np.random.default_rng(7)
    shares = []
    for _ in range(200):
        p = np.concatenate([rng.uniform(0, 1, 900), rng.uniform(0, 1e-5, 100)])
        rejected = make_q_values(p) <= 0.1
        shares.append(rejected[:900].sum() / max(rejected.sum(), 1))
    assert np.mean(shares) < 0.1


def test_nothing_in_nothing_out():
    assert make_q_values([]).shape == (0,)


@pytest.mark.parametrize("p", [[-0.1], [1.1], [float("nan")]])
def test_values_that_are_no_probabilities_are_refused(p):
    with pytest.raises(ValueError, match="0-1"):
        make_q_values(p)


def test_a_family_smaller_than_its_members_is_refused():
    with pytest.raises(ValueError, match="family"):
        make_q_values([0.1, 0.2], tests=1)
