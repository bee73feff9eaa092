"""Orders: lists by cursor, one with its history, and every action of the transition table."""

from collections.abc import Callable
from typing import Any, get_args

import marshmallow as ma
import sqlalchemy as sa
from flask import Response, g
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.dispatch import Route
from gridgov.rules.orders.disputes import Ground
from gridgov.rules.orders.needs import ANSWERED, Facts
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.evidence import make_evidence
from gridgov.services.orders.handling import act, find_actions, record_refusal, undo
from gridgov.services.whistles import calls as whistles
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.order_detail import OrderDetail, get_order_detail
from gridgov.storage.queries.orders import NONE, ListMark, OrderFilter, find_names, list_after
from web.kit import limits
from web.kit.access_log import note_person
from web.kit.api import (
    Blueprint,
    Cursor,
    Fault,
    Reply,
    answer_once,
    by_token,
    checking_version,
    has_scope,
    make_tag,
    read_cursor,
    read_seen_version,
    tell_json,
)
from web.kit.api.documents import Schema, Text
from web.kit.api.paging import LIMIT, LIMIT_MAX
from web.kit.api.problems import refuse_fields
from web.kit.auth import sign_second
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading, writing

blueprint = Blueprint(
    "api_orders", __name__, url_prefix="/api/v1/orders", description="What units must do"
)

CLOSING = {
    OrderAction.CLOSE_SOLVED: "true",
    OrderAction.CLOSE_PARTLY: "partly",
    OrderAction.CLOSE_UNSOLVED: "false",
}
"""Only what the person said in a callback closes an order: these are recorded as one."""
_STATES = [one.value for one in OrderState]
_CODES = ma.validate.Length(max=200)


def _codes(text: str) -> ma.fields.Field[Any]:
    return Text(validate=ma.validate.Length(max=2_000), metadata={"description": text})


class OrderQuery(Schema):
    """What narrows a list; several values of one are joined by commas."""

    state = _codes("Any of these states")
    outcome = _codes(f"Any of {', '.join(Outcome)}")
    route = _codes(f"Any of {', '.join(Route)}")
    grade = _codes("Any of these grades")
    kind = _codes("Any of these kinds")
    unit_code = _codes("Any of these units")
    street_code = Text(validate=_CODES, metadata={"description": f"Or {NONE!r}"})
    community_code = Text(validate=_CODES)
    cell_code = _codes("Any of these cells")
    item_code = Text(validate=_CODES)
    level1_code = Text(validate=_CODES)
    received_from = ma.fields.AwareDateTime(metadata={"description": "From this moment on"})
    received_to = ma.fields.AwareDateTime(metadata={"description": "Before this moment"})
    q = Text(validate=_CODES, metadata={"description": "A number, or words of text and address"})
    newest_first = ma.fields.Boolean()
    limit = ma.fields.Integer(validate=ma.validate.Range(1, LIMIT_MAX), metadata={"default": LIMIT})
    cursor = Text(
        validate=ma.validate.Length(max=500),
        metadata={"description": "The 'next' of the page before"},
    )


class OrderRow(Schema):
    """An order in a list; numbers of people in its texts are masked."""

    order_no = ma.fields.String(required=True)
    appeal_no = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(_STATES))
    outcome = ma.fields.String(required=True)
    unit_code = ma.fields.String(required=True)
    unit_name = ma.fields.String(required=True, allow_none=True)
    kind = ma.fields.String(required=True, allow_none=True)
    channel = ma.fields.String(required=True, allow_none=True)
    text = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(required=True, allow_none=True)
    item_code = ma.fields.String(required=True, allow_none=True)
    item_name = ma.fields.String(required=True, allow_none=True)
    level1_code = ma.fields.String(required=True, allow_none=True)
    street_code = ma.fields.String(required=True, allow_none=True)
    street_name = ma.fields.String(required=True, allow_none=True)
    community_code = ma.fields.String(required=True, allow_none=True)
    cell_code = ma.fields.String(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    route = ma.fields.String(required=True)
    grade = ma.fields.String(required=True)
    review = ma.fields.Boolean(required=True)
    received_at = ma.fields.AwareDateTime(required=True)
    contact_by = ma.fields.AwareDateTime(required=True, allow_none=True)
    contacted_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    due_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    replied_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    closed_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class OrderPage(Schema):
    """Orders, and where the list goes on."""

    orders = ma.fields.List(ma.fields.Nested(OrderRow), required=True)
    next = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Cursor of the next page; null at the end"},
    )


class HistoryEntry(Schema):
    """What happened to an order."""

    at = ma.fields.AwareDateTime(required=True)
    action = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    unit_code = ma.fields.String(required=True)


