"""What the worker does, the same on both databases: a table of jobs, and the claim that keeps two from doing one twice.

On PostgreSQL the job library queues them (``services/job_queue``), on SQLite a plain loop calls them
(``services/job_loop``). Both go through :func:`run_job`, which claims the job in the database first. Every job may be
cut off anywhere and done again: it looks at what is due, never at what it did last.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from gridgov.services.city_runtime import RunningCity
from gridgov.services.class_reviews import propose_classes
from gridgov.services.clock import CLOCK, is_stepped_past
from gridgov.services.load.pack import activate_due, switch_due
from gridgov.services.notices.digests import send_digests
from gridgov.services.orders.boundaries import mark_moved
from gridgov.services.orders.watch import watch
from gridgov.services.outbox.deliver import deliver_due, open_channels
from gridgov.services.plans.tasks import raise_slips
from gridgov.services.receipts.seal import seal_day
from gridgov.services.reports import make_due_reports
from gridgov.services.salt import with_salt
from gridgov.services.settings import ServiceSettings
from gridgov.storage.counts.sums import compact, sweep
from gridgov.storage.db import is_postgres, make_sessions, transaction
from gridgov.storage.models.accounts import AccountSession, RequestCount
from gridgov.storage.models.journal import JobState

LOG = logging.getLogger("gridgov.worker")
KEPT = timedelta(days=30)
"""How long ended sign-ins are kept [A]."""


@dataclass(kw_only=True)
class WorkerContext:
    """What jobs work with: the database, the settings, the city and the clock.

    Parameters
    ----------
    settings
        From the environment.
    engine
        A database of the right schema.
    """

    settings: ServiceSettings
    engine: sa.Engine
    sessions: sessionmaker[Session] = field(init=False)
    city: RunningCity = field(init=False)

    def __post_init__(self) -> None:
        self.settings = with_salt(self.settings, self.engine)
        self.sessions = open_channels(make_sessions(self.engine), self.settings)
        self.city = RunningCity(settings=self.settings, sessions=self.sessions)

    def get_now(self) -> datetime:
        """Return the service's time; a demo with old data lives in the past."""
        return CLOCK.now() - timedelta(minutes=self.settings.clock_behind_min)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something that is done again and again.

    Parameters
    ----------
    every
        How often.
    longest
        How long one run may hold the job: whoever died with it holds it no longer.
    run
        Does what is due at a moment and returns how much of what.
    """

    name: str
    every: timedelta
    longest: timedelta
    run: Callable[[WorkerContext, datetime], Mapping[str, Any]]


def _deliver(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    return asdict(deliver_due(context.sessions, context.settings, now))


def _watch(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    return asdict(watch(context.sessions, context.city.get_runtime(), now=now))


def _compact(context: WorkerContext, _now: datetime) -> Mapping[str, Any]:
    with transaction(context.sessions) as session:
        return {"moved": compact(session)}


def _report(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    runtime = context.city.get_runtime()
    made = make_due_reports(context.sessions, runtime, now=now)
    with transaction(context.sessions) as session:
        proposed = propose_classes(session, runtime.city, now=now)
    return {"reports": len(made), "classes": proposed}


def _remind(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    """Raise tasks of running plans that slip; each is told once a week."""
    runtime = context.city.get_runtime()
    with transaction(context.sessions) as session:
        return {"slipping": raise_slips(session, runtime, now=now)}


def _digest(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    """Write the e-mails that gather a day's messages."""
    zone = context.city.get_facts().zone
    return {"digests": send_digests(context.sessions, zone, now=now)}


