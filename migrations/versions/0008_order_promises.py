"""What the loop of orders promises: retries of callbacks, extensions, bounces, files, conferences, forms sent once.

Who had an order keeps its sight of it, and a street sees the emergencies in its territory; the person stays with those
who have the order or are called to it.

Revision ID: 0008
Revises: 0007
"""

# ruff: noqa: S608 - nothing here comes from outside

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = {"nullable": False, "server_default": ""}
NOUGHT = {"nullable": False, "server_default": "0"}
OPEN = {"nullable": True}
COLUMNS = {
    "orders": (
        ("extension_until", sa.Date(), OPEN),
        ("extensions", sa.Integer(), NOUGHT),
        ("bounces", sa.Integer(), NOUGHT),
        ("handover_no", sa.String(64), TEXT),
        ("calls_missed", sa.Integer(), NOUGHT),
        ("call_again_at", Instant(), OPEN),
        ("clock_from", Instant(), OPEN),
    ),
    "disputes": (
        ("conference_on", sa.Date(), OPEN),
        ("persons", sa.Text(), TEXT),
        ("minutes", sa.Text(), TEXT),
    ),
    "callbacks": (("not_reached", sa.String(32), TEXT),),
    "city_packs": (("in_force_from", sa.Date(), OPEN),),
}
INDEXES = (
    ("ix_orders_merged_into", "orders", "merged_into", "merged_into <> ''"),
    ("ix_orders_emergency", "orders", "street_code", "route = 'emergency'"),
    ("ix_appeal_persons_phone", "appeal_persons", "phone", "phone IS NOT NULL"),
    ("ix_appeal_persons_name", "appeal_persons", "name", "name IS NOT NULL"),
)
"""Name, table, column, and the rows that are in it."""

ROLES = ("gridgov_app", "gridgov_city")
PERSONAL = "(SELECT gridgov_is_on('sees_personal'))"
_DEFINER = "LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp"
_CALLED = (
    "SELECT {column} FROM whistle_calls w JOIN called_units c ON c.call_id = w.id "
    "WHERE c.unit_code = ANY (gridgov_units())"
)
WHISTLED = f"EXISTS ({_CALLED.format(column=1)} AND w.order_id = number)"
OLD_CALLED = f"bigint[] {_DEFINER} AS $$ SELECT coalesce(array_agg(w.order_id), '{{}}') FROM whistle_calls w JOIN called_units c ON c.call_id = w.id WHERE c.unit_code = ANY (gridgov_units()) $$"
OLD_IS_CALLED = f"boolean {_DEFINER} AS $$ SELECT {WHISTLED} $$"
NEW_CALLED = (
    f"bigint[] {_DEFINER} AS $$ SELECT coalesce(array_agg(seen.id), '{{}}') FROM ("
    f"{_CALLED.format(column='w.order_id AS id')} "
    "UNION SELECT t.order_id FROM transfers t WHERE t.from_unit_code = ANY (gridgov_units()) "
    "UNION SELECT o.id FROM orders o WHERE o.route = 'emergency' AND o.street_code = ANY (gridgov_units())"
    ") seen $$"
)
NEW_IS_CALLED = (
    f"boolean {_DEFINER} AS $$ SELECT {WHISTLED} "
    "OR EXISTS (SELECT 1 FROM transfers t WHERE t.order_id = number AND t.from_unit_code = ANY (gridgov_units())) "
    "OR EXISTS (SELECT 1 FROM orders o WHERE o.id = number AND o.route = 'emergency' "
    "AND o.street_code = ANY (gridgov_units())) $$"
)
HOLDS_APPEAL = (
    f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM orders o WHERE o.appeal_id = appeal "
    "AND (o.unit_code = ANY (gridgov_units()) OR EXISTS ("
    f"{_CALLED.format(column=1)} AND w.order_id = o.id))) $$"
)
OF_ORDERS = ("order_files", "order_extensions")


def upgrade() -> None:
    """Add columns, tables, indexes and what may be seen."""
    for table, columns in COLUMNS.items():
        for name, kind, options in columns:
            op.add_column(table, sa.Column(name, kind, **options))
    _make_tables()
    op.create_index(op.f("ix_transfers_from_unit_code"), "transfers", ["from_unit_code"])
    for name, table, column, rows in INDEXES:
        where = sa.text(rows)
        op.create_index(name, table, [column], postgresql_where=where, sqlite_where=where)
    if op.get_bind().dialect.name == "postgresql":
        _open_to_roles()


def _make_tables() -> None:
    op.create_table(
        "order_files",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_files_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_files")),
    )
    op.create_table(
        "order_extensions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason_code", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), **TEXT),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("due_before", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_extensions_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_extensions")),
    )
    for table in OF_ORDERS:
        op.create_index(op.f(f"ix_{table}_order_id"), table, ["order_id"])
    op.create_table(
        "form_submits",
        sa.Column("submit_key", sa.String(64), nullable=False),
        sa.Column("order_no", sa.String(80), nullable=False),
        sa.Column("sent_by", sa.String(64), nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("submit_key", name=op.f("pk_form_submits")),
    )


def _open_to_roles() -> None:
    roles = ", ".join(ROLES)
    for table in (*OF_ORDERS, "form_submits"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles}")
    # Which form was sent is for the service alone, which works without the limits of an account.
    op.execute("ALTER TABLE form_submits ENABLE ROW LEVEL SECURITY")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")
    op.execute(
        f"CREATE OR REPLACE FUNCTION gridgov_is_called(number bigint) RETURNS {NEW_IS_CALLED}"
    )
    op.execute(f"CREATE OR REPLACE FUNCTION gridgov_called_orders() RETURNS {NEW_CALLED}")
    op.execute(f"CREATE FUNCTION gridgov_holds_appeal(appeal bigint) RETURNS {HOLDS_APPEAL}")
    _limit_persons("gridgov_holds_appeal(appeal_id)")
    for table in OF_ORDERS:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for role, rule in zip(ROLES, ("gridgov_sees_order(order_id)", "true"), strict=True):
            op.execute(f"CREATE POLICY {role}_reads ON {table} FOR SELECT TO {role} USING ({rule})")
            op.execute(
                f"CREATE POLICY {role}_adds ON {table} FOR INSERT TO {role} WITH CHECK (true)"
            )
            op.execute(
                f"CREATE POLICY {role}_changes ON {table} FOR UPDATE TO {role} USING ({rule})"
            )
            op.execute(
                f"CREATE POLICY {role}_removes ON {table} FOR DELETE TO {role} USING ({rule})"
            )


def _limit_persons(rule: str) -> None:
    for what in ("reads", "changes", "removes"):
        op.execute(
            f"ALTER POLICY gridgov_app_{what} ON appeal_persons USING ({PERSONAL} AND {rule})"
        )


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name == "postgresql":
        _limit_persons("gridgov_sees_appeal(appeal_id)")
        op.execute("DROP FUNCTION gridgov_holds_appeal(bigint)")
        op.execute(f"CREATE OR REPLACE FUNCTION gridgov_called_orders() RETURNS {OLD_CALLED}")
        op.execute(
            f"CREATE OR REPLACE FUNCTION gridgov_is_called(number bigint) RETURNS {OLD_IS_CALLED}"
        )
    for name, table, _column, _rows in INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_index(op.f("ix_transfers_from_unit_code"), table_name="transfers")
    op.drop_table("form_submits")
    for table in OF_ORDERS:
        op.drop_index(op.f(f"ix_{table}_order_id"), table_name=table)
        op.drop_table(table)
    for table, columns in COLUMNS.items():
        for name, _kind, _options in columns:
            op.drop_column(table, name)
