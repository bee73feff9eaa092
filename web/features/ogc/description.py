"""The calls as OpenAPI 3.0, as the standards ask for it (``oas30``)."""

from typing import Any

from flask_babel import gettext

from web.features.ogc.asking import LIMIT, LIMIT_MAX, SYSTEMS
from web.features.ogc.collections import COLLECTIONS, Collection, get_description, get_title

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
_PROBLEM = "application/problem+json"
_ERRORS = {
    "400": "A parameter cannot be used; every fault is named",
    "401": "No valid token",
    "403": "Role or token do not allow it",
    "404": "There is none that you may see",
    "429": "More calls than the token allows in a minute",
}


def make_description() -> dict[str, Any]:
    """Return the description."""
    paths: dict[str, Any] = {
        "/ogc": _get("landing", "application/json", public=True),
        "/ogc/conformance": _get("conformance", "application/json", public=True),
        "/ogc/collections": _get("collections", "application/json", public=True),
        "/ogc/tileMatrixSets": _get("tileMatrixSets", "application/json", public=True),
    }
    for one in COLLECTIONS.values():
        paths |= _describe(one)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": gettext("ogc.title"),
            "description": gettext("ogc.what"),
            "version": "1.0",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "parameters": _PARAMETERS,
            "schemas": {"Problem": _PROBLEM_SCHEMA},
        },
    }


def _query(name: str, schema: dict[str, Any], *, explode: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": explode,
    }


_TEXT: dict[str, Any] = {"type": "string"}
_SYSTEM: dict[str, Any] = {"type": "string", "enum": list(SYSTEMS)}
_PARAMETERS: dict[str, Any] = {
    "limit": _query(
        "limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}
    ),
    "bbox": _query(
        "bbox",
        {
            "type": "array",
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
            "items": {"type": "number"},
        },
        explode=False,
    ),
    "bbox-crs": _query("bbox-crs", _SYSTEM),
    "datetime": _query("datetime", _TEXT),
    "crs": _query("crs", _SYSTEM),
    "filter": _query("filter", _TEXT),
    "filter-lang": _query("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"]}),
    "filter-crs": _query("filter-crs", _SYSTEM),
    "cursor": _query("cursor", _TEXT),
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def _get(
    name: str, media_type: str, *, public: bool = False, parameters: list[Any] | None = None
) -> dict[str, Any]:
    codes = {"400": _ERRORS["400"]} if public else _ERRORS
    schema = {"$ref": "#/components/schemas/Problem"}
    answers: dict[str, Any] = {
        "200": {"description": "OK", "content": {media_type: {"schema": {"type": "object"}}}},
        **{
            code: {"description": told, "content": {_PROBLEM: {"schema": schema}}}
            for code, told in codes.items()
        },
    }
    call: dict[str, Any] = {"operationId": name, "responses": answers}
    if parameters:
        call["parameters"] = parameters
    if not public:
        call["security"] = [{"token": []}]
    return {"get": call}


def _describe(one: Collection) -> dict[str, Any]:
    path = f"/ogc/collections/{one.name}"
    refs = [{"$ref": f"#/components/parameters/{name}"} for name in _PARAMETERS]
    feature = {"name": "featureId", "in": "path", "required": True, "schema": _TEXT}
    grid = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
        for name in ("tileMatrix", "tileRow", "tileCol")
    ]
    tile = _get(f"{one.name}_tile", "application/vnd.mapbox-vector-tile", parameters=grid)
    tile["get"]["responses"]["204"] = {"description": "Nothing inside"}
    made = {
        path: _get(one.name, "application/json"),
        f"{path}/queryables": _get(f"{one.name}_queryables", "application/schema+json"),
        f"{path}/items": _get(f"{one.name}_items", "application/geo+json", parameters=refs),
        f"{path}/items/{{featureId}}": _get(
            f"{one.name}_item", "application/geo+json", parameters=[feature, refs[4]]
        ),
        f"{path}/tiles": _get(f"{one.name}_tilesets", "application/json"),
        f"{path}/tiles/WebMercatorQuad": _get(f"{one.name}_tileset", "application/json"),
        f"{path}/tiles/WebMercatorQuad/tilejson.json": _get(
            f"{one.name}_tilejson", "application/json"
        ),
        f"{path}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile,
    }
    for call in made.values():
        call["get"] |= {
            "summary": get_title(one.name),
            "description": get_description(one.name),
            "tags": [one.name],
            "x-permission": one.permission.value,
            "x-scope": one.scope.value,
        }
    return made
