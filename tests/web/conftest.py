"""What the tests of commands share: one small sample city, and commands called as a user calls them."""

import subprocess
import sys
from pathlib import Path

import pytest

from gridgov.sample.writer import write_sample
from gridgov.storage.db import make_engine
from tests.database_fixtures import engine, postgres, postgres_template, sqlite_template
from tests.databases import make_sqlite
from tests.web.pages import make_pages, seed
from web.cli.main import main

__all__ = ["engine", "postgres", "postgres_template", "sqlite_template"]

SAMPLE_APPEALS = 6_000


@pytest.fixture(scope="session")
def seeded_template(sqlite_template, tmp_path_factory):
    """A SQLite file with units and accounts, copied for each test."""
    target = make_sqlite(sqlite_template, tmp_path_factory.mktemp("seeded"))
    engine = make_engine(target)
    seed(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return Path(str(target.database))


@pytest.fixture
def pages(seeded_template, tmp_path):
    """The application on a seeded database."""
    engine = make_engine(make_sqlite(seeded_template, tmp_path))
    yield make_pages(engine)
    engine.dispose()


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture(scope="session")
def sample_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "city"
    write_sample(folder, appeals=SAMPLE_APPEALS, seed=11, file_format="parquet")
    return folder


@pytest.fixture(scope="session")
def out_dir(sample_dir, tmp_path_factory):
    """Return the output of the main job on the sample city, run as a process of its own."""
    folder = tmp_path_factory.mktemp("run") / "out"
    words = ["run", sample_dir, sample_dir / "appeals.parquet", "--out", folder]
    done = subprocess.run(
        [sys.executable, "-m", "web.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress where nobody looks
    assert "read 6,000 = located" in done.stdout
    return folder


@pytest.fixture
def gridgov(monkeypatch, capsys):
    """Return a caller: words of the command line in, (exit code, standard output, standard error) out."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["gridgov", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call
