"""Plausible invented names, drawn from the shipped word lists."""

import json
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

ObjectArray = npt.NDArray[np.object_]
Words = dict[str, list[str]]


@lru_cache(maxsize=1)
def read_words() -> Words:
    """Return the word lists of ``data/words.json``: key → words."""
    text = (files("gridgov.sample") / "data" / "words.json").read_text(encoding="utf-8")
    words: Words = json.loads(text)
    return words


def pick(words: list[str], n: int, rng: np.random.Generator) -> ObjectArray:
    """Return `n` words drawn with replacement; a word that stands twice in the list is twice as likely."""
    return np.array(words, dtype=object)[rng.integers(len(words), size=n)]


def make_stems(n: int, rng: np.random.Generator) -> ObjectArray:
    """Return `n` two-character stems of place names, most of them different."""
    words = read_words()
    out: ObjectArray = pick(words["first"], n, rng) + pick(words["second"], n, rng)
    return out


def make_stem(name: str) -> str:
    """Return the bare name of a community, street or village: without office, kind and number."""
    for tail in read_words()["office_tails"]:
        name = name.removesuffix(tail)
    return name


def replace_homophones(names: ObjectArray, rng: np.random.Generator) -> ObjectArray:
    """Return `names` with one character replaced as a typist would who only heard it.

    A name without any such character stays as it is.
    """
    pairs = read_words()["homophones"]
    heard = {pair[0]: pair[1] for pair in pairs} | {pair[1]: pair[0] for pair in pairs}
    out = names.copy()
    for i, name in enumerate(names):
        places = [k for k, character in enumerate(name) if character in heard]
        if places:
            k = places[int(rng.integers(len(places)))]
            out[i] = name[:k] + heard[name[k]] + name[k + 1 :]
    return out
