"""The page of undelivered messages: seen by its keeper alone, sent again or put aside, and logged."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.journal import LogEntry, Message
from tests.web.pages import make_pages, read_token, seed, sign_in

AT = datetime(2024, 3, 4, 1, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def site(engine):
    seed(engine)
    with transaction(make_sessions(engine)) as session:
        for number, dead_at in ((1, AT), (2, AT), (3, None)):
            session.add(
                Message(
                    message_key=f"m{number}",
                    channel="email",
                    topic="dispatched",
                    unit_code="110101001",
                    address=f"m{number}@example.org",
                    subject=f"第{number}条 {SCRIPT}",
                    body={},
                    created_at=AT,
                    not_before=AT,
                    tries=5,
                    dead_at=dead_at,
                    last_error=f"550 {SCRIPT}",
                )
            )
    return make_pages(engine)


def enter(site, role):
    client = site.test_client()
    sign_in(client, role)
    return client


def read_message(engine, number):
    with make_sessions(engine)() as session:
        return session.scalars(sa.select(Message).where(Message.message_key == f"m{number}")).one()


def post(client, engine, number, step):
    token = read_token(client.get("/account").text)
    path = f"/outbox/{read_message(engine, number).id}/{step}"
    return client.post(path, data={"csrf_token": token}, follow_redirects=True)


def test_the_keeper_sees_what_was_given_up_and_nothing_runs(site):
    page = enter(site, Role.ADMINISTRATOR).get("/outbox").text
    assert "m1@example.org" in page
    assert "m3@example.org" not in page
    assert "另有 1 条正在自动重试" in page
    assert SCRIPT not in page
    assert "550 &lt;script&gt;" in page
    assert 'href="/outbox"' in page
    assert 'href="/outbox"' not in enter(site, Role.SUPERVISOR).get("/account").text


def test_a_message_is_sent_again_or_put_aside_and_both_are_logged(site, engine):
    client = enter(site, Role.ADMINISTRATOR)
    page = post(client, engine, 1, "again").text
    assert "m1@example.org" not in page
    revived = read_message(engine, 1)
    assert (revived.dead_at, revived.tries) == (None, 0)
    assert "没有未送达的消息" in post(client, engine, 2, "aside").text
    aside = read_message(engine, 2)
    assert aside.dead_at is not None
    assert aside.delivered_at is None
    with make_sessions(engine)() as session:
        logged = session.scalars(
            sa.select(LogEntry.action)
            .where(LogEntry.subject_kind == "message")
            .order_by(LogEntry.id)
        ).all()
    assert logged == ["revive_message", "put_aside_message"]


def test_what_is_not_dead_cannot_be_sent_again(site, engine):
    client = enter(site, Role.ADMINISTRATOR)
    assert post(client, engine, 3, "again").status_code == 404
    post(client, engine, 1, "again")
    assert post(client, engine, 1, "aside").status_code == 404


def test_all_are_sent_again_together(site, engine):
    client = enter(site, Role.ADMINISTRATOR)
    token = read_token(client.get("/account").text)
    page = client.post("/outbox/again", data={"csrf_token": token}, follow_redirects=True).text
    assert "没有未送达的消息" in page
    assert {read_message(engine, number).dead_at for number in (1, 2)} == {None}
    supervisor = enter(site, Role.SUPERVISOR)
    token = read_token(supervisor.get("/account").text)
    assert supervisor.post("/outbox/again", data={"csrf_token": token}).status_code == 403
