"""A login that runs the service and owns nothing: what it does all day works, what a thief of it would do does not."""

import contextlib
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gridgov.errors import GridgovError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.accounts.manage import find_account, get_actor, set_password
from gridgov.services.accounts.sign_in import SignInOutcome, start_session, try_password
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import run_once
from gridgov.services.worker.table import JOBS, WorkerContext
from gridgov.storage.audit.reconcile import reconcile
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import DatabaseError, make_engine, make_sessions, transaction
from gridgov.storage.service_role import find_services, grant_service
from tests.gridgov.services.city import CENTRE, do, take
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import PASSWORD, sign_in

# Statements here are the test's own.


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("apart"))


@pytest.fixture
def login(postgres):
    """A login without any right, dropped at the end."""
    name = f"service_{uuid.uuid4().hex[:10]}"
    with postgres.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD 'test'"))
    yield name
    with postgres.begin() as connection:
        connection.execute(sa.text(f"DROP OWNED BY {name}"))
        connection.execute(sa.text(f"DROP ROLE {name}"))


@pytest.fixture
def service(postgres, login, runtime):
    """The loaded city, as the login of the service sees it."""
    seed_city(postgres, runtime)
    with postgres.begin() as connection:
        grant_service(connection, login)
        grant_service(connection, login)  # safe to repeat
        assert find_services(connection) == [login]
    engine = make_engine(postgres.url.set(username=login, password="test"))
    yield engine
    engine.dispose()


def test_the_service_does_its_day_as_a_login_that_owns_nothing(service, runtime):
    sessions = make_sessions(service)
    with transaction(sessions) as session:
        number = take(session, runtime, name="王芳", phone="13812345678").order_nos[0]
        do(session, runtime, number, OrderAction.ACCEPT, CENTRE, minutes=1)
    settings = ServiceSettings(city=str(runtime.city.settings.file.parent), salt="test")
    assert run_once(WorkerContext(settings=settings, engine=service), JOBS) == []
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        tried = try_password(session, "dispatcher", PASSWORD, settings=settings, now=now)
        assert tried.outcome is SignInOutcome.DONE
        start_session(session, tried.account, settings=settings, now=now, address="")
        account = find_account(session, "auditor")
        set_password(session, account, "another tin whistle", now=now, actor=get_actor(account))
    client = make_city_pages(service, runtime).test_client()
    assert sign_in(client, "supervisor").status_code == 302
    assert number in client.get("/orders?window=2024-03-01..2024-03-31").text
    assert "王芳" in client.get(f"/orders/{number}").text
    with sessions() as session:
        assert verify(session) == []
        assert reconcile(session) == []


THEFTS = {
    "drop a guard": "DROP TRIGGER log_entries_refuse ON log_entries",
    "switch the guards off": "ALTER TABLE log_entries DISABLE TRIGGER ALL",
    "switch the guards off for itself": "SET session_replication_role = replica",
    "drop a policy": "DROP POLICY gridgov_app_reads ON orders",
    "switch the policies off": "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
    "change an entry": "UPDATE log_entries SET action = 'x'",
    "remove entries": "DELETE FROM log_entries",
    "empty the log": "TRUNCATE log_entries",
    "move a head forward": "UPDATE log_heads SET position = position + 1000",
    "move a head back": "UPDATE log_heads SET position = 0",
    "remove a head": "DELETE FROM log_heads",
    "give itself a role": "UPDATE accounts SET role = 'administrator' WHERE login = 'operator'",
    "put an account elsewhere": "UPDATE accounts SET unit_code = '110101' WHERE login = 'operator'",
    "make an account": (
        "INSERT INTO accounts (login, name, role, unit_code, person_key, language, active, wrong_tries, created_at, "
        "password_given) VALUES ('x', 'x', 'administrator', 'x', 'x', 'en', true, 0, now(), false)"
    ),
    "remove an account": "DELETE FROM accounts",
    "add a webhook": "INSERT INTO webhooks (unit_code, topic, url, active) VALUES ('', '*', 'http://evil', true)",
    "change the salt": "UPDATE kept_secrets SET value = 'x'",
    "drop a table": "DROP TABLE orders",
    "change the schema's revision": "UPDATE alembic_version SET version_num = '0001'",
    "replace a function": (
        "CREATE OR REPLACE FUNCTION gridgov_is_on(name text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
    ),
    "make a role": "CREATE ROLE thief SUPERUSER",
}


@pytest.mark.parametrize("statement", THEFTS.values(), ids=THEFTS)
def test_what_a_thief_of_the_service_would_do_is_refused(service, runtime, statement):
    with transaction(make_sessions(service)) as session:
        take(session, runtime)
    with service.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(sa.text(statement))


def test_webhooks_stay_where_they_are(postgres, service):
    added = (
        "INSERT INTO webhooks (unit_code, topic, url, active) VALUES ('', '*', 'http://good', true)"
    )
    with postgres.begin() as connection:
        connection.execute(sa.text(added))
    with service.begin() as connection:
        connection.execute(sa.text("UPDATE webhooks SET url = 'http://evil.example'"))
        connection.execute(sa.text("DELETE FROM webhooks"))
        assert connection.scalars(sa.text("SELECT url FROM webhooks")).all() == ["http://good"]


ACCOUNT_THEFTS = (
    "give itself a role",
    "make an account",
    "remove an account",
    "move a head forward",
)


@pytest.mark.parametrize("role", ["gridgov_app", "gridgov_city"])
@pytest.mark.parametrize("what", ACCOUNT_THEFTS)
def test_nor_may_the_roles_of_accounts(postgres, runtime, role, what):
    seed_city(postgres, runtime)
    with postgres.connect() as connection:
        connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
        with pytest.raises(sa.exc.DBAPIError):
            connection.execute(sa.text(THEFTS[what]))


@pytest.mark.parametrize("keeps", ["on", "off"])
def test_webhooks_are_changed_by_their_keepers_alone(postgres, keeps):
    with postgres.connect() as connection:
        connection.execute(sa.text(f"SELECT set_config('gridgov.keeps', '{keeps}', true)"))
        connection.execute(sa.text("SET LOCAL ROLE gridgov_city"))
        refused = pytest.raises(sa.exc.DBAPIError, match="row-level security")
        with contextlib.nullcontext() if keeps == "on" else refused:
            connection.execute(sa.text(THEFTS["add a webhook"]))


def test_who_cannot_be_the_service_is_said(postgres, sqlite_template):
    with postgres.connect() as connection:
        with pytest.raises(DatabaseError, match="no database role"):
            grant_service(connection, "nobody at all")
        owner = connection.scalar(sa.text("SELECT current_user"))
        with pytest.raises(DatabaseError, match="superuser or owns"):
            grant_service(connection, owner)
    engine = make_engine(f"sqlite:///{sqlite_template}")
    with engine.connect() as connection, pytest.raises(GridgovError, match="no logins"):
        grant_service(connection, "x")
    engine.dispose()


def test_the_head_of_a_chain_goes_only_where_entries_lead(engine):
    """On both databases, for the owner too: a head further on would hide entries that were cut off."""
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="lead"):
        connection.execute(sa.text("UPDATE log_heads SET position = 5 WHERE chain = 3"))
