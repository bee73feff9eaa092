"""Figures: rates of an assessed month, hotspots, surges, topics and the choice among them."""

import json
from typing import Any

import marshmallow as ma
import shapely
from flask import Response, g
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.rates.assessment import assess_counts
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.topics import (
    Choice,
    TopicChoiceError,
    choose_topic,
    get_topics,
    list_years,
)
from gridgov.storage.queries.areas import get_units
from gridgov.storage.queries.plans import find_last_run, get_hotspots
from gridgov.storage.queries.rate_counts import get_rate_counts, list_rate_months
from gridgov.storage.queries.surges import get_surges
from gridgov.storage.scope.apply import without_row_scope
from web.kit import limits
from web.kit.api import Blueprint, Fault, Reply, answer_once, by_token, tell_json
from web.kit.api.documents import Schema, Text
from web.kit.api.problems import refuse_fields
from web.kit.permissions import Permission, permission
from web.kit.service import get_constants, get_scope, get_service, reading

blueprint = Blueprint(
    "api_figures", __name__, url_prefix="/api/v1", description="Rates, hotspots, surges, topics"
)

_RATES = ("response_rate", "solution_rate", "satisfaction_rate", "score")


class RateQuery(Schema):
    """Which month and group of units."""

    month = Text(
        validate=ma.validate.Length(max=16),
        metadata={"description": "Such as 2024-03; the newest by default"},
    )
    group = Text(validate=ma.validate.Length(max=40))


class RateRow(Schema):
    """A unit's month: whole numbers, rates (0-1, null without a valid callback), score and rank."""

    unit_code = ma.fields.String(required=True)
    name = ma.fields.String(required=True, allow_none=True)
    group = ma.fields.String(required=True, allow_none=True)
    orders = ma.fields.Integer(required=True)
    callbacks = ma.fields.Integer(required=True, metadata={"description": "Valid and not excluded"})
    response_rate = ma.fields.Float(required=True, allow_none=True)
    solution_rate = ma.fields.Float(required=True, allow_none=True)
    satisfaction_rate = ma.fields.Float(required=True, allow_none=True)
    score = ma.fields.Float(required=True, allow_none=True)
    rank = ma.fields.Integer(required=True, allow_none=True)


class RateBody(Schema):
    """Rates of a month; they are public by law, so every account sees all units."""

    month = ma.fields.String(required=True)
    months = ma.fields.List(ma.fields.String(), required=True)
    rates = ma.fields.List(ma.fields.Nested(RateRow), required=True)


class HotspotQuery(Schema):
    """Where."""

    street_code = Text(validate=ma.validate.Length(max=32))


class HotspotRow(Schema):
    """A hotspot of the newest run, surest first."""

    hotspot_no = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    level1_code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    street_code = ma.fields.String(required=True, allow_none=True)
    community_code = ma.fields.String(required=True, allow_none=True)
    lon = ma.fields.Float(required=True)
    lat = ma.fields.Float(required=True)
    radius_m = ma.fields.Float(required=True)
    cells = ma.fields.List(ma.fields.String(), required=True)
    window_start = ma.fields.Date(required=True)
    window_end = ma.fields.Date(required=True)
    count = ma.fields.Integer(required=True)
    expected = ma.fields.Float(required=True)
    q = ma.fields.Float(
        required=True, metadata={"description": "False-discovery rate at which it stands"}
    )
    geometry = ma.fields.Dict(required=True, metadata={"description": "GeoJSON, EPSG:4326"})


class HotspotList(Schema):
    """Hotspots, and the moment from which the run looked back."""

    run_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    hotspots = ma.fields.List(ma.fields.Nested(HotspotRow), required=True)


class SurgeBody(Schema):
    """What the watch kept last; null before its first look."""

    surges = ma.fields.Dict(required=True, allow_none=True)


class TopicQuery(Schema):
    """Which year and scope."""

    year = ma.fields.Integer(validate=ma.validate.Range(2000, 2200))
    scope_code = Text(
        validate=ma.validate.Length(max=32),
        metadata={"description": "A district; the city if empty"},
    )


class TopicRow(Schema):
    """A candidate of a year with the last choice about it."""

    topic_code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    theme_code = ma.fields.String(required=True)
    theme_name = ma.fields.String(required=True)
    rank = ma.fields.Integer(required=True)
    figures = ma.fields.Dict(required=True)
    is_picked = ma.fields.Boolean(required=True, allow_none=True)
    month = ma.fields.Integer(required=True, allow_none=True)
    lead_unit_code = ma.fields.String(required=True, allow_none=True)


class TopicList(Schema):
    """Candidates, best first."""

    year = ma.fields.Integer(required=True, allow_none=True)
    years = ma.fields.List(ma.fields.Integer(), required=True)
    scope_code = ma.fields.String(required=True)
    topics = ma.fields.List(ma.fields.Nested(TopicRow), required=True)


