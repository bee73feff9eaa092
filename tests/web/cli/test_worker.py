"""``gridgov worker`` and ``gridgov db`` as real processes: stopped, killed, two at once, and with wrong databases."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from gridgov.rules.message_text import MessageText
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.load.pack import load_pack
from gridgov.services.outbox.deliver import notify, open_channels
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import (
    DatabaseError,
    make_config,
    make_engine,
    make_sessions,
    transaction,
)
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order
from tests.database_fixtures import (
    engine,
    postgres_template,
    sqlite_template,
)
from tests.databases import ROOT
from tests.gridgov.services.desks import make_small_runtime, put_order
from tests.gridgov.services.receivers import receive_mail
from web.cli.db import check_postgis

__all__ = ["engine", "postgres_template", "sqlite_template"]

WAIT_S = 60
KILLS = 10


def make_environ(url, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIDGOV_")}
    return {**kept, "GRIDGOV_DATABASE_URL": str(url), **more}


def gridgov(*words, environ):
    return subprocess.run(
        [sys.executable, "-m", "web.cli.main", *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def start_worker(environ, log):
    return subprocess.Popen(
        [sys.executable, "-m", "web.cli.main", "worker"], env=environ, stderr=log, text=True
    )


def wait_for(holds, what):
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, f"waited {WAIT_S} s for {what}"
        time.sleep(0.05)


def find_url(engine):
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_small_runtime(tmp_path_factory.mktemp("pack"))


@pytest.fixture
def city(engine, runtime):
    """A database with the small city, one account with an e-mail address, and no orders."""
    sessions = make_sessions(engine)
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        load_pack(session, runtime.city, at=now)
        session.add(
            Account(
                login="a",
                name="a",
                role="street_centre",
                unit_code="110101001",
                person_key="a",
                email="a@example.org",
                created_at=now,
            )
        )
    return sessions


def add_work(sessions, count, port):
    """Add orders that are overdue, and messages that wait for the mail server."""
    now = datetime.now(UTC)
    open_channels(sessions, ServiceSettings(smtp_host="127.0.0.1", smtp_port=port))
    with transaction(sessions) as session:
        for number in range(count):
            order = put_order(
                session,
                f"O{number}",
                state=OrderState.HANDLING,
                state_at=now - timedelta(days=9),
                received_at=now - timedelta(days=9),
                contact_by=now - timedelta(days=8),
                contacted_at=now - timedelta(days=8, hours=1),
                due_at=now - timedelta(days=2),
            )
            notify(
                session,
                at=now,
                topic="dispatched",
                unit_codes=("110101001",),
                say=lambda _language: MessageText(subject="新工单", text="请签收"),
                data={},
                order_no=order.order_no,
                key=f"made:{number}",
            )


def count_waiting(sessions):
    with sessions() as session:
        waiting = sa.select(sa.func.count()).where(Message.delivered_at.is_(None))
        untold = sa.select(sa.func.count()).where(Order.overdue_at.is_(None))
        return session.scalar(waiting) + session.scalar(untold)


def check_told_once(sessions, box, count, *, extra):
    """Check that nothing is lost, and nothing told twice but what was in hand when a worker died."""
    with sessions() as session:
        topics = Counter(
            session.execute(sa.select(Message.topic, Message.channel, Message.unit_code)).all()
        )
        overdue = session.scalars(
            sa.select(LogEntry.subject_no).where(LogEntry.action == "watch_overdue")
        ).all()
        assert verify(session) == []
        assert session.scalar(sa.select(sa.func.count(Message.dead_at))) == 0
    for unit, channel in (("110101001", "app"), ("110101001", "email"), ("110101", "app")):
        assert topics["overdue", channel, unit] == count
    assert Counter(overdue) == {f"O{number}": 1 for number in range(count)}
    sent = Counter(letter["Message-ID"] for letter in box.letters)
    assert len(sent) == 2 * count
    assert sum(sent.values()) <= 2 * count + extra


def test_two_workers_share_the_work_and_stop_when_told(city, engine, tmp_path):
    with receive_mail() as box, (tmp_path / "log").open("w") as log:
        add_work(city, 40, box.port)
        environ = make_environ(
            find_url(engine), GRIDGOV_SMTP_HOST="127.0.0.1", GRIDGOV_SMTP_PORT=str(box.port)
        )
        workers = [start_worker(environ, log) for _ in range(2)]
        try:
            wait_for(lambda: count_waiting(city) == 0, "messages and marks")
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            codes = [worker.wait(WAIT_S) for worker in workers]
        assert codes == [0, 0]
        check_told_once(city, box, 40, extra=0)
    said = (tmp_path / "log").read_text()
    assert said.count("gridgov worker has stopped") == 2
    assert "Traceback" not in said


def test_a_worker_killed_at_any_moment_loses_and_repeats_nothing(city, engine):
    url = find_url(engine)
    with receive_mail() as box:
        add_work(city, 60, box.port)
        arguments = ["worker", url, str(box.port), str(KILLS), "11"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.gridgov.services.kill_works", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.strip(), done.returncode) == (str(KILLS), 0), done.stderr[-2000:]
        environ = make_environ(url, GRIDGOV_SMTP_HOST="127.0.0.1", GRIDGOV_SMTP_PORT=str(box.port))
        done = gridgov("worker", "--once", environ=environ)
        assert done.returncode == 0, done.stderr
        # What the watch of the last round wrote waits for another.
        done = gridgov("worker", "--once", environ=environ)
        assert done.returncode == 0, done.stderr
        assert count_waiting(city) == 0
        check_told_once(city, box, 60, extra=KILLS)


def test_a_database_that_is_empty_older_or_newer_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'g.db'}"
    environ = make_environ(url)
    for words in (("db", "check"), ("worker", "--once")):
        done = gridgov(*words, environ=environ)
        assert (done.returncode, "Run: gridgov db upgrade" in done.stderr) == (2, True)
    assert gridgov("db", "upgrade", environ=environ).stdout.startswith("schema empty → ")
    assert "nothing to do" in gridgov("db", "upgrade", environ=environ).stdout
    for revision, text in (("0001", "older than"), ("9999", "it is newer")):
        with sqlite3.connect(tmp_path / "g.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.close()
        done = gridgov("db", "check", environ=environ)
        assert done.returncode == 2
        assert text in done.stderr
    done = gridgov("db", "upgrade", environ=environ)
    assert (done.returncode, "Use the newer program" in done.stderr) == (2, True)


def test_a_server_that_is_away_and_an_address_that_is_none(tmp_path):
    for url, text in (
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("mysql://x@y/z", "expected sqlite or postgresql"),
    ):
        for words in (("db", "upgrade"), ("worker", "--once")):
            done = gridgov(*words, environ=make_environ(url))
            assert (done.returncode, text in done.stderr) == (2, True), done.stderr
    file = Path(tmp_path) / "no.db"
    file.write_text("this is no database")
    done = gridgov("db", "check", environ=make_environ(f"sqlite:///{file}"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "not a database" in done.stderr


def test_a_locked_sqlite_file_is_said_to_be_locked(tmp_path):
    file = tmp_path / "g.db"
    environ = make_environ(f"sqlite:///{file}")
    assert gridgov("db", "upgrade", environ=environ).returncode == 0
    # One step back, so that there is something to do.
    engine = make_engine(f"sqlite:///{file}")
    command.downgrade(make_config(engine), "-1")
    engine.dispose()
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        done = gridgov("db", "upgrade", environ=environ)
    finally:
        holder.close()
    assert (done.returncode, "SQLite: another program holds the database" in done.stderr) == (
        2,
        True,
    )
    assert gridgov("db", "upgrade", environ=environ).returncode == 0


def test_a_server_without_postgis_says_how_to_get_it(postgres_template):
    made = make_engine(postgres_template)
    check_postgis(made)
    with pytest.raises(DatabaseError, match=r"no PostGIS\. Install it.*apt-get"):
        check_postgis(made, "postgis_that_nobody_has")
    made.dispose()
