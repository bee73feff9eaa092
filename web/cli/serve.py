"""``gridgov serve``: the pages, by gunicorn with threads, on SQLite and on PostgreSQL."""

import contextlib
import secrets
import threading
from dataclasses import replace
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from geodata.errors import GeodataError
from gridgov.errors import GridgovError
from gridgov.services.logs import SafeFormatter, set_up_logs
from gridgov.services.settings import ServiceSettings, read_settings
from gridgov.services.worker.loop import run_loop
from gridgov.services.worker.table import JOBS, WorkerContext
from gridgov.storage.db import check_schema, is_postgres, make_engine, make_sessions
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.city import CityPack
from planner.jobs.surge_watch import make_surge_job
from web.app import make_app
from web.kit.area_outlines import get_shapes
from web.kit.assets import find_assets
from web.kit.service import EXTENSION, get_runtime, get_service
from web.slow_clients import PatientWorker

THREADS = 32
"""Of a process; live pages each hold one that does nothing but wait."""
TIMEOUT_S = 120
STOPPED = threading.Event()
"""Set when this process ends."""
STOP_S = 10


class ServerLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's own log, whose lines would repeat what a visitor sent."""

    def setup(self, cfg: Any) -> None:
        """Set the log up as gunicorn does, with our lines."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(SafeFormatter())


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn with our application and settings; no configuration file is read."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.app, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        """Take the options of the command."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application."""
        return self.app


@click.command(help="Serve the pages of the city that 'gridgov load' put into the database.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Processes. [default: 2 on PostgreSQL, 1 on SQLite]",
)
@click.option("--threads", type=click.IntRange(1, 1_000), default=THREADS, show_default=True)
def serve(*, host: str, port: int, workers: int | None, threads: int) -> None:
    """Serve the pages."""
    run_server(read_settings(), host=host, port=port, workers=workers, threads=threads)


def run_server(
    settings: ServiceSettings, *, host: str, port: int, workers: int | None, threads: int = THREADS
) -> None:
    """Serve until the process is told to stop.

    Raises
    ------
    AssetsMissingError
        The page assets were not built.
    SchemaError, DatabaseError
        The database cannot be used as it is.
    """
    set_up_logs()
    find_assets()
    engine = check_schema(make_engine(settings.database_url))
    count = workers or (2 if is_postgres(engine) else 1)
    # All processes must sign with the same key.
    keyed = replace(settings, secret_key=settings.secret_key or secrets.token_hex(32))
    app = make_app(keyed, engine=engine)
    # Lists that wait for changes may hold half of the threads; the others are for everybody's clicks.
    app.config["LIVE_PLACES"] = threads // 2
    for hint in list_hints(engine, settings):
        click.echo(hint, err=True)
    click.echo(f"gridgov on http://{host}:{port}  (Ctrl+C stops it)", err=True)
    Server(app, make_options(host=host, port=port, workers=count, threads=threads)).run()


def make_options(*, host: str, port: int, workers: int, threads: int) -> dict[str, Any]:
    """Return gunicorn's options."""
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": PatientWorker,
        "worker_connections": 2_000,
        "preload_app": True,
        "post_fork": start_worker,
        "worker_exit": end_worker,
        "timeout": TIMEOUT_S,
        "graceful_timeout": STOP_S,
        "keepalive": 30,
        "loglevel": "warning",
        "logger_class": ServerLogger,
        "proc_name": "gridgov",
        "limit_request_line": 8190,
    }


def start_worker(_server: object, worker: Any) -> None:
    """Begin a process: the parent's connections stay the parent's, and on SQLite the jobs run beside the pages.

    A job is claimed in the database, so several processes never do one twice.
    """
    app = worker.app.wsgi()
    service = app.extensions[EXTENSION]
    service.engine.dispose(close=False)
    threading.Thread(target=warm_up, args=(app,), name="warm-up", daemon=True).start()
    if not is_postgres(service.engine):
        context = WorkerContext(settings=service.settings, engine=service.engine)
        jobs = (*JOBS, make_surge_job())
        threading.Thread(
            target=run_loop, args=(context, STOPPED, jobs), name="jobs", daemon=True
        ).start()


def warm_up(app: Flask) -> None:
    """Read what the first visitors would wait for: the city's pack and the shapes of its streets."""
    with app.app_context(), contextlib.suppress(GridgovError, GeodataError, sa.exc.SQLAlchemyError):
        # What is wrong is said to whoever opens a page that needs it.
        get_runtime()
        with get_service().read_sessions() as session:
            get_shapes(session, "street")


def end_worker(_server: object, _worker: object) -> None:
    """Let the jobs end what they are at."""
    STOPPED.set()


def list_hints(engine: sa.Engine, settings: ServiceSettings) -> list[str]:
    """Return what a first start still lacks."""
    hints = []
    with make_sessions(engine)() as session:
        if session.scalar(sa.select(CityPack.id).limit(1)) is None:
            hints.append("no city yet: gridgov load CITY APPEALS")
        if session.scalar(sa.select(Account.id).limit(1)) is None:
            hints.append("nobody can sign in yet: gridgov user add LOGIN --role ROLE --unit CODE")
    if not settings.secret_key:
        hints.append("GRIDGOV_SECRET_KEY is not set: open forms do not survive a restart")
    return hints
