"""Getis-Ord Gi*: the local sum of values, standardised by what a random arrangement would give.

Ord & Getis (1995), "Local spatial autocorrelation statistics", Geographical Analysis 27(4), eq. 14 with the cell
itself in its neighbourhood::

    z_i = (Σ_j w_ij x_j - W_i x̄) / (s √((n S_i - W_i²) / (n - 1)))

with ``W_i = Σ_j w_ij``, ``S_i = Σ_j w_ij²`` and the population standard deviation ``s``.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

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
    weights = np.asarray(neighbours.sum(axis=1), dtype=np.float64).ravel()
    squares = np.asarray(neighbours.multiply(neighbours).sum(axis=1), dtype=np.float64).ravel()
    if x.ndim == 2:
        weights, squares = weights[:, None], squares[:, None]
    return _standardise(neighbours @ x, (weights, squares), (len(x), x.mean(axis=0), x.std(axis=0)))


def make_gi_star_lattice(values: ArrayLike, kernel: ArrayLike) -> Array:
    """Return Gi* on a full lattice for weights that are an outer product, by separable convolution.

    Parameters
    ----------
    values
        Shape (rows, columns).
    kernel
        One-dimensional weights of odd length k; the weight of a neighbour is ``kernel[dy] * kernel[dx]``. Ones give
        the square (queen) neighbourhood. The weight sums are convolved too, which makes the edge cells right.

    Returns
    -------
    numpy.ndarray
        z, shape (rows, columns).

    Raises
    ------
    ValueError
        A kernel of even length, which has no middle.
    """
    x = np.asarray(values, dtype=np.float64)
    taps = np.asarray(kernel, dtype=np.float64)
    if taps.ndim != 1 or len(taps) % 2 == 0:
        raise ValueError(
            f"the kernel must be one-dimensional and of odd length, found shape {taps.shape}"
        )
    weights = np.outer(*(_convolve_line(np.ones(size), taps) for size in x.shape))
    squares = np.outer(*(_convolve_line(np.ones(size), taps**2) for size in x.shape))
    local = _convolve_line(_convolve_line(x, taps, axis=0), taps, axis=1)
    return _standardise(local, (weights, squares), (x.size, x.mean(), x.std()))


def _convolve_line(values: Array, taps: Array, *, axis: int = 0) -> Array:
    """Return the weighted sums along one axis, nothing beyond the edge."""
    return np.asarray(ndimage.correlate1d(values, taps, axis=axis, mode="constant", cval=0.0))


def _standardise(local: Array, sums: tuple[Array, Array], moments: tuple[int, Any, Any]) -> Array:
    """Return z of the local sums; `sums` are W and S of the module's formula, `moments` n, mean and deviation."""
    weights, squares = sums
    n, mean, deviation = moments
    spread = deviation * np.sqrt(np.maximum(n * squares - weights**2, 0.0) / max(n - 1, 1))
    excess = np.asarray(local - weights * mean, dtype=np.float64)
    # a constant map leaves rounding noise of 1e-16 in both: call it no variation
    defined = spread > 1e-12 * np.maximum(np.abs(weights * mean), 1e-300)
    where = np.broadcast_to(defined, excess.shape)
    return np.asarray(np.divide(excess, spread, out=np.zeros_like(excess), where=where))
