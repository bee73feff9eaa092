import numpy as np
import pytest
from scipy.stats import nbinom

from planner.hotspots.persons_per_issue import LARGEST_EXACT, Clumps, _make_tails, find_tail


def make_clumps_of(several, further):
    return Clumps(
        several=np.array([several]),
        further=np.array([further]),
        tails=np.array([_make_tails(several, further)]),
    )


def draw_persons(rng, *, mean, shape, clumps, size):
    """Return persons by simulation: issues are negative binomial, each brings its persons."""
    issues = rng.negative_binomial(shape, shape / (shape + mean / clumps.mean[0]), size)
    total = issues.astype(float)
    for row in np.flatnonzero(issues):
        many = rng.random(issues[row]) < clumps.several[0]
        total[row] += (rng.geometric(1 - clumps.further[0], many.sum())).sum()
    return total


def test_negative_binomial_tail_equals_scipy():
    count, mean, shape = (
        np.array([1.0, 4.0, 30.0]),
        np.array([0.1, 2.0, 3.5]),
        np.array([0.5, 3.0, 40.0]),
    )

    assert np.allclose(
        find_tail(count, mean, shape),
        nbinom.sf(count - 1, shape, shape / (shape + mean)),
        rtol=1e-10,
    )


def test_nothing_counted_is_no_surprise():
    assert find_tail(np.array([0.0]), np.array([0.1]), np.array([1.0]))[0] == 1.0


@pytest.mark.parametrize(
    ("mean", "shape", "several", "further"), [(2.0, 3.0, 0.2, 0.4), (0.5, 0.8, 0.1, 0.6)]
)
def test_compound_tail_equals_simulation(mean, shape, several, further):
    clumps = make_clumps_of(several, further)
    rng = np.random.default_rng(3)
    drawn = draw_persons(rng, mean=mean, shape=shape, clumps=clumps, size=60_000)

    for persons in (1, 3, 6, 9):
        told = clumps.find_tail(
            np.array([float(persons)]), np.array([mean]), np.array([shape]), item=0
        )[0]
        share = (drawn >= persons).mean()
        assert told == pytest.approx(share, abs=4 * np.sqrt(share / 60_000) + 1e-4)
    assert drawn.mean() == pytest.approx(mean, rel=0.05)


def test_without_clumps_it_is_the_negative_binomial():
    clumps = make_clumps_of(1e-12, 0.05)
    persons, mean, shape = np.array([5.0]), np.array([0.7]), np.array([2.0])

    assert clumps.find_tail(persons, mean, shape, item=0) == pytest.approx(
        find_tail(persons, mean, shape), rel=1e-6
    )


def test_the_tail_falls_with_persons_and_does_not_jump_where_the_exact_sum_ends():
    clumps = make_clumps_of(0.1, 0.3)
    persons = np.arange(1.0, 200.0)

    tail = clumps.find_tail(persons, np.full(199, 60.0), np.full(199, 20.0), item=0)

    assert (np.diff(tail) <= 1e-12).all()
    ends = np.log(tail[LARGEST_EXACT - 3 : LARGEST_EXACT + 3])
    assert np.abs(np.diff(ends)).max() < 3 * np.abs(np.diff(ends)).min() + 0.1


def test_several_callers_about_one_thing_are_less_surprising_than_as_many_issues():
    persons, mean, shape = np.array([5.0]), np.array([0.02]), np.array([1.0])

    one_each = find_tail(persons, mean, shape)
    assert make_clumps_of(0.04, 0.35).find_tail(persons, mean, shape, item=0) > 10 * one_each


def test_moments_of_the_size_of_an_issue():
    clumps = make_clumps_of(0.3, 0.4)
    rng = np.random.default_rng(1)
    sizes = 1 + np.where(rng.random(400_000) < 0.3, rng.geometric(0.6, 400_000), 0)

    assert clumps.mean[0] == pytest.approx(sizes.mean(), rel=0.01)
    assert clumps.square[0] == pytest.approx((sizes**2).mean(), rel=0.02)
