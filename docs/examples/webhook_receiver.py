"""A receiver of gridgov's webhooks, to start from: checks the signature and the time, takes each message once.

python webhook_receiver.py [PORT], with the secret in GRIDGOV_WEBHOOK_SECRET. Nothing but Python is needed. Keep the
ids in a database of your own instead of in memory, and answer quickly: what is not answered with 2xx within ten seconds
is sent again.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OLDEST_S = 300
"""Messages signed longer ago are refused: somebody may have kept one and sent it again."""
LARGEST = 1_000_000


class Receiver(BaseHTTPRequestHandler):
    """Takes messages; `secret` and `take` are set by :func:`make_server`."""

    secret: str
    take: Callable[[dict[str, Any]], None]
    seen: set[str]

    def do_POST(self) -> None:
        """Check a message and take it."""
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 < length <= LARGEST:
            self._answer(413)
            return
        body = self.rfile.read(length)
        stamp = self.headers.get("X-Gridgov-Timestamp", "")
        signed = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        given = self.headers.get("X-Gridgov-Signature", "")
        if not hmac.compare_digest(signed.hexdigest(), given):
            self._answer(401)
            return
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > OLDEST_S:
            self._answer(401)
            return
        message = json.loads(body)
        if message["message_id"] not in self.seen:
            self.take(message)
            self.seen.add(message["message_id"])
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Write no line a request."""


def make_server(
    port: int, secret: str, take: Callable[[dict[str, Any]], None]
) -> ThreadingHTTPServer:
    """Return a server on this machine that gives each message to `take` once."""
    facts = {"secret": secret, "take": staticmethod(take), "seen": set()}
    return ThreadingHTTPServer(("127.0.0.1", port), type("Own", (Receiver,), facts))


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8099
    with make_server(port, os.environ["GRIDGOV_WEBHOOK_SECRET"], print) as server:
        server.serve_forever()
