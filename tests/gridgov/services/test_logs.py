"""The log of a process: errors of a real database, of other libraries and of our own, without what people said."""

import logging
import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from gridgov.errors import GridgovError
from gridgov.services.logs import SafeHandler, set_up_logs
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import try_job
from gridgov.services.worker.table import JOBS, WorkerContext

CANARIES = (
    "欧阳海棠",
    "13987654321",
    "139-8765-4321",
    "139 8765 4321",
    "１３９８７６５４３２１",
    "一三九八七六五四三二一",
    "+86 13987654321",
    "11010119900307123X",
    "鼓楼西巷丁九号",
)
SAID = "，".join(CANARIES)


@pytest.fixture
def read_log(capsys):
    """Return what gives the lines written so far."""
    root = logging.getLogger()
    kept = list(root.handlers)
    set_up_logs(logging.INFO)
    yield lambda: capsys.readouterr().err
    root.handlers[:] = kept
    set_up_logs()


def check_clean(text: str) -> None:
    digits = re.sub(r"\D", "", text)
    for canary in CANARIES:
        assert canary not in text
    assert "13987654321" not in digits
    assert "11010119900307123" not in digits


def test_there_is_one_handler_however_often_it_is_set_up(read_log):
    set_up_logs()
    set_up_logs()
    assert sum(isinstance(one, SafeHandler) for one in logging.getLogger().handlers) == 1
    logging.getLogger("gridgov.web").warning("once")
    assert read_log().count("once") == 1


STATEMENTS = {
    "a value of the wrong kind": "INSERT INTO accounts (id, login) VALUES (:said, :said)",
    "a row that is refused": ("INSERT INTO log_heads (chain, position, hash) VALUES (0, 1, :said)"),
    "a row without what it needs": "INSERT INTO appeals (source, appeal_no, text) VALUES ('s', 'n', :said)",
    "no such column": "SELECT nothing_like_it FROM appeals WHERE text = :said",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_database_that_refuses_does_not_tell_what(engine, read_log, statement):
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(statement), {"said": SAID})
    except sa.exc.SQLAlchemyError:
        logging.getLogger("gridgov.web").exception("error at %s", "/orders/<order_no>")
        logging.getLogger("elsewhere").exception("failed for %s", SAID)
    told = read_log()
    assert told.count("test_logs.py") >= 2  # both were refused, and where is told
    assert "Error: (" in told
    check_clean(told)


@pytest.mark.parametrize("kind", [GridgovError, ValueError])
def test_a_job_that_fails_does_not_tell_of_whom(engine, read_log, kind):
    def run(_context, _now):
        raise kind(f"found {SAID!r}, expected a number")

    context = WorkerContext(settings=ServiceSettings(), engine=engine)
    assert not try_job(context, replace(JOBS[0], run=run), is_forced=True)
    told = read_log()
    assert "found …, expected a number" in told
    check_clean(told)


def test_what_others_log_is_cut_to_their_own_words(read_log):
    logging.getLogger("gunicorn.error").warning(
        "Invalid request from ip=%s: %s", "127.0.0.1", f"bad line: {SAID!r}"
    )
    told = read_log()
    assert "Invalid request from ip=127.0.0.1: bad line: …" in told
    check_clean(told)


def test_a_record_that_cannot_be_written_is_not_printed(capsys):
    record = logging.LogRecord("gridgov.web", logging.WARNING, "", 1, "two %s %s", (SAID,), None)
    SafeHandler().handle(record)
    assert capsys.readouterr().err == "a line of gridgov.web could not be logged: TypeError\n"


def test_a_line_stays_a_line(read_log):
    logging.getLogger("gridgov.web").warning("at %s", "/a\n2026-01-01 ERROR forged")
    assert len(read_log().splitlines()) == 1
