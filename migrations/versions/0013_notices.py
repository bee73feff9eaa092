"""Inbox: what was shown to whom, and each account's choices. Check-ins: who came, with which powers, how sure of the place.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Instant, Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")
CHECK_IN_COLUMNS = ("brought", "accuracy_m", "is_sure", "by_name", "note")
OWN = "account_id = (SELECT gridgov_account())"
INDEXES = {
    "ix_messages_unit": ["unit_code", "id"],
    "ix_messages_account": ["account_id", "id"],
    "ix_messages_order": ["order_no"],
}


def upgrade() -> None:
    """Add columns and indexes, make the table of choices; each account reads and writes its own."""
    op.add_column(
        "messages",
        sa.Column("event_key", sa.String(length=120), nullable=False, server_default=""),
    )
    op.add_column("messages", sa.Column("shown_at", Instant(), nullable=True))
    op.drop_index(op.f("ix_messages_unit_code"), table_name="messages")
    for name, columns in INDEXES.items():
        op.create_index(name, "messages", columns)
    # What was checked in before was asked nothing.
    for column in (
        sa.Column("brought", Json, nullable=True),
        sa.Column("accuracy_m", sa.Float(53), nullable=True),
        sa.Column("is_sure", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("by_name", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("check_ins", column)
    op.create_table(
        "notice_settings",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("chosen", Json, nullable=False),
        sa.Column("digest_hour", sa.SmallInteger(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=False),
        sa.Column("digested_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_notice_settings_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_notice_settings")),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON notice_settings TO {', '.join(ROLES)}")
    op.execute("ALTER TABLE notice_settings ENABLE ROW LEVEL SECURITY")
    for role in ROLES:
        for what, rule in (
            ("reads", f"FOR SELECT TO {role} USING ({OWN})"),
            ("adds", f"FOR INSERT TO {role} WITH CHECK ({OWN})"),
            ("changes", f"FOR UPDATE TO {role} USING ({OWN})"),
        ):
            op.execute(f"CREATE POLICY {role}_{what} ON notice_settings {rule}")


def downgrade() -> None:
    """Take it away again; what people chose is lost."""
    with op.batch_alter_table("check_ins") as check_ins:
        for name in reversed(CHECK_IN_COLUMNS):
            check_ins.drop_column(name)
    op.drop_table("notice_settings")
    for name in INDEXES:
        op.drop_index(name, table_name="messages")
    op.create_index(op.f("ix_messages_unit_code"), "messages", ["unit_code"])
    with op.batch_alter_table("messages") as messages:
        messages.drop_column("shown_at")
        messages.drop_column("event_key")
