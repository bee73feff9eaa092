"""The mix of items that a street's like lets expect."""

import numpy as np

from planner.hotspots.street_mix import fit_mix


def make_streets(
    rng: np.random.Generator, *, streets: int = 160, items: int = 60, kinds: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Return true means of streets of several kinds, and the counts drawn from them."""
    share = rng.dirichlet(np.full(items, 2.0))
    lean = rng.normal(0, 1, (streets, kinds)) @ rng.normal(0, 0.35, (kinds, items))
    mix = share * np.exp(lean)
    mean = rng.uniform(200, 900, (streets, 1)) * mix / mix.sum(axis=1, keepdims=True)
    return mean, rng.poisson(mean).astype(float)


def find_error(mean: np.ndarray, true: np.ndarray) -> float:
    """Return the deviation of the logarithm over what is large enough."""
    large = true > 5
    return float(np.sqrt(np.mean(np.log(mean[large] / true[large]) ** 2)))


def test_streets_of_a_kind_tell_each_other() -> None:
    true, counted = make_streets(np.random.default_rng(1))
    every = counted.sum(axis=1, keepdims=True)
    city = every * counted.sum(axis=0) / counted.sum()
    assert find_error(fit_mix(counted, every), true) < 0.45 * find_error(city, true)


def test_an_excess_does_not_explain_itself() -> None:
    rng = np.random.default_rng(2)
    true, counted = make_streets(rng)
    places = [(s, int(np.argmax(true[s]))) for s in range(0, 160, 10)]
    for street, item in places:
        counted[street, item] = rng.poisson(3 * true[street, item])
    mean = fit_mix(counted, counted.sum(axis=1, keepdims=True))
    ratio = [mean[one] / true[one] for one in places]
    assert 0.75 < np.median(ratio) < 1.3


def test_where_streets_are_alike_the_city_is_expected() -> None:
    rng = np.random.default_rng(3)
    share, every = rng.dirichlet(np.full(40, 2.0)), rng.uniform(100, 900, (120, 1))
    counted = rng.poisson(every * share).astype(float)
    assert find_error(fit_mix(counted, every), every * share) < 0.12


def test_few_or_empty_streets_give_finite_means() -> None:
    for counted in (np.zeros((4, 3)), np.array([[5.0, 0.0], [0.0, 0.0], [900.0, 1.0]])):
        mean = fit_mix(counted, counted.sum(axis=1, keepdims=True))
        assert np.isfinite(mean).all()
        assert (mean >= 0).all()
