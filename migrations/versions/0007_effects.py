"""Effects of tasks that are done, and analyses of the whole city as documents.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")
TABLES = ("task_effects", "analyses")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "task_effects",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("task_id", sa.String(length=80), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("plan_no", sa.String(length=80), nullable=False),
        sa.Column("task_no", sa.String(length=64), nullable=False),
        sa.Column("street_code", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("watch_to", sa.Date(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("judged_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_effects")),
        sa.UniqueConstraint("task_id", "done_on", name=op.f("uq_task_effects_task_id_done_on")),
    )
    op.create_index(op.f("ix_task_effects_plan_no"), "task_effects", ["plan_no"])
    op.create_index(op.f("ix_task_effects_street_code"), "task_effects", ["street_code"])
    op.create_table(
        "analyses",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_analyses")),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    # Tasks are done in plans that are approved, which are for everybody who may read plans; analyses are figures of areas.
    roles = ", ".join(ROLES)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")


def downgrade() -> None:
    """Remove them."""
    op.drop_table("analyses")
    op.drop_index(op.f("ix_task_effects_street_code"), table_name="task_effects")
    op.drop_index(op.f("ix_task_effects_plan_no"), table_name="task_effects")
    op.drop_table("task_effects")
