"""Candidates of one address: every way in which its parts can be a point, compiled."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.address.parse import Tokens
from geodata.address.words import NumberUnit, TokenKind
from geodata.gazetteer.places import Areas
from geodata.gazetteer.postings import AREA, BARE, LIKE, OWN, PLACE, WAY
from geodata.gazetteer.ways import Ways
from geodata.geocoder.evidence import (
    MOST_CANDIDATES,
    Candidates,
    Evidence,
    Index,
    Ladder,
)
from geodata.geocoder.geometry import (
    find_crossing,
    find_known_number,
    find_nearest_on_spine,
    find_on_spine,
    predict_along,
    predict_free,
)
from geodata.geocoder.ladder import (
    OTHER_COST,
    add_area,
    is_part,
    leads_into_tail,
    leads_on,
    means_district,
    prune_ladder,
    runs_on,
    touches_name,
)
from geodata.kernels import inner_kernel, kernel

_NAME = int(TokenKind.NAME)
_NUMBER = int(TokenKind.NUMBER)
_WAY = int(TokenKind.WAY)
_TEXT = int(TokenKind.TEXT)
_NEAR = int(TokenKind.NEAR)
_OPPOSITE = int(TokenKind.OPPOSITE)
_FRONT = int(TokenKind.FRONT)
_SIDE = int(TokenKind.SIDE)
_END = int(TokenKind.END)
_GATE = int(TokenKind.GATE)
_MIDDLE = int(TokenKind.MIDDLE)
_CROSS = int(TokenKind.CROSS)
_AND = int(TokenKind.AND)
_BEFORE_AREAS = tuple(
    int(getattr(TokenKind, kind))
    for kind in (
        *("NOISE", "MARK", "CITY", "CITY_SHORT", "CITY_STEM", "REGION", "REGION_SHORT"),
        "DISTRICT_TEXT",
    )
)
_NO_UNIT = int(NumberUnit.NONE)
_HOUSE = int(NumberUnit.HOUSE)
_BUILDING = int(NumberUnit.BUILDING)
_FLOOR = int(NumberUnit.FLOOR)

_KNOWN_NUMBER = int(Evidence.KNOWN_NUMBER)
_NEAR_NUMBER = int(Evidence.NEAR_NUMBER)
_FREE_NUMBER = int(Evidence.FREE_NUMBER)
_HABIT_NUMBER = int(Evidence.HABIT_NUMBER)
_PLACE = int(Evidence.PLACE)
_BESIDE_PLACE = int(Evidence.BESIDE_PLACE)
_PART = int(Evidence.PART)
_INTERSECTION = int(Evidence.INTERSECTION)
_ROAD_END = int(Evidence.ROAD_END)
_ROAD = int(Evidence.ROAD)
_COMMUNITY = int(Evidence.COMMUNITY)

WEAK_COST = 0.7
"""Added to the log radius of a place found by a bare area name or an alias (a factor of two)."""
_HOW_COST = np.array([0.0, OTHER_COST, WEAK_COST, 1.2])
"""Added by how a name names its thing, OWN to LIKE [A]."""
_PART_COST = 2.0
_SIDE_SHIFT_M = 40.0
_BESIDE_SPREAD_M = 40.0
POINT_SPREAD_M = 25.0
"""Half the size of a building, added to what a thing's own points say of its spread [A]."""
_CROSSING_M = 120.0
_BESIDE_M = 200.0
"""A place this near a road lies by it."""
_JOINT_GAIN = 0.7
"""Taken off a place by the road that the address names as well [A]."""
_MOST_MEANINGS = 32
_ALONG_M = 500.0


@kernel
def find_candidates(
    index: Index, tokens: Tokens, row: int, ladder: Ladder, found: Candidates
) -> None:
    """Fill `ladder` with the areas named and `found` with every candidate point."""
    found.size[0] = 0
    ladder.size[:] = 0
    begins = True
    for k in range(tokens.size[row]):
        if tokens.kind[row, k] == _NAME:
            begins = _read_name(index, tokens, (row, k, begins), ladder, found)
        else:
            begins &= tokens.kind[row, k] in _BEFORE_AREAS
    _add_crossings(index, tokens, row, found)
    for level in range(3):
        prune_ladder(index.areas, ladder, level)
        for i in range(ladder.size[level]):
            _add_area_point(index.areas, ladder.ident[level, i], ladder.weak[level, i], found, 0)


