"""OGC API – Features and Tiles: landing page, conformance, collections, features, tiles."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext

from gridgov.errors import NotFoundError
from gridgov.storage.features.sources import (
    VERSIONED,
    count_features,
    find_bounds,
    get_feature,
    list_versions,
    make_source,
    read_features,
)
from web.features.ogc.asking import check_form, check_names, read_asked, read_crs
from web.features.ogc.collections import COLLECTIONS, Collection
from web.features.ogc.description import OPENAPI_TYPE, make_description
from web.features.ogc.geojson import (
    GEOJSON,
    JSON_TYPE,
    REL,
    SCHEMA_TYPE,
    describe,
    make_link,
    make_one,
    make_page,
    make_queryables,
    send_json,
)
from web.features.ogc.tiles import (
    MATRIX,
    MVT,
    send_tile,
    tell_matrix_set,
    tell_tilejson,
    tell_tileset,
)
from web.kit.api.problems import add_root
from web.kit.api.tokens import by_token
from web.kit.permissions import permission, public
from web.kit.service import get_service, reading

blueprint = Blueprint("ogc", __name__, url_prefix="/ogc")
COUNTED_TO = 20_000
_CONF = "http://www.opengis.net/spec/"
CONFORMANCE = (
    *(f"{_CONF}ogcapi-features-1/1.0/conf/{one}" for one in ("core", "geojson", "oas30")),
    f"{_CONF}ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_CONF}ogcapi-features-3/1.0/conf/{one}"
        for one in ("filter", "features-filter", "queryables", "queryables-query-parameters")
    ),
    *(
        f"{_CONF}cql2/1.0/conf/{one}"
        for one in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "basic-spatial-functions",
            "spatial-functions",
        )
    ),
    *(
        f"{_CONF}ogcapi-tiles-1/1.0/conf/{one}"
        for one in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")
    ),
)
BARE = frozenset({"f", "lang"})


@blueprint.record
def _take_errors(state: BlueprintSetupState) -> None:
    add_root(cast("Flask", state.app), "/ogc")


@blueprint.get("")
@blueprint.get("/")
@public
def landing() -> Response:
    """Say what there is; it needs no account, because it holds nothing of the city."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    return send_json(
        {
            "title": gettext("ogc.title"),
            "description": gettext("ogc.what"),
            "links": [
                make_link("self", "/ogc"),
                make_link("service-desc", "/ogc/api", OPENAPI_TYPE),
                make_link("conformance", "/ogc/conformance"),
                make_link("data", "/ogc/collections"),
                make_link(f"{REL}tiling-schemes", "/ogc/tileMatrixSets"),
            ],
        }
    )


@blueprint.get("/conformance")
@public
def conformance() -> Response:
    """List the classes of the standards that hold here."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    return send_json({"conformsTo": list(CONFORMANCE)})


@blueprint.get("/api")
@public
def description() -> Response:
    """Describe the calls."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    return send_json(make_description(), OPENAPI_TYPE)


@blueprint.get("/collections")
@public
def collections() -> Response:
    """List the collections; boundaries are no secret."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    bounds, versions = _read_extent()
    return send_json(
        {
            "links": [make_link("self", "/ogc/collections")],
            "collections": [
                describe(one, bounds, versions if one.name in VERSIONED else ())
                for one in COLLECTIONS.values()
            ],
        }
    )


@blueprint.get("/tileMatrixSets")
@public
def matrix_sets() -> Response:
    """List the grids of tiles."""
    check_names(BARE)
    links = [make_link("self", f"/ogc/tileMatrixSets/{MATRIX}")]
    return send_json({"tileMatrixSets": [{"id": MATRIX, "title": MATRIX, "links": links}]})


@blueprint.get(f"/tileMatrixSets/{MATRIX}")
@public
def matrix_set() -> Response:
    """Describe the grid of tiles."""
    check_names(BARE)
    return send_json(tell_matrix_set())


def _read_extent() -> tuple[tuple[float, ...] | None, list[str]]:
    with get_service().read_sessions() as session:
        return find_bounds(session), [one.version for one in list_versions(session)]


def show_collection(collection: Collection) -> Response:
    """Describe one collection."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    bounds, versions = _read_extent()
    return send_json(describe(collection, bounds, versions if collection.name in VERSIONED else ()))


