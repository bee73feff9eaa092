"""Text of many rows at once: columns joined row by row, words drawn for each row."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Text: TypeAlias = pa.Array
"""One text per row; missing texts do not occur."""


def take(words: Sequence[str] | npt.NDArray[np.object_] | Text, chosen: IntArray) -> Text:
    """Return ``words[chosen]`` as text."""
    return make_text(words).take(pa.array(chosen))


def make_text(words: Sequence[str] | npt.NDArray[np.object_] | Text) -> Text:
    """Return words as large text, which many rows do not overflow."""
    if isinstance(words, pa.ChunkedArray):
        words = words.combine_chunks()
    if isinstance(words, pa.Array):
        return words.cast(pa.large_string())
    return pa.array(words, type=pa.large_string())


def draw_words(weights: Mapping[str, float], n: int, rng: np.random.Generator) -> Text:
    """Return `n` of the words, drawn by weight."""
    share = np.cumsum(list(weights.values()))
    chosen = np.searchsorted(share, rng.random(n) * share[-1], side="right")
    return take(list(weights), chosen.clip(max=len(weights) - 1))


def join(*columns: Text | str) -> Text:
    """Return the columns joined row by row; a plain string stands in every row."""
    size = next(len(column) for column in columns if not isinstance(column, str))
    parts = [
        pa.repeat(pa.scalar(column, pa.large_string()), size) if isinstance(column, str) else column
        for column in columns
    ]
    return pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))


def write_number(values: IntArray) -> Text:
    """Return whole numbers as text."""
    return pa.array(values).cast(pa.large_string())


def choose(options: Sequence[Text], which: IntArray) -> Text:
    """Return for each row the text of ``options[which]`` in that row."""
    return pc.choose(pa.array(which), *options)
