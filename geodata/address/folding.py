"""Text of addresses as folded codes: one uint16 per character, ready for the compiled parser.

Folding maps one character to one character or to nothing: full width to half width, radicals to what they
look like, traditional to simplified, capital to small, one form for each punctuation mark; spaces, quotes, control and
invisible characters vanish. Positions in the original are therefore always recoverable.
"""

import csv
import unicodedata
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from geodata.kernels import freeze, inner_kernel, kernel

LONGEST_TEXT = 1000
"""Characters of one address that are read; a longer text is no address and is refused unread."""

OTHER_CODE = 0xFFFD
"""Stands for every letter outside the Basic Multilingual Plane."""

_MARKS = {
    "-": "-‐‑‒–—―−─━~～〜﹣－",
    ",": ",。;；，.．…|!！?？\n\t\r",
    "、": "､/／\\",
    "(": "([（【〔［{",
    ")": ")]）】〕］}",
}
_DROPPED = "\"'“”‘’「」『』《》〈〉<>·•・`*_#^\u3000 \u00a0\ufeff\u200b"
_FOLDED_RANGES = (
    *((0x2000, 0x2C00), (0x2F00, 0x2FE0), (0x3000, 0x3400)),
    *((0xF900, 0xFB00), (0xFE30, 0xFFF0)),
)
"""Blocks whose compatibility form is another character (NFKC); 2F00: the Kangxi radicals of texts copied from PDFs."""
_FIRST_RADICAL = 0x2E80


class Codes(NamedTuple):
    """Folded texts: row i is ``codes[start[i]:start[i + 1]]``; ``too_long`` rows are empty."""

    codes: np.ndarray
    start: np.ndarray
    too_long: np.ndarray


@lru_cache(maxsize=1)
def get_fold_table() -> np.ndarray:
    """Return the folded code of each of 65,536 codes, 0 where a character vanishes."""
    table = np.arange(0x10000, dtype=np.uint16)
    for first, last in _FOLDED_RANGES:
        for code in range(first, last):
            folded = unicodedata.normalize("NFKC", chr(code))
            table[code] = ord(folded) if len(folded) == 1 and ord(folded) < 0x10000 else code
    table[:0x20] = 0
    table[0x7F:0xA0] = 0
    table[0x2000:0x2010] = table[0x2028:0x2030] = table[0x2060:0x2070] = table[0xFE00:0xFE10] = 0
    table[0xD800:0xF900] = OTHER_CODE
    for one, other in (*_read_pairs("radicals"), *_read_pairs("traditional")):
        table[ord(one)] = ord(other)
    # What a radical or a compatibility form stands for may be traditional: ⾨ is 門 is 门.
    table[_FIRST_RADICAL:] = table[table[_FIRST_RADICAL:]]
    for mark, variants in _MARKS.items():
        for character in variants:
            table[ord(character)] = ord(mark)
    for character in _DROPPED:
        table[ord(character)] = 0
    capital = (table >= ord("A")) & (table <= ord("Z"))
    table[capital] += ord("a") - ord("A")
    table.flags.writeable = False
    return table


