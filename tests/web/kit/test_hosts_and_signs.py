"""Under which name the service answers, which cookies it sets, and what it refuses to read."""

import pytest

from gridgov.rules.orders.transitions import Role
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_engine
from tests.databases import clone_database, make_sqlite
from tests.web.pages import make_pages, post, read_token, seed, sign_in
from web.kit.resumed_forms import read_local
from web.kit.security import is_number, read_hosts


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("10.1.2.3", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("evil.example:80@localhost", 400),
        ("[::1", 400),
    ],
)
def test_only_its_own_names_are_answered(client, host, status):
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == status
    assert "evil.example/" not in answer.text


def test_a_name_that_is_set_is_answered_and_no_other(seeded_template, tmp_path):
    engine = make_engine(make_sqlite(seeded_template, tmp_path))
    client = make_pages(engine, hosts="City.example, intern.example").test_client()
    for host, status in (
        ("city.example", 200),
        ("intern.example:8443", 200),
        ("localhost", 400),
        ("other.example", 400),
    ):
        assert client.get("/sign-in", headers={"Host": host}).status_code == status, host
    engine.dispose()


def test_without_names_it_is_this_machine():
    assert "localhost" in read_hosts(ServiceSettings())
    assert read_hosts(ServiceSettings(hosts=" A.example ,")) == {"a.example"}
    assert is_number("::1")
    assert not is_number("1.2.3.4.example")


def test_cookies_under_https_are_of_this_host_alone(seeded_template, tmp_path):
    engine = make_engine(make_sqlite(seeded_template, tmp_path))
    client = make_pages(engine, behind_https=True).test_client()
    page = client.get("/sign-in", base_url="https://localhost")
    form = {"login": "auditor", "password": "correct horse staple"}
    form["csrf_token"] = read_token(page.text)
    headers = {"Referer": "https://localhost/sign-in"}
    entered = client.post("/sign-in", base_url="https://localhost", data=form, headers=headers)
    set_ones = [*page.headers.getlist("Set-Cookie"), *entered.headers.getlist("Set-Cookie")]
    assert {one.split("=")[0] for one in set_ones} == {
        "__Host-gridgov_form",
        "__Host-gridgov_session",
    }
    for one in set_ones:
        parts = {part.strip().split("=")[0].lower() for part in one.split(";")}
        assert {"secure", "httponly", "path", "samesite"} <= parts
        assert "domain" not in parts
        assert "Path=/" in one
    assert client.get("/account", base_url="https://localhost").status_code == 200
    token = read_token(client.get("/account", base_url="https://localhost").text)
    left = client.post(
        "/sign-out", base_url="https://localhost", data={"csrf_token": token}, headers=headers
    )
    gone = [one for one in left.headers.getlist("Set-Cookie") if "gridgov_session" in one]
    assert gone
    assert "Secure" in gone[0]
    assert client.get("/account", base_url="https://localhost").status_code == 302
    engine.dispose()


HUGE = 10**25
BAD = [
    "/search?q=a%00b",
    "/orders?q=%00",
    "/orders?unit=%00",
    "/orders/%00",
    "/orders/a%00b",
    "/units?q=%00",
    "/search?q=%ff%fe",
    "/search?q=%ed%a0%80",
    f"/orders?page={HUGE}",
    f"/orders?after={HUGE}",
    "/sign-in?next=http://[::1",
    "/sign-in?next=%00",
    "/account?lang=%00",
    "/orders?window=%00",
    f"/maps?window={HUGE}..{HUGE}",
]


@pytest.mark.parametrize("path", BAD)
def test_nothing_that_an_address_says_breaks_a_page(client, path):
    sign_in(client, Role.DISPATCHER)
    answer = client.get(path)
    answer.close()
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("path", BAD)
def test_nor_on_postgresql(postgres_pages, path):
    answer = postgres_pages.get(path)
    answer.close()
    assert answer.status_code < 500, answer.text


@pytest.fixture(scope="module")
def postgres_pages(postgres_template):
    with clone_database(postgres_template) as url:
        engine = make_engine(url)
        seed(engine)
        client = make_pages(engine).test_client()
        sign_in(client, Role.DISPATCHER)
        yield client
        engine.dispose()


def test_nul_is_refused_wherever_it_stands(client):
    sign_in(client, Role.DISPATCHER)
    assert client.get("/search?q=a%00b").status_code == 400
    assert post(client, "/orders/views", name="a\0b").status_code == 400
    assert post(client, "/orders/views", **{"na\0me": "b"}).status_code == 400


def test_a_number_larger_than_any_is_the_number_of_nothing(client):
    sign_in(client, Role.DISPATCHER)
    assert post(client, f"/orders/views/{HUGE}/delete").status_code == 404
    assert post(client, f"/orders/views/{2**63 - 1}/delete").status_code in {302, 404}


@pytest.mark.parametrize("address", ["http://[::1", "//[", "http://[::1]/a", "\0"])
def test_half_an_address_leads_nowhere(pages, address):
    with pages.test_request_context():
        assert read_local(address) == ""
