"""Who is told what about a whistle call."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gridgov.rules.message_text import make_text
from gridgov.rules.whistles.call import WhistleCall
from gridgov.rules.whistles.convene import WhistlePlan
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify


def tell_blown(
    session: Session, runtime: CityRuntime, call: WhistleCall, plan: WhistlePlan
) -> None:
    """Tell every called unit when it must be there, at which stage, for what and with which power."""
    duties = {duty.duty_code: duty.name for duty in plan.duties}
    for called in plan.calls:
        facts = {
            **_make_facts(runtime, call),
            "unit": called.name,
            "stage": called.stage,
            "by": tell_time(runtime, call.units[called.unit_code].report_in_by),
            "duties": "、".join(duties[code] for code in called.duties) or "—",
            "authorities": "、".join(called.authorities) or "—",
        }
        _send(session, call, "whistle_blown", facts, units=(called.unit_code,), at=call.blown_at)


def tell_missing(
    session: Session,
    runtime: CityRuntime,
    call: WhistleCall,
    unit_code: str,
    *,
    at: datetime,
    units: tuple[str, ...],
) -> None:
    """Tell `units` that one is missing: itself, whoever is above it, and the street that called."""
    facts = {
        **_make_facts(runtime, call),
        "unit": runtime.city.names.get(unit_code, unit_code),
        "unit_code": unit_code,
        "by": tell_time(runtime, call.units[unit_code].report_in_by),
    }
    _send(session, call, "whistle_missing", facts, units=units, at=at, about=unit_code)


def make_blown_key(call_no: str) -> str:
    """Return the key of the event that a call was blown: by it is found who was reached."""
    return f"{call_no}:whistle_blown:"


def tell_unopened(
    session: Session,
    runtime: CityRuntime,
    call: WhistleCall,
    unit_code: str,
    *,
    at: datetime,
    units: tuple[str, ...],
    minutes: int,
) -> None:
    """Tell `units` that nobody of a called unit has opened its call."""
    facts = {
        **_make_facts(runtime, call),
        "unit": runtime.city.names.get(unit_code, unit_code),
        "unit_code": unit_code,
        "by": tell_time(runtime, call.units[unit_code].report_in_by),
        "minutes": minutes,
    }
    _send(session, call, "whistle_unopened", facts, units=units, at=at, about=unit_code)


def tell_done(
    session: Session, runtime: CityRuntime, call: WhistleCall, *, at: datetime, caller: str
) -> None:
    """Tell the unit that called that everybody is released."""
    facts = _make_facts(runtime, call)
    _send(session, call, "whistle_done", facts, units=(caller,), at=at)


def tell_time(runtime: CityRuntime, at: datetime) -> str:
    """Return a time as people of the city read it."""
    return f"{at.astimezone(runtime.zone):%Y-%m-%d %H:%M}"


def _make_facts(runtime: CityRuntime, call: WhistleCall) -> dict[str, Any]:
    items = runtime.get_duties(runtime.get_day(call.blown_at)).items
    item = items.get(call.item_code)
    return {
        "call_no": call.call_no,
        "order_no": call.order_no,
        "street": runtime.city.names.get(call.street_code, call.street_code),
        "item": item.name if item else call.item_code,
    }


def _send(
    session: Session,
    call: WhistleCall,
    topic: str,
    facts: dict[str, Any],
    *,
    units: tuple[str, ...],
    at: datetime,
    about: str = "",
) -> None:
    notify(
        session,
        at=at,
        topic=topic,
        unit_codes=units,
        say=partial(make_text, topic, facts),
        data=facts,
        order_no=call.order_no,
        key=f"{call.call_no}:{topic}:{about}",
    )
