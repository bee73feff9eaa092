"""Starts workers, people at work or at dispatch in processes of their own and kills each at a random moment.

Run as a program of its own, so that it forks without the threads of the test run:
``python -m tests.gridgov.services.kill_works worker|walk|dispatch URL PORT KILLS SEED`` prints how many were killed.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError
from gridgov.services.city_runtime import CityRuntime, load_runtime
from gridgov.services.outbox.deliver import LEASE
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import run_loop
from gridgov.services.worker.queue import run_worker
from gridgov.services.worker.table import WorkerContext
from gridgov.storage.db import is_postgres, make_engine, make_sessions, transaction
from gridgov.storage.models.journal import JobState, Message
from tests.gridgov.services.test_walks import Walker

LEAST_S, MOST_S = 0.05, 1.0


def make_settings(url: str, port: str) -> ServiceSettings:
    return ServiceSettings(database_url=url, smtp_host="127.0.0.1", smtp_port=int(port))


def work(url: str, port: str) -> None:
    """Do what ``gridgov worker`` does."""
    context = WorkerContext(settings=make_settings(url, port), engine=make_engine(url))
    if is_postgres(context.engine):
        run_worker(context)
    else:
        run_loop(context, threading.Event())


def walk(url: str, runtime: CityRuntime, seed: int, folder: Path) -> None:
    """Take in appeals and act on orders without end."""
    walker = Walker(make_sessions(make_engine(url)), runtime, folder / str(seed), seed)
    walker.minute = seed
    while True:
        walker.step()


def dispatch(url: str, runtime: CityRuntime, seed: int, folder: Path) -> None:
    """Take in appeals and dispatch their orders without end."""
    walker = Walker(make_sessions(make_engine(url)), runtime, folder / str(seed), seed)
    walker.minute = seed
    while True:
        walker.minute += 1
        for step in (walker.take, walker.dispatch):
            with suppress(GridgovError), transaction(walker.sessions) as session:
                step(session)


def free_leases(sessions: sessionmaker[Session]) -> None:
    """Do what the passing of time does: leases of the dead end, their hearts are silent, ticks come."""
    with transaction(sessions) as session:
        held = sa.and_(Message.delivered_at.is_(None), Message.not_before > datetime.now(UTC))
        session.execute(sa.update(Message).where(held).values(not_before=Message.created_at))
        for state in session.scalars(sa.select(JobState).where(JobState.name.startswith("job "))):
            state.value = {"held_until": None}
            state.done_at -= LEASE
        if is_postgres(session):
            silent = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
            session.execute(sa.text(silent))
            session.execute(sa.text("DELETE FROM procrastinate_periodic_defers"))


def pass_time(url: str) -> None:
    """Free leases with connections that no child inherits."""
    engine = make_engine(url)
    free_leases(make_sessions(engine))
    engine.dispose()


def begin(url: str, runtime: CityRuntime, folder: Path) -> None:
    """Take the first steps in this process: children are then at work from their first moment."""
    engine = make_engine(url)
    walker = Walker(make_sessions(engine), runtime, folder / "first", 1)
    for _ in range(25):
        walker.step()
    engine.dispose()


def find_runtime(url: str) -> CityRuntime:
    engine = make_engine(url)
    with make_sessions(engine)() as session:
        runtime = load_runtime(ServiceSettings(salt="test"), session)
    engine.dispose()
    _ = runtime.territory, runtime.book
    return runtime


def kill_one(start: "tuple[object, ...]", wait_s: float) -> bool:
    """Fork a process that does `start`, kill it after some time and tell whether it was still at work."""
    child = os.fork()
    if not child:
        try:
            run, *arguments = start
            run(*arguments)  # type: ignore[operator]  # chosen by name
        finally:
            os._exit(1)
    time.sleep(wait_s)
    done, _status = os.waitpid(child, os.WNOHANG)
    if done:
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> None:
    kind, url, port, kills, seed, *more = sys.argv[1:]
    folder = Path(more[0]) if more else Path()
    rng = np.random.default_rng(int(seed))
    runtime = find_runtime(url)
    killed = 0
    if kind != "worker":
        begin(url, runtime, folder)
    people = {"walk": walk, "dispatch": dispatch}
    for number in range(int(kills)):
        seed_of_one = 1000 * (number + 1)
        start = (
            (people[kind], url, runtime, seed_of_one, folder)
            if kind in people
            else (work, url, port)
        )
        killed += kill_one(start, rng.uniform(LEAST_S, MOST_S))
        pass_time(url)
    print(killed)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
