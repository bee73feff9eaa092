"""Whether a database is whole: its pages and indexes, its keys, the log, and the orders as the log left them."""

from collections.abc import Iterator

import sqlalchemy as sa

from gridgov.storage.audit.reconcile import reconcile
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import is_postgres, snapshot
from gridgov.storage.db_faults import explain
from gridgov.storage.models.tables import METADATA

SHOWN = 100
"""Faults of one kind that are told."""


def find_damage(engine: sa.Engine) -> list[str]:
    """Return what is damaged, each as a line; empty if everything is whole.

    Every page and row is read, so it takes as long as a backup.
    """
    faults: list[str] = []
    try:
        with snapshot(engine) as session:
            connection = session.connection()
            looks = _look_postgres if is_postgres(engine) else _look_sqlite
            faults += looks(connection)
            _read_rows(connection)
            faults += [
                f"log, chain {one.chain}, position {one.position}: {one.kind}: {one.text}"
                for one in verify(session)[:SHOWN]
            ]
            faults += [f"order {one.order_no}: {one.text}" for one in reconcile(session)[:SHOWN]]
    except sa.exc.DBAPIError as error:
        # What comes after a damaged page cannot be read in the same transaction.
        faults.append(explain(error))
    return faults


def _look_sqlite(connection: sa.Connection) -> Iterator[str]:
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({SHOWN})"):
        if line != "ok":
            yield f"file: {line}"
    for row in list(connection.exec_driver_sql("PRAGMA foreign_key_check"))[:SHOWN]:
        yield f"table {row[0]}, row {row[1]}: names a row of {row[2]} that is not there"


def _look_postgres(connection: sa.Connection) -> Iterator[str]:
    broken = (
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE NOT (i.indisvalid AND i.indisready)"
    )
    for name in connection.scalars(sa.text(broken)):
        yield f"index {name}: is not valid; make it again: REINDEX INDEX {name}"
    unchecked = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE NOT convalidated"
    for table, name in connection.execute(sa.text(unchecked)):
        yield f"table {table}: constraint {name} was never checked"
    asked = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"
    if connection.scalar(sa.text(asked)) is None:
        return
    trees = (
        "SELECT c.oid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p' "
        "AND c.relnamespace = 'public'::regnamespace AND i.indisvalid"
    )
    for name in list(connection.scalars(sa.text(trees))):
        connection.execute(
            sa.text("SELECT bt_index_check(CAST(:name AS regclass), true)"), {"name": name}
        )


def _read_rows(connection: sa.Connection) -> None:
    """Read every value of every table: a damaged one makes the database say so."""
    for table in METADATA.sorted_tables:
        lengths = (sa.func.max(sa.func.length(sa.cast(one, sa.Text))) for one in table.c)
        connection.execute(sa.select(*lengths))
