"""False-discovery control over many dependent tests.

The default is Benjamini-Hochberg (1995). Neighbouring cells share appeals, so their counts are positively
dependent, the case in which BH keeps its promise (PRDS, Benjamini & Yekutieli 2001). Benjamini-Yekutieli holds
under any dependence but divides the level by ``ln m`` (about 16 for ten million tests) and would hide small
hotspots; Storey's estimate of the share of true nulls needs uniform p-values under the null, while those of sparse
counts are discrete and pile up at 1, and that share is about 1 here anyway: there is nothing to gain.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Method = Literal["bh", "by"]


def make_q_values(
    p: ArrayLike, *, tests: int | None = None, method: Method = "bh"
) -> NDArray[np.float64]:
    """Return the adjusted p-values: rejecting all q <= a keeps the expected false share at a.

    Parameters
    ----------
    p
        P-values, shape (k,), each in 0-1.
    tests
        Number of tests m in the family, at least k; the m - k tests not listed must have larger p-values than any
        that will be rejected. Default k.
    method
        ``bh`` Benjamini-Hochberg or ``by`` Benjamini-Yekutieli.

    Returns
    -------
    numpy.ndarray
        Shape (k,), in the order of `p`, at most 1.

    Raises
    ------
    ValueError
        A p-value outside 0-1, or fewer tests than p-values.
    """
    values = np.asarray(p, dtype=np.float64)
    m = len(values) if tests is None else tests
    if m < len(values):
        raise ValueError(
            f"{len(values)} p-values but only {m} tests: give the size of the whole family"
        )
    if len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("p-values must lie in 0-1")
    scaled = values * m
    return make_q_from_false(scaled * _harmonic(m) if method == "by" else scaled)


def make_q_from_false(false: ArrayLike) -> NDArray[np.float64]:
    """Return adjusted p-values from the number of false ones to be expected at each of the thresholds.

    With ``false = p × tests`` this is Benjamini-Hochberg; with ``false = p × Σ w / w`` it is the weighted form, which
    keeps its promise for any weights that do not look at what is tested (Genovese, Roeder & Wasserman 2006, "False
    discovery control with p-value weighting", Biometrika 93).

    Parameters
    ----------
    false
        Shape (k,), at least 0.

    Returns
    -------
    numpy.ndarray
        Shape (k,), in the order of `false`, at most 1.
    """
    values = np.asarray(false, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] / np.arange(1, len(values) + 1)
    q = np.empty_like(scaled)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def make_q_beside(false: ArrayLike, beside: ArrayLike) -> NDArray[np.float64]:
    """Return the adjusted p-values of some tests that are controlled together with those `beside` them.

    Parameters
    ----------
    false, beside
        As in :func:`make_q_from_false`, of the tests asked about and of the others.
    """
    values = np.asarray(false, dtype=np.float64)
    return make_q_from_false(np.concatenate([values, np.asarray(beside, dtype=np.float64)]))[
        : len(values)
    ]


def _harmonic(m: int) -> float:
    """Return 1 + 1/2 + … + 1/m."""
    return (
        float((1.0 / np.arange(1, m + 1)).sum())
        if m <= 10**6
        else float(np.log(m) + np.euler_gamma)
    )
