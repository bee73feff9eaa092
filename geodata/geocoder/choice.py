"""From candidates to one answer, compiled: consistency with the named areas, the winner, rivals."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.address.parse import Cover, Tokens, make_cover, parse_row
from geodata.address.words import TokenKind
from geodata.gazetteer.grams import Alike, make_alike
from geodata.gazetteer.postings import AREA, WAY
from geodata.geocoder.alike import add_alike
from geodata.geocoder.candidates import find_candidates
from geodata.geocoder.evidence import (
    Answers,
    Candidates,
    Evidence,
    Index,
    Ladder,
    Reason,
    make_candidates,
    make_ladder,
)
from geodata.geocoder.geometry import (
    find_distance_to_area,
    find_on_spine,
    find_within,
    move_inside,
    predict_along,
)
from geodata.geocoder.ladder import names_district
from geodata.kernels import borrow, inner_kernel, kernel

_CITY = int(TokenKind.CITY)
_REGION = int(TokenKind.REGION)
_CITY_SHORT = int(TokenKind.CITY_SHORT)
_REGION_SHORT = int(TokenKind.REGION_SHORT)
_NOISE = int(TokenKind.NOISE)
_MARK = int(TokenKind.MARK)
_NAME = int(TokenKind.NAME)
_LARGE_AREAS = (_CITY, _REGION, _CITY_SHORT, _REGION_SHORT, int(TokenKind.CITY_STEM))
_AREA_TEXTS = (int(TokenKind.DISTRICT_TEXT), int(TokenKind.STREET_TEXT))
_KNOWN_NUMBER = int(Evidence.KNOWN_NUMBER)
_NEAR_NUMBER = int(Evidence.NEAR_NUMBER)
_HABIT_NUMBER = int(Evidence.HABIT_NUMBER)
_ROAD = int(Evidence.ROAD)
_PART, _SIMILAR = int(Evidence.PART), int(Evidence.SIMILAR)
_WITHIN = int(Evidence.WITHIN)
_ALIKE = (_PART, _SIMILAR, _WITHIN)
_EMPTY, _TOO_LONG = int(Reason.EMPTY), int(Reason.TOO_LONG)
_ONLY_DIGITS, _TOO_SHORT = int(Reason.ONLY_DIGITS), int(Reason.TOO_SHORT)
_OTHER_CITY, _NO_NAME = int(Reason.OTHER_CITY), int(Reason.NO_NAME)
_AREA_ENDINGS = tuple(ord(character) for character in "区县市省")

_MERELY_ALIKE = 0.25
"""A name that goes on, or is merely like the one written, may mean another thing that the gazetteer does not hold:
its score is four in five at most [A]."""
_VAGUE_M = 250.0
"""A typical error wider than this is worth a search for names that are alike."""
_RIVAL_COST = 0.7
"""Candidates within this of the winner's log radius are told apart by nothing: ambiguous."""
_MOST_PENALTY = 3.0
"""A named street weighs as much as twenty times the precision: it is right in 19 of 20 cases."""
_MOST_PENALTY_DISTRICT = 4.0
"""Few err in the district [A]."""
_FAR_M = (2_000.0, 1_500.0, 1_000.0)
_FAR_SLOPE = (3.0, 1.5, 1.0)
"""Who errs names the area next door: from `_FAR_M` metres outside a district, street or community on, what lies
there is a namesake rather than the place meant [A]."""
_DOUBT_M = (300.0, 1_500.0)
"""A place this far and two radii outside the one district or street that is named contradicts the address: of thirteen
so far outside their district in three sample cities three were right; for streets [A]."""
_KNOWN_COST = 1.2
"""Added to an area where a road or place nearby is named that the gazetteer holds: its middle says less [A]."""
_WITHIN_GAIN = 0.6
"""Taken off what is alike in the street that is named: its middle is alike to nothing [A]."""
_AT_BORDER_M = 50.0
_HOPELESS = 2.0
_LEVELS = 3
_ROAD_PARTS = 4
_STREET_LEVEL = 1
_NUDGE = 1.5
"""A point is moved into the street it names from at most this many radii outside."""


