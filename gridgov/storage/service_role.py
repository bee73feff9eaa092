"""A login of PostgreSQL under which the service runs and which owns nothing: what it may do, and nothing beyond.

The owner of the tables can drop the guards of the log, give roles to accounts and read the salt of another city. A
service that is broken into shall not be able to. So the owner upgrades the database and makes accounts
(``GRIDGOV_OWNER_URL``), and the service connects as a login that is granted what it needs here.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from gridgov.storage.db import DatabaseError, is_postgres

POLICY = "service_all"
"""Name of the policy by which the login sees every row; the roles of accounts have their own."""
ROLES = ("gridgov_app", "gridgov_city")
FIXED = {"accounts": frozenset({"id", "login", "role", "unit_code", "person_key"})}
"""Table → columns that only the owner writes: who somebody is and what they may do."""
GRANTED = {
    "alembic_version": "SELECT",
    "spatial_ref_sys": "SELECT",
    "log_entries": "SELECT, INSERT",
    "log_heads": "SELECT, UPDATE (position, hash)",
    "webhooks": "SELECT",
    "kept_secrets": "SELECT, INSERT",
}
"""Table → what is granted on it; on every other what rows need."""
ROWS = "SELECT, INSERT, UPDATE, DELETE"


def grant_service(connection: sa.Connection, login: str) -> None:
    """Give a login what the service needs, and take from it whatever else it was given; safe to repeat.

    Parameters
    ----------
    connection
        As the owner of the tables, on PostgreSQL.
    login
        A role that exists.

    Raises
    ------
    DatabaseError
        There is no such role, it owns the tables or is a superuser, or this is no PostgreSQL.
    """
    _check_login(connection, login)
    name = _quote(connection, login)
    for table in list_tables(connection):
        connection.execute(sa.text(f"REVOKE ALL ON {_quote(connection, table)} FROM {name}"))
        for what in _list_grants(connection, table):
            connection.execute(sa.text(f"GRANT {what} ON {_quote(connection, table)} TO {name}"))
    connection.execute(sa.text(f"GRANT USAGE ON SCHEMA public TO {name}"))
    connection.execute(sa.text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}"))
    for role in ROLES:
        connection.execute(sa.text(f"GRANT {role} TO {name}"))
    logins = sorted({*find_services(connection), login})
    shown = ", ".join(_quote(connection, one) for one in logins)
    for table in _list_guarded(connection):
        quoted = _quote(connection, table)
        connection.execute(sa.text(f"DROP POLICY IF EXISTS {POLICY} ON {quoted}"))
        what = "FOR SELECT" if GRANTED.get(table) == "SELECT" else "FOR ALL"
        check = "" if what == "FOR SELECT" else " WITH CHECK (true)"
        connection.execute(
            sa.text(f"CREATE POLICY {POLICY} ON {quoted} {what} TO {shown} USING (true){check}")
        )


def find_services(connection: sa.Connection) -> list[str]:
    """Return the logins that were granted the service: what an upgrade adds they need too."""
    if not is_postgres(connection):
        return []
    query = "SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE policyname = :name"
    return sorted(connection.scalars(sa.text(query), {"name": POLICY}))


def list_tables(connection: sa.Connection) -> list[str]:
    """Return the tables of the database that the owner may grant."""
    query = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND pg_has_role(tableowner, 'USAGE') ORDER BY tablename"
    )
    return list(connection.scalars(sa.text(query)))


def _list_guarded(connection: sa.Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity ORDER BY tablename"
    return list(connection.scalars(sa.text(query)))


def _list_grants(connection: sa.Connection, table: str) -> Iterable[str]:
    fixed = FIXED.get(table)
    if fixed is None:
        yield GRANTED.get(table, ROWS)
        return
    names = [one["name"] for one in sa.inspect(connection).get_columns(table)]
    free = ", ".join(_quote(connection, name) for name in names if name not in fixed)
    yield f"SELECT, UPDATE ({free})"


def _check_login(connection: sa.Connection, login: str) -> None:
    if not is_postgres(connection):
        raise DatabaseError("SQLite has no logins; whoever may write the file may write all of it")
    query = (
        "SELECT rolsuper, pg_has_role(oid, (SELECT tableowner FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename = 'orders'), 'USAGE') "
        "FROM pg_roles WHERE rolname = :login"
    )
    row = connection.execute(sa.text(query), {"login": login}).first()
    if row is None:
        raise DatabaseError(
            f"There is no database role {login!r}. Let an administrator of the database make it: "
            f"CREATE ROLE {_quote(connection, login)} LOGIN PASSWORD '…'"
        )
    if any(row):
        raise DatabaseError(
            f"The database role {login!r} is a superuser or owns the tables; name one from which things can be kept"
        )


def _quote(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
