"""The inbox: a message has reached a unit when a page of its people showed it; choices, digests, names, escalation."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gridgov.rules.notices import Mode, NoticeKind, Way
from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.services.notices import inbox
from gridgov.services.notices.choices import ChoiceError, get_choices, put_choices
from gridgov.services.notices.digests import send_digests
from gridgov.services.notices.mentions import find_named
from gridgov.services.orders.handling import act
from gridgov.services.orders.watch import watch
from gridgov.services.outbox.deliver import deliver_due, notify, open_channels
from gridgov.services.settings import ServiceSettings
from gridgov.services.whistles import calls as whistles
from gridgov.services.whistles.messages import make_blown_key
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.scope.apply import bind, make_scope
from tests.gridgov.services.desks import CENTRE, STREET, T0, WATER, put_order

ZONE = ZoneInfo("Asia/Shanghai")
SETTINGS = ServiceSettings(
    smtp_host="127.0.0.1", smtp_port=9, webhook_secret="s" * 32, webhook_hosts="hooks.example.org"
)
PEOPLE = {
    # login: role, unit, e-mail
    "water": (Role.HANDLER, "E01", "water@example.org"),
    "water2": (Role.HANDLER, "E01", None),
    "centre": (Role.STREET_CENTRE, STREET, None),
    "王芳": (Role.HANDLER, "D01", None),
    "auditor": (Role.AUDITOR, "CITY", None),
}


def after(minutes):
    return T0 + timedelta(minutes=minutes)


@pytest.fixture
def people(sessions, small_runtime):
    """A database with people and one whistle call of which they were told."""
    open_channels(sessions, SETTINGS)
    with transaction(sessions) as session:
        for login, (role, unit, email) in PEOPLE.items():
            session.add(
                Account(
                    login=f"x.{login}" if login == "王芳" else login,
                    name=login,
                    role=role,
                    unit_code=unit,
                    person_key=login,
                    email=email,
                    created_at=T0,
                )
            )
        put_order(session)
        facts = Facts(at=after(1), reason_code="joint_work", text="水管爆裂")
        whistles.blow(session, small_runtime, "O1", actor=CENTRE, facts=facts)
    return sessions


def enter(sessions, login):
    """Return a session bound to an account, and its scope."""
    session = sessions()
    account = session.scalars(sa.select(Account).where(Account.name == login)).one()
    scope = make_scope(
        session,
        account_id=account.id,
        person_key=account.person_key,
        role=account.role,
        unit_code=account.unit_code,
    )
    session.rollback()
    return bind(session, scope), scope


def list_subjects(sessions, login, **more):
    session, scope = enter(sessions, login)
    with session:
        return [one.topic for one in inbox.list_notices(session, scope, **more)]


def find_reach(sessions):
    with sessions() as session:
        found = inbox.find_reach(
            session, make_blown_key("O1-W1"), order_no="O1", unit_codes=("E01", "D01", "X09")
        )
    return {code: one.state for code, one in found.items()}


def test_it_has_reached_a_unit_when_somebodys_page_showed_it(people):
    assert find_reach(people) == {"E01": "sent", "D01": "sent", "X09": "nobody"}
    session, scope = enter(people, "water")
    with session, session.begin():
        assert inbox.count_unread(session, scope, get_choices(session, scope).notices) == 1
        assert [one.topic for one in inbox.mark_shown(session, scope, at=after(2))] == [
            "whistle_blown"
        ]
        assert inbox.mark_shown(session, scope, at=after(3)) == []
    assert find_reach(people)["E01"] == "shown"
    session, scope = enter(people, "water2")
    with session, session.begin():
        assert inbox.mark_read(session, scope, at=after(4), order_no="O1") == 1
        assert inbox.mark_read(session, scope, at=after(5), order_no="O1") == 0
        (event,) = inbox.list_unit_events(session, scope)
    assert (event.told, event.shown, event.read, event.read_at) == (2, 2, 1, after(4))
    assert find_reach(people) == {"E01": "read", "D01": "sent", "X09": "nobody"}
    # The other person's is still waiting, and who sees every message has no part in it.
    assert list_subjects(people, "water", only_unread=True) == ["whistle_blown"]
    assert list_subjects(people, "auditor") == []
    session, scope = enter(people, "auditor")
    with session, session.begin():
        assert inbox.mark_read(session, scope, at=after(6)) == 0
        assert inbox.list_unit_events(session, scope) == []


def test_a_call_that_nobody_opens_in_its_time_is_told_once_and_logged(people, small_runtime):
    session, scope = enter(people, "water")
    with session, session.begin():
        inbox.mark_read(session, scope, at=after(3))
    found = [watch(people, small_runtime, now=after(n)).unopened for n in (10, 11, 12, 30)]
    assert found == [0, 1, 0, 0]
    with people() as session:
        told = session.scalars(sa.select(Message).where(Message.topic == "whistle_unopened")).all()
        logged = session.scalars(
            sa.select(LogEntry).where(LogEntry.action == "whistle_unopened")
        ).one()
    assert {one.unit_code for one in told} == {"CITY", STREET}
    assert "10分钟内均未打开哨单O1-W1" in told[0].body["text"]
    assert logged.after["unit_code"] == "D01"


def test_a_unit_that_came_is_not_asked_whether_it_opened(people, small_runtime):
    with transaction(people) as session:
        whistles.check_in(
            session,
            small_runtime,
            "O1-W1",
            "E01",
            actor=WATER,
            arrival=whistles.Arrival(at=after(5)),
        )
    with transaction(people) as session:
        raised = whistles.raise_unopened(session, small_runtime, "O1-W1", now=after(12))
    assert raised == ("D01",)


def tell(session, topic, at, n=1):
    for number in range(n):
        text = type("Text", (), {"subject": f"{topic} {number}", "text": "…"})
        notify(
            session,
            at=at,
            topic=topic,
            unit_codes=("E01",),
            say=lambda _language, text=text: text,
            data={},
            key=f"{topic} {number} {at}",
        )


def test_each_way_is_as_chosen_and_the_rest_comes_once_a_day(people):
    def count(channel):
        with people() as session:
            query = sa.select(sa.func.count()).where(Message.channel == channel)
            return session.scalar(query)

    assert count("email") == 1  # the whistle call, at once
    with transaction(people) as session:
        tell(session, "task_silent", after(5), n=3)
    assert (count("email"), count("webhook")) == (1, 0)
    session, scope = enter(people, "water")
    with session, session.begin():
        put_choices(
            session,
            scope,
            {
                "task:email": "digest",
                "whistle:email": "off",
                "task:app": "off",
                "task:webhook": "now",
            },
            digest_hour=18,
            webhook_url="https://hooks.example.org/a",
            settings=SETTINGS,
        )
        choices = get_choices(session, scope).notices
        assert choices.get(NoticeKind.TASK, Way.APP) is Mode.OFF
        assert inbox.count_unread(session, scope, choices) == 1  # the call alone rings
    with transaction(people) as session:
        tell(session, "whistle_blown", after(6))
        tell(session, "task_silent", after(6))
    assert (count("email"), count("webhook")) == (1, 1)
    evening = datetime(2025, 6, 2, 18, 30, tzinfo=ZONE).astimezone(UTC)
    sent = [
        send_digests(people, ZONE, now=now)
        for now in (evening - timedelta(hours=1), evening, evening + timedelta(minutes=15))
    ]
    assert sent == [0, 1, 0]
    with people() as session:
        digest = session.scalars(sa.select(Message).where(Message.topic == "digest")).one()
    assert digest.body["n"] == 4
    assert digest.subject == "2025-06-02消息汇总：4条未读"
    assert digest.body["text"].splitlines()[0] == "· task_silent 0"
    with transaction(people) as session:
        tell(session, "task_silent", evening + timedelta(hours=2))
    assert send_digests(people, ZONE, now=evening + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("chosen", "more", "field"),
    [
        ({"whistle:app": "off"}, {}, "whistle:app"),
        ({"whistle:smoke": "now"}, {}, "whistle:smoke"),
        ({}, {"digest_hour": 24}, "digest_hour"),
        ({}, {"webhook_url": "http://127.0.0.1:5432/"}, "webhook_url"),
        ({}, {"webhook_url": "https://hooks.example.org@10.0.0.1/"}, "webhook_url"),
        ({}, {"webhook_url": "file:///etc/passwd"}, "webhook_url"),
        ({}, {"webhook_url": "http://[::1/"}, "webhook_url"),
    ],
)
def test_what_cannot_be_chosen_is_named(chosen, more, field):
    values = {"digest_hour": 8, "webhook_url": ""} | more
    with pytest.raises(ChoiceError) as refused:
        put_choices(None, None, chosen, settings=SETTINGS, **values)
    assert refused.value.field == field


def test_an_address_that_is_not_allowed_any_more_is_not_posted_to(people):
    session, scope = enter(people, "water")
    with session, session.begin():
        put_choices(
            session,
            scope,
            {"task:webhook": "now"},
            digest_hour=8,
            webhook_url="http://hooks.example.org/a",
            settings=SETTINGS,
        )
    with transaction(people) as session:
        tell(session, "task_silent", after(6))
        session.execute(sa.delete(Message).where(Message.channel == "email"))
    closed = ServiceSettings(webhook_secret="s" * 32)
    assert deliver_due(people, closed, after(10)).put_off == 1
    with people() as session:
        (error,) = session.scalars(
            sa.select(Message.last_error).where(Message.channel == "webhook")
        )
    assert "GRIDGOV_WEBHOOK_HOSTS is empty" in error


def test_who_is_named_in_a_note_is_told_and_nobody_else(people, small_runtime):
    with people() as session:
        ids = dict(session.execute(sa.select(Account.name, Account.id)).all())
        assert find_named(session, "请@王芳看一下，@water2 也来；a@b.c @nobody") == (
            ids["王芳"],
            ids["water2"],
        )
        assert find_named(session, "@waterx") == (ids["water"],)
    with transaction(people) as session:
        put_order(session, "O2")
        facts = Facts(at=after(20), text="@王芳 电话13812345678，请核实")
        act(session, small_runtime, "O2", OrderAction.NOTE, actor=CENTRE, facts=facts)
    with people() as session:
        told = session.scalars(sa.select(Message).where(Message.topic == "mention")).one()
    assert (told.account_id, told.order_no) == (ids["王芳"], "O2")
    assert "13812345678" not in str(told.body)
