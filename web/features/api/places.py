"""Where something lies and who answers there: one place by address or point, or thousands at once."""

import json
import math
from datetime import date
from typing import Any

import marshmallow as ma
import numpy as np
import pandas as pd
from flask import Response, request

from gridgov.jobs.place_service import Matter
from gridgov.services.accounts.tokens import TokenScope
from web.kit.api import Blueprint, Fault, by_token
from web.kit.api.documents import Schema, Text
from web.kit.api.problems import refuse_fields
from web.kit.permissions import Permission, permission
from web.kit.service import get_service

blueprint = Blueprint(
    "api_places", __name__, url_prefix="/api/v1", description="Where it is, who answers"
)

PLACES_MAX = 10_000
LONGEST_ADDRESS = 1_000
_LON, _LAT = ma.validate.Range(-180, 180), ma.validate.Range(-90, 90)


class PlaceQuery(Schema):
    """What is asked of one place: an address, or lon and lat."""

    address = Text(validate=ma.validate.Length(1, LONGEST_ADDRESS))
    lon = ma.fields.Float(validate=_LON)
    lat = ma.fields.Float(validate=_LAT)
    item_code = Text(
        validate=ma.validate.Length(max=200),
        metadata={"description": "Then who answers is said too"},
    )
    kind = Text(validate=ma.validate.Length(max=100))
    on = ma.fields.Date(metadata={"description": "Day whose units decide; today by default"})


class PlaceAsked(Schema):
    """One of many places: an address, or lon and lat."""

    id = Text(
        validate=ma.validate.Length(max=200), metadata={"description": "Comes back with the answer"}
    )
    address = Text(validate=ma.validate.Length(1, LONGEST_ADDRESS))
    lon = ma.fields.Float(validate=_LON)
    lat = ma.fields.Float(validate=_LAT)


class PlacesAsked(Schema):
    """Many places, and what they are about."""

    places = ma.fields.List(
        ma.fields.Nested(PlaceAsked), required=True, validate=ma.validate.Length(1, PLACES_MAX)
    )
    item_code = Text(validate=ma.validate.Length(max=200))
    kind = Text(validate=ma.validate.Length(max=100))
    on = ma.fields.Date()


def _maybe(kind: type[ma.fields.Field[Any]], text: str = "") -> ma.fields.Field[Any]:
    return kind(required=True, allow_none=True, metadata={"description": text} if text else {})


class PlaceAnswer(Schema):
    """Where it lies; null where there is nothing to say."""

    lon = _maybe(ma.fields.Float)
    lat = _maybe(ma.fields.Float)
    place_level = _maybe(
        ma.fields.String, "point, number, place, intersection, road, community, street or district"
    )
    uncertainty_m = _maybe(ma.fields.Float, "Radius that holds the true point in 9 cases of 10")
    matched = _maybe(ma.fields.String, "What of the gazetteer was found")
    score = _maybe(ma.fields.Float)
    place_problem = _maybe(ma.fields.String, "Why there is no place")
    street_code = _maybe(ma.fields.String)
    street_name = _maybe(ma.fields.String)
    district_code = _maybe(ma.fields.String)
    district_name = _maybe(ma.fields.String)
    community_code = _maybe(ma.fields.String)
    community_name = _maybe(ma.fields.String)
    cell_code = _maybe(ma.fields.String)
    exception_code = _maybe(ma.fields.String)
    boundary_m = _maybe(
        ma.fields.Float, "Distance to the nearest border of the street; 200 means at least"
    )
    neighbour_code = _maybe(ma.fields.String, "Street across it, or the most probable other one")
    neighbour_name = _maybe(ma.fields.String)
    confidence = _maybe(ma.fields.Float, "Probability that the street is right")
    unit_code = ma.fields.String(
        metadata={"description": "Who answers; where an item or a kind was given"}
    )
    unit_name = ma.fields.String(allow_none=True)
    route = ma.fields.String()
    grade = ma.fields.String()
    review = ma.fields.Boolean(metadata={"description": "Whether a person must look first"})
    reasons = ma.fields.String()


