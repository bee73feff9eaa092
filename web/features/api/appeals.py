"""Appeals from other systems: one, or many that are taken in together or not at all."""

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import sqlalchemy as sa
from flask import Response
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.privacy import mask_text
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.intake.checks import LENGTHS, OWN_SOURCE, IntakeError, check_appeal
from gridgov.services.intake.take_in import NewAppeal, Taken, take_in
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order
from web.kit.api import Blueprint, Fault, Reply, answer_once, by_token, tell_json
from web.kit.api.documents import Schema, Text
from web.kit.api.problems import read_problems, refuse_fields
from web.kit.permissions import Permission, permission
from web.kit.security import get_address
from web.kit.service import get_runtime, get_scope, get_service, reading

blueprint = Blueprint(
    "api_appeals", __name__, url_prefix="/api/v1/appeals", description="What people said"
)

BATCH_MAX = 500


def _text(name: str, text: str = "") -> ma.fields.Field[Any]:
    metadata = {"description": text} if text else {}
    return Text(validate=ma.validate.Length(max=LENGTHS[name]), metadata=metadata)


class NewAppealBody(Schema):
    """What a person said: text or item, and where."""

    source = Text(
        required=True,
        validate=[ma.validate.Length(1, LENGTHS["source"]), ma.validate.NoneOf([OWN_SOURCE])],
        metadata={
            "description": "Name of the sending system; with appeal_no the appeal's name: taken in once"
        },
    )
    appeal_no = _text("appeal_no", "Its number there; without one it gets one of ours")
    received_at = ma.fields.AwareDateTime(
        metadata={"description": "When it was said; now by default"}
    )
    text = _text("text")
    address = _text("address")
    lon = ma.fields.Float(
        validate=ma.validate.Range(-180, 180),
        metadata={"description": "EPSG:4326; above the address"},
    )
    lat = ma.fields.Float(validate=ma.validate.Range(-90, 90))
    item_code = _text("item_code", "Of the catalogue, or the item's exact name")
    channel = _text("channel")
    kind = _text("kind")
    name = _text("name", "Of the person; kept apart")
    phone = _text("phone")


class NewAppealsBody(Schema):
    """Appeals that are taken in together."""

    appeals = ma.fields.List(
        ma.fields.Nested(NewAppealBody), required=True, validate=ma.validate.Length(1, BATCH_MAX)
    )


class TakenBody(Schema):
    """An appeal that is in."""

    appeal_no = ma.fields.String(required=True)
    source = ma.fields.String(required=True)
    order_nos = ma.fields.List(ma.fields.String(), required=True)
    is_new = ma.fields.Boolean(
        required=True, metadata={"description": "false: it was there already and nothing changed"}
    )


class TakenMany(Schema):
    """Appeals that are in, in the order in which they were sent."""

    appeals = ma.fields.List(ma.fields.Nested(TakenBody), required=True)


class AppealOrder(Schema):
    """An order of an appeal, as far as the account sees it."""

    order_no = ma.fields.String(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf([one.value for one in OrderState])
    )
    unit_code = ma.fields.String(required=True)


class AppealBody(Schema):
    """An appeal; numbers of people in its texts are masked."""

    source = ma.fields.String(required=True)
    appeal_no = ma.fields.String(required=True)
    received_at = ma.fields.AwareDateTime(required=True)
    channel = ma.fields.String(required=True, allow_none=True)
    kind = ma.fields.String(required=True, allow_none=True)
    text = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(required=True, allow_none=True)
    item_code = ma.fields.String(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    place_level = ma.fields.String(required=True, allow_none=True)
    uncertainty_m = ma.fields.Float(required=True, allow_none=True)
    cell_code = ma.fields.String(required=True, allow_none=True)
    community_code = ma.fields.String(required=True, allow_none=True)
    street_code = ma.fields.String(required=True, allow_none=True)
    district_code = ma.fields.String(required=True, allow_none=True)
    boundary_version = ma.fields.String(required=True)
    orders = ma.fields.List(ma.fields.Nested(AppealOrder), required=True)


@blueprint.route("", methods=["POST"])
@permission(Permission.APPEALS_CREATE)
@by_token(TokenScope.APPEALS_WRITE)
@blueprint.arguments(NewAppealBody)
@blueprint.response(201, TakenBody, description="It is in")
@blueprint.alt_response(200, schema=TakenBody, description="It was there already", success=True)
def take(body: dict[str, Any]) -> Response:
    """Take an appeal in; a number that its source sent before changes nothing."""
    new, runtime = _make_new(body), get_runtime()

    def change(session: Session) -> Reply:
        taken = take_in(
            session,
            runtime,
            new,
            now=get_service().get_now(),
            actor=get_scope().actor,
            origin=get_address(),
        )
        return Reply(status=201 if taken.is_new else 200, body=_tell(taken, new))

    return answer_once(change)


@blueprint.route("/batch", methods=["POST"])
@permission(Permission.APPEALS_CREATE)
@by_token(TokenScope.APPEALS_WRITE)
@blueprint.arguments(NewAppealsBody)
@blueprint.response(200, TakenMany)
def take_many(body: dict[str, Any]) -> Response:
    """Take many appeals in, all of them or none: every fault of every appeal is told, and then nothing is kept."""
    news, runtime, now = (
        [_make_new(one) for one in body["appeals"]],
        get_runtime(),
        get_service().get_now(),
    )
    faults: list[Fault] = []
    for at, new in enumerate(news):
        try:
            check_appeal(new, runtime, now=now)
        except IntakeError as error:
            faults += read_problems(error.problems, prefix=f"/appeals/{at}")
    if faults:
        raise refuse_fields(faults)

    def change(session: Session) -> Reply:
        actor, origin = get_scope().actor, get_address()
        taken = [
            take_in(session, runtime, new, now=now, actor=actor, origin=origin) for new in news
        ]
        return Reply(
            body={"appeals": [_tell(one, new) for one, new in zip(taken, news, strict=True)]}
        )

    return answer_once(change)


@blueprint.route("/<source>/<appeal_no>", methods=["GET"])
@permission(Permission.ORDERS_READ)
@by_token(TokenScope.ORDERS_READ)
@blueprint.response(200, AppealBody)
def show(source: str, appeal_no: str) -> Response:
    """Show an appeal by its number within its source, with its orders."""
    session = reading()
    appeal = session.scalar(
        sa.select(Appeal).where(Appeal.source == source, Appeal.appeal_no == appeal_no)
    )
    if appeal is None:
        raise NotFoundError("appeal", f"{source} {appeal_no}"[:200])
    orders = session.scalars(
        sa.select(Order).where(Order.appeal_id == appeal.id).order_by(Order.id)
    ).all()
    told: dict[str, Any] = AppealBody(exclude=("orders",)).dump(appeal)
    told |= {
        "text": mask_text(appeal.text or "") or None,
        "address": mask_text(appeal.address or "") or None,
    }
    return tell_json(told | {"orders": AppealOrder(many=True).dump(orders)})


def _make_new(body: dict[str, Any]) -> NewAppeal:
    received_at: datetime = body.get("received_at") or get_service().get_now()
    return NewAppeal(**{**body, "received_at": received_at.astimezone(UTC)})


def _tell(taken: Taken, new: NewAppeal) -> dict[str, Any]:
    return {
        "appeal_no": taken.appeal_no,
        "source": new.source,
        "order_nos": list(taken.order_nos),
        "is_new": taken.is_new,
    }
