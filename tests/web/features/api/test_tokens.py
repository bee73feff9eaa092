"""Who calls: tokens with scopes and an end, no cookies, and errors that programs can read."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import NotFoundError
from gridgov.services.accounts.manage import disable_account, enable_account, get_account
from gridgov.services.accounts.tokens import (
    FORM,
    NewToken,
    TokenError,
    TokenScope,
    end_token,
    find_holder,
    list_tokens,
    make_token,
)
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.tokens import ApiToken
from tests.web.pages import sign_in

PLACE = "/api/v1/locate?lon=116.405&lat=39.905"


@pytest.fixture(autouse=True)
def _forget(site):
    """Tokens are kept for two seconds; a test does not wait for them."""
    site.app.extensions["gridgov_tokens"].holders.clear()


def check_problem(answer, status, key):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    told = answer.get_json()
    assert told["type"] == f"urn:gridgov:problem:{key}"
    assert told["status"] == status
    assert told["detail"]
    return told


def test_a_token_opens_what_it_is_for_and_no_more(site):
    caller = site.make_caller("planner", TokenScope.PLACES)
    assert caller.get(PLACE).get_json()["street_code"] == "110101001"
    other = site.make_caller("planner", TokenScope.ORDERS_READ)
    told = check_problem(other.get(PLACE), 403, "forbidden")
    assert "places" in told["detail"]


@pytest.mark.parametrize("token", ["", "x", "gg_" + "A" * 43, "gg_" + "京" * 43, "gg_\udcff"])
def test_without_a_token_that_holds_nobody_enters(site, token):
    headers = {
        "Authorization": f"Bearer {token}".encode("utf-8", "surrogateescape").decode("latin-1")
    }
    answer = site.app.test_client().get(PLACE, headers=headers if token else {})
    check_problem(answer, 401, "token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_cookie_opens_nothing_here(site):
    client = site.app.test_client()
    sign_in(client, "planner")
    check_problem(client.get(PLACE), 401, "token")


def test_a_token_ends_with_its_time_its_account_and_by_hand(site):
    now = datetime.now(UTC)
    check_problem(site.make_caller("planner", now=now - timedelta(days=2)).get(PLACE), 401, "token")
    caller = site.make_caller("planner")
    sessions = make_sessions(site.engine)
    with transaction(sessions) as session:
        disable_account(session, get_account(session, "planner"), now=now)
    check_problem(caller.get(PLACE), 401, "token")
    with transaction(sessions) as session:
        enable_account(session, get_account(session, "planner"), now=now)
    _clear(site)
    assert caller.get(PLACE).status_code == 200
    with transaction(sessions) as session:
        account = get_account(session, "planner")
        kept = list_tokens(session, account.id)[0]
        with pytest.raises(NotFoundError):
            end_token(session, get_account(session, "analyst"), kept.id, now=now)
        end_token(session, account, kept.id, now=now)
        end_token(session, account, kept.id, now=now)
    _clear(site)
    check_problem(caller.get(PLACE), 401, "token")


def _clear(site):
    site.app.extensions["gridgov_tokens"].holders.clear()


def test_only_a_hash_is_kept_and_the_log_says_who_made_it(site):
    with transaction(make_sessions(site.engine)) as session:
        account = get_account(session, "auditor")
        new = NewToken(name="数据中心", scopes=[TokenScope.PLACES])
        token = make_token(session, account, new, now=datetime.now(UTC))
        assert FORM.fullmatch(token)
        assert find_holder(session, token, now=datetime.now(UTC)).scopes == {TokenScope.PLACES}
    with make_sessions(site.engine)() as session:
        kept = session.scalars(sa.select(ApiToken).order_by(ApiToken.id.desc())).first()
        row = {name: str(getattr(kept, name)) for name in ApiToken.__table__.columns.keys()}  # noqa: SIM118 - names
        assert not any(token in value or token[9:] in value for value in row.values())
        entry = session.scalars(
            sa.select(LogEntry).where(LogEntry.action == "make_token").order_by(LogEntry.id.desc())
        ).first()
    assert entry.subject_no == "auditor"
    assert token not in str(entry.after)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"name": "x" * 81},
        {"scopes": ()},
        {"days": 0},
        {"days": 400},
        {"per_minute": 0},
    ],
)
def test_what_makes_no_token(site, changes):
    values = {"name": "x", "scopes": [TokenScope.PLACES]} | changes
    with make_sessions(site.engine)() as session, pytest.raises(TokenError):
        make_token(
            session, get_account(session, "auditor"), NewToken(**values), now=datetime.now(UTC)
        )


def test_who_calls_too_often_is_told_when_to_come_back(site):
    caller = site.make_caller("analyst", per_minute=3)
    answers = [caller.get(PLACE) for _ in range(5)]
    # A new minute may begin in between.
    assert {answer.status_code for answer in answers} == {200, 429}
    last = next(answer for answer in answers if answer.status_code == 429)
    check_problem(last, 429, "too_often")
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert answers[0].headers["RateLimit-Remaining"] == "2"


def test_what_is_not_there_and_what_is_not_done_are_told_alike(site):
    client = site.app.test_client()
    check_problem(client.get("/api/v1/nothing"), 404, "not_found")
    check_problem(client.get("/api/"), 404, "not_found")
    answer = client.delete("/api/v1/locate")
    check_problem(answer, 405, "method")
    assert set(answer.headers["Allow"].replace(",", " ").split()) >= {"GET", "POST"}
    assert client.get("/nothing").content_type.startswith("text/html")
