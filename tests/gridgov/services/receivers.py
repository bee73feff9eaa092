"""Real servers on loopback that take in what the outbox sends: SMTP and HTTP."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mailbox:
    """What came in, and what the server shall answer to the recipient."""

    port: int = 0
    refuse: str = ""
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@dataclass
class Hook:
    """What was posted, and with which status to answer."""

    url: str = ""
    status: int = 200
    location: str = ""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to leave a letter."""

    def handle(self) -> None:
        box: Mailbox = self.server.box
        self._say("220 test")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            word = line.upper()
            if word.startswith("DATA"):
                self._take_letter(box)
            elif word.startswith("RCPT") and box.refuse:
                self._say(box.refuse)
            elif word.startswith("QUIT"):
                self._say("221 bye")
                return
            else:
                if word.startswith("RCPT"):
                    box.recipients.append(line.split("<")[1].split(">")[0])
                self._say("250 ok")

    def _take_letter(self, box: Mailbox) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return  # whoever sends has died: half a letter is none
            lines.append(line.removeprefix(b"."))
        box.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hook: Hook = self.server.box
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hook.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(hook.status)
        if hook.location:
            self.send_header("Location", hook.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class _SmtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def receive_mail() -> Iterator[Mailbox]:
    """Give the mailbox of a mail server that runs meanwhile."""
    box = Mailbox()
    with _SmtpServer(("127.0.0.1", 0), _Smtp) as server, _running(server, box):
        box.port = server.server_address[1]
        yield box


@contextmanager
def receive_posts() -> Iterator[Hook]:
    """Give what a web server that runs meanwhile is told."""
    hook = Hook()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Post) as server, _running(server, hook):
        hook.url = f"http://127.0.0.1:{server.server_address[1]}/told"
        yield hook


@contextmanager
def _running(server: socketserver.BaseServer, box: object) -> Iterator[None]:
    server.box = box
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
