"""The jobs on PostgreSQL, queued by procrastinate: several workers, each job once, none lost with a dead worker.

At most one run of a job waits. What keeps two runs apart is the claim in :mod:`gridgov.services.worker.table`, as on
SQLite: the library's own lock would be a second one. What a killed worker had begun is told and forgotten once its
heartbeat stops; a later tick does the job, which looks at what is due and so makes up for it.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable

import procrastinate
import psycopg
from procrastinate.jobs import Status
from sqlalchemy.engine import URL

from gridgov.services.worker.loop import try_job
from gridgov.services.worker.table import JOBS, Job, WorkerContext

LOG = logging.getLogger("gridgov.worker")
QUEUE = "gridgov"
HEARTBEAT_S = 5.0
STALLED_S = 20.0
"""A worker without a heartbeat for so long is taken for dead."""
KEPT_H = 7 * 24
"""How long failed jobs stay to be looked at."""
RETRY_S = 5.0
"""Wait before a database that is away is tried again."""
AWAY = (procrastinate.exceptions.ConnectorException, psycopg.Error)
"""What the library raises when the database is away."""
CONCURRENCY = 4
"""Jobs at once: a long report may not hold up the messages."""


def make_app(context: WorkerContext, jobs: Iterable[Job] = JOBS) -> procrastinate.App:
    """Return the application of the job library with every job in it.

    Parameters
    ----------
    context
        On PostgreSQL.
    """
    app = procrastinate.App(connector=_make_connector(context.engine.url))
    for job in jobs:
        _add(app, job, context)
    return app


def _make_connector(url: URL) -> procrastinate.PsycopgConnector:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    kwargs = {"application_name": "gridgov worker"}
    return procrastinate.PsycopgConnector(conninfo=address, min_size=1, max_size=6, kwargs=kwargs)


def _add(app: procrastinate.App, job: Job, context: WorkerContext) -> None:
    async def run() -> None:
        await asyncio.to_thread(try_job, context, job, is_forced=False)

    app.task(name=make_name(job), queue=QUEUE, queueing_lock=job.name)(run)


def make_name(job: Job) -> str:
    """Return the name of a job's task."""
    return f"gridgov.{job.name}"


async def tick(app: procrastinate.App, job: Job) -> None:
    """Queue a job at once and whenever its span is over, by seconds that go on whatever the clock is set to.

    The library's own periodic tasks go by the clock and stand still where it is set back.
    """
    while True:
        try:
            await app.configure_task(
                make_name(job), queue=QUEUE, queueing_lock=job.name
            ).defer_async()
        except procrastinate.exceptions.AlreadyEnqueued:
            pass  # one run waits already, of this worker or another
        except AWAY as error:
            LOG.warning("%s could not be queued: %s", job.name, _find_cause(error))
        await asyncio.sleep(job.every.total_seconds())


def run_worker(context: WorkerContext, jobs: Iterable[Job] = JOBS) -> None:
    """Work until the process is told to stop (SIGTERM, Ctrl+C); what runs is ended first.

    A server that goes away is waited for: whoever restarts the database need not think of the workers.
    """
    asyncio.run(_work(context, tuple(jobs)))


async def _work(context: WorkerContext, jobs: tuple[Job, ...]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        try:
            await _work_until(context, stop, jobs)
        except AWAY as error:
            LOG.warning("the database is away (%s); next try in %g s", _find_cause(error), RETRY_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_S)


async def _work_until(context: WorkerContext, stop: asyncio.Event, jobs: tuple[Job, ...]) -> None:
    """Run one worker of the library until `stop` is set or the database goes away."""
    app = make_app(context, jobs)
    async with app.open_async():
        stopped = asyncio.create_task(stop.wait())
        rescue = asyncio.create_task(_repeat(lambda: give_up_stalled(app)))
        ticks = [asyncio.create_task(tick(app, job)) for job in jobs]
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE],
                concurrency=CONCURRENCY,
                delete_jobs="successful",
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_S,
                install_signal_handlers=False,
            )
        )
        try:
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
            worker.cancel()  # lets its jobs end; nothing where it has ended by itself
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        finally:
            for task in (rescue, stopped, *ticks):
                task.cancel()
            await asyncio.gather(rescue, stopped, *ticks, return_exceptions=True)


def _find_cause(error: BaseException) -> BaseException:
    """Return the innermost cause: the library's own message says only that there was an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


async def _repeat(do: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await do()
        except AWAY as error:
            LOG.warning("stalled jobs could not be looked for: %s", _find_cause(error))
        await asyncio.sleep(HEARTBEAT_S)


async def give_up_stalled(app: procrastinate.App) -> int:
    """Set jobs of dead workers to failed, so that they do not stay as running; return how many."""
    manager = app.job_manager
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S))
    for job in stalled:
        LOG.warning("job %s was begun by a worker that is gone; a later one does it", job.task_name)
        await manager.finish_job(job, status=Status.FAILED, delete_job=False)
    await manager.delete_old_jobs(nb_hours=KEPT_H, include_failed=True)
    return len(stalled)
