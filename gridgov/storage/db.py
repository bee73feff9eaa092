"""Engines and sessions on PostGIS and SQLite, and the check that program and database fit together."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
SQLITE_WAIT_S = 15.0
"""How long a writer waits for another before it gives up; longer than any one transaction of ours."""
HIDDEN: dict[str, Any] = {"hide_parameters": True}
"""An error of a statement does not tell what was put into it: that is what people said."""


class DatabaseError(GridgovError):
    """The database cannot be used as it is; the message says what to do."""


class SchemaError(DatabaseError):
    """The database has another schema than the program.

    Attributes
    ----------
    found, wanted
        Revisions; `found` is None for an empty database.
    is_newer
        Whether this program does not know it.
    """

    def __init__(
        self, message: str, *, found: str | None, wanted: str, is_newer: bool = False
    ) -> None:
        self.found, self.wanted, self.is_newer = found, wanted, is_newer
        super().__init__(message)


def read_url(text: str) -> URL:
    """Return the database's address with the driver that we use.

    Raises
    ------
    DatabaseError
        It is neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(text)
    except sa.exc.ArgumentError as error:
        raise DatabaseError(
            f"GRIDGOV_DATABASE_URL: {text!r} is no address; "
            "expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite":
        return url
    raise DatabaseError(
        f"GRIDGOV_DATABASE_URL: {url.drivername} is not supported; expected sqlite or postgresql"
    )


def make_engine(url: str | URL, **options: Any) -> sa.Engine:
    """Return an engine; the folder of a SQLite file is made.

    Raises
    ------
    DatabaseError
        The address is not one of ours, or the folder of the file cannot be made.
    """
    address = read_url(url) if isinstance(url, str) else url
    if address.drivername == "sqlite":
        if address.database not in {None, "", ":memory:"}:
            _make_folder(Path(str(address.database)).parent)
        waits = {"timeout": SQLITE_WAIT_S}
        engine = sa.create_engine(address, connect_args=waits, **(HIDDEN | options))
        _prepare_sqlite(engine)
        return engine
    defaults: dict[str, Any] = {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        **HIDDEN,
    }
    arguments = {"application_name": "gridgov", "connect_timeout": 10}
    engine = sa.create_engine(address, connect_args=arguments, **(defaults | options))
    _prepare_postgres(engine)
    return engine


def _prepare_postgres(engine: sa.Engine) -> None:
    """Keep the server from compiling statements: ours take milliseconds, compiling one takes tens of them."""

    @sa.event.listens_for(engine, "connect")
    def connect(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.execute("SET jit = off")
        connection.commit()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"GRIDGOV_DATABASE_URL: the folder {folder} cannot be made: {error.strerror}. "
            "Name a file in a folder that can be written"
        ) from error


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Make SQLite keep what PostgreSQL keeps: foreign keys, real transactions, readers beside a writer."""

    @sa.event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN comes too late for a consistent read; ours stands below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that may write takes the lock at once: one that reads first and writes later could
        # otherwise fail half way with SQLITE_BUSY, which no waiting cures.
        read_only = connection.get_execution_options().get("sqlite_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def is_postgres(bind: sa.Engine | sa.Connection | Session) -> bool:
    """Tell whether this is PostgreSQL."""
    engine = bind.get_bind() if isinstance(bind, Session) else bind
    return engine.dialect.name == "postgresql"


def make_sessions(engine: sa.Engine) -> sessionmaker[Session]:
    """Return what makes sessions; whoever opens one owns its transaction."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Give a session; commit at the end, roll back on any error."""
    with sessions() as session, session.begin():
        yield session


@contextmanager
def open_engine(url: str) -> Iterator[sa.Engine]:
    """Give the engine of a database that has the schema of this program; whatever happens, its connections are closed.

    Raises
    ------
    SchemaError
        It has another one.
    """
    engine = make_engine(url)
    try:
        yield check_schema(engine)
    finally:
        engine.dispose()


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[Session]:
    """Give a session that reads the database as it is now, whatever others write meanwhile; it cannot write."""
    if is_postgres(engine):
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    else:
        options = {"sqlite_read_only": True}
    with Session(engine.execution_options(**options)) as session:
        yield session


def make_config(engine: sa.Engine | None = None) -> Config:
    """Return Alembic's configuration for this checkout, bound to `engine`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if engine is not None:
        config.attributes["engine"] = engine
    return config


def get_wanted_revision() -> str:
    """Return the schema that this program needs."""
    head = ScriptDirectory.from_config(make_config()).get_current_head()
    assert head is not None  # noqa: S101 - there is always a migration
    return head


def find_revision(engine: sa.Engine) -> str | None:
    """Return the schema that the database has, None if it is empty.

    Raises
    ------
    DatabaseError
        The database cannot be reached.
    """
    try:
        # Reading must not wait for whoever writes.
        with engine.execution_options(sqlite_read_only=True).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except sa.exc.OperationalError as error:
        raise DatabaseError(
            f"The database {engine.url.render_as_string()} cannot be reached: {error.orig}. "
            "Check GRIDGOV_DATABASE_URL and whether the server runs."
        ) from error


def check_schema(engine: sa.Engine) -> sa.Engine:
    """Return `engine` if its schema is the one this program needs.

    Raises
    ------
    SchemaError
        It is older, newer or empty; the message says which and what to do.
    """
    found, wanted = find_revision(engine), get_wanted_revision()
    if found == wanted:
        return engine
    known = {one.revision for one in ScriptDirectory.from_config(make_config()).walk_revisions()}
    if found is None:
        message = (
            f"The database is empty; this program needs schema {wanted}. Run: gridgov db upgrade"
        )
    elif found in known:
        message = f"The database has schema {found}, older than {wanted}. Back it up, then run: gridgov db upgrade"
    else:
        message = (
            f"The database has schema {found}, which this program ({wanted}) does not know: it is newer. "
            "Use the newer program, or restore the backup made before the upgrade."
        )
    is_newer = found is not None and found not in known
    raise SchemaError(message, found=found, wanted=wanted, is_newer=is_newer)
