"""Signed roots of the log, receipts of appeals, and the secrets by which callers ask; no role of an account reads them.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "signed_roots",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("statement", Json, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_signed_roots")),
        sa.UniqueConstraint("day", name=op.f("uq_signed_roots_day")),
    )
    op.create_table(
        "receipts",
        sa.Column("appeal_id", BigId, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("leaf_index", sa.Integer(), nullable=False),
        sa.Column("leaf", Json, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_receipts_appeal_id")),
        sa.ForeignKeyConstraint(
            ["number"], ["signed_roots.number"], name=op.f("fk_receipts_number")
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_number"), "receipts", ["number"])
    op.create_table(
        "caller_secrets",
        sa.Column("appeal_id", BigId, autoincrement=False, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_caller_secrets_appeal_id")
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_caller_secrets")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # without a policy of their own the roles of accounts see no row of them
        for table in ("receipts", "caller_secrets"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Remove them; what was published stays published."""
    for table in ("caller_secrets", "receipts", "signed_roots"):
        op.drop_table(table)
