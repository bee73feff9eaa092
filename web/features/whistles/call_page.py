"""One whistle call for its page: the picture of its duties, its units with their clocks, what can be done now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from gridgov.rules.orders.needs import Actor
from gridgov.rules.whistles.call import TRANSITIONS, Action, UnitState
from gridgov.rules.whistles.convene import PlannedDuty
from gridgov.services.whistles.records import make_value
from gridgov.services.whistles.steps import may_step
from gridgov.storage.models.whistles import CalledUnit
from gridgov.storage.queries.whistle_lists import PRESENT, CallRecord
from web.features.whistles.duty_picture import DutyPicture, make_duty_picture

TUPLES = ("leads", "helpers", "waits_for", "waits_outside")
UNIT_TONES: Mapping[str, tuple[str, str]] = {
    "called": ("soon", "hourglass"),
    "late": ("overdue", "clock-exclamation"),
    "powerless": ("overdue", "alert-triangle"),
    "raised": ("overdue", "arrow-up"),
    "reported_in": ("running", "user-check"),
    "released": ("solved", "circle-check"),
}
"""How a called unit stands → tone and icon; ``late`` is called and past its time."""


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One called unit as the page shows it.

    Parameters
    ----------
    unit, name
        The row, and its name.
    standing
        A key of :data:`UNIT_TONES`.
    duties
        ``code name done waits`` of each duty it has here; ``waits`` names what others must do before.
    authorities
        Powers that it must bring.
    slack_days
        How much later it could begin; None where the plan does not say.
    late_s
        Seconds by which it came, or is, too late; 0 in time.
    is_own
        Whether the visitor works there.
    """

    unit: CalledUnit
    name: str
    standing: str
    duties: tuple[Mapping[str, Any], ...]
    authorities: tuple[str, ...]
    slack_days: float | None
    late_s: float
    is_own: bool

    @property
    def left(self) -> int:
        """Return how many duties are not done."""
        return sum(not duty["done"] for duty in self.duties)


def read_duties(plan: Mapping[str, Any]) -> tuple[PlannedDuty, ...]:
    """Return the duties of a kept plan (``rules.whistle_facts``); what a newer program added is left out."""
    known = [one.name for one in fields(PlannedDuty)]
    return tuple(_read_duty({name: row[name] for name in known}) for row in plan.get("duties", ()))


def _read_duty(row: dict[str, Any]) -> PlannedDuty:
    return PlannedDuty(**row | {name: tuple(row[name]) for name in TUPLES})


def make_unit_rows(
    record: CallRecord,
    *,
    names: Mapping[str, str],
    now: datetime,
    own_codes: Sequence[str],
) -> list[UnitRow]:
    """Return the called units in the order of the plan.

    Parameters
    ----------
    names
        Of units by code.
    now
        Aware.
    own_codes
        Units of the visitor.
    """
    plan, value = record.call.plan, make_value(record.call, record.order.order_no)
    duties = {row["duty_code"]: row["name"] for row in plan.get("duties", ())}
    calls = {row["unit_code"]: row for row in plan.get("calls", ())}
    return [
        UnitRow(
            unit=unit,
            name=names.get(unit.unit_code, unit.unit_code),
            standing=find_unit_standing(unit, now),
            duties=tuple(
                {
                    "code": code,
                    "name": duties.get(code, code),
                    "done": code in unit.done,
                    "waits": []
                    if code in unit.done
                    else [duties.get(one, one) for one in value.find_waits(code)],
                }
                for code in unit.duties
            ),
            authorities=tuple(calls.get(unit.unit_code, {}).get("authorities", ())),
            slack_days=calls.get(unit.unit_code, {}).get("slack_days"),
            late_s=max(0.0, ((unit.reported_at or now) - unit.report_in_by).total_seconds()),
            is_own=unit.unit_code in own_codes,
        )
        for unit in record.call.units
    ]


def find_unit_standing(unit: CalledUnit, now: datetime) -> str:
    """Return how a called unit stands, a key of :data:`UNIT_TONES`."""
    if unit.state is UnitState.CALLED and unit.report_in_by < now:
        return "late"
    return unit.state.value


def make_call_picture(
    record: CallRecord, *, names: Mapping[str, str], now: datetime
) -> DutyPicture:
    """Return the picture of the call's duties with what has come of each."""
    duties = read_duties(record.call.plan)
    units = {unit.unit_code: unit for unit in record.call.units}
    return make_duty_picture(
        duties,
        critical=tuple(record.call.plan.get("critical", ())),
        name_of=lambda code: names.get(code, code),
        marks={duty.duty_code: find_duty_mark(duty, units, now) for duty in duties},
    )


def find_duty_mark(duty: PlannedDuty, units: Mapping[str, CalledUnit], now: datetime) -> str:
    """Return what has come of a duty: ``done``, ``running``, ``late``, ``waiting``, or ``own`` for the street's.

    A duty is done when every called unit that leads it (helps, where nobody leads) says so.
    """
    holders = [units[code] for code in (duty.leads or duty.helpers) if code in units]
    if not holders:
        return "own"
    if all(duty.duty_code in unit.done for unit in holders):
        return "done"
    if all(unit.state in PRESENT for unit in holders):
        return "running"
    late = any(unit.state not in PRESENT and unit.report_in_by < now for unit in holders)
    return "late" if late else "waiting"


def find_steps(record: CallRecord, row: UnitRow, actor: Actor) -> tuple[str, ...]:
    """Return what somebody may do about a called unit now: by the rules' table and by whose unit it is."""
    unit = row.unit
    rated = unit.state in {UnitState.RELEASED, UnitState.RAISED}
    possible = {
        "report_in": (unit.state, Action.REPORT_IN) in TRANSITIONS,
        "finish_duty": unit.state is UnitState.REPORTED_IN
        and any(not duty["done"] and not duty["waits"] for duty in row.duties),
        "release": (unit.state is UnitState.REPORTED_IN and row.left == 0)
        or unit.state in {UnitState.POWERLESS, UnitState.RAISED},
        "rate_unit": rated and unit.street_rating is None,
        "rate_street": rated and unit.unit_rating is None,
    }
    return tuple(
        name
        for name, holds in possible.items()
        if holds and may_step(record.call, name, unit.unit_code, actor)
    )
