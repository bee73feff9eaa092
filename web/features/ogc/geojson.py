"""Features as GeoJSON with their links, and what stands around them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
import shapely
from flask import Response, request

from gridgov.storage.features.filtering import FieldKind
from gridgov.storage.features.sources import Feature, FeatureSource
from web.features.ogc.asking import CRS84, SYSTEMS, Move, make_answer_move, write_cursor
from web.features.ogc.collections import Collection, get_description, get_title

GEOJSON = "application/geo+json"
JSON_TYPE = "application/json"
SCHEMA_TYPE = "application/schema+json"
DIGITS = {True: 7, False: 3}
"""Of degrees (a centimetre) and of metres."""
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TEMPORAL = frozenset({FieldKind.TIME, FieldKind.DAY})


def make_link(rel: str, path: str, media_type: str = JSON_TYPE, **more: Any) -> dict[str, Any]:
    """Return a link to a path of this service."""
    return {"rel": rel, "href": request.host_url.rstrip("/") + path, "type": media_type, **more}


def send_json(told: Mapping[str, Any], media_type: str = JSON_TYPE) -> Response:
    """Send a value as JSON; it is for its reader alone."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    response = Response(text, content_type=media_type)
    response.cache_control.private = True
    return response


def describe(
    collection: Collection, bounds: Sequence[float] | None, versions: Sequence[str]
) -> dict[str, Any]:
    """Return a collection as the standard describes it."""
    path = f"/ogc/collections/{collection.name}"
    told: dict[str, Any] = {
        "id": collection.name,
        "title": get_title(collection.name),
        "description": get_description(collection.name),
        "itemType": "feature",
        "crs": list(SYSTEMS),
        "storageCrs": CRS84,
        "links": [
            make_link("self", path),
            make_link("items", f"{path}/items", GEOJSON),
            make_link(f"{REL}queryables", f"{path}/queryables", SCHEMA_TYPE),
            make_link(f"{REL}tilesets-vector", f"{path}/tiles"),
        ],
    }
    if bounds is not None:
        told["extent"] = {"spatial": {"bbox": [list(bounds)], "crs": CRS84}}
    if versions:
        told["versions"] = list(versions)
    return told


def make_queryables(source: FeatureSource) -> dict[str, Any]:
    """Return what can be asked of a collection as JSON Schema."""
    properties: dict[str, Any] = {
        name: {
            "title": name,
            "type": "string" if field.kind in TEMPORAL else field.kind.value,
            **({"format": field.kind.value} if field.kind in TEMPORAL else {}),
        }
        for name, field in source.fields.items()
    }
    properties["geometry"] = {
        "title": "geometry",
        "format": "geometry-point" if source.name == "orders" else "geometry-any",
    }
    path = f"/ogc/collections/{source.name}/queryables"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": request.host_url.rstrip("/") + path,
        "type": "object",
        "title": get_title(source.name),
        "properties": properties,
        "additionalProperties": False,
    }


def make_page(
    name: str, features: Sequence[Feature], *, limit: int, crs: str, matched: int | None
) -> dict[str, Any]:
    """Return a page of features; of `features` those behind `limit` only say that a page follows."""
    shown = features[:limit]
    path = f"/ogc/collections/{name}"
    links = [
        make_link("self", _make_address({}), GEOJSON),
        make_link("collection", path),
    ]
    if len(features) > limit:
        links.append(
            make_link("next", _make_address({"cursor": write_cursor(shown[-1].key)}), GEOJSON)
        )
    move, digits = (
        make_answer_move(crs),
        DIGITS[SYSTEMS[crs] in {"OGC:CRS84", "EPSG:4326", "EPSG:4490"}],
    )
    told: dict[str, Any] = {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "numberReturned": len(shown),
        "links": links,
        "features": [make_feature(one, move, digits) for one in shown],
    }
    if matched is not None:
        told["numberMatched"] = matched
    return told


def _make_address(changes: Mapping[str, str]) -> str:
    asked = {**{name: request.args[name] for name in request.args}, **changes}
    return request.path + (f"?{urlencode(asked)}" if asked else "")


def make_feature(feature: Feature, move: Move, digits: int) -> dict[str, Any]:
    """Return one feature."""
    return {
        "type": "Feature",
        "id": feature.feature_id,
        "geometry": None if feature.shape is None else _write(move(feature.shape), digits),
        "properties": {name: _plain(value) for name, value in feature.properties.items()},
    }


def make_one(name: str, feature: Feature, crs: str) -> dict[str, Any]:
    """Return a feature that stands alone, with its links."""
    digits = DIGITS[SYSTEMS[crs] in {"OGC:CRS84", "EPSG:4326", "EPSG:4490"}]
    return {
        **make_feature(feature, make_answer_move(crs), digits),
        "links": [
            make_link("self", _make_address({}), GEOJSON),
            make_link("collection", f"/ogc/collections/{name}"),
        ],
    }


def _write(shape: shapely.Geometry, digits: int) -> Any:
    rounded = shapely.transform(shape, lambda points: np.round(points, digits))
    return shapely.geometry.mapping(rounded)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
