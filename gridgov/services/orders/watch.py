"""The watch: warns before a deadline, says when it is over, raises what stays open, looks for units that do not come.

It runs every minute; each thing is told once. What has a column of its own (``warned_at``, ``overdue_at``) is marked in
the transaction of the message; the rest is what a clock has passed since the last whole round. A round that was cut off
is done again from the same moment, and the keys of the messages keep anything from being told twice.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import act
from gridgov.services.orders.rows import get_order
from gridgov.services.outbox.deliver import notify
from gridgov.services.whistles import calls as whistles
from gridgov.services.whistles.messages import tell_time
from gridgov.storage.audit import log as audit
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import JobState
from gridgov.storage.models.orders import Order
from gridgov.storage.queries import due_orders

LOG = logging.getLogger("gridgov.worker")
NAME = "watch"
BATCH = 200
"""Orders of one transaction: locks are short, and a cut costs little."""
SKEW = timedelta(minutes=1)
"""By which the clocks of two machines may differ."""
LONGEST_LOOK_BACK = timedelta(days=7)
"""After a longer stop older moments are not told any more: whoever comes back has other worries [A]."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How many of each the round has told: orders, and called units that are missing or have not opened their call."""

    warned: int = 0
    overdue: int = 0
    raised: int = 0
    contact_warned: int = 0
    contact_overdue: int = 0
    ended: int = 0
    resumed: int = 0
    missing: int = 0
    unopened: int = 0


def watch(sessions: sessionmaker[Session], runtime: CityRuntime, *, now: datetime) -> Watched:
    """Do one round, in transactions of its own, and return what was told.

    Parameters
    ----------
    sessions
        Make the system's own sessions.
    now
        Aware.
    """
    with transaction(sessions) as session:
        since = _find_since(session, now)
    share = runtime.constants.number("deadlines.due_soon_share")
    after = timedelta(hours=runtime.constants.number("deadlines.raise_after_hours"))
    # First, so that the clock of what goes on again is warned of in the same round.
    resumed = _resume_ended(sessions, runtime, now)
    done = Watched(
        resumed=resumed,
        warned=_mark_all(
            sessions,
            runtime,
            "warned_at",
            lambda s: due_orders.find_due_soon(s, now=now, share=share, at_most=BATCH),
            now=now,
        ),
        overdue=_mark_all(
            sessions,
            runtime,
            "overdue_at",
            lambda s: due_orders.find_overdue(s, now=now, at_most=BATCH),
            now=now,
        ),
        **_tell_passed(sessions, runtime, since=since, now=now, share=share, after=after),
        unopened=_raise_unopened(sessions, runtime, now),
        missing=_raise_missing(sessions, runtime, now),
    )
    with transaction(sessions) as session:
        _put_since(session, now)
    return done


def _find_since(session: Session, now: datetime) -> datetime:
    """Return the moment of the last whole round.

    Where that lies ahead the clock was set back since: then everything is looked at again as after a long stop, and the
    keys of the messages keep it from being told twice.
    """
    state, longest_ago = session.get(JobState, NAME), now - LONGEST_LOOK_BACK
    if state is None:
        return now
    if state.done_at > now + SKEW:
        LOG.warning(
            "watch: the last round lies ahead of the clock; the last days are looked at again"
        )
        return longest_ago
    return max(state.done_at, longest_ago)


def _put_since(session: Session, now: datetime) -> None:
    state = session.get(JobState, NAME)
    if state is None:
        session.add(JobState(name=NAME, done_at=now, value={}))
    elif state.done_at < now or state.done_at > now + SKEW:
        state.done_at = now


_TOPICS = {"warned_at": "due_soon", "overdue_at": "overdue"}


def _mark_all(
    sessions: sessionmaker[Session],
    runtime: CityRuntime,
    column: str,
    find: Callable[[Session], Sequence[Order]],
    *,
    now: datetime,
) -> int:
    """Mark and tell everything that `find` finds, batch by batch; return how many."""
    total = 0
    while True:
        with transaction(sessions) as session:
            found = find(session)
            marked = due_orders.mark(session, [one.id for one in found], column, at=now)
            for order in found:
                if order.id in marked:
                    _log(session, order, column, now)
                    _tell(session, runtime, order, _TOPICS[column], now=now)
        total += len(marked)
        if len(found) < BATCH:
            return total


