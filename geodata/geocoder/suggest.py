"""Names of the gazetteer that a person may mean while typing: by beginning, else by what they contain.

A house number after the name of a road finds the known numbers that begin with its digits. Areas that stand
before the name (东城区史家) narrow the search to what lies in them.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from geodata.address import fold_text
from geodata.address.folding import LONGEST_TEXT
from geodata.address.lexicon import encode_names
from geodata.address.parse import parse_text
from geodata.address.trie import find_name
from geodata.address.words import TokenKind
from geodata.frames import PlaceLevel
from geodata.gazetteer.places import LEVELS
from geodata.gazetteer.postings import AREA, BARE, OWN, PLACE, WAY
from geodata.geocoder.evidence import Index
from geodata.geocoder.geometry import find_on_spine
from geodata.geocoder.index import Gazetteer
from geodata.geocoder.suggest_kernels import find_range, find_street, find_within, mark_inside

SUGGESTION_COLUMNS = ("name", "kind", "street", "lon", "lat")
"""``name`` as the gazetteer compares it (half width, simplified) · ``kind`` a ``PlaceLevel`` value ·
``street`` the street whose outline holds the point, missing where none does · ``lon lat`` EPSG:4326."""

MOST_LIMIT = 100
_MOST_NAMES = 2_000
"""Names looked at more closely; of more matches the shortest are kept: they are the likeliest meant."""
_DISTRICT = LEVELS.index(PlaceLevel.DISTRICT)
_ROAD_AND_DIGITS = re.compile(r"^(.*\D)([1-9][0-9]{0,4})号?院?$")
_BEFORE_AREAS = (
    *(TokenKind.REGION, TokenKind.REGION_SHORT, TokenKind.CITY, TokenKind.CITY_SHORT),
    *(TokenKind.CITY_STEM, TokenKind.DISTRICT_TEXT, TokenKind.NOISE, TokenKind.MARK),
)


class _Things(NamedTuple):
    """Entries as (kind, ident) of the postings, ``number`` of a house or -1; best first."""

    kind: np.ndarray
    ident: np.ndarray
    number: np.ndarray


_NONE = np.zeros(0, dtype=np.int64)


def suggest_places(
    gazetteer: Gazetteer, index: Index, text: str, *, limit: int = 10
) -> pd.DataFrame:
    """Return the entries whose name begins with `text`, then those whose name contains it.

    Exact names come first; then official names before other names, areas before roads before places, short
    names before long ones.

    Parameters
    ----------
    gazetteer, index
        The same gazetteer, plain and as compiled code sees it.
    text
        What has been typed so far: the beginning or any part of a name, a road with the first digits of a
        number (史家胡同5), or either after the areas that hold it (东城区史家).
    limit
        Most rows, 1 to :data:`MOST_LIMIT`.

    Returns
    -------
    Columns ``SUGGESTION_COLUMNS``; empty for a text of nothing or of more than 1,000 characters.

    Raises
    ------
    ValueError
        If `limit` is out of its range.
    """
    if not 1 <= limit <= MOST_LIMIT:
        raise ValueError(f"limit of suggestions is {limit}: expected 1 to {MOST_LIMIT}")
    folded = fold_text(text[: LONGEST_TEXT + 1])
    if not folded or len(folded) > LONGEST_TEXT:
        return _make_frame(gazetteer, index, _Things(_NONE, _NONE, _NONE))
    found = _find_things(index, folded, limit)
    if len(found.kind) < limit:
        areas, rest = _split_areas(index, folded)
        if areas is not None and rest:
            inner = _keep_inside(index, _find_things(index, rest, _MOST_NAMES), areas)
            found = _unite(found, inner)
    return _make_frame(gazetteer, index, _Things(*(part[:limit] for part in found)))


def _find_things(index: Index, folded: str, limit: int) -> _Things:
    numbered = _find_numbers(index, folded)
    return (
        numbered
        if len(numbered.kind) >= limit
        else _unite(numbered, _find_named(index, folded, limit))
    )


def _find_named(index: Index, folded: str, limit: int) -> _Things:
    """Return the things whose names begin with the text, then those whose names contain it."""
    trie, codes = index.lexicon.trie, encode_names([folded])[0]
    begin = np.arange(*find_range(trie.codes, trie.start, codes))
    found = _rank_names(index, begin, len(codes))
    if len(found.kind) >= limit:
        return found
    within = find_within(trie.codes, trie.start, codes)
    return _unite(found, _rank_names(index, within, 0))


def _rank_names(index: Index, name: np.ndarray, exact: int) -> _Things:
    """Return the things of names, best first: names of `exact` characters before all others."""
    trie, postings = index.lexicon.trie, index.postings
    length = trie.start[name + 1] - trie.start[name]
    if len(name) > _MOST_NAMES:
        best = np.argpartition(length, _MOST_NAMES)[:_MOST_NAMES]
        name, length = name[best], length[best]
    count = postings.start[name + 1] - postings.start[name]
    row = np.repeat(np.arange(len(name)), count)
    at = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    at += np.repeat(postings.start[name], count)
    kind, ident = postings.kind[at].astype(np.int64), postings.ident[at].astype(np.int64)
    keys = (ident, name[row], length[row], kind, postings.weak[at] != OWN, length[row] != exact)
    order = np.lexsort(keys)
    return _drop_repeated(_Things(kind[order], ident[order], np.full(len(order), -1)))


def _find_numbers(index: Index, folded: str) -> _Things:
    """Return the known numbers of a road that begin with the digits typed, then the road itself."""
    match = _ROAD_AND_DIGITS.match(folded)
    name = find_name(index.lexicon.trie, encode_names([match[1]])[0]) if match else -1
    if match is None or name < 0:
        return _Things(_NONE, _NONE, _NONE)
    own = slice(index.postings.start[name], index.postings.start[name + 1])
    roads = index.postings.ident[own][index.postings.kind[own] == WAY].astype(np.int64)
    ident, number = [], []
    for road in roads:
        known = index.ways.known_no[index.ways.known_start[road] : index.ways.known_start[road + 1]]
        told = [int(no) for no in known if str(no).startswith(match[2])]
        ident += [int(road)] * len(told)
        number += told
    order = np.argsort(number, kind="stable")
    both = np.concatenate([np.array(ident, np.int64)[order], roads])
    numbers = np.concatenate([np.array(number, np.int64)[order], np.full(len(roads), -1)])
    return _Things(np.full(len(both), WAY), both, numbers)


def _split_areas(index: Index, folded: str) -> tuple[np.ndarray | None, str]:
    """Return the areas that stand at the head of a text (the last one named) and what follows them.

    Without such areas, and for a text that is all areas, the first is None.
    """
    tokens = parse_text(index.lexicon, encode_names([folded])[0])
    areas, end = None, 0
    for k in range(int(tokens.size[0]) - 1):
        kind, ident = int(tokens.kind[0, k]), int(tokens.ident[0, k])
        own = _get_areas(index, ident) if kind == TokenKind.NAME else _NONE
        if len(own):
            areas = own
        elif kind not in _BEFORE_AREAS:
            break
        end = int(tokens.end[0, k])
    return areas, folded[end:]


def _get_areas(index: Index, name: int) -> np.ndarray:
    """Return the areas that a name surely means; a bare name only of a district (东城)."""
    own = slice(index.postings.start[name], index.postings.start[name + 1])
    ident = index.postings.ident[own].astype(np.int64)
    area = index.postings.kind[own] == AREA
    sure = (index.postings.weak[own] != BARE) | (
        index.areas.level[np.where(area, ident, 0)] == _DISTRICT
    )
    return ident[area & sure] if len(index.areas.level) else _NONE


def _keep_inside(index: Index, found: _Things, areas: np.ndarray) -> _Things:
    """Return the things that lie in one of the areas, without these areas themselves."""
    inside = mark_inside(index.areas, areas, *_find_middles(index, found))
    inside &= (found.kind != AREA) | ~np.isin(found.ident, areas)
    return _Things(*(part[inside] for part in found))


def _find_middles(index: Index, found: _Things) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of things in plane metres."""
    x, y = np.zeros(len(found.kind)), np.zeros(len(found.kind))
    for kind, things in ((AREA, index.areas), (WAY, index.ways), (PLACE, index.places)):
        own = found.kind == kind
        x[own], y[own] = things.x[found.ident[own]], things.y[found.ident[own]]
    return x, y


