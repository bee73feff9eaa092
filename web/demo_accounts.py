"""The accounts of the demo, one per role; shown on the sign-in page of a demo and nowhere else."""

from dataclasses import dataclass

import sqlalchemy as sa

from gridgov.rules.order_table import Role
from gridgov.storage.models.accounts import Account
from web.service import get_service

DEMO_PASSWORD = "gridgov-demo-2025"  # noqa: S105 - shown to everybody who opens a demo; no other service has it


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
            .where(Account.login.like("demo.%"), Account.active)
            .order_by(Account.id)
        ).all()
    return [DemoAccount(login=row.login, name=row.name, role=row.role) for row in rows]
