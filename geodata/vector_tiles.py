"""Mapbox vector tiles, version 2.1: shapes in degrees onto the grid of a tile, and the tile as bytes.

Written here because a tile is thirty lines of protocol buffers; PostGIS writes the same by ``ST_AsMVT``.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

EXTENT = 4096
"""Units of a tile's side."""
BUFFER = 64
"""Units around a tile that are kept, so that lines do not end at its edge."""
ZOOM_MAX = 22
LAT_MAX = math.degrees(math.atan(math.sinh(math.pi)))
"""Beyond it Web Mercator has no tile."""
_MOVE, _LINE, _CLOSE = 1, 2, 7
_KINDS = {
    "Point": 1,
    "MultiPoint": 1,
    "LineString": 2,
    "MultiLineString": 2,
    "Polygon": 3,
    "MultiPolygon": 3,
}


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A tile of WebMercatorQuad: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """Tell whether the grid has it."""
        side = 1 << self.z if 0 <= self.z <= ZOOM_MAX else 0
        return 0 <= self.x < side and 0 <= self.y < side

    def find_bounds(self, *, buffer: int = 0) -> tuple[float, float, float, float]:
        """Return west, south, east and north in degrees, with a buffer in units of the tile."""
        side, pad = 1 << self.z, buffer / EXTENT
        west, east = ((self.x + one) / side * 360 - 180 for one in (-pad, 1 + pad))
        south, north = (
            math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (self.y + one) / side))))
            for one in (1 + pad, -pad)
        )
        return west, south, east, north


@dataclass(frozen=True, eq=False, kw_only=True)
class TileLayer:
    """A layer of a tile.

    Parameters
    ----------
    shapes
        On the grid of the tile (:func:`snap_shapes`); a missing or empty one is left out.
    properties
        Of each shape: texts, numbers and booleans; a missing value is left out.
    """

    name: str
    shapes: Sequence[shapely.Geometry | None]
    properties: Sequence[Mapping[str, Any]]


def snap_shapes(shapes: npt.ArrayLike, tile: Tile) -> list[shapely.Geometry | None]:
    """Return shapes on the grid of a tile, clipped to it and its buffer; None where nothing is left.

    Parameters
    ----------
    shapes
        EPSG:4326, lon lat.
    """
    side = (1 << tile.z) * EXTENT

    def move(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        lat = np.radians(np.clip(points[:, 1], -LAT_MAX, LAT_MAX))
        x = (points[:, 0] + 180.0) / 360.0 * side - tile.x * EXTENT
        y = (1.0 - np.arcsinh(np.tan(lat)) / np.pi) / 2.0 * side - tile.y * EXTENT
        return np.column_stack((x, y))

    moved = shapely.transform(np.asarray(shapes, dtype=object), move)
    cut = shapely.clip_by_rect(moved, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    # Straight edges in degrees bend on this projection, and clipping may fold a ring: both can cross themselves.
    sound = shapely.is_valid(cut)
    cut = np.where(sound, cut, shapely.make_valid(cut)) if not sound.all() else cut
    snapped = shapely.set_precision(cut, 1.0)
    return [None if one is None or one.is_empty else one for one in snapped]


def write_tile(layers: Sequence[TileLayer]) -> bytes:
    """Return a tile; empty where no layer holds a shape."""
    return b"".join(
        _field(3, 2) + _sized(body) for layer in layers if (body := _write_layer(layer))
    )


def _write_layer(layer: TileLayer) -> bytes:
    keys: dict[str, int] = {}
    values: dict[tuple[type, Any], int] = {}
    features = []
    for shape, properties in zip(layer.shapes, layer.properties, strict=True):
        for part in () if shape is None else _split_kinds(shape):
            tags: list[int] = []
            for name, value in properties.items():
                if value is not None:
                    tags += (
                        keys.setdefault(name, len(keys)),
                        values.setdefault((type(value), value), len(values)),
                    )
            commands = [one for single in _list_singles(part) for one in _list_parts(single)]
            geometry = list(_write_commands(commands, _KINDS[part.geom_type]))
            if geometry:
                features.append(
                    _field(2, 2)
                    + _sized(_packed(tags))
                    + _field(3, 0)
                    + _varint(_KINDS[part.geom_type])
                    + _field(4, 2)
                    + _sized(_packed(geometry))
                )
    if not features:
        return b""
    return b"".join(
        (
            _field(15, 0) + _varint(2),
            _field(1, 2) + _sized(layer.name.encode()),
            *(_field(2, 2) + _sized(one) for one in features),
            *(_field(3, 2) + _sized(key.encode()) for key in keys),
            *(_field(4, 2) + _sized(_write_value(value)) for _, value in values),
            _field(5, 0) + _varint(EXTENT),
        )
    )


def _split_kinds(shape: shapely.Geometry) -> Iterator[shapely.Geometry]:
    """Give the parts of a shape of which each is of one kind; clipping may leave several."""
    if shape.geom_type in _KINDS:
        yield shape
    else:
        yield from (part for part in shapely.get_parts(shape) if part.geom_type in _KINDS)


def _list_singles(shape: shapely.Geometry) -> list[shapely.Geometry]:
    return list(shapely.get_parts(shape))


def _list_parts(single: shapely.Geometry) -> list[npt.NDArray[np.int64]]:
    """Return the lines of points that a single shape is made of; rings of polygons in their order and direction."""
    if single.geom_type != "Polygon":
        return [np.rint(shapely.get_coordinates(single)).astype(np.int64)]
    rings = [single.exterior, *single.interiors]
    parts = []
    for at, ring in enumerate(rings):
        points = np.rint(shapely.get_coordinates(ring)).astype(np.int64)[:-1]
        x, y = points.T
        area = int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
        if area == 0:
            continue
        # Outer rings have a positive area by the surveyor's formula (specification 2.1, 4.3.3.3), inner ones not.
        parts.append(points if (area > 0) == (at == 0) else points[::-1])
    return parts


def _write_commands(parts: Sequence[npt.NDArray[np.int64]], kind: int) -> Iterator[int]:
    if kind == 1:
        points = np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.int64)
        if len(points):
            yield (_MOVE & 7) | (len(points) << 3)
            yield from _write_steps(points, np.zeros(2, dtype=np.int64))
        return
    cursor = np.zeros(2, dtype=np.int64)
    for points in parts:
        if len(points) < kind:
            continue
        yield _MOVE | (1 << 3)
        yield from _write_steps(points[:1], cursor)
        yield _LINE | ((len(points) - 1) << 3)
        yield from _write_steps(points[1:], points[0])
        cursor = points[-1]
        if kind == 3:
            yield _CLOSE | (1 << 3)


def _write_steps(points: npt.NDArray[np.int64], start: npt.NDArray[np.int64]) -> list[int]:
    steps = np.diff(points, axis=0, prepend=start[None])
    zigzag: list[int] = ((steps << 1) ^ (steps >> 63)).ravel().tolist()
    return zigzag


def _write_value(value: Any) -> bytes:
    if isinstance(value, bool):
        return _field(7, 0) + _varint(int(value))
    if isinstance(value, int):
        return _field(6, 0) + _varint((value << 1) ^ (value >> 63))
    if isinstance(value, float):
        return _field(3, 1) + struct.pack("<d", value)
    return _field(1, 2) + _sized(str(value).encode())


def _field(number: int, wire: int) -> bytes:
    return _varint((number << 3) | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _sized(body: bytes) -> bytes:
    return _varint(len(body)) + body


def _packed(values: Sequence[int]) -> bytes:
    return b"".join(map(_varint, values))
