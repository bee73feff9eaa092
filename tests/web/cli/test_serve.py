"""The served process under clients that send slowly or not at all, and what it writes of those who send nonsense."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.databases import make_sqlite
from web.slow_clients import FORM_MOST, HEAD_MOST, is_whole

HEAD = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("held", "is_there"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (HEAD + b"Content-Length: 3\r\n\r\nab", False),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", True),
        (HEAD + b"content-LENGTH:3\r\n\r\nabcd", True),
        (HEAD + b"X: 1\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n", True),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (FORM_MOST + 1), True),
        (HEAD + b"Content-Length: %d\r\n\r\n" % FORM_MOST, False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", True),
        (b"x" * (HEAD_MOST + 1), True),
    ],
)
def test_a_request_is_there_when_no_thread_would_wait_for_it(held, is_there):
    assert is_whole(held) is is_there


@pytest.fixture(scope="module")
def served(seeded_template, tmp_path_factory):
    """Port of a served process with few threads, and what it has written so far."""
    folder = tmp_path_factory.mktemp("served")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = folder / "said"
    environ = os.environ | {"GRIDGOV_DATABASE_URL": str(make_sqlite(seeded_template, folder))}
    words = ["serve", "--port", str(port), "--workers", "1", "--threads", "4"]
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.cli.main", *words], env=environ, stderr=stream
        )
    until = time.monotonic() + 60
    while ask(port) != 200 and time.monotonic() < until:
        time.sleep(0.2)
    yield port, said
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def ask(port: int, path: str = "/healthz") -> int:
    """Return the status of a page, 0 where nobody answers in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def open_many(port: int, count: int, begin: bytes) -> list[socket.socket]:
    made = []
    for _ in range(count):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        made[-1].sendall(begin)
    return made


UNFINISHED = {
    "nothing sent": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "half a form": HEAD + b"Content-Length: 1000\r\n\r\na=1",
    "half a second request": (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nX-"
    ),
}


@pytest.mark.parametrize("begin", UNFINISHED.values(), ids=UNFINISHED)
def test_a_hundred_unfinished_requests_stop_nobody(served, begin):
    port, _ = served
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(one) for one in open_many(port, 100, begin)]
        time.sleep(0.5)
        assert [ask(port) for _ in range(5)] == [200] * 5
        # They stay slow, one byte now and then, and still stop nobody.
        for one in slow:
            with contextlib.suppress(OSError):
                one.sendall(b"a")
        assert ask(port) == 200
        assert ask(port, "/sign-in") == 200


def test_who_does_not_finish_is_let_go(served):
    port, _ = served
    (slow,) = open_many(port, 1, UNFINISHED["half a head"])
    began = time.monotonic()
    assert slow.recv(1) == b""
    assert 5 < time.monotonic() - began < 25
    slow.close()


def test_a_request_that_comes_in_parts_is_answered(served):
    port, _ = served
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        for part in (b"GET /healthz HT", b"TP/1.1\r\nHost: localhost\r", b"\n\r", b"\n"):
            slow.sendall(part)
            time.sleep(0.1)
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        # The same connection goes on, and a form comes in parts too.
        slow.recv(10_000)
        slow.sendall(
            HEAD + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na"
        )
        time.sleep(0.1)
        slow.sendall(b"=1&b")
        assert slow.recv(100).startswith(b"HTTP/1.1 400")  # without its proof of origin


def test_nothing_that_was_sent_stands_in_the_log(served):
    port, said = served
    nonsense = "GET /欧阳海棠?q=13812345678 HTTP/9.9\r\n\r\n".encode()
    for begin in (
        nonsense,
        b"\x1b[31mFORGED line 13812345678\r\n\r\n",
        b"GET /a%0aERROR%20forged HTTP/1.1\r\n\r\n",
    ):
        (one,) = open_many(port, 1, begin)
        one.recv(100)
        one.close()
    text = said.read_text("utf-8")
    assert "13812345678" not in text
    assert "欧阳海棠" not in text
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line.startswith("ERROR forged")]
