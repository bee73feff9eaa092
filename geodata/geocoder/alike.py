"""Candidates for names that the gazetteer does not hold: those that look or sound alike, compiled."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.address.parse import Tokens
from geodata.address.words import NumberUnit, TokenKind
from geodata.gazetteer.grams import Alike, find_alike
from geodata.gazetteer.postings import AREA, BARE, WAY
from geodata.geocoder.candidates import POINT_SPREAD_M, add_candidate, place_number
from geodata.geocoder.evidence import MOST_AREAS, Candidates, Evidence, Index, Ladder
from geodata.kernels import inner_kernel

_NAME = int(TokenKind.NAME)
_NUMBER = int(TokenKind.NUMBER)
_WAY = int(TokenKind.WAY)
_TEXT = int(TokenKind.TEXT)
_STREET_TEXT = int(TokenKind.STREET_TEXT)
_COMMUNITY_TEXT = int(TokenKind.COMMUNITY_TEXT)
_VILLAGE_TEXT = int(TokenKind.VILLAGE_TEXT)
_NO_UNIT, _HOUSE = int(NumberUnit.NONE), int(NumberUnit.HOUSE)
_SIMILAR, _PART = int(Evidence.SIMILAR), int(Evidence.PART)
_WITHIN = int(Evidence.WITHIN)
_PLACE, _ROAD = int(Evidence.PLACE), int(Evidence.ROAD)

LEAST_ALIKE = 0.3
"""Below this cosine a name tells nothing about the place (folds of Dongcheng's addresses)."""
LEAST_ALIKE_UNPROVED = 0.78
"""The same where the pack has no addresses that show how far names lie that are merely alike: of such answers in
three sample cities four in five were right from here on, one in five below."""
_SHORT = 3
_LEAST_ALIKE_SHORT = 0.55
"""Two or three characters (单位, 小区) are like too much."""
_SAME_NAME = 0.75
"""From here on a name is the same one misspelt."""
_MISSPELT = 0.9
"""From here on a name with its number is placed as if it were written right: 朝杨门内大街137号 [A]."""
_MISSPELT_COST = 0.7
_UNLIKE_COST = 5.0
"""Added to the log error of a misspelt name, and again for what is unlike in it [A]."""
_PART_OF_COST = 2.0
"""Added to that of a known name that is only a part of the misspelt one [A]."""
_FAR_SPREAD_M = 900.0
"""Raw spread at likeness 0; it shrinks to nothing with the square of what is unlike."""


@inner_kernel
def add_alike(
    index: Index,
    text: np.ndarray,
    tokens: Tokens,
    row: int,
    ladder: Ladder,
    found: Candidates,
    alike: Alike,
) -> None:
    """Add candidates for each unknown way or text of a row of parts."""
    for k in range(tokens.size[row]):
        kind = tokens.kind[row, k]
        if kind not in (_WAY, _TEXT, _STREET_TEXT, _COMMUNITY_TEXT, _VILLAGE_TEXT):
            continue
        first = _find_begin(index, tokens, row, k)
        begin, end = tokens.start[row, first], tokens.end[row, k]
        if k + 1 < tokens.size[row] and kind == _TEXT and tokens.kind[row, k + 1] == _NAME:
            end = tokens.end[row, k + 1]
        if end - begin < 2:
            continue
        least = index.least_alike[0]
        if end - begin <= _SHORT:
            least = max(least, _LEAST_ALIKE_SHORT)
        find_alike(index.grams, text[begin:end], least, alike)
        if alike.size[0] and alike.likeness[0] >= _MISSPELT:
            least = _MISSPELT  # what was meant is there: no need of what is merely like it
            _doubt_parts(found, first, k)
        number = _get_house(tokens, row, k)
        for i in range(alike.size[0]):
            if alike.likeness[i] < least:
                break
            name, unlike = alike.name[i], 1.0 - np.float64(alike.likeness[i])
            for p in range(index.postings.start[name], index.postings.start[name + 1]):
                thing = (np.int64(index.postings.kind[p]), np.int64(index.postings.ident[p]))
                _add_one(index, (k, kind), thing, unlike, number, ladder, found)


@inner_kernel
def _doubt_parts(found: Candidates, first: int, last: int) -> None:
    """Make dearer what was found by a part of a misspelt name: 东四 in 东四背大街."""
    for i in range(found.size[0]):
        if found.evidence[i] in (_PART, _WITHIN) and first <= found.token[i] <= last:
            found.cost[i] += _PART_OF_COST


@inner_kernel
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


@inner_kernel
def _get_house(tokens: Tokens, row: int, k: int) -> int:
    if k + 1 >= tokens.size[row] or tokens.kind[row, k + 1] != _NUMBER:
        return -1
    counted = tokens.ident[row, k + 1] in (_NO_UNIT, _HOUSE)
    return np.int64(tokens.value[row, k + 1]) if counted else -1


@inner_kernel
def _add_one(
    index: Index,
    part: tuple[int, int],
    thing: tuple[int, int],
    unlike: float,
    number: int,
    ladder: Ladder,
    found: Candidates,
) -> None:
    """Add one thing whose name is alike: an area to the ladder, a way or place as a candidate."""
    kind, ident = thing
    of_area = part[1] in (_STREET_TEXT, _COMMUNITY_TEXT)
    if kind == AREA:
        if (of_area or part[1] == _VILLAGE_TEXT) and unlike < 1 - _SAME_NAME:
            _add_area(index, 1 if part[1] == _STREET_TEXT else 2, ident, ladder)
        return
    if of_area:
        return
    x, y, raw, evidence = _find_point(index, kind, ident, number)
    cost = _MISSPELT_COST + _UNLIKE_COST * unlike
    if unlike > 1 - _MISSPELT:
        evidence, cost = _SIMILAR, 0.0
    point = (x, y, np.hypot(raw, _FAR_SPREAD_M * unlike))
    number = number if kind == WAY else -1
    add_candidate(found, point, evidence, (kind, ident, number, part[0]), cost)


@inner_kernel
def _find_point(
    index: Index, kind: int, ident: int, number: int
) -> tuple[float, float, float, int]:
    """Return point, raw spread and evidence of a way, or its number, or a place, were it named right."""
    if kind != WAY:
        raw = POINT_SPREAD_M + np.float64(index.places.r[ident])
        return np.float64(index.places.x[ident]), np.float64(index.places.y[ident]), raw, _PLACE
    if number > 0:
        (x, y, raw), evidence = place_number(index, ident, number)
        return x, y, raw, evidence
    raw = POINT_SPREAD_M + np.float64(index.ways.r[ident])
    return np.float64(index.ways.x[ident]), np.float64(index.ways.y[ident]), raw, _ROAD


@inner_kernel
def _add_area(index: Index, level: int, ident: int, ladder: Ladder) -> None:
    """Add an area of the level wanted to the ladder."""
    at = ladder.size[level]
    if np.int64(index.areas.level[ident]) == level and at < MOST_AREAS:
        ladder.ident[level, at] = ident
        ladder.weak[level, at] = 0.0
        ladder.size[level] = at + 1
