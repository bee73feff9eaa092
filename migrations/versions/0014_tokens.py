"""Tokens of programs, and what calls with an idempotency key were answered.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")
OWN = "(SELECT gridgov_is_on('keeps')) OR account_id = (SELECT gridgov_account())"  # as account_sessions


def upgrade() -> None:
    """Make the tables; kept answers are for the service alone, which works without the limits of an account."""
    op.create_table(
        "api_tokens",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_api_tokens_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_account_id"), "api_tokens", ["account_id"])
    op.create_table(
        "kept_answers",
        sa.Column("call_key", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("call_key", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_made_at"), "kept_answers", ["made_at"])
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY")
    for role in ROLES:
        op.execute(f"GRANT SELECT ON api_tokens TO {role}")
        op.execute(f"CREATE POLICY {role}_reads ON api_tokens FOR SELECT TO {role} USING ({OWN})")


def downgrade() -> None:
    """Remove them."""
    op.drop_index(op.f("ix_kept_answers_made_at"), table_name="kept_answers")
    op.drop_table("kept_answers")
    op.drop_index(op.f("ix_api_tokens_account_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
