"""Accounts as their administrator sees them, and that who looks, signs in and exports is on record."""

import pyotp
import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import find_account, get_actor, set_code_secret, set_password
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.journal import LogEntry
from tests.gridgov.services.city import take
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import PASSWORD, post, read_token, sign_in
from web.features.orders.live import get_newest_change
from web.kit.service import EXTENSION

NEW = "another tin whistle"


@pytest.fixture
def sessions(pages):
    return pages.extensions[EXTENSION].sessions


def list_events(sessions, *actions):
    with sessions() as session:
        query = sa.select(LogEntry).where(LogEntry.action.in_(actions)).order_by(LogEntry.id)
        assert verify(session) == []
        return list(session.scalars(query))


def test_who_lost_the_second_factor_gets_in_again_and_the_record_says_who_helped(pages, sessions):
    with transaction(sessions) as session:
        account = find_account(session, "auditor")
        set_code_secret(session, account, pyotp.random_base32(), step=None, now=account.created_at)
    lost = pages.test_client()
    assert sign_in(lost, Role.AUDITOR).headers.get("Location") != "/"
    assert lost.get("/account").status_code == 302
    keeper = pages.test_client()
    sign_in(keeper, Role.ADMINISTRATOR)
    assert "重置动态验证码" in keeper.get("/accounts").text
    assert post(keeper, "/accounts/auditor/reset_code").status_code == 302
    page = keeper.get("/accounts").text
    assert "已重置 auditor 的动态验证码" in page
    assert sign_in(lost, Role.AUDITOR).headers["Location"] == "/"
    (entry,) = list_events(sessions, "reset_code")
    assert (entry.role, entry.subject_no, entry.origin) == ("administrator", "auditor", "127.0.0.1")
    for language, words in (("zh_CN", "重置动态验证码"), ("en", "One-time code reset")):
        told = lost.get(f"/accounts/events?subject=auditor&lang={language}")
        assert told.status_code == 200
        assert words in told.text
        assert "accounts.event." not in told.text


def test_nobody_resets_or_closes_their_own(pages, sessions):
    with transaction(sessions) as session:
        account = find_account(session, "administrator")
        set_code_secret(session, account, pyotp.random_base32(), step=None, now=account.created_at)
    keeper = pages.test_client()
    sign_in(keeper, Role.ADMINISTRATOR)
    with transaction(sessions) as session:
        secret = find_account(session, "administrator").totp_secret
    code = pyotp.TOTP(secret).now()
    token = read_token(keeper.get("/sign-in/code").text)
    assert keeper.post("/sign-in/code", data={"csrf_token": token, "code": code}).status_code == 302
    for step in ("reset_code", "disable"):
        post(keeper, f"/accounts/administrator/{step}")
        assert "没有改变" in keeper.get("/accounts").text
    with sessions() as session:
        account = find_account(session, "administrator")
        assert account.totp_secret is not None
        assert account.active


def test_unknown_steps_and_accounts_are_not_there(client):
    sign_in(client, Role.ADMINISTRATOR)
    assert post(client, "/accounts/auditor/promote").status_code == 404
    assert post(client, "/accounts/nobody/enable").status_code == 404


def test_a_closed_account_is_out_and_comes_back(pages):
    keeper, other = pages.test_client(), pages.test_client()
    sign_in(keeper, Role.ADMINISTRATOR)
    sign_in(other, Role.OPERATOR)
    post(keeper, "/accounts/operator/disable")
    assert other.get("/account").status_code == 302
    assert sign_in(other, Role.OPERATOR).status_code == 401
    post(keeper, "/accounts/operator/enable")
    assert sign_in(other, Role.OPERATOR).status_code == 302


def test_a_given_password_opens_nothing_but_its_change(pages, sessions):
    with transaction(sessions) as session:
        account = find_account(session, "dispatcher")
        boss = get_actor(find_account(session, "administrator"))
        set_password(session, account, PASSWORD, now=account.created_at, actor=boss)
    client = pages.test_client()
    sign_in(client, Role.DISPATCHER)
    for path in ("/today", "/orders", "/orders/export.csv", "/search?q=1"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account"), path
    assert client.get("/orders", headers={"HX-Request": "true"}).status_code == 403
    assert client.get("/orders", headers={"Accept": "application/json"}).status_code == 403
    assert post(client, "/orders/views", name="a").status_code == 302
    assert "请先更改密码" in client.get("/account").text
    form = {"password": PASSWORD, "new_password": PASSWORD, "again": PASSWORD}
    assert post(client, "/account/password", **form).status_code == 422
    form |= {"new_password": "password12345", "again": "password12345"}
    assert post(client, "/account/password", **form).status_code == 422
    form |= {"new_password": NEW, "again": NEW}
    assert post(client, "/account/password", **form).status_code == 302
    assert client.get("/today").status_code == 200
    assert "请先更改密码" not in client.get("/account").text


def test_signing_in_and_out_is_on_record(client, sessions):
    sign_in(client, Role.ANALYST, password="wrong horse staple")
    sign_in(client, "nobody at all", password="wrong horse staple")
    sign_in(client, Role.ANALYST)
    post(client, "/sign-out")
    events = list_events(sessions, "sign_in", "sign_in_wrong", "sign_out")
    assert [(one.action, one.subject_no, bool(one.person_key)) for one in events] == [
        ("sign_in_wrong", "analyst", False),
        ("sign_in", "analyst", True),
        ("sign_out", "analyst", True),
    ]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def city(engine, runtime):
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        number = take(session, runtime, name="王芳", phone="13812345678").order_nos[0]
    return make_city_pages(engine, runtime), number, make_sessions(engine)


def test_a_sight_of_a_person_is_on_record_once(city):
    app, number, sessions = city
    street, analyst = app.test_client(), app.test_client()
    sign_in(street, Role.STREET_CENTRE)
    sign_in(analyst, Role.ANALYST)
    with sessions() as session:
        newest = get_newest_change(session)
    assert "王芳" in street.get(f"/orders/{number}").text
    assert "王芳" in street.get(f"/orders/{number}").text
    assert "王芳" not in analyst.get(f"/orders/{number}").text
    (entry,) = list_events(sessions, "view_person")
    assert (entry.subject_kind, entry.subject_no, entry.role) == ("person", number, "street_centre")
    with sessions() as session:
        # A look changes nothing: open pages are not told to fetch their rows anew.
        assert get_newest_change(session) == newest


def test_every_file_that_leaves_is_on_record_without_the_words_that_were_sought(city):
    app, _, sessions = city
    client = app.test_client()
    sign_in(client, Role.SUPERVISOR)
    client.get("/orders/export.csv?window=2024-03-01..2024-03-31&q=王芳&unit=110101001").close()
    client.get("/planning/streets.csv?sort=street").close()
    first, second = list_events(sessions, "export")
    assert (first.subject_no, first.role) == ("orders.export_csv", "supervisor")
    assert first.after == {"window": "2024-03-01..2024-03-31", "unit": "110101001"}
    assert second.subject_no.startswith("planning.")
    assert second.after == {"sort": "street"}
