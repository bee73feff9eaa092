"""What waits for a unit outside: its open orders, calls that it blew or must come to, tasks of running plans."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.plans.life import PlanState
from gridgov.rules.plans.task_life import ENDED
from gridgov.rules.whistles.call import UnitState
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.models.plans import Plan, PlanTask
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.queries.orders import ORDERS, OrderFilter, OrderPage, list_orders


def list_unit_orders(
    session: Session, unit_code: str, *, rows: int, order_nos: tuple[str, ...] = ()
) -> OrderPage:
    """Return the orders that a unit has not yet replied to, the earliest deadline first.

    Parameters
    ----------
    rows
        At most so many.
    order_nos
        Only these; empty for all.
    """
    waits = sa.and_(ORDERS.c.outcome == Outcome.OPEN, ORDERS.c.replied_at.is_(None))
    chosen = OrderFilter(unit_codes=frozenset({unit_code}), condition=waits, order_nos=order_nos)
    return list_orders(session, chosen, sort="due_at", rows=rows)


def list_unit_calls(session: Session, unit_code: str, *, rows: int) -> Sequence[Any]:
    """Return the running calls that a unit blew, or to which it is called and not yet released; at most `rows`.

    Returns
    -------
        ``call_no order_no street_code item_code lon lat due_at state report_in_by``: ``state`` of this unit in the
        call and until when it must be there, missing where it blew and is not called itself; ``due_at`` of the order.
        The earliest to be at come first.
    """
    own = CalledUnit
    made = (
        sa.select(
            *(WhistleCall.call_no, Order.order_no, WhistleCall.street_code, WhistleCall.item_code),
            *(WhistleCall.lon, WhistleCall.lat, Order.due_at, own.state, own.report_in_by),
        )
        .join(Order, Order.id == WhistleCall.order_id)
        .outerjoin(own, sa.and_(own.call_id == WhistleCall.id, own.unit_code == unit_code))
        .where(
            WhistleCall.closed_at.is_(None),
            sa.or_(WhistleCall.unit_code == unit_code, own.state != UnitState.RELEASED),
        )
        .order_by(sa.func.coalesce(own.report_in_by, Order.due_at), WhistleCall.id)
        .limit(rows)
    )
    return session.execute(made).all()


def list_unit_tasks(session: Session, unit_code: str, *, rows: int) -> Sequence[Any]:
    """Return the tasks of running plans that a unit leads and that have not ended, the earliest due first.

    Returns
    -------
        ``plan_no task_no title state due_on``; at most `rows`.
    """
    leads = sa.or_(
        PlanTask.lead_unit_code == unit_code,
        sa.and_(PlanTask.lead_unit_code.is_(None), Plan.street_code == unit_code),
    )
    made = (
        sa.select(Plan.plan_no, PlanTask.task_no, PlanTask.title, PlanTask.state, PlanTask.due_on)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .where(leads, Plan.state == PlanState.RUNNING, PlanTask.state.not_in(ENDED))
        .order_by(PlanTask.due_on.is_(None), PlanTask.due_on, PlanTask.id)
        .limit(rows)
    )
    return session.execute(made).all()


def find_task_places(
    session: Session, plan_nos: Iterable[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the task of each plan's document by numbers of plan and task: there stand its place and point."""
    made = sa.select(Plan.plan_no, Plan.document["tasks"]).where(
        Plan.plan_no.in_(sorted(set(plan_nos)))
    )
    return {
        (plan_no, task["task_no"]): task
        for plan_no, tasks in session.execute(made)
        for task in tasks or ()
    }
