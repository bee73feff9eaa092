"""Orders whose facts have changed, judged anew: who would get them, who has them after it, with clocks, counts and log.

What follows is decided so:

- The final deadline runs from the receipt: the person has waited since then. A new unit has its own time for the first
  contact, and an item of another grade its own limits.
- The unit changes only while nobody has accepted the order, no decision has named the unit, and the desk makes the
  change. A unit that has the order may say what is so, but gets rid of the order by a dispute alone (DOMAIN.md section
  1, first-receiver responsibility).
- Where the unit stays though the facts speak for another, the order is marked for a person to look at, who reassigns it
  or keeps the unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gridgov.rules.dispatch import Decision
from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import bring_along
from gridgov.services.orders.place import copy_place, judge, renew_clocks, watch_unit
from gridgov.services.orders.rating import counted
from gridgov.services.orders.rows import UNSENT, find_changed, take_values
from gridgov.services.outbox import deliver as outbox
from gridgov.storage.audit import log as audit
from gridgov.storage.counts import changes as counts
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome, Transfer

UNACCEPTED = frozenset(
    {
        OrderState.RECEIVED,
        OrderState.NEEDS_INFORMATION,
        OrderState.DISPATCHED,
        OrderState.REOPENED,
    }
)
"""States in which corrected facts may still change the unit."""


@dataclass(frozen=True, kw_only=True)
class OrderAfter:
    """What changed facts make of one order.

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


def reassess(
    runtime: CityRuntime, appeal: Appeal, row: Order, place: dict[str, Any], actor: Actor
) -> OrderAfter:
    """Return what an order's facts, with its appeal at `place`, make of it; nothing is written."""
    decision = judge(runtime, appeal, row, place=place)
    free = (
        row.state in UNACCEPTED
        and actor.unit_code == runtime.desk_code
        and row.unit_code != row.bound_unit_code
    )
    return OrderAfter(
        order_no=row.order_no,
        unit_before=row.unit_code,
        unit_after=decision.unit_code if free else row.unit_code,
        decision=decision,
    )


@dataclass(frozen=True, kw_only=True)
class Change:
    """Who changed an order's facts, when, and how it is called in the log: ``move_pin`` or ``correct``.

    ``before`` and ``after`` say what of the appeal changed, as far as it may stand in the log.
    """

    action: str
    actor: Actor
    at: datetime
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def write_order(
    session: Session,
    runtime: CityRuntime,
    appeal: Appeal,
    row: Order,
    after: OrderAfter,
    *,
    change: Change,
    item_code: str | None = None,
) -> None:
    """Write what changed facts make of an order, with counts, log and messages.

    Parameters
    ----------
    appeal
        With its new facts.
    item_code
        The order's new item; None: it keeps its own.
    """
    at = change.at
    with counted(session, runtime, row):
        before, key = take_values(row), counts.make_key(row, runtime.zone)
        copy_place(appeal, row)
        if item_code is not None:
            row.item_code, row.level1_code = item_code, runtime.find_level1(item_code)
        new_grade = item_code is not None and row.grade != after.decision.grade
        if new_grade:
            row.grade = after.decision.grade
        if after.unit_after == after.decision.unit_code:
            row.route, row.reasons = after.decision.route, after.decision.reasons
            row.review = row.review and after.decision.review
        elif row.outcome is Outcome.OPEN:
            row.review = True
        if after.unit_after != after.unit_before:
            _change_unit(session, runtime, row, after, change=change)
        if new_grade and row.replied_at is None:
            renew_clocks(session, runtime, row, at=at, new_grade=True)
        watch_unit(runtime, row, at=at)
        session.flush()
        counts.record_change(session, key, counts.make_key(row, runtime.zone))
    was, now = find_changed(before, take_values(row))
    audit.record(
        session,
        at=at,
        action=change.action,
        subject_kind="order",
        subject_no=row.order_no,
        before={**was, **change.before},
        after={**now, **change.after, "lon": row.lon, "lat": row.lat},
        actor=change.actor,
    )
    _notify(session, row, after, change=change)
    bring_along(session, runtime, row, at=at)


def _change_unit(
    session: Session,
    runtime: CityRuntime,
    row: Order,
    after: OrderAfter,
    *,
    change: Change,
) -> None:
    at = change.at
    row.unit_code = after.unit_after
    if row.state is not OrderState.DISPATCHED:
        return
    row.state_at, row.dispatched_at = max(at, row.state_at), at
    row.bounces += 1
    renew_clocks(session, runtime, row, at=at, new_unit=True)
    session.add(
        Transfer(
            order_id=row.id,
            at=at,
            from_unit_code=after.unit_before,
            to_unit_code=after.unit_after,
            action=change.action,
            made_by=change.actor.person_key,
        )
    )


def _notify(session: Session, row: Order, after: OrderAfter, *, change: Change) -> None:
    if row.state in UNSENT:
        return
    facts = {"order_no": row.order_no, "reasons": row.reasons}
    outbox.notify(
        session,
        at=change.at,
        topic=change.action,
        unit_codes=[after.unit_after, after.unit_before],
        say=partial(make_text, change.action, facts),
        data={"unit_code": row.unit_code, "street_code": row.street_code},
        order_no=row.order_no,
        key=f"{row.order_no}:{row.version}:{change.action}",
    )
