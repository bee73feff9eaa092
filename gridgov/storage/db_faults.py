"""What a database says when it refuses, and what a person can do about it."""

import sqlalchemy as sa

from gridgov.rules.privacy import mask_text

FAULTS = (
    (
        "database is locked",
        "SQLite: another program holds the database. Stop gridgov serve and gridgov worker, then try again",
    ),
    (
        "lock timeout",
        "A table is in use for too long. Stop gridgov serve and gridgov worker, then try again",
    ),
    (
        "could not connect",
        "The server is away. Check GRIDGOV_DATABASE_URL and whether it runs",
    ),
    (
        "connection failed",
        "The server is away. Check GRIDGOV_DATABASE_URL and whether it runs",
    ),
    (
        "server closed the connection",
        "The server went away. What was not committed is undone; try again once it runs",
    ),
    (
        "terminating connection",
        "The server ended the connection. What was not committed is undone; try again",
    ),
    ("No space left on device", "The disk is full. What was not committed is undone; make room"),
    ("database or disk is full", "The disk is full. What was not committed is undone; make room"),
    (
        "readonly database",
        "SQLite: the file or its folder cannot be written. Check who owns them",
    ),
    (
        "permission denied to create extension",
        "This role may not make PostGIS. As a superuser, in this database: CREATE EXTENSION postgis;",
    ),
    (
        "file is not a database",
        "GRIDGOV_DATABASE_URL names a file that is no SQLite database. Name another, or restore its backup",
    ),
    (
        "malformed",
        (
            "The database file is damaged. Stop gridgov serve and worker, keep a copy of the file, see what is "
            "damaged with gridgov db check --deep, and restore the last backup that this command finds whole"
        ),
    ),
    (
        "permission denied for table",
        "This role does not own the tables. Use the role that ran gridgov db upgrade",
    ),
    (
        "permission denied for schema",
        "This role may not make tables here. As the owner: GRANT CREATE ON SCHEMA public TO the role",
    ),
)
"""Part of the database's message → what to do."""


def explain(error: sa.exc.DBAPIError) -> str:
    """Return what the database said and, where it is known, what to do."""
    whole = str(error.orig).strip()
    # PostgreSQL tells the row that it refuses below the first line.
    said = mask_text(whole.split("\n", 1)[0])
    advice = next((text for part, text in FAULTS if part in whole), "")
    return f"{advice}. ({said})" if advice else said


def find_explanation(error: Exception) -> str | None:
    """Return :func:`explain` of an error of a database, None of any other."""
    return explain(error) if isinstance(error, sa.exc.DBAPIError) else None
