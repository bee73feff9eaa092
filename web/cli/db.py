"""``gridgov db``: bring the database to the schema of this program, or say what is between them."""

import click
import sqlalchemy as sa
from alembic import command

from gridgov.services.settings import read_settings
from gridgov.storage.db import (
    DatabaseError,
    SchemaError,
    check_schema,
    find_revision,
    get_wanted_revision,
    is_postgres,
    make_config,
    make_engine,
)
from gridgov.storage.db_faults import explain


@click.group()
def db() -> None:
    """Make, upgrade or check the database that GRIDGOV_DATABASE_URL names."""


@db.command()
def upgrade() -> None:
    """Bring the database to the schema of this program. Back it up first.

    Each step is one transaction, and only one upgrade runs at a time.
    """
    engine = make_engine(read_settings().database_url)
    before, wanted = find_revision(engine), get_wanted_revision()
    if _check_upgradable(engine):
        click.echo(f"schema {wanted}: nothing to do")
        return
    check_postgis(engine)
    try:
        command.upgrade(make_config(engine), "head")
    except sa.exc.DBAPIError as error:
        raise DatabaseError(
            f"The upgrade failed; the step that failed was undone. {explain(error)}"
        ) from error
    click.echo(f"schema {before or 'empty'} → {wanted}")


@db.command()
def check() -> None:
    """Say whether the database has the schema of this program; exit code 2 if not."""
    engine = check_schema(make_engine(read_settings().database_url))
    check_postgis(engine)
    click.echo(f"schema {get_wanted_revision()}: as this program needs it")


def _check_upgradable(engine: sa.Engine) -> bool:
    """Tell whether there is nothing to do; a newer schema cannot be upgraded.

    Raises
    ------
    SchemaError
        The schema is one that this program does not know.
    """
    try:
        check_schema(engine)
    except SchemaError as error:
        if error.is_newer:
            raise
        return False
    return True


def check_postgis(engine: sa.Engine, extension: str = "postgis") -> None:
    """Check that a PostgreSQL server has PostGIS, so that a database of it can be given it.

    Raises
    ------
    DatabaseError
        It has none; the message says how to get it.
    """
    if not is_postgres(engine):
        return
    query = "SELECT installed_version FROM pg_available_extensions WHERE name = :name"
    with engine.connect() as connection:
        if connection.execute(sa.text(query), {"name": extension}).first() is not None:
            return
        version = int(connection.scalar(sa.text("SHOW server_version_num"))) // 10_000
    raise DatabaseError(
        "This PostgreSQL has no PostGIS. Install it on the server, with Debian: "
        f"apt-get install postgresql-{version}-postgis-3. Then run again: gridgov db upgrade"
    )
