"""``gridgov demo``: the sample city through the main job, into a database, and served."""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pandas as pd
from alembic import command

from geodata.paths import check_replaceable
from gridgov.errors import GridgovError
from gridgov.pack.city import load_city
from gridgov.progress import Progress
from gridgov.sample.export.moment import cut_export
from gridgov.sample.writer import DEFAULT_SEED, write_sample
from gridgov.services.city_runtime import make_runtime
from gridgov.services.load.batches import LoadOptions, load_appeals, summarize
from gridgov.services.load.pack import load_pack
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import run_once
from gridgov.services.worker.table import JOBS, WorkerContext
from gridgov.storage.db import make_config, make_engine, make_sessions, transaction
from planner.jobs.main_job import MainJobOptions
from planner.jobs.store import plan_database
from planner.jobs.surge_watch import make_surge_job
from web.cli.console import StagePrinter
from web.cli.run import STAGES, make_report, run_and_report
from web.cli.sample import STAGES as SAMPLE_STAGES
from web.cli.serve import run_server
from web.demo.accounts import DEMO_PASSWORD, add_demo_accounts
from web.demo.plans import play_plans
from web.demo.work import play_day
from web.kit.assets import find_assets

DEMO_APPEALS = 60_000
"""Enough for every planted hotspot, and few enough that the first page opens within minutes of a bare checkout."""
DEMO_SALT = "demo"
"""The demo's persons are invented; a fixed salt makes two demos alike."""
LOAD_STAGES = {"load": "orders into the database"}
LEFT_OF_DAY = timedelta(hours=9)
"""The demo's clock starts at three in the afternoon: most of the day's appeals are there, and it is not over."""


@dataclass(frozen=True, kw_only=True)
class DemoFiles:
    """Where a demo keeps what."""

    folder: Path

    @property
    def city(self) -> Path:
        """The pack, with its appeals."""
        return self.folder / "city"

    @property
    def result(self) -> Path:
        """Pages of the main job."""
        return self.folder / "result"

    @property
    def appeals(self) -> Path:
        """The export as the service finds it."""
        return self.folder / "afternoon.parquet"

    @property
    def database(self) -> Path:
        """The service's database."""
        return self.folder / "gridgov.db"

    @property
    def clock(self) -> Path:
        """How far its clock is behind."""
        return self.folder / "clock.json"


@click.command(
    help="Make the sample city, run the main job on it, load it into a database and serve it."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo"),
    show_default=True,
    help="Where city, results and database go.",
)
@click.option("--appeals", type=click.IntRange(1_000), default=DEMO_APPEALS, show_default=True)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True)
@click.option(
    "--serve/--no-serve", "is_served", default=True, help="Stop at the pages of the main job."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True)
@click.option(
    "--again",
    "is_again",
    is_flag=True,
    help="Serve the demo that the folder holds, as it was left; nothing is made anew.",
)
def demo(
    *,
    folder: Path,
    appeals: int,
    seed: int,
    is_served: bool,
    host: str,
    port: int,
    is_again: bool,
) -> None:
    """Run the demo."""
    if is_again and not is_served:
        raise click.UsageError("--again serves; --no-serve does not")
    assets_dir = find_assets()
    files = DemoFiles(folder=folder)
    if is_served:
        check_port(host, port)
    with hold_folder(files):
        if is_again:
            settings = resume(files)
            click.echo(
                f"The demo in {folder} again. Accounts on the first page, password {DEMO_PASSWORD}"
            )
            run_server(settings, host=host, port=port, workers=1)
        else:
            make_demo(
                files,
                appeals=appeals,
                seed=seed,
                is_served=is_served,
                host=host,
                port=port,
                assets_dir=assets_dir,
            )