def _find_points(index: Index, found: _Things) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of things in plane metres: numbers, middles on roads, places."""
    x, y = _find_middles(index, found)
    ways = index.ways
    for i in np.flatnonzero(found.kind == WAY):
        way, number = found.ident[i], found.number[i]
        if number >= 0:
            first, last = ways.known_start[way], ways.known_start[way + 1]
            at = first + np.searchsorted(ways.known_no[first:last], number)
            x[i], y[i] = ways.known_x[at], ways.known_y[at]
        elif ways.has_spine[way]:
            x[i], y[i] = find_on_spine(ways, way, 0.5 * float(ways.length[way]))
    return x, y


def _make_frame(gazetteer: Gazetteer, index: Index, found: _Things) -> pd.DataFrame:
    """Return things as the rows that :func:`suggest_places` promises."""
    x, y = _find_points(index, found)
    lon, lat = gazetteer.projection.to_degrees(x, y)
    first = np.cumsum([0, len(gazetteer.areas.x), len(gazetteer.ways.x)])
    labels = gazetteer.labels[first[found.kind] + found.ident]
    names = gazetteer.names.take(labels).to_pylist()
    streets = [find_street(index.areas, float(a), float(b)) for a, b in zip(x, y, strict=True)]
    kinds = [_get_level(index, *thing) for thing in zip(*found, strict=True)]
    return pd.DataFrame(
        {
            "name": pd.Series(
                [n if no < 0 else f"{n}{no}号" for n, no in zip(names, found.number, strict=True)],
                dtype="str",
            ),
            "kind": pd.Series(kinds, dtype="str"),
            "street": pd.Series(
                [
                    None
                    if street < 0 or kind == PlaceLevel.DISTRICT
                    else gazetteer.names[int(gazetteer.labels[street])].as_py()
                    for street, kind in zip(streets, kinds, strict=True)
                ],
                dtype="str",
            ),
            "lon": lon,
            "lat": lat,
        }
    )


def _get_level(index: Index, kind: int, ident: int, number: int) -> str:
    if kind == AREA:
        return str(LEVELS[index.areas.level[ident]])
    if kind == PLACE:
        return str(PlaceLevel.PLACE)
    return str(PlaceLevel.ROAD if number < 0 else PlaceLevel.NUMBER)


def _unite(first: _Things, second: _Things) -> _Things:
    """Return the things of both, each once."""
    pairs = zip(first, second, strict=True)
    return _drop_repeated(_Things(*(np.concatenate(pair) for pair in pairs)))


def _drop_repeated(found: _Things) -> _Things:
    """Keep the first of equal things; entries without a name left are none."""
    seen = pd.DataFrame(found._asdict()).duplicated().to_numpy()
    return _Things(*(part[~seen] for part in found))
