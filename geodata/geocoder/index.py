"""The built index: records → lexicon, postings, areas, roads, places."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geodata.address.lexicon import make_lexicon
from geodata.address.parse import Lexicon
from geodata.address.trie import Trie
from geodata.address.words import TokenKind, read_words
from geodata.gazetteer.array_file import read_arrays, write_arrays
from geodata.gazetteer.grams import Grams, make_grams
from geodata.gazetteer.house_numbers import NumberModel
from geodata.gazetteer.other_names import is_telling, vary_numerals, vary_way
from geodata.gazetteer.places import Areas, Places, make_areas, make_places
from geodata.gazetteer.postings import AREA, BARE, LIKE, OWN, PLACE, WAY, Postings
from geodata.gazetteer.records import Projection, Records
from geodata.gazetteer.ways import Habits, Ways, make_ways
from geodata.geocoder.calibrate import find_least_alike
from geodata.geocoder.evidence import Index
from geodata.kernels import freeze


@dataclass(frozen=True, kw_only=True)
class Gazetteer:
    """Built index of a city's names; make it with :func:`geodata.geocoder.build.make_gazetteer`.

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
        For each word of the parser whether it names this city itself or its province; other cities' addresses are
        refused.
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

    def save(self, path: Path | str) -> None:
        """Write the index to one file, to be mapped by :meth:`load`."""
        arrays = {}
        for part in _PARTS:
            arrays.update(_flatten(part, getattr(self, part)))
        arrays.update({name: getattr(self, name) for name in _ARRAYS})
        _, offsets, text = self.names.buffers()
        arrays["names.offsets"] = np.frombuffer(offsets, np.int64)[: len(self.names) + 1]
        arrays["names.text"] = np.frombuffer(text or b"", np.uint8)
        meta = {**self.meta, "projection": self.projection, "habits": self.habits}
        write_arrays(Path(path), arrays, meta)

    @classmethod
    def load(cls, path: Path | str, *, verify: bool = True) -> "Gazetteer":
        """Map an index that :meth:`save` wrote.

        Raises
        ------
        GazetteerFileError
            If the file is missing, damaged or of another version.
        """
        arrays, meta = read_arrays(Path(path), verify=verify)
        habits = Habits(*(NumberModel(*model) for model in meta.pop("habits")))
        offsets = arrays["names.offsets"]
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(arrays["names.text"])]
        trie = Trie(*(arrays[f"lexicon.{name}"] for name in Trie._fields))
        lexicon = Lexicon(trie, arrays["lexicon.word"], arrays["lexicon.word_kind"])
        return cls(
            projection=Projection(*meta.pop("projection")),
            lexicon=lexicon,
            names=pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers),
            habits=habits,
            meta=meta,
            areas=_unflatten("areas", Areas, arrays),
            ways=_unflatten("ways", Ways, arrays),
            places=_unflatten("places", Places, arrays),
            postings=_unflatten("postings", Postings, arrays),
            grams=_unflatten("grams", Grams, arrays),
            labels=arrays["labels"],
            own_city=arrays["own_city"],
            calibration=arrays["calibration"],
        )


_PARTS = ("lexicon", "areas", "ways", "places", "postings", "grams")
_ARRAYS = ("labels", "own_city", "calibration")


def _flatten(prefix: str, part: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a (nested) named tuple under dotted names."""
    flat: dict[str, np.ndarray] = {}
    for name, value in part._asdict().items():
        if isinstance(value, np.ndarray):
            flat[f"{prefix}.{name}"] = value
        else:
            flat.update(_flatten(prefix, value))
    return flat


def _unflatten(prefix: str, kind: Any, arrays: dict[str, np.ndarray]) -> Any:
    return kind(*(arrays[f"{prefix}.{name}"] for name in kind._fields))


def make_index(gazetteer: Gazetteer) -> Index:
    """Return the gazetteer as compiled code sees it."""
    words = read_words()[1]
    index = Index(
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
        np.array([find_least_alike(gazetteer.calibration)]),
        gazetteer.grams,
    )
    frozen: Index = freeze(index)
    return frozen


def build_gazetteer(records: Records, calibration: np.ndarray) -> Gazetteer:
    """Build the index of records."""
    areas = make_areas(records)
    ways, habits, way_names = make_ways(records)
    places, place_names = make_places(records)
    links = pd.concat(
        [
            _link_areas(list(records.areas["names"])),
            _link_ways(way_names),
            place_names.rename(columns={"place": "ident"}).assign(
                kind=PLACE, weak=place_names["alias"].astype(np.uint8) * BARE
            )[["name", "kind", "ident", "weak"]],
        ],
        ignore_index=True,
    )
    links = links[links["name"].map(is_telling).astype(bool)]
    links = _add_numerals(pd.concat([links, _link_variants(way_names, links)], ignore_index=True))
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


def _link_areas(names: list[dict[str, int]]) -> pd.DataFrame:
    """Return a row for each name of each area."""
    rows = [(n, AREA, ident, how) for ident, own in enumerate(names) for n, how in own.items()]
    return pd.DataFrame(rows, columns=["name", "kind", "ident", "weak"])


def _link_ways(names: list[list[str]]) -> pd.DataFrame:
    """Return a row for each name of each way; later names are aliases."""
    rows = [
        (name, WAY, ident, BARE if position else OWN)
        for ident, own in enumerate(names)
        for position, name in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["name", "kind", "ident", "weak"])


MOST_ALIKE_WAYS = 6
"""What more roads than this may be called by mistake (南大街) tells none of them."""


def _link_variants(names: list[list[str]], links: pd.DataFrame) -> pd.DataFrame:
    """Return a row for what else each way may be called, where that is nobody's name."""
    rows = (
        [(name, ident) for ident, own in enumerate(names) for name in vary_way(own[0])]
        if names
        else []
    )
    frame = pd.DataFrame(rows, columns=["name", "ident"])
    frame = frame[~frame["name"].isin(links["name"])]
    frame = frame[frame.groupby("name")["ident"].transform("size") <= MOST_ALIKE_WAYS]
    return frame.assign(kind=WAY, weak=LIKE)


def _add_numerals(links: pd.DataFrame) -> pd.DataFrame:
    """Return the links with those names as well whose ordinals are written the other way, unless they are another's."""
    numbered = links[links["name"].str.contains("[1-9一二三四五六七八九十]", regex=True)]
    varied = numbered.assign(name=numbered["name"].map(vary_numerals)).explode("name").dropna()
    varied = varied[~varied["name"].isin(links["name"])]
    return pd.concat([links, varied], ignore_index=True)


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
    labels = np.full(first[-1] + 1, -1, dtype=np.int32)  # the last one stands for nothing
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
    """Return, for each word, whether it is a name of this very city or of the province that it lies in."""
    own = np.zeros(len(lexicon.word_kind), dtype=np.bool_)
    number = pd.Index(names).get_indexer(_spell_cities(records))
    word = lexicon.word[number[number >= 0]]
    own[word[word >= 0]] = True
    region = read_words()[1].region
    is_region = np.isin(lexicon.word_kind, (TokenKind.REGION, TokenKind.REGION_SHORT))
    return own | (is_region & np.isin(region, region[own & (region >= 0)]))
