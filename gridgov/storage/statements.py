"""Statements that are made once and given their values when they are executed.

A statement with values of its own is made, walked and hashed anew each time, which costs more than the database takes
for one row; these are for what happens many times a second.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gridgov.storage.db import is_postgres


def insert_once(
    session: Session, table: sa.Table, *, unique: tuple[str, ...] = (), returning: str = ""
) -> Any:
    """Return the statement that adds a row and does nothing where there is one already.

    Parameters
    ----------
    session
        Of the database that shall take it.
    unique
        Columns that are unique together; empty for any that are.
    returning
        Column whose value is returned of a row that was added.
    """
    return _make(table, unique, returning, is_postgres(session))


@cache
def _make(table: sa.Table, unique: tuple[str, ...], returning: str, on_postgres: bool) -> Any:  # noqa: FBT001
    insert = postgresql.insert if on_postgres else sqlite.insert
    made = insert(table).on_conflict_do_nothing(index_elements=unique or None)
    return made.returning(table.c[returning]) if returning else made
