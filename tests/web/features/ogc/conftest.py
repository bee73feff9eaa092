"""A served small city with something in each collection, once a module and database, and a token for all of it."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from gridgov.services.accounts.tokens import NewToken, TokenScope, make_token
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.accounts import Account
from tests.databases import clone_database, make_sqlite
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.room_rows import Filled, fill_rooms


@dataclass
class Served:
    """The application, its database, what was put in, and headers by account."""

    app: Flask
    engine: sa.Engine
    filled: Filled
    kind: str

    def make_headers(self, login: str, *scopes: TokenScope) -> dict[str, str]:
        """Return the headers of a program of an account."""
        with transaction(make_sessions(self.engine)) as session:
            account = session.scalars(sa.select(Account).where(Account.login == login)).one()
            new = NewToken(name="map", scopes=scopes or tuple(TokenScope))
            token = make_token(session, account, new, now=datetime.now(UTC))
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="package")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("ogc"))


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def served(request, runtime, tmp_path_factory) -> Iterator[Served]:
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            template = request.getfixturevalue("sqlite_template")
            url = make_sqlite(template, tmp_path_factory.mktemp("ogc_file"))
        else:
            url = stack.enter_context(clone_database(request.getfixturevalue("postgres_template")))
        engine = make_engine(url)
        seed_city(engine, runtime)
        with transaction(make_sessions(engine)) as session:
            filled = fill_rooms(session, runtime)
        app = make_city_pages(engine, runtime)
        yield Served(app=app, engine=engine, filled=filled, kind=request.param)
        engine.dispose()


@pytest.fixture(scope="package")
def headers(served) -> dict[str, str]:
    return served.make_headers("supervisor")


@pytest.fixture(scope="package")
def address(served) -> Iterator[str]:
    """Return the root of the same application behind a real port."""
    served.app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, served.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
