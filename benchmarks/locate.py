"""The place service: one place in process, many at once, and over HTTP with two workers.

    python -m benchmarks.locate CITY [--points 1000000] [--seconds 5] [--workers 2] [--clients 4]

CITY is a sample city with ``appeals.parquet`` beside its ``city.toml``. Single answers are told in wall time and in
processor time, because the second does not depend on who else uses the machine; so is each HTTP request.
"""

import argparse
import http.client
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from alembic import command

from gridgov.jobs.place_service import Matter, PlaceService
from gridgov.pack.city import City, load_city
from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account
from gridgov.services.accounts.tokens import PER_MINUTE_MAX, NewToken, TokenScope, make_token
from gridgov.services.load.pack import load_pack
from gridgov.storage.db import make_config, make_engine, make_sessions, transaction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("city", type=Path)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    city = load_city(options.city)
    addresses = pd.read_parquet(options.city / "appeals.parquet")["地址"].dropna().astype("str")
    places, on = PlaceService(city=city), datetime.now(UTC).date()
    matter = Matter(item_code=str(city.catalogue.items["item_code"].iloc[-1]))
    points = make_points(city, options.points)

    texts = addresses.head(3_000).tolist()
    for text in texts[:100]:
        places.answer_address(text, on=on, matter=matter)
    tell_single(
        "one address, who answers",
        lambda i: places.answer_address(texts[i], on=on, matter=matter),
        3_000,
    )
    pairs = list(zip(points["lon"][:3_000], points["lat"][:3_000], strict=True))
    tell_single(
        "one point, who answers",
        lambda i: places.answer_point(*pairs[i], on=on, matter=matter),
        3_000,
    )
    tell_batch("points", places, points, on)
    begun = time.process_time()
    places.prepare()
    print(f"prepared for batches in {time.process_time() - begun:.2f} s of processor")
    tell_batch("points", places, points, on)
    asked = pd.DataFrame({"address": addresses, "lon": np.nan, "lat": np.nan})
    tell_batch("addresses", places, asked, on)
    serve_and_ask(options, texts, pairs)


def make_points(city: City, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    west, south, east, north = city.extent.bounds
    lon, lat = rng.uniform(west, east, n), rng.uniform(south, north, n)
    return pd.DataFrame({"address": pd.Series([None] * n, dtype="str"), "lon": lon, "lat": lat})


def tell_single(what: str, answer: Callable[[int], object], n: int) -> None:
    wall, busy = [], []
    for i in range(n):
        begun, worked = time.perf_counter(), time.thread_time()
        answer(i)
        wall.append(time.perf_counter() - begun)
        busy.append(time.thread_time() - worked)
    (p50, p95), (busy50, busy95) = (
        np.percentile(np.array(times) * 1e3, [50, 95]) for times in (wall, busy)
    )
    print(f"{what}: p50 {p50:.2f} ms, p95 {p95:.2f} ms (processor {busy50:.2f}, {busy95:.2f} ms)")


def tell_batch(what: str, places: PlaceService, asked: pd.DataFrame, on: date) -> None:
    begun, worked = time.perf_counter(), time.process_time()
    found = places.answer_rows(asked, on=on)
    wall, busy = time.perf_counter() - begun, time.process_time() - worked
    print(
        f"{len(asked):,} {what}: {len(asked) / wall:,.0f} a second ({len(asked) / busy:,.0f} a processor second), "
        f"{found['street_code'].notna().mean():.1%} in a street"
    )


def serve_and_ask(options: Any, texts: list[str], pairs: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/locate.db"
        token = make_database(url, options.city)
        port = find_port()
        environ = os.environ | {"GRIDGOV_DATABASE_URL": url, "GRIDGOV_SECRET_KEY": "k" * 40}
        words = [
            sys.executable,
            "-m",
            "web.cli.main",
            "serve",
            "--port",
            str(port),
            "--workers",
            str(options.workers),
        ]
        server = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, token)
            addresses = [f"/api/v1/locate?address={quote(text)}" for text in texts]
            coordinates = [f"/api/v1/locate?lon={lon:.6f}&lat={lat:.6f}" for lon, lat in pairs]
            for what, paths in (("points", coordinates), ("addresses", addresses)):
                ask(options, server.pid, port, token, what, paths)
        finally:
            server.terminate()
            server.wait(20)


def make_database(url: str, city: Path) -> str:
    engine = make_engine(url)
    command.upgrade(make_config(engine), "head")
    now = datetime.now(UTC)
    with transaction(make_sessions(engine)) as session:
        pack = load_city(city)
        load_pack(session, pack, at=now)
        desk = pack.units.loc[pack.units["kind"] == "desk", "unit_code"].iloc[0]
        new = NewAccount(
            login="platform", name="", role=Role.OPERATOR, unit_code=desk, oidc_subject="x"
        )
        account = add_account(session, new, password=None, now=now)
        scopes = NewToken(name="benchmark", scopes=[TokenScope.PLACES], per_minute=PER_MINUTE_MAX)
        token = make_token(session, account, scopes, now=now)
    engine.dispose()
    return token


def find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port: int, token: str) -> None:
    for _ in range(600):
        try:
            if (
                call(
                    http.client.HTTPConnection("127.0.0.1", port, timeout=120),
                    "/api/v1/locate?address=x",
                    token,
                )
                == 200
            ):
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not begin")


def call(connection: http.client.HTTPConnection, path: str, token: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def ask_for(seconds: float, port: int, token: str, paths: list[str], seed: int, found: Any) -> None:
    connection, n, times = http.client.HTTPConnection("127.0.0.1", port), 0, []
    order = np.random.default_rng(seed).permutation(len(paths))
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        assert call(connection, paths[order[n % len(paths)]], token) == 200
        times.append(time.perf_counter() - begun)
        n += 1
    found.put(times)


def read_busy_s(pid: int) -> float:
    """Return the processor time of a process and its children so far (proc(5))."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(read_busy_s(int(child)) for child in children)


def ask(options: Any, pid: int, port: int, token: str, what: str, paths: list[str]) -> None:
    for path in paths[:40]:  # each worker compiles what it needs at its first answers
        call(http.client.HTTPConnection("127.0.0.1", port), path, token)
    before = read_busy_s(pid)
    found = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(
            target=ask_for, args=(options.seconds, port, token, paths, seed, found)
        )
        for seed in range(options.clients)
    ]
    for one in clients:
        one.start()
    times = np.concatenate([found.get() for _ in clients])
    for one in clients:
        one.join()
    busy = read_busy_s(pid) - before
    each_s = busy / len(times)
    print(
        f"HTTP, {what}: {len(times) / options.seconds:,.0f} requests a second, "
        f"p95 {np.percentile(times, 95) * 1e3:.1f} ms ({each_s * 1e3:.2f} ms of processor each: "
        f"{options.workers / each_s:,.0f} a second on {options.workers} free cores)"
    )


if __name__ == "__main__":
    main()
