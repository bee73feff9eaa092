"""``gridgov audit verify``: content where the log is whole, exit 1 and the place where it is not."""

import gc
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from click.testing import CliRunner

from gridgov.errors import GridgovError
from gridgov.storage.audit import log as audit
from gridgov.storage.db import SchemaError, make_config, make_engine, make_sessions
from web.cli.audit import audit as command_line
from web.cli.main import cli


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    engine = make_engine(f"sqlite:///{tmp_path / 'gridgov.db'}")
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", engine.url.render_as_string())
    command.upgrade(make_config(engine), "head")
    with make_sessions(engine).begin() as session:
        for number in range(3):
            audit.record(
                session,
                at=datetime(2026, 1, 1, tzinfo=UTC),
                action="receive",
                subject_kind="order",
                subject_no=str(number),
                before=None,
                after={"n": number},
                actor=None,
            )
    return engine


def test_a_whole_log(database: sa.Engine) -> None:
    result = CliRunner().invoke(command_line, ["verify"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "3 entries, no fault")
    facts = json.loads(CliRunner().invoke(command_line, ["verify", "--json"]).output)
    assert (facts["entries"], facts["faults"], len(facts["heads"])) == (3, [], audit.CHAINS)
    database.dispose()


def test_an_altered_entry(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER log_entries_update"))
        connection.execute(sa.text("UPDATE log_entries SET action = 'x' WHERE position = 2"))
    result = CliRunner().invoke(command_line, ["verify"])
    assert result.exit_code == 1
    assert "position 2: altered: entry of order 1" in result.output
    assert result.output.splitlines()[-1] == "3 entries, 1 faults"
    database.dispose()


@pytest.mark.skipif(sys.platform != "linux", reason="open files are listed in /proc")
def test_no_connection_stays_open(
    database: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.dispose()
    commands = [("audit", "verify"), ("db", "check", "--deep"), ("db", "upgrade"), ("user", "list")]
    codes = [_run_and_look(words, tmp_path) for words in commands]
    assert codes == [0, 1, 0, 0]  # the orders of the log are not there
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    codes = [_run_and_look(words, tmp_path) for words in [*commands[:2], commands[3]]]
    assert 0 not in codes


def _run_and_look(words: tuple[str, ...], folder: Path) -> int:
    gc.collect()
    gc.disable()  # what is only let go would be closed by chance
    try:
        result = CliRunner().invoke(cli, words)
        files = [file for file in Path("/proc/self/fd").iterdir() if file.exists()]
        opened = [str(file.readlink()) for file in files]
    finally:
        gc.enable()
    assert [file for file in opened if file.startswith(str(folder))] == []
    return result.exit_code


def test_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    result = CliRunner().invoke(command_line, ["verify"])
    assert isinstance(result.exception, SchemaError)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_heads_kept_elsewhere(database: sa.Engine, tmp_path: Path, form: tuple[str, ...]) -> None:
    kept = tmp_path / "heads"
    kept.write_text(CliRunner().invoke(command_line, ["verify", *form]).output, encoding="utf-8")
    result = CliRunner().invoke(command_line, ["verify", "--against", str(kept)])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "3 entries, no fault")
    # Somebody empties the log and writes it anew, whole in itself.
    with database.begin() as connection:
        names = connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in list(names):
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        connection.execute(sa.text("DELETE FROM log_entries"))
        empty = {"hash": bytes(32)}
        connection.execute(sa.text("UPDATE log_heads SET position = 0, hash = :hash"), empty)
    assert CliRunner().invoke(command_line, ["verify"]).exit_code == 0
    result = CliRunner().invoke(command_line, ["verify", "--against", str(kept)])
    assert result.exit_code == 1
    assert "rewritten: the entry that was the last one then is gone" in result.output
    database.dispose()


def test_a_file_without_heads_is_refused(database: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text("nothing", encoding="utf-8")
    result = CliRunner().invoke(command_line, ["verify", "--against", str(file)])
    assert isinstance(result.exception, GridgovError)
    assert "no heads in it" in str(result.exception)
    database.dispose()


def test_orders_that_are_not_there_are_told(database: sa.Engine) -> None:
    result = CliRunner().invoke(command_line, ["reconcile"])
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "3 faults"
    assert "0: the log has entries of it, the order is gone" in result.output
    facts = json.loads(CliRunner().invoke(command_line, ["reconcile", "--json"]).output)
    assert [one["order_no"] for one in facts] == ["0", "1", "2"]
    database.dispose()
