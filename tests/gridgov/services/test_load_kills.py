"""Power cuts in bulk intake, and a database restored from its dump: the same as one clean run."""

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.pack.city import City, load_city
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.services.load.pack import load_pack
from gridgov.storage.audit.verify import verify
from gridgov.storage.counts.sums import recount
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.journal import ImportBatch, LogEntry
from gridgov.storage.models.orders import Order
from tests.databases import ROOT, clone_database, make_sqlite
from tests.gridgov.services.kill_loads import BATCH_ROWS
from tests.gridgov.services.load_city import AS_OF, read_content, write_city

N = 700
KILLS = 13
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_city(tmp_path_factory.mktemp("kills"), appeals=N)


def load_whole(engine: sa.Engine, city: City, file: Path) -> None:
    options = LoadOptions(source="test", as_of=AS_OF, batch_rows=BATCH_ROWS, salt="salt")
    load_appeals(make_sessions(engine), city, file, options=options)


def load_city_into(engine: sa.Engine, city: City) -> None:
    with transaction(make_sessions(engine)) as session:
        load_pack(session, city, at=AS_OF)


def check_invariants(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        orders = session.scalar(sa.select(sa.func.count(Order.id)))
        assert orders == session.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(ImportBatch.added), 0))
        )
        intakes = sa.select(sa.func.count(LogEntry.id)).where(LogEntry.action == "intake")
        assert orders == session.scalar(intakes)
        assert recount(session, ZONE).empty
        assert verify(session) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_loads_end_as_one_clean_run(
    kind: str, written: tuple[Path, Path], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    city = load_city(written[0])
    if kind == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        (tmp_path / "clean").mkdir()
        urls = [make_sqlite(template, tmp_path), make_sqlite(template, tmp_path / "clean")]
        _compare(urls, city, written)
        return
    template = request.getfixturevalue("postgres_template")
    with clone_database(template) as first, clone_database(template) as second:
        _compare([first, second], city, written)


def _compare(urls: list[sa.URL], city: City, written: tuple[Path, Path]) -> None:
    pack, file = written
    killed, clean = (make_engine(url) for url in urls)
    for engine in (killed, clean):
        load_city_into(engine, city)
    address = urls[0].render_as_string(hide_password=False)
    arguments = [address, str(pack), str(file), str(KILLS), "11"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gridgov.services.kill_loads", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) >= KILLS // 2
    check_invariants(make_sessions(killed))
    load_whole(killed, city, file)
    load_whole(clean, city, file)
    check_invariants(make_sessions(killed))
    found, wanted = read_content(killed), read_content(clean)
    for name in wanted:
        assert found[name] == wanted[name], name
    for engine in (killed, clean):
        engine.dispose()


def test_a_dump_restores_to_the_same(
    postgres: sa.Engine, written: tuple[Path, Path], tmp_path: Path
) -> None:
    pack, file = written
    city = load_city(pack)
    load_city_into(postgres, city)
    options = LoadOptions(source="test", as_of=AS_OF, batch_rows=500, salt="salt")
    load_appeals(make_sessions(postgres), city, file, options=options)
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"))
    address = postgres.url.set(drivername="postgresql")
    dump = tmp_path / "dump"
    subprocess.run(
        [tools / "pg_dump", "-Fc", "-f", dump, address.render_as_string(hide_password=False)],
        check=True,
    )
    with _empty_database(address) as target:
        subprocess.run(
            [
                tools / "pg_restore",
                "--exit-on-error",
                "-d",
                target.set(drivername="postgresql").render_as_string(hide_password=False),
                dump,
            ],
            check=True,
        )
        restored = make_engine(target)
        assert read_content(restored, timeless=False) == read_content(postgres, timeless=False)
        check_invariants(make_sessions(restored))
        with restored.connect() as connection, pytest.raises(sa.exc.DBAPIError):
            connection.execute(sa.text("UPDATE log_entries SET action = 'x'"))
        restored.dispose()


def _empty_database(template: sa.URL) -> AbstractContextManager[sa.URL]:
    return clone_database(template.set(drivername="postgresql+psycopg", database="template0"))
