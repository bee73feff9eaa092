"""Tables and functions of the job library (procrastinate) on PostgreSQL; SQLite needs none, its jobs run in the process.

The SQL is the library's own, from the installed package (3.10). A later version of the library brings steps of its own
in ``procrastinate/sql/migrations``; they become a migration of ours when the locked version changes.

Revision ID: 0004
Revises: 0003
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DROP = """
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables
        WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE format('DROP TABLE %I CASCADE', one.tablename);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', one.signature);
    END LOOP;
    FOR one IN SELECT t.typname FROM pg_type t
        WHERE t.typnamespace = current_schema()::regnamespace AND t.typname LIKE 'procrastinate\\_%'
            AND t.typtype IN ('e', 'c')
    LOOP
        EXECUTE format('DROP TYPE %I CASCADE', one.typname);
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Make what the library needs."""
    _run(SchemaManager.get_schema())


def downgrade() -> None:
    """Remove it, with all its jobs."""
    _run(DROP)


def _run(script: str) -> None:
    """Run a script of several statements; the driver does so only where it is given no parameters."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        with bind.connection.cursor() as cursor:
            cursor.execute(script)
