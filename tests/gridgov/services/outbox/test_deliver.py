"""Messages: one row per recipient, sent to real servers on loopback, at least once, never twice without a crash."""

import hmac
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import NotFoundError
from gridgov.rules.message_text import MessageText
from gridgov.rules.orders.transitions import Role
from gridgov.services.outbox.deliver import (
    LEASE,
    Delivered,
    deliver_due,
    find_dead,
    notify,
    open_channels,
    revive,
)
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import Message, Webhook
from tests.gridgov.services.receivers import receive_mail, receive_posts

NOW = datetime(2025, 3, 1, 8, tzinfo=UTC)
CHINESE = MessageText(subject="新工单", text="请在2小时内签收")
ENGLISH = MessageText(subject="New order", text="Please sign for it within 2 hours")


def make_account(login, unit, **more):
    facts = {"role": Role.HANDLER, "created_at": NOW, "name": login, "person_key": login}
    return Account(login=login, unit_code=unit, **(facts | more))


def tell(session, key="e1", units=("U1",), **more):
    facts = {
        "at": NOW,
        "topic": "dispatched",
        "say": {"zh": CHINESE, "en": ENGLISH}.__getitem__,
        "data": {},
        "order_no": "A1-1",
    }
    notify(session, unit_codes=units, key=key, **(facts | more))


def read_rows(sessions):
    with sessions() as session:
        return list(session.scalars(sa.select(Message).order_by(Message.id)))


@pytest.fixture
def settings():
    return ServiceSettings(smtp_host="127.0.0.1", smtp_port=9, webhook_secret="s" * 32)


@pytest.fixture
def staffed(sessions, settings):
    """Two accounts in U1, one with an address; one who left; nobody in U2."""
    with transaction(sessions) as session:
        session.add_all(
            [
                make_account("a", "U1", email="a@example.org"),
                make_account("b", "U1"),
                make_account("gone", "U1", email="gone@example.org", active=False),
            ]
        )
    return open_channels(sessions, settings)


def test_one_row_per_recipient_and_a_repeat_adds_none(staffed):
    for _ in range(2):
        with transaction(staffed) as session:
            tell(session, units=("U1", "U2", "U1", ""))
    rows = read_rows(staffed)
    found = Counter((row.channel, row.unit_code, row.account_id) for row in rows)
    assert found == {
        ("app", "U1", 1): 1,
        ("app", "U1", 2): 1,
        ("email", "U1", 1): 1,
        ("app", "U2", None): 1,
    }
    assert {row.channel for row in rows if row.delivered_at} == {"app"}


def test_everybody_is_told_in_the_language_of_the_account(staffed):
    with transaction(staffed) as session:
        session.add(make_account("c", "U1", email="c@example.org", language="en"))
        session.add(Webhook(unit_code="U1", topic="*", url="http://127.0.0.1:1/"))
        session.flush()
        tell(session, units=("U1", "U2"), data={"unit_code": "U1"})
    english = {row.subject == "New order" for row in read_rows(staffed) if row.account_id == 4}
    others = {row.subject == "新工单" for row in read_rows(staffed) if row.account_id != 4}
    assert english == others == {True}
    bodies = [row.body for row in read_rows(staffed) if row.account_id == 4]
    assert bodies == [{"text": ENGLISH.text, "unit_code": "U1"}] * 2  # app and e-mail


def test_without_a_mail_server_nothing_waits_for_one(staffed):
    open_channels(staffed, ServiceSettings())
    with transaction(staffed) as session:
        session.add(Webhook(unit_code="U1", topic="*", url="http://127.0.0.1:1/"))
        session.flush()
        tell(session)
    assert {row.channel for row in read_rows(staffed)} == {"app"}


def test_a_message_goes_with_its_change_or_not_at_all(staffed):
    with pytest.raises(RuntimeError), transaction(staffed) as session:
        tell(session)
        raise RuntimeError
    assert read_rows(staffed) == []


def test_long_keys_stay_apart(staffed):
    with transaction(staffed) as session:
        for number in range(2):
            tell(session, key="k" * 300 + str(number), units=("U2",))
    assert len(read_rows(staffed)) == 2


def test_email_arrives_and_is_sent_once(staffed):
    with transaction(staffed) as session:
        forged = MessageText(subject="新工单\r\nBcc: x@example.org", text=CHINESE.text)
        tell(session, say=lambda _language: forged)
    with receive_mail() as box:
        mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=box.port)
        assert deliver_due(staffed, mine, NOW) == Delivered(sent=1)
        assert deliver_due(staffed, mine, NOW + LEASE * 2) == Delivered()
    (letter,) = box.letters
    assert box.recipients == ["a@example.org"]
    assert letter["Subject"] == "新工单 Bcc: x@example.org"
    assert letter["Bcc"] is None
    assert letter.get_content().split() == ["请在2小时内签收", "A1-1"]


