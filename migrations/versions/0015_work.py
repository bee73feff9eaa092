"""Files with orders, calls and tasks; who of a unit has an order or a task in hand.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")
# Tasks are seen as their plans are: the policy asks the table itself, whose own policy tells.
SEES = (
    "gridgov_sees_order(order_id) OR plan_task_id IN (SELECT id FROM plan_tasks)",
    "true",
)
TABLES = ("attachments", "assignments")


def _make_subject() -> list[sa.Column[object]]:
    return [
        sa.Column("subject_kind", sa.String(length=8), nullable=False),
        sa.Column("subject_no", sa.String(length=160), nullable=False),
        sa.Column("order_id", BigId, nullable=True),
        sa.Column("plan_task_id", BigId, nullable=True),
    ]


def _make_keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f(f"fk_{table}_order_id")),
        sa.ForeignKeyConstraint(
            ["plan_task_id"], ["plan_tasks.id"], name=op.f(f"fk_{table}_plan_task_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def upgrade() -> None:
    """Make the tables; who sees the order or the task sees them."""
    op.create_table(
        "attachments",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("file_no", sa.String(length=36), nullable=False),
        *_make_subject(),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("removed_by", sa.String(length=64), nullable=True),
        sa.Column("removed_at", Instant(), nullable=True),
        *_make_keys("attachments"),
        sa.UniqueConstraint("file_no", name=op.f("uq_attachments_file_no")),
    )
    op.create_table(
        "assignments",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        *_make_subject(),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("assigned_by", sa.String(length=64), nullable=False),
        sa.Column("assigned_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_assignments_account_id")
        ),
        *_make_keys("assignments"),
    )
    op.create_index("ix_assignments_account", "assignments", ["account_id", "ended_at"])
    for table in TABLES:
        op.create_index(f"ix_{table}_subject", table, ["subject_kind", "subject_no", "id"])
        for column in ("order_id", "plan_task_id"):
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    if op.get_bind().dialect.name != "postgresql":
        return
    roles = ", ".join(ROLES)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {roles}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for role, rule in zip(ROLES, SEES, strict=True):
            op.execute(f"CREATE POLICY {role}_reads ON {table} FOR SELECT TO {role} USING ({rule})")
            op.execute(
                f"CREATE POLICY {role}_adds ON {table} FOR INSERT TO {role} WITH CHECK (true)"
            )
            op.execute(
                f"CREATE POLICY {role}_changes ON {table} FOR UPDATE TO {role} USING ({rule})"
            )
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")


def downgrade() -> None:
    """Remove them; the bytes stay in their folder."""
    for table in reversed(TABLES):
        op.drop_table(table)
