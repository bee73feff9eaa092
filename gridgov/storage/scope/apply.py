"""What an account may see: its unit's subtree, by role; in the query layer and, on PostgreSQL, in the database.

A session is bound to a scope once (:func:`bind`). From then on every query of it is filtered, whether its author
thought of it or not: by criteria added to each statement (``scope_rules``), and on PostgreSQL by row-level security,
which reads the settings made here at the begin of each transaction. A session that is not bound is the system's own
(commands, jobs).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import is_postgres
from gridgov.storage.models.city import Unit
from gridgov.storage.scope.criteria import make_criteria, see_orders
from gridgov.storage.scope.viewer import CITY_WIDE_ROLES, PERSONAL_ROLES, Scope

__all__ = ["Scope", "bind", "get_scope", "make_scope", "see_orders", "without_row_scope"]

KEY = "gridgov_scope"
_LIFTED = "gridgov_scope_lifted"
APP_ROLE, CITY_ROLE = "gridgov_app", "gridgov_city"
"""Database roles under which accounts work on PostgreSQL: they own nothing, so policies hold for them. The second sees
every order; it is a role of its own because the policies of the first would keep the planner from some indexes."""


def make_scope(
    session: Session,
    *,
    account_id: int,
    person_key: str,
    role: Role,
    unit_code: str,
    origin: str = "",
) -> Scope:
    """Return the scope of an account by the units of today."""
    paths = session.scalars(sa.select(Unit.path).where(Unit.unit_code == unit_code)).all()
    kinds = session.scalars(sa.select(Unit.kind).where(Unit.unit_code == unit_code)).all()
    prefixes = [Unit.path.startswith(path, autoescape=True) for path in paths]
    below = session.scalars(sa.select(Unit.unit_code).where(sa.or_(*prefixes))) if prefixes else ()
    top = any(path.count("/") == 2 for path in paths)  # "/code/": nobody stands above
    whole = role in CITY_WIDE_ROLES or "desk" in kinds
    return Scope(
        account_id=account_id,
        person_key=person_key,
        role=role,
        unit_code=unit_code,
        unit_codes=tuple(sorted({unit_code, *below})),
        sees_all=whole or (top and role in {Role.SUPERVISOR, Role.PLANNER}),
        sees_personal=role in PERSONAL_ROLES,
        origin=origin,
    )


def bind(session: Session, scope: Scope) -> Session:
    """Return `session`, from now on limited to what `scope` may see."""
    session.info[KEY] = scope
    if session.in_transaction():
        _set_database(session, session.connection())
    return session


def get_scope(session: Session) -> Scope | None:
    """Return the scope of a session, None for the system's own."""
    found = session.info.get(KEY)
    return found if isinstance(found, Scope) else None


def _set_database(session: Session, connection: sa.Connection) -> None:
    scope = get_scope(session)
    if scope is None or not is_postgres(connection):
        return
    settings = {
        "gridgov.sees_personal": "on" if scope.sees_personal else "off",
        "gridgov.keeps": "on" if scope.keeps else "off",
        "gridgov.unit_code": scope.unit_code,
        "gridgov.unit_codes": _make_array(scope.unit_codes),
        "gridgov.account_id": str(scope.account_id),
    }
    chosen = ", ".join(f"set_config('{name}', :v{at}, true)" for at, name in enumerate(settings))
    values = {f"v{at}": value for at, value in enumerate(settings.values())}
    connection.execute(sa.text(f"SELECT {chosen}"), values)
    if not session.info.get(_LIFTED):
        connection.execute(sa.text(f"SET LOCAL ROLE {_get_role(scope)}"))


def _make_array(codes: tuple[str, ...]) -> str:
    """Return codes as a text array of PostgreSQL."""
    quoted = (code.replace("\\", "\\\\").replace('"', '\\"') for code in codes)
    return "{" + ",".join(f'"{code}"' for code in quoted) + "}"


def _get_role(scope: Scope) -> str:
    return CITY_ROLE if scope.sees_all else APP_ROLE


@contextmanager
def without_row_scope(session: Session) -> Iterator[None]:
    """Lift the limits of a bound session while a service writes what the rules have permitted.

    What an account does reaches further than what it sees: a message goes to another unit, an order leaves its own.
    Only services use this, after the rules have said yes; what is written is flushed before the limits return.
    """
    outer = session.info.get(_LIFTED, False)
    bound = get_scope(session) is not None and not outer
    if bound and session.in_transaction() and is_postgres(session):
        session.execute(sa.text("SET LOCAL ROLE NONE"))
    session.info[_LIFTED] = True
    try:
        yield
        session.flush()
    finally:
        session.info[_LIFTED] = outer
        if bound:
            _limit_again(session)


def _limit_again(session: Session) -> None:
    scope = get_scope(session)
    if scope is None or not session.in_transaction() or not is_postgres(session):
        return
    try:
        session.execute(sa.text(f"SET LOCAL ROLE {_get_role(scope)}"))
    except sa.exc.SQLAlchemyError:
        # The transaction is broken: with it ends the lifted role, and nothing of it is kept.
        session.rollback()


@sa.event.listens_for(Session, "after_begin")
def _begin(session: Session, _transaction: object, connection: sa.Connection) -> None:
    _set_database(session, connection)


@sa.event.listens_for(Session, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    """Add the scope's criteria to every statement of a bound session."""
    scope = get_scope(state.session)
    if (
        scope is None
        or state.session.info.get(_LIFTED)
        or state.is_column_load
        or state.is_relationship_load
    ):
        return
    state.statement = state.statement.options(*make_criteria(scope))