@inner_kernel
def _read_name(
    index: Index,
    tokens: Tokens,
    at: tuple[int, int, bool],
    ladder: Ladder,
    found: Candidates,
) -> bool:
    """Add what name k of a row may mean; ``at[2]``: nothing but areas stands before it. Return that on."""
    row, k, begins = at
    name = tokens.ident[row, k]
    first, last = index.postings.start[name], index.postings.start[name + 1]
    part = is_part(tokens, row, k)
    # What is called so only for short must stand alone.
    short_of = part or runs_on(tokens, row, k)
    is_area = False
    district = ladder.size[0] == 0 and means_district(index, name)
    for p in range(first, min(last, first + _MOST_MEANINGS)):
        kind, ident = index.postings.kind[p], np.int64(index.postings.ident[p])
        how = index.postings.weak[p]
        weak = _HOW_COST[how]
        if kind == AREA:
            is_area = True
            if how != BARE:
                add_area(index.areas, ident, weak, ladder)
            elif district and index.areas.level[ident] > 0:
                continue  # 丰台 alone is the district; after 丰台区 it is the street of that name
            elif begins and leads_on(index.areas, ident, tokens, (row, k), ladder):
                add_area(index.areas, ident, _PART_COST if part else weak, ladder)
            elif not short_of and not touches_name(index, tokens, row, k):
                _add_area_point(index.areas, ident, weak, found, k)
        elif kind == WAY:
            before = found.size[0]
            _add_way(index, tokens, (row, k, part), (ident, weak), found)
            if found.size[0] > before:
                found.like[before] = how == LIKE
        elif not _says_less(index, tokens, (row, k), (first, p), ident):
            unknown = part or leads_into_tail(index, tokens, row, k)
            own = unknown if how == OWN else short_of or touches_name(index, tokens, row, k)
            _add_place(index, tokens, (row, k, own), (ident, weak), found)
    return begins and is_area


@inner_kernel
def _says_less(
    index: Index, tokens: Tokens, at: tuple[int, int], names: tuple[int, int], place: int
) -> bool:
    """Tell whether a place says less than a road of its name, one of the meanings ``names`` (first, last).

    A bus stop is called after its road. Only a compound far from that road is another thing, where the address
    goes on with a building (紫竹里6栋).
    """
    row, k = at
    building = k + 1 < tokens.size[row] and tokens.kind[row, k + 1] == _NUMBER
    building = building and tokens.ident[row, k + 1] in (_BUILDING, _FLOOR)
    for p in range(names[0], names[1]):
        if index.postings.kind[p] == WAY:
            way = index.postings.ident[p]
            dx = np.float64(index.ways.x[way]) - index.places.x[place]
            dy = np.float64(index.ways.y[way]) - index.places.y[place]
            if not building or np.hypot(dx, dy) <= index.ways.r[way] + _ALONG_M:
                return True
    return False


@inner_kernel
def add_candidate(
    found: Candidates,
    point: tuple[float, float, float],
    evidence: int,
    thing: tuple[int, int, int, int],
    cost: float,
) -> None:
    """Add a candidate: point (x, y, raw spread), evidence, thing (kind, ident, number, token)."""
    at = found.size[0]
    if at >= MOST_CANDIDATES:
        return
    found.x[at], found.y[at], found.raw[at] = point
    found.evidence[at] = evidence
    found.kind[at], found.ident[at], found.number[at], found.token[at] = thing
    found.other[at] = -1
    found.cost[at] = cost
    found.like[at] = False
    found.size[0] = at + 1


