"""What a demo asks before minutes of work, and how an earlier one opens again."""

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from gridgov.errors import GridgovError
from web.cli.demo import DemoFiles, check_port, demo, hold_folder, keep_clock, resume


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_named_first_and_nothing_is_made(tmp_path, taken):
    folder = tmp_path / "demo"
    done = CliRunner().invoke(demo, ["--folder", str(folder), "--port", str(taken)])
    assert done.exit_code == 2
    assert f"--port {taken + 1}" in done.output
    assert not folder.exists()


def test_a_free_port_is_left_free():
    check_port("127.0.0.1", 0)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        free = server.getsockname()[1]
    check_port("127.0.0.1", free)
    check_port("127.0.0.1", free)


def test_a_second_demo_leaves_the_first_ones_folder_alone(tmp_path):
    files = DemoFiles(folder=tmp_path)
    files.database.write_text("in use")
    with hold_folder(files):
        done = CliRunner().invoke(demo, ["--folder", str(tmp_path), "--port", "0"])
    assert isinstance(done.exception, GridgovError)
    assert "--folder" in str(done.exception)
    assert files.database.read_text() == "in use"
    with hold_folder(files):  # free again
        pass


def test_an_earlier_demo_goes_on_from_when_it_was_left(tmp_path):
    files = DemoFiles(folder=tmp_path)
    files.database.write_text("rows")
    keep_clock(files, 600)
    yesterday = time.time() - timedelta(days=1).total_seconds()
    os.utime(files.database, (yesterday, yesterday))
    before = datetime.now(UTC)
    settings = resume(files)
    assert settings.clock_behind_min == 600 + 24 * 60
    assert settings.database_url.endswith("gridgov.db")
    assert json.loads(files.clock.read_text())["clock_behind_min"] == 600 + 24 * 60
    os.utime(files.database, (before.timestamp(), before.timestamp()))
    assert resume(files).clock_behind_min == 600 + 24 * 60


def test_without_an_earlier_demo_it_says_so(tmp_path):
    files = DemoFiles(folder=tmp_path)
    with pytest.raises(GridgovError, match="without --again"):
        resume(files)
    keep_clock(files, 0)
    with pytest.raises(GridgovError, match="without --again"):
        resume(files)


def test_again_and_no_serve_exclude_each_other(tmp_path):
    done = CliRunner().invoke(demo, ["--folder", str(tmp_path), "--again", "--no-serve"])
    assert done.exit_code == 2


def test_a_port_beyond_reach_is_a_bad_parameter():
    with pytest.raises(click.BadParameter):
        check_port("192.0.2.1", 8000)  # an address of nobody
