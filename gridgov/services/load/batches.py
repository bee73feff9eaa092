"""Bulk intake: a file of appeals into the database in batches, each whole or not at all.

A batch and its row in ``import_batches`` are one transaction, so that after a power cut, a ``kill -9`` or a lost
connection a second start goes on after the last whole batch. An appeal is known by its source and number; one that is
there already is left as it is.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import pandas as pd
import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError
from gridgov.jobs.pipeline import Classify
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.reading.appeals import AppealsRead, read_appeals
from gridgov.services.intake.corrections import apply_corrections
from gridgov.services.load.rows import Batch, BatchRules, make_batch
from gridgov.services.load.store import hold_load_lock, save_batch, save_references
from gridgov.storage.counts.sums import compact
from gridgov.storage.db import is_postgres, transaction
from gridgov.storage.models.journal import ImportBatch, ImportRun

BATCH_ROWS = 50_000
"""Some seconds of work: little is done again after a power cut, and the cost of a commit does not show."""

WRITERS = 2
"""Batches saved side by side: the server works at each with one core, most of the time at its indexes."""

Saved = tuple[int, int, int]
"""Rows of a batch, those added and those known before."""


TOLD = (
    sa.exc.OperationalError,
    sa.exc.InternalError,
    sa.exc.DataError,
    psycopg.OperationalError,
    psycopg.DataError,
)
"""Errors of a database that end a load with a message: it went away, or refused a value."""


class LoadError(GridgovError):
    """The database went away or could not take a batch; what was committed before stays."""


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a file is taken in.

    Parameters
    ----------
    source
        System from which it comes: with the number it makes an appeal unique.
    as_of
        Now, aware: later appeals and outcomes are faults.
    batch_rows
        Appeals in one transaction; a started import keeps the number with which it began.
    salt
        Secret under which persons are hashed; None: a new one.
    classify
        Gives items to appeals without one, or None.
    """

    source: str
    as_of: datetime
    batch_rows: int = BATCH_ROWS
    salt: str | None = None
    classify: Classify | None = None


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What became of a file: ``read`` = ``added`` + ``known`` + ``rejected``; ``resumed`` of those added before."""

    read: int
    added: int
    known: int
    rejected: int
    resumed: int
    batches: int
    problems: pd.DataFrame = field(compare=False, repr=False)
    seconds: dict[str, float] = field(compare=False, default_factory=dict)


def load_appeals(
    sessions: sessionmaker[Session],
    city: City,
    path: Path,
    *,
    options: LoadOptions,
    progress: Progress = ignore_progress,
) -> LoadResult:
    """Take a file of appeals in.

    Parameters
    ----------
    sessions
        Makes the system's own sessions; this function commits, batch by batch.
    city
        The pack that is loaded.
    path
        CSV, XLSX or Parquet as ``[appeals]`` of the pack describes it.

    Raises
    ------
    InvalidDataError
        The file cannot be read, or lacks a column without which no row can be used.
    LoadError
        The database went away; the same command goes on.
    """
    clock = StageClock(progress)
    as_of = pd.Timestamp(options.as_of).tz_convert(str(city.settings.timezone))
    with clock.stage("read"):
        read = read_appeals(city, path, as_of=as_of, salt=options.salt)
    with clock.stage("territory"):
        with sessions() as session:
            city = apply_corrections(session, city)
        _ = city.territory
    rules = BatchRules(
        city=city,
        source=options.source,
        as_of=as_of,
        desk_code=find_runtime(city),
        classify=options.classify,
    )
    # Two loads of one file: the second waits, and finds every batch there.
    with _told("nothing more of this file was taken in"), hold_load_lock(sessions):
        run_id, batch_rows = _begin(sessions, path, read, options)
        done = _find_done(sessions, run_id)
        resumed = sum(rows for rows, _added, _known in done.values())
        with clock.stage("load"):
            parts = _split(read.appeals, batch_rows, skipped=frozenset(done))
            save = partial(_save, sessions, run_id, rules=rules, at=options.as_of)
            # Closed here: left to the garbage collector, they may end in a thread of their own pool.
            with (
                closing(_prepare(parts, rules)) as batches,
                closing(_save_all(batches, save, writers=_choose(sessions))) as saves,
            ):
                for number, saved in saves:
                    done[number] = saved
                    share = sum(rows for rows, *_ in done.values()) / max(1, len(read.appeals))
                    progress("load", share)
        result = _make_result(read, done, resumed=resumed)
        with clock.stage("counts"):
            _finish(sessions, run_id, result, at=options.as_of)
    return replace(result, seconds=clock.seconds)


def _make_result(read: AppealsRead, done: dict[int, Saved], *, resumed: int) -> LoadResult:
    return LoadResult(
        read=read.read,
        added=sum(added for _rows, added, _known in done.values()),
        known=sum(known for *_, known in done.values()),
        rejected=read.rejected,
        resumed=resumed,
        batches=len(done),
        problems=read.problems,
    )


def find_runtime(city: City) -> str:
    """Return the code of the hotline's desk."""
    units = city.units
    return str(units.loc[units["kind"] == "desk", "unit_code"].iloc[0])


