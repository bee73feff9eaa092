"""Whistle calls at work: blow, check in, finish duties, release, rate; who is missing is raised (吹哨报到).

Every step locks the call, asks the rules (``rules.whistle_call``), writes rows, log and messages, and never commits.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.rules.privacy import mask_text
from gridgov.rules.whistles import call as rules
from gridgov.rules.whistles.choosing import UnitChange, change_calls
from gridgov.rules.whistles.convene import WhistlePlan, whistle_for
from gridgov.rules.whistles.facts import make_facts
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.notices.inbox import find_reach
from gridgov.services.orders import handling
from gridgov.services.orders.rows import get_order
from gridgov.services.whistles.messages import (
    make_blown_key,
    tell_blown,
    tell_done,
    tell_missing,
    tell_unopened,
)
from gridgov.services.whistles.records import get_call, get_order_no, make_value, write_value
from gridgov.services.whistles.steps import get_visible, log_step, take_step
from gridgov.storage.audit import log as audit
from gridgov.storage.models.journal import LogEntry
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
    brought
        Powers that they bring, by which `authority` is judged; None where nobody asked.
    accuracy_m
        Radius in metres in which the device believes to be.
    by_name, note
        Who, and what they say.
    """

    at: datetime
    lon: float | None = None
    lat: float | None = None
    authority: str = "full"
    brought: tuple[str, ...] | None = None
    accuracy_m: float | None = None
    by_name: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """In which street a position lies, and whether all of its circle does."""

    street_code: str
    is_sure: bool


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
    changes: Sequence[UnitChange] = (),
) -> WhistleCall:
    """Convene everybody whom an order needs; return the call, flushed.

    Parameters
    ----------
    changes
        Units added to what the duty list says, or left out, each with its reason.
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
    today = runtime.get_day(facts.at)
    for one in changes:
        runtime.check_unit(one.unit_code, today)
    changed = [replace(one, reason=mask_text(one.reason.strip())) for one in changes]
    minutes = round(runtime.constants.number("dispatch.report_in_minutes"))
    plan = change_calls(plan, changed, report_in_min=minutes)
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
        call.plan = make_facts(plan, runtime.get_duties(plan.on_date)) | {
            "changes": [asdict(one) for one in changed]
        }
        session.add(call)
        write_value(session, call, value)
        log_step(session, "blow", None, value, actor=actor, at=facts.at, changes=changed)
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
    stands = find_standing(runtime, arrival.lon, arrival.lat, accuracy_m=arrival.accuracy_m)
    seen = rules.CheckIn(
        person_key=actor.person_key,
        at=arrival.at,
        lon=arrival.lon,
        lat=arrival.lat,
        street_code=stands.street_code,
        authority=arrival.authority,
        brought=arrival.brought,
        accuracy_m=arrival.accuracy_m,
        is_sure=stands.is_sure,
        by_name=arrival.by_name[:80],
        note=mask_text(arrival.note.strip()),
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


def find_standing(
    runtime: CityRuntime, lon: float | None, lat: float | None, *, accuracy_m: float | None
) -> Standing:
    """Return the street of a position, empty where it is in none, and whether its circle crosses no border.

    A phone in a lane may be unsure by kilometres; what it then says about the street is chance.
    """
    if lon is None or lat is None:
        return Standing(street_code="", is_sure=True)
    row = runtime.territory.judge([lon], [lat]).iloc[0]
    street = row["street_code"] if isinstance(row["street_code"], str) else ""
    boundary_m = 0.0 if np.isnan(row["boundary_m"]) else float(row["boundary_m"])
    is_sure = accuracy_m is None or accuracy_m <= max(boundary_m, SURE_M)
    return Standing(street_code=street, is_sure=is_sure)


SURE_M = 30.0
"""A position no less sure than this is taken as it is, also beside a border: satellites give no better in lanes [A]."""


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


def undo_duty(
    session: Session,
    runtime: CityRuntime,
    call_no: str,
    unit_code: str,
    duty_code: str,
    *,
    actor: Actor,
    at: datetime,
) -> rules.WhistleCall:
    """Take back that a duty is done, by who said so, for the minutes in which a step of an order may be taken back.

    Raises
    ------
    NotFoundError, ForbiddenError, WhistleCallError
        As :func:`check_in`; also where somebody else said it, or it is longer ago.
    """
    get_visible(session, call_no)
    if (unit_code, duty_code) not in find_undoable(session, runtime, call_no, actor=actor, at=at):
        minutes = round(runtime.constants.number("deadlines.undo_minutes"))
        raise ForbiddenError(
            f"whistle call {call_no}, unit {unit_code}: duty {duty_code!r} was not said to be done by this account "
            f"within the last {minutes} minutes"
        )
    return take_step(
        session,
        call_no,
        "undo_duty",
        unit_code=unit_code,
        actor=actor,
        at=at,
        change=lambda call: rules.undo_duty(call, unit_code, duty_code),
    )


def find_undoable(
    session: Session, runtime: CityRuntime, call_no: str, *, actor: Actor, at: datetime
) -> frozenset[tuple[str, str]]:
    """Return (unit, duty) of what an account has said to be done and may still take back."""
    minutes = runtime.constants.number("deadlines.undo_minutes")
    query = sa.select(LogEntry).where(
        LogEntry.subject_kind == "whistle",
        LogEntry.subject_no == call_no,
        LogEntry.action == "whistle_finish_duty",
        LogEntry.person_key == actor.person_key,
        LogEntry.at >= at - timedelta(minutes=minutes),
    )
    found: set[tuple[str, str]] = set()
    for entry in session.scalars(query):
        for unit_code, facts in (entry.after or {}).items():
            if not isinstance(facts, dict):
                continue  # the number of the order
            before = ((entry.before or {}).get(unit_code) or {}).get("done", [])
            found |= {(unit_code, duty) for duty in facts.get("done", []) if duty not in before}
    return frozenset(found)


def release(
    session: Session,
    runtime: CityRuntime,
    call_no: str,
    unit_code: str,
    *,
    actor: Actor,
    at: datetime,
) -> rules.WhistleCall:
    """Let a unit go whose duties are done; with the last one the call ends, and with it the order is handled again.

    Raises
    ------
    NotFoundError, ForbiddenError, WhistleCallError
        As :func:`check_in`.
    """
    row = get_visible(session, call_no)
    call = take_step(
        session,
        call_no,
        "release",
        unit_code=unit_code,
        actor=actor,
        at=at,
        change=lambda call: rules.release(call, unit_code, at=at),
    )
    if call.closed:
        with without_row_scope(session):
            tell_done(session, runtime, call, at=at, caller=row.unit_code)
        _end_with_order(session, runtime, row, actor=actor, at=at)
    return call


ENDED_BY_ITSELF = "各单位职责已办结，全部撤哨"
"""What the order's history says where the last release ended its whistle too."""