def _seal(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    """Seal the log's day under a signed root once it is over."""
    city = context.city.get_facts()
    made = seal_day(context.sessions, context.settings, city=city.name, zone=city.zone, now=now)
    return {"receipts": made}


def _tidy(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    """Remove what nobody needs any more: old sign-ins, counts of requests whose span is over, sums that are nought."""
    old = sa.delete(AccountSession).where(AccountSession.expires_at < now - KEPT)
    past = sa.delete(RequestCount).where(RequestCount.until < now)
    with transaction(context.sessions) as session:
        removed = [session.connection().execute(query).rowcount for query in (old, past)]
        removed.append(sweep(session))
    return dict(zip(("sessions", "requests", "counts"), removed, strict=True))


def _activate(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
    """Put loaded boundaries in force whose first day in the city has come."""
    today = now.astimezone(context.city.get_facts().zone).date()
    with transaction(context.sessions) as session:
        switched = switch_due(session, today=today, at=now)
        activated = activate_due(session, today=today, at=now)
    # The city as it is after the switch: open orders that lie elsewhere now are listed for a decision.
    runtime = context.city.get_runtime()
    with transaction(context.sessions) as session:
        moved = mark_moved(session, runtime, at=now)
    return {"boundaries": len(activated) + len(switched), "moved": len(moved)}


_S, _M, _H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
JOBS = (
    Job(name="outbox", every=5 * _S, longest=1 * _M, run=_deliver),
    Job(name="watch", every=1 * _M, longest=5 * _M, run=_watch),
    Job(name="counts", every=1 * _M, longest=10 * _M, run=_compact),
    Job(name="boundaries", every=1 * _H, longest=10 * _M, run=_activate),
    Job(name="reports", every=1 * _H, longest=30 * _M, run=_report),
    Job(name="plans", every=1 * _H, longest=10 * _M, run=_remind),
    Job(name="digests", every=15 * _M, longest=10 * _M, run=_digest),
    Job(name="receipts", every=1 * _H, longest=30 * _M, run=_seal),
    Job(name="tidy", every=24 * _H, longest=10 * _M, run=_tidy),
)
"""Reports are looked for every hour, so that one whose moment fell into a stop is made after it."""


def run_job(
    context: WorkerContext, job: Job, *, is_forced: bool = False
) -> Mapping[str, Any] | None:
    """Do a job if nobody does it or has just done it; return what it did, None if it was not this worker's turn.

    Parameters
    ----------
    is_forced
        Whether it is done even if somebody has just done it.

    Raises
    ------
    Exception
        Whatever the job raises; the job is free again then.
    """
    # Of the machine: two workers compare these moments, whatever moment the service lives in.
    claim = secrets.token_hex(8)
    if not _claim(context.sessions, job, claim, at=CLOCK.now(), is_forced=is_forced):
        return None
    try:
        done = job.run(context, context.get_now())
    finally:
        _free(context.sessions, job, claim)
    if any(done.values()):
        LOG.info("%s: %s", job.name, ", ".join(f"{n} {name}" for name, n in done.items() if n))
    return done


def _claim(
    sessions: sessionmaker[Session], job: Job, claim: str, *, at: datetime, is_forced: bool
) -> bool:
    """Take a job in a transaction of its own; tell whether it was free.

    What was written by a clock that has been set back since lies further ahead than it ever could: it is passed over,
    else the job would stand still until that time comes again.
    """
    name = f"job {job.name}"
    with transaction(sessions) as session:
        session.execute(_make_row(session, name, at))
        state = session.get_one(JobState, name, with_for_update=True)
        held = state.value.get("held_until")
        until = at if held is None else datetime.fromisoformat(held)
        # Half a span: ticks come a little early or late, and two workers' ticks never fall together.
        again = state.done_at + job.every / 2 if state.value and not is_forced else at
        if is_stepped_past(until, at, job.longest) or is_stepped_past(again, at, job.every):
            LOG.warning("%s: its last run lies ahead of the clock; it is done all the same", name)
        elif until > at or again > at:
            return False
        state.done_at = at
        state.value = {"held_until": (at + job.longest).isoformat(), "claim": claim}
    return True


def _make_row(session: Session, name: str, at: datetime) -> Any:
    """Return what makes the row of a job that was never done."""
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    return insert(JobState).values(name=name, done_at=at, value={}).on_conflict_do_nothing()


def _free(sessions: sessionmaker[Session], job: Job, claim: str) -> None:
    """Give a job back, unless another has taken it since: then it is the other's to give back."""
    with transaction(sessions) as session:
        state = session.get_one(JobState, f"job {job.name}", with_for_update=True)
        if state.value.get("claim") == claim:
            state.value = {"held_until": None}
