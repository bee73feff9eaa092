"""Fixtures for tests on both databases; imported by the ``conftest`` of each folder that needs them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session, sessionmaker

from gridgov.storage.db import make_config, make_engine, make_sessions
from tests.databases import clone_database, make_sqlite, make_template


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "gridgov.db"
    engine = make_engine(f"sqlite:///{file}")
    command.upgrade(make_config(engine), "head")
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[sa.URL]:
    with make_template() as url:
        yield url


@pytest.fixture
def postgres(postgres_template: sa.URL) -> Iterator[sa.Engine]:
    with clone_database(postgres_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty, migrated database of each kind."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = make_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)
        else:
            url = stack.enter_context(clone_database(request.getfixturevalue("postgres_template")))
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def sessions(engine: sa.Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as made:
        yield made
