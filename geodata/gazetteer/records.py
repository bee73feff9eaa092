"""Rows of any sources as plain records: areas, lines, numbers and named points."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import shapely

from geodata.address import encode_texts, fold_text
from geodata.address.folding import Codes
from geodata.address.lexicon import decode_codes, make_lexicon
from geodata.address.parse import Tokens, make_tokens, parse_rows
from geodata.address.words import NumberUnit, TokenKind
from geodata.gazetteer.merge import merge_areas
from geodata.gazetteer.other_names import (
    AREA_KINDS,
    is_telling,
    make_way_names,
    weigh_area_names,
)

SourceKind = Literal["address", "place", "road", "number", "community", "street", "district"]

_BATCH = 65_536
FEWEST_POINTS_OF_AREA = {"district": 20, "street": 3, "community": 3}
"""Points of an area that addresses alone name: fewer say too little of how far it reaches."""
FEWEST_ROADS_OF_DEFAULT = 3
"""One point that addresses of so many roads share is a default, not where they lie."""


@dataclass(frozen=True, kw_only=True)
class GazetteerSource:
    """One table of named places, already in EPSG:4326.

    Parameters
    ----------
    frame
        Rows with any of ``name address lon lat geometry aliases street community district number
        road``; ``lon lat`` in degrees or ``geometry`` (shapely); ``aliases`` joined by ``;``.
    kind
        What a row is.
    name
        What the user calls the source, for messages.
    """

    frame: pd.DataFrame
    kind: SourceKind
    name: str


class Projection(NamedTuple):
    """A local plane in metres around ``lon lat``, exact to invert."""

    lon: float
    lat: float
    lon_m: float
    lat_m: float

    def to_plane(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of the centre."""
        return (lon - self.lon) * self.lon_m, (lat - self.lat) * self.lat_m

    def to_degrees(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of plane coordinates."""
        return x / self.lon_m + self.lon, y / self.lat_m + self.lat


def make_projection(lon: float, lat: float) -> Projection:
    """Make a local plane; metres of a degree on the WGS84 ellipsoid at `lat`."""
    phi = np.deg2rad(lat)
    e2 = 6.69437999014e-3  # first eccentricity squared, WGS84
    w = 1 - e2 * np.sin(phi) ** 2
    lon_m = np.deg2rad(1) * 6_378_137.0 * np.cos(phi) / np.sqrt(w)
    lat_m = np.deg2rad(1) * 6_378_137.0 * (1 - e2) / w**1.5
    return Projection(lon, lat, float(lon_m), float(lat_m))


@dataclass(kw_only=True)
class Records:
    """All sources as frames in plane metres; names are folded.

    ``areas``: level name names (each with how it names) x y geometry · ``lines``: name names geometry ·
    ``numbers``: name number x y · ``places``: name x y alias
    """

    projection: Projection
    areas: pd.DataFrame
    lines: pd.DataFrame
    numbers: pd.DataFrame
    places: pd.DataFrame
    city_names: frozenset[str] = field(default_factory=frozenset)


def make_records(
    sources: Sequence[GazetteerSource], *, extent: shapely.Geometry | None, city: str
) -> Records:
    """Sort the rows of `sources` into records; rows without a position in `extent` are left out."""
    frames = [_make_positions(source, extent) for source in sources]
    projection = _find_centre(frames)
    areas = _make_areas(frames, projection)
    lines = _make_lines(frames, projection)
    texts = _collect_texts(frames, projection)
    known = [name for names in areas["names"] for name in names]
    known += [name for names in lines["names"] for name in names]
    found = _parse_texts(texts, known)
    numbers = pd.concat([_make_numbers(frames, projection), found.numbers], ignore_index=True)
    places = pd.concat([_make_places(frames, projection), found.places], ignore_index=True)
    default = _find_default_points(pd.concat([numbers[["name", "x", "y"]], found.places]))
    numbers, places = _drop_points(numbers, default), _drop_points(places, default)
    return Records(
        projection=projection,
        areas=pd.concat([areas, _make_named_areas(found.areas, areas)], ignore_index=True),
        lines=lines,
        numbers=numbers,
        places=places,
        city_names=found.cities | ({fold_text(city)} if city else frozenset()),
    )


def _find_default_points(named: pd.DataFrame) -> pd.Index:
    """Return the points (as :func:`_key_points`) that stand for many roads: where a source put what it could not place.

    A door lies on one road, one at a corner on two; ``named``: what addresses name, ``name x y``.
    """
    key = _key_points(named)
    pairs = pd.DataFrame({"key": key, "name": named["name"].to_numpy()}).drop_duplicates()
    names = pairs["key"].value_counts()
    return pd.Index(names.index[names >= FEWEST_ROADS_OF_DEFAULT])


def _key_points(frame: pd.DataFrame) -> np.ndarray:
    """Return one number for each point, the same for points of one decimetre."""
    x, y = (np.round(frame[axis].to_numpy(float) * 10.0).astype(np.int64) for axis in ("x", "y"))
    return np.asarray(x * (1 << 31) + y)


def _drop_points(frame: pd.DataFrame, points: pd.Index) -> pd.DataFrame:
    if not len(points):
        return frame
    return frame[~np.isin(_key_points(frame), points.to_numpy())].reset_index(drop=True)


def _make_positions(source: GazetteerSource, extent: shapely.Geometry | None) -> pd.DataFrame:
    """Return the source's rows that have a position, with ``lon lat kind``; geometry stays."""
    frame = source.frame.copy()
    frame["kind"] = source.kind
    if "geometry" in frame:
        geometry = np.asarray(frame["geometry"], dtype=object)
        inner = shapely.point_on_surface(geometry)
        frame["lon"], frame["lat"] = shapely.get_x(inner), shapely.get_y(inner)
        frame["geometry"] = geometry
        frame = pd.DataFrame(frame)
    lon, lat = (pd.to_numeric(frame[c], errors="coerce").to_numpy(float) for c in ("lon", "lat"))
    keep = np.isfinite(lon) & np.isfinite(lat)
    if extent is not None:
        shapely.prepare(extent)
        keep &= shapely.intersects_xy(extent, lon, lat)
    return frame[keep].assign(lon=lon[keep], lat=lat[keep]).reset_index(drop=True)


def _find_centre(frames: list[pd.DataFrame]) -> Projection:
    lon = np.concatenate([frame["lon"].to_numpy() for frame in frames] or [np.zeros(0)])
    lat = np.concatenate([frame["lat"].to_numpy() for frame in frames] or [np.zeros(0)])
    if len(lon) == 0:
        return make_projection(0.0, 0.0)
    return make_projection(float(np.median(lon)), float(np.median(lat)))


def _select(frames: list[pd.DataFrame], kinds: tuple[str, ...], column: str) -> list[pd.DataFrame]:
    return [
        frame[frame[column].notna() & (frame[column].astype(str) != "")]
        for frame in frames
        if len(frame) and frame["kind"].iloc[0] in kinds and column in frame
    ]


def _flatten(geometry: np.ndarray, projection: Projection) -> np.ndarray:
    """Return geometries in plane metres."""
    return np.asarray(
        shapely.transform(
            geometry,
            lambda xy: np.column_stack(projection.to_plane(xy[:, 0], xy[:, 1])),
        ),
        dtype=object,
    )


def _get_aliases(row_aliases: object) -> list[str]:
    return (
        []
        if not isinstance(row_aliases, str)
        else [a for a in re.split("[;；|]", row_aliases) if a]
    )


def _make_areas(frames: list[pd.DataFrame], projection: Projection) -> pd.DataFrame:
    rows = []
    for frame in _select(frames, tuple(AREA_KINDS), "name"):
        geometry = (
            _flatten(np.asarray(frame["geometry"]), projection) if "geometry" in frame else None
        )
        x, y = projection.to_plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        aliases = frame["aliases"] if "aliases" in frame else pd.Series([None] * len(frame))
        for i, (name, kind, other) in enumerate(
            zip(frame["name"], frame["kind"], aliases, strict=True)
        ):
            names = weigh_area_names(str(name), kind, _get_aliases(other))
            rows.append(
                (
                    kind,
                    fold_text(str(name)),
                    names,
                    x[i],
                    y[i],
                    None if geometry is None else geometry[i],
                )
            )
    areas = pd.DataFrame(rows, columns=["level", "name", "names", "x", "y", "geometry"])
    return merge_areas(areas)


def _make_lines(frames: list[pd.DataFrame], projection: Projection) -> pd.DataFrame:
    """Return road lines, a row for each name of each line."""
    rows = []
    for frame in _select(frames, ("road",), "name"):
        if "geometry" not in frame:
            continue
        aliases = frame["aliases"] if "aliases" in frame else [None] * len(frame)
        for name, other, line in zip(
            frame["name"], aliases, _flatten(np.asarray(frame["geometry"]), projection), strict=True
        ):
            # One line may carry two names: a road and the bridge on it.
            parts = [fold_text(part) for part in re.split("[/、;；]", str(name))]
            own = _get_aliases(other)
            rows += [(part, make_way_names(part, own), line) for part in parts if is_telling(part)]
    return pd.DataFrame(rows, columns=["name", "names", "geometry"])


def _make_numbers(frames: list[pd.DataFrame], projection: Projection) -> pd.DataFrame:
    parts = []
    for frame in _select(frames, ("number",), "road"):
        x, y = projection.to_plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        number = frame["number"].astype(str).str.extract(r"(\d+)", expand=False)
        parts.append(
            pd.DataFrame({"name": fold_names(frame["road"]), "number": number, "x": x, "y": y})
        )
    if not parts:
        return pd.DataFrame({"name": [], "number": [], "x": [], "y": []})
    found = pd.concat(parts, ignore_index=True).dropna()
    return found.assign(number=found["number"].astype(np.int64))


def fold_names(names: pd.Series) -> list[str]:
    """Return names folded, vectorised."""
    codes = encode_texts(names)
    whole = decode_codes(codes.codes)
    return [whole[a:b] for a, b in zip(codes.start[:-1], codes.start[1:], strict=True)]


def _make_places(frames: list[pd.DataFrame], projection: Projection) -> pd.DataFrame:
    parts = [pd.DataFrame({"name": [], "x": [], "y": []})]
    for column in ("name", "aliases"):
        for frame in _select(frames, ("place", "address"), column):
            x, y = projection.to_plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())
            names = pd.Series(frame[column].to_numpy(), dtype=str).str.split("[;；|]")
            parts.append(pd.DataFrame({"name": names, "x": x, "y": y}).explode("name"))
    places = pd.concat(parts, ignore_index=True)
    return places.assign(name=fold_names(places["name"]))


