"""Signing in through an OpenID provider that runs on this host."""

import pytest
import requests
from joserfc.jwk import RSAKey

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import make_engine
from tests.databases import make_sqlite
from tests.web.oidc_provider import CLIENT_ID, CLIENT_SECRET, run_provider
from tests.web.pages import make_pages


@pytest.fixture(scope="module")
def provider():
    with run_provider() as running:
        yield running


@pytest.fixture
def client(provider, seeded_template, tmp_path):
    provider.subject, provider.audience = f"subject of {Role.PLANNER}", CLIENT_ID
    provider.signing_key = provider.key
    engine = make_engine(make_sqlite(seeded_template, tmp_path))
    app = make_pages(
        engine,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )
    yield app.test_client()
    engine.dispose()


def go_there_and_back(client, *, next_page=""):
    """Walk the redirects as a browser does and return our last answer."""
    away = client.get("/sign-in/provider", query_string={"next": next_page})
    assert away.status_code == 302
    back = requests.get(away.headers["Location"], allow_redirects=False, timeout=10)
    return client.get(back.headers["Location"].removeprefix("http://localhost"))


def test_subject_of_an_account_signs_in(client):
    answer = go_there_and_back(client, next_page="/account?window=7d")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/account?window=7d"
    assert "planner" in client.get("/account").text


def test_sign_in_page_offers_it(client):
    assert 'href="/sign-in/provider' in client.get("/sign-in").text


def test_unknown_subject_is_told_so(client, provider):
    provider.subject = "a stranger"
    answer = go_there_and_back(client)
    assert answer.status_code == 403
    assert client.get("/account").status_code == 302


def test_token_for_somebody_else_or_by_another_key_is_refused(client, provider):
    provider.audience = "another service"
    assert go_there_and_back(client).status_code == 502
    provider.audience = CLIENT_ID
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "1"})
    assert go_there_and_back(client).status_code == 502
    assert client.get("/account").status_code == 302


def test_answer_that_nobody_asked_for_is_refused(client):
    assert client.get("/sign-in/provider/return?code=code-0&state=forged").status_code == 502


def test_provider_that_is_away(seeded_template, tmp_path):
    engine = make_engine(make_sqlite(seeded_template, tmp_path))
    app = make_pages(engine, oidc_issuer="http://127.0.0.1:9", oidc_client_id="a")
    assert app.test_client().get("/sign-in/provider").status_code == 502
    engine.dispose()


def test_without_a_provider_there_is_no_such_page(pages):
    client = pages.test_client()
    assert client.get("/sign-in/provider").status_code == 404
    assert "/sign-in/provider" not in client.get("/sign-in").text
