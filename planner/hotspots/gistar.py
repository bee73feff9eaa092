"""Getis-Ord Gi*: the local sum of values, standardised by what a random arrangement would give.

Ord & Getis (1995), "Local spatial autocorrelation statistics", Geographical Analysis 27(4), eq. 14 with the cell
itself in its neighbourhood::

    z_i = (Σ_j w_ij x_j - W_i x̄) / (s √((n S_i - W_i²) / (n - 1)))

with ``W_i = Σ_j w_ij``, ``S_i = Σ_j w_ij²`` and the population standard deviation ``s``.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def make_gi_star(values: ArrayLike, neighbours: Any) -> Array:
    """Return Gi* for any neighbourhood.

    Parameters
    ----------
    values
        Shape (n,) or (n, k) for k variables on the same n cells.
    neighbours
        Sparse matrix, shape (n, n), weights including the cell itself.

    Returns
    -------
    numpy.ndarray
        z, the shape of `values`; 0 where it is not defined (no variation, or a neighbourhood that is the whole map).
    """
    x = np.asarray(values, dtype=np.float64)
    n, mean = len(x), x.mean(axis=0)
    weights = np.asarray(neighbours.sum(axis=1), dtype=np.float64).ravel()
    squares = np.asarray(neighbours.multiply(neighbours).sum(axis=1), dtype=np.float64).ravel()
    if x.ndim == 2:
        weights, squares = weights[:, None], squares[:, None]
    spread = x.std(axis=0) * np.sqrt(np.maximum(n * squares - weights**2, 0.0) / max(n - 1, 1))
    excess = np.asarray(neighbours @ x - weights * mean, dtype=np.float64)
    # a constant map leaves rounding noise of 1e-16 in both: call it no variation
    defined = spread > 1e-12 * np.maximum(np.abs(weights * mean), 1e-300)
    where = np.broadcast_to(defined, excess.shape)
    return np.asarray(np.divide(excess, spread, out=np.zeros_like(excess), where=where))
