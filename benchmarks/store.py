"""Storage on PostGIS: COPY, bulk intake, lists, counts and ranking over ten million orders, intake by eight clients.

Run, with a server of its own that waits for its disk
(``GRIDGOV_TEST_PORT=54400 GRIDGOV_TEST_CLUSTER=/tmp/bench script/postgres start --durable``):

    python -m benchmarks.store copy   --server URL [--rows 1000000]
    python -m benchmarks.store intake --server URL --city PACK [--file APPEALS]
    python -m benchmarks.store fill   --server URL [--orders 10000000]      # keeps the database bench_big
    python -m benchmarks.store read   --server URL                          # of what fill made
    python -m benchmarks.store clients --server URL --city PACK [--rate 200] [--seconds 60] [--clients 8]

Goals: COPY of a million bare rows at 800,000/s and 10 times ``to_postgis`` of the same run; full intake of a
million appeals in under 3 minutes; p95 of the list of a street 50 ms, of a map's counts 50 ms, of a month's ranking
300 ms; 200 appeals/s by eight clients for a minute, none lost, p95 150 ms.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session, sessionmaker
from store_clients import run_clients
from store_data import fill
from store_questions import QUESTIONS, Question

from gridgov.pack.city import load_city
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.services.load.pack import load_pack
from gridgov.storage.bulk.insert import insert_frame
from gridgov.storage.counts.sums import recount
from gridgov.storage.db import make_config, make_engine, make_sessions, transaction
from gridgov.storage.models.orders import Order
from gridgov.storage.types import Geom, Instant

BIG = "bench_big"
REPEATS = 200
BARE = sa.Table(
    "bare_appeals",
    sa.MetaData(),
    sa.Column("appeal_no", sa.BigInteger),
    sa.Column("received_at", Instant),
    sa.Column("item", sa.Integer),
    sa.Column("point", Geom("POINT")),
)
"""What ``to_postgis`` can take too: a number, a time, an item, a point."""


@contextmanager
def new_database(server: str, name: str, *, kept: bool = False) -> Iterator[sa.Engine]:
    """Give an empty migrated database, dropped at the end unless it is kept."""
    admin = make_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine = make_engine(admin.url.set(database=name))
    command.upgrade(make_config(engine), "head")
    try:
        yield engine
    finally:
        engine.dispose()
        if not kept:
            with admin.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def measure(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bench_copy(server: str, rows: int) -> dict[str, Any]:
    """Measure COPY from arrays into a bare table, and ``to_postgis`` of a tenth of it."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(115.5, 117.4, rows), rng.uniform(39.5, 41.0, rows)
    frame = pd.DataFrame(
        {
            "appeal_no": np.arange(rows),
            "received_at": pd.to_datetime(rng.integers(1.6e15, 1.76e15, rows), unit="us", utc=True),
            "item": rng.integers(0, 2640, rows).astype(np.int32),
            "point_lon": lon,
            "point_lat": lat,
        }
    )
    with new_database(server, "bench_copy") as engine:
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "CREATE TABLE bare_appeals (appeal_no bigint, received_at timestamptz, item int, "
                    "point geometry(Point, 4326))"
                )
            )
        with transaction(make_sessions(engine)) as session:
            insert_frame(session, BARE, frame.iloc[:1000])  # compiles the loops
        seconds = min(measure(lambda: _copy(engine, frame)) for _ in range(3))
        few = frame.iloc[: rows // 10]
        points = gpd.points_from_xy(few["point_lon"], few["point_lat"], crs="EPSG:4326")
        shapes = gpd.GeoDataFrame(few[["appeal_no", "received_at", "item"]], geometry=points)
        peer = measure(lambda: shapes.to_postgis("peer", engine))
    speed, peer_speed = rows / seconds, len(few) / peer
    return {
        "rows": rows,
        "copy_rows_per_s": round(speed),
        "to_postgis_rows_per_s": round(peer_speed),
        "times_to_postgis": round(speed / peer_speed, 1),
    }


def _copy(engine: sa.Engine, frame: pd.DataFrame) -> None:
    with transaction(make_sessions(engine)) as session:
        insert_frame(session, BARE, frame)


def bench_intake(server: str, city_path: Path, file: Path) -> dict[str, Any]:
    """Measure the full intake of a file; the pack's compiled parts are there before."""
    city = load_city(city_path)
    _ = city.territory, city.geocoder
    now = datetime.now(UTC)
    with new_database(server, "bench_intake") as engine:
        sessions = make_sessions(engine)
        with transaction(sessions) as session:
            load_pack(session, city, at=now)
        start = time.perf_counter()
        options = LoadOptions(source="bench", as_of=now, salt="bench")
        result = load_appeals(sessions, city, file, options=options)
        seconds = time.perf_counter() - start
        with sessions() as session:
            faults = len(recount(session, city.settings.timezone))
            orders = session.scalar(sa.select(sa.func.count(Order.id)))
    return {
        "read": result.read,
        "added": result.added,
        "orders": orders,
        "count_faults": faults,
        "seconds": round(seconds, 1),
        "stages": {name: round(one, 1) for name, one in result.seconds.items()},
    }


def bench_fill(server: str, orders: int) -> dict[str, Any]:
    """Make the large database and keep it."""
    with new_database(server, BIG, kept=True) as engine:
        return {"orders": orders, "seconds": round(measure(lambda: fill(engine, orders)), 1)}


def ask_often(sessions: sessionmaker[Session], question: Question) -> list[float]:
    """Return the seconds of each answer after the first five, every question in a session of its own as a page's is."""
    rng = np.random.default_rng(3)
    times = []
    for _ in range(5 + REPEATS):
        with sessions() as session:
            times.append(measure(lambda: question.ask(session, rng)))
    return times[5:]


def bench_read(server: str) -> dict[str, Any]:
    """Measure what pages ask of the large database, each question :data:`REPEATS` times, first answers left out."""
    engine = make_engine(make_engine(server).url.set(database=BIG))
    sessions = make_sessions(engine)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT reltuples FROM pg_class WHERE relname = 'orders'")
        )
        found: dict[str, Any] = {"orders": int(rows.scalar() or 0)}
    for question in QUESTIONS:
        times = ask_often(sessions, question)
        found[question.name] = {
            "median_ms": round(float(np.median(times)) * 1e3, 1),
            "p95_ms": round(float(np.quantile(times, 0.95)) * 1e3, 1),
            "goal_ms": question.goal_ms,
        }
    engine.dispose()
    return found


def bench_clients(server: str, city: Path, **how: int) -> dict[str, Any]:
    """Measure intake of single appeals by several processes at a steady rate."""
    with new_database(server, "bench_clients") as engine:
        pack = load_city(city)
        _ = pack.territory
        with transaction(make_sessions(engine)) as session:
            load_pack(session, pack, at=datetime.now(UTC))
        return run_clients(engine, city, **how)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["copy", "intake", "fill", "read", "clients"])
    parser.add_argument("--server", required=True)
    parser.add_argument("--city", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "copy": lambda: bench_copy(given.server, given.rows),
        "intake": lambda: bench_intake(
            given.server, given.city, given.file or given.city / "appeals.parquet"
        ),
        "fill": lambda: bench_fill(given.server, given.orders),
        "read": lambda: bench_read(given.server),
        "clients": lambda: bench_clients(
            given.server,
            given.city,
            rate=given.rate,
            seconds=given.seconds,
            clients=given.clients,
        ),
    }
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({"part": given.part, **parts[given.part](), "machine": machine}, indent=1))


if __name__ == "__main__":
    main()
