"""The life of plans: states, seals, assignments, steps, comments, decisions on classes, what follows a rank.

What is approved is sealed: the database refuses to change its words. Drafts and comments are for the street and those
above it; what is approved is for everybody who may read plans.

Revision ID: 0006
Revises: 0005
"""

# ruff: noqa: S608 - nothing here comes from outside

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = {"nullable": False, "server_default": ""}
PLAN_COLUMNS = (
    ("state", sa.String(32), {"nullable": False, "server_default": "draft"}),
    ("state_at", Instant(), {"nullable": True}),
    ("version", sa.Integer(), {"nullable": False, "server_default": "1"}),
    ("author_keys", Json, {"nullable": False, "server_default": "[]"}),
    ("submitted_by", sa.String(64), TEXT),
    ("approved_by", sa.String(64), TEXT),
    ("approved_name", sa.Text(), TEXT),
    ("sealed_at", Instant(), {"nullable": True}),
    ("closing", sa.Text(), TEXT),
)
TASK_COLUMNS = (
    ("task_id", sa.String(80), TEXT),
    ("street_code", sa.String(32), TEXT),
    ("start_on", sa.Date(), {"nullable": True}),
    ("assignee", sa.Text(), TEXT),
    ("told_on", sa.Date(), {"nullable": True}),
    ("version", sa.Integer(), {"nullable": False, "server_default": "1"}),
)
CLASS_COLUMNS = (("decided_name", sa.Text(), TEXT), ("decided_reason", sa.Text(), TEXT))
COLUMNS = {"plans": PLAN_COLUMNS, "plan_tasks": TASK_COLUMNS, "street_classes": CLASS_COLUMNS}

SEALED = ("plan_no", "street_code", "period", "revision", "content_hash", "document", "sealed_at")
"""Columns that nobody changes once a plan is approved."""

ROLES = ("gridgov_app", "gridgov_city")
UNITS = "(SELECT gridgov_units())::text[]"
_DEFINER = "LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp"
FUNCTIONS = {
    "gridgov_sees_plan(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM plans p WHERE p.id = number "
        "AND (p.sealed_at IS NOT NULL OR p.street_code = ANY (gridgov_units()))) $$"
    ),
    "gridgov_sees_plan_task(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM plan_tasks t WHERE t.id = number "
        "AND gridgov_sees_plan(t.plan_id)) $$"
    ),
}
SEES_ENTRY = (
    "CREATE OR REPLACE FUNCTION gridgov_sees_entry(kind text, number text) RETURNS "
    "boolean " + _DEFINER + " AS $$ SELECT CASE kind "
    "WHEN 'order' THEN EXISTS (SELECT 1 FROM orders o WHERE o.order_no = number AND gridgov_sees_order(o.id)) "
    "WHEN 'whistle' THEN EXISTS (SELECT 1 FROM whistle_calls w WHERE w.call_no = number "
    "AND gridgov_sees_order(w.order_id)) {plans}ELSE false END $$"
)
OF_PLAN = (
    "WHEN 'plan' THEN EXISTS (SELECT 1 FROM plans p WHERE p.plan_no = number "
    "AND p.street_code = ANY (gridgov_units())) "
)
POLICIES = {
    "plans": (f"sealed_at IS NOT NULL OR street_code = ANY ({UNITS})", "true"),
    "plan_tasks": ("gridgov_sees_plan(plan_id)", "true"),
    "plan_task_steps": ("gridgov_sees_plan_task(plan_task_id)", "true"),
    "plan_comments": (f"street_code = ANY ({UNITS})", "true"),
    "rank_follow_ups": (f"unit_code = ANY ({UNITS})", "true"),
}
NEW_TABLES = ("plan_task_steps", "plan_comments", "rank_follow_ups")


