"""``gridgov worker``: messages, the watch of the deadlines, counts and reports, until it is told to stop."""

import logging
import signal
import threading

import click

from gridgov.services.logs import set_up_logs
from gridgov.services.settings import read_settings
from gridgov.services.worker.loop import run_loop, run_once
from gridgov.services.worker.queue import run_worker
from gridgov.services.worker.table import JOBS, WorkerContext
from gridgov.storage.db import is_postgres, open_engine
from planner.jobs.surge_watch import make_surge_job


@click.command()
@click.option(
    "--once", is_flag=True, help="Do every job once, then end; exit code 1 if one failed."
)
@click.option("--quiet", is_flag=True, help="Say only what went wrong.")
@click.pass_context
def worker(ctx: click.Context, *, once: bool, quiet: bool) -> None:
    """Do what must be done beside the pages: send messages, watch deadlines, keep counts, make reports.

    Any number of workers may run on PostgreSQL; none does what another does. SIGTERM and Ctrl+C end what runs and stop.
    """
    settings = read_settings()
    with open_engine(settings.database_url) as engine:
        context = WorkerContext(settings=settings, engine=engine)
        jobs = (*JOBS, make_surge_job())
        _log_to_stderr(logging.WARNING if quiet else logging.INFO)
        if once:
            failed = run_once(context, jobs)
            ctx.exit(1 if failed else 0)
        click.echo("gridgov worker runs (Ctrl+C stops it)", err=True)
        if is_postgres(context.engine):
            run_worker(context, jobs)
        else:
            run_loop(context, _stop_on_signal(), jobs)
        click.echo("gridgov worker has stopped", err=True)


def _stop_on_signal() -> threading.Event:
    """Return an event that is set when the process is told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _log_to_stderr(level: int) -> None:
    set_up_logs(level)
    for name in ("procrastinate", "psycopg"):
        # They tell at length what the worker says in one line.
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
