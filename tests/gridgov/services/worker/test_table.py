"""Jobs and their claim: each is done once, whoever and however many try, whatever happened to the last one."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from procrastinate.exceptions import AlreadyEnqueued

from geodata.versions import VersionState
from gridgov.errors import GridgovError
from gridgov.pack.city import load_city
from gridgov.services.load.pack import load_pack
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import run_loop, run_once
from gridgov.services.worker.queue import tick
from gridgov.services.worker.table import JOBS, Job, WorkerContext, run_job
from gridgov.storage.db import transaction
from gridgov.storage.models.city import BoundaryVersion
from gridgov.storage.models.journal import JobState
from tests.gridgov.packs import TOML, write_pack


@pytest.fixture
def context(engine):
    return WorkerContext(settings=ServiceSettings(), engine=engine)


def make_job(run, *, every=timedelta(hours=1), longest=timedelta(minutes=5)):
    return Job(name="test", every=every, longest=longest, run=run)


def test_of_many_at_once_one_does_the_job(context):
    done, barrier = [], threading.Barrier(6)
    job = make_job(lambda *_: {"done": done.append(1)})

    def work():
        barrier.wait()
        run_job(context, job)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_a_job_that_runs_is_nobody_elses(context):
    inner = []

    def run(*_):
        inner.append(run_job(context, job, is_forced=True))
        return {"n": 1}

    job = make_job(run)
    assert run_job(context, job) == {"n": 1}
    assert inner == [None]
    assert run_job(context, job) is None  # it has just been done
    assert run_job(context, job, is_forced=True) == {"n": 1}


def test_a_job_that_fails_is_free_again(context):
    def fail(*_):
        raise GridgovError("no")

    with pytest.raises(GridgovError):
        run_job(context, make_job(fail))
    assert run_job(context, make_job(lambda *_: {"n": 1}), is_forced=True) == {"n": 1}
    assert run_once(context, [make_job(fail)]) == ["test"]


def test_whoever_died_with_a_job_holds_it_no_longer_than_allowed(context):
    class Killed(BaseException):
        pass

    def die(*_):
        # As after kill -9: the claim stands, nobody frees it.
        with transaction(context.sessions) as session:
            held.update(session.get_one(JobState, "job test").value)
        raise Killed

    held = {}
    with pytest.raises(Killed):
        run_job(context, make_job(die, longest=timedelta(seconds=-1)))
    with transaction(context.sessions) as session:
        session.get_one(JobState, "job test").value = dict(held)
    assert run_job(context, make_job(lambda *_: {"n": 1}), is_forced=True) == {"n": 1}


def test_the_loop_does_each_job_in_its_time_and_stops(context):
    stop, done = threading.Event(), []

    def run(*_):
        done.append(1)
        if len(done) == 3:
            stop.set()
        return {}

    run_loop(context, stop, [make_job(run, every=timedelta(milliseconds=20))])
    assert len(done) == 3


@pytest.mark.parametrize(("hour", "is_due"), [(23, False), (1, True)])
def test_boundaries_come_into_force_on_their_day_in_the_city(
    context, tmp_path, monkeypatch, hour, is_due
):
    zone = ZoneInfo("Asia/Shanghai")
    before, day = datetime(2024, 6, 1, tzinfo=zone), datetime(2024, 6, 30, hour, tzinfo=zone)
    now = day + timedelta(days=is_due)
    city = load_city(write_pack(tmp_path / "now", TOML))
    later = TOML.replace(
        'datum = "WGS84"\n', 'datum = "WGS84"\nversion = "next"\nvalid_from = 2024-07-01\n', 1
    )
    with transaction(context.sessions) as session:
        load_pack(session, city, at=before)
        load_pack(session, load_city(write_pack(tmp_path / "next", later)), at=before)
        context.settings = replace(context.settings, city=tmp_path / "next")
    monkeypatch.setattr(WorkerContext, "get_now", lambda _context: now)
    (job,) = (one for one in JOBS if one.name == "boundaries")
    assert run_job(context, job) == {"boundaries": int(is_due), "moved": 0}
    with context.sessions() as session:
        chosen = sa.select(BoundaryVersion.state).where(BoundaryVersion.version == "next")
        wanted = VersionState.ACTIVE if is_due else VersionState.INACTIVE
        assert session.scalar(chosen) is wanted


class Ticks:
    """Stands where the library's application is asked to queue a job, and counts."""

    def __init__(self) -> None:
        self.queued: list[str] = []

    def configure_task(self, name, **options):
        assert options == {"queue": "gridgov", "queueing_lock": "test"}
        self.queued.append(name)
        return self

    async def defer_async(self) -> None:
        if len(self.queued) == 2:
            raise AlreadyEnqueued


def test_a_job_is_queued_at_once_and_in_its_rhythm_by_no_clock():
    ticks = Ticks()

    async def run():
        task = asyncio.create_task(tick(ticks, make_job(None, every=timedelta(milliseconds=20))))
        while len(ticks.queued) < 4:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    # a thread of its own: a browser test of the same worker may have left a loop running in this one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result(timeout=30)
    assert set(ticks.queued) == {"gridgov.test"}