class ChoiceBody(Schema):
    """What is decided about a candidate."""

    year = ma.fields.Integer(required=True, validate=ma.validate.Range(2000, 2200))
    scope_code = Text(validate=ma.validate.Length(max=32))
    topic_code = Text(required=True, validate=ma.validate.Length(1, 200))
    is_picked = ma.fields.Boolean(required=True)
    reason = Text(required=True, validate=ma.validate.Length(1, 2_000))
    month = ma.fields.Integer(validate=ma.validate.Range(1, 12))
    lead_unit_code = Text(validate=ma.validate.Length(max=32))


class ChosenBody(Schema):
    """The choice as it is kept."""

    topic_code = ma.fields.String(required=True)
    is_picked = ma.fields.Boolean(required=True)
    month = ma.fields.Integer(required=True, allow_none=True)
    lead_unit_code = ma.fields.String(required=True)
    chosen_at = ma.fields.AwareDateTime(required=True)


@blueprint.route("/rates", methods=["GET"])
@permission(Permission.RATES_READ)
@by_token(TokenScope.FIGURES_READ)
@blueprint.arguments(RateQuery, location="query")
@blueprint.response(200, RateBody)
def rates(asked: dict[str, Any]) -> Response:
    """Give the rates, score and rank of every unit in a month."""
    session = reading()
    with without_row_scope(session):
        months = list_rate_months(session)
        month = asked.get("month") or (months[-1] if months else "")
        if asked.get("month") and month not in months:
            raise NotFoundError("assessed month", month)
        at = months.index(month) if months else 0
        # The month before gives rank and score before.
        counts = get_rate_counts(session, months=months[max(at - 1, 0) : at + 1])
        units = get_units(session)
    if not months:
        return tell_json({"month": "", "months": [], "rates": []})
    table = assess_counts(counts, units, constants=get_constants())
    table = table[table["month"] == month]
    if "group" in asked:
        table = table[table["group"] == asked["group"]]
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return tell_json({"month": month, "months": months, "rates": RateRow(many=True).dump(rows)})


@blueprint.route("/hotspots", methods=["GET"])
@permission(Permission.PLANNING_READ)
@by_token(TokenScope.FIGURES_READ)
@blueprint.arguments(HotspotQuery, location="query")
@blueprint.response(200, HotspotList)
def hotspots(asked: dict[str, Any]) -> Response:
    """List the hotspots of the newest run."""
    session = reading()
    found = get_hotspots(session, street_code=asked.get("street_code") or None)
    shapes = [json.loads(text) for text in shapely.to_geojson(found.geometry.to_numpy())]
    plain = (
        found.drop(columns="geometry")
        .astype(object)
        .where(found.drop(columns="geometry").notna(), None)
    )
    rows = plain.to_dict("records")
    told = [
        HotspotRow().dump({**row, "geometry": shape})
        for row, shape in zip(rows, shapes, strict=True)
    ]
    run_at = find_last_run(session)
    return tell_json({"run_at": None if run_at is None else run_at.isoformat(), "hotspots": told})


@blueprint.route("/surges", methods=["GET"])
@permission(Permission.PLANNING_READ)
@by_token(TokenScope.FIGURES_READ)
@blueprint.response(200, SurgeBody)
def surges() -> Response:
    """Give what the watch of surges kept last."""
    return tell_json({"surges": get_surges(reading())})


@blueprint.route("/topics", methods=["GET"])
@permission(Permission.PLANNING_READ)
@by_token(TokenScope.FIGURES_READ)
@blueprint.arguments(TopicQuery, location="query")
@blueprint.response(200, TopicList)
def topics(asked: dict[str, Any]) -> Response:
    """List the candidates of monthly topics of a year."""
    session = reading()
    years, scope_code = list_years(session), asked.get("scope_code", "")
    year = asked.get("year") or (years[0] if years else None)
    entries = [] if year is None else get_topics(session, year=year, scope_code=scope_code)
    told = [
        TopicRow(exclude=("is_picked", "month", "lead_unit_code")).dump(one.row)
        | {
            "is_picked": None if one.choice is None else one.choice.is_picked,
            "month": None if one.choice is None else one.choice.month,
            "lead_unit_code": None if one.choice is None else one.choice.lead_unit_code,
        }
        for one in entries
    ]
    return tell_json({"year": year, "years": years, "scope_code": scope_code, "topics": told})


@blueprint.route("/topics/choices", methods=["POST"])
@permission(Permission.TOPICS_CHOOSE)
@by_token(TokenScope.PLANS_WRITE)
@blueprint.arguments(ChoiceBody)
@blueprint.response(201, ChosenBody)
def choose(body: dict[str, Any]) -> Response:
    """Record a choice about a candidate; choices are only added."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    choice = Choice(
        is_picked=body["is_picked"],
        reason=body["reason"],
        month=body.get("month"),
        lead_unit_code=body.get("lead_unit_code", ""),
    )

    def change(session: Session) -> Reply:
        try:
            row = choose_topic(
                session,
                choice,
                year=body["year"],
                scope_code=body.get("scope_code", ""),
                topic_code=body["topic_code"],
                actor=get_scope().actor,
                at=get_service().get_now(),
            )
        except TopicChoiceError as error:
            fault = Fault(where="body", field=f"/{error.field}", problem=str(error))
            raise refuse_fields([fault]) from error
        session.flush()
        return Reply(status=201, body=ChosenBody().dump(row))

    return answer_once(change)
