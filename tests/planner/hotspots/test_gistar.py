import warnings

import numpy as np
import pytest
from esda.getisord import G_Local
from libpysal.weights import WSP
from scipy import sparse

from planner.hotspots.gistar import make_gi_star

ROWS, COLUMNS = 14, 17


@pytest.fixture
def values():
    return np.random.default_rng(3).poisson(1.5, (ROWS, COLUMNS)).astype(float)


def make_queen(rows, columns):
    """Return the queen neighbourhood with the cell itself, by brute force."""
    place = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    near = np.abs(place[:, None] - place[None]).max(axis=2) <= 1
    return sparse.csr_array(near.astype(float))


def find_peer(values, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own deprecations are not ours to mend
        return G_Local(
            values.ravel(),
            WSP(sparse.csr_matrix(weights)).to_W(silence_warnings=True),
            transform="B",
            star=True,
            permutations=0,
        ).Zs


def test_equals_esda(values):
    weights = make_queen(ROWS, COLUMNS)

    z = make_gi_star(values.ravel(), weights)

    assert np.abs(z - find_peer(values, weights)).max() < 1e-10


def test_equals_the_paper_formula_for_uneven_weights(values):
    x = values.ravel()
    n = len(x)
    weights = np.random.default_rng(5).uniform(0, 1, (n, n)) * (
        make_queen(ROWS, COLUMNS).todense() > 0
    )

    z = make_gi_star(x, sparse.csr_array(weights))

    total, squares = weights.sum(axis=1), (weights**2).sum(axis=1)
    s = np.sqrt((x**2).mean() - x.mean() ** 2)
    expected = (weights @ x - total * x.mean()) / (s * np.sqrt((n * squares - total**2) / (n - 1)))
    assert np.abs(z - expected).max() < 1e-10


def test_several_variables_at_once(values):
    weights = make_queen(ROWS, COLUMNS)
    both = np.stack([values.ravel(), values.ravel()[::-1]], axis=1)

    z = make_gi_star(both, weights)

    assert np.allclose(z[:, 1], make_gi_star(both[:, 1], weights), atol=1e-12)


def test_a_constant_map_has_no_hotspot():
    assert np.array_equal(make_gi_star(np.full(30, 0.1), make_queen(5, 6)), np.zeros(30))