def upgrade() -> None:
    """Make columns, tables, seals and policies."""
    for table, columns in COLUMNS.items():
        for name, kind, options in columns:
            op.add_column(table, sa.Column(name, kind, **options))
    op.create_index("ix_plans_state", "plans", ["state", "street_code"])
    op.create_index(op.f("ix_plan_tasks_task_id"), "plan_tasks", ["task_id"])
    op.create_table(
        "plan_task_steps",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("plan_task_id", BigId, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("by_key", sa.String(64), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.String(32), nullable=False),
        sa.Column("progress_share", sa.Float(precision=53), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_task_id"], ["plan_tasks.id"], name=op.f("fk_plan_task_steps_plan_task_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_task_steps")),
    )
    op.create_index(op.f("ix_plan_task_steps_plan_task_id"), "plan_task_steps", ["plan_task_id"])
    op.create_table(
        "plan_comments",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("street_code", sa.String(32), nullable=False),
        sa.Column("plan_no", sa.String(80), nullable=False),
        sa.Column("task_id", sa.String(80), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by_key", sa.String(64), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_comments")),
    )
    op.create_index("ix_plan_comments_street", "plan_comments", ["street_code", "at"])
    op.create_table(
        "rank_follow_ups",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("month", sa.String(16), nullable=False),
        sa.Column("unit_code", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("of_units", sa.Integer(), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("noticed_at", Instant(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("persons", sa.Text(), nullable=False),
        sa.Column("tasks", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rank_follow_ups")),
        sa.UniqueConstraint(
            "month", "unit_code", "kind", name=op.f("uq_rank_follow_ups_month_unit_code_kind")
        ),
    )
    op.create_index(op.f("ix_rank_follow_ups_unit_code"), "rank_follow_ups", ["unit_code"])
    if op.get_bind().dialect.name == "postgresql":
        _upgrade_postgres()
    else:
        changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in SEALED)
        op.execute(
            f"CREATE TRIGGER plans_sealed BEFORE UPDATE ON plans WHEN OLD.sealed_at IS NOT NULL AND ({changed}) "
            "BEGIN SELECT RAISE(ABORT, 'this plan is approved and sealed: make a new revision'); END"
        )
        op.execute(
            "CREATE TRIGGER plans_kept BEFORE DELETE ON plans WHEN OLD.sealed_at IS NOT NULL "
            "BEGIN SELECT RAISE(ABORT, 'this plan is approved and sealed: it is kept'); END"
        )


def _upgrade_postgres() -> None:
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in SEALED)
    op.execute(
        f"""
        CREATE FUNCTION gridgov_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.sealed_at IS NOT NULL AND (TG_OP = 'DELETE' OR ({changed})) THEN
                RAISE EXCEPTION 'plan % is approved and sealed: make a new revision', OLD.plan_no
                    USING ERRCODE = 'restrict_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER plans_sealed BEFORE UPDATE OR DELETE ON plans "
        "FOR EACH ROW EXECUTE FUNCTION gridgov_sealed()"
    )
    roles = ", ".join(ROLES)
    for table in NEW_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")
    for name, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name} RETURNS {body}")
    op.execute(SEES_ENTRY.format(plans=OF_PLAN))
    for table, rules in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for role, rule in zip(ROLES, rules, strict=True):
            op.execute(f"CREATE POLICY {role}_reads ON {table} FOR SELECT TO {role} USING ({rule})")
            op.execute(
                f"CREATE POLICY {role}_adds ON {table} FOR INSERT TO {role} WITH CHECK (true)"
            )
            op.execute(
                f"CREATE POLICY {role}_changes ON {table} FOR UPDATE TO {role} USING ({rule})"
            )
            op.execute(
                f"CREATE POLICY {role}_removes ON {table} FOR DELETE TO {role} USING ({rule})"
            )


def downgrade() -> None:
    """Take all of it away; what was decided is lost."""
    if op.get_bind().dialect.name == "postgresql":
        for table in POLICIES:
            for role in ROLES:
                for what in ("reads", "adds", "changes", "removes"):
                    op.execute(f"DROP POLICY {role}_{what} ON {table}")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(SEES_ENTRY.format(plans=""))
        for name in reversed(FUNCTIONS):
            op.execute(f"DROP FUNCTION {name}")
        op.execute("DROP TRIGGER plans_sealed ON plans")
        op.execute("DROP FUNCTION gridgov_sealed()")
    else:
        op.execute("DROP TRIGGER plans_kept")
        op.execute("DROP TRIGGER plans_sealed")
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.drop_index(op.f("ix_plan_tasks_task_id"), table_name="plan_tasks")
    op.drop_index("ix_plans_state", table_name="plans")
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table) as batch:
            for name, _, _ in reversed(columns):
                batch.drop_column(name)
