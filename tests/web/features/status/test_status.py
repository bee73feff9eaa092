"""The caller's page: with number and secret alone, without a personal word; who guesses learns nothing."""

import re
from datetime import timedelta

import pytest

from gridgov.services.receipts.seal import seal_day
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions, transaction
from tests.gridgov.services.city import NOW, take
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import read_token, sign_in

PHONE, NAME = "13812345678", "王小明"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("status"))


@pytest.fixture
def site(engine, runtime):
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        take(
            session,
            runtime,
            appeal_no="A1",
            text=f"井盖坏了，{NAME} {PHONE}",
            phone=PHONE,
            name=NAME,
        )
    return make_city_pages(engine, runtime)


def ask(client, path="/status", **form):
    token = read_token(client.get("/status").text)
    return client.post(path, data={"csrf_token": token} | form)


def test_a_caller_follows_the_appeal_and_takes_a_receipt(site, engine, runtime):
    desk = site.test_client()
    sign_in(desk, "dispatcher")
    assert "生成查询码" in desk.get("/orders/A1-1").text
    token = read_token(desk.get("/account").text)
    made = desk.post("/status/secret/A1-1", data={"csrf_token": token}).text
    secret = re.search(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){2}", made)[0]
    caller = site.test_client()
    page = ask(caller, appeal_no="A1", secret=secret).text
    assert "承诺办结" in page
    assert "东华门街道" in page
    assert PHONE not in page
    assert NAME not in page
    assert "次日生成" in page
    early = ask(caller, "/status/receipt", appeal_no="A1", secret=secret)
    assert early.status_code == 404
    sessions = make_sessions(engine)
    later = NOW + timedelta(days=1)
    assert seal_day(sessions, ServiceSettings(), city="x", zone=runtime.zone, now=later) == 1
    receipt = ask(caller, "/status/receipt", appeal_no="A1", secret=secret)
    assert receipt.json["leaf"]["appeal_no"] == "A1"
    assert PHONE not in receipt.text
    assert receipt.headers["Content-Disposition"].startswith("attachment")
    roots = caller.get("/status/roots.json").json
    assert roots["roots"][0]["statement"] == receipt.json["statement"]
    assert roots["public_key"] == receipt.json["public_key"]


def test_a_wrong_number_and_a_wrong_secret_look_the_same_and_guessing_ends(site):
    caller = site.test_client()
    answers = [ask(caller, appeal_no=number, secret="AAAA-BBBB-CCCC") for number in ("A1", "A2")]
    assert {one.status_code for one in answers} == {404}
    first, second = (
        re.sub(r'value="[^"]*"|nonce="[^"]*"|content="[^"]*"', "", one.text) for one in answers
    )
    assert "没有与编号和查询码相符的诉求" in first
    assert len(first) == len(second)
    token = read_token(caller.get("/status").text)
    form = {"csrf_token": token, "appeal_no": "A1", "secret": "x"}
    codes = [caller.post("/status", data=form).status_code for _ in range(60)]
    assert codes[0] == 404
    assert codes[-1] == 429
