"""What an order is judged by, and what follows when that changes: its place, its unit's reasons, its clocks.

Whatever changes the facts of an order goes through here: a moved pin, a corrected item or address, an upheld dispute, a
decision after new boundaries. So after it reasons, place, street and clocks are those of the new facts.
"""

from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.frames import JURISDICTION_COLUMNS
from gridgov.rules.dispatch import Decision, Named, decide, find_deadlines, move_deadline
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.rows import AT_DESK
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, OrderPause, Outcome

PLACED = ("lon", "lat", "place_level", "uncertainty_m", "matched", "place_problem")
ORDER_PLACE = ("lon", "lat", "cell_code", "community_code", "street_code", "district_code")


def make_case(appeal: Appeal, row: Order, place: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what dispatch reads of an order that lies at `place`, by default where its appeal does."""
    names = (*PLACED, *JURISDICTION_COLUMNS)
    at = {name: getattr(appeal, name) for name in names} if place is None else place
    own_item = row.item_code == appeal.item_code
    return {
        **at,
        "channel": appeal.channel,
        "kind": row.kind,
        "item_code": row.item_code,
        "item_confidence": appeal.item_confidence if own_item else None,
    }


def judge(
    runtime: CityRuntime,
    appeal: Appeal,
    row: Order,
    *,
    place: dict[str, Any] | None = None,
    at: datetime | None = None,
    named: Named | None = None,
) -> Decision:
    """Return who would get an order by its facts: on the day of its receipt, or on that of `at`."""
    day = runtime.get_day(row.received_at if at is None else at)
    book = runtime.get_book(row.item_code)
    return decide(make_case(appeal, row, place), book, day, named=named)


def get_appeal(session: Session, row: Order) -> Appeal:
    """Return the appeal of an order."""
    return session.scalars(sa.select(Appeal).where(Appeal.id == row.appeal_id)).one()


def put_place(runtime: CityRuntime, appeal: Appeal, place: dict[str, Any]) -> None:
    """Write a place into an appeal, by the boundaries in force."""
    for name in (*PLACED, *JURISDICTION_COLUMNS):
        setattr(appeal, name, place[name])
    known = place["lon"] is not None and place["lat"] is not None
    appeal.point = shapely.Point(place["lon"], place["lat"]) if known else None
    appeal.boundary_version = runtime.boundary_version


def copy_place(appeal: Appeal, row: Order) -> None:
    """Write the place of an appeal into one of its orders."""
    for name in ORDER_PLACE:
        setattr(row, name, getattr(appeal, name))
    row.boundary_version = appeal.boundary_version


def put_decision(row: Order, decision: Decision) -> None:
    """Write route, reasons and grade of a decision into an order; the unit is the caller's."""
    row.route, row.reasons, row.grade = decision.route, decision.reasons, decision.grade


def watch_unit(runtime: CityRuntime, row: Order, *, at: datetime) -> None:
    """Mark an order whose unit is in force no more, so that a person names another: nobody is there to handle it."""
    waits = row.outcome is not Outcome.OPEN or row.replied_at is not None or row.state in AT_DESK
    if not waits and not runtime.book.is_in_force(row.unit_code, runtime.get_day(at)):
        row.review = True


def renew_clocks(
    session: Session,
    runtime: CityRuntime,
    row: Order,
    *,
    at: datetime,
    new_unit: bool = False,
    new_grade: bool = False,
) -> None:
    """Set both clocks by an order's grade and unit.

    The person has waited since the receipt, so the final clock runs from there, with its pauses and what was granted;
    but nobody is late before they could have called: a new unit has the grade's time for the first contact, and at
    least so long for all [A].
    """
    limits = find_deadlines(
        at, row.grade, runtime.grades, calendar=runtime.calendar, zone=runtime.zone
    )
    if new_unit:
        row.contacted_at = None
    if row.contacted_at is None:
        row.contact_by = limits.contact_by
    due = row.due_at
    if new_grade:
        due = _find_due(session, runtime, row)
        granted = row.due_at if row.extensions else None
        due = granted if due is None or (granted is not None and granted > due) else due
    if due is not None and limits.contact_by is not None:
        due = max(due, limits.contact_by)
    row.due_at = due
    if due is None or due > at:
        row.warned_at = row.overdue_at = None


def _find_due(session: Session, runtime: CityRuntime, row: Order) -> datetime | None:
    """Return the final deadline from the receipt, or from the last reopening, with the pauses that have ended."""
    start = row.clock_from or row.received_at
    due = find_deadlines(
        start, row.grade, runtime.grades, calendar=runtime.calendar, zone=runtime.zone
    ).due_at
    limit = runtime.grades.get(row.grade)
    if due is None or limit is None:
        return due
    pauses = session.scalars(
        sa.select(OrderPause)
        .where(
            OrderPause.order_id == row.id,
            OrderPause.paused_at >= start,
            OrderPause.resumed_at.is_not(None),
        )
        .order_by(OrderPause.id)
    )
    for pause in pauses:
        assert pause.resumed_at is not None  # noqa: S101 - the query asks for those that have ended
        due = move_deadline(
            due,
            pause.paused_at,
            pause.resumed_at,
            limit=limit,
            calendar=runtime.calendar,
            zone=runtime.zone,
        )
    return due
