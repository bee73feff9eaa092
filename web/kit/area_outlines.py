"""Shapes of areas for maps: made once per boundary version, kept compressed, sent as they are."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import cast

from flask import Response, current_app, request, url_for
from sqlalchemy.orm import Session

from gridgov.storage.queries.areas import (
    check_kind,
    find_version_key,
    get_areas,
    get_street_cells,
)
from web.kit.maps import BaseMap, find_bounds, get_datum, make_base, make_shapes
from web.kit.service import get_service

EXTENSION = "gridgov_shapes"
MOST_KEPT = 96
"""Answers kept in a process: the city, and some streets from close by; each is below 1 MB."""
KEPT_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Areas as GeoJSON, compressed, with their bounds."""

    packed: bytes
    bounds: tuple[float, ...] | None
    each: dict[str, tuple[float, ...]]
    """Bounds of each area by code."""


@dataclass(kw_only=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    shapes: OrderedDict[tuple[str, ...], Shapes] = field(default_factory=OrderedDict)


def get_base() -> BaseMap | None:
    """Return the base map of the settings, None where none is set."""
    settings = get_service().settings
    return make_base(
        settings.base_map_url, datum=settings.base_map_datum, credit=settings.base_map_credit
    )


def find_stamp(session: Session) -> str:
    """Return what stands in the address of shapes, so that browsers may keep them while it holds."""
    text = find_version_key(session) + get_datum(get_base())
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def to_shapes(stamp: str, kind: str, street_code: str = "") -> str:
    """Return the address of the shapes of a kind of area, of one street or of all."""
    return url_for("maps.shapes", kind=kind, street=street_code or None, v=stamp)


def get_shapes(session: Session, kind: str, *, street_code: str = "") -> Shapes:
    """Return the shapes of streets, of communities or of the cells of one street.

    Raises
    ------
    GridgovError
        The kind is not known.
    """
    kept = cast("_Kept", current_app.extensions.setdefault(EXTENSION, _Kept()))
    key = (find_stamp(session), check_kind(kind), street_code)
    with kept.lock:
        found = kept.shapes.get(key)
        if found is not None:
            kept.shapes.move_to_end(key)
            return found
    made = _make(session, kind, street_code)
    with kept.lock:
        kept.shapes[key] = made
        while len(kept.shapes) > MOST_KEPT:
            kept.shapes.popitem(last=False)
    return made


def _make(session: Session, kind: str, street_code: str) -> Shapes:
    if kind == "cell":
        areas = get_street_cells(session, street_code)
    elif kind == "street" and street_code:
        areas = get_areas(session, kind)
        areas = areas[areas["code"] == street_code]
    else:
        areas = get_areas(session, kind, parent_code=street_code or None)
    # A street alone fills the map, so its edges are kept as fine as those of communities.
    detail = "community" if kind == "street" and street_code else kind
    text = make_shapes(areas, detail, base=get_base())
    bounds = areas.bounds.round(5)
    each = dict(zip(areas["code"], bounds.itertuples(index=False, name=None), strict=True))
    return Shapes(packed=gzip.compress(text, 6, mtime=0), bounds=find_bounds(areas), each=each)


def send_shapes(shapes: Shapes) -> Response:
    """Send shapes, compressed for a browser that takes it; boundaries are no secret, so it may keep them."""
    packed = request.accept_encodings.quality("gzip") > 0
    body = shapes.packed if packed else gzip.decompress(shapes.packed)
    response = Response(body, mimetype="application/geo+json")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.cache_control.private = True
    response.cache_control.max_age = KEPT_S
    response.cache_control.immutable = True
    return response
