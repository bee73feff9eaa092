"""Guards of the log: the database itself refuses to change or remove what was recorded.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHAINS = 16

POSTGRES_UP = (
    """
    CREATE FUNCTION gridgov_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% on % is refused: the log is only added to', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE FUNCTION gridgov_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.chain <> OLD.chain OR NEW.position <= OLD.position THEN
            RAISE EXCEPTION 'chain %: its head may not go from % to %', OLD.chain, OLD.position, NEW.position
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    (
        "CREATE TRIGGER log_entries_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION gridgov_refuse()"
    ),
    (
        "CREATE TRIGGER log_heads_refuse BEFORE DELETE OR TRUNCATE ON log_heads "
        "FOR EACH STATEMENT EXECUTE FUNCTION gridgov_refuse()"
    ),
    (
        "CREATE TRIGGER log_heads_forward BEFORE UPDATE ON log_heads "
        "FOR EACH ROW EXECUTE FUNCTION gridgov_forward()"
    ),
)
POSTGRES_DOWN = (
    "DROP TRIGGER log_heads_forward ON log_heads",
    "DROP TRIGGER log_heads_refuse ON log_heads",
    "DROP TRIGGER log_entries_refuse ON log_entries",
    "DROP FUNCTION gridgov_forward()",
    "DROP FUNCTION gridgov_refuse()",
)
SQLITE_UP = (
    (
        "CREATE TRIGGER log_entries_update BEFORE UPDATE ON log_entries BEGIN "
        "SELECT RAISE(ABORT, 'UPDATE on log_entries is refused: the log is only added to'); END"
    ),
    (
        "CREATE TRIGGER log_entries_delete BEFORE DELETE ON log_entries BEGIN "
        "SELECT RAISE(ABORT, 'DELETE on log_entries is refused: the log is only added to'); END"
    ),
    # INSERT OR REPLACE removes the old row without asking the trigger above.
    (
        "CREATE TRIGGER log_entries_replace BEFORE INSERT ON log_entries "
        "WHEN EXISTS (SELECT 1 FROM log_entries WHERE id = NEW.id) OR EXISTS "
        "(SELECT 1 FROM log_entries WHERE chain = NEW.chain AND position = NEW.position) BEGIN "
        "SELECT RAISE(ABORT, 'REPLACE on log_entries is refused: the log is only added to'); END"
    ),
    (
        "CREATE TRIGGER log_heads_delete BEFORE DELETE ON log_heads BEGIN "
        "SELECT RAISE(ABORT, 'DELETE on log_heads is refused: the log is only added to'); END"
    ),
    (
        "CREATE TRIGGER log_heads_replace BEFORE INSERT ON log_heads "
        "WHEN EXISTS (SELECT 1 FROM log_heads WHERE chain = NEW.chain) BEGIN "
        "SELECT RAISE(ABORT, 'REPLACE on log_heads is refused: the log is only added to'); END"
    ),
    (
        "CREATE TRIGGER log_heads_forward BEFORE UPDATE ON log_heads "
        "WHEN NEW.chain <> OLD.chain OR NEW.position <= OLD.position BEGIN "
        "SELECT RAISE(ABORT, 'the head of a chain of the log may only move forward'); END"
    ),
)
SQLITE_DOWN = tuple(
    f"DROP TRIGGER {name}"
    for name in (
        "log_heads_forward",
        "log_heads_replace",
        "log_heads_delete",
        "log_entries_replace",
        "log_entries_delete",
        "log_entries_update",
    )
)


def _is_postgres() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    """Set the heads of the chains to nothing, then guard them."""
    heads = sa.table(
        "log_heads",
        sa.column("chain", sa.SmallInteger),
        sa.column("position", sa.BigInteger),
        sa.column("hash", sa.LargeBinary),
    )
    op.bulk_insert(heads, [{"chain": at, "position": 0, "hash": bytes(32)} for at in range(CHAINS)])
    for statement in POSTGRES_UP if _is_postgres() else SQLITE_UP:
        op.execute(statement)


def downgrade() -> None:
    """Take the guards away."""
    for statement in POSTGRES_DOWN if _is_postgres() else SQLITE_DOWN:
        op.execute(statement)
    op.execute("DELETE FROM log_heads")
