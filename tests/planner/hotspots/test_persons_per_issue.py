import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm, poisson

from planner.hotspots.persons_per_issue import LARGEST_EXACT, PersonsPerIssue, _make_tails

ANY = np.array([-1])


def make_sizes(several, further):
    tails = np.array([_make_tails(several, further)])
    return PersonsPerIssue(several=np.array([several]), further=np.array([further]), tails=tails)


def find_tail(sizes, persons, mean, variation):
    tail = sizes.find_tail(
        np.array([float(persons)]), np.array([mean]), np.array([variation]), item=ANY
    )
    return tail[0]


def draw_persons(rng, *, mean, variation, sizes, size):
    """Return persons by simulation: the rate is lognormal, issues are Poisson, each brings its persons."""
    square = np.log1p(variation)
    rate = mean / sizes.mean[0] * np.exp(rng.normal(-square / 2, np.sqrt(square), size))
    issues = rng.poisson(rate)
    total = issues.astype(float)
    for row in np.flatnonzero(issues):
        many = rng.random(issues[row]) < sizes.several[0]
        total[row] += (rng.geometric(1 - sizes.further[0], many.sum())).sum()
    return total


@pytest.mark.parametrize(
    ("count", "mean", "variation"), [(1, 0.1, 0.5), (14, 2.0, 0.3), (60, 9.0, 1.5)]
)
def test_the_tail_of_lognormal_rates_equals_quadrature(count, mean, variation):
    square = np.log1p(variation)

    def integrand(z):
        return norm.pdf(z) * poisson.sf(count - 1, mean * np.exp(np.sqrt(square) * z - square / 2))

    exact = integrate.quad(integrand, -10, 10, limit=400, epsabs=0, epsrel=1e-10)[0]

    assert find_tail(make_sizes(1e-12, 0.05), count, mean, variation) == pytest.approx(
        exact, rel=2e-3
    )


def test_a_sure_rate_gives_the_poisson_tail_far_out():
    assert find_tail(make_sizes(1e-12, 0.05), 40, 2.0, 0.0) == pytest.approx(
        poisson.sf(39, 2.0), rel=1e-9
    )


@pytest.mark.parametrize(
    ("mean", "variation", "several", "further"), [(2.0, 0.3, 0.2, 0.4), (0.5, 1.2, 0.1, 0.6)]
)
def test_compound_tail_equals_simulation(mean, variation, several, further):
    sizes = make_sizes(several, further)
    rng = np.random.default_rng(3)
    drawn = draw_persons(rng, mean=mean, variation=variation, sizes=sizes, size=60_000)

    for persons in (1, 3, 6, 9):
        share = (drawn >= persons).mean()
        told = find_tail(sizes, persons, mean, variation)
        assert told == pytest.approx(share, abs=4 * np.sqrt(share / 60_000) + 1e-4)
    assert drawn.mean() == pytest.approx(mean, rel=0.05)


def test_the_tail_falls_with_persons_and_does_not_jump_where_the_exact_sum_ends():
    persons = np.arange(1.0, 200.0)

    tail = make_sizes(0.1, 0.3).find_tail(
        persons, np.full(199, 60.0), np.full(199, 0.05), item=np.full(199, -1)
    )

    assert (np.diff(tail) <= 0.05 * tail[:-1] + 1e-12).all()
    ends = np.log(tail[LARGEST_EXACT - 3 : LARGEST_EXACT + 3])
    assert np.abs(np.diff(ends)).max() < 3 * np.abs(np.diff(ends)).min() + 0.3


def test_several_callers_about_one_thing_are_less_surprising_than_as_many_issues():
    one_each = find_tail(make_sizes(1e-12, 0.05), 5, 0.02, 1.0)

    assert find_tail(make_sizes(0.04, 0.35), 5, 0.02, 1.0) > 10 * one_each


def test_moments_of_the_size_of_an_issue():
    sizes = make_sizes(0.3, 0.4)
    rng = np.random.default_rng(1)
    drawn = 1 + np.where(rng.random(400_000) < 0.3, rng.geometric(0.6, 400_000), 0)

    assert sizes.mean[0] == pytest.approx(drawn.mean(), rel=0.01)
    assert sizes.square[0] == pytest.approx((drawn**2).mean(), rel=0.02)


def test_beyond_the_limit_a_tail_is_1_and_below_it_exact():
    sizes, rng = make_sizes(0.1, 0.3), np.random.default_rng(5)
    persons = rng.integers(1, 90, 400).astype(float)
    mean, variation = rng.uniform(0.2, 40.0, 400), rng.uniform(0.0, 1.0, 400)
    item, limit = np.full(400, -1), np.geomspace(1e-9, 1.0, 400)

    exact = sizes.find_tail(persons, mean, variation, item=item)
    asked = sizes.find_tail(persons, mean, variation, item=item, limit=limit)

    assert (asked == np.where(exact > limit, 1.0, exact)).all()
    assert 50 < (asked == 1.0).sum() < 350
