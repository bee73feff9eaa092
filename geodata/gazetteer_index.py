"""The built index: records → lexicon, postings, areas, roads, places."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geodata.address_lexicon import make_lexicon
from geodata.address_parse import Lexicon
from geodata.address_words import read_words
from geodata.gazetteer_grams import Grams, make_grams
from geodata.gazetteer_names import is_telling
from geodata.gazetteer_places import Areas, Places, make_areas, make_places
from geodata.gazetteer_postings import AREA, PLACE, WAY, Postings
from geodata.gazetteer_records import Projection, Records
from geodata.gazetteer_ways import Habits, Ways, make_ways
from geodata.geocoder_tables import Index


@dataclass(frozen=True, kw_only=True)
class Gazetteer:
    """Built index of a city's names; make it with :func:`geodata.gazetteer.make_gazetteer`.

    Attributes
    ----------
    projection
        Plane of all coordinates.
    lexicon
        All names in one trie.
    names
        Arrow array of the folded names in the order of their numbers.
    labels
        Name number of each area, way and place in turn: what an answer calls it; -1 where none is left.
    own_city
        For each word of the parser whether it names this city itself; other cities' addresses are refused.
    calibration
        Base (m) and scale of the 90 % radius for each kind of evidence, shape (kinds, 2).
    meta
        What the index was made of: counts, version.
    """

    projection: Projection
    lexicon: Lexicon
    names: Any
    areas: Areas
    ways: Ways
    places: Places
    habits: Habits
    postings: Postings
    labels: np.ndarray
    own_city: np.ndarray
    calibration: np.ndarray
    grams: Grams
    meta: dict[str, Any] = field(default_factory=dict)


def make_index(gazetteer: Gazetteer) -> Index:
    """Return the gazetteer as compiled code sees it."""
    words = read_words()[1]
    return Index(
        gazetteer.lexicon,
        gazetteer.areas,
        gazetteer.ways,
        gazetteer.places,
        gazetteer.habits,
        gazetteer.postings,
        gazetteer.own_city,
        words.east,
        words.north,
        gazetteer.calibration,
        gazetteer.grams,
    )


def build_gazetteer(records: Records, calibration: np.ndarray) -> Gazetteer:
    """Build the index of records."""
    areas = make_areas(records)
    ways, habits, way_names = make_ways(records)
    places, place_names = make_places(records)
    links = pd.concat(
        [
            _link(AREA, list(records.areas["names"])),
            _link(WAY, way_names),
            place_names.rename(columns={"place": "ident", "alias": "weak"}).assign(kind=PLACE),
        ],
        ignore_index=True,
    )
    links = links[links["name"].map(is_telling)]
    lexicon, names = make_lexicon([*links["name"].unique(), *_spell_cities(records)])
    sizes = (len(areas.x), len(ways.x), len(places.x))
    postings, labels = _make_postings(links, names, sizes)
    trie = lexicon.trie
    return Gazetteer(
        projection=records.projection,
        lexicon=lexicon,
        names=pa.array(names, type=pa.large_string()),
        areas=areas,
        ways=ways,
        places=places,
        habits=habits,
        postings=postings,
        labels=labels,
        own_city=_mark_own_cities(records, names, lexicon),
        calibration=calibration,
        grams=make_grams(trie.codes, trie.start, np.diff(postings.start) > 0),
        meta={"names": len(names), "areas": sizes[0], "roads": sizes[1], "places": sizes[2]},
    )


def _link(kind: int, names: list[list[str]]) -> pd.DataFrame:
    """Return a row for each name of each thing; bare area names and later names are weak."""
    rows = [
        (
            name,
            kind,
            ident,
            int(position == len(own) - 1 > 0) if kind == AREA else int(position > 0),
        )
        for ident, own in enumerate(names)
        for position, name in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["name", "kind", "ident", "weak"])


def _make_postings(
    links: pd.DataFrame, names: list[str], sizes: tuple[int, int, int]
) -> tuple[Postings, np.ndarray]:
    number = pd.Index(names).get_indexer(links["name"])
    kind = links["kind"].to_numpy(np.uint8)
    ident = links["ident"].to_numpy(np.int32)
    weak = links["weak"].to_numpy(np.uint8)
    order = np.lexsort((ident, weak, kind, number))
    start = np.searchsorted(number[order], np.arange(len(names) + 1)).astype(np.int64)
    first = np.cumsum([0, *sizes])
    labels = np.full(first[-1], -1, dtype=np.int32)
    at = first[:-1][kind] + ident
    # Assigned backwards so that the first (official) name of a thing stays.
    labels[at[::-1]] = number[::-1]
    return Postings(start, kind[order], ident[order], weak[order]), labels


def _spell_cities(records: Records) -> list[str]:
    """Return how this city is named in addresses."""
    return [
        form
        for city in sorted(records.city_names)
        for form in (city, city.removesuffix("市"), f"{city.removesuffix('市')}市")
        if len(form) >= 2
    ]


def _mark_own_cities(records: Records, names: list[str], lexicon: Lexicon) -> np.ndarray:
    """Return, for each word, whether it is a name of this very city."""
    own = np.zeros(len(lexicon.word_kind), dtype=np.bool_)
    number = pd.Index(names).get_indexer(_spell_cities(records))
    word = lexicon.word[number[number >= 0]]
    own[word[word >= 0]] = True
    return own
