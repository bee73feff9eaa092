"""Whistle calls at work: blow, check in, finish duties, release, rate; who is missing is raised (吹哨报到).

Every step locks the call, asks the rules (``rules.whistle_call``), writes rows, log and messages, and never commits.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.transitions import OrderAction
from gridgov.rules.privacy import mask_text
from gridgov.rules.whistles import call as rules
from gridgov.rules.whistles.convene import WhistlePlan, whistle_for
from gridgov.rules.whistles.facts import make_facts
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders import handling
from gridgov.services.orders.rows import get_order
from gridgov.services.whistles.messages import tell_blown, tell_done, tell_missing
from gridgov.services.whistles.records import get_call, get_order_no, make_value, write_value
from gridgov.services.whistles.steps import get_visible, log_step, take_step
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.scope.apply import without_row_scope

WATCHED = (rules.UnitState.CALLED, rules.UnitState.POWERLESS)
"""States in which a unit is missing once its time is over."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What somebody says who checks in.

    Parameters
    ----------
    at
        When, aware.
    lon, lat
        Where, degrees EPSG:4326; None where the device gave no place.
    authority
        ``full`` where they may decide and act, ``none`` where only people came.
    """

    at: datetime
    lon: float | None = None
    lat: float | None = None
    authority: str = "full"


def make_plan(
    session: Session, runtime: CityRuntime, order_no: str, *, at: datetime
) -> WhistlePlan:
    """Return whom the unit that has an order would call now; nothing is written.

    Raises
    ------
    NotFoundError
        There is no such order, or not for this account.
    GridgovError
        The order has no item.
    UnknownEntryError
        The item or the unit that has the order is not in the duty list of the day.
    """
    order = get_order(session, order_no)
    if not order.item_code:
        raise GridgovError(
            f"order {order_no} has no item, so nothing says whom to call; choose its item first"
        )
    graph = runtime.get_duties(runtime.get_day(at))
    return whistle_for(graph, order.item_code, order.unit_code, constants=runtime.constants)


def blow(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    actor: Actor,
    facts: Facts,
    seen_version: int | None = None,
) -> WhistleCall:
    """Convene everybody whom an order needs; return the call, flushed.

    Parameters
    ----------
    facts
        ``at``, ``reason_code`` and ``text`` of the action.
    seen_version
        Version of the order that the person had before their eyes.

    Raises
    ------
    NotFoundError, ConflictError, OrderActionError
        As :func:`gridgov.services.orders.handling.act`.
    WhistleCallError
        The plan calls nobody.
    """
    plan = make_plan(session, runtime, order_no, at=facts.at)
    order = get_order(session, order_no, seen_version=seen_version)
    value = rules.blow(
        plan,
        call_no=_make_number(session, order),
        order_no=order_no,
        cell_code=order.cell_code or "",
        at=facts.at,
    )
    handling.act(
        session,
        runtime,
        order_no,
        OrderAction.BLOW_WHISTLE,
        actor=actor,
        facts=facts,
        seen_version=seen_version,
    )
    with without_row_scope(session):
        call = _make_row(order, value, actor=actor, facts=facts)
        call.plan = make_facts(plan, runtime.get_duties(plan.on_date))
        session.add(call)
        write_value(session, call, value)
        log_step(session, "blow", None, value, actor=actor, at=facts.at)
        tell_blown(session, runtime, value, plan)
    return call


def _make_number(session: Session, order: Order) -> str:
    """Return a number that is free: the order's version, checked when the action is written, keeps it so."""
    known = sa.select(sa.func.count()).where(WhistleCall.order_id == order.id)
    return f"{order.order_no}-W{(session.scalar(known) or 0) + 1}"


def _make_row(order: Order, value: rules.WhistleCall, *, actor: Actor, facts: Facts) -> WhistleCall:
    return WhistleCall(
        call_no=value.call_no,
        order_id=order.id,
        unit_code=order.unit_code,
        street_code=value.street_code,
        item_code=value.item_code,
        cell_code=value.cell_code,
        lon=order.lon,
        lat=order.lat,
        reason=mask_text(facts.text) or facts.reason_code,
        blown_at=value.blown_at,
        blown_by=actor.person_key,
        units=[],
    )


def check_in(
    session: Session,
    runtime: CityRuntime,
    call_no: str,
    unit_code: str,
    *,
    actor: Actor,
    arrival: Arrival,
) -> rules.WhistleCall:
    """Record that somebody of a called unit is there, inside the street or not, with its power or without.

    Raises
    ------
    NotFoundError, ForbiddenError
        There is no such call for this account, or it is not of this unit.
    WhistleCallError
        The rules refuse it.
    """
    seen = rules.CheckIn(
        person_key=actor.person_key,
        at=arrival.at,
        lon=arrival.lon,
        lat=arrival.lat,
        street_code=find_street_code(runtime, arrival.lon, arrival.lat),
        authority=arrival.authority,
    )
    return take_step(
        session,
        call_no,
        "report_in",
        unit_code=unit_code,
        actor=actor,
        at=arrival.at,
        change=lambda call: rules.report_in(call, unit_code, seen),
    )