@inner_kernel
def _add_area_point(areas: Areas, ident: int, cost: float, found: Candidates, token: int) -> None:
    point = (np.float64(areas.x[ident]), np.float64(areas.y[ident]), np.float64(areas.r[ident]))
    # Evidence runs from community up, levels from district down.
    evidence = _COMMUNITY + 2 - np.int64(areas.level[ident])
    add_candidate(found, point, evidence, (AREA, ident, -1, token), cost)
    if cost >= WEAK_COST and found.size[0]:
        found.like[found.size[0] - 1] = True  # said for short, it may be something else's name


@inner_kernel
def _get_number(ways: Ways, way: int, tokens: Tokens, row: int, k: int) -> int:
    """Return the house number that follows part k, or -1."""
    if k + 1 >= tokens.size[row] or tokens.kind[row, k + 1] != _NUMBER:
        return -1
    unit = tokens.ident[row, k + 1]
    if unit not in (_NO_UNIT, _HOUSE, _BUILDING, _FLOOR):  # 紫竹里6楼 is a building
        return -1
    value, last = np.int64(tokens.value[row, k + 1]), np.int64(tokens.last[row, k + 1])
    if value <= 0:
        return -1
    if last != value and last - value <= 40 and find_known_number(ways, way, value) < 0:
        return (value + last) // 2
    return value


@inner_kernel
def _add_way(
    index: Index,
    tokens: Tokens,
    at: tuple[int, int, bool],
    meaning: tuple[int, float],
    found: Candidates,
) -> None:
    row, k, part = at
    way, cost = meaning
    ways = index.ways
    if part:
        point = (np.float64(ways.x[way]), np.float64(ways.y[way]), np.float64(ways.r[way]))
        add_candidate(found, point, _PART, (WAY, way, -1, k), cost)
        return
    number = _get_number(ways, way, tokens, row, k)
    if number > 0:
        point, evidence = place_number(index, way, number)
        add_candidate(found, point, evidence, (WAY, way, number, k), cost)
        return
    point = (
        np.float64(ways.x[way]),
        np.float64(ways.y[way]),
        np.float64(ways.r[way]) + POINT_SPREAD_M,
    )
    evidence = _ROAD
    if k + 1 < tokens.size[row] and tokens.kind[row, k + 1] == _END and ways.has_spine[way]:
        word = tokens.ident[row, k + 1]
        x, y = _find_end(ways, way, index.word_east[word], index.word_north[word])
        point = (x, y, 2 * POINT_SPREAD_M + 0.02 * np.float64(ways.length[way]))
        evidence = _ROAD_END
    add_candidate(found, point, evidence, (WAY, way, -1, k), cost)


@inner_kernel
def place_number(index: Index, way: int, number: int) -> tuple[tuple[float, float, float], int]:
    """Return the point and evidence of a house number of a road."""
    ways = index.ways
    known = find_known_number(ways, way, number)
    if known >= 0:
        noise = np.sqrt(index.habits.along.noise)
        return (
            np.float64(ways.known_x[known]),
            np.float64(ways.known_y[known]),
            noise,
        ), _KNOWN_NUMBER
    if ways.has_spine[way]:
        t, spread, aside, used = predict_along(ways, index.habits, way, number)
        x, y = find_on_spine(ways, way, t)
        x -= aside * np.float64(ways.uy[way])
        y += aside * np.float64(ways.ux[way])
        return (x, y, spread), _NEAR_NUMBER if used else _HABIT_NUMBER
    if ways.known_start[way] < ways.known_start[way + 1]:
        return predict_free(ways, index.habits, way, number), _FREE_NUMBER
    return (
        np.float64(ways.x[way]),
        np.float64(ways.y[way]),
        np.float64(ways.r[way]) + 200.0,
    ), _ROAD


@inner_kernel
def _find_end(ways: Ways, way: int, east: float, north: float) -> tuple[float, float]:
    """Return the end of a road's spine that lies farthest in a direction."""
    first, last = ways.spine_start[way], ways.spine_start[way + 1] - 1
    head = ways.spine_x[first] * east + ways.spine_y[first] * north
    tail = ways.spine_x[last] * east + ways.spine_y[last] * north
    at = first if head >= tail else last
    return np.float64(ways.spine_x[at]), np.float64(ways.spine_y[at])


