"""The service as people meet it: served in a thread, opened in Debian's Chromium, watched for what it loads."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request
from werkzeug.serving import WSGIRequestHandler, make_server

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desk": (1440, 900), "wall": (1920, 1080), "phone": (390, 844)}
SERIOUS = {"serious", "critical"}


def open_browser(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class QuietHandler(WSGIRequestHandler):
    def log_request(self, *_args) -> None:
        """Say nothing of each request; what goes wrong is seen in the browser."""


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    """Serve an application on a free port of this host and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    # Streams (live updates) must not keep the test from ending.
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@dataclass
class Visit:
    """One page of the browser and all that went wrong in it.

    ``problems`` holds console errors, faults of scripts, requests to other hosts and answers of 500 and above.
    """

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("request", self._see)
        self.page.on("response", self._judge)

    def _hear(self, message) -> None:
        if message.type not in {"error", "warning"}:
            return
        # The browser itself reports a status such as 422 as an error; it is one only where it is not expected.
        if "status of" in message.text and any(
            f"status of {code}" in message.text for code in self.expected_statuses
        ):
            return
        self.problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        own = parts.scheme in {"data", "blob", "about"} or request.url.startswith(self.base + "/")
        if not own:
            self.problems.append(f"foreign host: {request.url}")

    def _judge(self, response) -> None:
        if response.status >= 500 and response.status not in self.expected_statuses:
            self.problems.append(f"status {response.status}: {response.url}")

    def go(self, path: str, *, status: int = 200) -> Page:
        """Open a path and wait until it is quiet."""
        self.expected_statuses.add(status)
        answer = self.page.goto(self.base + path, wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        return self.page

    def sign_in(self, login: str, password: str) -> None:
        self.go("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", password)
        self.page.click("form[action^='/sign-in'] button[type=submit]")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def check(self) -> None:
        """Fail on anything that went wrong, and on serious findings of axe-core."""
        assert not self.problems, "\n".join(self.problems)
        findings = find_barriers(self.page)
        assert not findings, "\n".join(findings)
        overflow = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 1, f"{overflow} px wider than the window: {find_wide(self.page)}"


def find_wide(page: Page) -> list[str]:
    """Return the elements that reach beyond the right edge of the window, the innermost last."""
    return page.evaluate(
        """() => {
        const edge = document.documentElement.clientWidth + 1;
        const clipped = ".leaflet-container, .mapbox, .map-box, .scroll";
        const right = (one) => one.getBoundingClientRect().right | 0;
        return [...document.body.querySelectorAll("*")]
            .filter((one) => !one.closest(clipped) && right(one) > edge)
            .map((one) => `${one.tagName}.${one.className} ${right(one)}`).slice(-8);
        }"""
    )


def find_barriers(page: Page) -> list[str]:
    """Return serious and critical findings of axe-core, one line each."""
    # Evaluated by the debugger, so the policy of the page does not stand in the way.
    page.evaluate(AXE.read_text("utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:160]} {json.dumps(node['target'])}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def open_context(browser: Browser, size: str, **options) -> BrowserContext:
    """Return a fresh browser profile of one of the sizes."""
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        is_mobile=size == "phone",
        has_touch=size == "phone",
        color_scheme="light",
        **options,
    )
