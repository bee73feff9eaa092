"""A clock that is set forwards, backwards and back again: nothing is early, nothing stands still, it is all logged."""

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa

from gridgov.rules.message_text import MessageText
from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account, set_code_secret
from gridgov.services.accounts.sign_in import SignInOutcome, try_code, try_password
from gridgov.services.clock import (
    BELIEVED_AFTER_S,
    STEP_S,
    SteadyClock,
    is_stepped_past,
    read_steady_s,
)
from gridgov.services.orders.watch import watch
from gridgov.services.outbox.deliver import deliver_due, notify, open_channels
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.table import JOBS, Job, WorkerContext, run_job
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.city import Unit
from gridgov.storage.models.journal import JobState, Message
from tests.gridgov.services.desks import put_order
from tests.gridgov.services.receivers import receive_mail

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
STEPS = [HOUR, -HOUR, MONTH, -MONTH]
START = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)


class Machine:
    """A machine whose clock is set by hand."""

    def __init__(self) -> None:
        self.steady_s, self.ahead_s = 1000.0, START.timestamp() - 1000.0
        self.clock = SteadyClock(lambda: self.steady_s + self.ahead_s, lambda: self.steady_s)

    def wait(self, seconds: float) -> datetime:
        self.steady_s += seconds
        return self.clock.now()

    def set_by(self, step: timedelta) -> None:
        self.ahead_s += step.total_seconds()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_and_back_is_never_seen_but_told(step, caplog):
    machine = Machine()
    machine.set_by(step)
    for at in range(1, 10):
        assert machine.wait(60) == START + timedelta(minutes=at)
    machine.set_by(-step)
    assert machine.wait(60) == START + timedelta(minutes=10)
    assert [one.getMessage().split(";")[0] for one in caplog.records] == [
        f"the machine's clock was set by {step.total_seconds():+.0f} s",
        "the machine's clock is back where it was",
    ]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_stands_is_taken_over_once(step, caplog):
    machine = Machine()
    machine.set_by(step)
    machine.wait(1)
    machine.wait(BELIEVED_AFTER_S - 1)
    assert machine.wait(0) == START + timedelta(seconds=BELIEVED_AFTER_S)
    assert machine.wait(1) == START + step + timedelta(seconds=BELIEVED_AFTER_S + 1)
    assert machine.wait(1) == START + step + timedelta(seconds=BELIEVED_AFTER_S + 2)
    assert len(caplog.records) == 2
    assert "time goes on" in caplog.records[1].getMessage()


def test_a_clock_that_wanders_is_believed_only_when_it_stands():
    machine = Machine()
    for at in range(1, 60):
        machine.set_by(HOUR)
        assert machine.wait(60) == START + timedelta(minutes=at)


def test_a_correction_is_taken_over_as_it_comes(caplog):
    machine = Machine()
    machine.set_by(timedelta(seconds=STEP_S))
    assert machine.wait(1) == START + timedelta(seconds=STEP_S + 1)
    machine.set_by(timedelta(seconds=-2))
    assert machine.wait(1) == START + timedelta(seconds=STEP_S)
    assert caplog.records == []


def test_the_clock_of_this_machine_is_the_machines():
    assert abs(SteadyClock().now().timestamp() - datetime.now(UTC).timestamp()) < 1
    assert read_steady_s() <= read_steady_s()


def test_many_who_ask_while_it_is_set_see_time_go_on():
    machine, seen, rng = Machine(), [], random.Random(4)  # noqa: S311 - no secret
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            seen.append(machine.clock.now())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        step = rng.choice(STEPS)
        machine.set_by(step)
        machine.steady_s += 0.01
        machine.set_by(-step)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(seen) >= START
    assert max(seen) <= START + timedelta(seconds=4)


@pytest.fixture
def context(engine):
    return WorkerContext(settings=ServiceSettings(), engine=engine)


def make_job(**changes):
    made = Job(name="test", every=HOUR, longest=timedelta(minutes=5), run=lambda *_: {"n": 1})
    return replace(made, **changes)


@pytest.mark.parametrize("ahead", [2 * HOUR, MONTH])
@pytest.mark.parametrize("is_held", [False, True])
def test_no_job_waits_for_a_time_from_before_the_clock_was_set_back(
    context, ahead, is_held, caplog
):
    assert run_job(context, make_job()) == {"n": 1}
    with transaction(context.sessions) as session:
        state = session.get_one(JobState, "job test")
        state.done_at += ahead
        if is_held:
            state.value = {"held_until": (state.done_at + timedelta(minutes=5)).isoformat()}
    assert run_job(context, make_job()) == {"n": 1}
    assert "lies ahead of the clock" in caplog.text
    assert run_job(context, make_job()) is None  # and then it has its rhythm again


