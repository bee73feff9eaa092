"""Whistle calls between their rows and the values of the rules (``rules.whistle_call``), both ways, nothing lost."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError, NotFoundError
from gridgov.rules.whistles import call as rules
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import CalledUnit, CheckIn, WhistleCall

UNIT_FACTS = (
    "unit_code",
    "stage",
    "report_in_by",
    "state",
    "reported_at",
    "inside",
    "raised_at",
    "released_at",
    "street_rating",
    "unit_rating",
)
CHECK_IN_FACTS = (
    *("person_key", "at", "lon", "lat", "street_code", "authority"),
    *("accuracy_m", "is_sure", "by_name", "note"),
)
"""What row and value call by the same name."""


def get_call(session: Session, call_no: str, *, seen_version: int | None = None) -> WhistleCall:
    """Return a call with its units and check-ins, locked until the transaction ends.

    Two units that check in at the same moment wait for each other; neither is turned away.

    Parameters
    ----------
    seen_version
        Version on which a person has decided; None where the step is right whatever happened meanwhile.

    Raises
    ------
    NotFoundError
        There is none, or not for this account.
    ConflictError
        It has changed since it was seen.
    """
    call = session.scalars(
        sa.select(WhistleCall)
        .where(WhistleCall.call_no == call_no)
        .options(selectinload(WhistleCall.units).selectinload(CalledUnit.check_ins))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if call is None:
        raise NotFoundError("whistle call", call_no)
    if seen_version is not None and seen_version != call.version:
        raise ConflictError("whistle call", call_no, seen=seen_version, found=call.version)
    return call


def get_order_no(session: Session, call: WhistleCall) -> str:
    """Return the number of the order for which a call was blown."""
    found = session.scalar(sa.select(Order.order_no).where(Order.id == call.order_id))
    if found is None:
        raise NotFoundError("order of whistle call", call.call_no)
    return found


def make_value(call: WhistleCall, order_no: str) -> rules.WhistleCall:
    """Return a row with its units as the value on which the rules work."""
    return rules.WhistleCall(
        call_no=call.call_no,
        order_no=order_no,
        street_code=call.street_code,
        item_code=call.item_code,
        cell_code=call.cell_code,
        blown_at=call.blown_at,
        units={unit.unit_code: _make_unit(unit) for unit in call.units},
        waits={
            duty["duty_code"]: tuple(duty["waits_for"])
            for duty in call.plan.get("duties", ())
            if not duty["joint"]
        },
        powers={
            one["unit_code"]: tuple(one.get("authorities", ()))
            for one in call.plan.get("calls", ())
        },
    )


def _make_unit(unit: CalledUnit) -> rules.CalledState:
    return rules.CalledState(
        duties=tuple(unit.duties),
        done=tuple(unit.done),
        check_ins=tuple(
            rules.CheckIn(
                brought=None if one.brought is None else tuple(one.brought),
                **{name: getattr(one, name) for name in CHECK_IN_FACTS},
            )
            for one in unit.check_ins
        ),
        **{name: getattr(unit, name) for name in UNIT_FACTS},
    )


def write_value(session: Session, call: WhistleCall, value: rules.WhistleCall) -> WhistleCall:
    """Return the row with what `value` says, flushed; its version rises by one.

    Check-ins are only added, as the rules only add them.

    Raises
    ------
    ConflictError
        Somebody else changed the call meanwhile.
    """
    rows = {unit.unit_code: unit for unit in call.units}
    for position, state in enumerate(value.units.values()):
        row = rows.get(state.unit_code)
        if row is None:
            row = CalledUnit(position=position, check_ins=[])
            call.units.append(row)
        _write_unit(row, state)
    if value.closed and call.closed_at is None:
        call.closed_at = _find_end(list(value.units.values()))
    if call.id is not None:
        # Most steps change a unit's row alone; the version of the call must rise with each.
        flag_modified(call, "closed_at")
    seen = call.version
    try:
        session.flush()
    except StaleDataError as error:
        raise ConflictError("whistle call", value.call_no, seen=seen, found=None) from error
    return call


def _write_unit(row: CalledUnit, state: rules.CalledState) -> None:
    for name in UNIT_FACTS:
        setattr(row, name, getattr(state, name))
    row.duties, row.done = list(state.duties), list(state.done)
    for check_in in state.check_ins[len(row.check_ins) :]:
        facts = {name: getattr(check_in, name) for name in CHECK_IN_FACTS}
        brought = None if check_in.brought is None else list(check_in.brought)
        row.check_ins.append(CheckIn(brought=brought, **facts))


def _find_end(units: Sequence[rules.CalledState]) -> datetime | None:
    return max((unit.released_at for unit in units if unit.released_at), default=None)
