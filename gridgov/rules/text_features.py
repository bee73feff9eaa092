"""Texts of appeals as sparse vectors: words, characters, and the first clause apart.

Chinese has no spaces, callers have accents and operators make typing errors: words carry the meaning, single
characters and pairs survive what breaks a word. The first characters of a record are its title in most hotlines
and say what it is about, so they count once more on their own.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import rjieba
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

HEAD_CHARS = 40
"""Characters that count as the title."""

MIN_TEXTS = 2
"""A feature seen in fewer texts is left out: it can only be learnt by heart, and may name a person."""

LONGEST_TEXT = 4000
"""Characters that are read: the cause stands before; a cell of a million characters must not stop the line."""

_LONG_NUMBER = re.compile(r"\d{5,}")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Return `text` in one form: NFKC, lower case, no white space, long numbers as one sign."""
    text = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).lower()
    return _LONG_NUMBER.sub("#", _SPACE.sub("", text))


def make_words(text: str) -> list[str]:
    """Return the words of a normalised text and its pairs of neighbouring words, joined by a space."""
    words = [word for word in rjieba.cut(text) if word.isalnum()]
    return words + [f"{left} {right}" for left, right in pairwise(words)]


def make_grams(text: str) -> list[str]:
    """Return the characters of a normalised text and its pairs of neighbouring characters."""
    return list(text) + [text[i : i + 2] for i in range(len(text) - 1)]


def make_head_grams(text: str) -> list[str]:
    """Return characters and pairs of the title alone."""
    return make_grams(text[:HEAD_CHARS])


PARTS = {"words": make_words, "grams": make_grams, "head": make_head_grams}
"""Part of the vector → how a text is cut for it; the parts stand side by side in this order."""


@dataclass(frozen=True)
class TextFeatures:
    """What the parts of the vector know: their vocabularies and how telling each entry is.

    Parameters
    ----------
    vocabularies
        Part → its entries in the order of its columns.
    idf
        Part → inverse document frequency of each entry, float64.
    """

    vocabularies: dict[str, list[str]]
    idf: dict[str, np.ndarray]

    @property
    def n_features(self) -> int:
        """Return the number of columns."""
        return sum(len(entries) for entries in self.vocabularies.values())

    def transform(self, texts: Sequence[str]) -> sparse.csr_array:
        """Return the vectors of `texts`, shape (texts, n_features), each part of length 1."""
        clean = [normalise(text) for text in texts]
        parts = []
        for part, entries in self.vocabularies.items():
            vectorizer = _make_vectorizer(part, vocabulary=entries)
            vectorizer.idf_ = self.idf[part]
            parts.append(vectorizer.transform(clean))
        return sparse.csr_array(sparse.hstack(parts, format="csr"))

    def get_entry(self, column: int) -> tuple[str, str]:
        """Return part and entry of a column."""
        for part, entries in self.vocabularies.items():
            if column < len(entries):
                return part, entries[column]
            column -= len(entries)
        raise IndexError(column)


def fit_text_features(texts: Sequence[str]) -> tuple[TextFeatures, sparse.csr_array]:
    """Learn vocabularies from `texts`; return them and the vectors of the same texts.

    Terms are weighted by 1 + ln(count) and inverse document frequency (Salton & Buckley 1988).
    """
    clean = [normalise(text) for text in texts]
    vocabularies, idf, parts = {}, {}, []
    for part in PARTS:
        vectorizer = _make_vectorizer(part, vocabulary=None)
        parts.append(vectorizer.fit_transform(clean))
        vocabularies[part] = vectorizer.get_feature_names_out().tolist()
        idf[part] = vectorizer.idf_
    features = TextFeatures(vocabularies=vocabularies, idf=idf)
    return features, sparse.csr_array(sparse.hstack(parts, format="csr"))


def _make_vectorizer(part: str, *, vocabulary: list[str] | None) -> TfidfVectorizer:
    min_texts = MIN_TEXTS if vocabulary is None else 1
    return TfidfVectorizer(
        analyzer=PARTS[part], sublinear_tf=True, min_df=min_texts, vocabulary=vocabulary
    )
