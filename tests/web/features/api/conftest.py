"""One city behind the API for all tests of a module, on SQLite and on PostgreSQL, and tokens for who calls."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import get_account
from gridgov.services.accounts.tokens import PER_MINUTE_MAX, NewToken, TokenScope, make_token
from gridgov.services.city_runtime import CityRuntime
from gridgov.storage.db import make_engine, make_sessions, transaction
from tests.databases import clone_database, make_sqlite
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program with a token."""

    app: Flask
    token: str

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.call("POST", path, **options)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The service, and callers of it."""

    app: Flask
    engine: sa.Engine
    runtime: CityRuntime

    def make_caller(
        self,
        login: str,
        *scopes: TokenScope,
        now: datetime | None = None,
        days: int = 1,
        per_minute: int = PER_MINUTE_MAX,
    ) -> Caller:
        new = NewToken(
            name="test", scopes=scopes or tuple(TokenScope), days=days, per_minute=per_minute
        )
        with transaction(make_sessions(self.engine)) as session:
            account = get_account(session, login)
            token = make_token(session, account, new, now=now or datetime.now(UTC))
        return Caller(app=self.app, token=token)


@pytest.fixture(scope="session")
def api_runtime(tmp_path_factory: pytest.TempPathFactory) -> CityRuntime:
    return make_city_desk(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    api_runtime: CityRuntime,
) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            template = request.getfixturevalue("sqlite_template")
            url = make_sqlite(template, tmp_path_factory.mktemp("api_db"))
        else:
            url = stack.enter_context(clone_database(request.getfixturevalue("postgres_template")))
        engine = make_engine(url)
        stack.callback(engine.dispose)
        seed_city(engine, api_runtime)
        yield Site(app=make_city_pages(engine, api_runtime), engine=engine, runtime=api_runtime)


@pytest.fixture(scope="module")
def callers(site: Site) -> dict[str, Caller]:
    """Return a caller with every scope for each role and for the neighbouring street."""
    return {
        login: site.make_caller(login) for login in (*(role.value for role in Role), "other_street")
    }
