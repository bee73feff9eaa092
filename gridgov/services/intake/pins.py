"""Moving the pin of an appeal: place, cell, street, boundary version and its orders follow in one transaction.

What it makes of the orders is told in ``services.intake.reassess``. The pin answers the next appeal with the same
address (``services.corrections``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError, ForbiddenError, NotFoundError
from gridgov.jobs.placing import find_point, judge_place
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.intake.checks import IntakeError, check_point
from gridgov.services.intake.corrections import make_address_key
from gridgov.services.intake.reassess import Change, OrderAfter, reassess, write_order
from gridgov.services.orders.place import put_place
from gridgov.services.orders.rows import get_order
from gridgov.storage.audit import log as audit
from gridgov.storage.models.appeals import Appeal, PinMove
from gridgov.storage.models.orders import Order
from gridgov.storage.scope.apply import without_row_scope

MOVERS = frozenset(
    {
        Role.OPERATOR,
        Role.DISPATCHER,
        Role.CALLBACK_CLERK,
        Role.SUPERVISOR,
        Role.STREET_CENTRE,
        Role.HANDLER,
        Role.FIELD_STAFF,
    }
)
"""Roles that may move a pin [A]: who talks to the person, and who stands before the thing."""


@dataclass(frozen=True, kw_only=True)
class PinPlan:
    """What moving a pin would do: a page shows it before anybody saves.

    Parameters
    ----------
    place
        ``PLACE_COLUMNS`` and ``JURISDICTION_COLUMNS`` by name.
    orders
        Every order of the appeal.
    """

    place: dict[str, Any]
    orders: tuple[OrderAfter, ...]


def preview_move(
    session: Session, runtime: CityRuntime, order_no: str, *, lon: float, lat: float, actor: Actor
) -> PinPlan:
    """Return what moving the pin of an order's appeal would do; nothing is written.

    Raises
    ------
    NotFoundError, ForbiddenError, IntakeError
        There is no such order, this account may not, or the point lies outside the city.
    """
    order = get_order(session, order_no)
    _check_mover(runtime, order, actor)
    appeal, orders = _load(session, order)
    return _plan(runtime, appeal, orders, point=(lon, lat), actor=actor)


def move_pin(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    lon: float,
    lat: float,
    actor: Actor,
    at: datetime,
    seen_version: int | None = None,
) -> PinPlan:
    """Move the pin of an order's appeal; return what became of it, flushed and not committed.

    Parameters
    ----------
    session
        Owns the transaction.
    runtime
        The city.
    order_no
        One of the appeal's orders.
    lon, lat
        Where the thing really is, degrees EPSG:4326.
    actor, at
        Who moved it, when (aware).
    seen_version
        Version of the order that the person had before their eyes.

    Raises
    ------
    NotFoundError, ForbiddenError, IntakeError
        There is no such order, this account may not, or the point lies outside the city.
    ConflictError
        Somebody changed the order meanwhile.
    """
    order = get_order(session, order_no, seen_version=seen_version)
    _check_mover(runtime, order, actor)
    try:
        with without_row_scope(session):
            appeal, orders = _load(session, order)
            plan = _plan(runtime, appeal, orders, point=(lon, lat), actor=actor)
            _record_move(session, appeal, plan, actor=actor, at=at)
            put_place(runtime, appeal, plan.place)
            cell = plan.place["cell_code"]
            change = Change(action="move_pin", actor=actor, at=at)
            ensure_cells(session, runtime.city, [cell] if cell else [], on=runtime.get_day(at))
            for row, after in zip(orders, plan.orders, strict=True):
                write_order(session, runtime, appeal, row, after, change=change)
    except StaleDataError as error:
        raise ConflictError("order", order_no, seen=seen_version, found=None) from error
    return plan


def withdraw_pin(session: Session, move_id: int, *, actor: Actor, at: datetime) -> PinMove:
    """Withdraw a correction: the next address is placed by the geocoder again; the appeal stays where it is.

    Raises
    ------
    NotFoundError
        There is none that holds.
    ForbiddenError
        This account may not.
    """
    if actor.role not in MOVERS:
        raise ForbiddenError(f"{actor.role} may not withdraw a pin")
    move = session.scalars(sa.select(PinMove).where(PinMove.id == move_id)).one_or_none()
    if move is None or move.withdrawn_at is not None:
        raise NotFoundError("pin that holds", str(move_id))
    move.withdrawn_by, move.withdrawn_at = actor.person_key, at
    audit.record(
        session,
        at=at,
        action="withdraw_pin",
        subject_kind="pin",
        subject_no=str(move_id),
        before=None,
        after={"appeal_id": move.appeal_id},
        actor=actor,
    )
    return move


def _check_mover(runtime: CityRuntime, order: Order, actor: Actor) -> None:
    is_near = actor.unit_code in {runtime.desk_code, order.unit_code}
    if actor.role not in MOVERS or not is_near:
        raise ForbiddenError(
            f"{actor.role} of {actor.unit_code!r} may not move the pin of order {order.order_no}; "
            f"the desk and the unit that has the order ({order.unit_code}) may"
        )


def _load(session: Session, order: Order) -> tuple[Appeal, list[Order]]:
    appeal = session.scalars(sa.select(Appeal).where(Appeal.id == order.appeal_id)).one()
    rows = session.scalars(
        sa.select(Order).where(Order.appeal_id == appeal.id).order_by(Order.id)
    ).all()
    return appeal, list(rows)


def _plan(
    runtime: CityRuntime,
    appeal: Appeal,
    orders: list[Order],
    *,
    point: tuple[float, float],
    actor: Actor,
) -> PinPlan:
    problems = check_point(*point, runtime)
    if problems:
        raise IntakeError(tuple(problems))
    place = find_point(*point, runtime.constants)
    place |= judge_place(place, lambda: runtime.territory, runtime.constants)
    return PinPlan(
        place=place,
        orders=tuple(reassess(runtime, appeal, row, place, actor) for row in orders),
    )


def _record_move(
    session: Session, appeal: Appeal, plan: PinPlan, *, actor: Actor, at: datetime
) -> None:
    session.add(
        PinMove(
            appeal_id=appeal.id,
            address=appeal.address,
            address_key=make_address_key(appeal.address),
            from_lon=appeal.lon,
            from_lat=appeal.lat,
            lon=plan.place["lon"],
            lat=plan.place["lat"],
            source="pin",
            made_by=actor.person_key,
            made_at=at,
        )
    )
