"""The salt under which persons are hashed: made at the first start, kept beside the database, one for all commands.

Without it a person's key could be found by hashing every telephone number there is; with another one the same person
would be somebody else from one import to the next.
"""

import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import sqlalchemy as sa

from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import DatabaseError, is_postgres, make_sessions, transaction
from gridgov.storage.models.secrets import KeptSecret
from gridgov.storage.statements import insert_once

NAME = "salt"
ENDING = ".salt"
BYTES = 32


def with_salt(settings: ServiceSettings, engine: sa.Engine) -> ServiceSettings:
    """Return `settings` with the salt of this database.

    Raises
    ------
    DatabaseError
        It is not the salt under which the persons in this database were hashed, or its file is gone.
    """
    return replace(settings, salt=find_salt(settings.salt, engine))


def find_salt(given: str, engine: sa.Engine) -> str:
    """Return the salt of a database: the one that is set, else the one kept beside it, else a new one.

    On SQLite it is kept in a file beside the database, so that a copy of the data alone tells nothing of persons; on
    PostgreSQL in a table that no account's role may read.

    Parameters
    ----------
    given
        From the environment; empty if none is set.
    engine
        A database of the right schema.

    Raises
    ------
    DatabaseError
        As :func:`with_salt`.
    """
    file = find_file(engine)
    table = KeptSecret.__table__
    assert isinstance(table, sa.Table)  # noqa: S101 - of a mapped class
    with transaction(make_sessions(engine)) as session:
        kept = session.get(KeptSecret, NAME)
        if kept is None:
            salt = given or (_read(file) if file else "") or secrets.token_hex(BYTES)
            is_inside = not given and file is None
            row = {
                "name": NAME,
                "value": salt if is_inside else None,
                "mark": make_mark(salt),
                "made_at": datetime.now(UTC),
            }
            session.execute(insert_once(session, table, unique=("name",)), row)
            # Of two first starts at the same moment one was first.
            kept = session.get_one(KeptSecret, NAME, populate_existing=True)
            if kept.mark == row["mark"] and not given and file is not None:
                _write(file, salt)
        salt = given or kept.value or (_read(file) if file else "")
        return _check(salt, kept.mark, file)


def _check(salt: str, mark: str, file: Path | None) -> str:
    where = f"the file {file}" if file else "the table kept_secrets"
    if not salt:
        raise DatabaseError(
            f"The salt of this database is not there: expected it in {where} or in GRIDGOV_SALT. Restore it from "
            "the backup; with another salt the persons of earlier imports would not be known again"
        )
    if make_mark(salt) != mark:
        raise DatabaseError(
            "GRIDGOV_SALT (or the file beside the database) is not the salt under which the persons in this database "
            f"were hashed. Use that one, or unset GRIDGOV_SALT if it lies in {where}"
        )
    return salt


def make_mark(salt: str) -> str:
    """Return what tells whether a salt is the right one, without telling the salt."""
    return blake2b(salt.encode(), digest_size=16, person=b"gridgov salt").hexdigest()


def find_file(engine: sa.Engine) -> Path | None:
    """Return where the salt of a SQLite database lies; None on PostgreSQL and in memory."""
    name = engine.url.database
    if is_postgres(engine) or name in {None, "", ":memory:"}:
        return None
    return Path(f"{name}{ENDING}")


def _read(file: Path) -> str:
    return file.read_text("utf-8").strip() if file.exists() else ""


def _write(file: Path, salt: str) -> None:
    """Write the salt for the owner of the database alone, whole or not at all."""
    if file.exists():
        return
    new = file.with_name(f"{file.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"{salt}\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
