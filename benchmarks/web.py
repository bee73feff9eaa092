"""How fast pages are on a loaded city: each page alone, the map in a browser, and fifty people clicking at once.

Run, on a database that holds a city (``gridgov db upgrade``, ``gridgov load CITY APPEALS --plan``)::

    GRIDGOV_DATABASE_URL=postgresql://… .venv/bin/python -m benchmarks.web [--seconds 120] [--people 50]

As a module: started as a file, its own name would hide the package ``web``.

It starts ``gridgov serve`` itself, with the demo's accounts. Aims on a million orders on PostGIS and two cores, browser
and people included: every page p95 ≤ 300 ms; map ≤ 2 MB over the wire and usable in ≤ 3 s; fifty people for two minutes
without an error, p95 ≤ 800 ms. A person opens a page, reads for two to six seconds, then opens the next.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import requests
import sqlalchemy as sa
from playwright.sync_api import sync_playwright

from gridgov.services.settings import read_settings
from gridgov.storage.db import check_schema, make_engine, make_sessions, transaction
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import Plan
from web.demo.accounts import DEMO_PASSWORD, add_demo_accounts

PORT = 8399
BASE = f"http://127.0.0.1:{PORT}"
READING_S = (2.0, 6.0)
REPEATS = 12
SEED = 7

PAGES = {
    "supervisor": (
        "/today",
        "/today?window=7d",
        "/orders",
        "/orders?clock=overdue",
        "/whistles",
        "/rates",
        "/maps",
    ),
    "dispatcher": (
        "/orders",
        "/orders?window=365d",
        "/orders?state=received",
        "/orders?sort=due_at",
        "/orders?q=停车&window=7d",
        "/search?q=街道",
        "{order}",
        "/orders/new",
    ),
    "street_centre": ("/today", "/orders", "/orders?window=365d", "/maps", "/planning"),
    "planner": (
        "/planning",
        "{street}",
        "/maps",
        "/maps/hotspots",
        "/maps/plans",
        "{plan}",
        "/planning/seasons",
    ),
    "analyst": ("/rates", "/maps?window=365d", "{cells}", "/today", "/planning/reports"),
}
"""Role → pages that it opens."""


@contextmanager
def run_service() -> Iterator[None]:
    """Serve the database of the settings on a port of its own."""
    settings = read_settings()
    engine = check_schema(make_engine(settings.database_url))
    with transaction(make_sessions(engine)) as session:
        add_demo_accounts(session, now=datetime.now(UTC))
        newest = session.scalar(sa.select(sa.func.max(Order.received_at)))
    engine.dispose()
    assert newest is not None, "no orders: gridgov load CITY APPEALS"
    # The clock stands where the data end, so that today and the last thirty days are as full as in service.
    behind = max(0, int((datetime.now(UTC) - newest).total_seconds() // 60))
    process = subprocess.Popen(
        [sys.executable, "-m", "web.cli.main", "serve", "--port", str(PORT)],
        env=os.environ | {"GRIDGOV_DEMO": "true", "GRIDGOV_CLOCK_BEHIND_MIN": str(behind)},
    )
    try:
        wait_until_up(process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_up(process: subprocess.Popen[bytes]) -> None:
    """Wait for the first answer of the service.

    Raises
    ------
    RuntimeError
        It ended, or did not answer within two minutes.
    """
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{BASE}/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError("the service did not start; what it said stands above")


def find_places() -> dict[str, list[str]]:
    """Return addresses of orders, streets and plans that exist."""
    engine = make_engine(read_settings().database_url)
    with make_sessions(engine)() as session:
        newest = sa.select(Order.order_no).order_by(Order.received_at.desc()).limit(200)
        orders = session.scalars(newest).all()
        street_query = sa.select(Order.street_code).where(Order.street_code.is_not(None))
        streets = session.scalars(street_query.order_by(Order.received_at.desc()).limit(200)).all()
        plans = session.scalars(sa.select(Plan.plan_no).limit(50)).all()
    engine.dispose()
    return {
        "order": [f"/orders/{one}" for one in orders],
        "street": [f"/planning/streets/{one}" for one in streets],
        "cells": [f"/maps?street={one}&by=cell" for one in streets],
        "plan": [f"/planning/plans/{one}" for one in plans] or ["/planning"],
    }


def sign_in(role: str) -> requests.Session:
    """Return a client that is signed in."""
    client = requests.Session()
    page = client.get(f"{BASE}/sign-in", timeout=30).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {"login": f"demo.{role}", "password": DEMO_PASSWORD, "csrf_token": token.group(1)}
    answer = client.post(f"{BASE}/sign-in", data=form, timeout=30)
    assert "/sign-in" not in answer.url, f"{role} could not sign in"
    return client


def choose(path: str, places: dict[str, list[str]], rng: random.Random) -> str:
    """Return a path with its place filled in."""
    return rng.choice(places[path[1:-1]]) if path.startswith("{") else path


def measure_pages(
    places: dict[str, list[str]], roles: list[str]
) -> Iterator[tuple[str, float, float, float, int]]:
    """Give (page, median ms, p95 ms, KB over the wire, wrong answers) of each page, opened one after the other."""
    rng = random.Random(SEED)  # noqa: S311 - choices of pages
    for role in roles:
        client = sign_in(role)
        for path in PAGES[role]:
            times, sizes, wrong = [], [], 0
            for at in range(REPEATS + 2):
                started = time.perf_counter()
                answer = client.get(BASE + choose(path, places, rng), timeout=60, stream=True)
                size = len(answer.raw.read(decode_content=False))
                if at >= 2:  # the first two fill caches, as the first visitor of the day does
                    times.append((time.perf_counter() - started) * 1e3)
                    sizes.append(size / 1e3)
                wrong += answer.status_code != 200
            median, p95 = np.percentile(times, [50, 95])
            yield f"{role} {path}", float(median), float(p95), max(sizes), wrong


def measure_map(path: str) -> tuple[float, float]:
    """Return (seconds until a map can be used, MB over the wire) in a browser with an empty cache."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{BASE}/sign-in")
        page.fill("#login", "demo.planner")
        page.fill("#password", DEMO_PASSWORD)
        page.click("form[action^='/sign-in'] button[type=submit]")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        fresh = browser.new_context(viewport={"width": 1440, "height": 900})
        fresh.add_cookies(page.context.cookies())
        page = fresh.new_page()
        wire = fresh.new_cdp_session(page)
        wire.send("Network.enable")
        sizes: list[float] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        started = time.perf_counter()
        page.goto(BASE + path, wait_until="commit")
        page.wait_for_selector(".leaflet-overlay-pane path, .leaflet-overlay-pane canvas")
        page.wait_for_load_state("load")
        seconds = time.perf_counter() - started
        page.wait_for_timeout(1_000)
        browser.close()
    return seconds, sum(sizes) / 1e6