class ActionOffer(Schema):
    """What this account could do to the order now, and what it must bring."""

    action = ma.fields.String(required=True)
    target = ma.fields.String(required=True)
    needs = ma.fields.List(ma.fields.String(), required=True)
    reasons = ma.fields.List(ma.fields.String(), required=True)


class PersonBody(Schema):
    """Who said it: for accounts that may, with the scope persons:read; every sight is on record."""

    name = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(required=True, allow_none=True)
    text = ma.fields.String(required=True, allow_none=True, attribute="raw_text")
    address = ma.fields.String(required=True, allow_none=True, attribute="raw_address")


class OrderBody(OrderRow):
    """One order with its history and what may be done to it."""

    reasons = ma.fields.String(required=True)
    issue_no = ma.fields.String(required=True, allow_none=True)
    merged_into = ma.fields.String(required=True)
    until = ma.fields.Date(required=True, allow_none=True)
    boundary_version = ma.fields.String(required=True)
    call_nos = ma.fields.List(ma.fields.String(), required=True)
    history = ma.fields.List(ma.fields.Nested(HistoryEntry), required=True)
    actions = ma.fields.List(ma.fields.Nested(ActionOffer), required=True)
    person = ma.fields.Nested(PersonBody, required=True, allow_none=True)


class OrderShow(Schema):
    """How much of an order is told."""

    person = ma.fields.Boolean(metadata={"description": "Whether to tell who said it"})


class EvidenceBody(Schema):
    """Where the thing is, for a dispute."""

    lon = ma.fields.Float(required=True, validate=ma.validate.Range(-180, 180))
    lat = ma.fields.Float(required=True, validate=ma.validate.Range(-90, 90))
    source = Text(required=True, validate=ma.validate.Length(1, 200))


class SecondBody(Schema):
    """The second person, who signs for themselves."""

    login = Text(required=True, validate=ma.validate.Length(1, 64))
    password = Text(required=True, validate=ma.validate.Length(1, 200))
    code = Text(validate=ma.validate.Length(max=16))


class ActionBody(Schema):
    """What an action brings; which of it is needed stands with the actions of the order."""

    reason_code = Text(validate=ma.validate.Length(max=64))
    text = Text(validate=ma.validate.Length(max=4_000))
    unit_code = Text(validate=ma.validate.Length(max=32))
    target_order_no = Text(validate=ma.validate.Length(max=80))
    until = ma.fields.Date()
    reference = Text(validate=ma.validate.Length(max=64))
    persons = Text(validate=ma.validate.Length(max=1_000))
    ground = Text(validate=ma.validate.OneOf(get_args(Ground)))
    evidence = ma.fields.Nested(EvidenceBody)
    second = ma.fields.Nested(SecondBody)
    contacted = ma.fields.Boolean(
        metadata={"description": "Of a callback: whether the unit had contacted the person"}
    )
    satisfied = Text(validate=ma.validate.OneOf(["satisfied", "basically", "unsatisfied"]))


class NothingBody(Schema):
    """An empty object, or no body."""


class ActedBody(Schema):
    """Where the order stands after an action; the last three where this account still sees it."""

    order_no = ma.fields.String(required=True)
    action = ma.fields.String(required=True)
    state = ma.fields.String(validate=ma.validate.OneOf(_STATES))
    unit_code = ma.fields.String()
    version = ma.fields.Integer()
    call_no = ma.fields.String(metadata={"description": "Of the whistle call that was blown"})


@blueprint.route("", methods=["GET"])
@permission(Permission.ORDERS_READ)
@by_token(TokenScope.ORDERS_READ)
@blueprint.arguments(OrderQuery, location="query")
@blueprint.response(200, OrderPage)
def index(asked: dict[str, Any]) -> Response:
    """List the orders that the account sees, by time of receipt."""
    cursor = read_cursor(asked.get("cursor", ""), asked)
    limit = asked.get("limit", LIMIT)
    session = reading()
    rows = list_after(
        session,
        _make_filter(asked),
        None if cursor is None else ListMark(received_at=cursor.at, row_id=cursor.row_id),
        rows=limit + 1,
        newest_first=asked.get("newest_first", False),
    )
    shown = rows[:limit]
    names = find_names(session, shown)
    following = None
    if len(rows) > limit:
        following = Cursor(at=shown[-1].received_at, row_id=shown[-1].id).write(asked)
    return tell_json({"orders": [_tell_row(row, names) for row in shown], "next": following})