def _end_with_order(
    session: Session, runtime: CityRuntime, row: WhistleCall, *, actor: Actor, at: datetime
) -> None:
    """Let the order go on with the end of its last call: one release ends both."""
    others = sa.select(WhistleCall.id).where(
        WhistleCall.order_id == row.order_id,
        WhistleCall.id != row.id,
        WhistleCall.closed_at.is_(None),
    )
    order_no = get_order_no(session, row)
    order = get_order(session, order_no)
    # What was raised, supervised or given to another unit meanwhile goes on there.
    waits = order.state is OrderState.WHISTLED and order.unit_code == row.unit_code
    if waits and session.scalar(others.limit(1)) is None:
        facts = Facts(at=at, text=ENDED_BY_ITSELF)
        action = OrderAction.RELEASE_WHISTLE
        handling.act(session, runtime, order_no, action, actor=actor, facts=facts)


def release_order(
    session: Session, runtime: CityRuntime, call_no: str, *, actor: Actor, facts: Facts
) -> None:
    """Give the order of a call back to handling once nobody is on site any more; nothing where it went on already.

    Raises
    ------
    NotFoundError, ConflictError, OrderActionError
        As :func:`gridgov.services.orders.handling.act`, which also refuses it while a unit is there.
    """
    call = get_visible(session, call_no)
    order_no = get_order_no(session, call)
    if call.closed_at is not None and get_order(session, order_no).state is OrderState.HANDLING:
        return  # it ended with its last unit
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


def find_unheard(session: Session, *, now: datetime, minutes: float) -> list[str]:
    """Return the numbers of open calls old enough in which a unit has neither come nor been asked after yet."""
    waiting = (
        sa.select(WhistleCall.call_no)
        .join(CalledUnit, CalledUnit.call_id == WhistleCall.id)
        .where(
            WhistleCall.closed_at.is_(None),
            WhistleCall.blown_at <= now - timedelta(minutes=minutes),
            WhistleCall.blown_at > now - LONGEST_UNHEARD,
            CalledUnit.state == rules.UnitState.CALLED,
        )
        .distinct()
        .order_by(WhistleCall.call_no)
    )
    return list(session.scalars(waiting))


LONGEST_UNHEARD = timedelta(days=1)
"""After a day nobody need be told any more that a call was not opened: that a unit is missing is told by then."""


def raise_unopened(
    session: Session, runtime: CityRuntime, call_no: str, *, now: datetime
) -> tuple[str, ...]:
    """Tell of every unit of a call in which nobody has opened it in its time; return them. The system does this.

    Each is told once: to the unit above it and to the street that called, and put on record.
    """
    minutes = round(runtime.constants.number("dispatch.open_minutes"))
    call = get_call(session, call_no)
    if call.closed_at is not None:
        return ()
    value = make_value(call, get_order_no(session, call))
    waiting = [code for code, unit in value.units.items() if unit.state is rules.UnitState.CALLED]
    reached = find_reach(
        session, make_blown_key(call_no), order_no=value.order_no, unit_codes=waiting
    )
    logged = sa.select(LogEntry.after).where(
        LogEntry.subject_kind == "whistle",
        LogEntry.subject_no == call_no,
        LogEntry.action == UNOPENED,
    )
    told = {after["unit_code"] for after in session.scalars(logged) if after}
    unopened = tuple(code for code in waiting if reached[code].read_at is None and code not in told)
    for code in unopened:
        units = (*_find_above(runtime, code, now), call.unit_code)
        tell_unopened(session, runtime, value, code, at=now, units=units, minutes=minutes)
        audit.record(
            session,
            at=now,
            action=UNOPENED,
            subject_kind="whistle",
            subject_no=call_no,
            before=None,
            after={
                "order_no": value.order_no,
                "unit_code": code,
                "reach": reached[code].state,
                "minutes": minutes,
            },
            actor=None,
            origin="job watch",
        )
    return unopened


UNOPENED = "whistle_unopened"


def _find_above(runtime: CityRuntime, unit_code: str, now: datetime) -> tuple[str, ...]:
    return runtime.find_superiors(unit_code, runtime.get_day(now))[:1]