def click(
    role: str,
    until: float,
    places: dict[str, list[str]],
    *,
    seed: int,
    said: dict[str, list[float]],
) -> None:
    """Be one person: open, read, open the next."""
    rng = random.Random(seed)  # noqa: S311 - choices of pages
    client = sign_in(role)
    time.sleep(rng.uniform(0, READING_S[1]))
    while time.monotonic() < until:
        path = rng.choice(PAGES[role])
        started = time.perf_counter()
        try:
            status = client.get(BASE + choose(path, places, rng), timeout=60).status_code
        except requests.RequestException:
            status = 599
        said["ms"].append((time.perf_counter() - started) * 1e3)
        if status != 200:
            said["wrong"].append(status)
        time.sleep(rng.uniform(*READING_S))


def measure_crowd(
    people: int, seconds: float, places: dict[str, list[str]]
) -> dict[str, list[float]]:
    """Return the times of all answers and the wrong statuses of `people` who click for `seconds`."""
    said: dict[str, list[float]] = defaultdict(list)
    until = time.monotonic() + seconds
    roles = list(PAGES)
    threads = [
        threading.Thread(
            target=click,
            args=(roles[at % len(roles)], until, places),
            kwargs={"seed": at, "said": said},
        )
        for at in range(people)
    ]
    for thread in threads:
        thread.start()
        time.sleep(
            0.1
        )  # a shift does not sign in within one second: hashing a password takes a core for 50 ms
    for thread in threads:
        thread.join()
    return said


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--role", choices=tuple(PAGES), help="Only the pages of one role.")
    parser.add_argument("--only", choices=("pages", "map", "crowd"))
    chosen = parser.parse_args()
    places = find_places()
    roles = [chosen.role] if chosen.role else list(PAGES)
    with run_service():
        if chosen.only in {None, "pages"}:
            print(f"{'page':<44} {'median':>8} {'p95':>8} {'KB':>8}  wrong")
            for name, median, p95, size, wrong in measure_pages(places, roles):
                print(
                    f"{name:<44} {median:>6.0f}ms {p95:>6.0f}ms {size:>8.1f}  {wrong}", flush=True
                )
        if chosen.only in {None, "map"}:
            for path in ("/maps", places["cells"][0], "/maps/hotspots"):
                seconds, size = measure_map(path)
                print(f"{path}: usable in {seconds:.2f} s, {size:.2f} MB over the wire")
        if chosen.only in {None, "crowd"}:
            said = measure_crowd(chosen.people, chosen.seconds, places)
            p50, p95 = np.percentile(said["ms"], [50, 95])
            print(
                f"{chosen.people} people, {chosen.seconds:.0f} s: {len(said['ms'])} pages, {len(said['wrong'])} wrong, "
                f"median {p50:.0f} ms, p95 {p95:.0f} ms, longest {max(said['ms']):.0f} ms"
            )


if __name__ == "__main__":
    main()