class OnePlace(PlaceAnswer):
    """One place, with the version of the boundaries that it was judged by."""

    neighbours = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "Streets that touch the street"}
    )
    boundary_version = ma.fields.String(required=True)


class PlaceOfMany(PlaceAnswer):
    """One of many places."""

    id = ma.fields.String()


class Places(Schema):
    """Answers in the order of the questions."""

    places = ma.fields.List(ma.fields.Nested(PlaceOfMany), required=True)
    boundary_version = ma.fields.String(required=True)


@blueprint.route("/locate", methods=["GET"])
@permission(Permission.MAPS_READ)
@by_token(TokenScope.PLACES)
@blueprint.arguments(PlaceQuery, location="query")
@blueprint.response(200, OnePlace)
def locate(asked: dict[str, Any]) -> Response:
    """Say where an address or a point lies, and with an item who answers there."""
    _check_place(asked, "query", "")
    service = get_service()
    places, on = service.get_places(), asked.get("on") or _today()
    matter = _read_matter(asked, "query")
    if "lon" in asked:
        told = places.answer_point(asked["lon"], asked["lat"], on=on, matter=matter)
    else:
        finder = service.corrections.get_finder()
        told = places.answer_address(asked["address"], on=on, matter=matter, find_correction=finder)
    return _answer(told | {"boundary_version": places.city.boundary_version})


@blueprint.route("/locate", methods=["POST"], endpoint="locate_many")
@permission(Permission.MAPS_READ)
@by_token(TokenScope.PLACES)
@blueprint.arguments(PlacesAsked)
@blueprint.response(200, Places)
def locate_many(asked: dict[str, Any]) -> Response:
    """Say where many places lie."""
    for at, one in enumerate(asked["places"]):
        _check_place(one, "body", f"/places/{at}/")
    service = get_service()
    places, on = service.get_places(), asked.get("on") or _today()
    rows = asked["places"]
    frame = pd.DataFrame(
        {
            "address": pd.Series([one.get("address") for one in rows], dtype="str"),
            "lon": np.array([one.get("lon", math.nan) for one in rows], dtype=float),
            "lat": np.array([one.get("lat", math.nan) for one in rows], dtype=float),
        }
    )
    found = places.answer_rows(
        frame,
        on=on,
        matter=_read_matter(asked, "body"),
        find_correction=service.corrections.get_finder(),
    )
    plain = found.astype(object).where(found.notna(), None).to_dict("records")
    told = [
        {"id": one["id"], **answer} if "id" in one else answer
        for one, answer in zip(rows, plain, strict=True)
    ]
    return _answer({"places": told, "boundary_version": places.city.boundary_version})


def _today() -> date:
    service = get_service()
    return service.get_now().astimezone(service.get_city().zone).date()


def _check_place(asked: dict[str, Any], where: str, prefix: str) -> None:
    has_point = "lon" in asked or "lat" in asked
    if has_point and not ("lon" in asked and "lat" in asked):
        missing = "lat" if "lon" in asked else "lon"
        raise refuse_fields(
            [Fault(where=where, field=f"{prefix}{missing}", problem="lon and lat come together")]
        )
    if has_point == ("address" in asked):
        problem = "either an address, or lon and lat"
        raise refuse_fields([Fault(where=where, field=f"{prefix}address", problem=problem)])


def _read_matter(asked: dict[str, Any], where: str) -> Matter:
    """Return what the places are about; an item's exact name stands for its code, as in intake."""
    code = asked.get("item_code", "")
    catalogue = get_service().get_places().city.catalogue
    if code and catalogue is not None:
        code = catalogue.find_code(code) or code
        if code not in catalogue:
            field = "/item_code" if where == "body" else "item_code"
            raise refuse_fields(
                [Fault(where=where, field=field, problem="is no item of the catalogue")]
            )
    return Matter(item_code=code, kind=asked.get("kind", ""))


def _answer(told: dict[str, Any]) -> Response:
    """Return JSON; what depends on nothing but the city may be kept by the program that asks."""
    response = Response(json.dumps(told, ensure_ascii=False), content_type="application/json")
    response.headers["Cache-Control"] = "private, max-age=30"
    if request.method != "GET":
        response.headers["Cache-Control"] = "no-store"
    return response