def _make_filter(asked: dict[str, Any]) -> OrderFilter:
    """Return the filter that the address names; a word that is none of ours is a fault, not an empty list."""
    return OrderFilter(
        unit_codes=frozenset(_split(asked, "unit_code")) if asked.get("unit_code") else None,
        start=asked.get("received_from"),
        end=asked.get("received_to"),
        states=tuple(OrderState(one) for one in _split(asked, "state", _STATES)),
        outcomes=tuple(Outcome(one) for one in _split(asked, "outcome", list(Outcome))),
        routes=_split(asked, "route", list(Route)),
        grades=_split(asked, "grade"),
        kinds=_split(asked, "kind"),
        street_code=asked.get("street_code", ""),
        community_code=asked.get("community_code", ""),
        cell_codes=_split(asked, "cell_code"),
        item_code=asked.get("item_code", ""),
        level1_code=asked.get("level1_code", ""),
        words=asked.get("q", ""),
    )


def _split(asked: dict[str, Any], name: str, known: list[Any] | None = None) -> tuple[str, ...]:
    words = tuple(word for word in asked.get(name, "").split(",") if word)
    if len(words) > 100:
        raise refuse_fields([Fault(where="query", field=name, problem="at most 100 values")])
    if known is not None:
        names = {str(one) for one in known}
        wrong = [word for word in words if word not in names]
        if wrong:
            problem = f"{wrong[0][:40]!r} is none of {', '.join(sorted(names))}"
            raise refuse_fields([Fault(where="query", field=name, problem=problem)])
    return words


def _tell_row(row: Any, names: dict[str, str]) -> dict[str, Any]:
    """Return an order as the list tells it."""
    told: dict[str, Any] = OrderRow().dump(row)
    return told | {
        "text": mask_text(row.text or "") or None,
        "address": mask_text(row.address or "") or None,
        "unit_name": names.get(row.unit_code),
        "item_name": names.get(row.item_code or ""),
        "street_name": names.get(row.street_code or ""),
    }


@blueprint.route("/<order_no>", methods=["GET"])
@permission(Permission.ORDERS_READ)
@by_token(TokenScope.ORDERS_READ)
@blueprint.arguments(OrderShow, location="query")
@blueprint.response(200, OrderBody, headers={"ETag": {"schema": {"type": "string"}}})
def show(asked: dict[str, Any], order_no: str) -> Response:
    """Show one order; its ETag is what If-Match of an action names."""
    session = reading()
    detail = get_order_detail(session, order_no)
    wants_person = asked.get("person", False) and has_scope(TokenScope.PERSONS_READ)
    person = detail.person if wants_person and get_scope().sees_personal else None
    if person is not None:
        note_person(order_no)
    return tell_json(_tell_detail(session, detail, person), version=detail.order.version)


def _tell_detail(session: Session, detail: OrderDetail, person: Any) -> dict[str, Any]:
    order, appeal = detail.order, detail.appeal
    names = find_names(session, [order])
    told: dict[str, Any] = OrderRow(exclude=("text", "address", "channel", "appeal_no")).dump(order)
    told |= AppealPart().dump(appeal)
    told |= {
        "text": mask_text(appeal.text or "") or None,
        "address": mask_text(appeal.address or "") or None,
        "unit_name": names.get(order.unit_code),
        "item_name": names.get(order.item_code or ""),
        "street_name": names.get(order.street_code or ""),
        "reasons": mask_text(order.reasons),
        "issue_no": None if detail.issue is None else detail.issue.issue_no,
        "merged_into": order.merged_into,
        "until": None if order.until is None else order.until.isoformat(),
        "boundary_version": order.boundary_version,
        "call_nos": [call.call_no for call in detail.calls],
        "history": HistoryEntry(many=True).dump(detail.history),
        "actions": [
            {
                "action": one.action.value,
                "target": one.target.value,
                "needs": [need.value for need in one.needs],
                "reasons": list(one.reasons),
            }
            for one in find_actions(session, get_runtime(), order.order_no, actor=get_scope().actor)
        ],
        "person": None if person is None else PersonBody().dump(person),
    }
    return told


class AppealPart(Schema):
    """What an order's answer takes from its appeal."""

    appeal_no = ma.fields.String()
    channel = ma.fields.String()