def _collect_texts(frames: list[pd.DataFrame], projection: Projection) -> pd.DataFrame:
    """Return every text that may be an address: addresses, and names such as 史家胡同51号."""
    parts = [pd.DataFrame({"text": [], "x": [], "y": [], "address": []})]
    for column in ("address", "name"):
        for frame in _select(frames, ("place", "address", "number"), column):
            x, y = projection.to_plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())
            text = frame[column].to_numpy()
            parts.append(
                pd.DataFrame({"text": text, "x": x, "y": y, "address": column == "address"})
            )
    texts = pd.concat(parts, ignore_index=True)
    return texts[
        texts["address"].astype(bool) | texts["text"].astype(str).str.contains(r"[\d０-９]")
    ].reset_index(drop=True)


@dataclass(frozen=True)
class _Found:
    numbers: pd.DataFrame
    places: pd.DataFrame
    areas: pd.DataFrame
    cities: frozenset[str]


def _parse_texts(texts: pd.DataFrame, known: list[str]) -> _Found:
    """Parse address texts with the names known so far and learn roads, places and areas of them."""
    lexicon, _ = make_lexicon(known)
    codes = encode_texts(texts["text"])
    tokens = make_tokens(_BATCH)
    numbers, places, areas, cities = [], [], [], []
    for first in range(0, len(texts), _BATCH):
        last = min(first + _BATCH, len(texts))
        parse_rows(lexicon, codes.codes, codes.start, (first, last), tokens)
        rows = np.arange(first, last)
        numbers.append(_extract_numbers(tokens, codes, rows))
        places.append(_extract_places(tokens, codes, rows))
        areas.append(_extract_areas(tokens, codes, rows))
        cities.append(_extract(tokens, codes, rows, tokens.kind[: len(rows)] == TokenKind.CITY))
    return _Found(
        _join(numbers, texts, ["name", "number"]),
        _join(places, texts, ["name"], addresses_only=True),
        _join(areas, texts, ["name", "level"], addresses_only=True),
        _find_own_cities(cities, len(texts)),
    )


