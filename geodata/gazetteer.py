"""The gazetteer: one index of names, numbers and points from any mix of sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from geodata.address_lexicon import make_lexicon
from geodata.address_parse import Lexicon
from geodata.gazetteer_names import is_telling
from geodata.gazetteer_grams import Grams, make_grams
from geodata.gazetteer_postings import AREA, PLACE, WAY, Postings
from geodata.gazetteer_places import Areas, Places, make_areas, make_places
from geodata.gazetteer_records import (
    GazetteerSource,
    Projection,
    Records,
    SourceKind,
    make_records,
)
from geodata.gazetteer_ways import Habits, Ways, make_ways

__all__ = ["Gazetteer", "GazetteerSource", "Postings", "SourceKind", "make_gazetteer"]


@dataclass(frozen=True, kw_only=True)
class Gazetteer:
    """Built index of a city's names; make it with :func:`make_gazetteer` or :meth:`load`.

    Attributes
    ----------
    lexicon
        All names in one trie.
    names
        Arrow array of the folded names in the order of their numbers.
    label_start, labels
        Name number of each area, way and place: what an answer calls it.
    own_cities
        Numbers of the words that name this city itself; other cities' addresses are refused.
    calibration
        Radius of 90 % as scale and base of the raw spread for each kind of evidence, shape (kinds, 2).
    """

    projection: Projection
    lexicon: Lexicon
    names: pa.Array
    areas: Areas
    ways: Ways
    places: Places
    habits: Habits
    postings: Postings
    labels: np.ndarray
    own_city: np.ndarray
    calibration: np.ndarray
    grams: Grams
    meta: dict[str, object] = field(default_factory=dict)


def make_gazetteer(
    sources: Sequence[GazetteerSource],
    *,
    extent: shapely.Geometry | None = None,
    city: str = "",
) -> Gazetteer:
    """Build a gazetteer of `sources`.

    Parameters
    ----------
    sources
        Tables of names and points, areas and roads included, in EPSG:4326.
    extent
        Rows outside it are left out (EPSG:4326).
    city
        Name of the city (北京市); otherwise the cities that its own addresses name are taken.
    """
    return build_index(make_records(sources, extent=extent, city=city))


def build_index(records: Records) -> Gazetteer:
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
    lexicon, names = make_lexicon(links["name"].unique())
    postings, labels = _make_postings(links, names, (len(areas.x), len(ways.x), len(places.x)))
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
        own_city=_mark_own_cities(records.city_names, names, lexicon),
        calibration=get_default_calibration(),
        grams=make_grams(lexicon.trie.codes, lexicon.trie.start, np.diff(postings.start) > 0),
    )


def get_default_calibration() -> np.ndarray:
    """Return base and scale of the radius for each kind of evidence before any fit."""
    return np.column_stack([np.full(14, 20.0), np.full(14, 1.645)])


def _link(kind: int, names: list[list[str]]) -> pd.DataFrame:
    """Return a row for each name of each thing; bare area names and later names are weak."""
    rows = [
        (name, kind, ident, int(position == len(own) - 1) if kind == AREA else int(position > 0))
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


def _mark_own_cities(cities: frozenset[str], names: list[str], lexicon: Lexicon) -> np.ndarray:
    """Return, for each word, whether it is a name of this very city."""
    own = np.zeros(len(lexicon.word_kind), dtype=np.bool_)
    spoken = {form for city in cities for form in (city, city.removesuffix("市"), f"{city}市")}
    for name in spoken:
        at = int(np.searchsorted(names, name)) if names else 0
        if at < len(names) and names[at] == name and lexicon.word[at] >= 0:
            own[lexicon.word[at]] = True
    return own
