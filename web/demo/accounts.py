"""The accounts of the demo, one per role; shown on the sign-in page of a demo and nowhere else."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account, find_account
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.city import Unit
from gridgov.storage.models.orders import Order
from web.kit.service import get_service

DEMO_PASSWORD = "gridgov-demo-2025"  # noqa: S105 - shown to everybody who opens a demo; no other service has it
PREFIX = "demo."
STREET_ROLES = frozenset({Role.STREET_CENTRE, Role.FIELD_STAFF})
OTHER_KINDS = ("department", "enterprise", "platform")


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """An account of the demo, as its sign-in page shows it."""

    login: str
    name: str
    role: Role
    password: str = DEMO_PASSWORD


def list_demo_accounts() -> list[DemoAccount]:
    """Return the demo's accounts, in the order of the roles."""
    with get_service().read_sessions() as session:
        rows = session.execute(
            sa.select(Account.login, Account.name, Account.role)
            .where(Account.login.startswith(PREFIX, autoescape=True), Account.active)
            .order_by(Account.id)
        ).all()
    return [DemoAccount(login=row.login, name=row.name, role=row.role) for row in rows]


def add_demo_accounts(session: Session, *, now: datetime) -> list[str]:
    """Make one account per role where it is missing and return the logins.

    A street's people work in the street with most orders, the handler in the department with most; all others at
    the desk of the hotline.
    """
    desk = session.scalar(sa.select(Unit.unit_code).where(Unit.kind == "desk").limit(1))
    street = find_busiest(session, ("street",)) or desk
    other = find_busiest(session, OTHER_KINDS) or street
    for role in Role:
        unit = street if role in STREET_ROLES else other if role is Role.HANDLER else desk
        login = f"{PREFIX}{role}"
        if unit is None or find_account(session, login) is not None:
            continue
        new = NewAccount(login=login, name=get_label("role", role), role=role, unit_code=unit)
        account = add_account(session, new, password=DEMO_PASSWORD, now=now)
        account.password_given = False  # everybody knows it, and shall
    return [f"{PREFIX}{role}" for role in Role]


def find_busiest(session: Session, kinds: tuple[str, ...]) -> str | None:
    """Return the unit of these kinds with most orders, None if none has one."""
    return session.scalar(
        sa.select(Order.unit_code)
        .where(Order.unit_code.in_(sa.select(Unit.unit_code).where(Unit.kind.in_(kinds))))
        .group_by(Order.unit_code)
        .order_by(sa.func.count().desc(), Order.unit_code)
        .limit(1)
    )
