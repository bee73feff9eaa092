"""Whistle calls: who was called, who came, and the steps of a called unit and of the street."""

from typing import Any, get_args

import marshmallow as ma
from flask import Response, g
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.whistles.call_actions import CallAction, CallFacts, act_on_call
from gridgov.services.whistles.calls import Arrival
from gridgov.storage.queries.whistle_lists import CallState, get_call_record, list_calls
from web.kit import limits
from web.kit.api import (
    Blueprint,
    Reply,
    answer_once,
    by_token,
    checking_version,
    make_tag,
    read_seen_version,
    tell_json,
)
from web.kit.api.documents import Schema, Text
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading

blueprint = Blueprint(
    "api_whistles", __name__, url_prefix="/api/v1/whistles", description="Who must come"
)

STATES = [one for one in get_args(CallState) if one]
AUTHORITIES = ("full", "none")


class CallQuery(Schema):
    """Which calls are listed."""

    state = Text(validate=ma.validate.OneOf(STATES))


class CallRow(Schema):
    """A call in a list."""

    call_no = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)
    unit_code = ma.fields.String(required=True)
    street_code = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    cell_code = ma.fields.String(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    blown_at = ma.fields.AwareDateTime(required=True)
    closed_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    called = ma.fields.Integer(required=True)
    present = ma.fields.Integer(required=True)
    released = ma.fields.Integer(required=True)
    late = ma.fields.Integer(required=True)
    next_by = ma.fields.AwareDateTime(required=True, allow_none=True)


class CallList(Schema):
    """Calls, late ones first, then the newest; at most a few hundred."""

    calls = ma.fields.List(ma.fields.Nested(CallRow), required=True)


class CalledBody(Schema):
    """A called unit."""

    unit_code = ma.fields.String(required=True)
    stage = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    duties = ma.fields.List(ma.fields.String(), required=True)
    done = ma.fields.List(ma.fields.String(), required=True)
    report_in_by = ma.fields.AwareDateTime(required=True)
    reported_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    inside = ma.fields.Boolean(required=True, allow_none=True)
    raised_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    released_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    street_rating = ma.fields.Integer(required=True, allow_none=True)
    unit_rating = ma.fields.Integer(required=True, allow_none=True)


class CallBody(Schema):
    """One call with its units."""

    call_no = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)
    unit_code = ma.fields.String(required=True)
    street_code = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    cell_code = ma.fields.String(required=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    blown_at = ma.fields.AwareDateTime(required=True)
    closed_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    units = ma.fields.List(ma.fields.Nested(CalledBody), required=True)


class StepBody(Schema):
    """What a step brings."""

    unit_code = Text(required=True, validate=ma.validate.Length(1, 32))
    lon = ma.fields.Float(validate=ma.validate.Range(-180, 180))
    lat = ma.fields.Float(validate=ma.validate.Range(-90, 90))
    authority = Text(
        validate=ma.validate.OneOf(AUTHORITIES),
        metadata={"description": "Whether its power came along"},
    )
    brought = ma.fields.List(
        Text(validate=ma.validate.Length(max=80)),
        validate=ma.validate.Length(max=50),
        metadata={"description": "Powers that came along; one that is missing counts as no power"},
    )
    accuracy_m = ma.fields.Float(
        validate=ma.validate.Range(0, 40_000_000),
        metadata={"description": "Metres in which the device believes to be"},
    )
    note = Text(validate=ma.validate.Length(max=500))
    duty_code = Text(validate=ma.validate.Length(max=64))
    score = ma.fields.Integer(validate=ma.validate.Range(1, 5))


class SteppedBody(Schema):
    """The call after a step."""

    call_no = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)
    closed = ma.fields.Boolean(required=True)


@blueprint.route("", methods=["GET"])
@permission(Permission.WHISTLES_READ)
@by_token(TokenScope.WHISTLES_READ)
@blueprint.arguments(CallQuery, location="query")
@blueprint.response(200, CallList)
def index(asked: dict[str, Any]) -> Response:
    """List the calls that the account sees."""
    found = list_calls(reading(), now=get_service().get_now(), state=asked.get("state", ""))
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    return tell_json({"calls": CallRow(many=True).dump(rows)})


@blueprint.route("/<call_no>", methods=["GET"])
@permission(Permission.WHISTLES_READ)
@by_token(TokenScope.WHISTLES_READ)
@blueprint.response(200, CallBody, headers={"ETag": {"schema": {"type": "string"}}})
def show(call_no: str) -> Response:
    """Show one call."""
    record = get_call_record(reading(), call_no)
    told: dict[str, Any] = CallBody(exclude=("order_no",)).dump(record.call)
    return tell_json(told | {"order_no": record.order.order_no}, version=record.call.version)


def _make_facts(body: dict[str, Any]) -> CallFacts:
    brought = body.get("brought")
    return CallFacts(
        unit_code=body["unit_code"],
        duty_code=body.get("duty_code", ""),
        score=body.get("score", 0),
        arrival=Arrival(
            at=get_service().get_now(),
            lon=body.get("lon"),
            lat=body.get("lat"),
            authority=body.get("authority", "full"),
            brought=None if brought is None else tuple(brought),
            accuracy_m=body.get("accuracy_m"),
            by_name=g.visitor.name,
            note=body.get("note", ""),
        ),
    )


@blueprint.route("/<call_no>/steps/<step>", methods=["POST"])
@permission(Permission.WHISTLES_ACT)
@by_token(TokenScope.WHISTLES_WRITE)
@blueprint.arguments(StepBody)
@blueprint.response(200, SteppedBody, headers={"ETag": {"schema": {"type": "string"}}})
def take_step(body: dict[str, Any], call_no: str, step: str) -> Response:
    """Take a step of a call: report_in, finish_duty, undo_duty, release, rate_unit or rate_street."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    if step not in list(CallAction):
        raise NotFoundError("step of a call", step[:40])
    seen, facts = read_seen_version(), _make_facts(body)

    def change(session: Session) -> Reply:
        act_on_call(
            session,
            get_runtime(),
            call_no,
            CallAction(step),
            actor=get_scope().actor,
            facts=facts,
            seen_version=seen,
        )
        session.flush()
        row = get_call_record(session, call_no).call
        told = {"call_no": call_no, "version": row.version, "closed": row.closed_at is not None}
        return Reply(body=told, headers={"ETag": make_tag(row.version)})

    with checking_version():
        return answer_once(change)
