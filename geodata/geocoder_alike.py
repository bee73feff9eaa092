"""Candidates for names that the gazetteer does not hold: those that look or sound alike, compiled."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np
from numba import njit

from geodata.address_parse import Tokens
from geodata.address_words import NumberUnit, TokenKind
from geodata.gazetteer_grams import Alike, find_alike
from geodata.gazetteer_postings import AREA, BARE, WAY
from geodata.geocoder_candidates import add_candidate, place_number
from geodata.geocoder_tables import MOST_AREAS, Candidates, Evidence, Index, Ladder

_NAME = int(TokenKind.NAME)
_NUMBER = int(TokenKind.NUMBER)
_WAY = int(TokenKind.WAY)
_TEXT = int(TokenKind.TEXT)
_STREET_TEXT = int(TokenKind.STREET_TEXT)
_COMMUNITY_TEXT = int(TokenKind.COMMUNITY_TEXT)
_NO_UNIT, _HOUSE = int(NumberUnit.NONE), int(NumberUnit.HOUSE)
_SIMILAR = int(Evidence.SIMILAR)

LEAST_ALIKE = 0.3
"""Below this cosine a name tells nothing about the place (folds of Dongcheng's addresses)."""
_SHORT = 3
_LEAST_ALIKE_SHORT = 0.55
"""Two or three characters (单位, 小区) are like too much."""
_SAME_NAME = 0.75
"""From here on a name is the same one misspelt."""
_FAR_SPREAD_M = 900.0
"""Raw spread at likeness 0; it shrinks to nothing with the square of what is unlike."""


@njit(cache=True, nogil=True)
def add_alike(
    index: Index,
    text: np.ndarray,
    at: tuple[Tokens, int],
    room: tuple[Ladder, Candidates],
    alike: Alike,
) -> None:
    """Add candidates for each unknown way or text of row ``at[1]`` of the parts ``at[0]``."""
    tokens, row = at
    for k in range(tokens.size[row]):
        kind = tokens.kind[row, k]
        if kind not in (_WAY, _TEXT, _STREET_TEXT, _COMMUNITY_TEXT):
            continue
        first = _find_begin(index, tokens, row, k)
        begin, end = tokens.start[row, first], tokens.end[row, k]
        if k + 1 < tokens.size[row] and kind == _TEXT and tokens.kind[row, k + 1] == _NAME:
            end = tokens.end[row, k + 1]
        if end - begin < 2:
            continue
        least = LEAST_ALIKE if end - begin > _SHORT else _LEAST_ALIKE_SHORT
        find_alike(index.grams, text[begin:end], least, alike)
        number = _get_house(tokens, row, k)
        for i in range(alike.size[0]):
            name, unlike = alike.name[i], 1.0 - np.float64(alike.likeness[i])
            for p in range(index.postings.start[name], index.postings.start[name + 1]):
                thing = (np.int64(index.postings.kind[p]), np.int64(index.postings.ident[p]))
                _add_one(index, (k, kind), thing, (unlike, number), room)


@njit(cache=True, nogil=True)
def _find_begin(index: Index, tokens: Tokens, row: int, k: int) -> int:
    """Return the first part of the unknown name that ends with part k: names it runs on from."""
    first = k
    while first > 0 and tokens.kind[row, first - 1] == _NAME:
        name = tokens.ident[row, first - 1]
        p = index.postings.start[name]
        if index.postings.kind[p] == AREA and index.postings.weak[p] != BARE:
            break
        first -= 1
    return first


@njit(cache=True, nogil=True)
def _get_house(tokens: Tokens, row: int, k: int) -> int:
    if k + 1 >= tokens.size[row] or tokens.kind[row, k + 1] != _NUMBER:
        return -1
    counted = tokens.ident[row, k + 1] in (_NO_UNIT, _HOUSE)
    return np.int64(tokens.value[row, k + 1]) if counted else -1


@njit(cache=True, nogil=True)
def _add_one(
    index: Index,
    part: tuple[int, int],
    thing: tuple[int, int],
    measure: tuple[float, int],
    room: tuple[Ladder, Candidates],
) -> None:
    """Add one thing whose name is alike: an area to the ladder, a way or place as a candidate."""
    ladder, found = room
    kind, ident = thing
    unlike, number = measure
    of_area = part[1] in (_STREET_TEXT, _COMMUNITY_TEXT)
    if kind == AREA:
        if of_area and unlike < 1 - _SAME_NAME:
            _add_area(index, 1 if part[1] == _STREET_TEXT else 2, ident, ladder)
        return
    if of_area:
        return
    spread = _FAR_SPREAD_M * unlike
    if kind == WAY:
        x, y, raw = (
            np.float64(index.ways.x[ident]),
            np.float64(index.ways.y[ident]),
            np.float64(index.ways.r[ident]),
        )
        if number > 0:
            (x, y, raw), _ = place_number(index, ident, number)
    else:
        x, y, raw = (
            np.float64(index.places.x[ident]),
            np.float64(index.places.y[ident]),
            np.float64(index.places.r[ident]),
        )
    add_candidate(
        found,
        (x, y, np.hypot(raw, spread)),
        _SIMILAR,
        (kind, ident, number if kind == WAY else -1, part[0]),
        0.0,
    )


@njit(cache=True, nogil=True)
def _add_area(index: Index, level: int, ident: int, ladder: Ladder) -> None:
    """Add an area of the level wanted to the ladder."""
    at = ladder.size[level]
    if np.int64(index.areas.level[ident]) == level and at < MOST_AREAS:
        ladder.ident[level, at] = ident
        ladder.weak[level, at] = 0.0
        ladder.size[level] = at + 1