@kernel
def answer_rows(
    index: Index,
    codes: np.ndarray,
    start: np.ndarray,
    rows: tuple[int, int],
    tokens: Tokens,
    answers: Answers,
) -> None:
    """Answer texts ``rows[0]`` to ``rows[1]``; `tokens` is working room for one row."""
    cover = make_cover()
    room = make_ladder(), make_candidates(), make_alike(len(index.grams.norm))
    _answer_texts(index, (codes, start), rows, (tokens, cover), room, answers)


@inner_kernel
def _answer_texts(
    index: Index,
    texts: tuple[np.ndarray, np.ndarray],
    rows: tuple[int, int],
    parts: tuple[Tokens, Cover],
    room: tuple[Ladder, Candidates, Alike],
    answers: Answers,
) -> None:
    """Answer texts in working room that is there already."""
    codes, start = texts
    index, answers = borrow(index), borrow(answers)
    tokens, cover = borrow(parts[0]), borrow(parts[1])
    ladder, found, alike = borrow(room[0]), borrow(room[1]), borrow(room[2])
    for row in range(rows[0], rows[1]):
        text = codes[start[row] : start[row + 1]]
        reason = _refuse(text)
        if reason == 0:
            parse_row(index.lexicon, text, cover, tokens, 0)
            reason = answer_parts(index, text, tokens, (0, row), (ladder, found, alike), answers)
        answers.reason[row] = reason


@inner_kernel
def _refuse(text: np.ndarray) -> int:
    """Return why a text cannot be an address at all, or 0."""
    if len(text) == 0:
        return _EMPTY
    if len(text) == 1:
        return _TOO_SHORT
    for code in text:
        if not (48 <= code <= 57 or code in (44, 45)):
            return 0
    return _ONLY_DIGITS


@kernel
def answer_parts(
    index: Index,
    text: np.ndarray,
    tokens: Tokens,
    rows: tuple[int, int],
    room: tuple[Ladder, Candidates, Alike],
    answers: Answers,
) -> int:
    """Answer one parsed text: row ``rows[0]`` of `tokens` to row ``rows[1]`` of `answers`."""
    ladder, found, _ = room
    part, row = rows
    if _is_elsewhere(index, text, tokens, part):
        return _OTHER_CITY
    best = collect(index, text, (tokens, part), room)
    if best < 0:
        return _NO_NAME
    refine(index, ladder, found, best)
    _write(index, ladder, found, best, answers, row)
    return 0


@kernel
def collect(
    index: Index,
    text: np.ndarray,
    at: tuple[Tokens, int],
    room: tuple[Ladder, Candidates, Alike],
) -> int:
    """Fill `room` with the weighed candidates of a parsed text; return the best, or -1."""
    tokens, row = at
    ladder, found, alike = room
    find_candidates(index, tokens, row, ladder, found)
    weigh(index, ladder, found, 0)
    best = find_best(found)
    if best < 0 or found.typical[best] > _VAGUE_M or found.evidence[best] in _ALIKE:
        count = found.size[0]
        add_alike(index, text, tokens, row, ladder, found, alike)
        weigh(index, ladder, found, count)
        best = find_best(found)
    return best


@inner_kernel
def _is_elsewhere(index: Index, text: np.ndarray, tokens: Tokens, row: int) -> bool:
    """Tell whether the text lies in another city or province, which it names before anything of this one."""
    for k in range(tokens.size[row]):
        kind = tokens.kind[row, k]
        if kind in (_NOISE, _MARK):
            continue
        if kind not in _LARGE_AREAS:
            return False
        if index.own_city[tokens.ident[row, k]]:
            if kind in (_CITY, _CITY_SHORT):
                return False
            continue  # the province: another city of it may follow
        if kind in (_CITY_SHORT, _REGION_SHORT):
            stop = tokens.end[row, k]
            if not _has_area_ending(text[stop + 1 : stop + 6]):
                return False
        return not _comes_home(index, tokens, row, k)
    return False


@inner_kernel
def _comes_home(index: Index, tokens: Tokens, row: int, k: int) -> bool:
    """Tell whether an address begins after part k, which then is a name: 四川饭店，东城区和平里东街11号.

    This city is named later on, or one of its districts and a name within it. A district straight after the foreign
    city is that one's: 长春市朝阳区.
    """
    straight, district = True, False
    for i in range(k + 1, tokens.size[row]):
        kind = tokens.kind[row, i]
        straight = straight and tokens.start[row, i] == tokens.end[row, i - 1]
        straight = straight and (kind in _LARGE_AREAS or kind in _AREA_TEXTS or kind == _NAME)
        if kind in (_CITY, _CITY_SHORT) and index.own_city[tokens.ident[row, i]]:
            return i + 1 < tokens.size[row]
        if kind == _NAME and not straight:
            if district:
                return True
            district = names_district(index, tokens.ident[row, i])
    return False


