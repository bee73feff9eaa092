"""Names that look or sound alike: bigrams of sounds, an inverted index, compiled."""

from typing import NamedTuple

import numpy as np


class Grams(NamedTuple):
    """Bigrams of sounds → names: ``name[start[slot]:start[slot + 1]]`` for the slot of ``key``."""

    sound: np.ndarray
    key: np.ndarray
    start: np.ndarray
    name: np.ndarray


def make_no_grams() -> Grams:
    """Return an index without names."""
    return Grams(
        np.zeros(0x10000, np.uint16),
        np.zeros(0, np.uint32),
        np.zeros(1, np.int64),
        np.zeros(0, np.int32),
    )
