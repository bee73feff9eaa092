"""What an account may see: its unit's subtree, by role; in the query layer and, on PostgreSQL, in the database.

A session is bound to a scope once (:func:`bind`). From then on every query of it is filtered, whether its author
thought of it or not: by criteria added to each statement, and on PostgreSQL by row-level security, which reads the
settings made here at the begin of each transaction. A session that is not bound is the system's own (commands, jobs).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from gridgov.rules.order_needs import Actor
from gridgov.rules.order_table import Role
from gridgov.storage.db import is_postgres
from gridgov.storage.models.appeals import Appeal, AppealPerson, PinMove
from gridgov.storage.models.city import Unit
from gridgov.storage.models.orders import (
    Callback,
    Dispute,
    Exclusion,
    Order,
    OrderPause,
    Transfer,
)
from gridgov.storage.models.whistles import CalledUnit, WhistleCall

KEY = "gridgov_scope"
_LIFTED = "gridgov_scope_lifted"
APP_ROLE = "gridgov_app"
"""Database role under which accounts work on PostgreSQL: it owns nothing, so policies hold for it."""

PERSONAL_ROLES = frozenset(
    {
        Role.OPERATOR,
        Role.DISPATCHER,
        Role.CALLBACK_CLERK,
        Role.STREET_CENTRE,
        Role.HANDLER,
        Role.FIELD_STAFF,
        Role.SUPERVISOR,
    }
)
"""Roles that must reach the person to do their work; the others read masked text [A]."""

CITY_WIDE_ROLES = frozenset({Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR})
"""Roles that see every unit, wherever their own stands [A]."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Who looks.

    Parameters
    ----------
    account_id, person_key, role, unit_code
        The account.
    unit_codes
        Units whose orders are visible: the unit's subtree on the day of sign-in.
    sees_all
        Whether every order is visible (the desk, the city, city-wide roles).
    sees_personal
        Whether names, numbers and raw texts are.
    origin
        Where the account comes from, for the log.
    """

    account_id: int
    person_key: str
    role: Role
    unit_code: str
    unit_codes: tuple[str, ...]
    sees_all: bool
    sees_personal: bool
    origin: str = ""

    @property
    def actor(self) -> Actor:
        """Return the account as the rules know it."""
        return Actor(person_key=self.person_key, role=self.role, unit_code=self.unit_code)


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
        "gridgov.sees_all": "on" if scope.sees_all else "off",
        "gridgov.sees_personal": "on" if scope.sees_personal else "off",
        "gridgov.unit_codes": "{" + ",".join(f'"{code}"' for code in scope.unit_codes) + "}",
        "gridgov.account_id": str(scope.account_id),
    }
    chosen = ", ".join(f"set_config('{name}', :v{at}, true)" for at, name in enumerate(settings))
    values = {f"v{at}": value for at, value in enumerate(settings.values())}
    connection.execute(sa.text(f"SELECT {chosen}"), values)
    if not session.info.get(_LIFTED):
        connection.execute(sa.text(f"SET LOCAL ROLE {APP_ROLE}"))


@contextmanager
def lifted(session: Session) -> Iterator[None]:
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
    if not session.in_transaction() or not is_postgres(session):
        return
    try:
        session.execute(sa.text(f"SET LOCAL ROLE {APP_ROLE}"))
    except sa.exc.SQLAlchemyError:
        # The transaction is broken: with it ends the lifted role, and nothing of it is kept.
        session.rollback()


@sa.event.listens_for(Session, "after_begin")
def _begin(session: Session, _transaction: object, connection: sa.Connection) -> None:
    _set_database(session, connection)


def see_orders(scope: Scope) -> sa.ColumnElement[bool]:
    """Return which orders a scope sees: its units' own, and those to which its units are called."""
    if scope.sees_all:
        return sa.true()
    called = (
        sa.select(WhistleCall.order_id)
        .join(CalledUnit, CalledUnit.call_id == WhistleCall.id)
        .where(CalledUnit.unit_code.in_(scope.unit_codes))
    )
    return sa.or_(Order.unit_code.in_(scope.unit_codes), Order.id.in_(called))


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
    options: list[Any] = []
    if not scope.sees_all:
        # Without loader criteria of their own, the subqueries would be filtered again and again.
        orders = sa.select(Order.id).where(see_orders(scope)).correlate(None)
        appeals = sa.select(Order.appeal_id).where(see_orders(scope)).correlate(None)
        options.append(
            with_loader_criteria(Order, see_orders(scope), track_closure_variables=False)
        )
        options.append(
            with_loader_criteria(Appeal, Appeal.id.in_(appeals), track_closure_variables=False)
        )
        options += [
            with_loader_criteria(model, model.order_id.in_(orders), track_closure_variables=False)
            for model in (OrderPause, Transfer, Dispute, Callback, Exclusion, WhistleCall)
        ]
        options += [
            with_loader_criteria(model, model.appeal_id.in_(appeals), track_closure_variables=False)
            for model in (AppealPerson, PinMove)
        ]
    if not scope.sees_personal:
        options.append(with_loader_criteria(AppealPerson, sa.false()))
    state.statement = state.statement.options(*options)
