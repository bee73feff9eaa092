"""A small service for tests of pages: a few units, one account per role, and clients that are signed in."""

import re
from datetime import UTC, datetime
from functools import cache

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account, hash_password
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.city import CityPack, Unit
from web.app import make_app

PASSWORD = "correct horse staple"
DESK, DISTRICT, STREET, OTHER_STREET, DEPARTMENT = (
    "desk",
    "110101",
    "110101001",
    "110101002",
    "bureau",
)
UNITS = (
    (DESK, "市民热线服务中心", "desk", f"/{DESK}/"),
    (DISTRICT, "东城区", "district", f"/{DISTRICT}/"),
    (STREET, "东华门街道办事处", "street", f"/{DISTRICT}/{STREET}/"),
    (OTHER_STREET, "景山街道办事处", "street", f"/{DISTRICT}/{OTHER_STREET}/"),
    (DEPARTMENT, "市水务局", "department", f"/{DEPARTMENT}/"),
)
UNIT_OF = {
    Role.STREET_CENTRE: STREET,
    Role.HANDLER: DEPARTMENT,
    Role.FIELD_STAFF: STREET,
}
"""Where an account of a role works; the others at the desk."""


@cache
def hash_once() -> str:
    return hash_password(PASSWORD, login="any")


def seed(engine: sa.Engine) -> None:
    """Write the units, a city without a pack, and one account per role with the role as its login."""
    now = datetime.now(UTC)
    with transaction(make_sessions(engine)) as session:
        session.add(
            CityPack(
                name="测试市",
                timezone="Asia/Shanghai",
                path="/nowhere",
                content_hash="0",
                boundary_version="1",
                loaded_at=now,
            )
        )
        for code, name, kind, path in UNITS:
            session.add(Unit(unit_code=code, name=name, kind=kind, path=path))
        session.flush()
        for role in Role:
            new = NewAccount(
                login=role.value,
                name=f"{role} 甲",
                role=role,
                unit_code=UNIT_OF.get(role, DESK),
                oidc_subject=f"subject of {role}",
            )
            # Hashed once: a hash is meant to be slow.
            add_account(session, new, password=None, now=now).password_hash = hash_once()


def make_pages(engine: sa.Engine, **settings) -> Flask:
    """Return the application on a seeded database."""
    app = make_app(ServiceSettings(secret_key="k" * 40, **settings), engine=engine)
    app.config["LIVE_STREAM_S"] = 0.2  # a test reads a stream to its end
    return app


def read_token(page: str) -> str:
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:2000]
    return found.group(1)


def sign_in(client: FlaskClient, role: Role | str, *, password: str = PASSWORD, **form):
    """Sign in and return the answer."""
    token = read_token(client.get("/sign-in").text)
    form = {"login": str(role), "password": password, "csrf_token": token} | form
    return client.post("/sign-in", data=form)


def post(client: FlaskClient, path: str, **form):
    """Send a form with a good token."""
    token = read_token(client.get("/account").text)
    return client.post(path, data={"csrf_token": token} | form)