@inner_kernel
def _has_area_ending(text: np.ndarray) -> bool:
    for code in text:  # noqa: SIM110 - a generator does not compile
        if code in _AREA_ENDINGS:
            return True
    return False


@inner_kernel
def find_best(found: Candidates) -> int:
    """Return the candidate of least cost, or -1."""
    return np.argmin(found.cost[: found.size[0]]) if found.size[0] else -1


@inner_kernel
def weigh(index: Index, ladder: Ladder, found: Candidates, first: int) -> None:
    """Give candidates from `first` on radius and cost: log radius plus distance to the named areas."""
    least = np.inf
    known = False
    for i in range(first, found.size[0]):
        if found.evidence[i] in (_PART, _SIMILAR):
            _find_within(index, ladder, found, i)
        evidence = found.evidence[i]
        fit = index.calibration[evidence]
        found.radius[i] = fit[0] + fit[1] * found.raw[i]
        found.typical[i] = fit[2] + fit[3] * found.raw[i]
        found.cost[i] += np.log(found.typical[i] + 10.0)
        # What is far behind already needs no exact distance from the areas.
        if found.cost[i] < least + _HOPELESS:
            # An area is judged by the larger ones that are named.
            levels = index.areas.level[found.ident[i]] if found.kind[i] == AREA else _LEVELS
            penalty = _find_penalty(
                index, ladder, levels, (found.x[i], found.y[i], found.typical[i])
            )
            if evidence == _ROAD and penalty > 0.0 and index.ways.has_spine[found.ident[i]]:
                penalty = min(penalty, _find_penalty_of_road(index, ladder, found, i))
            found.cost[i] += penalty
            known |= penalty <= _MOST_PENALTY and evidence not in _ALIKE and found.kind[i] != AREA
        if found.kind[i] == AREA and known:
            found.cost[i] += _KNOWN_COST
        least = min(least, found.cost[i])


@inner_kernel
def _find_within(index: Index, ladder: Ladder, found: Candidates, i: int) -> None:
    """Trust a name that is merely alike or a part the more where it lies in the one street that is named."""
    if ladder.size[_STREET_LEVEL] != 1 or found.kind[i] == AREA:
        return
    street = ladder.ident[_STREET_LEVEL, 0]
    if find_distance_to_area(index.areas, street, found.x[i], found.y[i])[0] <= _AT_BORDER_M:
        found.evidence[i] = _WITHIN
        found.raw[i] = min(found.raw[i], np.float64(index.areas.r[street]))
        found.cost[i] -= _WITHIN_GAIN


@inner_kernel
def _find_penalty(
    index: Index, ladder: Ladder, levels: int, point: tuple[float, float, float]
) -> float:
    """Return the cost of a point (x, y, typical error) by its distance to the areas of the first `levels`."""
    x, y, typical = point
    total = 0.0
    for level in range(levels - 1, -1, -1):
        least = np.inf if ladder.size[level] else 0.0
        for i in range(ladder.size[level]):
            least = min(least, find_distance_to_area(index.areas, ladder.ident[level, i], x, y)[0])
        if level == _STREET_LEVEL and ladder.size[level] and least == 0.0:
            # In the street that is named: its district may have parts beyond its outline (enclaves).
            return total
        z = least / (typical + (300.0 if level == 0 else 100.0))
        total += min(0.5 * z * z, _MOST_PENALTY_DISTRICT if level == 0 else _MOST_PENALTY)
        total += _FAR_SLOPE[level] * np.log(max(1.0, (least - typical) / _FAR_M[level]))
    return total


@inner_kernel
def _find_penalty_of_road(index: Index, ladder: Ladder, found: Candidates, i: int) -> float:
    """Return the cost of the part of a road that lies nearest to the areas named: any part may be meant."""
    least = np.inf
    way = found.ident[i]
    for k in range(_ROAD_PARTS + 1):
        t = np.float64(index.ways.length[way]) * k / _ROAD_PARTS
        x, y = find_on_spine(index.ways, way, t)
        least = min(least, _find_penalty(index, ladder, _LEVELS, (x, y, found.typical[i])))
    return least