def _hash_file(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _begin(
    sessions: sessionmaker[Session], path: Path, read: AppealsRead, options: LoadOptions
) -> tuple[int, int]:
    """Return the run of this file and its rows per batch; a new run or the one that was begun."""
    content = _hash_file(path)
    with _told("nothing of this file was taken in"), transaction(sessions) as session:
        run = session.scalars(
            sa.select(ImportRun).where(
                ImportRun.source == options.source, ImportRun.file_hash == content
            )
        ).first()
        if run is None:
            run = ImportRun(
                source=options.source,
                file_name=path.name,
                file_hash=content,
                rows_read=read.read,
                started_at=options.as_of,
                counts={"batch_rows": options.batch_rows},
            )
            session.add(run)
            session.flush()
        return run.id, int(run.counts["batch_rows"])


def _find_done(sessions: sessionmaker[Session], run_id: int) -> dict[int, Saved]:
    """Return rows, added and known of each batch that is there."""
    with sessions() as session:
        found = session.execute(
            sa.select(
                ImportBatch.batch, ImportBatch.rows, ImportBatch.added, ImportBatch.known
            ).where(ImportBatch.run_id == run_id)
        )
        return {batch: (rows, added, known) for batch, rows, added, known in found}


Part = tuple[int, pd.DataFrame]


def _split(appeals: pd.DataFrame, size: int, *, skipped: frozenset[int]) -> Iterator[Part]:
    for number, start in enumerate(range(0, len(appeals), size)):
        if number not in skipped:
            yield number, appeals.iloc[start : start + size].reset_index(drop=True)


def _prepare(parts: Iterator[Part], rules: BatchRules) -> Generator[tuple[int, Batch]]:
    """Make the next batch while the database takes the one before."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for number, appeals in parts:
            following = (number, pool.submit(make_batch, appeals, rules))
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()


def _choose(sessions: sessionmaker[Session]) -> int:
    """Return how many batches are saved side by side."""
    with sessions() as session:
        return WRITERS if is_postgres(session) else 1


def _save_all(
    batches: Iterator[tuple[int, Batch]], save: Callable[[int, Batch], Saved], *, writers: int
) -> Generator[tuple[int, Saved]]:
    """Save batches side by side, and give what became of each in their order.

    When one fails, those that are being saved come to their end and no other is begun.
    """
    running: deque[tuple[int, Future[Saved]]] = deque()
    with ThreadPoolExecutor(max_workers=writers) as pool:
        for number, batch in batches:
            running.append((number, pool.submit(save, number, batch)))
            if len(running) == writers:
                first, saved = running.popleft()
                yield first, saved.result()
        for first, saved in running:
            yield first, saved.result()


def _save(
    sessions: sessionmaker[Session],
    run_id: int,
    number: int,
    batch: Batch,
    *,
    rules: BatchRules,
    at: datetime,
) -> Saved:
    """Save one batch in one transaction and return its rows, those added and those known."""
    with _told(f"batch {number + 1} was not taken in"):
        with transaction(sessions) as session:
            save_references(session, batch, rules=rules, at=at)
        with transaction(sessions) as session:
            there = session.get(ImportBatch, (run_id, number))
            if there is not None:
                return there.rows, there.added, there.known
            key = f"{run_id}:{number}"
            added = save_batch(session, batch, rules=rules, at=at, chain_key=key)
            row = ImportBatch(
                run_id=run_id,
                batch=number,
                rows=len(batch),
                added=added,
                known=len(batch) - added,
                done_at=at,
            )
            session.add(row)
            return row.rows, row.added, row.known


class _told:  # noqa: N801 - reads as a statement
    """Turn errors of the database into one that says what stands and what to do."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, TOLD):
            cause = getattr(error, "orig", None) or error
            reason = str(cause).strip().splitlines()[0] if str(cause).strip() else repr(cause)
            raise LoadError(
                f"the database did not take it: {reason}. {self._what[0].upper()}{self._what[1:]}; every batch "
                "before it is kept whole. When the database runs and has room, give the same command again: "
                "it goes on from there"
            ) from error


def _finish(
    sessions: sessionmaker[Session], run_id: int, result: LoadResult, *, at: datetime
) -> None:
    with _told("all batches are taken in"), transaction(sessions) as session:
        run = session.get_one(ImportRun, run_id)
        if run.finished_at is None:
            run.finished_at = at
        counts = {name: getattr(result, name) for name in ("added", "known", "rejected", "batches")}
        run.counts = {**run.counts, **counts}
        compact(session, is_waiting=True)


def summarize(result: LoadResult) -> dict[str, object]:
    """Return the figures of a load, for ``--json``."""
    figures = asdict(result)
    figures.pop("problems")
    figures["seconds"] = {name: round(one, 2) for name, one in result.seconds.items()}
    return figures
