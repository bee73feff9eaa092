"""The small city of the service tests behind pages: loaded, with an account for each role at its units."""

from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from gridgov.pack.city import load_city
from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account
from gridgov.services.city_runtime import CityRuntime, make_runtime
from gridgov.services.load.pack import load_pack
from gridgov.storage.db import make_sessions, transaction
from tests.gridgov.packs import write_pack
from tests.gridgov.services.city import DESK, NOW, STREET, take
from tests.web.pages import hash_once, make_pages

DEPARTMENT, OTHER = "D01", "110101002"
UNITS = {Role.STREET_CENTRE: STREET, Role.FIELD_STAFF: STREET, Role.HANDLER: DEPARTMENT}


def make_city_desk(folder) -> CityRuntime:
    return make_runtime(load_city(write_pack(folder)), salt="test")


def seed_city(engine: sa.Engine, runtime: CityRuntime) -> None:
    """Load the pack, and make an account per role; ``other_street`` sits in the neighbouring street."""
    now = datetime.now(UTC)
    with transaction(make_sessions(engine)) as session:
        load_pack(session, runtime.city, at=NOW)
        accounts = [(role.value, role, UNITS.get(role, DESK)) for role in Role]
        accounts += [
            ("other_street", Role.STREET_CENTRE, OTHER),
            ("desk_supervisor", Role.SUPERVISOR, DESK),
        ]
        for login, role, unit in accounts:
            _add_person(session, login, role, unit, now=now)


def add_person(engine: sa.Engine, login: str, role: Role, unit_code: str) -> str:
    """Make one more account; return its login."""
    with transaction(make_sessions(engine)) as session:
        _add_person(session, login, role, unit_code, now=datetime.now(UTC))
    return login


def _add_person(session: Session, login: str, role: Role, unit_code: str, *, now: datetime) -> None:
    new = NewAccount(
        login=login, name=f"{login} 甲", role=role, unit_code=unit_code, oidc_subject=login
    )
    add_account(session, new, password=None, now=now).password_hash = hash_once()


def make_city_pages(engine: sa.Engine, runtime: CityRuntime) -> Flask:
    behind = int((datetime.now(UTC) - NOW).total_seconds() // 60) - 60
    return make_pages(
        engine, city=str(runtime.city.settings.file.parent), salt="test", clock_behind_min=behind
    )


def take_many(session: Session, runtime: CityRuntime, n: int, **changes) -> list[str]:
    """Take in `n` appeals; return the numbers of their orders."""
    return [
        take(
            session, runtime, appeal_no=f"A{at:04d}", text=f"第{at}件 路边占道", **changes
        ).order_nos[0]
        for at in range(n)
    ]
