"""The promises of the loop of orders, each stated once: what holds of every order after every step of anybody.

A promise is a function of a session, the city and the moment; it gives what breaks it, nothing where it is kept. Random
walks try them after each step (``test_walks``).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from gridgov.rules.orders.states import EXTENDABLE
from gridgov.rules.orders.transitions import CLOSED, OrderState
from gridgov.rules.whistles.call import UnitState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.rows import find_outcome
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import (
    Exclusion,
    Order,
    OrderExtension,
    OrderPause,
    Outcome,
    Transfer,
)
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.queries.order_clocks import make_clocks

S = OrderState
WAITING = (S.REPLIED, S.CALLBACK)
AT_DESK = {S.RECEIVED, S.NEEDS_INFORMATION, S.REOPENED}
ANSWERED = {*WAITING, *CLOSED, S.EXCLUDED}

Promise = Callable[[Session, CityRuntime, datetime], Iterator[str]]


def _orders(session: Session) -> list[Order]:
    """Return all orders, read once for all promises."""
    if "orders" not in session.info:
        session.info["orders"] = session.scalars(sa.select(Order).order_by(Order.id)).all()
    return list(session.info["orders"])


def every_appellant_is_called_back(
    session: Session, _runtime: CityRuntime, _now: datetime
) -> Iterator[str]:
    """What was merged waits for an order that goes on, with the same unit, and is called when that one is answered."""
    rows = {row.order_no: row for row in _orders(session)}
    for row in rows.values():
        if row.state is not S.MERGED:
            continue
        main = rows.get(row.merged_into)
        if main is None:
            yield f"{row.order_no} is merged into nothing"
        elif main.state is S.MERGED or main.replied_at is not None:
            yield f"{row.order_no} is merged into {main.order_no}, which is {main.state}"
        elif main.unit_code != row.unit_code:
            yield f"{row.order_no} is of {row.unit_code}, its main order of {main.unit_code}"


def nothing_rests_unasked(session: Session, runtime: CityRuntime, now: datetime) -> Iterator[str]:
    """Every answered order that is open is in the list of callbacks, waits for its next try, or for a decision."""
    clocks = make_clocks(now=now, day_end=now, soon=now - now)
    listed = set(session.scalars(sa.select(Order.order_no).where(clocks["to_call_back"])))
    most = round(runtime.constants.number("rates.callback_tries_max"))
    proposed = set(
        session.scalars(
            sa.select(Exclusion.order_id).where(
                Exclusion.approved_at.is_(None), Exclusion.withdrawn_at.is_(None)
            )
        )
    )
    for row in _orders(session):
        if row.state not in WAITING:
            if (row.calls_missed, row.call_again_at) != (0, None):
                yield f"{row.order_no} is {row.state} and still waits for a call"
            continue
        waits = row.call_again_at is not None and row.call_again_at > now
        ended = row.calls_missed >= most and row.id in proposed
        if not (row.order_no in listed or waits or ended):
            yield f"{row.order_no} is {row.state} and nobody will call"
        if row.calls_missed > most or (row.calls_missed == 0 and row.call_again_at is not None):
            yield f"{row.order_no} was missed {row.calls_missed} times"


def a_stopped_clock_starts_again(
    session: Session, runtime: CityRuntime, now: datetime
) -> Iterator[str]:
    """A pause has a last day that has not passed, and only what is paused has a pause (after a round of the watch)."""
    paused = Counter(
        session.scalars(sa.select(OrderPause.order_id).where(OrderPause.resumed_at.is_(None)))
    )
    for row in _orders(session):
        if row.state is S.SUSPENDED:
            if row.until is None or row.until < runtime.get_day(now):
                yield f"{row.order_no} is paused until {row.until}"
            if paused[row.id] != 1:
                yield f"{row.order_no} has {paused[row.id]} pauses"
        elif paused[row.id]:
            yield f"{row.order_no} is {row.state} and its clock stands still"


def an_answer_is_known(session: Session, _runtime: CityRuntime, _now: datetime) -> Iterator[str]:
    """What is answered says when, and nothing else does; each state counts as what it is."""
    for row in _orders(session):
        if (row.replied_at is not None) != (row.state in ANSWERED):
            yield f"{row.order_no} is {row.state}, replied at {row.replied_at}"
        if row.outcome is not find_outcome(row.state):
            yield f"{row.order_no} is {row.state} and counts as {row.outcome}"


def bounces_are_counted(session: Session, _runtime: CityRuntime, _now: datetime) -> Iterator[str]:
    """An order says how often it went from unit to unit."""
    found = Counter(session.scalars(sa.select(Transfer.order_id)))
    for row in _orders(session):
        if row.bounces != found[row.id]:
            yield f"{row.order_no} counts {row.bounces} of {found[row.id]} transfers"


def an_extension_is_decided(
    session: Session, _runtime: CityRuntime, _now: datetime
) -> Iterator[str]:
    """A question for more time is open only while the order is at work, and only one."""
    asked = Counter(
        session.scalars(
            sa.select(OrderExtension.order_id).where(OrderExtension.decided_at.is_(None))
        )
    )
    for row in _orders(session):
        if asked[row.id] != (row.extension_until is not None):
            yield f"{row.order_no} has {asked[row.id]} questions, until {row.extension_until}"
        if row.extension_until is not None and row.state not in EXTENDABLE:
            yield f"{row.order_no} is {row.state} with a question for more time"


def a_place_is_that_of_its_boundaries(
    session: Session, runtime: CityRuntime, _now: datetime
) -> Iterator[str]:
    """Judged again by the boundaries it was judged by, an order lies where it lies."""
    for row in _orders(session):
        if row.boundary_version != runtime.boundary_version or row.lon is None or row.lat is None:
            continue
        street = runtime.territory.judge_point(row.lon, row.lat)["street_code"]
        if street != row.street_code:
            yield f"{row.order_no} lies in {street}, it says {row.street_code}"


def who_answers_is_there(session: Session, runtime: CityRuntime, now: datetime) -> Iterator[str]:
    """The unit of an open order is in force, or the order waits for the desk to name one."""
    for row in _orders(session):
        if row.state in AT_DESK:
            continue
        there = runtime.book.is_in_force(row.unit_code, runtime.get_day(now))
        if row.outcome is Outcome.OPEN and row.replied_at is None and not (there or row.review):
            yield f"{row.order_no}, {row.state}, is of {row.unit_code}, which is not in force"


def a_call_belongs_to_a_whistled_order(
    session: Session, _runtime: CityRuntime, _now: datetime
) -> Iterator[str]:
    """Only an order that is whistled has a call that is open, and its duties are done in the order of the graph."""
    query = sa.select(WhistleCall, Order).join(Order, Order.id == WhistleCall.order_id)
    loaded = query.options(selectinload(WhistleCall.units).selectinload(CalledUnit.check_ins))
    for call, row in session.execute(loaded):
        if call.closed_at is None and row.state is not S.WHISTLED:
            yield f"{call.call_no} is open, its order is {row.state}"
        waits = {one["duty_code"]: one["waits_for"] for one in call.plan["duties"]}
        joint = {one["duty_code"] for one in call.plan["duties"] if one["joint"]}
        done = {duty for unit in call.units for duty in unit.done}
        for duty in done - joint:
            for before in waits[duty]:
                # Whoever was let go without having done it had no power to do it.
                held = [
                    unit
                    for unit in call.units
                    if before in unit.duties
                    and before not in unit.done
                    and unit.state is not UnitState.RELEASED
                ]
                if held:
                    yield f"{call.call_no}: {duty} is done, {before} is not"


PROMISES: Mapping[str, Promise] = {
    promise.__name__: promise
    for promise in (
        every_appellant_is_called_back,
        nothing_rests_unasked,
        a_stopped_clock_starts_again,
        an_answer_is_known,
        bounces_are_counted,
        an_extension_is_decided,
        a_place_is_that_of_its_boundaries,
        who_answers_is_there,
        a_call_belongs_to_a_whistled_order,
    )
}


def find_broken(session: Session, runtime: CityRuntime, now: datetime) -> list[str]:
    """Return what breaks any promise."""
    return [
        f"{name}: {fault}"
        for name, promise in PROMISES.items()
        for fault in promise(session, runtime, now)
    ]


def find_broken_rulings(session: Session) -> list[str]:
    """Return disputes by a unit that a ruling had named: read off the log, entry by entry."""
    entries = session.scalars(
        sa.select(LogEntry).where(LogEntry.subject_kind == "order").order_by(LogEntry.id)
    )
    bound: dict[str, str] = {}
    unit: dict[str, str] = {}
    broken = []
    for entry in entries:
        number, after = entry.subject_no, entry.after or {}
        if entry.action == "dispute" and bound.get(number) == unit.get(number):
            broken.append(f"{number} was disputed by {unit[number]}, which a ruling had named")
        bound[number] = after.get("bound_unit_code", bound.get(number, ""))
        unit[number] = after.get("unit_code", unit.get(number, ""))
    return broken