@inner_kernel
def _add_place(
    index: Index,
    tokens: Tokens,
    at: tuple[int, int, bool],
    meaning: tuple[int, float],
    found: Candidates,
) -> None:
    row, k, part = at
    ident, cost = meaning
    x, y = np.float64(index.places.x[ident]), np.float64(index.places.y[ident])
    raw = POINT_SPREAD_M + np.float64(index.places.r[ident])
    x, y, raw, beside = move_beside(index, tokens, (row, k + 1), (x, y, raw))
    evidence = _PART if part else (_BESIDE_PLACE if beside else _PLACE)
    add_candidate(found, (x, y, raw), evidence, (PLACE, ident, -1, k), cost)


@inner_kernel
def move_beside(
    index: Index, tokens: Tokens, at: tuple[int, int], point: tuple[float, float, float]
) -> tuple[float, float, float, bool]:
    """Move and widen a point by the relation word at part ``at`` (east of, opposite, near)."""
    x, y, raw = point
    row, k = at
    if k >= tokens.size[row]:
        return x, y, raw, False
    kind, word = tokens.kind[row, k], tokens.ident[row, k]
    if kind in (_SIDE, _GATE, _END) and word >= 0:
        shift = _SIDE_SHIFT_M + 0.5 * raw
        x += shift * np.float64(index.word_east[word])
        y += shift * np.float64(index.word_north[word])
    elif kind not in (_NEAR, _OPPOSITE):
        return x, y, raw, False
    return x, y, np.hypot(raw, _BESIDE_SPREAD_M), True


@inner_kernel
def _add_crossings(index: Index, tokens: Tokens, row: int, found: Candidates) -> None:
    """Add the crossing of two roads where the text joins them (与, 交叉口, 路口), or of a road and a place on it.

    Where nothing joins them, a place by the road that is named as well is the one meant: 安定门外大街地坛公园.
    """
    crossed = False
    for k in range(tokens.size[row]):
        crossed |= tokens.kind[row, k] == _CROSS or tokens.kind[row, k] == _AND
    single = found.size[0]
    for i in range(single):
        if found.kind[i] != WAY or found.number[i] > 0 or found.evidence[i] == _PART:
            continue
        for j in range(single):
            if i == j or found.token[i] == found.token[j]:
                continue
            if found.kind[j] == WAY and crossed and i < j and found.number[j] < 0:
                _add_crossing(index, i, j, found)
            elif found.kind[j] == PLACE and index.ways.has_spine[found.ident[i]]:
                _join_place(index, (i, j), crossed, found)


@inner_kernel
def _add_crossing(index: Index, i: int, j: int, found: Candidates) -> None:
    a, b = found.ident[i], found.ident[j]
    best, x, y = find_crossing(index.ways, a, b)
    if best <= _CROSSING_M:
        point = (x, y, POINT_SPREAD_M + 0.5 * best)
        add_candidate(found, point, _INTERSECTION, (WAY, a, -1, found.token[j]), found.cost[i])
        found.other[found.size[0] - 1] = b


@inner_kernel
def _join_place(index: Index, pair: tuple[int, int], crossed: int, found: Candidates) -> None:
    """Trust place ``pair[1]`` the more for lying by way ``pair[0]``; joined by a word they are one crossing."""
    i, j = pair
    x, y = found.x[j], found.y[j]
    away, px, py = find_nearest_on_spine(index.ways, found.ident[i], x, y)
    if away > _ALONG_M + found.raw[j]:
        return
    if crossed and away <= _BESIDE_M and found.evidence[j] == _PLACE:
        point = (px, py, found.raw[j] + 0.5 * away)
        thing = (WAY, found.ident[i], -1, found.token[i])
        add_candidate(found, point, _INTERSECTION, thing, found.cost[i])
    elif away <= _BESIDE_M + found.raw[j]:
        found.cost[j] -= _JOINT_GAIN
