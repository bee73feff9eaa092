"""Accounts from the command line, and the served process."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.databases import make_sqlite
from tests.web.pages import DESK, STREET
from web.cli.user import make_password


@pytest.fixture(autouse=True)
def database(seeded_template, tmp_path, monkeypatch):
    url = str(make_sqlite(seeded_template, tmp_path))
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", url)
    return url


def test_account_from_first_to_last(gridgov, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a sentence of mine\n"))
    code, out, _ = gridgov(
        "user",
        "add",
        "wang",
        "--role",
        "dispatcher",
        "--unit",
        DESK,
        "--name",
        "王芳",
        "--password-stdin",
    )
    assert (code, out) == (0, f"wang: dispatcher of {DESK}\n")
    rows = {row["login"]: row for row in json.loads(gridgov("user", "list", "--json")[1])}
    assert rows["wang"]["name"] == "王芳"
    assert rows["wang"]["state"] == "active"
    assert gridgov("user", "disable", "wang")[0] == 0
    assert "disabled" in next(
        line for line in gridgov("user", "list")[1].splitlines() if line.startswith("wang")
    )
    assert gridgov("user", "enable", "wang")[1] == "wang: active\n"


def test_a_token_is_made_shown_once_listed_and_ended(gridgov):
    words = ("user", "token", "operator", "--name", "热线平台", "--scope", "places")
    code, out, _ = gridgov(*words, "--scope", "appeals:write", "--days", "30")
    token = out.strip()
    assert (code, token[:3]) == (0, "gg_")
    listed = gridgov("user", "token", "operator", "--list")[1]
    assert token not in listed
    assert token[:9] in listed
    assert "appeals:write places 热线平台" in listed
    number = listed.split()[0]
    assert (
        gridgov("user", "token", "operator", "--end", number)[1]
        == f"operator: token {number} ended\n"
    )
    assert gridgov("user", "token", "operator", "--list")[1] == ""
    code, _, said = gridgov("user", "token", "operator", "--name", "x")
    assert code == 2
    assert "needs a scope" in said
    assert gridgov("user", "token", "nobody", "--list")[0] == 2


def test_password_is_made_where_nobody_can_type(gridgov, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    _, out, _ = gridgov("user", "add", "li", "--role", "auditor", "--unit", DESK)
    first = out.split("password: ")[1].strip()
    assert len(first) >= 16
    _, out, _ = gridgov("user", "passwd", "li")
    assert out.split("password: ")[1].strip() != first


def test_a_made_password_never_holds_the_login():
    # One letter is in every second random password; it would then be refused.
    assert not [made for _ in range(200) if "a" in (made := make_password("A")).lower()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "zhao", "--role", "auditor", "--unit", "11010100"), f"{STREET} "),
        (("add", "operator", "--role", "auditor", "--unit", DESK), "taken"),
        (("add", "OPERATOR", "--role", "auditor", "--unit", DESK), "taken"),
        (("add", "a b", "--role", "auditor", "--unit", DESK), "letters"),
        (("add", "zhao", "--role", "king", "--unit", DESK), "auditor"),
        (("passwd", "nobody"), "nobody"),
        (("disable", "nobody"), "nobody"),
    ],
)
def test_wrong_words(gridgov, monkeypatch, words, said):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, _, err = gridgov("user", *words)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "my name is zhao", "x" * 201])
def test_weak_passwords(gridgov, monkeypatch, password):
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    code, _, err = gridgov(
        "user", "add", "zhao", "--role", "auditor", "--unit", DESK, "--password-stdin"
    )
    assert code == 2
    assert "password" in err
    assert password not in err


def test_serve_on_an_empty_database_says_what_to_do(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    code, _, err = gridgov("serve")
    assert code == 2
    assert "gridgov db upgrade" in err


def test_served_process_answers_and_stops_when_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "web.cli.main", "serve", "--port", str(port), "--workers", "2"],
        env=os.environ,
        stderr=subprocess.PIPE,
    )
    try:
        answer = None
        while answer is None and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as got:
                    answer = json.load(got)
            except OSError:
                time.sleep(0.2)
        assert answer == {"status": "ok"}
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert b"Traceback" not in said