def test_a_job_that_another_has_taken_over_is_not_given_back_by_the_first(context):
    def run(*_):
        with transaction(context.sessions) as session:
            state = session.get_one(JobState, "job test")
            state.value = state.value | {"claim": "another"}
        return {"n": 1}

    assert run_job(context, make_job(run=run)) == {"n": 1}
    with context.sessions() as session:
        assert session.get_one(JobState, "job test").value["held_until"] is not None


@pytest.mark.parametrize("step", STEPS)
def test_messages_go_out_once_whatever_the_clock_was(sessions, step):
    with receive_mail() as mail:
        settings = ServiceSettings(smtp_host="127.0.0.1", smtp_port=mail.port)
        open_channels(sessions, settings)
        with transaction(sessions) as session:
            session.add(Unit(unit_code="u", name="单位", kind="desk", path="/u/"))
            session.flush()
            new = NewAccount(
                login="li", name="li", role=Role.OPERATOR, unit_code="u", email="li@mail.example"
            )
            add_account(session, new, password="kettle orbit lantern", now=START)
            for at in range(3):
                notify(
                    session,
                    at=START,
                    topic="t",
                    unit_codes=["u"],
                    say=lambda _: MessageText(subject="s", text="t"),
                    data={},
                    key=str(at),
                )
        # Put off under the stepped clock, as by a mail server that was away then.
        with transaction(sessions) as session:
            session.execute(
                sa.update(Message)
                .where(Message.channel == "email")
                .values(not_before=START + step + timedelta(minutes=1), tries=1)
            )
        now = START + timedelta(minutes=2)
        sent = deliver_due(sessions, settings, now).sent
        later = deliver_due(sessions, settings, now + timedelta(hours=7)).sent
        assert (sent, later) == ((0, 3) if step == HOUR else (3, 0))
        assert len(mail.letters) == 3


@pytest.mark.parametrize("ahead", [HOUR, MONTH])
def test_the_watch_goes_on_after_the_clock_was_set_back(sessions, small_runtime, ahead, caplog):
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        put_order(session, "A-1", contact_by=now - timedelta(minutes=3))
        session.add(JobState(name="watch", done_at=now + ahead, value={}))
    told = watch(sessions, small_runtime, now=now)
    assert told.contact_overdue == 1
    assert "lies ahead of the clock" in caplog.text
    with sessions() as session:
        assert session.get_one(JobState, "watch").done_at == now
        count = session.scalar(sa.select(sa.func.count()).select_from(Message))
    watch(sessions, small_runtime, now=now + timedelta(minutes=1))
    with sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Message)) == count


def test_a_lock_and_a_code_do_not_last_until_a_time_from_before(sessions):
    secret, settings = pyotp.random_base32(), ServiceSettings()
    with transaction(sessions) as session:
        session.add(Unit(unit_code="u", name="单位", kind="desk", path="/u/"))
        session.flush()
        new = NewAccount(login="li", name="li", role=Role.OPERATOR, unit_code="u")
        account = add_account(session, new, password="kettle orbit lantern", now=START)
        account.locked_until = START + MONTH
        tried = try_password(session, "li", "kettle orbit lantern", settings=settings, now=START)
        assert tried.outcome is SignInOutcome.DONE
        step = int(START.timestamp()) // 30
        set_code_secret(session, account, secret, step=step + 86400, now=START)
        code = pyotp.TOTP(secret).generate_otp(step)
        assert (
            try_code(session, account.id, code, settings=settings, now=START).outcome
            is SignInOutcome.DONE
        )
        assert session.get_one(Account, account.id).totp_step == step
        assert (
            try_code(session, account.id, code, settings=settings, now=START).outcome
            is SignInOutcome.WRONG
        )


def test_only_what_lies_further_ahead_than_it_can_is_passed_over():
    assert is_stepped_past(START + HOUR + timedelta(seconds=61), START, HOUR)
    assert not is_stepped_past(START + HOUR + timedelta(seconds=1), START, HOUR)
    assert not is_stepped_past(START + HOUR, START, HOUR)
    assert not is_stepped_past(START - MONTH, START, HOUR)


def test_every_job_may_be_done_at_once_after_a_stop():
    assert all(job.longest > timedelta() and job.every > timedelta() for job in JOBS)
