"""What a file or an assignment belongs to: an order, a call of one, a task of a plan; and whose it is."""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import Plan, PlanTask
from gridgov.storage.models.whistles import WhistleCall


class SubjectKind(StrEnum):
    """What it is."""

    ORDER = "order"
    CALL = "call"
    TASK = "task"


LOG_KINDS = {SubjectKind.ORDER: "order", SubjectKind.CALL: "whistle", SubjectKind.TASK: "plan"}
"""Subject → kind of the log's entries about it."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A thing that the session sees.

    Parameters
    ----------
    no
        Public number; of a task the plan's and its own with a slash between.
    log_no
        Number under which the log knows it.
    unit_code
        Whose it is now.
    order_no
        The order behind it, for messages; None for a task.
    """

    kind: SubjectKind
    no: str
    log_no: str
    unit_code: str
    order_no: str | None = None
    order_id: int | None = None
    plan_task_id: int | None = None


def get_subject(session: Session, kind: str, no: str) -> Subject:
    """Return what a number names, if the session sees it.

    Raises
    ------
    NotFoundError
        It names nothing that this account sees.
    """
    if kind == SubjectKind.ORDER:
        order = session.execute(
            sa.select(Order.id, Order.unit_code).where(Order.order_no == no)
        ).first()
        if order is not None:
            return Subject(
                kind=SubjectKind.ORDER,
                no=no,
                log_no=no,
                unit_code=order.unit_code,
                order_no=no,
                order_id=order.id,
            )
    if kind == SubjectKind.CALL:
        call = session.execute(
            sa.select(WhistleCall.unit_code, Order.order_no, Order.id)
            .join(Order, Order.id == WhistleCall.order_id)
            .where(WhistleCall.call_no == no)
        ).first()
        if call is not None:
            return Subject(
                kind=SubjectKind.CALL,
                no=no,
                log_no=no,
                unit_code=call.unit_code,
                order_no=call.order_no,
                order_id=call.id,
            )
    if kind == SubjectKind.TASK:
        plan_no, _, task_no = no.rpartition("/")
        task = session.execute(
            sa.select(PlanTask.id, PlanTask.lead_unit_code, Plan.street_code)
            .join(Plan, Plan.id == PlanTask.plan_id)
            .where(Plan.plan_no == plan_no, PlanTask.task_no == task_no)
        ).first()
        if task is not None:
            return Subject(
                kind=SubjectKind.TASK,
                no=no,
                log_no=plan_no,
                unit_code=task.lead_unit_code or task.street_code,
                plan_task_id=task.id,
            )
    raise NotFoundError("order, call or task", f"{kind} {no}")
