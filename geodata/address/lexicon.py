"""Names and words in one trie: what the parser looks up."""

from collections.abc import Iterable

import numpy as np

from geodata.address.parse import Lexicon
from geodata.address.trie import make_trie
from geodata.address.words import TokenKind, read_words
from geodata.kernels import freeze


def make_lexicon(names: Iterable[str]) -> tuple[Lexicon, list[str]]:
    """Build a lexicon of folded `names` and of the parser's own words.

    Returns
    -------
    The lexicon and its names (words included) in the order of their numbers.
    """
    words, meaning = read_words()
    known = {name for name in names if len(name) >= 2}
    listed = sorted(known | set(words))
    codes, start = encode_names(listed)
    # What another city is called for short may be a name of this one: 朝阳.
    place = {
        word: index
        for index, word in enumerate(words)
        if word not in known or meaning.kind[index] != TokenKind.CITY_STEM
    }
    word = np.array([place.get(name, -1) for name in listed], dtype=np.int32)
    lexicon: Lexicon = freeze(Lexicon(make_trie(codes, start), word, meaning.kind))
    return lexicon, listed


def encode_names(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of folded names, one after another, and where each starts."""
    codes = np.frombuffer("".join(names).encode("utf-16-le"), dtype=np.uint16)
    lengths = np.fromiter((len(name) for name in names), dtype=np.int64, count=len(names))
    return freeze(codes), np.concatenate([[0], np.cumsum(lengths)])


def decode_codes(codes: np.ndarray) -> str:
    """Return folded codes as text."""
    return codes.astype(np.uint16).tobytes().decode("utf-16-le")
