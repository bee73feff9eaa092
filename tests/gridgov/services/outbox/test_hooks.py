"""Webhooks: who may be told, the receiver that the documents show, and what is told once more."""

import importlib.util
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gridgov.errors import NotFoundError
from gridgov.rules.message_text import MessageText
from gridgov.services.outbox.channels import sign
from gridgov.services.outbox.deliver import deliver_due, notify, open_channels
from gridgov.services.outbox.hooks import (
    HookError,
    NewHook,
    add_hook,
    list_hooks,
    replay,
    stop_hook,
)
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.city import Unit
from gridgov.storage.models.journal import LogEntry, Message

ROOT = Path(__file__).resolve().parents[4]
SECRET = "s" * 32
SETTINGS = ServiceSettings(webhook_secret=SECRET)
NOW = datetime.now(UTC)
TEXT = MessageText(subject="新工单", text="请签收")


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    """The receiver refuses what was signed five minutes ago, and a run of all tests is longer."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))


@pytest.fixture(scope="module")
def example():
    """The receiver of the documents, as a module."""
    file = ROOT / "docs/examples/webhook_receiver.py"
    spec = importlib.util.spec_from_file_location("webhook_receiver", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receiver(example):
    """Return its address, what it took, and its server."""
    taken = []
    with example.make_server(0, SECRET, taken.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/told", taken, server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(engine):
    """Return sessions by which webhooks are told, with a unit."""
    sessions = open_channels(make_sessions(engine), SETTINGS)
    with transaction(sessions) as session:
        session.add(Unit(unit_code="U1", name="一", kind="street", path="/U1/"))
    return sessions


def tell(sessions, *keys, at=NOW):
    with transaction(sessions) as session:
        for key in keys:
            notify(
                session,
                at=at,
                topic="dispatched",
                unit_codes=["U1"],
                say=lambda _: TEXT,
                data={},
                key=key,
            )


def add(sessions, url, **more):
    with transaction(sessions) as session:
        return add_hook(session, NewHook(url=url, **more), now=NOW, origin="test").id


def test_what_was_told_is_told_again_under_the_same_ids(told, receiver):
    url, taken, server = receiver
    number = add(told, url)
    tell(told, "e1", "e2")
    tell(told, "old", at=NOW - timedelta(days=2))
    assert deliver_due(told, SETTINGS, NOW).sent == 3
    first = [one["message_id"] for one in taken]
    with transaction(told) as session:
        since, until = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
        assert replay(session, number, since=since, until=until, now=NOW, origin="test") == 2
    assert deliver_due(told, SETTINGS, NOW).sent == 2
    assert len(taken) == 3, "a receiver that has them drops them"
    server.RequestHandlerClass.seen.clear()  # and one that has lost them takes them
    with transaction(told) as session:
        replay(session, number, since=since, until=until, now=NOW, origin="test")
    with told() as session:
        actions = session.scalars(sa.select(LogEntry.action).order_by(LogEntry.id)).all()
    assert deliver_due(told, SETTINGS, NOW).sent == 2
    assert {one["message_id"] for one in taken[3:]} < set(first)
    assert actions == ["add_webhook", "replay_webhook", "replay_webhook"]


def test_what_was_given_up_goes_to_where_the_system_listens_now(told, receiver):
    url, taken, _ = receiver
    number = add(told, "http://127.0.0.1:1/nobody")
    tell(told, "e1")
    settings = ServiceSettings(webhook_secret=SECRET, outbox_tries=1)
    assert deliver_due(told, settings, NOW).dead == 1
    with transaction(told) as session:
        hook = list_hooks(session)[0]
        hook.url = url
        replay(
            session,
            number,
            since=NOW - timedelta(1),
            until=NOW + timedelta(1),
            now=NOW,
            origin="test",
        )
    assert deliver_due(told, SETTINGS, NOW).sent == 1
    assert taken[0]["subject"] == "新工单"


def test_a_stopped_one_hears_no_more_and_begins_again(told, receiver):
    url, taken, _ = receiver
    number = add(told, url)
    with transaction(told) as session:
        stop_hook(session, number, now=NOW, origin="test")
    tell(told, "e1")
    assert add(told, url) == number
    tell(told, "e2")
    deliver_due(told, SETTINGS, NOW)
    assert len(taken) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"url": "ftp://host/x"},
        {"url": "http:///x"},
        {"url": "https://name:secret@host/x"},
        {"url": "http://[broken/x"},
        {"url": "https://host/" + "x" * 2000},
        {"url": "https://host/x", "topic": ""},
        {"url": "https://host/x", "topic": "t" * 33},
        {"url": "https://host/x", "unit_code": "nobody"},
    ],
)
def test_what_cannot_be_meant_is_refused(told, facts):
    with pytest.raises(HookError), transaction(told) as session:
        add_hook(session, NewHook(**facts), now=NOW, origin="test")
    with told() as session:
        assert not list_hooks(session)


def test_there_is_no_such_webhook_and_no_such_span(told):
    with told() as session:
        with pytest.raises(NotFoundError):
            replay(session, 9, since=NOW - timedelta(1), until=NOW, now=NOW, origin="test")
        with pytest.raises(NotFoundError):
            stop_hook(session, 9, now=NOW, origin="test")
    number = add(told, "https://host/x")
    with told() as session, pytest.raises(HookError, match="is no span"):
        replay(session, number, since=NOW, until=NOW, now=NOW, origin="test")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 204),
        ({"X-Gridgov-Signature": "0" * 64}, 401),
        ({"X-Gridgov-Timestamp": "0"}, 401),
        ({"X-Gridgov-Timestamp": "soon"}, 401),
    ],
)
def test_the_receiver_takes_only_what_is_signed_and_new(receiver, change, status):
    url, taken, _ = receiver
    body = b'{"message_id": "1"}'
    stamp = change.get("X-Gridgov-Timestamp", str(int(datetime.now(UTC).timestamp())))
    headers = {
        "X-Gridgov-Timestamp": stamp,
        "X-Gridgov-Signature": sign(body, stamp, SECRET),
    } | change
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            found = answer.status
    except urllib.error.HTTPError as error:
        found = error.code
        error.close()
    assert found == status
    assert bool(taken) is (status == 204)


def test_a_message_row_is_what_is_replayed(told, receiver):
    number = add(told, receiver[0])
    tell(told, "e1")
    with transaction(told) as session:
        # What waits anyway is left as it is.
        assert (
            replay(
                session,
                number,
                since=NOW - timedelta(1),
                until=NOW + timedelta(1),
                now=NOW,
                origin="t",
            )
            == 0
        )
        (row,) = session.scalars(sa.select(Message).where(Message.channel == "webhook")).all()
    assert row.tries == 0