def test_webhook_is_signed_and_stays_where_it_was_sent(staffed):
    with receive_posts() as hook, receive_posts() as other:
        with transaction(staffed) as session:
            session.add_all(
                [
                    Webhook(unit_code="U1", topic="dispatched", url=hook.url),
                    Webhook(unit_code="U1", topic="overdue", url=hook.url),
                    Webhook(unit_code="U1", topic="*", url=hook.url, active=False),
                ]
            )
            session.flush()
            tell(session)
        mine = ServiceSettings(webhook_secret="s" * 32, outbox_tries=3)
        hook.status, hook.location = 302, other.url
        first = deliver_due(staffed, mine, NOW)
        hook.status, hook.location = 204, ""
        second = deliver_due(staffed, mine, NOW + timedelta(minutes=10))
    assert (first, second) == (Delivered(put_off=2), Delivered(sent=1, put_off=1))  # and the e-mail
    assert other.posts == []
    headers, body = hook.posts[-1]
    signed = headers["x-gridgov-timestamp"].encode() + b"." + body
    assert headers["x-gridgov-signature"] == hmac.new(b"s" * 32, signed, "sha256").hexdigest()
    facts = json.loads(body)
    assert (facts["order_no"], facts["body"]["text"]) == ("A1-1", "请在2小时内签收")
    assert headers["x-gridgov-message-id"] == facts["message_id"]


def test_refusals_are_put_off_longer_each_time_then_dead_then_revived(staffed):
    with transaction(staffed) as session:
        tell(session)
    with receive_mail() as box:
        mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=box.port, outbox_tries=3)
        box.refuse = "550 no such person"
        at, waits = NOW, []
        for _ in range(3):
            assert deliver_due(staffed, mine, at).sent == 0
            row = next(row for row in read_rows(staffed) if row.channel == "email")
            waits.append((row.not_before - at).total_seconds())
            assert deliver_due(staffed, mine, at + timedelta(seconds=1)) == Delivered()
            at = row.not_before + timedelta(seconds=1)
        assert [round(wait) for wait in waits] == [30, 60, 120]
        assert deliver_due(staffed, mine, at + timedelta(days=9)) == Delivered()
        with transaction(staffed) as session:
            (dead,) = find_dead(session)
            assert "550" in str(dead.last_error)
            revive(session, dead.id, at=at)
            with pytest.raises(NotFoundError):
                revive(session, dead.id + 100, at=at)
        box.refuse = ""
        assert deliver_due(staffed, mine, at) == Delivered(sent=1)
    with staffed() as session:
        assert find_dead(session) == []


def test_two_workers_deliver_each_message_once(staffed, engine):
    with transaction(staffed) as session:
        for number in range(150):
            tell(session, key=f"e{number}", order_no=f"A{number}")
    with receive_mail() as box:
        mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=box.port)
        done = []

        def work():
            done.append(deliver_due(make_sessions(engine), mine, NOW))

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(one.sent for one in done) == 150
    sent = Counter(letter["Message-ID"] for letter in box.letters)
    assert len(sent) == 150
    assert set(sent.values()) == {1}


CRASHING = textwrap.dedent(
    """
    import sys
    from datetime import datetime
    from gridgov.services.settings import ServiceSettings
    from gridgov.services.outbox.deliver import deliver_due
    from gridgov.storage.db import make_engine, make_sessions
    url, port, now = sys.argv[1:]
    mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=int(port))
    print("ready", flush=True)
    deliver_due(make_sessions(make_engine(url)), mine, datetime.fromisoformat(now))
    """
)


def test_nothing_is_lost_when_workers_are_killed(staffed, engine):
    """A worker dies in the middle, again and again; at the end everybody has their message."""
    total = 60
    with transaction(staffed) as session:
        for number in range(total):
            tell(session, key=f"e{number}", order_no=f"A{number}")
    url = engine.url.render_as_string(hide_password=False)
    at = NOW
    with receive_mail() as box:
        for stop_at in (5, 17, 41):
            worker = subprocess.Popen(
                [sys.executable, "-c", CRASHING, url, str(box.port), at.isoformat()],
                stdout=subprocess.PIPE,
            )
            while len(box.letters) < stop_at and worker.poll() is None:
                time.sleep(0.001)
            os.kill(worker.pid, signal.SIGKILL)
            worker.communicate()
            at += LEASE * 2
        mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=box.port)
        deliver_due(staffed, mine, at)
    sent = Counter(letter["Message-ID"] for letter in box.letters)
    assert len(sent) == total
    assert sum(sent.values()) <= total + 3  # at most the one in hand at each kill
    assert all(row.delivered_at for row in read_rows(staffed))


def test_a_message_that_always_kills_its_worker_is_given_up(staffed):
    with transaction(staffed) as session:
        tell(session)
        session.execute(sa.update(Message).where(Message.channel == "email").values(tries=8))
    with receive_mail() as box:
        mine = ServiceSettings(smtp_host="127.0.0.1", smtp_port=box.port)
        assert deliver_due(staffed, mine, NOW) == Delivered(dead=1)
    assert box.letters == []
