"""Requests come to a thread only when they are there: who sends slowly waits with others who do, and is let go.

Gunicorn gives a connection a thread as soon as a byte has come, and the thread waits for the rest: as many unfinished
requests as there are threads stop the service ("Slowloris"). Here the loop that nobody blocks collects the head and an
ordinary form first; larger bodies are read by their thread, which gives up where nothing more comes.
"""

import re
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_S = 10.0
"""How long the head of a request may take [A]."""
BODY_S = 30.0
"""How long a form may take after its head [A]."""
SILENT_S = 20
"""How long a thread waits for the next bytes of a large body, or for a client to take more of an answer [A]."""
FORM_MOST = 1024 * 1024
"""Bytes of a body that is collected before a thread has it."""
HEAD_MOST = 64 * 1024
"""Of an unfinished head; the parser refuses one so large."""
READ = 64 * 1024
FULL_SHARE = 0.8
"""Of all connections that there may be; above it those that wait longest are let go."""

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_EXPECT = re.compile(rb"^expect:", re.IGNORECASE | re.MULTILINE)


def is_whole(held: bytes | bytearray) -> bool:
    """Tell whether a thread can take a request over without waiting: its head is there, and its form if it has one."""
    end = held.find(b"\r\n\r\n")
    if end < 0:
        return len(held) > HEAD_MOST
    head = bytes(held[:end])
    length = _LENGTH.search(head)
    # Whoever expects to be told to go on sends nothing before that.
    if length is None or _EXPECT.search(head):
        return True
    size = int(length[1])
    return size > FORM_MOST or len(held) - end - 4 >= size


class WaitingConnection:
    """A connection whose request is not there yet."""

    def __init__(self, conn: TConn) -> None:
        self.conn = conn
        self.held = bytearray(conn.parser.unreader.take_buffered())
        self.since_s = time.monotonic()
        self.head_is_there = False

    def get_end_s(self) -> float:
        """Return when it is let go."""
        return self.since_s + (HEAD_S + BODY_S if self.head_is_there else HEAD_S)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's worker with threads, behind a loop that waits for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[int, WaitingConnection] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Let a connection wait until its request is there, then give it a thread."""
        if not conn.initialized:
            limit = struct.pack("ll", SILENT_S, 0)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, option, limit)
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
            conn.initialized = conn.data_ready = True
        one = WaitingConnection(conn)
        conn.sock.settimeout(0)
        if is_whole(one.held):
            self.hand_over(one)
            return
        self.waiting[id(one)] = one
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.read_more, one))

    def read_more(self, one: WaitingConnection, _socket: object) -> None:
        """Take what has come."""
        try:
            part = one.conn.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self.let_go(one)
            return
        one.held += part
        one.head_is_there = one.head_is_there or b"\r\n\r\n" in one.held
        if is_whole(one.held):
            self.forget(one)
            self.hand_over(one)

    def hand_over(self, one: WaitingConnection) -> None:
        """Give a thread a request that is there."""
        one.conn.parser.unreader.unread(bytes(one.held))
        super().enqueue_req(one.conn)

    def forget(self, one: WaitingConnection) -> None:
        """Wait for it no longer."""
        del self.waiting[id(one)]
        self.poller.unregister(one.conn.sock)

    def let_go(self, one: WaitingConnection) -> None:
        """Close a connection whose request did not come."""
        self.forget(one)
        self.nr_conns -= 1
        one.conn.close()

    def murder_pending(self) -> None:
        """Let go who takes too long, and where it gets crowded who has waited longest."""
        super().murder_pending()
        now_s = time.monotonic()
        crowd = self.nr_conns - int(self.worker_connections * FULL_SHARE)
        for at, one in enumerate(list(self.waiting.values())):
            if not self.alive or at < crowd or one.get_end_s() <= now_s:
                self.let_go(one)
