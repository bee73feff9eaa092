"""Tiles of the collections: their grid, their description, and the tiles, kept where they are the same for all."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

from flask import Response, current_app, request

from geodata.vector_tiles import ZOOM_MAX, Tile
from gridgov.errors import NotFoundError
from gridgov.storage.features.filtering import FilterError
from gridgov.storage.features.sources import find_version, make_source
from gridgov.storage.features.tile_rows import OrderWindow, make_feature_tile, make_order_tile
from web.features.ogc.asking import read_edges
from web.features.ogc.collections import Collection, get_title
from web.features.ogc.geojson import REL, make_link
from web.kit.api.problems import Fault, ProblemError
from web.kit.service import get_service, reading

MATRIX = "WebMercatorQuad"
MATRIX_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
EXTENSION = "gridgov_tiles"
MOST_KEPT = 2_000
KEPT_S, KEPT_FOR_GOOD_S = 300, 365 * 86_400
ZOOMS = {"communities": (9, 18), "cells": (12, 18)}
"""Zooms at which a collection has tiles, where they are not all: below, its shapes would be dust."""
DAYS = 30
"""Orders of so many days, up to today, are shown where no others are asked for."""
DAYS_MAX = 3 * 366
YEARS = (1990, 2200)
HALF_M = 20_037_508.342789244
"""Half a side of the square of Web Mercator."""


@dataclass(kw_only=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    tiles: OrderedDict[tuple[Any, ...], bytes] = field(default_factory=OrderedDict)

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        with self.lock:
            found = self.tiles.get(key)
            if found is not None:
                self.tiles.move_to_end(key)
            return found

    def put(self, key: tuple[Any, ...], body: bytes) -> None:
        with self.lock:
            self.tiles[key] = body
            while len(self.tiles) > MOST_KEPT:
                self.tiles.popitem(last=False)


def send_tile(collection: Collection, *, z: int, y: int, x: int, version: str) -> Response:
    """Send a tile; nothing inside is answered with status 204.

    Raises
    ------
    NotFoundError
        The grid or the collection has no such tile, or there is no such version.
    """
    tile = Tile(z=z, x=x, y=y)
    low, high = ZOOMS.get(collection.name, (0, ZOOM_MAX))
    if not tile.exists or not low <= z <= high:
        raise NotFoundError("tile", f"{collection.name} {z}/{y}/{x}")
    session = reading()
    window = _read_window() if collection.name == "orders" else None
    stamp = _find_stamp(version)
    kept = cast("_Kept", current_app.extensions.setdefault(EXTENSION, _Kept()))
    key = (collection.name, version, stamp, z, y, x)
    body = kept.get(key) if collection.is_kept else None
    if body is None:
        source = make_source(session, collection.name, version=version)
        if window is not None:
            body = make_order_tile(session, source, tile, window)
        else:
            body = make_feature_tile(session, source, tile)
        if collection.is_kept:
            kept.put(key, body)
    response = _send(body)
    if version and request.args.get("key") == stamp:
        response.cache_control.max_age = KEPT_FOR_GOOD_S
        response.cache_control.immutable = True
    elif collection.is_kept:
        response.cache_control.max_age = KEPT_S
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


def _send(body: bytes) -> Response:
    packed = len(body) > 500 and request.accept_encodings.quality("gzip") > 0
    response = Response(
        gzip.compress(body, 6, mtime=0) if packed else body,
        status=200 if body else 204,
        content_type=MVT,
    )
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.cache_control.private = True
    # Of the answer's own bytes: what is compressed has another.
    response.set_etag(hashlib.sha256(body).hexdigest()[:32] + ("-gz" if packed else ""))
    return response


def _find_stamp(version: str) -> str:
    found = find_version(reading(), version)
    return "" if found is None else found.content_hash[:16]


def _read_window() -> OrderWindow:
    """Return the days of the address, else the last :data:`DAYS`.

    Raises
    ------
    ProblemError
        They cannot be read, or are too many.
    """
    service = get_service()
    zone, now = service.get_city().zone, service.get_now()
    text = request.args.get("datetime")
    try:
        start, end = (None, None) if text is None else read_edges(text)
    except FilterError as error:
        fault = Fault(where="query", field="datetime", problem=str(error))
        raise ProblemError(400, "address", str(error), faults=[fault]) from error
    for edge in (start, end):
        if edge is not None and not YEARS[0] <= edge.year <= YEARS[1]:
            problem = f"{edge.year}: expected a year from {YEARS[0]} to {YEARS[1]}"
            fault = Fault(where="query", field="datetime", problem=problem)
            raise ProblemError(400, "address", problem, faults=[fault])
    last = (end or now).astimezone(zone).date()
    first = start.astimezone(zone).date() if start else last - timedelta(days=DAYS - 1)
    if not timedelta() <= last - first <= timedelta(days=DAYS_MAX):
        problem = f"{first} to {last}: expected at most {DAYS_MAX} days, first before last"
        fault = Fault(where="query", field="datetime", problem=problem)
        raise ProblemError(400, "address", problem, faults=[fault])
    begin = datetime(first.year, first.month, first.day, tzinfo=zone)
    after = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)
    return OrderWindow(first_on=first, last_on=last, start=begin, end=after)


def tell_tileset(collection: Collection, bounds: Sequence[float] | None) -> dict[str, Any]:
    """Return the tileset of a collection as the standard describes it."""
    path = f"/ogc/collections/{collection.name}/tiles/{MATRIX}"
    low, high = ZOOMS.get(collection.name, (0, ZOOM_MAX))
    told: dict[str, Any] = {
        "title": get_title(collection.name),
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": MATRIX_URI,
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(z),
                "minTileRow": 0,
                "maxTileRow": (1 << z) - 1,
                "minTileCol": 0,
                "maxTileCol": (1 << z) - 1,
            }
            for z in range(low, high + 1)
        ],
        "links": [
            make_link("self", path),
            make_link(f"{REL}tiling-scheme", f"/ogc/tileMatrixSets/{MATRIX}"),
            make_link("describedby", f"{path}/tilejson.json"),
            make_link("item", path + "/{tileMatrix}/{tileRow}/{tileCol}", MVT, templated=True),
        ],
    }
    if bounds is not None:
        west, south, east, north = bounds
        told["boundingBox"] = {"lowerLeft": [west, south], "upperRight": [east, north]}
    return told


def tell_tilejson(
    collection: Collection, bounds: Sequence[float] | None, *, version: str
) -> dict[str, Any]:
    """Return TileJSON 3.0.0; addresses of areas name their version and its content, so that they never change."""
    path = f"/ogc/collections/{collection.name}/tiles/{MATRIX}/{{z}}/{{y}}/{{x}}"
    asked = ""
    if collection.name in {"districts", "streets", "communities"}:
        found = find_version(reading(), version)
        if found is not None:
            asked = f"?version={quote(found.version, safe='')}&key={found.content_hash[:16]}"
    source = make_source(reading(), collection.name, version=version)
    low, high = ZOOMS.get(collection.name, (0, 18))
    told: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": get_title(collection.name),
        "scheme": "xyz",
        "tiles": [request.host_url.rstrip("/") + path + asked],
        "minzoom": low,
        "maxzoom": min(high, 18),
        "vector_layers": [
            {
                "id": collection.name,
                "fields": {
                    name: "Number" if one.kind in {"number", "integer"} else "String"
                    for name, one in source.fields.items()
                },
            }
        ],
    }
    if bounds is not None:
        told["bounds"] = list(bounds)
        told["center"] = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, max(low, 10)]
    return told


def tell_matrix_set() -> dict[str, Any]:
    """Return WebMercatorQuad (OGC 17-083r4, annex D.1)."""
    pixel_m = 2 * HALF_M / 256
    return {
        "id": MATRIX,
        "title": "Google Maps Compatible for the World",
        "uri": MATRIX_URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(z),
                "scaleDenominator": pixel_m / (1 << z) / 0.00028,
                "cellSize": pixel_m / (1 << z),
                "pointOfOrigin": [-HALF_M, HALF_M],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 1 << z,
                "matrixHeight": 1 << z,
            }
            for z in range(ZOOM_MAX + 1)
        ],
    }
