"""Eight processes that take appeals in one by one at a steady rate, through the service itself."""

import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from gridgov.services.city_runtime import load_runtime
from gridgov.services.intake.checks import NewAppeal
from gridgov.services.intake.take_in import take_in
from gridgov.services.settings import ServiceSettings
from gridgov.storage.counts.sums import recount
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.appeals import Appeal

WARM_UP = 100
"""Appeals that each client takes in before the clock runs: a service in use is not in its first second."""


def run_clients(
    engine: sa.Engine, city: Path, *, rate: int, seconds: int, clients: int
) -> dict[str, Any]:
    """Return how long each appeal took and whether any was lost."""
    context = get_context("spawn")
    ready, answers = context.Barrier(clients + 1), context.Queue()
    url = engine.url.render_as_string(hide_password=False)
    workers = [
        context.Process(
            target=_work,
            args=(url, str(city), ready, answers),
            kwargs={"rate": rate / clients, "seconds": seconds, "number": number},
        )
        for number in range(clients)
    ]
    for one in workers:
        one.start()
    ready.wait()
    start = time.perf_counter()
    found = [answers.get() for _ in workers]
    spent = time.perf_counter() - start
    for one in workers:
        one.join()
    times = np.concatenate([times for times, _sent in found])
    sent = sum(sent for _times, sent in found)
    with make_sessions(engine)() as session:
        kept = session.scalar(sa.select(sa.func.count(Appeal.id))) or 0
        faults = len(recount(session, "Asia/Shanghai"))
    return {
        "clients": clients,
        "sent": sent,
        "kept": kept,
        "lost": sent - kept,
        "count_faults": faults,
        "per_s": round(len(times) / spent, 1),
        "median_ms": round(float(np.median(times)) * 1e3, 1),
        "p95_ms": round(float(np.quantile(times, 0.95)) * 1e3, 1),
    }


def _work(
    url: str, city: str, ready: Any, answers: Any, *, rate: float, seconds: int, number: int
) -> None:
    """Send `rate` appeals a second for some seconds, as the client `number`; answer how long each took."""
    engine = make_engine(url)
    sessions = make_sessions(engine)
    with sessions() as session:
        runtime = load_runtime(ServiceSettings(city=city), session)
    boxes = runtime.city.streets.geometry.representative_point()
    rng = np.random.default_rng(number)
    for at in range(WARM_UP):  # statements are compiled, cells of the points come in
        _take(sessions, runtime, boxes, rng, -1 - number * WARM_UP - at)
    ready.wait()
    times, start = [], time.perf_counter()
    for at in range(int(rate * seconds)):
        due = start + at / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        _take(sessions, runtime, boxes, rng, number * 1_000_000 + at)
        # From the moment at which it was due: a client that lags makes the next one wait too.
        times.append(time.perf_counter() - due)
    answers.put((np.array(times), len(times) + WARM_UP))
    engine.dispose()


def _take(sessions: Any, runtime: Any, points: Any, rng: np.random.Generator, number: int) -> None:
    point = points.iloc[int(rng.integers(len(points)))]
    now = datetime.now(UTC)
    new = NewAppeal(
        received_at=now,
        source="bench",
        appeal_no=f"C{number}",
        text=f"第{number}件：路灯不亮",
        lon=float(point.x),
        lat=float(point.y),
    )
    with transaction(sessions) as session:
        take_in(session, runtime, new, now=now)
