"""The jobs in a plain loop: for SQLite, in the process of ``gridgov worker`` or ``serve``; and one round of them."""

import logging
import threading
import time
from collections.abc import Iterable

from gridgov.errors import GridgovError
from gridgov.services.worker.table import JOBS, Job, WorkerContext, run_job

LOG = logging.getLogger("gridgov.worker")


def run_once(context: WorkerContext, jobs: Iterable[Job] = JOBS) -> list[str]:
    """Do every job once, whenever it was last done; return the names of those that failed."""
    return [job.name for job in jobs if not try_job(context, job, is_forced=True)]


def run_loop(context: WorkerContext, stop: threading.Event, jobs: Iterable[Job] = JOBS) -> None:
    """Do each job whenever its time has come, until `stop` is set; a job that runs is ended first."""
    due = {job.name: time.monotonic() for job in jobs}
    while not stop.is_set():
        for job in jobs:
            if not stop.is_set() and time.monotonic() >= due[job.name]:
                due[job.name] = time.monotonic() + job.every.total_seconds()
                try_job(context, job, is_forced=False)
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def try_job(context: WorkerContext, job: Job, *, is_forced: bool) -> bool:
    """Do a job; tell whether it went well or was another's turn. Whatever it raises is logged and tried again."""
    try:
        run_job(context, job, is_forced=is_forced)
    except GridgovError as error:
        LOG.warning("%s failed: %s", job.name, error)
        return False
    except Exception:
        LOG.exception("%s failed", job.name)  # one job's fault must not stop the others
        return False
    return True
