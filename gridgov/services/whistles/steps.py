"""One step of a whistle call: who may take it, the call locked and changed by the rules, rows and log written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, NotFoundError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.rules.whistles import call as rules
from gridgov.rules.whistles.choosing import UnitChange
from gridgov.services.whistles.records import get_call, get_order_no, make_value, write_value
from gridgov.storage.audit import log as audit
from gridgov.storage.models.whistles import WhistleCall
from gridgov.storage.scope.apply import without_row_scope

_CALLED_ROLES = frozenset({Role.HANDLER, Role.FIELD_STAFF, Role.STREET_CENTRE, Role.SUPERVISOR})
_STREET_ROLES = frozenset({Role.STREET_CENTRE})
_STREET_ON_SITE = frozenset({Role.STREET_CENTRE, Role.FIELD_STAFF})
_NOBODY: frozenset[Role] = frozenset()

PERMITS: Mapping[str, tuple[frozenset[Role], frozenset[Role]]] = MappingProxyType(
    {
        "report_in": (_CALLED_ROLES, _STREET_ON_SITE),
        "finish_duty": (_CALLED_ROLES, _NOBODY),
        "undo_duty": (_CALLED_ROLES, _NOBODY),
        "release": (_NOBODY, _STREET_ROLES),
        "rate_unit": (_NOBODY, _STREET_ROLES),
        "rate_street": (_CALLED_ROLES, _NOBODY),
    }
)
"""Step → roles in the called unit, roles in the street that blew, which may take it [A].

A duty is done by the unit that holds it and by nobody for it: the street sees that and lets the unit go.
"""


def get_visible(session: Session, call_no: str) -> WhistleCall:
    """Return the row of a call that the session may see, without its units.

    Raises
    ------
    NotFoundError
        There is none.
    """
    found = session.scalars(sa.select(WhistleCall).where(WhistleCall.call_no == call_no))
    call = found.one_or_none()
    if call is None:
        raise NotFoundError("whistle call", call_no)
    return call


def take_step(
    session: Session,
    call_no: str,
    step: str,
    *,
    unit_code: str,
    actor: Actor,
    at: datetime,
    change: Callable[[rules.WhistleCall], rules.WhistleCall],
) -> rules.WhistleCall:
    """Return the call after a step that somebody takes, written and logged.

    Parameters
    ----------
    step
        One of :data:`PERMITS`.
    unit_code
        The called unit concerned.
    change
        What the rules make of the call.

    Raises
    ------
    NotFoundError, ForbiddenError
        There is no such call for this account, or the step is not for it.
    WhistleCallError
        The rules refuse it.
    """
    _check_permit(get_visible(session, call_no), step, unit_code, actor)
    with without_row_scope(session):
        call = get_call(session, call_no)
        before = make_value(call, get_order_no(session, call))
        after = change(before)
        write_value(session, call, after)
        log_step(session, step, before, after, actor=actor, at=at)
    return after


def may_step(call: WhistleCall, step: str, unit_code: str, actor: Actor) -> bool:
    """Tell whether a step of :data:`PERMITS` is for this account; whether it is possible now, the rules say."""
    called, street = PERMITS[step]
    is_called = actor.unit_code == unit_code and actor.role in called
    is_street = actor.unit_code == call.unit_code and actor.role in street
    return is_called or is_street


def _check_permit(call: WhistleCall, step: str, unit_code: str, actor: Actor) -> None:
    if not may_step(call, step, unit_code, actor):
        called, street = PERMITS[step]
        sides = {unit_code: called, call.unit_code: street}
        who = " or ".join(
            f"{', '.join(sorted(roles))} of {code}" for code, roles in sides.items() if roles
        )
        raise ForbiddenError(
            f"whistle call {call.call_no}: {step} is for {who}, not for {actor.role} of {actor.unit_code}"
        )


_LOGGED = (
    "state",
    "done",
    "reported_at",
    "inside",
    "raised_at",
    "released_at",
    "street_rating",
    "unit_rating",
)


def log_step(
    session: Session,
    step: str,
    before: rules.WhistleCall | None,
    after: rules.WhistleCall,
    *,
    actor: Actor | None,
    at: datetime,
    changes: Sequence[UnitChange] = (),
) -> None:
    """Record what a step changed, unit by unit; where people were stays with their check-ins."""
    changed = [
        code
        for code, unit in after.units.items()
        if before is None or before.units.get(code) != unit
    ]
    audit.record(
        session,
        at=at,
        action=f"whistle_{step}",
        subject_kind="whistle",
        subject_no=after.call_no,
        before=None if before is None else _take(before, changed),
        after={
            "order_no": after.order_no,
            **_take(after, changed),
            **({"changes": [asdict(one) for one in changes]} if changes else {}),
        },
        actor=actor,
    )


def _take(call: rules.WhistleCall, codes: list[str]) -> dict[str, Any]:
    return {code: {name: getattr(call.units[code], name) for name in _LOGGED} for code in codes}
