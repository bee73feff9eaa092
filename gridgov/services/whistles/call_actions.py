"""The steps of a whistle call by name: what a page, a program and whoever else asks for one has to say."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from gridgov.rules.orders.needs import Actor
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.whistles import calls
from gridgov.services.whistles.calls import Arrival
from gridgov.services.whistles.records import get_call
from gridgov.services.whistles.steps import get_visible
from gridgov.storage.scope.apply import without_row_scope


class CallAction(StrEnum):
    """What may be asked of a call that runs."""

    REPORT_IN = "report_in"
    FINISH_DUTY = "finish_duty"
    UNDO_DUTY = "undo_duty"
    RELEASE = "release"
    RATE_UNIT = "rate_unit"
    RATE_STREET = "rate_street"


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What is said with a step; what it does not need is not looked at.

    Parameters
    ----------
    unit_code
        The called unit.
    arrival
        When, and for who reports in where and with which power.
    duty_code
        Of the duty that is done, or is not done after all.
    score
        1 to 5; 0 where none was said.
    """

    unit_code: str
    arrival: Arrival
    duty_code: str = ""
    score: int = 0


def act_on_call(
    session: Session,
    runtime: CityRuntime,
    call_no: str,
    action: CallAction,
    *,
    actor: Actor,
    facts: CallFacts,
    seen_version: int | None = None,
) -> None:
    """Take a step of a call.

    Parameters
    ----------
    seen_version
        Version of the call that the person or program had seen; None: the step is right whatever happened meanwhile.

    Raises
    ------
    NotFoundError, ForbiddenError, WhistleCallError, ConflictError
        As the functions of :mod:`gridgov.services.whistles.calls`.
    """
    if seen_version is not None:
        get_visible(session, call_no)
        with without_row_scope(session):  # a called unit sees the call, and it is the street's row
            get_call(session, call_no, seen_version=seen_version)
    unit, at = facts.unit_code, facts.arrival.at
    match action:
        case CallAction.REPORT_IN:
            calls.check_in(session, runtime, call_no, unit, actor=actor, arrival=facts.arrival)
        case CallAction.FINISH_DUTY:
            calls.finish_duty(session, call_no, unit, facts.duty_code, actor=actor, at=at)
        case CallAction.UNDO_DUTY:
            calls.undo_duty(session, runtime, call_no, unit, facts.duty_code, actor=actor, at=at)
        case CallAction.RELEASE:
            calls.release(session, runtime, call_no, unit, actor=actor, at=at)
        case CallAction.RATE_UNIT:
            calls.rate_unit(session, call_no, unit, facts.score, actor=actor, at=at)
        case CallAction.RATE_STREET:
            calls.rate_street(session, call_no, unit, facts.score, actor=actor, at=at)