def show_queryables(collection: Collection) -> Response:
    """Say what can be asked of a collection."""
    check_names(BARE)
    check_form(frozenset({"json"}))
    return send_json(make_queryables(make_source(reading(), collection.name)), SCHEMA_TYPE)


def _get_version(collection: Collection) -> str:
    version = request.args.get("version", "")
    if version and collection.name not in VERSIONED:
        raise NotFoundError("boundary version", version)
    return version


def show_items(collection: Collection) -> Response:
    """Send a page of features."""
    session = reading()
    source = make_source(session, collection.name, version=_get_version(collection))
    asked = read_asked(session, source)
    found = read_features(
        session,
        source,
        conditions=asked.conditions,
        after=asked.after,
        limit=asked.limit + 1,
    )
    matched = count_features(session, source, conditions=asked.conditions, most=COUNTED_TO)
    page = make_page(collection.name, found, limit=asked.limit, crs=asked.crs, matched=matched)
    return _tell_crs(send_json(page, GEOJSON), asked.crs)


def show_item(collection: Collection, feature_id: str) -> Response:
    """Send one feature."""
    check_names(BARE | {"crs", "version"})
    check_form(frozenset({"json", "geojson"}))
    crs = read_crs()
    session = reading()
    source = make_source(session, collection.name, version=_get_version(collection))
    feature = get_feature(session, source, feature_id)
    return _tell_crs(send_json(make_one(collection.name, feature, crs), GEOJSON), crs)


def _tell_crs(response: Response, crs: str) -> Response:
    response.headers["Content-Crs"] = f"<{crs}>"
    return response


def show_tilesets(collection: Collection) -> Response:
    """List the tilesets of a collection."""
    check_names(BARE)
    return send_json(
        {
            "links": [make_link("self", f"/ogc/collections/{collection.name}/tiles")],
            "tilesets": [tell_tileset(collection, _read_extent()[0])],
        }
    )


def show_tileset(collection: Collection) -> Response:
    """Describe the tileset of a collection."""
    check_names(BARE)
    return send_json(tell_tileset(collection, _read_extent()[0]))


def show_tilejson(collection: Collection) -> Response:
    """Describe the tileset as TileJSON."""
    check_names(BARE | {"version", "datetime"})
    return send_json(
        tell_tilejson(collection, _read_extent()[0], version=_get_version(collection)), JSON_TYPE
    )


def show_tile(collection: Collection, z: int, y: int, x: int) -> Response:
    """Send a tile."""
    check_names(BARE | {"version", "datetime", "key"})
    return send_tile(collection, z=z, y=y, x=x, version=_get_version(collection))


_ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("", "collection", show_collection),
    ("/queryables", "queryables", show_queryables),
    ("/items", "items", show_items),
    ("/items/<path:feature_id>", "item", show_item),
    ("/tiles", "tilesets", show_tilesets),
    (f"/tiles/{MATRIX}", "tileset", show_tileset),
    (f"/tiles/{MATRIX}/tilejson.json", "tilejson", show_tilejson),
    (f"/tiles/{MATRIX}/<int:z>/<int:y>/<int:x>", "tile", show_tile),
)


def _add(collection: Collection, path: str, name: str, view: Callable[..., Response]) -> None:
    """Add a route of a collection, which states what it needs like any other."""
    own: Any = partial(view, collection)
    own = by_token(collection.scope, cookie_reads=True)(permission(collection.permission)(own))
    blueprint.add_url_rule(
        f"/collections/{collection.name}{path}",
        endpoint=f"{collection.name}_{name}",
        view_func=own,
        methods=["GET"],
    )


for _collection in COLLECTIONS.values():
    for _path, _name, _view in _ROUTES:
        _add(_collection, _path, _name, _view)

__all__ = ["MVT", "blueprint"]
