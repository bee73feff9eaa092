"""``gridgov db``: bring the database to the schema of this program, or say what is between them."""

from collections.abc import Iterator
from contextlib import contextmanager

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
    open_engine,
)
from gridgov.storage.db_damage import find_damage
from gridgov.storage.db_faults import explain
from gridgov.storage.service_role import find_services, grant_service


@click.group()
def db() -> None:
    """Make, upgrade or check the database that GRIDGOV_DATABASE_URL names."""


@db.command()
def upgrade() -> None:
    """Bring the database to the schema of this program. Back it up first.

    Each step is one transaction, and only one upgrade runs at a time.
    """
    with open_as_owner() as engine:
        _upgrade(engine)


def _upgrade(engine: sa.Engine) -> None:
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
    grant_again(engine)
    click.echo(f"schema {before or 'empty'} → {wanted}")


@contextmanager
def open_as_owner() -> Iterator[sa.Engine]:
    """Give the database of the settings, of whatever schema, as the owner of its tables."""
    settings = read_settings()
    engine = make_engine(settings.owner_url or settings.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def grant_again(engine: sa.Engine) -> None:
    """Give the logins of the service what the upgrade has added."""
    with engine.begin() as connection:
        for login in find_services(connection):
            grant_service(connection, login)


@db.command()
@click.argument("login")
def grant(*, login: str) -> None:
    """Let the database role LOGIN run the service (PostgreSQL).

    It can then neither change the tables and the guards of the log nor give roles to accounts. Run as the owner of the
    tables (GRIDGOV_OWNER_URL); upgrades do it again by themselves.
    """
    with open_as_owner() as engine, check_schema(engine).begin() as connection:
        grant_service(connection, login)
    click.echo(f"{login} may run the service: set GRIDGOV_DATABASE_URL to connect as it")


@db.command()
@click.option(
    "--deep",
    is_flag=True,
    help="Also read every page and row, the log and what it says of the orders; exit code 1 if anything is damaged.",
)
@click.pass_context
def check(ctx: click.Context, *, deep: bool) -> None:
    """Say whether the database has the schema of this program; exit code 2 if not."""
    with open_engine(read_settings().database_url) as engine:
        check_postgis(engine)
        click.echo(f"schema {get_wanted_revision()}: as this program needs it")
        if not deep:
            return
        faults = find_damage(engine)
    for one in faults:
        click.echo(one)
    click.echo(f"{len(faults)} faults" if faults else "every page, row, entry and order is whole")
    ctx.exit(1 if faults else 0)


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
