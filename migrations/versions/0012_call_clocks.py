"""The index of open orders holds what the clocks of callbacks ask, so that a day's first page reads it alone.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NAME = "ix_orders_unit_open"
COLUMNS = ["unit_code", "state", "due_at"]
OLD = ["replied_at", "contacted_at", "contact_by", "review"]
OPEN = sa.text("outcome = 'open'")


def _make(included: list[str]) -> None:
    op.drop_index(NAME, table_name="orders")
    op.create_index(
        NAME,
        "orders",
        COLUMNS,
        postgresql_include=included,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def upgrade() -> None:
    """Make it anew with what is asked now; SQLite's holds only its own columns."""
    _make([*OLD, "calls_missed", "call_again_at"])


def downgrade() -> None:
    """Make it as it was."""
    _make(OLD)