def make_demo(
    files: DemoFiles,
    *,
    appeals: int,
    seed: int,
    is_served: bool,
    host: str,
    port: int,
    assets_dir: Path,
) -> None:
    """Make a demo anew and serve it, unless only its pages are wanted."""
    check_replaceable(files.result)
    progress = StagePrinter(SAMPLE_STAGES | STAGES | LOAD_STAGES)
    click.echo(f"Sample city (synthetic) with {appeals:,} appeals → {files.city}")
    write_sample(files.city, appeals=appeals, seed=seed, file_format="parquet", progress=progress)
    click.echo(f"Main job → {files.result}")
    summary = run_and_report(
        files.city,
        files.city / "appeals.parquet",
        files.result,
        options=MainJobOptions(assets_dir=assets_dir),
        progress=progress,
    )
    click.echo(make_report(summary))
    click.echo(f"\nPages as files: {(files.result / 'index.html').resolve().as_uri()}")
    if not is_served:
        return
    day_end = datetime.fromisoformat(summary["as_of"])
    as_of = write_afternoon(files, day_end=day_end)
    behind = max(0, int((datetime.now(UTC) - as_of).total_seconds() // 60))
    settings = make_settings(files, behind_min=behind)
    click.echo(f"\nService database, as of {as_of:%Y-%m-%d %H:%M} → {files.database}")
    click.echo(fill_database(files, settings, as_of=as_of, progress=progress))
    click.echo(f"Sign in with one of the accounts shown, password {DEMO_PASSWORD}")
    click.echo("Another day, as it was left: script/demo --again")
    keep_clock(files, settings.clock_behind_min)
    run_server(settings, host=host, port=port, workers=1)


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be listened on, before minutes of work.

    Raises
    ------
    click.BadParameter
        If it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise click.BadParameter(
                f"{host}:{port} cannot be listened on ({error.strerror}); name another, such as --port {port + 1}",
                param_hint="--port",
            ) from error


@contextmanager
def hold_folder(files: DemoFiles) -> Iterator[None]:
    """Hold the folder of a demo: a second one never replaces the city or database under a running one.

    Raises
    ------
    GridgovError
        If another demo holds it.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    with (files.folder / ".running").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GridgovError(
                f"a demo runs in {files.folder}; stop it (Ctrl+C), or name another folder with --folder"
            ) from error
        yield


def keep_clock(files: DemoFiles, behind_min: int) -> None:
    """Note how far the demo's clock is behind, for the next time."""
    files.clock.write_text(json.dumps({"clock_behind_min": behind_min}) + "\n", "utf-8")


def resume(files: DemoFiles) -> ServiceSettings:
    """Return the settings of a demo that was made before: its clock goes on from when its database was last written.

    Raises
    ------
    GridgovError
        If the folder holds none.
    """
    try:
        behind = int(json.loads(files.clock.read_text("utf-8"))["clock_behind_min"])
    except (OSError, ValueError, KeyError) as error:
        raise GridgovError(
            f"{files.folder} holds no demo that was served; make one without --again"
        ) from error
    if not files.database.is_file():
        raise GridgovError(f"{files.database} is gone; make the demo anew, without --again")
    written = max(one.stat().st_mtime for one in files.folder.glob(f"{files.database.name}*"))
    behind += max(0, int((datetime.now(UTC).timestamp() - written) // 60))
    keep_clock(files, behind)
    return make_settings(files, behind_min=behind)


def write_afternoon(files: DemoFiles, *, day_end: datetime) -> datetime:
    """Write the export as it was in the afternoon of the day that ended at `day_end`; return that moment, aware.

    A day that is over would leave the rooms of a command centre empty.
    """
    moment = day_end - LEFT_OF_DAY
    table = pd.read_parquet(files.city / "appeals.parquet")
    cut_export(table, moment.replace(tzinfo=None)).to_parquet(files.appeals, index=False)
    return moment


def make_settings(files: DemoFiles, *, behind_min: int) -> ServiceSettings:
    """Return the settings of a demo: its clock goes on from the end of its data, minutes behind ours."""
    return ServiceSettings(
        database_url=f"sqlite:///{files.database}",
        salt=DEMO_SALT,
        demo=True,
        clock_behind_min=behind_min,
    )


def fill_database(
    files: DemoFiles, settings: ServiceSettings, *, as_of: datetime, progress: Progress
) -> str:
    """Make the demo's database anew with the city, its orders and one account per role; say what is in it."""
    for file in files.folder.glob(f"{files.database.name}*"):
        file.unlink()
    engine = make_engine(settings.database_url)
    command.upgrade(make_config(engine), "head")
    sessions = make_sessions(engine)
    city = load_city(files.city)
    with transaction(sessions) as session:
        load_pack(session, city, at=as_of)
    result = load_appeals(
        sessions,
        city,
        files.appeals,
        options=LoadOptions(source="12345", as_of=as_of, salt=settings.salt),
        progress=progress,
    )
    with transaction(sessions) as session:
        planned = plan_database(session, city, as_of=as_of, progress=progress)
        logins = add_demo_accounts(session, now=as_of)
        runtime = make_runtime(city, salt=settings.salt)
        stories = play_day(session, runtime, as_of=as_of)
        running = play_plans(session, runtime, as_of=as_of)
    # The first round of jobs adds up what the load counted: nobody who opens the demo shall wait for it.
    run_once(WorkerContext(settings=settings, engine=engine), (*JOBS, make_surge_job()))
    engine.dispose()
    counts = "read {read:,} = added {added:,} + known {known:,} + rejected {rejected:,}"
    plans = "{hotspots:,} hotspots, {plans:,} street plans".format(**planned)
    work = f"{len(logins)} accounts, {len(stories)} orders and {running} plans at work"
    return f"{counts.format(**summarize(result))}; {plans}; {work}"
