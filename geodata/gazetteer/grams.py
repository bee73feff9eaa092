"""Names that look or sound alike: bigrams of sounds in an inverted index, compiled.

A character counts as its sound: pinyin without tone, with the pairs that speakers and typists mix up
made one (zh z, ch c, sh s, ng n). Two names are as alike as the cosine of their bigram vectors, each
bigram weighed by its rarity (inverse document frequency; Manning, Raghavan and Schütze, Introduction
to Information Retrieval, 2008, ch. 6).
"""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pypinyin.pinyin_dict

from geodata.kernels import inner_kernel, kernel

LONGEST_SPAN = 14
"""Characters of unknown text that are compared; names that people misspell are shorter."""
MOST_ALIKE = 6
"""Names alike that become candidates."""
_MOST_PER_GRAM = 3_000
"""Bigrams that more names share (有限公司) tell nothing: they count in the norm and list no names."""
_BEGIN = 0xFFFF
_MIXED_UP = (("zh", "z"), ("ch", "c"), ("sh", "s"))


class Grams(NamedTuple):
    """Bigrams of sounds → names: ``name[start[i]:start[i + 1]]`` for the sorted ``key[i]``.

    A bigram that too many share lists no names.

    ``sound`` of each code · ``weight`` squared rarity of each bigram · ``norm`` of each name.
    """

    sound: np.ndarray
    key: np.ndarray
    start: np.ndarray
    name: np.ndarray
    weight: np.ndarray
    norm: np.ndarray


class Alike(NamedTuple):
    """Working room and result of one search: the best ``size`` names and their likeness."""

    total: np.ndarray
    touched: np.ndarray
    name: np.ndarray
    likeness: np.ndarray
    size: np.ndarray


@lru_cache(maxsize=1)
def get_sounds() -> np.ndarray:
    """Return the number of the sound of each code; what has no pinyin sounds like itself."""
    sounds = np.arange(0x10000, dtype=np.uint16)
    numbers: dict[str, int] = {}
    for code, readings in pypinyin.pinyin_dict.pinyin_dict.items():
        if code < 0x10000:
            sound = _simplify(readings.split(",")[0])
            # The private use area is free: no address is written in it.
            sounds[code] = 0xE000 + numbers.setdefault(sound, len(numbers))
    sounds.flags.writeable = False
    return sounds


def _simplify(reading: str) -> str:
    plain = "".join(
        c for c in unicodedata.normalize("NFD", reading) if not unicodedata.combining(c)
    )
    for wide, narrow in _MIXED_UP:
        if plain.startswith(wide):
            plain = narrow + plain[len(wide) :]
    return plain.removesuffix("g") if plain.endswith("ng") else plain


def make_grams(codes: np.ndarray, start: np.ndarray, listed: np.ndarray) -> Grams:
    """Build the index of the names `listed` (bool per name) of a trie's pool of names."""
    sound = get_sounds()
    pair = _list_grams(codes, start, listed, sound)
    pair.sort()  # in place: registers of firms have a hundred million bigrams
    pair = pair[np.append(True, pair[1:] != pair[:-1])] if len(pair) else pair
    keys, names = (pair >> np.uint64(32)).astype(np.uint32), pair.astype(np.uint32).astype(np.int32)
    del pair
    first = (
        np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        if len(keys)
        else keys.astype(np.int64)
    )
    count = np.diff(np.append(first, len(keys)))
    rarity = np.log((listed.sum() + 1.0) / (count + 0.5))
    weight = (rarity**2).astype(np.float32)
    norm = np.sqrt(np.bincount(names, weights=np.repeat(weight, count), minlength=len(start) - 1))
    kept = np.repeat(count <= _MOST_PER_GRAM, count)
    bounds = np.concatenate([[0], np.cumsum(np.where(count <= _MOST_PER_GRAM, count, 0))])
    return Grams(
        sound, keys[first], bounds.astype(np.int64), names[kept], weight, norm.astype(np.float32)
    )


@kernel
def _list_grams(
    codes: np.ndarray, start: np.ndarray, listed: np.ndarray, sound: np.ndarray
) -> np.ndarray:
    """Return every bigram of the listed names, shifted left by 32 bits, with its name."""
    size = 0
    for name in range(len(start) - 1):
        size += start[name + 1] - start[name] if listed[name] else 0
    pair = np.empty(size, dtype=np.uint64)
    n = 0
    for name in range(len(start) - 1):
        if not listed[name]:
            continue
        before = np.uint64(_BEGIN)
        for i in range(start[name], start[name + 1]):
            here = np.uint64(sound[codes[i]])
            pair[n] = before << np.uint64(48) | here << np.uint64(32) | np.uint64(name)
            before = here
            n += 1
    return pair


@kernel
def make_alike(names: int) -> Alike:
    """Return room for searches among `names` names."""
    return Alike(
        np.zeros(names, dtype=np.float32),
        np.zeros(LONGEST_SPAN * _MOST_PER_GRAM, dtype=np.int32),
        np.zeros(MOST_ALIKE, dtype=np.int32),
        np.zeros(MOST_ALIKE, dtype=np.float32),
        np.zeros(1, dtype=np.int64),
    )


@kernel
def find_alike(grams: Grams, span: np.ndarray, least: float, alike: Alike) -> None:
    """Fill `alike` with the names most like `span`, from the likeness `least` (0-1) on."""
    alike.size[0] = 0
    touched, square = 0, 0.0
    before = np.uint32(_BEGIN)
    for i in range(min(len(span), LONGEST_SPAN)):
        here = np.uint32(grams.sound[span[i]])
        key = before << np.uint32(16) | here
        before = here
        at = np.searchsorted(grams.key, key)
        if at == len(grams.key) or grams.key[at] != key:
            square += np.log(len(grams.norm) + 1.0) ** 2
            continue
        square += grams.weight[at]
        for p in range(grams.start[at], grams.start[at + 1]):
            name = grams.name[p]
            if alike.total[name] == 0.0:
                alike.touched[touched] = name
                touched += 1
            alike.total[name] += grams.weight[at]
    norm = np.sqrt(square)
    for k in range(touched):
        name = alike.touched[k]
        likeness = alike.total[name] / (norm * grams.norm[name])
        alike.total[name] = 0.0
        if likeness >= least:
            _keep(alike, name, likeness)


@inner_kernel
def _keep(alike: Alike, name: int, likeness: float) -> None:
    """Insert a name into the list of the best, most alike first."""
    at = alike.size[0]
    if at == MOST_ALIKE:
        if likeness <= alike.likeness[at - 1]:
            return
        at -= 1
    else:
        alike.size[0] = at + 1
    while at > 0 and alike.likeness[at - 1] < likeness:
        alike.likeness[at], alike.name[at] = alike.likeness[at - 1], alike.name[at - 1]
        at -= 1
    alike.likeness[at], alike.name[at] = likeness, name
