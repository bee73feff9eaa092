"""Row-level security on real PostgreSQL: who may install it, and what it costs the list of one street."""

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import DatabaseError, make_config, make_engine
from gridgov.storage.models.orders import Order
from gridgov.storage.scope.apply import Scope, bind

STREETS = 40


def make_scope_of(unit: str, *, sees_all: bool = False) -> Scope:
    return Scope(
        account_id=1,
        person_key="x",
        role=Role.STREET_CENTRE,
        unit_code=unit,
        unit_codes=(unit,),
        sees_all=sees_all,
        sees_personal=True,
    )


def fill(engine: sa.Engine, rows: int) -> None:
    """Add orders spread evenly over the streets, by statements of the database itself."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO appeals (source, appeal_no, received_at, boundary_version, created_at) "
                "SELECT 'x', n::text, now() - n * interval '1 minute', '1', now() FROM generate_series(1, :n) n"
            ),
            {"n": rows},
        )
        connection.execute(
            sa.text(
                "INSERT INTO orders (order_no, appeal_id, version, state, state_at, unit_code, desk_code, "
                "bound_unit_code, merged_into, replied_by, route, grade, review, reasons, outcome, received_at, "
                "boundary_version, street_code) SELECT appeal_no || '-1', id, 1, 'dispatched', received_at, "
                "'U' || id % :streets, 'Q', '', '', '', 'street', '24h', false, '', 'open', received_at, '1', "
                "'U' || id % :streets FROM appeals"
            ),
            {"streets": STREETS},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE orders"))


def explain(session: Session, query: sa.Select) -> str:
    """Return the plan of a query as the database makes it for this session."""
    bound = session.info["gridgov_scope"]
    assert isinstance(bound, Scope)
    text = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    lines = session.scalars(sa.text(f"EXPLAIN {text}"))
    return "\n".join(lines)


@pytest.mark.parametrize("sees_all", [False, True])
def test_the_list_of_one_street_uses_its_index(postgres: sa.Engine, sees_all: bool) -> None:
    fill(postgres, 20_000)
    query = (
        sa.select(Order.order_no, Order.state, Order.due_at)
        .where(Order.unit_code == "U7")
        .order_by(Order.received_at.desc(), Order.id.desc())
        .limit(50)
    )
    with bind(Session(postgres), make_scope_of("U7", sees_all=sees_all)) as session:
        plan = explain(session, query)
        found = session.execute(query).all()
    assert len(found) == 50
    assert "Seq Scan on orders" not in plan
    assert "ix_orders_unit" in plan


def test_an_account_that_may_not_make_roles_is_told_what_to_do(postgres: sa.Engine) -> None:
    """Migrations by a plain owner of a database, in a cluster where the roles are or are not there."""
    url = postgres.url
    with postgres.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS gridgov_plain"))
        connection.execute(sa.text("CREATE ROLE gridgov_plain LOGIN"))
        connection.execute(sa.text(f"ALTER DATABASE {url.database} OWNER TO gridgov_plain"))
        command.downgrade(make_config(postgres), "0002")
        for table in sa.inspect(postgres).get_table_names():
            if table != "spatial_ref_sys":
                connection.execute(sa.text(f"ALTER TABLE {table} OWNER TO gridgov_plain"))
        connection.execute(sa.text("GRANT CREATE ON SCHEMA public TO gridgov_plain"))
    plain = make_engine(url.set(username="gridgov_plain"))
    try:
        with pytest.raises(DatabaseError, match=r"CREATE ROLE gridgov_app.*gridgov db upgrade"):
            command.upgrade(make_config(plain), "0003")
        with postgres.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("GRANT gridgov_app, gridgov_city TO gridgov_plain"))
        command.upgrade(make_config(plain), "0003")
        with bind(Session(plain), make_scope_of("U1")) as session:
            assert session.scalars(sa.select(Order.id)).all() == []
    finally:
        plain.dispose()
        with postgres.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("REASSIGN OWNED BY gridgov_plain TO CURRENT_USER"))
            connection.execute(sa.text("DROP OWNED BY gridgov_plain"))
            connection.execute(sa.text("DROP ROLE gridgov_plain"))