def find_street_code(runtime: CityRuntime, lon: float | None, lat: float | None) -> str:
    """Return the street of a point, empty where it is in none or not known."""
    if lon is None or lat is None:
        return ""
    found = runtime.territory.judge([lon], [lat])["street_code"].iloc[0]
    return found if isinstance(found, str) else ""


def finish_duty(
    session: Session, call_no: str, unit_code: str, duty_code: str, *, actor: Actor, at: datetime
) -> rules.WhistleCall:
    """Record that a unit has done one of its duties here; raises as :func:`check_in`."""
    return take_step(
        session,
        call_no,
        "finish_duty",
        unit_code=unit_code,
        actor=actor,
        at=at,
        change=lambda call: rules.finish_duty(call, unit_code, duty_code),
    )


def release(
    session: Session,
    runtime: CityRuntime,
    call_no: str,
    unit_code: str,
    *,
    actor: Actor,
    at: datetime,
    seen_version: int | None = None,
) -> rules.WhistleCall:
    """Let a unit go whose duties are done; after the last one the street is told that the order can go on.

    Raises
    ------
    NotFoundError, ForbiddenError, WhistleCallError
        As :func:`check_in`.
    ConflictError
        The call has changed since it was seen.
    """
    row = get_visible(session, call_no)
    call = take_step(
        session,
        call_no,
        "release",
        unit_code=unit_code,
        actor=actor,
        at=at,
        seen_version=seen_version,
        change=lambda call: rules.release(call, unit_code, at=at),
    )
    if call.closed:
        with without_row_scope(session):
            tell_done(session, runtime, call, at=at, caller=row.unit_code)
    return call


def release_order(
    session: Session, runtime: CityRuntime, call_no: str, *, actor: Actor, facts: Facts
) -> None:
    """Give the order of a call back to handling once nobody is on site any more.

    Raises
    ------
    NotFoundError, ConflictError, OrderActionError
        As :func:`gridgov.services.orders.handling.act`, which also refuses it while a unit is there.
    """
    call = get_visible(session, call_no)
    order_no = get_order_no(session, call)
    handling.act(session, runtime, order_no, OrderAction.RELEASE_WHISTLE, actor=actor, facts=facts)


def rate_unit(
    session: Session, call_no: str, unit_code: str, score: int, *, actor: Actor, at: datetime
) -> rules.WhistleCall:
    """Record how the street rates a unit, 1 to 5; raises as :func:`check_in`."""
    return take_step(
        session,
        call_no,
        "rate_unit",
        unit_code=unit_code,
        actor=actor,
        at=at,
        change=lambda call: rules.rate_unit(call, unit_code, score),
    )


def rate_street(
    session: Session, call_no: str, unit_code: str, score: int, *, actor: Actor, at: datetime
) -> rules.WhistleCall:
    """Record how a unit rates the street, 1 to 5; raises as :func:`check_in`."""
    return take_step(
        session,
        call_no,
        "rate_street",
        unit_code=unit_code,
        actor=actor,
        at=at,
        change=lambda call: rules.rate_street(call, unit_code, score),
    )


def find_missing(session: Session, *, now: datetime) -> list[str]:
    """Return the numbers of open calls in which somebody is late and not yet raised."""
    late = (
        sa.select(WhistleCall.call_no)
        .join(CalledUnit, CalledUnit.call_id == WhistleCall.id)
        .where(
            WhistleCall.closed_at.is_(None),
            CalledUnit.state.in_(WATCHED),
            CalledUnit.report_in_by < now,
        )
        .distinct()
        .order_by(WhistleCall.call_no)
    )
    return list(session.scalars(late))


def raise_missing(
    session: Session, runtime: CityRuntime, call_no: str, *, now: datetime
) -> tuple[str, ...]:
    """Raise every unit of a call that is not there in time with its power; return them. The system does this."""
    call = get_call(session, call_no)
    if call.closed_at is not None:
        return ()
    before = make_value(call, get_order_no(session, call))
    after = rules.raise_missing(before, now=now)
    raised = tuple(code for code in after.units if after.units[code] != before.units[code])
    if raised:
        write_value(session, call, after)
        log_step(session, "raise", before, after, actor=None, at=now)
        for unit_code in raised:
            units = (unit_code, *_find_above(runtime, unit_code, now), call.unit_code)
            tell_missing(session, runtime, after, unit_code, at=now, units=units)
    return raised


def _find_above(runtime: CityRuntime, unit_code: str, now: datetime) -> tuple[str, ...]:
    return runtime.find_superiors(unit_code, runtime.get_day(now))[:1]
