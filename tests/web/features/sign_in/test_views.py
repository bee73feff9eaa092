"""Signing in on real databases: lock-out, second factor, sessions that end, limits, and forms that come too late."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pyotp
import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.sign_in import find_code_step
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account, AccountSession, RequestCount
from tests.web.pages import PASSWORD, STREET, make_pages, post, read_token, seed, sign_in
from web.kit import limits
from web.kit.service import EXTENSION


@pytest.fixture
def service(pages):
    return pages.extensions[EXTENSION]


def test_signing_in_and_counting_on_postgresql(postgres):
    seed(postgres)
    app = make_pages(postgres)
    client = app.test_client()
    assert sign_in(client, Role.STREET_CENTRE, password="wrong horse staple").status_code == 401
    assert sign_in(client, Role.STREET_CENTRE).status_code == 302
    assert client.get(f"/account?unit={STREET}").status_code == 200
    assert client.get("/units?q=街道").text.count("unit=") == 1
    assert post(client, "/sign-out").status_code == 302
    assert client.get("/account").status_code == 302
    service = app.extensions[EXTENSION]
    now = datetime.now(UTC)
    with transaction(service.sessions) as session:
        assert [limits.count_one(session, limits.EXPORTS, "1", now=now) for _ in "123"] == [1, 2, 3]


def change(service, model, **values):
    with transaction(service.sessions) as session:
        session.execute(sa.update(model).values(**values))


def test_signing_in_leads_to_the_page_that_was_asked_for(client):
    asked = client.get("/account?window=7d")
    assert asked.status_code == 302
    link = client.get(asked.headers["Location"])
    wanted = re.search(r'name="next" value="([^"]+)"', link.text).group(1)
    entered = sign_in(client, Role.DISPATCHER, next=wanted)
    assert entered.status_code == 302
    assert entered.headers["Location"] == "/account?window=7d"
    assert client.get("/account?window=7d").status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example/a", "https://evil.example/a", "/\\evil.example", "javascript:alert(1)"],
)
def test_no_address_leads_away_from_this_host(client, elsewhere):
    assert sign_in(client, Role.DISPATCHER, next=elsewhere).headers["Location"] == "/"


def test_wrong_password_and_unknown_account_look_the_same(client):
    wrong = sign_in(client, Role.DISPATCHER, password="wrong horse staple")
    unknown = sign_in(client, "nobody", password="wrong horse staple")
    assert wrong.status_code == unknown.status_code == 401
    strip = partial(re.sub, r'value="[^"]*"|nonce="[^"]*"|hx-headers=\'[^\']*\'', "")
    assert strip(wrong.text) == strip(unknown.text)


def test_wrong_tries_lock_the_account_for_a_while_and_only_who_knows_the_password_is_told(
    client, service
):
    for _ in range(service.settings.login_tries):
        assert sign_in(client, Role.AUDITOR, password="guess guess guess").status_code == 401
    locked = sign_in(client, Role.AUDITOR)
    assert locked.status_code == 401
    assert "账号暂时锁定" in locked.text
    assert "账号暂时锁定" not in sign_in(client, Role.AUDITOR, password="guess guess guess").text
    change(service, Account, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert sign_in(client, Role.AUDITOR).status_code == 302


def test_disabled_account_is_out_at_once(client, service):
    sign_in(client, Role.PLANNER)
    change(service, Account, active=False)
    assert client.get("/account").status_code == 302
    assert sign_in(client, Role.PLANNER).status_code == 401


@pytest.mark.parametrize("column", ["seen_at", "expires_at"])
def test_session_ends_when_idle_and_in_any_case(client, service, column):
    sign_in(client, Role.PLANNER)
    idle = timedelta(minutes=service.settings.session_idle_min, seconds=1)
    change(service, AccountSession, **{column: datetime.now(UTC) - idle})
    assert client.get("/account").status_code == 302


def test_signing_out_ends_the_session_itself_not_only_the_cookie(client, pages):
    sign_in(client, Role.PLANNER)
    stolen = client.get_cookie("gridgov_session").value
    assert post(client, "/sign-out").status_code == 302
    thief = pages.test_client()
    thief.set_cookie("gridgov_session", stolen)
    assert thief.get("/account").status_code == 302


def test_form_that_comes_after_the_session_is_kept_and_comes_back(client, service):
    sign_in(client, Role.DISPATCHER)
    token = read_token(client.get("/account").text)
    change(service, AccountSession, ended_at=datetime.now(UTC))
    text = '第一行\n<script>alert("x")</script>'
    late = client.post(
        "/account/sessions/end",
        data={"csrf_token": token, "note": text, "password": "never kept"},
        headers={"Referer": "http://localhost/account"},
    )
    assert late.status_code == 401
    assert "您填写的内容没有丢失" in late.text
    assert "never kept" not in late.text
    kept = re.search(r'name="kept" value="([^"]+)"', late.text).group(1)
    kept = (
        kept.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )
    back = sign_in(client, Role.DISPATCHER, kept=kept)
    assert back.status_code == 200
    assert 'data-resume="/account"' in back.text
    assert "&lt;script&gt;" in back.text
    assert "<script>alert" not in back.text


def test_kept_form_cannot_lead_elsewhere(client):
    kept = '{"action": "https://evil.example/", "page": "/", "fields": [], "files": []}'
    assert sign_in(client, Role.DISPATCHER, kept=kept).status_code == 302


def test_change_without_proof_is_offered_again_and_changes_nothing(client, service):
    sign_in(client, Role.DISPATCHER)
    answer = client.post("/language", data={"language": "en", "note": "typed text"})
    assert answer.status_code == 400
    assert "typed text" in answer.text
    with service.sessions() as session:
        account = session.scalar(sa.select(Account).where(Account.login == Role.DISPATCHER))
    assert account.language == "zh_CN"


def test_other_site_changes_nothing(client):
    sign_in(client, Role.DISPATCHER)
    token = read_token(client.get("/account").text)
    answer = client.post(
        "/language",
        data={"csrf_token": token, "language": "en"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


@pytest.mark.usefixtures("service")
def test_second_factor(client):
    sign_in(client, Role.SUPERVISOR)
    post(client, "/account/code/begin")
    page = client.get("/account").text
    secret = "".join(re.search(r'class="secret"><code>([A-Z2-7 ]+)', page).group(1).split())
    now = datetime.now(UTC)
    # Turned on with the code of the step before, so that the present one is not used up.
    earlier = pyotp.TOTP(secret).at(now - timedelta(seconds=30))
    assert post(client, "/account/code/confirm", code="000000").status_code == 422
    assert post(client, "/account/code/confirm", code=earlier).status_code == 302
    post(client, "/sign-out")

    asked = sign_in(client, Role.SUPERVISOR)
    assert asked.status_code == 200
    assert client.get("/account").status_code == 302, "the password alone must not sign in"
    code = pyotp.TOTP(secret).now()
    form = {"csrf_token": read_token(asked.text), "code": code}
    assert client.post("/sign-in/code", data=form | {"code": earlier}).status_code == 401, "used"
    assert client.post("/sign-in/code", data=form).status_code == 302
    assert client.get("/account").status_code == 200
    post(client, "/sign-out")
    again = sign_in(client, Role.SUPERVISOR)
    form["csrf_token"] = read_token(again.text)
    assert client.post("/sign-in/code", data=form).status_code == 401, "no code is taken twice"


def test_codes_are_those_of_the_standard():
    # RFC 6238 appendix B, SHA-1, last six digits of 94287082 and 07081804.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert find_code_step(secret, "287082", now=datetime.fromtimestamp(59, UTC)) == 1
    assert (
        find_code_step(secret, "081 804", now=datetime.fromtimestamp(1111111109, UTC)) is not None
    )
    assert find_code_step(secret, "287082", now=datetime.fromtimestamp(59 + 90, UTC)) is None


def test_new_password_ends_other_sessions_but_not_this_one(client, pages):
    other = pages.test_client()
    sign_in(client, Role.HANDLER)
    sign_in(other, Role.HANDLER)
    new = "a longer sentence 7"
    weak = post(client, "/account/password", password=PASSWORD, new_password="short", again="short")
    assert weak.status_code == 422
    wrong = post(client, "/account/password", password="wrong wrong", new_password=new, again=new)
    assert wrong.status_code == 422
    done = post(client, "/account/password", password=PASSWORD, new_password=new, again=new)
    assert done.status_code == 302
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert sign_in(other, Role.HANDLER).status_code == 401
    assert sign_in(other, Role.HANDLER, password=new).status_code == 302


def test_guessing_is_slowed_down_across_clients(pages, service):
    limit = limits.SIGN_IN_BY_LOGIN
    now = datetime.now(UTC)
    with transaction(service.sessions) as session:
        for _ in range(limit.count):
            limits.count_one(session, limit, "operator", now=now)
    answer = sign_in(pages.test_client(), Role.OPERATOR)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= limit.span_s
    assert sign_in(pages.test_client(), Role.PLANNER).status_code == 302


def test_counts_of_past_spans_are_deleted(service):
    now = datetime.now(UTC)
    with transaction(service.sessions) as session:
        limits.count_one(session, limits.CHANGES, "1", now=now - timedelta(hours=1))
        limits.count_one(session, limits.CHANGES, "1", now=now)
        limits.clear_counts(session, now=now)
        assert session.scalar(sa.select(sa.func.count()).select_from(RequestCount)) == 1