def _read_pairs(name: str) -> list[tuple[str, str]]:
    """Return the characters of a table of this folder and what each stands for."""
    text = resources.files("geodata.address").joinpath(f"{name}.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    _, *rows = csv.reader(lines)
    return [pair for ones, others in rows for pair in zip(ones, others, strict=True)]


def fold_text(text: str) -> str:
    """Return `text` folded, as the index stores names."""
    return text.translate(_get_translation())


class _Translation(dict[int, int | None]):
    """The fold table as :meth:`str.translate` wants it; each code is looked up once."""

    def __missing__(self, code: int) -> int | None:
        beyond = OTHER_CODE if 0x20000 <= code < 0x30000 else 0
        folded = int(get_fold_table()[code]) if code < 0x10000 else beyond
        self[code] = folded or None
        return self[code]


@lru_cache(maxsize=1)
def _get_translation() -> _Translation:
    return _Translation()


def fold_with_positions(text: str) -> tuple[str, np.ndarray]:
    """Return `text` folded and, for each folded character, its position in `text`."""
    codes = np.array([ord(character) for character in text], dtype=np.uint32)
    known = codes < 0x10000
    folded = np.where(known, get_fold_table()[np.where(known, codes, 0)], 0)
    folded[~known & (codes < 0x30000) & (codes >= 0x20000)] = OTHER_CODE
    positions = np.flatnonzero(folded)
    return "".join(chr(code) for code in folded[positions]), positions


def encode_texts(texts: pd.Series) -> Codes:
    """Fold a Series of texts at once; missing values become empty rows."""
    return _encode(make_arrow_texts(texts))


def encode_text(text: str) -> Codes:
    """Fold one text, as :func:`encode_texts` does."""
    try:
        return _encode(pa.array([text], type=pa.large_string()))
    except UnicodeError:
        return _encode(pa.array([_make_plain(text)], type=pa.large_string()))


def _encode(array: Any) -> Codes:
    offsets, data = _get_buffers(array)
    codes, start, too_long = _fold_utf8(data, offsets, get_fold_table())
    return Codes(freeze(codes), freeze(start), too_long)


def make_arrow_texts(texts: pd.Series) -> Any:
    """Return `texts` as one Arrow large_string array; what is no text becomes its text form."""
    values = texts.astype(object).where(texts.notna(), None) if texts.dtype == object else texts
    try:
        array = pa.array(values, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowException, UnicodeError, TypeError):
        plain = [None if value is None else _make_plain(value) for value in values]
        array = pa.array(plain, type=pa.large_string(), from_pandas=True)
    if not isinstance(array, pa.ChunkedArray):
        return array
    # Pandas may hold chunks of 32 and 64 bit offsets in one column.
    chunks = [chunk.cast(pa.large_string()) for chunk in array.chunks]
    return pa.concat_arrays(chunks) if chunks else pa.array([], type=pa.large_string())


def _make_plain(value: object) -> str:
    """Return any value as text that UTF-8 can hold (half surrogates become question marks)."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _get_buffers(array: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets (int64) and bytes of a large_string array; missing values have no bytes."""
    array = array.fill_null("") if array.null_count else array
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    if len(starts) == 0:
        starts = np.zeros(1, dtype=np.int64)
    if data is None or data.size == 0:
        return starts, np.zeros(1, dtype=np.uint8)
    return starts, np.frombuffer(data, dtype=np.uint8)


@kernel
def _fold_utf8(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(offsets) - 1
    total = 0
    too_long = np.zeros(n, dtype=np.bool_)
    for row in range(n):
        size = offsets[row + 1] - offsets[row]
        if size > 4 * LONGEST_TEXT:
            too_long[row] = True
        else:
            total += size
    codes = np.empty(total, dtype=np.uint16)
    start = np.empty(n + 1, dtype=np.int64)
    out = 0
    for row in range(n):
        start[row] = out
        if too_long[row]:
            continue
        out = _fold_row(data[offsets[row] : offsets[row + 1]], table, codes, out)
        if out - start[row] > LONGEST_TEXT:
            too_long[row] = True
            out = start[row]
    start[n] = out
    return codes[:out], start, too_long


@inner_kernel
def _fold_row(data: np.ndarray, table: np.ndarray, codes: np.ndarray, out: int) -> int:
    """Decode one UTF-8 row into folded codes; return the new end of `codes`."""
    i = 0
    while i < len(data):
        byte = np.int64(data[i])
        if byte < 0x80:
            code, i = table[byte], i + 1
        elif byte < 0xE0:
            code, i = table[((byte & 0x1F) << 6) | (data[i + 1] & 0x3F)], i + 2
        elif byte < 0xF0:
            wide = ((byte & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
            code, i = table[wide], i + 3
        else:
            plane = ((byte & 0x07) << 2) | ((data[i + 1] & 0x3F) >> 4)
            code, i = np.uint16(OTHER_CODE if plane == 2 else 0), i + 4
        if code:
            codes[out] = code
            out += 1
    return out
