"""Row scope: numbers of appeals, the role under which accounts work, and what it may see.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the sequence of numbers; SQLite has one writer and needs none."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE SEQUENCE appeal_numbers")


def downgrade() -> None:
    """Take it away."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP SEQUENCE appeal_numbers")
