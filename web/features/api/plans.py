"""Plans of streets and their tasks: what was fixed, how far it is, and the steps of both."""

from typing import Any

import marshmallow as ma
from flask import Response, g
from sqlalchemy.orm import Session

from gridgov.rules.plans.life import PlanAction, PlanState
from gridgov.rules.plans.task_life import TaskAction, TaskState
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.plans.deciding import act_on_plan, find_plan_actions
from gridgov.services.plans.records import Person
from gridgov.services.plans.tasks import TaskChange, act_on_task
from gridgov.storage.queries.plans import TASK_COLUMNS, get_plan, get_plan_list
from web.kit import limits
from web.kit.api import (
    Blueprint,
    Fault,
    Reply,
    answer_once,
    by_token,
    checking_version,
    make_tag,
    read_seen_version,
    tell_json,
)
from web.kit.api.documents import Schema, Text
from web.kit.api.problems import refuse_fields
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading

blueprint = Blueprint(
    "api_plans", __name__, url_prefix="/api/v1/plans", description="One street, one plan"
)

PLAN_ACTIONS = tuple(one for one in PlanAction if one not in {PlanAction.EDIT, PlanAction.REPLACE})
"""An edit is a form of its own; a plan is replaced by the one that follows it."""


class PlanRow(Schema):
    """The plan of a street, the one that is worked by or else the newest."""

    plan_no = ma.fields.String(required=True)
    street_code = ma.fields.String(required=True)
    period = ma.fields.String(required=True)
    revision = ma.fields.Integer(required=True)
    made_at = ma.fields.AwareDateTime(required=True)
    tasks = ma.fields.Integer(required=True)
    done = ma.fields.Integer(required=True)
    progress = ma.fields.Float(required=True, allow_none=True)


class PlanList(Schema):
    """The plan of each street."""

    plans = ma.fields.List(ma.fields.Nested(PlanRow), required=True)


class TaskRow(Schema):
    """What has come of a task."""

    task_no = ma.fields.String(required=True)
    task_id = ma.fields.String(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf([one.value for one in TaskState])
    )
    progress_share = ma.fields.Float(required=True)
    note = ma.fields.String(required=True)
    lead_unit_code = ma.fields.String(required=True, allow_none=True)
    assignee = ma.fields.String(required=True)
    start_on = ma.fields.Date(required=True, allow_none=True)
    due_on = ma.fields.Date(required=True, allow_none=True)
    told_on = ma.fields.Date(required=True, allow_none=True)
    updated_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class PlanBody(Schema):
    """A plan as it was fixed, with what has come of its tasks."""

    plan_no = ma.fields.String(required=True)
    street_code = ma.fields.String(required=True)
    period = ma.fields.String(required=True)
    revision = ma.fields.Integer(required=True)
    content_hash = ma.fields.String(required=True)
    made_at = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf([one.value for one in PlanState])
    )
    version = ma.fields.Integer(required=True)
    document = ma.fields.Dict(
        required=True, metadata={"description": "As planner/documents/plan.schema.json says"}
    )
    tasks = ma.fields.List(ma.fields.Nested(TaskRow), required=True)
    actions = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "What this account could do now"},
    )


class PlanActionBody(Schema):
    """What a step of a plan brings."""

    text = Text(validate=ma.validate.Length(max=4_000))


class TaskActionBody(Schema):
    """What a step of a task brings."""

    text = Text(validate=ma.validate.Length(max=4_000))
    unit_code = Text(validate=ma.validate.Length(max=32))
    assignee = Text(validate=ma.validate.Length(max=200))
    progress_share = ma.fields.Float(validate=ma.validate.Range(0, 1))


class PlanActed(Schema):
    """Where the plan stands now."""

    plan_no = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


@blueprint.route("", methods=["GET"])
@permission(Permission.PLANNING_READ)
@by_token(TokenScope.PLANS_READ)
@blueprint.response(200, PlanList)
def index() -> Response:
    """List the plan of each street."""
    found = get_plan_list(reading())
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    return tell_json({"plans": PlanRow(many=True).dump(rows)})


@blueprint.route("/<plan_no>", methods=["GET"])
@permission(Permission.PLANNING_READ)
@by_token(TokenScope.PLANS_READ)
@blueprint.response(200, PlanBody, headers={"ETag": {"schema": {"type": "string"}}})
def show(plan_no: str) -> Response:
    """Show a plan with its tasks."""
    record = get_plan(reading(), plan_no)
    person, now = _get_person(), get_service().get_now()
    offered = find_plan_actions(get_runtime(), record.row, person, at=now)
    told: dict[str, Any] = PlanBody(exclude=("tasks", "actions", "document")).dump(record.row)
    told |= {
        "document": record.document,
        "tasks": [TaskRow().dump(task) for task in record.tasks.values()],
        "actions": [one.action.value for one in offered],
    }
    return tell_json(told)


@blueprint.route("/<plan_no>/actions/<action>", methods=["POST"])
@permission(Permission.PLANS_ACT)
@by_token(TokenScope.PLANS_WRITE)
@blueprint.arguments(PlanActionBody)
@blueprint.response(200, PlanActed, headers={"ETag": {"schema": {"type": "string"}}})
def take_action(body: dict[str, Any], plan_no: str, action: str) -> Response:
    """Take a step of a plan: submit, withdraw, return, approve, start or close."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    if action not in PLAN_ACTIONS:
        problem = f"is no step of a plan; expected one of {', '.join(PLAN_ACTIONS)}"
        raise refuse_fields([Fault(where="path", field="action", problem=problem)])
    seen = read_seen_version()

    def change(session: Session) -> Reply:
        row = act_on_plan(
            session,
            get_runtime(),
            plan_no,
            PlanAction(action),
            person=_get_person(),
            at=get_service().get_now(),
            text=body.get("text", ""),
            seen_version=seen,
        )
        session.flush()
        told = {"plan_no": plan_no, "state": row.state.value, "version": row.version}
        return Reply(body=told, headers={"ETag": make_tag(row.version)})

    with checking_version():
        return answer_once(change)


@blueprint.route("/<plan_no>/tasks/<task_no>/actions/<action>", methods=["POST"])
@permission(Permission.PLANS_ACT)
@by_token(TokenScope.PLANS_WRITE)
@blueprint.arguments(TaskActionBody)
@blueprint.response(200, TaskRow, headers={"ETag": {"schema": {"type": "string"}}})
def take_task_action(body: dict[str, Any], plan_no: str, task_no: str, action: str) -> Response:
    """Take a step of a task: assign, accept, decline, advance, finish, reopen or drop; If-Match names its version."""
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    if action not in list(TaskAction):
        problem = f"is no step of a task; expected one of {', '.join(TaskAction)}"
        raise refuse_fields([Fault(where="path", field="action", problem=problem)])
    seen = read_seen_version()

    def change(session: Session) -> Reply:
        row = act_on_task(
            session,
            get_runtime(),
            plan_no,
            task_no,
            TaskAction(action),
            person=_get_person(),
            at=get_service().get_now(),
            change=TaskChange(**body),
            seen_version=seen,
        )
        session.flush()
        told = TaskRow().dump({name: getattr(row, name) for name in TASK_COLUMNS})
        return Reply(body=told, headers={"ETag": make_tag(row.version)})

    with checking_version():
        return answer_once(change)


def _get_person() -> Person:
    return Person(actor=get_scope().actor, name=g.visitor.name)
