"""Passwords that somebody else knows; secrets that the service makes for itself.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and make the table; no role of an account is granted the table."""
    given = sa.Column("password_given", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("accounts", given)
    with op.batch_alter_table("accounts") as accounts:
        accounts.alter_column("password_given", server_default=None)
    op.create_table(
        "kept_secrets",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_kept_secrets")),
    )


def downgrade() -> None:
    """Remove both; the salt of PostgreSQL goes with its table."""
    op.drop_table("kept_secrets")
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("password_given")