@blueprint.route("/<order_no>/actions/<action>", methods=["POST"])
@permission(Permission.ORDERS_ACT)
@by_token(TokenScope.ORDERS_WRITE)
@blueprint.arguments(ActionBody)
@blueprint.response(200, ActedBody, headers={"ETag": {"schema": {"type": "string"}}})
def take_action(body: dict[str, Any], order_no: str, action: str) -> Response:
    """Do one action of the transition table to an order; If-Match names the version that was seen."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    if action not in list(OrderAction):
        problem = f"is no action; expected one of {', '.join(OrderAction)}"
        raise refuse_fields([Fault(where="path", field="action", problem=problem)])
    chosen, runtime, seen = OrderAction(action), get_runtime(), read_seen_version()
    # A second person's sign-in counts wrong tries in a transaction of its own, before the change begins.
    facts = _read_facts(runtime, chosen, body)

    def change(session: Session) -> Reply:
        more = _take(session, runtime, order_no, chosen, facts, body, seen)
        return _tell_acted(session, order_no, chosen, **more)

    return _change(order_no, chosen, change)


def _change(order_no: str, action: OrderAction, change: Callable[[Session], Reply]) -> Response:
    """Answer a change; what was refused is put on record, as on the pages."""
    try:
        with checking_version():
            return answer_once(change)
    except GridgovError as error:
        with writing() as session:
            record_refusal(
                session,
                order_no,
                action.value,
                error,
                actor=get_scope().actor,
                at=get_service().get_now(),
            )
        raise


def _take(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    action: OrderAction,
    facts: Facts,
    body: dict[str, Any],
    seen: int | None,
) -> dict[str, Any]:
    """Do an action by the service that does it for the pages; return what it tells beside the order."""
    actor = get_scope().actor
    if action in CLOSING or action is OrderAction.NOT_REACHED:
        missed = action is OrderAction.NOT_REACHED
        answers = Answers(
            called_at=facts.at,
            contacted=None if missed else body.get("contacted"),
            solved=CLOSING.get(action),
            satisfied=None if missed else body.get("satisfied"),
            not_reached=facts.reason_code if missed else "",
            note=facts.text,
        )
        record_callback(session, runtime, order_no, actor=actor, answers=answers, seen_version=seen)
        return {}
    if action is OrderAction.BLOW_WHISTLE:
        call = whistles.blow(
            session, runtime, order_no, actor=actor, facts=facts, seen_version=seen
        )
        return {"call_no": call.call_no}
    act(session, runtime, order_no, action, actor=actor, facts=facts, seen_version=seen)
    return {}


def _read_facts(runtime: CityRuntime, action: OrderAction, body: dict[str, Any]) -> Facts:
    evidence, second = body.get("evidence"), None
    if action is OrderAction.NOT_REACHED and not body.get("reason_code"):
        raise refuse_fields(
            [Fault(where="body", field="/reason_code", problem="why nobody was reached")]
        )
    if "second" in body:
        signed = body["second"]
        second = sign_second(signed["login"], signed["password"], signed.get("code", ""))
        if second is None:
            problem = "login, password or code of the second person do not fit"
            raise refuse_fields([Fault(where="body", field="/second", problem=problem)])
    return Facts(
        at=get_service().get_now(),
        **{
            name: body.get(name, "").strip()
            for name in (
                "reason_code",
                "text",
                "unit_code",
                "target_order_no",
                "reference",
                "persons",
            )
        },
        until=body.get("until"),
        ground=body.get("ground"),
        evidence=None
        if evidence is None
        else make_evidence(runtime, evidence["lon"], evidence["lat"], source=evidence["source"]),
        answer=ANSWERED.get(action),
        second=second,
    )


@blueprint.route("/<order_no>/undo", methods=["POST"])
@permission(Permission.ORDERS_ACT)
@by_token(TokenScope.ORDERS_WRITE)
@blueprint.arguments(NothingBody, required=False)
@blueprint.response(200, ActedBody, headers={"ETag": {"schema": {"type": "string"}}})
def take_back(_body: dict[str, Any], order_no: str) -> Response:
    """Take back one's own last step, for a few minutes."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    seen = read_seen_version()

    def change(session: Session) -> Reply:
        undone = undo(
            session,
            get_runtime(),
            order_no,
            actor=get_scope().actor,
            at=get_service().get_now(),
            seen_version=seen,
        )
        return _tell_acted(session, order_no, undone)

    with checking_version():
        return answer_once(change)


def _tell_acted(session: Session, order_no: str, action: OrderAction, **more: Any) -> Reply:
    """Return where an order stands now; less where it has left the units that this account sees."""
    session.flush()
    told = {"order_no": order_no, "action": action.value, **more}
    row = session.scalars(sa.select(Order).where(Order.order_no == order_no)).one_or_none()
    if row is None:
        return Reply(body=told)
    told |= {"state": row.state.value, "unit_code": row.unit_code, "version": row.version}
    return Reply(body=told, headers={"ETag": make_tag(row.version)})
