"""Circles around each place: the nearest places in order, up to a share of what is expected in all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Circles:
    """The places of each circle: those of a centre are a run, nearest first.

    Parameters
    ----------
    offsets
        Length L + 1; centre ``i`` has the members ``offsets[i]:offsets[i + 1]``.
    members
        Positions of places.
    largest
        The greatest expectation that any circle holds over the whole time.
    """

    offsets: Ints
    members: Ints
    largest: float


def make_circles(xyz: Floats, expected: Floats, *, max_share: float) -> Circles:
    """Return the circles around every place.

    A circle grows by the nearest place, the first in the list where two are as near, and stops before the first that
    would bring its expectation above the share (Kulldorff 1997, A spatial scan statistic, Communications in
    Statistics 26: 1481-1496).

    Parameters
    ----------
    xyz
        Shape (L, 3).
    expected
        Cases expected over the whole time by place, length L.
    max_share
        Of the sum of `expected`, 0-1.
    """
    n = len(xyz)
    limit = float(expected.sum()) * max_share * (1 + 1e-12)
    lengths = np.zeros(n + 1, dtype=np.int64)
    parts: list[Ints] = []
    largest = 0.0
    for centre in range(n):
        distance = ((xyz - xyz[centre]) ** 2).sum(axis=1)
        order = np.argsort(distance, kind="stable")
        held = np.cumsum(expected[order])
        size = int(np.searchsorted(held, limit, side="right"))
        parts.append(order[:size].astype(np.int64))
        lengths[centre + 1] = size
        largest = max(largest, float(held[size - 1]) if size else 0.0)
    members = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return Circles(offsets=np.cumsum(lengths), members=members, largest=largest)
