"""Alembic's entry: runs migrations on the engine given by ``gridgov.storage.db.make_config``."""

import os

import sqlalchemy as sa
from alembic import context

from gridgov.storage.db import is_postgres, make_engine
from gridgov.storage.models.tables import METADATA

LOCK_KEY = 0x67726964676F76
"""Advisory lock under which migrations run ("gridgov"): two upgrades never run at once."""
LOCK_WAIT = "10s"
"""A migration gives up rather than queue behind, and thereby block, the whole service."""


def run() -> None:
    """Run the migrations in one transaction each."""
    engine = context.config.attributes.get("engine")
    if engine is None:
        engine = make_engine(os.environ.get("GRIDGOV_DATABASE_URL", "sqlite:///var/gridgov.db"))
    with engine.connect() as connection:
        if is_postgres(connection):
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_WAIT}'"))
            connection.commit()
        try:
            _run_on(connection)
        finally:
            if is_postgres(connection):
                connection.rollback()
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
                connection.execute(sa.text("RESET lock_timeout"))
                connection.commit()


def _run_on(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        include_object=_is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_ours(item: object, name: str | None, kind: str, _reflected: bool, _compare: object) -> bool:  # noqa: FBT001 - Alembic's signature
    """Leave out what PostGIS and the job library keep, and what this database does not have (``ddl_if``)."""
    if kind == "index" and isinstance(item, sa.Index) and str(name).endswith("_gist"):
        return bool(context.get_context().dialect.name == "postgresql")
    return not (
        kind == "table" and (name == "spatial_ref_sys" or str(name).startswith("procrastinate_"))
    )


run()