def _join(
    parts: list[pd.DataFrame],
    texts: pd.DataFrame,
    columns: list[str],
    *,
    addresses_only: bool = False,
) -> pd.DataFrame:
    found = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns, "row"])
    )
    row = found["row"].to_numpy(np.int64)
    found = found[columns].assign(x=texts["x"].to_numpy()[row], y=texts["y"].to_numpy()[row])
    if addresses_only:
        found = found[texts["address"].to_numpy(bool)[row]]
    return found.reset_index(drop=True)


def _find_own_cities(parts: list[pd.DataFrame], texts: int) -> frozenset[str]:
    """Return the cities that at least one address in a hundred names."""
    counts = pd.concat(parts)["name"].value_counts() if parts else pd.Series(dtype=int)
    return frozenset(counts.index[counts >= max(1, texts // 100)])


def _extract(tokens: Tokens, codes: Codes, rows: np.ndarray, chosen: np.ndarray) -> pd.DataFrame:
    """Return the texts of the chosen parts with their rows (positions in the batch's texts)."""
    inside = np.arange(tokens.kind.shape[1]) < tokens.size[: len(rows), None]
    row, part = np.nonzero(chosen & inside)
    start = codes.start[rows[row]] + tokens.start[row, part]
    stop = codes.start[rows[row]] + tokens.end[row, part]
    whole = decode_codes(codes.codes)
    names = [whole[a:b] for a, b in zip(start, stop, strict=True)]
    texts = pd.Series(names, dtype="str")  # also where there are none
    return pd.DataFrame({"name": texts, "row": rows[row], "part": part, "at": row})


def _extract_numbers(tokens: Tokens, codes: Codes, rows: np.ndarray) -> pd.DataFrame:
    """Return road (or compound) and number wherever a number follows a way or a name."""
    n = len(rows)
    kind, ident = tokens.kind[:n], tokens.ident[:n]
    is_way = np.isin(kind, [TokenKind.WAY, TokenKind.NAME, TokenKind.VILLAGE_TEXT])
    is_number = (kind == TokenKind.NUMBER) & np.isin(ident, [NumberUnit.NONE, NumberUnit.HOUSE])
    chosen = np.zeros_like(is_way)
    chosen[:, :-1] = is_way[:, :-1] & is_number[:, 1:]
    found = _extract(tokens, codes, rows, chosen)
    value = tokens.value[found["at"], found["part"] + 1].astype(np.int64)
    last = tokens.last[found["at"], found["part"] + 1].astype(np.int64)
    found = found.assign(number=np.where(last - value <= 40, (value + last) // 2, value))
    # The first road of an address is where it lies; a second one is its other gate.
    found = found.drop_duplicates("row")
    return found[(found["number"] > 0) & found["name"].map(is_telling).astype(bool)]


def _extract_places(tokens: Tokens, codes: Codes, rows: np.ndarray) -> pd.DataFrame:
    """Return the last text of addresses without a number: 中山公园内, 义达里."""
    n = len(rows)
    kind = tokens.kind[:n]
    within = np.arange(kind.shape[1]) < tokens.size[:n, None]
    relative = np.isin(
        kind, [TokenKind.SIDE, TokenKind.END, TokenKind.NEAR, TokenKind.OPPOSITE, TokenKind.CROSS]
    )
    excluded = ((relative | (kind == TokenKind.NUMBER)) & within).any(axis=1)
    named = np.isin(kind, [TokenKind.WAY, TokenKind.TEXT, TokenKind.VILLAGE_TEXT])
    chosen = named & within & ~excluded[:, None]
    found = _extract(tokens, codes, rows, chosen)
    found = found.drop_duplicates("row", keep="last")
    return found[found["name"].str.len() >= 2]


def _extract_areas(tokens: Tokens, codes: Codes, rows: np.ndarray) -> pd.DataFrame:
    """Return unknown districts, streets and communities that addresses name."""
    kind = tokens.kind[: len(rows)]
    parts = []
    for token, level in (
        (TokenKind.DISTRICT_TEXT, "district"),
        (TokenKind.STREET_TEXT, "street"),
        (TokenKind.COMMUNITY_TEXT, "community"),
        (TokenKind.VILLAGE_TEXT, "community"),
    ):
        parts.append(_extract(tokens, codes, rows, kind == token).assign(level=level))
    return pd.concat(parts, ignore_index=True)


def _make_named_areas(found: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Make areas that only addresses name: streets and communities from three points on, districts from twenty."""
    rows = []
    for (level, name), group in found.groupby(["level", "name"]):
        if len(group) >= FEWEST_POINTS_OF_AREA[level]:
            points = shapely.multipoints(group[["x", "y"]].to_numpy())
            x, y = group["x"].median(), group["y"].median()
            rows.append((level, name, weigh_area_names(name, level, []), x, y, points))
    return pd.DataFrame(rows, columns=list(areas.columns))
