"""Moving the pin of an appeal: place, cell, street, boundary version and its orders follow in one transaction.

What follows is decided so:

- Deadlines stay: the person has waited since the receipt, wherever the thing is.
- The unit changes only while nobody has accepted the order, no decision has named the unit, and the desk moves the pin.
  A unit that has the order may say where the thing is, but gets rid of the order by a dispute alone (DOMAIN.md
  section 1, first-receiver responsibility).
- Where the unit stays though the place speaks for another, the order is marked for a person to look at.
- The pin answers the next appeal with the same address (``services.corrections``).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from geodata.frames import JURISDICTION_COLUMNS
from gridgov.errors import ConflictError, ForbiddenError, NotFoundError
from gridgov.jobs.placing import find_point, judge_place
from gridgov.rules.dispatch import Decision, decide
from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import OrderState, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.intake.checks import IntakeError, check_point
from gridgov.services.intake.corrections import make_address_key
from gridgov.services.orders.rating import counted
from gridgov.services.orders.rows import find_changed, get_order, take_values
from gridgov.services.outbox import deliver as outbox
from gridgov.storage.audit import log as audit
from gridgov.storage.counts import changes as counts
from gridgov.storage.models.appeals import Appeal, PinMove
from gridgov.storage.models.orders import Order, Transfer
from gridgov.storage.scope.apply import without_row_scope

UNACCEPTED = frozenset(
    {
        OrderState.RECEIVED,
        OrderState.NEEDS_INFORMATION,
        OrderState.DISPATCHED,
        OrderState.REOPENED,
    }
)
"""States in which a moved pin may still change the unit."""
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
_PLACED = ("lon", "lat", "place_level", "uncertainty_m", "matched", "place_problem")
_ORDER_PLACE = ("lon", "lat", "cell_code", "community_code", "street_code", "district_code")


@dataclass(frozen=True, kw_only=True)
class OrderAfterMove:
    """What a moved pin makes of one order.

    Parameters
    ----------
    order_no, unit_before, unit_after
        The order and who answers for it.
    decision
        Who would get it were it new.
    """

    order_no: str
    unit_before: str
    unit_after: str
    decision: Decision


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
    orders: tuple[OrderAfterMove, ...]


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
            for name in (*_PLACED, *JURISDICTION_COLUMNS):
                setattr(appeal, name, plan.place[name])
            appeal.point = shapely.Point(lon, lat)
            appeal.boundary_version = runtime.boundary_version
            cell = plan.place["cell_code"]
            ensure_cells(session, runtime.city, [cell] if cell else [], on=runtime.get_day(at))
            for row, after in zip(orders, plan.orders, strict=True):
                _write_order(session, runtime, row, after, plan.place, actor=actor, at=at)
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
        orders=tuple(_decide(runtime, appeal, row, place, actor) for row in orders),
    )


def _decide(
    runtime: CityRuntime, appeal: Appeal, row: Order, place: dict[str, Any], actor: Actor
) -> OrderAfterMove:
    own_item = row.item_code == appeal.item_code
    case = {
        **place,
        "channel": appeal.channel,
        "kind": row.kind,
        "item_code": row.item_code,
        "item_confidence": appeal.item_confidence if own_item else None,
    }
    day = runtime.get_day(row.received_at)
    decision = decide(case, runtime.get_book(row.item_code), day)
    free = (
        row.state in UNACCEPTED
        and actor.unit_code == runtime.desk_code
        and row.unit_code != row.bound_unit_code
    )
    return OrderAfterMove(
        order_no=row.order_no,
        unit_before=row.unit_code,
        unit_after=decision.unit_code if free else row.unit_code,
        decision=decision,
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


def _write_order(
    session: Session,
    runtime: CityRuntime,
    row: Order,
    after: OrderAfterMove,
    place: dict[str, Any],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    with counted(session, runtime, row):
        before, key = take_values(row), counts.make_key(row, runtime.zone)
        for name in _ORDER_PLACE:
            setattr(row, name, place[name])
        row.boundary_version = runtime.boundary_version
        if after.unit_after == after.decision.unit_code:
            row.route, row.reasons = after.decision.route, after.decision.reasons
            row.review = row.review and after.decision.review
        else:
            row.review = True
        if after.unit_after != after.unit_before:
            _change_unit(session, row, after, actor=actor, at=at)
        session.flush()
        counts.record_change(session, key, counts.make_key(row, runtime.zone))
    was, now = find_changed(before, take_values(row))
    audit.record(
        session,
        at=at,
        action="move_pin",
        subject_kind="order",
        subject_no=row.order_no,
        before=was,
        after={**now, "lon": row.lon, "lat": row.lat},
        actor=actor,
    )
    _notify(session, row, after, at=at)


def _change_unit(
    session: Session, row: Order, after: OrderAfterMove, *, actor: Actor, at: datetime
) -> None:
    row.unit_code = after.unit_after
    if row.state is not OrderState.DISPATCHED:
        return
    row.state_at, row.dispatched_at = max(at, row.state_at), at
    session.add(
        Transfer(
            order_id=row.id,
            at=at,
            from_unit_code=after.unit_before,
            to_unit_code=after.unit_after,
            action="move_pin",
            made_by=actor.person_key,
        )
    )


def _notify(session: Session, row: Order, after: OrderAfterMove, *, at: datetime) -> None:
    if row.state is OrderState.RECEIVED:
        return
    facts = {"order_no": row.order_no, "reasons": row.reasons}
    outbox.notify(
        session,
        at=at,
        topic="move_pin",
        unit_codes=[after.unit_after, after.unit_before],
        say=partial(make_text, "move_pin", facts),
        data={"unit_code": row.unit_code, "street_code": row.street_code},
        order_no=row.order_no,
        key=f"{row.order_no}:{row.version}:move_pin",
    )
