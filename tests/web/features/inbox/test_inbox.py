"""The inbox page and the bell: what waits, what was shown and read is on record, what is chosen is kept."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from gridgov.rules.message_text import make_text
from gridgov.rules.orders.transitions import Role
from gridgov.services.outbox.deliver import notify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.accounts import AccountSession
from gridgov.storage.models.journal import Message
from tests.web.pages import DEPARTMENT, make_pages, read_token, seed, sign_in

AT = datetime(2024, 3, 4, 1, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def site(engine):
    seed(engine)
    with transaction(make_sessions(engine)) as session:
        for number in range(2):
            facts = {"order_no": f"O{number}", "by": "2024-03-05 09:00", "unit": SCRIPT}
            notify(
                session,
                at=AT,
                topic="overdue",
                unit_codes=(DEPARTMENT,),
                say=partial(make_text, "overdue", facts),
                data=facts,
                order_no=f"O{number}",
                key=f"O{number}",
            )
    return make_pages(engine)


def enter(site, role=Role.HANDLER):
    client = site.test_client()
    sign_in(client, role)
    client.token = read_token(client.get("/account").text)
    return client


def post(client, path, **form):
    return client.post(path, data={"csrf_token": client.token} | form)


def test_the_bell_counts_and_what_a_page_showed_is_on_record(site, engine):
    client = enter(site)
    assert 'data-count="2"' in client.get("/inbox").text
    first = client.get("/inbox/bell").json
    assert first["count"] == 2
    answer = post(client, "/inbox/shown").json
    assert [one["subject"] for one in answer["new"]] == ["工单O1已超期", "工单O0已超期"]
    assert post(client, "/inbox/shown").json == {"count": 2, "new": [], "more": 0}
    assert post(client, "/inbox/opened", order_no="O0").json == {"count": 1}
    assert client.get("/inbox/bell").json == {"count": 1, "newest": first["newest"]}
    page = client.get("/inbox?unread=1").text
    assert "工单O1已超期" in page
    assert "工单O0已超期" not in page
    assert "2024-03-05 09:00" in page
    assert SCRIPT not in page
    unit = client.get("/inbox?box=unit").text
    assert "1 / 1" in unit
    assert "无人打开" in unit
    assert post(client, "/inbox/read").status_code == 302
    assert client.get("/inbox/bell").json == {"count": 0, "newest": 0}
    with make_sessions(engine)() as session:
        rows = session.scalars(sa.select(Message)).all()
    assert all(one.shown_at and one.read_at and one.shown_at <= one.read_at for one in rows)


def test_another_units_messages_are_nobodys_here(site):
    client = enter(site, Role.ADMINISTRATOR)  # who may see every message
    assert client.get("/inbox/bell").json == {"count": 0, "newest": 0}
    assert "没有消息" in client.get("/inbox").text
    assert "没有消息" in client.get("/inbox?box=unit").text


def test_a_page_that_asks_by_itself_keeps_no_session_alive(site, engine):
    client = enter(site)
    with transaction(make_sessions(engine)) as session:
        seen = session.scalars(sa.select(AccountSession.seen_at)).one()
        earlier = seen - timedelta(minutes=10)
        session.execute(sa.update(AccountSession).values(seen_at=earlier))
    client.get("/inbox/bell")
    with make_sessions(engine)() as session:
        assert session.scalars(sa.select(AccountSession.seen_at)).one() == earlier
    client.get("/inbox")
    with make_sessions(engine)() as session:
        assert session.scalars(sa.select(AccountSession.seen_at)).one() > earlier


def test_choices_are_kept_or_refused_by_name(site):
    client = enter(site)
    chosen = {"task:email": "now", "whistle:app": "now", "digest_hour": "7"}
    assert post(client, "/inbox/choices", **chosen).status_code == 302
    page = client.get("/inbox/choices").text
    assert '<option value="7" selected>' in page
    wrong = post(client, "/inbox/choices", **chosen | {"whistle:app": "off"})
    assert wrong.status_code == 422
    assert "whistle:app" in wrong.text
    for path in ("/inbox?box=others", "/inbox?kind=love"):
        assert client.get(path).status_code == 404
