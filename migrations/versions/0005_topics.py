"""Monthly topics: candidates, and what people chose.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "topics",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("scope_code", sa.String(length=32), nullable=False),
        sa.Column("topic_code", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("theme_code", sa.String(length=200), nullable=False),
        sa.Column("theme_name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topics")),
        sa.UniqueConstraint(
            "year", "scope_code", "topic_code", name=op.f("uq_topics_year_scope_code_topic_code")
        ),
    )
    op.create_table(
        "topic_choices",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("scope_code", sa.String(length=32), nullable=False),
        sa.Column("topic_code", sa.String(length=200), nullable=False),
        sa.Column("is_picked", sa.Boolean(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("lead_unit_code", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.String(length=64), nullable=False),
        sa.Column("chosen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_choices")),
    )
    op.create_index("ix_topic_choices_year_scope_code", "topic_choices", ["year", "scope_code"])
    if op.get_bind().dialect.name != "postgresql":
        return
    # Candidates are figures of areas, like hotspots: whoever may open the page may see them. A choice is only added.
    roles = ", ".join(ROLES)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON topics TO {roles}")
    op.execute(f"GRANT SELECT, INSERT ON topic_choices TO {roles}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_topic_choices_year_scope_code", table_name="topic_choices")
    op.drop_table("topic_choices")
    op.drop_table("topics")