@inner_kernel
def refine(index: Index, ladder: Ladder, found: Candidates, i: int) -> None:
    """Use the named street or community to sharpen the winner: evidence, not law."""
    if found.kind[i] == AREA:
        return
    for level in range(2, 0, -1):
        if ladder.size[level] != 1:
            continue
        area = ladder.ident[level, 0]
        away = find_distance_to_area(index.areas, area, found.x[i], found.y[i])[0]
        uncertain = found.kind[i] == WAY and index.ways.has_spine[found.ident[i]]
        uncertain &= found.evidence[i] == _ROAD or (
            away > 0 and found.evidence[i] in (_NEAR_NUMBER, _HABIT_NUMBER)
        )
        if uncertain:
            _cut_to_area(index, area, found, i)
            away = find_distance_to_area(index.areas, area, found.x[i], found.y[i])[0]
        if 0 < away <= _NUDGE * found.radius[i]:
            found.x[i], found.y[i] = move_inside(index.areas, area, found.x[i], found.y[i])
            found.radius[i] = np.hypot(found.radius[i], 0.3 * away)


@inner_kernel
def _cut_to_area(index: Index, area: int, found: Candidates, i: int) -> None:
    """Keep the part of the winner's road that lies in the area it names."""
    ways, way = index.ways, found.ident[i]
    t, spread = 0.5 * np.float64(ways.length[way]), 10.0 * np.float64(ways.length[way])
    if found.evidence[i] != _ROAD:
        t, spread, _, _ = predict_along(ways, index.habits, way, found.number[i])
    t, spread, share = find_within(ways, index.areas, way, area, t, spread)
    if share > 0:
        found.x[i], found.y[i] = find_on_spine(ways, way, t)
        if found.evidence[i] == _ROAD:
            found.radius[i] *= min(1.0, max(share, 0.1))


@inner_kernel
def _find_contradicted(index: Index, ladder: Ladder, found: Candidates, best: int) -> int:
    """Return the one named area that the winner lies too far outside of to be what the address means, or -1."""
    if found.kind[best] == AREA:
        return -1
    x, y = found.x[best], found.y[best]
    for level in range(_STREET_LEVEL, -1, -1):
        if ladder.size[level] == 0:
            continue
        area = ladder.ident[level, 0]
        away = find_distance_to_area(index.areas, area, x, y)[0]
        if ladder.size[level] == 1 and away > max(_DOUBT_M[level], 2.0 * found.radius[best]):
            return area
        if away == 0.0:
            return -1  # a district may have parts beyond its outline (enclaves)
    return -1


@inner_kernel
def _write(
    index: Index, ladder: Ladder, found: Candidates, best: int, answers: Answers, row: int
) -> None:
    """Write the winner; rivals that nothing tells apart from it widen its circle, and what it contradicts."""
    x, y, radius = found.x[best], found.y[best], found.radius[best]
    total, rivals = 0.0, 0
    contradicted = _find_contradicted(index, ladder, found, best)
    if contradicted >= 0:
        away = np.hypot(index.areas.x[contradicted] - x, index.areas.y[contradicted] - y)
        total, rivals = 1.0, 1
        radius = away + np.float64(index.areas.r[contradicted])
    for i in range(found.size[0]):
        weight = np.exp(found.cost[best] - found.cost[i])
        away = np.hypot(found.x[i] - x, found.y[i] - y)
        same = found.kind[i] != AREA or found.evidence[i] == found.evidence[best]
        if i != best and same and away > 2.0 * (radius + 50.0):
            total += weight
            if found.cost[i] < found.cost[best] + _RIVAL_COST:
                rivals += 1
                radius = max(radius, away + found.radius[i])
    answers.x[row], answers.y[row], answers.raw[row] = x, y, found.raw[best]
    answers.radius[row] = radius
    if found.evidence[best] in _ALIKE or found.like[best]:
        total += _MERELY_ALIKE
    answers.score[row] = 1.0 / (1.0 + total)
    answers.evidence[row] = found.evidence[best]
    answers.kind[row], answers.ident[row] = found.kind[best], found.ident[best]
    answers.other[row], answers.number[row] = found.other[best], found.number[best]
    answers.rivals[row] = rivals
    for level in range(3):
        answers.area[row, level] = ladder.ident[level, 0] if ladder.size[level] == 1 else -1
