"""Databases for tests: SQLite files and clones of one migrated PostgreSQL database."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from gridgov.storage.db import make_config, make_engine

ROOT = Path(__file__).resolve().parents[1]


def find_server() -> str:
    """Return the address of the test cluster, started if need be."""
    given = os.environ.get("GRIDGOV_TEST_POSTGRES_URL")
    if given:
        return given
    done = subprocess.run(
        [ROOT / "script" / "postgres", "start"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@contextmanager
def make_template() -> Iterator[sa.URL]:
    """Give a migrated database that tests clone; dropped at the end."""
    server = make_engine(find_server(), isolation_level="AUTOCOMMIT")
    name = f"template_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    url = server.url.set(database=name)
    engine = make_engine(url)
    command.upgrade(make_config(engine), "head")
    engine.dispose()
    try:
        yield url
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@contextmanager
def clone_database(template: sa.URL) -> Iterator[sa.URL]:
    """Give a copy of a migrated database; dropped at the end."""
    server = make_engine(template.set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = f"test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(
            sa.text(f"CREATE DATABASE {name} TEMPLATE {template.database} STRATEGY file_copy")
        )
    try:
        yield template.set(database=name)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def make_sqlite(template: Path, folder: Path) -> sa.URL:
    """Return the address of a copy of a migrated SQLite file."""
    target = folder / "gridgov.db"
    target.write_bytes(template.read_bytes())
    return sa.URL.create("sqlite", database=str(target))