def _tell_passed(
    sessions: sessionmaker[Session],
    runtime: CityRuntime,
    *,
    since: datetime,
    now: datetime,
    share: float,
    after: timedelta,
) -> dict[str, int]:
    """Tell what the clocks have passed since the last round, batch by batch."""
    with sessions() as session:
        found: dict[str, tuple[str, Sequence[Order]]] = {
            "raised": (
                "overdue_raised",
                due_orders.find_long_overdue(session, since=since, now=now, after=after),
            ),
            "contact_warned": (
                "contact_due_soon",
                due_orders.find_contact_due_soon(session, since=since, now=now, share=share),
            ),
            "contact_overdue": (
                "contact_overdue",
                due_orders.find_contact_overdue(session, since=since, now=now),
            ),
            "ended": (
                "",
                due_orders.find_ended(
                    session, since=runtime.get_day(since), today=runtime.get_day(now)
                ),
            ),
        }
    for topic, orders in found.values():
        for start in range(0, len(orders), BATCH):
            with transaction(sessions) as session:
                for order in orders[start : start + BATCH]:
                    _tell(session, runtime, order, topic or _ENDED[order.state], now=now)
    return {name: len(orders) for name, (_, orders) in found.items()}


def _resume_ended(sessions: sessionmaker[Session], runtime: CityRuntime, now: datetime) -> int:
    """Let every suspended order go on whose last day is over, each in a transaction of its own; return how many."""
    with sessions() as session:
        found = due_orders.find_pauses_over(session, today=runtime.get_day(now))
    resumed = 0
    for order_no in found:
        with transaction(sessions) as session:
            order = get_order(session, order_no)
            if order.state is not OrderState.SUSPENDED:
                continue  # somebody was faster
            until = order.until
            facts = Facts(at=max(now, order.state_at))
            act(session, runtime, order_no, OrderAction.RESUME, actor=None, facts=facts)
            _tell(session, runtime, order, "pause_ended", now=now, until=until)
            resumed += 1
    return resumed


_ENDED = dict(zip(due_orders.ENDING, ("supervision_ended",), strict=True))


def _raise_missing(sessions: sessionmaker[Session], runtime: CityRuntime, now: datetime) -> int:
    with sessions() as session:
        calls = whistles.find_missing(session, now=now)
    raised = 0
    for call_no in calls:
        with transaction(sessions) as session:
            raised += len(whistles.raise_missing(session, runtime, call_no, now=now))
    return raised


def _raise_unopened(sessions: sessionmaker[Session], runtime: CityRuntime, now: datetime) -> int:
    minutes = runtime.constants.number("dispatch.open_minutes")
    with sessions() as session:
        calls = whistles.find_unheard(session, now=now, minutes=minutes)
    raised = 0
    for call_no in calls:
        with transaction(sessions) as session:
            raised += len(whistles.raise_unopened(session, runtime, call_no, now=now))
    return raised


def _find_units(runtime: CityRuntime, order: Order, topic: str, now: datetime) -> Iterable[str]:
    """Return who must know: the unit; once it is too late whoever is above it; the desk of what it never sent on."""
    above = runtime.find_superiors(order.unit_code, runtime.get_day(now))
    levels = {"overdue": 1, "overdue_raised": 2, "pause_ended": 1, "supervision_ended": 1}
    return (order.unit_code, *above[: levels.get(topic, 0)])


def _tell(
    session: Session,
    runtime: CityRuntime,
    order: Order,
    topic: str,
    *,
    now: datetime,
    until: date | None = None,
) -> None:
    ends = {"contact_due_soon": order.contact_by, "contact_overdue": order.contact_by}
    end = ends.get(topic, order.due_at)
    by = tell_time(runtime, end) if end else "—"
    if topic in {"pause_ended", "supervision_ended"}:
        by = str(until or order.until)
    facts = {
        "order_no": order.order_no,
        "by": by,
        "unit": runtime.city.names.get(order.unit_code, order.unit_code),
    }
    notify(
        session,
        at=now,
        topic=topic,
        unit_codes=_find_units(runtime, order, topic, now),
        say=partial(make_text, topic, facts),
        data=facts,
        order_no=order.order_no,
        # A clock that was set anew, after a pause or a reopening, is another clock.
        key=f"{order.order_no}:{topic}:{by}",
    )


def _log(session: Session, order: Order, column: str, now: datetime) -> None:
    audit.record(
        session,
        at=now,
        action=f"watch_{_TOPICS[column]}",
        subject_kind="order",
        subject_no=order.order_no,
        before={column: None},
        after={column: now},
        actor=None,
        origin="job watch",
    )
