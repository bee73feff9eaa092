"""How alike the texts of two appeals are: cosine of their pairs of neighbouring characters.

Chinese has no spaces and callers' words vary; pairs of characters survive a slip of the keyboard. Each pair weighs the
more the fewer texts hold it (1 + ln(count), times ln(texts / holders) + 1; Salton & Buckley 1988), so that 您好 says
nothing and the name of a compound much. Pairs are hashed into :data:`BUCKETS` buckets: no vocabulary is kept.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from gridgov.rules.classify import normalise
from gridgov.rules.issues.kernels import compare_rows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BUCKETS = 1 << 20
"""Two different pairs share a bucket once in so many."""
_MULTIPLIER = (
    2_654_435_761  # Knuth, The Art of Computer Programming 3, 6.4: spreads neighbouring codes
)
CHUNK = 50_000
"""Texts whose pairs are counted at once."""


def compare_texts(texts: pd.Series, left: IntArray, right: IntArray) -> FloatArray:
    """Return how alike pairs of texts are, 0 to 1; NaN where one of them is missing or shorter than two characters.

    Parameters
    ----------
    texts
        str or missing.
    left, right
        Positions in `texts`, one pair each, int64 (pairs,).
    """
    used, where = np.unique(np.concatenate([left, right]), return_inverse=True)
    if not len(used):
        return np.empty(0)
    vectors = _make_vectors(texts.iloc[used])
    left_at, right_at = where[: len(left)], where[len(left) :]
    alike = compare_rows(
        vectors.indptr.astype(np.int64),
        vectors.indices.astype(np.int64),
        vectors.data,
        left_at,
        right_at,
    )
    blank = np.diff(vectors.indptr) == 0
    return np.where(blank[left_at] | blank[right_at], np.nan, np.clip(alike, 0.0, 1.0))


def _make_vectors(texts: pd.Series) -> sparse.csr_array:
    """Return vectors of length 1, zero where there is no pair, shape (texts, BUCKETS)."""
    clean = [normalise(text) for text in texts.fillna("").astype("str")]
    counts = sparse.vstack(
        [_count_pairs(clean[start : start + CHUNK]) for start in range(0, len(clean), CHUNK)],
        format="csr",
    )
    holders = np.bincount(counts.indices, minlength=BUCKETS)
    rarity = np.log((1 + counts.shape[0]) / (1 + holders)) + 1
    weights = (1 + np.log(counts.data)) * rarity[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(row, weights=weights**2, minlength=counts.shape[0]))
    counts.data = weights / length[row]
    return counts


def _count_pairs(texts: list[str]) -> sparse.csr_array:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    row = np.repeat(np.arange(len(texts)), lengths)
    inside = row[1:] == row[:-1]
    mixed = codes[:-1].astype(np.uint64) * _MULTIPLIER + codes[1:]
    bucket = (mixed % np.uint64(BUCKETS)).astype(np.int64)
    keys, counts = np.unique((row[:-1] * BUCKETS + bucket)[inside], return_counts=True)
    indptr = np.searchsorted(keys // BUCKETS, np.arange(len(texts) + 1))
    return sparse.csr_array(
        (counts.astype(np.float64), keys % BUCKETS, indptr), shape=(len(texts), BUCKETS)
    )
